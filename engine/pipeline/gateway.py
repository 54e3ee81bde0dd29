"""The one way from the engine to a connector: never inside a transaction, never unlimited."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from random import Random
from typing import Final, TypeVar

from tenacity import (
    RetryCallState,
    Retrying,
    retry_if_exception,
    stop_after_delay,
    wait_exponential_jitter,
)
from tenacity.stop import stop_base

from connectors.base import ApiCall, Connector, Failed, Meters, Outcome, Writes
from connectors.errors import (
    ActionNeeded,
    CallError,
    OutcomeUnknown,
    QuotaSpent,
    RateLimited,
    Rejected,
    RetryLater,
)
from connectors.records import Change, Selection
from engine.clock import Clock
from engine.pipeline.answers import Answers
from engine.store import allowances, connections, limits
from engine.store.connections import ConnectionState
from engine.store.limits import Waits
from engine.store.store import Store
from engine.verdict import backoff

APPLY: Final = "apply"
ASSOCIATIONS: Final = "associations"
READ_SECONDS_MAX: Final = 10.0
READ_WAIT_MOST: Final = timedelta(seconds=5)
IN_A_ROW_MOST: Final = 4
SERVER_ERROR: Final = 500
FAILURES_MOST: Final = 6

T = TypeVar("T")


class UnavailableError(Exception):
    """A connection cannot be used now; look again at ``until``.

    ``paused``: not a limit holds it back but a pause, which only a person ends where it has no end
    of its own (``ends_at``).
    """

    def __init__(
        self,
        connection: str,
        code: str,
        until: datetime,
        *,
        paused: bool = False,
        ends_at: datetime | None = None,
    ) -> None:
        if not paused:
            what = f"is not to be called before {until.isoformat()}"
        elif ends_at is None:
            what = "is paused until a person resumes it"
        else:
            what = f"is paused until {ends_at.isoformat()}"
        super().__init__(f"{connection} {what} ({code})")
        self.connection = connection
        self.code = code
        self.until = until


class Gateway:
    """Calls connectors, keeps to their limits, pauses connections that need a person.

    Thread-safe. Reads are retried here for at most ten seconds in all; writes are made once.
    """

    def __init__(
        self,
        connectors: Mapping[str, Connector],
        store: Store,
        clock: Clock,
        random: Random | None = None,
    ) -> None:
        self._connectors = dict(connectors)
        self._store = store
        self._clock = clock
        self._lock = threading.Lock()
        self._calls: Counter[str] = Counter()
        self.answers = Answers()
        self._failures: dict[str, int] = {}
        self._random = random or Random()  # noqa: S311 - it spreads waits
        self._states: dict[str, ConnectionState] = {}
        self._waits: Waits = {}
        self.refresh()

    def observer(self, connection: str) -> Callable[[ApiCall], None]:
        """What a connector tells its HTTP calls to."""

        def observe(_call: ApiCall) -> None:
            with self._lock:
                self._calls[connection] += 1

        return observe

    def connector(self, connection: str) -> Connector:
        """A connection's connector, to look at its declarations and capabilities."""
        return self._connectors[connection]

    def refresh(self) -> None:
        """Read again what is paused or limited; another process may have resumed a connection."""
        with self._store.read() as tx:
            states, waits = connections.every(tx), limits.every(tx)
        with self._lock:
            self._states, self._waits = states, waits

    def usable(self, connection: str, *operations: str) -> bool:
        """Whether calls that make these operations may be made now; without: whether any may."""
        paused = self._paused(connection, self._clock.now())
        return paused is None and self._limited_until(connection, operations) is None

    def until(self, connection: str, *operations: str) -> datetime:
        """When to look again whether such calls may be made."""
        now = self._clock.now()
        paused = self._paused(connection, now)
        limited = self._limited_until(connection, operations)
        if paused is None and limited is None:
            return now
        moments = [limited] if limited else []
        if paused is not None:
            moments.append(paused.paused_until or now + timedelta(minutes=1))
        return max(now + timedelta(seconds=1), *moments)

    def _paused(self, connection: str, now: datetime) -> ConnectionState | None:
        state = self._states.get(connection)
        return None if state is None or state.usable(now) else state

    def _limited_until(self, connection: str, operations: Sequence[str]) -> datetime | None:
        """Until when a limit of the account holds back calls that make these operations."""
        if not self._waits:
            return None
        spec, now = self._connectors[connection].spec, self._clock.now()
        waits = self._waits.get(self._account(connection), {})
        ahead = [
            until
            for limit_class, until in waits.items()
            if until > now and spec.holds_back(limit_class, operations)
        ]
        return max(ahead, default=None)

    def _account(self, connection: str) -> str:
        state = self._states.get(connection)
        return limits.account_of(self._connectors[connection].spec.name, connection, state)

    def read(self, connection: str, call: Callable[[Connector], T], *operations: str) -> T:
        """Make a reading call. Raises ``CallError`` or :class:`UnavailableError`.

        ``operations`` are the connector's methods that it calls: a limit that has none of them lets
        it pass. See :func:`reads`.
        """
        self._admit(connection, *operations)
        connector = self._connectors[connection]
        retrying = Retrying(
            stop=stop_after_delay(READ_SECONDS_MAX) | _WaitedEnough(),
            wait=_AsTold(multiplier=0.2, max=3.0, jitter=0.1),
            retry=retry_if_exception(_worth_waiting),
            sleep=self._clock.sleep,
            reraise=True,
        )
        try:
            answer = retrying(call, connector)
        except CallError as error:
            self._unanswered(connection, error, writing=False)
            self._note(connection, error)
            raise
        self.answers.answered(connection, writing=False)
        return answer

    def write(self, connection: str, changes: Sequence[Change]) -> tuple[Outcome, ...]:
        """Make a writing call, once. An outcome for every change, whatever happens."""
        self._admit(connection, APPLY)
        connector = self._connectors[connection]
        if not isinstance(connector, Writes):
            raise TypeError(f"{connection} cannot be written to")
        try:
            outcomes = connector.apply(changes)
        except CallError as error:
            outcomes = tuple(Failed(error) for _ in changes)
        if len(outcomes) != len(changes):
            lost = OutcomeUnknown(
                f"{len(changes)} records were sent and {len(outcomes)} answers came back",
                code="ANSWERS_MISSING",
            )
            outcomes = tuple(Failed(lost) for _ in changes)
        errors = {id(o.error): o.error for o in outcomes if isinstance(o, Failed)}
        for failure in errors.values():
            self._note(connection, failure)
        if whole_call_failed(outcomes) or alone_unanswered(outcomes):
            self._unanswered(connection, next(iter(errors.values())), writing=True)
        else:
            self.answers.answered(connection, writing=True)
        return outcomes

    def _unanswered(self, connection: str, error: CallError, *, writing: bool) -> None:
        if not isinstance(error, RateLimited | ActionNeeded | Rejected):
            self.answers.unanswered(connection, writing=writing)

    def failures(self, sync: str) -> int:
        """How many batches of a sync failed as a whole, less those that have fared well since."""
        return self._failures.get(sync, 0)

    def batch_failed(self, sync: str) -> None:
        """A batch failed as a whole."""
        self._failures[sync] = min(FAILURES_MOST, self.failures(sync) + 1)

    def batch_fared_well(self, sync: str) -> None:
        """A batch went through."""
        if self.failures(sync):
            self._failures[sync] -= 1

    def rest(self, *connections: str, writing: bool) -> timedelta:
        """How long to leave these alone: longer with every call in a row that got no answer."""
        rows = [self.answers.unanswered_in_a_row(name, writing=writing) for name in connections]
        return backoff(min(max(max(rows) - 1, 0), IN_A_ROW_MOST), self._random)

    def _admit(self, connection: str, *operations: str) -> None:
        if self._store.database.writing():
            raise AssertionError("a system was about to be called inside a transaction")
        if not self.usable(connection, *operations):
            paused = self._paused(connection, self._clock.now())
            code = (paused.paused_code if paused else None) or "RATE_LIMITED"
            raise UnavailableError(
                connection,
                code,
                self.until(connection, *operations),
                paused=paused is not None,
                ends_at=paused.paused_until if paused else None,
            )

    def _note(self, connection: str, error: CallError) -> None:
        if self._store.database.read_only:
            return  # A plan looks on; the engine will meet the limit itself.
        now = self._clock.now()
        if isinstance(error, RateLimited):
            wait = min(max(error.wait, timedelta(0)), timedelta(days=1))
            with self._store.write() as tx:
                limits.wait(tx, self._account(connection), error.limit_class, now + wait)
        elif isinstance(error, ActionNeeded):
            until = None
            if isinstance(error, QuotaSpent):
                until = error.until or now + timedelta(hours=1)
            with self._store.write() as tx:
                connections.pause(tx, connection, error.code, error.message, now, until)
        else:
            return
        self.refresh()

    def flush_calls(self) -> Mapping[str, int]:
        """Write down the calls counted since the last time, and what is used; returns the calls."""
        with self._lock:
            calls, self._calls = self._calls, Counter()
        if calls:
            meters = {name: self._connectors[name] for name in calls}
            told = {name: one.usage() for name, one in meters.items() if isinstance(one, Meters)}
            now = self._clock.now()
            with self._store.write() as tx:
                connections.add_calls(tx, calls, now)
                allowances.note(tx, {name: one for name, one in told.items() if one}, now)
        return calls


def reads(operation: str, selection: Selection) -> tuple[str, ...]:
    """The operations of a reading call: with associations it makes two."""
    return (operation, ASSOCIATIONS) if selection.associations else (operation,)


class _AsTold(wait_exponential_jitter):
    """Exponential with jitter, but never shorter than the system asked for."""

    def __call__(self, retry_state: RetryCallState) -> float:
        outcome = retry_state.outcome
        error = outcome.exception() if outcome else None
        told = error.wait.total_seconds() if isinstance(error, RateLimited) else 0.0
        return max(told, super().__call__(retry_state))


class _WaitedEnough(stop_base):
    """Waiting counts by the clock that was given, which need not be the machine's."""

    def __call__(self, retry_state: RetryCallState) -> bool:
        return retry_state.idle_for >= READ_SECONDS_MAX


def whole_call_failed(outcomes: Sequence[Outcome]) -> bool:
    """Whether a write got no answer about any of several records: the call failed, not they.

    A record alone in its call may be the one that makes it fail; it answers for itself.
    """
    if len(outcomes) < 2 or any(not isinstance(outcome, Failed) for outcome in outcomes):
        return False
    errors = {id(outcome.error) for outcome in outcomes if isinstance(outcome, Failed)}
    first = outcomes[0]
    assert isinstance(first, Failed)  # noqa: S101 - looked at above
    return len(errors) == 1 and type(first.error) is RetryLater


def alone_unanswered(outcomes: Sequence[Outcome]) -> bool:
    """Whether a record alone in its call got no answer: its own fault, or that of a system away."""
    if len(outcomes) != 1 or not isinstance(outcomes[0], Failed):
        return False
    error = outcomes[0].error
    return type(error) is RetryLater and (error.status is None or error.status >= SERVER_ERROR)


def _worth_waiting(error: BaseException) -> bool:
    if isinstance(error, RateLimited):
        return error.wait <= READ_WAIT_MOST
    return isinstance(error, RetryLater)
