"""Proofs: what the records of a batch prove for the books, whatever becomes of their delivery."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from engine.books.spec import CONNECTION
from engine.config.model import SyncConfig
from engine.mapping.model import AwaitsLink, Lookups, Unmappable
from engine.model import Address
from engine.money.model import Fact, FactKind, PeriodState, Rate
from engine.pipeline.batch import Work
from engine.pipeline.journals import BATCH_PERIOD_CLOSED
from engine.pipeline.services import Services
from engine.store import books, delivery_states, facts, rates
from engine.store.sql import Tx


@dataclass(slots=True)
class Proofs:
    """Facts and rates per record with the version they were read in, periods by id, faults."""

    facts: dict[Address, tuple[Sequence[Fact], datetime | None]] = field(default_factory=dict)
    periods: dict[str, PeriodState] = field(default_factory=dict)
    rates: dict[Address, tuple[Rate | None, datetime | None]] = field(default_factory=dict)
    faults: dict[int, AwaitsLink | Unmappable] = field(default_factory=dict)


def prove(
    sync: SyncConfig, works: Sequence[Work], answers: Lookups, gone: Sequence[Address]
) -> Proofs:
    """What live records prove now; those that are gone prove nothing any more."""
    found = Proofs()
    mapping = sync.mapping
    found.facts = dict.fromkeys(gone, ((), None))
    if mapping.tells_rates:
        found.rates = dict.fromkeys(gone, (None, None))
    for work in works:
        number, record = work.delivery.number, work.view.record
        if not mapping.fact_kinds:
            found.facts[work.delivery.source] = ((), record.version)
        else:
            proved = mapping.facts(work.view, answers)
            if isinstance(proved, AwaitsLink | Unmappable):
                found.faults[number] = proved
                continue
            found.facts[work.delivery.source] = (proved, record.version)
        period = mapping.period(work.view, answers)
        if isinstance(period, AwaitsLink | Unmappable):
            found.faults[number] = period
        elif period is not None:
            found.periods[record.ref.id] = period
        rate = mapping.rate(work.view, answers)
        if isinstance(rate, AwaitsLink | Unmappable):
            found.faults[number] = rate
        elif mapping.tells_rates:
            found.rates[work.delivery.source] = (rate, record.version)
    return found


def settle(services: Services, tx: Tx, sync: SyncConfig, proofs: Proofs, now: datetime) -> None:
    """Write them down, in the transaction that ends the deliveries.

    A kind that this sync's mapping tells no more is taken back, unless another sync of the same
    source tells it: what two told would count twice. A sync that is switched off still owns what it
    told; switching it off takes nothing back.
    """
    if CONNECTION not in services.config.connections:
        return
    others = {
        kind
        for other in services.config.syncs.values()
        if other.source == sync.source and other.name != sync.name
        for kind in other.mapping.fact_kinds
    }
    if proofs.facts:
        facts.settle(tx, proofs.facts, set(FactKind) - others, now)
    turned = books.see_periods(tx, sync.source.connection, proofs.periods, now)
    if turned:
        # What was planned for a period that closed, or opened again, is planned anew.
        facts.mark(tx, books.waiting_in(tx, turned), now)
    turned_rates = rates.see(tx, proofs.rates, now)
    reporting = services.config.books.reporting
    if turned_rates and reporting is not None:
        facts.mark(tx, rates.concerned(tx, turned_rates, reporting), now)
    if proofs.periods:
        delivery_states.look_again(tx, BATCH_PERIOD_CLOSED, now)
