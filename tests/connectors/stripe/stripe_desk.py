"""A simulated Stripe account with our connector on it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal

from connectors.base import ApiCall, Confirmed, Outcome, Wiring
from connectors.records import Change, Identity, Operation, Value
from connectors.stripe.connector import Stripe, build
from sandbox.stripe import RESTRICTED_KEY
from sandbox.stripe import Stripe as Simulator

CARD = {
    "payment_method": "pm_card_visa",
    "confirm": True,
    "allowed_payment_method_types": ("card",),
}


@dataclass
class Desk:
    """A simulated account, the connector on it, and what it called."""

    simulator: Simulator
    url: str
    observed: list[ApiCall] = field(default_factory=list)
    connector: Stripe = field(init=False)

    def __post_init__(self) -> None:
        self.connector = self.build()

    def build(self, **settings: str) -> Stripe:
        """Another connector on the same account."""
        wiring = Wiring(now=self.now, observe=self.observed.append, allow_loopback=True)
        return build({"api_key": RESTRICTED_KEY, "base_url": self.url, **settings}, wiring)

    def now(self) -> datetime:
        return self.simulator.now()

    def create(self, object: str, key: str, **fields: Value) -> Outcome:
        """Create one record under our identity."""
        identity = Identity("metadata.revline_id", f"revline-{object}-{key}")
        change = Change(key, Operation.CREATE, object, fields, identity=identity)
        (outcome,) = self.connector.apply([change])
        return outcome

    def act(self, object: str, id: str, action: str, key: str, **fields: Value) -> Outcome:
        """Act on one record."""
        change = Change(key, Operation.ACT, object, fields, id=id, action=action)
        (outcome,) = self.connector.apply([change])
        return outcome

    def update(self, object: str, id: str, key: str, **fields: Value) -> Outcome:
        """Change one record."""
        (outcome,) = self.connector.apply([Change(key, Operation.UPDATE, object, fields, id=id)])
        return outcome

    def paths(self, work: Callable[[], object]) -> list[str]:
        """The calls that some work made."""
        before = len(self.observed)
        work()
        return [f"{call.method} {call.path}" for call in self.observed[before:]]


def paid(desk: Desk, amount: str = "12.34", currency: str = "usd", key: str = "p1") -> str:
    outcome = desk.create("payment_intents", key, amount=Decimal(amount), currency=currency, **CARD)
    assert isinstance(outcome, Confirmed), outcome
    return outcome.id
