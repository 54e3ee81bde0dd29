"""Faults on demand: scripted ("the third write loses its answer") or by seeded chance."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from random import Random
from typing import Final

from connectors.errors import (
    AuthFailed,
    CallError,
    OutcomeUnknown,
    QuotaSpent,
    RateLimited,
    RetryLater,
    UnexpectedAnswer,
)


class FaultKind(StrEnum):
    """What goes wrong.

    The first five happen before anything took effect. ANSWER_LOST happens after: the effect is
    there, nobody heard of it. REFUSED, FIELD_LOCKED (a field we may not write, or not any more) and
    ROW_LOCKED concern some records of a write, BATCH_REFUSED all of them. STALE_READ answers the
    state before the last change. DUPLICATE_PAGE answers a page without moving on, SHORT_PAGE half
    of one.
    """

    RETRY_LATER = "retry_later"
    RATE_LIMITED = "rate_limited"
    AUTH_FAILED = "auth_failed"
    QUOTA_SPENT = "quota_spent"
    UNEXPECTED_ANSWER = "unexpected_answer"
    ANSWER_LOST = "answer_lost"
    REFUSED = "refused"
    FIELD_LOCKED = "field_locked"
    ROW_LOCKED = "row_locked"
    BATCH_REFUSED = "batch_refused"
    STALE_READ = "stale_read"
    DUPLICATE_PAGE = "duplicate_page"
    SHORT_PAGE = "short_page"


BEFORE: Final = (
    FaultKind.RETRY_LATER,
    FaultKind.RATE_LIMITED,
    FaultKind.AUTH_FAILED,
    FaultKind.QUOTA_SPENT,
    FaultKind.UNEXPECTED_ANSWER,
)
_WRITES_ONLY: Final = frozenset(
    {FaultKind.REFUSED, FaultKind.FIELD_LOCKED, FaultKind.ROW_LOCKED, FaultKind.BATCH_REFUSED}
)
_PAGES_ONLY: Final = frozenset({FaultKind.DUPLICATE_PAGE, FaultKind.SHORT_PAGE})
_PAGED: Final = frozenset({"changes", "list", "removed"})


@dataclass(frozen=True, slots=True)
class MemoryCall:
    """One call to the account, as hooks and rules see it. ``number`` counts per connector."""

    number: int
    kind: str
    object: str
    size: int


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that goes wrong.

    ``wait`` and ``limit_class`` are for RATE_LIMITED, ``until`` for QUOTA_SPENT. ``records`` are
    the places in the batch that REFUSED, FIELD_LOCKED and ROW_LOCKED hit. ``applied`` makes
    ANSWER_LOST keep only the first so many records of the batch (``None``: all).
    """

    kind: FaultKind
    wait: timedelta = timedelta(seconds=1)
    limit_class: str = "default"
    until: datetime | None = None
    records: tuple[int, ...] = (0,)
    applied: int | None = None

    def error(self) -> CallError:
        """What the connector reports for a fault of the whole call."""
        match self.kind:
            case FaultKind.RATE_LIMITED:
                return RateLimited(
                    "the memory account asks for a pause",
                    wait=self.wait,
                    limit_class=self.limit_class,
                )
            case FaultKind.AUTH_FAILED:
                return AuthFailed("the memory account refuses the credentials", code="AUTH_FAILED")
            case FaultKind.QUOTA_SPENT:
                return QuotaSpent("the memory account's allowance is used up", until=self.until)
            case FaultKind.UNEXPECTED_ANSWER:
                return UnexpectedAnswer("the memory account answered nonsense", code="NONSENSE")
            case FaultKind.ANSWER_LOST:
                return OutcomeUnknown("the answer was lost", code="ANSWER_LOST")
            case FaultKind.BATCH_REFUSED:
                return RetryLater("the whole batch was refused", code="BATCH_REFUSED")
        return RetryLater("the memory account is not available", code="UNAVAILABLE")


@dataclass(frozen=True, slots=True)
class Rule:
    """Play ``fault`` at matching calls ``nth`` … ``nth + times - 1``, counted from 1.

    ``kind`` is a method name of the connector (``apply``, ``read``, ``changes`` …) or ``*``.
    """

    fault: Fault
    kind: str = "*"
    object: str = "*"
    nth: int = 1
    times: int = 1

    def matches(self, call: MemoryCall) -> bool:
        return self.kind in ("*", call.kind) and self.object in ("*", call.object)


@dataclass(slots=True)
class FaultPlan:
    """Which faults to play. Deterministic for the same rules, seed and order of calls."""

    rules: Sequence[Rule] = ()
    chances: Mapping[FaultKind, float] = field(default_factory=dict)
    random: Random = field(default_factory=lambda: Random(0))  # noqa: S311 - replayed on purpose
    played: Counter[FaultKind] = field(default_factory=Counter)
    _seen: Counter[int] = field(default_factory=Counter)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    @staticmethod
    def parse(text: str) -> FaultPlan:
        """A plan from ``seed=7 answer_lost=0.05``. Raises ``ValueError`` with what is wrong."""
        seed = 0
        chances: dict[FaultKind, float] = {}
        for word in text.split():
            name, _, value = word.partition("=")
            try:
                if name == "seed":
                    seed = int(value)
                else:
                    chances[FaultKind(name)] = float(value)
            except ValueError as error:
                raise ValueError(f"{word!r} is neither seed=N nor a fault with a chance") from error
        return FaultPlan(chances=chances, random=Random(seed))  # noqa: S311

    def add(self, rule: Rule) -> None:
        """Play one more rule, counting calls from now on."""
        with self._lock:
            self.rules = (*self.rules, rule)

    def clear(self) -> None:
        """From now on nothing goes wrong."""
        with self._lock:
            self.rules = ()
            self.chances = {}
            self._seen.clear()

    def draw(self, call: MemoryCall) -> tuple[Fault, ...]:
        """The faults of this call."""
        with self._lock:
            drawn = [
                rule.fault for place, rule in enumerate(self.rules) if self._due(place, rule, call)
            ]
            drawn += [
                Fault(kind, records=(self.random.randrange(max(1, call.size)),))
                for kind, chance in self.chances.items()
                if _possible(kind, call) and self.random.random() < chance
            ]
            self.played.update(fault.kind for fault in drawn)
            return tuple(drawn)

    def _due(self, place: int, rule: Rule, call: MemoryCall) -> bool:
        if not (rule.matches(call) and _possible(rule.fault.kind, call)):
            return False
        self._seen[place] += 1
        return rule.nth <= self._seen[place] < rule.nth + rule.times


def _possible(kind: FaultKind, call: MemoryCall) -> bool:
    if kind in _WRITES_ONLY or kind is FaultKind.ANSWER_LOST:
        return call.kind == "apply"
    if kind in _PAGES_ONLY:
        return call.kind in _PAGED
    if kind is FaultKind.STALE_READ:
        return call.kind == "read"
    return True
