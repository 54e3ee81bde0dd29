"""The only place that asks what time it is."""

from __future__ import annotations

import os
import threading
import time
from datetime import UTC, datetime, timedelta
from typing import Final, Protocol

EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
OFFSET_VARIABLE: Final = "REVLINE_CLOCK_OFFSET_SECONDS"


class Clock(Protocol):
    """Time as the engine sees it."""

    def now(self) -> datetime:
        """The present instant, aware UTC."""
        ...

    def sleep(self, seconds: float, wake: threading.Event | None = None) -> None:
        """Let time pass, or return early when ``wake`` is set."""
        ...


class SystemClock:
    """The machine's clock, shifted by ``REVLINE_CLOCK_OFFSET_SECONDS`` for rehearsals."""

    def __init__(self, offset: timedelta | None = None) -> None:
        if offset is None:
            offset = timedelta(seconds=float(os.environ.get(OFFSET_VARIABLE, "0")))
        self._offset = offset

    def now(self) -> datetime:
        return datetime.now(UTC) + self._offset

    def sleep(self, seconds: float, wake: threading.Event | None = None) -> None:
        if wake is None:
            time.sleep(seconds)
        else:
            wake.wait(seconds)


class ManualClock:
    """A clock that moves only when told; sleeping moves it."""

    def __init__(self, start: datetime) -> None:
        self._now = start
        self._lock = threading.Lock()

    def now(self) -> datetime:
        with self._lock:
            return self._now

    def advance(self, by: timedelta) -> None:
        """Move forward by ``by``."""
        with self._lock:
            self._now += by

    def sleep(self, seconds: float, wake: threading.Event | None = None) -> None:
        if wake is None or not wake.is_set():
            self.advance(timedelta(seconds=seconds))


def microseconds(instant: datetime) -> int:
    """Microseconds since 1970, exactly."""
    return (instant - EPOCH) // timedelta(microseconds=1)


def instant(value: int) -> datetime:
    """The instant that many microseconds after 1970."""
    return EPOCH + timedelta(microseconds=value)
