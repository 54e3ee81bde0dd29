"""Close: end the claims of a batch, each by the worst that happened to its records."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final

from engine.config.model import Enabled, SyncConfig
from engine.issues import owner
from engine.model import Address, Closing, Delivery, DeliveryState, InboxState, IssueReport
from engine.pipeline.batch import (
    Awaits,
    HeldBack,
    InDoubt,
    Problem,
    Result,
    Settled,
    Skipped,
    TryLater,
    Work,
)
from engine.pipeline.children import UNMAPPABLE
from engine.pipeline.intend import GUARD_CREATES, GUARD_WINDOW
from engine.pipeline.poll import WRITTEN
from engine.pipeline.proofs import Proofs
from engine.pipeline.proofs import settle as settle_proofs
from engine.pipeline.references import linked_to
from engine.pipeline.services import Services
from engine.store import (
    connections,
    deliveries,
    delivery_states,
    issues,
    ledger,
    records,
    routes,
)
from engine.store.ledger import Line
from engine.store.operator_views import DETAIL
from engine.store.sql import Tx

SOON: Final = timedelta(milliseconds=200)
# From best to worst: a delivery ends by the last of these that one of its records came to.
_ORDER: Final = (Skipped, Settled, HeldBack, Awaits, Problem, TryLater, InDoubt)


def close(
    services: Services,
    sync: SyncConfig,
    results: Mapping[int, Sequence[Result]],
    claimed: Sequence[Delivery],
    works: Mapping[int, Work],
    started_at: datetime | None = None,
    patches: Mapping[int, Sequence[tuple[Address, str]]] | None = None,
    proofs: Proofs | None = None,
    crossings: Mapping[int, int] | None = None,
) -> None:
    """End every claim of a batch in one transaction, with its issues and ledger lines.

    ``started_at`` is when the batch began to look at other records. ``patches`` are the links that
    a delivery was written without: it is done, and done again once one of them comes.
    ``proofs`` are written down whatever became of the deliveries. ``crossings`` are those of a
    route that deliveries were made for: they are handed over where everything went well.
    """
    now = services.clock.now()
    closing = _Closing(services, sync, now, started_at or now)
    with services.store.write() as tx:
        if proofs is not None and sync.enabled is not Enabled.SHADOW:
            settle_proofs(services, tx, sync, proofs, now)
        seen = _seen(tx, sync, works)
        closings = [
            closing.of(
                tx,
                delivery,
                results.get(delivery.number, ()),
                seen.get(delivery.number, _as_before(delivery, results)),
            )
            for delivery in claimed
        ]
        closings = [closing.patched(tx, one, patches or {}) for one in closings]
        deliveries.close(tx, closings, now)
        _hand_over(tx, sync, closings, results, crossings or {})
        done = [c.delivery.source for c in closings if c.state is DeliveryState.DONE]
        # Who waited to learn whether these would be linked can tell now, either way.
        deliveries.wake(tx, done, now, linked=False)
        closing.write(tx, closings)
    services.failpoint("close.after_commit")


def _hand_over(
    tx: Tx,
    sync: SyncConfig,
    closings: Sequence[Closing],
    results: Mapping[int, Sequence[Result]],
    crossings: Mapping[int, int],
) -> None:
    """Note the crossings that are delivered: those that still wait for a reference as begun."""
    if sync.enabled is Enabled.SHADOW:
        return
    for finished in (True, False):
        over = {
            one.delivery.source: crossings[one.delivery.number]
            for one in closings
            if one.delivery.number in crossings
            and (one.state is DeliveryState.DONE and not one.waits) is finished
            and (own := results.get(one.delivery.number))
            and all(isinstance(result, Settled) for result in own)
        }
        routes.hand(tx, sync.name, over, finished=finished)


def _as_before(
    delivery: Delivery, results: Mapping[int, Sequence[Result]]
) -> tuple[str | None, str | None]:
    """A repeat stays what it was; a record that was removed is to be seen anew if it comes back."""
    own = results.get(delivery.number, ())
    if any(not isinstance(result, Settled) for result in own):
        return None, None
    return delivery.seen_hash, delivery.seen_digest


def _seen(
    tx: Tx, sync: SyncConfig, works: Mapping[int, Work]
) -> dict[int, tuple[str | None, str | None]]:
    """By which hash of the source, and digest of the mapping, a repeat of each is to be told.

    A source that we have written to since we read it has been delivered, but not as it is now.
    """
    known = records.known(tx, [work.delivery.source for work in works.values()])
    found: dict[int, tuple[str | None, str | None]] = {}
    for number, work in works.items():
        state = known.get(work.delivery.source)
        overtaken = state is not None and state.hash == WRITTEN and state.asked_at >= work.asked_at
        digest = sync.mapping.digest
        if sync.enabled is Enabled.SHADOW:
            digest = deliveries.SHADOW + digest  # so that going live delivers it
        found[number] = (None, None) if overtaken else (work.hash, digest)
    return found


def release(
    services: Services,
    sync: SyncConfig,
    claimed: Iterable[Delivery],
    due_at: datetime,
    code: str,
    *,
    counts: bool,
) -> None:
    """Give back a whole batch: nothing was decided about any of it."""
    results = {item.number: (TryLater(due_at, code, counts=counts),) for item in claimed}
    close(services, sync, results, list(claimed), {})


class _Closing:
    """Decides how each delivery ends, and collects what there is to tell about it."""

    def __init__(
        self, services: Services, sync: SyncConfig, now: datetime, started_at: datetime
    ) -> None:
        self._services = services
        self._sync = sync
        self._now = now
        self._started_at = started_at
        self._reports: list[tuple[IssueReport, int | None, str]] = []
        self._well: list[int] = []
        self._lines: list[Line] = []
        self._counts: dict[str, int] = {}

    def of(
        self,
        tx: Tx,
        delivery: Delivery,
        results: Sequence[Result],
        seen: tuple[str | None, str | None],
    ) -> Closing:
        worst = max(results, key=lambda result: _ORDER.index(type(result)), default=Settled())
        for result in results:
            if isinstance(result, Problem):
                self._reports.append((result.report, delivery.number, owner(result.report.code)))
        match worst:
            case Settled() | Skipped():
                return self._done(delivery, results, seen)
            case HeldBack():
                return self._held(tx, delivery, worst)
            case Awaits():
                return self._waiting(tx, delivery, results)
            case Problem():
                return self._issue(delivery, worst)
            case TryLater():
                return self._later(delivery, worst)
            case InDoubt():
                self._count("in_doubt")
                tries = delivery.tries + 1 if worst.counts else delivery.tries
                return Closing(delivery, DeliveryState.IN_DOUBT, worst.due_at, tries, worst.code)

    def _count(self, name: str) -> None:
        self._counts[name] = self._counts.get(name, 0) + 1

    def _done(
        self, delivery: Delivery, results: Sequence[Result], seen: tuple[str | None, str | None]
    ) -> Closing:
        self._well.append(delivery.number)
        wrote = any(isinstance(result, Settled) and result.wrote for result in results)
        skipped = [result.reason for result in results if isinstance(result, Skipped)]
        self._count("written" if wrote else "skipped" if skipped else "unchanged")
        if skipped and not wrote and skipped[0] != delivery.reason:
            # Told once, not at every look.
            self._line(delivery.source, "skipped", skipped[0].upper().replace(" ", "_"))
        return Closing(
            delivery,
            DeliveryState.DONE,
            self._now,
            reason=skipped[0] if skipped and not wrote else None,
            seen_hash=seen[0],
            seen_digest=seen[1],
            row_state=InboxState.SKIPPED if skipped and not wrote else InboxState.APPLIED,
        )

    def _held(self, tx: Tx, delivery: Delivery, held: HeldBack) -> Closing:
        self._count("held")
        if held.code != delivery.reason:  # told once, not at every look
            self._line(delivery.source, "held", held.code)
        payloads, source = self._services.store.payloads, delivery.source
        (detail,) = payloads.seal(tx, [(payloads.concerns(source), held.reason.encode())], DETAIL)
        # A guard counts per hour, so what it holds is looked at again then.
        due_at = self._now + GUARD_WINDOW if held.code == GUARD_CREATES else self._now
        return Closing(delivery, DeliveryState.HELD, due_at, reason=held.code, detail=detail)

    def _waiting(self, tx: Tx, delivery: Delivery, results: Sequence[Result]) -> Closing:
        waits = tuple(
            wait for result in results if isinstance(result, Awaits) for wait in result.waits
        )
        # A second look: the link may have come, or been decided against, while we were busy.
        if all(self._linked(tx, address, to_object) for address, to_object in waits):
            return Closing(delivery, DeliveryState.READY, self._now, delivery.tries)
        awaited = [address for address, _to_object in waits]
        if delivery_states.ended_since(tx, awaited, self._started_at):
            return Closing(delivery, DeliveryState.READY, self._now + SOON, delivery.tries)
        self._count("waiting")
        return Closing(
            delivery, DeliveryState.WAITING, self._now, reason="WAITS_FOR_LINK", waits=waits
        )

    def patched(
        self, tx: Tx, one: Closing, patches: Mapping[int, Sequence[tuple[Address, str]]]
    ) -> Closing:
        """What was written without a reference stays done until the link comes, or goes on now."""
        if one.delivery.number not in patches and one.state is not DeliveryState.WAITING:
            return replace(one, keeps_waits=True)  # nothing was decided anew
        waits = patches.get(one.delivery.number)
        if not waits or one.state is not DeliveryState.DONE:
            return one
        if any(self._linked(tx, address, to_object) for address, to_object in waits):
            return replace(one, state=DeliveryState.READY, due_at=self._now)
        return replace(one, waits=tuple(waits))

    def _linked(self, tx: Tx, address: Address, to_object: str) -> bool:
        return linked_to(tx, address, self._sync.target.connection, to_object) is not None

    def _issue(self, delivery: Delivery, problem: Problem) -> Closing:
        self._count("issue")
        return Closing(delivery, DeliveryState.ISSUE, self._now, reason=problem.report.code)

    def _later(self, delivery: Delivery, later: TryLater) -> Closing:
        tries = delivery.tries + 1 if later.counts else delivery.tries
        if later.counts and tries > self._sync.retries:
            report = IssueReport(
                code="RETRIES_SPENT",
                sync=self._sync.name,
                source=delivery.source,
                parameters={"tries": str(tries), "message": later.code},
            )
            self._reports.append((report, delivery.number, owner(report.code)))
            return self._issue(delivery, Problem(report))
        return Closing(delivery, DeliveryState.READY, later.due_at, tries, later.code)

    def _line(self, source: Address, outcome: str, code: str) -> None:
        self._lines.append(
            Line(
                time=self._now,
                sync=self._sync.name,
                operation="deliver",
                outcome=outcome,
                config=self._services.config.digest,
                source=source,
                code=code,
            )
        )

    def write(self, tx: Tx, closings: Sequence[Closing]) -> None:
        """Issues, counters and ledger lines of this batch."""
        payloads, ids = self._services.store.payloads, self._services.ids
        # What cannot be mapped is looked at again and again, and told once.
        told = {one.delivery.source for one in closings if one.delivery.reason == UNMAPPABLE}
        for report, _delivery, _owner in self._reports:
            if report.code != UNMAPPABLE or report.source not in told:
                self._line(report.source, "issue", report.code)
        issues.end_for_deliveries(tx, self._well, "a newer success", self._now)
        self._end_old_child_issues(tx, closings)
        issues.open_many(tx, payloads, ids, self._reports, self._now)
        ledger.append(tx, self._lines)
        connections.count(tx, self._sync.name, self._counts)

    def _end_old_child_issues(self, tx: Tx, closings: Sequence[Closing]) -> None:
        """A delivery that has issues keeps only those it has now."""
        open_now = {(number, report.source) for report, number, _owner in self._reports}
        numbers = [
            closing.delivery.number for closing in closings if closing.state is DeliveryState.ISSUE
        ]
        issues.end_others(tx, numbers, open_now, "a newer success", self._now)
