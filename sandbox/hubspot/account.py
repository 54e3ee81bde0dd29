"""One HubSpot account: its state, and the writes everything else goes through."""

from __future__ import annotations

import random
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING, Final

from sandbox.clock import iso_milliseconds
from sandbox.hubspot.associations import Associations, Kind
from sandbox.hubspot.errors import not_found
from sandbox.hubspot.events import Events
from sandbox.hubspot.schema import ObjectType, Schema
from sandbox.hubspot.store import Record, Store
from sandbox.messages import Request
from sandbox.seed import STAGES

if TYPE_CHECKING:
    from sandbox.hubspot.simulator import HubSpot

QUALIFIED: Final = "salesqualifiedlead"
QUALIFIED_AT: Final = "hs_lifecyclestage_salesqualifiedlead_date"
_PROBABILITIES: Final = ("0.2", "0.4", "0.6", "0.8", "0.9", "1.0", "0.0")


@dataclass(slots=True)
class Stage:
    """A pipeline stage; metadata values are text, as in the API."""

    id: str
    label: str
    probability: str
    closed: bool


@dataclass(slots=True)
class Pipeline:
    """A deal pipeline."""

    id: str
    label: str
    stages: list[Stage]


@dataclass(slots=True)
class Owner:
    """A user as an owner; ``id`` goes into ``hubspot_owner_id``, ``user_id`` does not."""

    id: str
    user_id: int
    email: str
    first_name: str
    last_name: str
    archived: bool


def _stock_pipelines() -> list[Pipeline]:
    closed = {"closedwon", "closedlost"}
    stages = [
        Stage(id, id, probability, closed=id in closed)
        for id, probability in zip(STAGES, _PROBABILITIES, strict=True)
    ]
    renewals = [
        Stage("1085746101", "Renewal due", "0.5", closed=False),
        Stage("1085746102", "Renewed", "1.0", closed=True),
        Stage("1085746103", "Churned", "0.0", closed=True),
    ]
    return [
        Pipeline("default", "Sales Pipeline", stages),
        Pipeline("85746100", "Renewals", renewals),
    ]


@dataclass(slots=True)
class Claims:
    """Unique values taken by the inputs of one batch: (property, value) → which record."""

    taken: dict[tuple[str, str], object] = field(default_factory=dict)


class Account:
    """Everything of one account that is not about transport."""

    def __init__(self, simulator: HubSpot, seed: int) -> None:
        self.simulator = simulator
        self.schema = Schema()
        self.store = Store(self.schema, simulator.clock, seed)
        self.associations = Associations()
        self.events = Events(simulator.clock, random.Random(f"events-{seed}"))
        self.pipelines = _stock_pipelines()
        self.owners: list[Owner] = []
        self.required: dict[str, list[str]] = {}  # administrators' rules, enforced from 2026-09 on
        self.time_zone = "Europe/Berlin"
        self.currency = "EUR"

    def object_type(self, request: Request, parameter: str = "object") -> ObjectType:
        """The object a path names; 404 in the vendor's words otherwise."""
        word = request.parameters[parameter]
        found = self.schema.find(word)
        if found is None:
            self.simulator.violation("unknown_object", f"no object type {word}", request)
            raise not_found(f"Unable to infer object type from: {word}").refusal()
        return found

    # -- writes that count -----------------------------------------------------------------------

    def create(
        self, object_type: ObjectType, values: Mapping[str, str], created_at: datetime | None = None
    ) -> Record:
        """A new record with what the account computes for it."""
        record = self.store.create(object_type, values, created_at)
        self._derive(record)
        if not self.events.silent:
            self._count(record, "creates")
            self.events.tell(record, "creation", changeFlag="NEW")
            self.events.changed(record, {k: v for k, v in values.items() if v != ""})
        return record

    def update(self, record: Record, values: Mapping[str, str]) -> bool:
        """Write values; whether any changed. The modified time moves either way."""
        changed = self.store.update(record, values)
        self._derive(record)
        self._count(record, "changing_updates" if changed else "unchanged_updates")
        self.events.changed(record, changed)
        return bool(changed)

    def archive(self, record: Record) -> None:
        """Into the recycle bin. Associations stay with the archived record, out of sight."""
        self.store.archive(record)
        self._count(record, "deletes")
        self.events.tell(record, "deletion", changeFlag="DELETED")

    def restore(self, record: Record) -> None:
        """Out of the recycle bin; only people can."""
        self.store.restore(record)
        self.simulator.touch()
        self.events.tell(record, "restore", changeFlag="NEW")

    def merge(self, survivor: Record, loser: Record) -> None:
        """Merge two records of one object; associations move to the survivor."""
        self.store.merge(survivor, loser)
        name = survivor.type.name
        for to, other in list(self.associations.everything_of(name, loser.id)):
            kinds = set(self.associations.of(name, loser.id, to)[other])
            self.associations.remove((name, loser.id), (to, other))
            labels = {
                kind
                for kind in kinds
                if (found := self.associations.type_of(kind)) is not None and not found.primary
            }
            other_type = self.schema.types[to]
            self.associations.add((survivor.type, survivor.id), (other_type, other), labels)
        self.simulator.touch()
        self.events.tell(
            survivor,
            "merge",
            changeFlag="MERGED",
            primaryObjectId=int(survivor.id),
            mergedObjectIds=[int(loser.id)],
            newObjectId=int(survivor.id),
            numberOfPropertiesMoved=len(loser.properties),
        )

    def erase(self, record: Record) -> None:
        """Privacy deletion: nothing is kept."""
        self.associations.remove_all(record.type.name, record.id)
        self._count(record, "deletes")
        self.events.tell(record, "privacyDeletion", changeFlag="DELETED")
        self.store.erase(record)

    def associate(self, left: Record, right: Record, kinds: Iterable[Kind]) -> None:
        """Associate two records; the modified times stay as they are."""
        if self.associations.add((left.type, left.id), (right.type, right.id), kinds):
            self.simulator.touch()
            self._tell_association(left, right, removed=False)

    def dissociate(self, left: Record, right: Record, kinds: Iterable[Kind] | None = None) -> None:
        """Remove an association, or some of its labels."""
        if self.associations.remove((left.type.name, left.id), (right.type.name, right.id), kinds):
            self.simulator.touch()
            self._tell_association(left, right, removed=True)

    def _tell_association(self, left: Record, right: Record, *, removed: bool) -> None:
        if self.events.silent:
            return
        kinds = self.associations.of(left.type.name, left.id, right.type.name).get(right.id, ())
        primary = any(
            (found := self.associations.type_of(kind)) is not None and found.primary
            for kind in kinds
        )
        for one, other in ((left, right), (right, left)):
            self.events.tell(
                one,
                "associationChange",
                associationType=f"{one.type.singular}_TO_{other.type.singular}".upper(),
                fromObjectId=int(one.id),
                toObjectId=int(other.id),
                associationRemoved=removed,
                isPrimaryAssociation=primary,
            )

    def _count(self, record: Record, what: str) -> None:
        name = record.type.name
        if self.events.silent or self.events.source == "CRM_UI":
            self.simulator.touch()
            return
        external = record.properties.get(self.simulator.identity_of(name))
        self.simulator.count(name, record.id, what, external)

    # -- what the account computes ---------------------------------------------------------------

    def stage(self, pipeline_id: str, stage_id: str) -> Stage | None:
        """A stage of a pipeline."""
        for pipeline in self.pipelines:
            if pipeline.id == pipeline_id:
                return next((stage for stage in pipeline.stages if stage.id == stage_id), None)
        return None

    def _derive(self, record: Record) -> None:
        properties = record.properties
        if record.type.name == "line_items":
            properties["amount"] = _line_amount(properties)
        elif record.type.name == "deals":
            stage = self.stage(
                properties.get("pipeline", "default"), properties.get("dealstage", "")
            )
            if stage is not None:
                won = stage.closed and stage.probability == "1.0"
                properties["hs_is_closed"] = "true" if stage.closed else "false"
                properties["hs_is_closed_won"] = "true" if won else "false"
                properties["hs_deal_stage_probability"] = stage.probability
        elif (
            properties.get("lifecyclestage") == QUALIFIED and QUALIFIED_AT in record.type.properties
        ):
            # Kept from the first time on.
            properties.setdefault(QUALIFIED_AT, iso_milliseconds(record.updated_at))

    def options_of(self, object_type: ObjectType, name: str) -> list[str]:
        """The values an enumeration takes right now."""
        definition = object_type.properties[name]
        if definition.owner:
            return [owner.id for owner in self.owners]
        if definition.pipeline:
            return [pipeline.id for pipeline in self.pipelines]
        if definition.stage:
            return [stage.id for pipeline in self.pipelines for stage in pipeline.stages]
        return definition.options


def _line_amount(properties: Mapping[str, str]) -> str:
    try:
        price = Decimal(properties.get("price", "0"))
        quantity = Decimal(properties.get("quantity", "1"))
        percentage = Decimal(properties.get("hs_discount_percentage", "0"))
        amount = price * quantity * (1 - percentage / 100)
        amount -= Decimal(properties.get("discount", "0")) * quantity
    except InvalidOperation:
        return "0"
    return format(amount.normalize(), "f")
