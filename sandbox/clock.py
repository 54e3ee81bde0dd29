"""The one source of time inside a simulator: the real clock moved by an offset, or standing still.

Tokens expire, indexes catch up and rate windows empty by this clock, so a test moves time instead
of waiting for it.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta


class VirtualClock:
    """Aware UTC time that a test may shift, freeze and set. Safe to share between threads."""

    def __init__(self, now: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        self._real = now
        self._offset = timedelta(0)
        self._frozen: datetime | None = None
        self._lock = threading.Lock()
        self._listeners: list[Callable[[], None]] = []

    def now(self) -> datetime:
        """The virtual time."""
        with self._lock:
            return self._now()

    def _now(self) -> datetime:
        return self._frozen if self._frozen is not None else self._real() + self._offset

    @property
    def frozen(self) -> bool:
        """Whether time stands still."""
        return self._frozen is not None

    def shift(self, by: timedelta) -> None:
        """Move time by so much, back when negative; a frozen clock moves and stays frozen."""
        with self._lock:
            if self._frozen is not None:
                self._frozen += by
            else:
                self._offset += by
        self._tell()

    def set(self, to: datetime) -> None:
        """Jump to an instant."""
        self.shift(to - self.now())

    def freeze(self) -> None:
        """Stop time where it is."""
        with self._lock:
            self._frozen = self._now()
        self._tell()

    def resume(self) -> None:
        """Let a frozen clock run on from where it stands."""
        with self._lock:
            if self._frozen is not None:
                self._offset = self._frozen - self._real()
                self._frozen = None
        self._tell()

    def reset(self) -> None:
        """Back to real time."""
        with self._lock:
            self._offset, self._frozen = timedelta(0), None
        self._tell()

    def subscribe(self, listener: Callable[[], None]) -> None:
        """Call ``listener`` after each jump, so that whoever waits on time can look again."""
        with self._lock:
            self._listeners.append(listener)

    def _tell(self) -> None:
        with self._lock:
            listeners = tuple(self._listeners)
        for listener in listeners:
            listener()


def iso_milliseconds(instant: datetime) -> str:
    """``2026-03-01T10:00:00.123Z``."""
    return instant.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.") + (
        f"{instant.microsecond // 1000:03d}Z"
    )
