"""The edits of the live part: what people do in HubSpot and Salesforce on a busy morning.

Every edit names where it should arrive, so that its seconds can be measured.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from engine.demo.simulators import live

WEBHOOK: Final = "webhook"
POLL: Final = "poll"

CONTACT_EDITS: Final = 24
COMPANY_EDITS: Final = 12
DEAL_EDITS: Final = 8
STAGE_EDITS: Final = 8
DATE_EDITS: Final = 6
AMOUNT_EDITS: Final = 3
STATUS_EDITS: Final = 8
LAST_NAME_TOO_LONG: Final = "Wolfeschlegelsteinhausenbergerdorff " * 3

State = Mapping[str, Mapping[str, Mapping[str, Any]]]
Pair = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Arrival:
    """A write that is expected: to one of these ids of a system, with this value in this field.

    ``value`` None is content with any value.
    """

    system: str
    ids: tuple[str, ...]
    field: str
    value: str | None


@dataclass(frozen=True, slots=True)
class Edit:
    """One edit. ``channel`` is how Revline hears of it; ``arrival`` None is not measured."""

    system: str
    object: str
    operation: str
    id: str | None
    fields: Mapping[str, Any]
    channel: str
    arrival: Arrival | None = None

    def command(self) -> dict[str, Any]:
        """The edit as the simulator's admin surface takes it."""
        given: dict[str, Any] = {"object": self.object, "op": self.operation}
        if self.id is not None:
            given["id"] = self.id
        return {**given, "fields": dict(self.fields)}


@dataclass(slots=True)
class Pairs:
    """Linked records that no edit has used yet, as (HubSpot id, Salesforce id), per objects."""

    pools: dict[Pair, list[Pair]] = field(default_factory=dict)

    def take(self, near: str, far: str) -> Pair:
        """A pair that nobody has used."""
        return self.pools[near, far].pop(0)

    def take_one_of(self, near: str, far: str, wanted: set[str]) -> Pair:
        """The first unused pair whose HubSpot record is among these."""
        pool = self.pools[near, far]
        return pool.pop(next(place for place, pair in enumerate(pool) if pair[0] in wanted))

    def some(self, near: str, far: str, count: int) -> list[Pair]:
        """Up to ``count`` pairs; one is left for each of the episodes."""
        return [self.take(near, far) for _ in range(min(count, len(self.pools[near, far])))]

    def take_where(self, near: str, far: str, wanted: set[str]) -> list[Pair]:
        """All pairs whose HubSpot record is among these."""
        pool = self.pools[near, far]
        found = [pair for pair in pool if pair[0] in wanted]
        self.pools[near, far] = [pair for pair in pool if pair[0] not in wanted]
        return found


def identity(object: str, id: str) -> str:
    """The identity that Revline gives a record's counterpart."""
    return f"revline-{object}-{id}"


def to_salesforce(object: str, pair: Pair, name: str, value: str, field: str) -> Edit:
    """A property changed in HubSpot, to arrive in a Salesforce field unchanged."""
    ids = (pair[1], identity(object, pair[0]))
    arrival = Arrival("salesforce", ids, field, value)
    return Edit("hubspot", object, "update", pair[0], {name: value}, WEBHOOK, arrival)


def to_hubspot(object: str, pair: Pair, change: Pair, name: str, value: str | None = None) -> Edit:
    """A Salesforce field changed, ``change`` being field and value, to arrive in a property."""
    arrival = Arrival("hubspot", (pair[0],), name, value)
    return Edit("salesforce", object, "update", pair[1], dict([change]), POLL, arrival)


def morning(pairs: Pairs, hubspot: State, salesforce: State) -> list[Edit]:
    """A morning's edits, both ways, taking turns."""
    webhooks = _in_hubspot(pairs)
    polled = _in_salesforce(pairs, hubspot, salesforce)
    return _taking_turns(webhooks, polled)


def _in_hubspot(pairs: Pairs) -> list[Edit]:
    edits = []
    for number, pair in enumerate(pairs.some("contacts", "Contact", CONTACT_EDITS)):
        value = f"+49 30 7000{number:03d}"
        edits.append(to_salesforce("contacts", pair, "mobilephone", value, "MobilePhone"))
    for number, pair in enumerate(pairs.some("companies", "Account", COMPANY_EDITS)):
        value = f"+49 40 9000{number:03d}"
        edits.append(to_salesforce("companies", pair, "phone", value, "Phone"))
    for number, pair in enumerate(pairs.some("deals", "Opportunity", DEAL_EDITS)):
        value = f"Call the buyer, reminder {number + 1}"
        edits.append(to_salesforce("deals", pair, "hs_next_step", value, "NextStep"))
    return edits


def _in_salesforce(pairs: Pairs, hubspot: State, salesforce: State) -> list[Edit]:
    edits = []
    bare = {
        id
        for id, deal in live(hubspot["deals"]).items()
        if not deal.get("associations", {}).get("line_items")
    }
    for number, pair in enumerate(pairs.take_where("deals", "Opportunity", bare)[:AMOUNT_EDITS]):
        amount = f"{41_500 + number}"
        edits.append(to_hubspot("Opportunity", pair, ("Amount", amount), "amount"))
    stages = (
        ("Value Proposition", "presentationscheduled"),
        ("Negotiation/Review", "contractsent"),
    )
    for pair in pairs.some("deals", "Opportunity", STAGE_EDITS):
        now = salesforce["Opportunity"][pair[1]]["StageName"]
        stage, property = stages[0] if now != stages[0][0] else stages[1]
        edits.append(to_hubspot("Opportunity", pair, ("StageName", stage), "dealstage", property))
    for number, pair in enumerate(pairs.some("deals", "Opportunity", DATE_EDITS)):
        day = datetime(2027, 1, 15, tzinfo=UTC) + timedelta(days=number)
        change = ("CloseDate", day.date().isoformat())
        edits.append(to_hubspot("Opportunity", pair, change, "closedate"))
    for pair in pairs.some("contacts", "Lead", STATUS_EDITS):
        change = ("Status", "Working - Contacted")
        edits.append(to_hubspot("Lead", pair, change, "hs_lead_status", "IN_PROGRESS"))
    return edits


def _taking_turns(first: Sequence[Edit], second: Sequence[Edit]) -> list[Edit]:
    """Both lists as one, spread over the same time, each in its own order."""
    placed = [(place / max(1, len(first)), 0, edit) for place, edit in enumerate(first)]
    placed += [(place / max(1, len(second)), 1, edit) for place, edit in enumerate(second)]
    return [edit for _, _, edit in sorted(placed, key=lambda one: one[:2])]
