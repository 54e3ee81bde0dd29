"""Streams that are left alone for a while: reading failed, or the system is still at work."""

from __future__ import annotations

from datetime import datetime, timedelta
from random import Random
from typing import Final

from engine.verdict import backoff

TRIES_MOST: Final = 4


class Rests:
    """Until when each stream is left alone. Lost with the process: then it is asked at once.

    Each stream is read by one thread at a time.
    """

    def __init__(self) -> None:
        self._failures: dict[str, tuple[int, datetime]] = {}
        self._at_work: dict[str, datetime] = {}

    def resting(self, name: str, now: datetime) -> bool:
        """Whether a stream is not to be read yet."""
        _tries, again_at = self._failures.get(name, (0, now))
        return again_at > now or self._at_work.get(name, now) > now

    def failed(self, name: str, now: datetime, random: Random) -> None:
        """Reading failed: the more often in a row, the longer the rest."""
        tries, _again_at = self._failures.get(name, (0, now))
        self._failures[name] = (tries + 1, now + backoff(min(tries, TRIES_MOST), random))

    def read(self, name: str, now: datetime, again_after: timedelta | None) -> None:
        """A page came; ``again_after`` says how long the system will be at work on the next."""
        self._failures.pop(name, None)
        self._at_work.pop(name, None)
        if again_after is not None:
            self._at_work[name] = now + again_after

    def failing(self) -> dict[str, datetime]:
        """Streams that could not be read, and when they are tried again."""
        return {name: again_at for name, (_tries, again_at) in self._failures.items()}

    def ends(self) -> list[datetime]:
        """When each rest ends."""
        return [*self.failing().values(), *self._at_work.values()]
