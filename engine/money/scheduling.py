"""From the facts of a contract to how each promise in it is earned. Pure.

Ordered amounts are earned over their service dates; a change of a promise follows the method of
its product family. What is a change shows from the versions of a fact: service that ends sooner or
later than promised changes the promise from that day on, anything else corrects it from the start.
Rated usage, and what was billed without an order, is earned over its own service dates. A
credit takes back what it names: the dates of its invoice line, or, where it names none, first what
is not yet earned and the rest at once. A billing correction follows a changed order, which says
itself what is earned. Costs follow the same dates.
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Final

from engine.money.calendar import DAY, Period
from engine.money.model import Fact, FactKind
from engine.money.spread import (
    Change,
    Cut,
    Method,
    Part,
    Stretch,
    by_period,
    endless,
    stretches,
    total,
    unearned_first,
)

REVENUE: Final = "revenue"
COST: Final = "cost"


@dataclass(frozen=True, slots=True, order=True)
class PromiseKey:
    """What is earned together: one product family of one entity, in one currency."""

    kind: str
    family: str
    entity: str
    currency: str
    exponent: int

    @property
    def name(self) -> str:
        """A name that is unique within the contract."""
        parts = (self.kind, self.family, self.entity, self.currency)
        return ":".join(part.replace("%", "%25").replace(":", "%3A") for part in parts)

    @classmethod
    def parse(cls, name: str, exponent: int) -> PromiseKey:
        """The key that has this name."""
        parts = (part.replace("%3A", ":").replace("%25", "%") for part in name.split(":"))
        kind, family, entity, currency = parts
        return cls(kind, family, entity, currency, exponent)


@dataclass(frozen=True, slots=True)
class Plan:
    """How one promise is earned, and by which method it was modified."""

    key: PromiseKey
    method: Method
    run: tuple[Stretch, ...]

    @property
    def amount_minor(self) -> int:
        """The whole promise."""
        return total(self.run)

    @property
    def by_period(self) -> dict[Period, int]:
        """What falls into each period."""
        return by_period(self.run)

    @property
    def first(self) -> date:
        """The first day of service."""
        return min(one.since for one in self.run)

    @property
    def last(self) -> date:
        """The last day of service."""
        return max(one.until for one in self.run)

    @property
    def digest(self) -> str:
        """Tells whether two plans are the same."""
        written = repr([self.method.value, [repr(one) for one in self.run]])
        return hashlib.sha256(written.encode()).hexdigest()[:32]


def plans(
    versions: Sequence[Sequence[Fact]],
    method_of: Callable[[str], Method],
    at_invoice: Collection[str] = (),
) -> tuple[Plan, ...]:
    """The plan of every promise of one contract, in the order of their keys.

    ``versions`` are the facts, each as what it was from the first time to now; the last one holds.
    ``at_invoice`` are families whose revenue is earned when it is billed, and not by a schedule.
    """
    facts = [several[-1] for several in versions]
    families = _families(facts)
    promised: dict[PromiseKey, list[Change]] = defaultdict(list)
    rendered: dict[PromiseKey, list[Change]] = defaultdict(list)
    credits: dict[PromiseKey, list[Fact]] = defaultdict(list)
    ordered = {fact.obligation for fact in facts if _orders(fact)}
    for several in versions:
        fact = several[-1]
        if not fact.amount_minor:
            continue
        key = _key(fact, families)
        if key.kind == REVENUE and key.family in at_invoice:
            continue
        match fact.kind:
            case FactKind.ORDERED | FactKind.COST:
                promised[key] += changes(several)
            case FactKind.RATED_USAGE:
                rendered[key].append(_part(fact))
            case FactKind.BILLED if fact.obligation not in ordered:
                rendered[key].append(_part(fact))
            case FactKind.CORRECTED if fact.obligation not in ordered:
                rendered[key].append(_part(replace(fact, amount_minor=-fact.amount_minor)))
            case FactKind.CREDITED:
                credits[key].append(fact)
            case _:
                pass
    found = []
    for key in sorted({*promised, *rendered, *credits}):
        method = method_of(key.family)
        run = stretches(promised[key], method) + stretches(rendered[key], Method.SEPARATE)
        found.append(Plan(key, method, _credited(run, credits[key])))
    return tuple(plan for plan in found if plan.run)


def earned_at_invoice(facts: Sequence[Fact], at_invoice: Collection[str]) -> int:
    """What of facts in one currency is earned when it is billed, less what was given back."""
    return sum(fact.amount_minor for fact in counted_at_invoice(facts, at_invoice))


def counted_at_invoice(facts: Sequence[Fact], at_invoice: Collection[str]) -> list[Fact]:
    """The facts that are earned when they are billed; what was given back is below zero."""
    families = _families(facts)
    signs = {FactKind.BILLED: 1, FactKind.CREDITED: -1, FactKind.CORRECTED: -1}
    return [
        replace(fact, amount_minor=signs[fact.kind] * fact.amount_minor)
        for fact in facts
        if fact.kind in signs and _key(fact, families).family in at_invoice
    ]


def changes(versions: Sequence[Fact]) -> list[Change]:
    """What one ordered fact promised, and from when on it promises something else.

    Only where the service ends otherwise than it did is the contract modified. Another price for
    the same service, or another begin, was so from the start.
    """
    fact = versions[-1]
    base = fact
    promised = False
    for version in versions:
        nothing = not version.amount_minor or endless(_begin(version), _end(version))
        if nothing or version.currency != fact.currency:
            promised = False
        elif not promised or _begin(version) != _begin(base) or _end(version) == _end(base):
            base, promised = version, True
    if not promised or _begin(base) != _begin(fact):
        base = fact
    whole = replace(_part(base), key=_part(fact).key, charge=_part(fact).charge)
    amount = fact.amount_minor - base.amount_minor
    if _end(fact) < _end(base):
        return [whole, Cut(whole.key, amount, _end(fact) + DAY, whole.charge)]
    if _end(fact) > _end(base):
        return [whole, replace(whole, amount_minor=amount, first=whole.last + DAY, last=_end(fact))]
    return [whole]


def _orders(fact: Fact) -> bool:
    kinds = (FactKind.ORDERED, FactKind.RATED_USAGE)
    return fact.kind in kinds and bool(fact.amount_minor)


def _families(facts: Iterable[Fact]) -> dict[str, tuple[str, str]]:
    """Obligation → (family, entity), from the facts that say so."""
    found: dict[str, tuple[str, str]] = {}
    for fact in facts:
        if fact.obligation and fact.family:
            found.setdefault(fact.obligation, (fact.family, fact.entity or ""))
    return found


def _key(fact: Fact, families: dict[str, tuple[str, str]]) -> PromiseKey:
    family, entity = families.get(fact.obligation or "", (fact.family or "", fact.entity or ""))
    kind = COST if fact.kind is FactKind.COST else REVENUE
    return PromiseKey(
        kind, fact.family or family, fact.entity or entity, fact.currency, fact.exponent
    )


def _part(fact: Fact) -> Part:
    charge = fact.obligation or fact.key
    key = f"{fact.obligation or ''}/{fact.key}"
    promised = fact.kind in (FactKind.ORDERED, FactKind.COST)
    return Part(key, fact.amount_minor, _begin(fact), _end(fact), charge if promised else "")


def _begin(fact: Fact) -> date:
    return fact.service_from or fact.effective_on


def _end(fact: Fact) -> date:
    return max(_begin(fact), fact.service_to or _begin(fact))


def _credited(run: tuple[Stretch, ...], credits: Sequence[Fact]) -> tuple[Stretch, ...]:
    for fact in sorted(credits, key=lambda one: (one.effective_on, one.key)):
        if fact.service_from is not None and fact.service_to is not None:
            taken: tuple[Part, ...] = (
                Part(fact.key, -fact.amount_minor, _begin(fact), _end(fact)),
            )
        else:
            whole = Part(fact.key, -fact.amount_minor, fact.effective_on, fact.effective_on)
            taken = unearned_first(whole, run, fact.effective_on)
        run = (*run, *stretches(taken, Method.SEPARATE))
    return run
