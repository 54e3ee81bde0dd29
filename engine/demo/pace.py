"""Time that the demo moves ahead, for the engine and all simulated systems alike."""

from __future__ import annotations

import threading
from datetime import datetime, timedelta
from typing import Final

from engine.clock import SystemClock
from engine.demo.simulators import Simulators

STEP_SECONDS: Final = 1.0
"""The least a wait is worth: moving all clocks takes as long whatever the distance."""


class SharedClock:
    """The machine's clock moved ahead, and every simulator's with it. Whoever sleeps moves it."""

    def __init__(self, simulators: Simulators) -> None:
        self._simulators = simulators
        self._real = SystemClock()
        self._ahead = timedelta(0)
        self._lock = threading.Lock()

    def now(self) -> datetime:
        """The present instant, as all systems have it."""
        with self._lock:
            return self._real.now() + self._ahead

    def sleep(self, seconds: float, wake: threading.Event | None = None) -> None:
        """Move on instead of waiting."""
        if wake is None or not wake.is_set():
            self.shift(timedelta(seconds=max(seconds, STEP_SECONDS)))

    def shift(self, by: timedelta) -> None:
        """Let time pass everywhere."""
        for system in self._simulators.urls:
            self._simulators.post(system, "clock", {"shift_seconds": by.total_seconds()})
        with self._lock:
            self._ahead += by
