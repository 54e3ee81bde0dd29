"""The line: what happens to one batch, from its past to its end. The straight line in one file.

Everything durable happens in the stages this file calls; what it holds itself may be lost at any
moment, and the batch starts again from its rows.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Final

from connectors.records import Life, Record
from engine.config.model import Enabled, Mode, SyncConfig
from engine.mapping.model import CompiledChild, Desired, Lookups, Unmappable
from engine.model import Address, Delivery, Known, Link
from engine.pipeline import children, life, prepare
from engine.pipeline.apply import apply
from engine.pipeline.batch import Item, Result, Settled, Skipped, TryLater, Work
from engine.pipeline.close import close
from engine.pipeline.crossing import Crossing, take_sides
from engine.pipeline.decide import decide
from engine.pipeline.digests import record_hash
from engine.pipeline.intend import intend
from engine.pipeline.journals import broken_up
from engine.pipeline.match import match
from engine.pipeline.prepare import Read
from engine.pipeline.proofs import Proofs, prove
from engine.pipeline.references import Catalogues, lookups
from engine.pipeline.resolve import resolve
from engine.pipeline.services import Services
from engine.pipeline.steps import do_steps
from engine.store import deliveries, delivery_views, links, records

STALE_READ: Final = "STALE_READ"
STALE_SECONDS: Final = 5

Results = dict[int, list[Result]]


class Line:
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
        self._crossings: Mapping[int, Crossing] = {}

    def run(self) -> None:
        """The straight line."""
        started_at = self._services.clock.now()
        going = self._resolve(self._claimed)
        live = self._follow_lives(prepare.sources(self._services, self._sync, going), going)
        works = prepare.works(self._services, self._sync, self._news(live))
        answers = self._answers(works)
        proofs, sound = self._prove(works, answers, going, live)
        sound = self._take_sides(sound)
        if self._sync.mode is not Mode.OBSERVE:
            self._write(self._map(sound, answers))
            self._write_children(sound, answers)
            self._do_steps(sound, answers)
        by_number = {work.delivery.number: work for work in works}
        close(
            self._services,
            self._sync,
            self._results,
            self._claimed,
            by_number,
            started_at,
            self._patches,
            proofs,
            {number: one.number for number, one in self._crossings.items()},
        )

    def _answers(self, works: Sequence[Work]) -> Lookups:
        """What the mapping asks; catalogues are read anew where a record does not fit them."""
        answers = lookups(self._services, self._catalogues, self._sync, works)
        mapping = self._sync.mapping
        if not mapping.catalogues:
            return answers
        faulty = any(isinstance(mapping.map(work.view, answers), Unmappable) for work in works)
        if faulty and self._catalogues.stale(self._sync):
            return lookups(self._services, self._catalogues, self._sync, works)
        return answers

    def _prove(
        self,
        works: Sequence[Work],
        answers: Lookups,
        going: Sequence[Delivery],
        live: Sequence[tuple[Delivery, Read]],
    ) -> tuple[Proofs, list[Work]]:
        """What the records prove for the books, and those in which there is no fault."""
        alive = {delivery.number for delivery, _read in live}
        gone = [delivery.source for delivery in going if delivery.number not in alive]
        proofs = prove(self._sync, works, answers, gone)
        for number, fault in proofs.faults.items():
            source = next(w.delivery.source for w in works if w.delivery.number == number)
            self._results[number].append(children.stopped(self._sync, source, fault))
        return proofs, [work for work in works if work.delivery.number not in proofs.faults]

    def _take_sides(self, works: Sequence[Work]) -> list[Work]:
        """Those that the sync takes, where it takes only what comes over to a side of a route."""
        sides = take_sides(self._services, self._sync, works)
        for number, result in sides.ended.items():
            self._results[number].append(result)
        self._crossings = sides.going
        return [work for work in works if work.delivery.number not in sides.ended]

    def _do_steps(self, works: Sequence[Work], answers: Lookups) -> None:
        """The steps of roots that are as they should be, their children too."""
        reads_only = self._sync.enabled is Enabled.SHADOW or self._sync.mode is Mode.LINK_ONLY
        if not self._sync.mapping.actions or reads_only:
            return
        linked = self._linked(works)
        do_steps(
            self._services,
            self._sync,
            works,
            linked,
            answers,
            lambda number, result: self._results[number].append(result),
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
            # What was written without a reference is no repeat: it may be linked by now.
            owed = delivery_views.waits_of(tx, [delivery.number for delivery, _read in live])
        found = []
        for delivery, read in live:
            stale = self._is_stale(read.record, known.get(delivery.source))
            if stale and not prepare.ordered(self._sync):
                due_at = self._services.clock.now() + timedelta(seconds=STALE_SECONDS)
                self._results[delivery.number].append(TryLater(due_at, STALE_READ))
            elif (
                not delivery.recheck
                and delivery.number not in owed
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
            crossing = self._crossings.get(delivery.number)
            comes_over = crossing is not None and not crossing.begun
            items.append(
                Item(
                    delivery=delivery,
                    source=delivery.source,
                    record=work.view.record,
                    rules=self._sync.mapping,
                    desired=mapped,
                    business_key=business_key,
                    read_at=work.asked_at,
                    enforce=delivery.recheck or changed_mapping or comes_over,
                    crossing=crossing.number if crossing else None,
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
        results: dict[tuple[int, Address, str], Result] = {
            **batch.ended,
            **broken_up(self._services, self._sync, problems, items),
        }
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
