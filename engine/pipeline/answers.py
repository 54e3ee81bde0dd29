"""Answers: which systems answer at all, so that an outage is not blamed on the records it hits."""

from __future__ import annotations

import threading
from collections import Counter, OrderedDict
from datetime import datetime, timedelta
from typing import Final, TypeAlias

from engine.model import Delivery

BLAMED_AFTER: Final = timedelta(days=1)
"""How long an outage is believed in: a record that fails for longer is told to a person."""
REMEMBERED_MOST: Final = 10_000

Side: TypeAlias = tuple[str, bool]
"""A connection, and whether it is written to: a system may answer questions and take nothing."""


class Answers:
    """Counts, in memory, the calls that were answered and those in a row that were not.

    Thread-safe. A restart forgets everything, which costs no record a try.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._answered: Counter[Side] = Counter()
        self._unanswered: Counter[Side] = Counter()
        self._failed_at: OrderedDict[tuple[int, Side], int] = OrderedDict()

    def answered(self, connection: str, *, writing: bool) -> None:
        """A call was answered."""
        with self._lock:
            self._answered[connection, writing] += 1
            self._unanswered.pop((connection, writing), None)

    def unanswered(self, connection: str, *, writing: bool) -> None:
        """A call got no answer about any of its records."""
        with self._lock:
            self._unanswered[connection, writing] += 1

    def unanswered_in_a_row(self, connection: str, *, writing: bool) -> int:
        """How many calls in a row got no answer, up to the last one."""
        with self._lock:
            return self._unanswered[connection, writing]

    def blames(self, delivery: Delivery, connection: str, now: datetime, *, writing: bool) -> bool:
        """Whether a record that failed alone is to blame, rather than a system that is away.

        It is, if the system has answered others since the record failed last; and in any case a day
        after its delivery was opened. To be asked once for every such failure.
        """
        side = (connection, writing)
        with self._lock:
            before = self._failed_at.pop((delivery.number, side), None)
            self._failed_at[delivery.number, side] = self._answered[side]
            if len(self._failed_at) > REMEMBERED_MOST:
                self._failed_at.popitem(last=False)
            others = before is not None and self._answered[side] > before
        return others or now - delivery.opened_at >= BLAMED_AFTER
