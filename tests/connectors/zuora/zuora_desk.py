"""Our connector at work on a simulated tenant."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal
from typing import Any
from uuid import uuid4

from connectors.base import ApiCall, Confirmed, Failed, Wiring
from connectors.errors import CallError
from connectors.records import Change, Identity, Operation, Record, Selection, Value
from connectors.zuora.connector import Zuora, build
from sandbox.zuora.simulator import ZuoraSimulator
from sandbox.zuora.tokens import CLIENT_ID, CLIENT_SECRET

BILL_TO = {"firstName": "Ada", "lastName": "Ng", "country": "United States", "state": "California"}


@dataclass
class Desk:
    """The connector at work on a simulated tenant."""

    simulator: ZuoraSimulator
    url: str
    observed: list[ApiCall] = field(default_factory=list)
    more: dict[str, str] = field(default_factory=dict)
    provoked: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.connector = self.build()

    def settings(self) -> dict[str, str]:
        """The settings of the connection."""
        given = {"base_url": self.url, "client_id": CLIENT_ID, "client_secret": CLIENT_SECRET}
        return {**given, **self.more}

    def build(self) -> Zuora:
        """The same connector anew, as after a restart."""
        wiring = Wiring(self.simulator.now, self.observed.append, allow_loopback=True)
        return build(self.settings(), wiring)

    def wait(self, **time: float) -> None:
        """Let the tenant's clock run."""
        self.simulator.clock.shift(timedelta(**time))

    def change(self, operation: Operation, object: str, **parts: Any) -> Change:
        """A change with a key of its own."""
        return Change(**{"key": uuid4().hex, "operation": operation, "object": object, **parts})

    def apply(self, change: Change) -> Confirmed | CallError:
        """What became of one change."""
        (outcome,) = self.connector.apply([change])
        return outcome.error if isinstance(outcome, Failed) else outcome

    def done(self, change: Change) -> Confirmed:
        """A change that takes effect."""
        outcome = self.apply(change)
        assert isinstance(outcome, Confirmed), getattr(outcome, "message", outcome)
        return outcome

    def make(self, object: str, identity: Identity | None = None, **fields: Value) -> Confirmed:
        """Create a record."""
        return self.done(self.change(Operation.CREATE, object, fields=fields, identity=identity))

    def act(self, object: str, id: str, action: str, **fields: Value) -> Confirmed:
        """Act on a record."""
        return self.done(self.change(Operation.ACT, object, id=id, action=action, fields=fields))

    def read(self, object: str, id: str, *fields: str) -> Record:
        """One record."""
        (record,) = self.connector.read(Selection(object, tuple(sorted(fields))), [id])
        return record

    def account(self, number: str = "A-1", **fields: Value) -> str:
        """An account."""
        given: dict[str, Value] = {"name": "Acme", "currency": "USD", "billToContact": BILL_TO}
        made = self.make("accounts", Identity("accountNumber", number), **{**given, **fields})
        return made.id

    def rows(self, object: str) -> list[Mapping[str, Any]]:
        """What the tenant holds of an object."""
        with self.simulator.lock:
            return list(self.simulator.tenant.rows(object))

    def plan(self) -> tuple[str, str]:
        """A rate plan of the catalogue with a recurring charge per unit, and that charge."""
        charge = next(
            row
            for row in self.rows("product-rate-plan-charges")
            if row["chargeType"] == "Recurring" and row["billingPeriod"] == "Annual"
        )
        return charge["productRatePlanId"], charge["id"]

    def order(
        self, number: str = "O-1", *, account: str = "A-1", bill: bool = True, **more: Value
    ) -> Change:
        """An order of one subscription: ten units at 100, a year from September on."""
        plan, charge = self.plan()
        fields = order_body(plan, charge, number.replace("O-", "S-"), account, bill=bill)
        return self.change(
            Operation.CREATE,
            "orders",
            fields={**fields, **more},
            identity=Identity("orderNumber", number),
        )

    def invoice(self, number: str = "O-1") -> str:
        """A posted invoice of 1,000 and its tax."""
        made = self.done(self.order(number))
        (invoice,) = made.fields["invoiceNumbers"]
        assert isinstance(invoice, str)
        if self.read("invoices", invoice, "status").get("status") == "Draft":
            self.act("invoices", invoice, "post")
        return invoice


def order_body(
    plan: str, charge: str, subscription: str, account: str, *, bill: bool, overrides: int = 1
) -> dict[str, Value]:
    """The body of an order, as a mapping would build it."""
    start = date(2026, 9, 1)
    names = ("ContractEffective", "ServiceActivation", "CustomerAcceptance")
    override = {
        "productRatePlanChargeId": charge,
        "pricing": {"recurringPerUnit": {"listPrice": Decimal(100), "quantity": Decimal(10)}},
    }
    plans = tuple(
        {"productRatePlanId": plan, "chargeOverrides": (override,)} for _ in range(overrides)
    )
    create = {
        "terms": {
            "initialTerm": {
                "startDate": start,
                "period": 12,
                "periodType": "Month",
                "termType": "TERMED",
            },
            "renewalSetting": "RENEW_WITH_SPECIFIC_TERM",
            "renewalTerms": ({"period": 12, "periodType": "Month"},),
            "autoRenew": False,
        },
        "subscribeToRatePlans": plans,
    }
    action = {
        "type": "CreateSubscription",
        "triggerDates": tuple({"name": name, "triggerDate": start} for name in names),
        "createSubscription": create,
    }
    options: dict[str, Value] = {"runBilling": bill, "collectPayment": False}
    if bill:
        options["billingOptions"] = {"targetDate": start}
    return {
        "orderDate": start,
        "existingAccountNumber": account,
        "subscriptions": ({"subscriptionNumber": subscription, "orderActions": (action,)},),
        "processingOptions": options,
    }
