"""Our connector at work on a simulated tenant."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from decimal import Decimal
from typing import Any
from uuid import uuid4

from connectors.base import ApiCall, Confirmed, Failed, Wiring
from connectors.dealhub.connector import DealHub, build
from connectors.errors import CallError
from connectors.records import Change, Identity, Lookup, Operation, Record, Selection, Value
from sandbox.dealhub import TOKEN, DealHubSimulator
from sandbox.simulator import Mutation

SKU = "PLT-001"
OPPORTUNITY_DATA: dict[str, Value] = {
    "external_opportunity_name": "Acme – New",
    "opportunity_owner": {"external_user_id": "U1", "email": "rep@revline.example", "name": "Ann"},
    "external_customer_id": "001ACME",
    "customer_name": "Acme",
    "geo_code": "US",
    "currency": "USD",
}


def line(sku: str, quantity: int = 10, **more: Value) -> dict[str, Value]:
    """A line of so many units."""
    return {"sku": sku, "product_factors": {"Quantity": Decimal(quantity)}, **more}


@dataclass
class Desk:
    """The connector at work on a simulated tenant."""

    simulator: DealHubSimulator
    url: str
    observed: list[ApiCall] = field(default_factory=list)
    more: dict[str, str] = field(default_factory=lambda: {"scan_hours": "0"})
    provoked: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.connector = self.build()

    @property
    def sku(self) -> str:
        """A product of the catalogue."""
        return next(iter(self.simulator.tenant.products))

    def settings(self) -> dict[str, str]:
        """The settings of the connection."""
        return {"base_url": self.url, "api_token": TOKEN, **self.more}

    def build(self) -> DealHub:
        """The same connector anew, as after a restart."""
        wiring = Wiring(self.simulator.now, self.observed.append, allow_loopback=True)
        return build(self.settings(), wiring)

    def wait(self, **time: float) -> None:
        """Let the tenant's clock run."""
        self.simulator.clock.shift(timedelta(**time))

    def options(self, **options: Any) -> None:
        """Turn knobs of the simulator."""
        with self.simulator.lock:
            self.simulator.set_options(options)

    def person(self, act: str, id: str | None = None, **fields: Any) -> dict[str, Any]:
        """What a person does to a quote; the quote afterwards."""
        return self.act_on("quotes", act, id, **fields)

    def act_on(self, object: str, act: str, id: str | None, **fields: Any) -> dict[str, Any]:
        """What a person does in the screens."""
        with self.simulator.lock:
            row: dict[str, Any] = self.simulator.mutate(Mutation(object, act, id, fields))
        return row

    def quote(self, **fields: Any) -> str:
        """A quote that a person made; its id."""
        given = {"external_opportunity_id": "006A", "line_items": [line(self.sku)], **fields}
        return str(self.person("create", **given)["dealhub_quote_id"])

    def creation(self, opportunity: str = "006A", action: str = "draft", **more: Value) -> Change:
        """A quote to be made."""
        fields: dict[str, Value] = {
            "external_opportunity_id": opportunity,
            "request_action": action,
            "document_type": "DealRoom",
            "line_items": (line(self.sku),),
            "quote_data": ({"group_id": "terms", "questions": ({"term": "12"},)},),
            "opportunity_data": OPPORTUNITY_DATA,
        }
        return Change(
            key=uuid4().hex,
            operation=Operation.CREATE,
            object="quotes",
            fields={**fields, **more},
            identity=self.identity(opportunity),
        )

    def identity(self, opportunity: str = "006A") -> Identity:
        """The identity of a quote of ours."""
        return Identity("quote_name", f"revline-Opportunity-{opportunity}")

    def apply(self, change: Change) -> Confirmed | CallError:
        """What became of one change."""
        (outcome,) = self.connector.apply([change])
        return outcome.error if isinstance(outcome, Failed) else outcome

    def done(self, change: Change) -> Confirmed:
        """A change that takes effect."""
        outcome = self.apply(change)
        assert isinstance(outcome, Confirmed), getattr(outcome, "message", outcome)
        return outcome

    def act(self, id: str, action: str, **fields: Value) -> Confirmed | CallError:
        """Act on a quote."""
        change = Change(uuid4().hex, Operation.ACT, "quotes", fields, id=id, action=action)
        return self.apply(change)

    def read(self, id: str, *fields: str, object: str = "quotes") -> Record:
        """One record."""
        (record,) = self.connector.read(Selection(object, tuple(sorted(fields))), [id])
        return record

    def look(self, opportunity: str = "006A") -> Lookup:
        """Look up our quote of an opportunity."""
        selection = Selection("quotes", ("quote_name",))
        (found,) = self.connector.lookup(selection, [self.identity(opportunity)])
        return found

    def names(self) -> list[str]:
        """The names of all quotes there are."""
        with self.simulator.lock:
            quotes = self.simulator.tenant.quotes.values()
            return [quote["info"]["dealhub_quote_name"] for quote in quotes]

    def paths(self) -> list[str]:
        """What the connector called since it was last asked."""
        called = [f"{call.method} {call.path}" for call in self.observed]
        self.observed.clear()
        return called
