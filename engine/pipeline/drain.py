"""Drain: one batch of one sync, from claim to close. The whole line in one file.

Everything durable happens in the stages this file calls; what it holds itself may be lost at any
moment, and the batch starts again from its rows.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Final

from connectors.errors import CallError, Rejected
from connectors.records import Life, Record
from engine.config.model import Enabled, SyncConfig
from engine.mapping.model import CompiledChild, Desired, Lookups, Unmappable
from engine.model import Address, Delivery, IssueReport, Known, Link
from engine.pipeline import children, life, prepare
from engine.pipeline.apply import apply
from engine.pipeline.batch import Item, Problem, Result, Settled, Skipped, TryLater, Work
from engine.pipeline.close import close, release
from engine.pipeline.decide import decide
from engine.pipeline.digests import record_hash
from engine.pipeline.gateway import APPLY, UnavailableError
from engine.pipeline.intend import intend
from engine.pipeline.match import match
from engine.pipeline.prepare import Read
from engine.pipeline.references import Catalogues, lookups
from engine.pipeline.resolve import resolve
from engine.pipeline.services import Services
from engine.store import deliveries, links, records
from engine.store.deliveries import LeaseLostError
from engine.store.store import StoreConflict
from engine.verdict import Next, backoff, judge

LEASE: Final = timedelta(minutes=15)
BATCHES_PER_CLAIM: Final = 4
CLAIM_MOST: Final = 1_000
STALE_READ: Final = "STALE_READ"
STALE_SECONDS: Final = 5

Results = dict[int, list[Result]]


def claim_size(services: Services, sync: SyncConfig) -> int:
    """How many deliveries to take at once: a few full calls of the target."""
    spec = services.object_spec(sync.target)
    full = min(CLAIM_MOST, max(1, spec.batch_write) * BATCHES_PER_CLAIM)
    # Smaller with every batch that fails, down to one: an outage costs little that way, and a
    # record that makes every batch fail is found.
    return max(1, full >> (2 * services.gateway.failures(sync.name)))


def drain(services: Services, catalogues: Catalogues, sync: SyncConfig) -> int:
    """Work through one batch of due deliveries. Returns how many were claimed."""
    gateway = services.gateway
    source, target = sync.source.connection, sync.target.connection
    if not (gateway.usable(source) and gateway.usable(target, APPLY)):
        return 0
    now = services.clock.now()
    with services.store.write() as tx:
        claimed = deliveries.claim(
            tx,
            sync.name,
            claim_size(services, sync),
            now,
            LEASE,
            ordered=prepare.ordered(sync),
        )
    if not claimed:
        return 0
    services.failpoint("claim.after_commit")
    _work(services, catalogues, sync, claimed)
    return len(claimed)


def _work(
    services: Services, catalogues: Catalogues, sync: SyncConfig, claimed: Sequence[Delivery]
) -> None:
    """Run a batch; what goes wrong with all of it ends here."""
    failures = services.gateway.failures(sync.name)
    try:
        _Batch(services, catalogues, sync, claimed).run()
        if services.gateway.failures(sync.name) == failures:
            services.gateway.batch_fared_well(sync.name)
    except LeaseLostError:
        pass  # Another worker has them; nothing of ours was committed.
    except UnavailableError as why:
        release(services, sync, claimed, why.until, why.code, counts=False)
    except Rejected as error:
        if len(claimed) == 1:
            _read_failed(services, sync, claimed, error)
        else:
            _halves(services, catalogues, sync, claimed)
    except CallError as error:
        _read_failed(services, sync, claimed, error)
    except StoreConflict:
        if len(claimed) == 1:
            due_at = services.clock.now() + backoff(claimed[0].tries, services.random)
            release(services, sync, claimed, due_at, "STORE_CONFLICT", counts=True)
        else:
            _halves(services, catalogues, sync, claimed)


def _halves(
    services: Services, catalogues: Catalogues, sync: SyncConfig, claimed: Sequence[Delivery]
) -> None:
    """One of these makes the batch fail: find it by halves, and let the others go on."""
    middle = len(claimed) // 2
    for half in (claimed[:middle], claimed[middle:]):
        _work(services, catalogues, sync, half)


def _read_failed(
    services: Services, sync: SyncConfig, claimed: Sequence[Delivery], error: CallError
) -> None:
    """A read that the whole batch needs failed: nothing was decided; try again later."""
    verdict = judge(
        error,
        tries=0,
        retries=sync.retries,
        now=services.clock.now(),
        random=services.random,
    )
    if verdict.next in (Next.ISSUE, Next.GONE, Next.DUPLICATE) and len(claimed) == 1:
        results: dict[int, Sequence[Result]] = {
            delivery.number: (
                Problem(
                    IssueReport(
                        code="SOURCE_UNREADABLE",
                        sync=sync.name,
                        source=delivery.source,
                        parameters={"message": error.message, "vendor_code": error.code},
                    )
                ),
            )
            for delivery in claimed
        }
        close(services, sync, results, claimed, {})
        return
    services.gateway.batch_failed(sync.name)
    # Who is not to blame uses up no try; the connection is given a rest.
    rest = services.gateway.rest(*_sides(sync), writing=False)
    due_at = verdict.until or services.clock.now() + rest
    free = verdict.next in (Next.RETRY_FREE, Next.PAUSE) or not _blames(services, sync, claimed)
    release(services, sync, claimed, due_at, error.code, counts=not free)


def _blames(services: Services, sync: SyncConfig, claimed: Sequence[Delivery]) -> bool:
    """Whether the read of a batch failed for the one record in it: of several none is to blame.

    Either side may have been read: the one whose last call was not answered.
    """
    if len(claimed) > 1:
        return False
    answers, now = services.gateway.answers, services.clock.now()
    silent = [side for side in _sides(sync) if answers.unanswered_in_a_row(side, writing=False)]
    blamed = [answers.blames(claimed[0], side, now, writing=False) for side in silent]
    return all(blamed)


def _sides(sync: SyncConfig) -> tuple[str, str]:
    return sync.source.connection, sync.target.connection


class _Batch:
    """One batch on its way. ``_results`` collects what each delivery's records came to."""

    def __init__(
        self,
        services: Services,
        catalogues: Catalogues,
        sync: SyncConfig,
        claimed: Sequence[Delivery],
    ) -> None:
        self._services = services
        self._catalogues = catalogues
        self._sync = sync
        self._claimed = claimed
        self._results: Results = defaultdict(list)
        self._patches: dict[int, list[tuple[Address, str]]] = defaultdict(list)

    def run(self) -> None:
        """The straight line."""
        started_at = self._services.clock.now()
        going = self._resolve(self._claimed)
        live = self._follow_lives(prepare.sources(self._services, self._sync, going), going)
        works = prepare.works(self._services, self._sync, self._news(live))
        answers = lookups(self._services, self._catalogues, self._sync, works)
        self._write(self._map(works, answers))
        self._write_children(works, answers)
        by_number = {work.delivery.number: work for work in works}
        close(
            self._services,
            self._sync,
            self._results,
            self._claimed,
            by_number,
            started_at,
            self._patches,
        )

    def _resolve(self, claimed: Sequence[Delivery]) -> list[Delivery]:
        """Deliveries whose past is known; the others wait for it."""
        stopped = resolve(self._services, self._sync, claimed)
        for number, result in stopped.items():
            self._results[number].append(result)
        return [delivery for delivery in claimed if delivery.number not in stopped]

    def _follow_lives(
        self, reads: Mapping[Address, Read], going: Sequence[Delivery]
    ) -> list[tuple[Delivery, Read]]:
        """Live records go on; others are carried over to what they became."""
        live: list[tuple[Delivery, Read]] = []
        for delivery in going:
            read = reads[delivery.source]
            if read.record.life is Life.LIVE:
                live.append((delivery, read))
                continue
            if self._sync.enabled is Enabled.SHADOW:
                self._results[delivery.number].append(Skipped(deliveries.SHADOW_REASON))
                continue
            ended = life.follow(self._services, self._sync, delivery, read.record)
            self._results[delivery.number].append(ended.result)
            if ended.deletes:
                done = apply(self._services, self._sync, ended.deletes)
                self._results[delivery.number].extend(done.values())
        if self._sync.enabled is Enabled.SHADOW:
            return live
        self._absorb(live)
        life.revive(self._services, self._sync, [delivery.source for delivery, _read in live])
        return live

    def _absorb(self, live: Sequence[tuple[Delivery, Read]]) -> None:
        life.absorb(self._services, self._sync, [read.record for _d, read in live])
        problems = life.rivals(self._services, self._sync, [d.source for d, _read in live])
        by_source = {delivery.source: delivery.number for delivery, _read in live}
        for problem in problems:
            number = by_source.get(problem.report.source)
            if number is not None:
                self._results[number].append(problem)

    def _news(self, live: Sequence[tuple[Delivery, Read]]) -> list[tuple[Delivery, Read]]:
        """Leave out what was delivered as it is, and what a lagging copy shows as it was."""
        vault, digest = self._services.store.vault, self._sync.mapping.digest
        with self._services.store.read() as tx:
            known = records.known(tx, [delivery.source for delivery, _read in live])
        found = []
        for delivery, read in live:
            stale = self._is_stale(read.record, known.get(delivery.source))
            if stale and not prepare.ordered(self._sync):
                due_at = self._services.clock.now() + timedelta(seconds=STALE_SECONDS)
                self._results[delivery.number].append(TryLater(due_at, STALE_READ))
            elif (
                not delivery.recheck
                and delivery.seen_digest == digest
                and delivery.seen_hash == record_hash(vault, read.record)
            ):
                self._results[delivery.number].append(Settled())
            else:
                found.append((delivery, read))
        return found

    @staticmethod
    def _is_stale(record: Record, known: Known | None) -> bool:
        return (
            known is not None
            and known.version is not None
            and record.version is not None
            and record.version < known.version
        )

    def _map(self, works: Sequence[Work], answers: Lookups) -> list[Item]:
        items = []
        for work in works:
            delivery = work.delivery
            self._patches[delivery.number] = []
            mapped = self._sync.mapping.map(work.view, answers)
            if not isinstance(mapped, Desired):
                result = children.stopped(self._sync, delivery.source, mapped)
                self._results[delivery.number].append(result)
                continue
            try:
                business_key = self._sync.mapping.business_key_of(work.view)
            except ValueError as fault:
                unmappable = Unmappable((("BUSINESS_KEY", "", str(fault)),))
                result = children.stopped(self._sync, delivery.source, unmappable)
                self._results[delivery.number].append(result)
                continue
            changed_mapping = (
                delivery.seen_digest is not None
                and delivery.seen_digest != self._sync.mapping.digest
            )
            items.append(
                Item(
                    delivery=delivery,
                    source=delivery.source,
                    record=work.view.record,
                    rules=self._sync.mapping,
                    desired=mapped,
                    business_key=business_key,
                    read_at=work.asked_at,
                    enforce=delivery.recheck or changed_mapping,
                )
            )
        return items

    def _write(self, items: Sequence[Item]) -> None:
        """Match, diff, intend, apply: what is left of each item is its result."""
        for item in items:
            self._patches[item.delivery.number].extend(
                (Address(self._sync.source.connection, ref.object, ref.id), ref.to or "")
                for ref in item.desired.later.values()
            )
        for group in _by_target(items).values():
            for key, result in self._write_group(group).items():
                self._results[key[0]].append(result)

    def _write_group(self, items: Sequence[Item]) -> dict[tuple[int, Address, str], Result]:
        batch = match(self._services, self._sync, items)
        decided, problems = decide(self._services, self._sync, batch.matched)
        results: dict[tuple[int, Address, str], Result] = {**batch.ended, **problems}
        if decided:
            intended = intend(self._services, self._sync, decided)
            results.update(intended.ended)
            results.update(apply(self._services, self._sync, intended.planned))
        return results

    def _write_children(self, works: Sequence[Work], answers: Lookups) -> None:
        """Each kind of child in turn, for the roots that are as they should be."""
        kinds = self._sync.mapping.children
        if not kinds or self._sync.enabled is Enabled.SHADOW:
            return
        linked = self._linked(works)
        for kind in kinds:
            self._write_kind(kind, linked, answers)

    def _linked(self, works: Sequence[Work]) -> list[tuple[Work, Link]]:
        fine = [
            work
            for work in works
            if all(isinstance(r, Settled) for r in self._results[work.delivery.number])
        ]
        with self._services.store.read() as tx:
            found = links.of_sources(
                tx,
                [work.delivery.source for work in fine],
                self._sync.target.connection,
                self._sync.target.object,
            )
        return [
            (work, found[work.delivery.source][0]) for work in fine if work.delivery.source in found
        ]

    def _write_kind(
        self, kind: CompiledChild, linked: Sequence[tuple[Work, Link]], answers: Lookups
    ) -> None:
        if not linked:
            return
        batch = children.wanted(self._services, self._sync, kind, linked, answers)
        removal = children.remove(self._services, self._sync, kind, batch.removed, tell=True)
        moving = children.remove(self._services, self._sync, kind, batch.moved, tell=False)
        # What the guard does not let go of is a person's business, and nothing waits for it.
        for key, result in {**batch.ended, **dict(removal.guarded + moving.guarded)}.items():
            self._results[key[0]].append(result)
        deletes = removal.deletes + moving.deletes
        if deletes:
            for key, result in apply(self._services, self._sync, deletes).items():
                self._results[key[0]].append(result)
        if batch.items:
            self._write(batch.items)


def _by_target(items: Sequence[Item]) -> dict[str, list[Item]]:
    groups: dict[str, list[Item]] = defaultdict(list)
    for item in items:
        groups[item.rules.target_object].append(item)
    return groups
