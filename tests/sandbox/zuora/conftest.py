"""A tenant on a loopback port, and a small client that signs in and talks plain HTTP."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
import requests

from sandbox.server import serve
from sandbox.zuora import CLIENT_ID, CLIENT_SECRET, ZuoraSimulator

START = datetime(2026, 9, 1, 8, 0, tzinfo=UTC)
SIZES = {"companies": 0, "contacts": 0, "products": 12, "deals": 0}


@dataclass
class Client:
    simulator: ZuoraSimulator
    url: str
    admin_url: str
    http: requests.Session = field(default_factory=requests.Session)

    def token(self, **form: str) -> requests.Response:
        usual = {
            "client_id": CLIENT_ID,
            "client_secret": CLIENT_SECRET,
            "grant_type": "client_credentials",
        }
        return requests.post(f"{self.url}/oauth/token", data={**usual, **form}, timeout=5)

    def sign_in(self) -> None:
        answer = self.token()
        assert answer.status_code == 200, answer.text
        self.http.headers["Authorization"] = f"Bearer {answer.json()['access_token']}"
        self.http.headers["Zuora-Version"] = "2025-08-12"

    def call(self, method: str, path: str, body: Any = None, **more: Any) -> requests.Response:
        return self.http.request(method, self.url + path, json=body, timeout=10, **more)

    def ok(self, method: str, path: str, body: Any = None, **more: Any) -> Any:
        answer = self.call(method, path, body, **more)
        read = json.loads(answer.text, parse_float=Decimal)
        assert answer.status_code == 200, answer.text
        assert read.get("success", read.get("Success", True)) is True, answer.text
        return read

    def refused(self, method: str, path: str, body: Any = None, **more: Any) -> int:
        """The code of a refusal that travels with 200."""
        answer = self.call(method, path, body, **more)
        assert answer.status_code == 200, answer.text
        read = answer.json()
        assert read["success"] is False
        assert read["processId"]
        code: int = read["reasons"][0]["code"]
        return code

    def admin(self, command: str, body: Any = None) -> Any:
        answer = requests.post(f"{self.admin_url}/{command}", json=body or {}, timeout=10)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def look(self, command: str) -> Any:
        return requests.get(f"{self.admin_url}/{command}", timeout=10).json()

    def mutate(self, object: str, op: str, id: str | None = None, **fields: Any) -> Any:
        body = {"object": object, "op": op, "id": id, "fields": fields}
        return self.admin("mutate", body)["record"]

    def violations(self) -> set[str]:
        return {entry["kind"] for entry in self.look("violations")["violations"]}

    def shift(self, seconds: float) -> None:
        self.admin("clock", {"shift_seconds": seconds})

    # -- what most deals need ---------------------------------------------------------------------

    def account(self, number: str = "A-1", currency: str = "USD", **more: Any) -> str:
        country = more.pop("country", "FR")
        contact = {"firstName": "Ada", "lastName": "Reyes", "country": country}
        body = {"name": "Acme", "currency": currency, "accountNumber": number, **more}
        body.setdefault("billToContact", contact)
        id: str = self.ok("POST", "/v1/accounts", body)["accountId"]
        return id

    def order(self, *actions: Any, subscription: str = "S-1", **more: Any) -> Any:
        return self.ok("POST", "/v1/orders", order(*actions, subscription=subscription, **more))

    def bill(self, until: str, **more: Any) -> Any:
        return self.mutate("invoices", "bill", until=until, **more)

    def items(self, invoice: str) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.ok("GET", f"/v1/invoices/{invoice}/items")[
            "invoiceItems"
        ]
        return found

    def memo_items(self, memo: str) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.ok("GET", f"/v1/credit-memos/{memo}/items")["items"]
        return found

    def invoice(self, key: str) -> dict[str, Any]:
        found: dict[str, Any] = self.ok("GET", f"/v1/invoices/{key}")
        return found


def action(kind: str, day: str, **fields: Any) -> dict[str, Any]:
    """An action of an order."""
    dates = [{"name": "ContractEffective", "triggerDate": day}]
    return {"type": kind, "triggerDates": dates, kind[0].lower() + kind[1:]: fields}


def plan(sku: str, name: str, price: Any = None, quantity: Any = 1, **more: Any) -> dict[str, Any]:
    """A plan of the catalogue with a price of its own."""
    number = f"{sku}-{name}"
    body: dict[str, Any] = {"productRatePlanNumber": f"PRP-{number}", **more}
    if price is not None:
        kind = "oneTimePerUnit" if name == "ONETIME" else "recurringPerUnit"
        pricing = {kind: {"listPrice": price, "quantity": quantity}}
        charge = {"productRatePlanChargeNumber": f"PRPC-{number}-FEE", "pricing": pricing}
        body["chargeOverrides"] = [charge]
    return body


def create(day: str, *plans: Any, months: int = 12, **terms: Any) -> dict[str, Any]:
    """A new subscription."""
    term = {"startDate": day, "period": months, "periodType": "Month", "termType": "TERMED"}
    return action(
        "CreateSubscription",
        day,
        terms={"initialTerm": term, **terms},
        subscribeToRatePlans=list(plans),
    )


def order(*actions: Any, subscription: str = "S-1", **more: Any) -> dict[str, Any]:
    """The body of an order on one subscription."""
    subscriptions = [{"subscriptionNumber": subscription, "orderActions": list(actions)}]
    body = {"orderDate": "2026-09-01", "existingAccountNumber": "A-1", **more}
    body.setdefault("subscriptions", subscriptions)
    return body


@pytest.fixture(scope="module")
def server() -> Iterator[tuple[ZuoraSimulator, str, str]]:
    simulator = ZuoraSimulator(seed=1)
    with serve([simulator]) as running:
        yield simulator, running.urls["zuora"], running.admin_url("zuora")


@pytest.fixture
def tenant(server: tuple[ZuoraSimulator, str, str]) -> Iterator[Client]:
    """A tenant with a catalogue and no customers, at the start of September, signed in."""
    simulator, url, admin_url = server
    simulator.reset()
    simulator.clock.freeze()
    simulator.clock.set(START)
    for name, value in vars(type(simulator.tenant.settings)()).items():
        setattr(simulator.tenant.settings, name, value)
    simulator.load({"seed": 1, "sizes": SIZES})
    client = Client(simulator, url, admin_url)
    client.sign_in()
    with client.http:
        yield client
