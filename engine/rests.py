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
        self._away: dict[str, datetime] = {}

    def resting(self, name: str, now: datetime) -> bool:
        """Whether a stream is not to be read yet."""
        _tries, again_at = self._failures.get(name, (0, now))
        return again_at > now or self._at_work.get(name, now) > now

    def failed(self, name: str, now: datetime, random: Random) -> None:
        """Reading failed: the more often in a row, the longer the rest."""
        self._away.pop(name, None)
        tries, _again_at = self._failures.get(name, (0, now))
        self._failures[name] = (tries + 1, now + backoff(min(tries, TRIES_MOST), random))

    def read(self, name: str, now: datetime, again_after: timedelta | None) -> None:
        """A page came; ``again_after`` says how long the system will be at work on the next."""
        self._failures.pop(name, None)
        self._at_work.pop(name, None)
        self._away.pop(name, None)
        if again_after is not None:
            self._at_work[name] = now + again_after

    def away(self, name: str, until: datetime) -> None:
        """The system cannot be asked now: there is nothing to wait for before ``until``.

        A stream that is away may be tried any time: a person may have ended the pause.
        """
        self._away[name] = until

    def failing(self) -> dict[str, datetime]:
        """Streams that could not be read, and when they are tried again."""
        return {name: again_at for name, (_tries, again_at) in self._failures.items()}

    def ends(self) -> list[datetime]:
        """When each rest ends, and its system can be asked again."""
        rests = [*self.failing().items(), *self._at_work.items(), *self._away.items()]
        return [max(until, self._away.get(name, until)) for name, until in rests]
