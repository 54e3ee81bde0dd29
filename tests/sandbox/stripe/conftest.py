"""A Stripe account over real HTTP, spoken to by the vendor's SDK and by plain requests."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import requests
import stripe

from sandbox.server import Running, serve
from sandbox.stripe import RESTRICTED_KEY, Settings, Stripe


class Desk:
    """Calls the account as its restricted key may."""

    def __init__(self, running: Running) -> None:
        self.simulator: Stripe = running.simulators["stripe"]
        self.url = running.urls["stripe"]
        self.session = requests.Session()
        self.session.trust_env = False
        self.session.headers["Authorization"] = f"Bearer {RESTRICTED_KEY}"
        self.sdk = stripe.StripeClient(
            RESTRICTED_KEY,
            base_addresses={"api": self.url},
            max_network_retries=0,
            http_client=stripe.RequestsClient(timeout=10, session=requests.Session()),
        )

    @property
    def v1(self):
        return self.sdk.v1

    def call(self, method: str, path: str, form: object = None, **options) -> requests.Response:
        return self.session.request(method, self.url + path, data=form, timeout=10, **options)

    def post(self, path: str, form: object = None, status: int = 200, **options):
        return self._expect(self.call("POST", path, form, **options), status)

    def get(self, path: str, status: int = 200, **options):
        return self._expect(self.call("GET", path, **options), status)

    def delete(self, path: str, status: int = 200, **options):
        return self._expect(self.call("DELETE", path, **options), status)

    def refused(self, method: str, path: str, form: object = None, status: int = 400):
        return self._expect(self.call(method, path, form), status)["error"]

    def _expect(self, answer: requests.Response, status: int):
        assert answer.status_code == status, (answer.status_code, answer.text)
        return answer.json()

    def admin(self, path: str, body: object = None):
        method = "GET" if body is None else "POST"
        answer = self.session.request(method, f"{self.url}/__admin/{path}", json=body, timeout=10)
        return self._expect(answer, 200)

    def mutate(self, object: str, op: str, id: str | None = None, /, **fields):
        return self.admin("mutate", {"object": object, "op": op, "id": id, "fields": fields})[
            "record"
        ]

    def pass_time(self, **how: float) -> None:
        units = {"days": 86_400, "hours": 3600, "seconds": 1}
        seconds = sum(units[unit] * amount for unit, amount in how.items())
        self.admin("clock", {"shift_seconds": seconds})

    def violations(self) -> list[str]:
        return [row["kind"] for row in self.admin("violations")["violations"]]

    def event_types(self, **filters: object) -> list[str]:
        """Oldest first."""
        page = self.get("/v1/events?limit=100", params=filters)
        assert not page["has_more"]
        return [event["type"] for event in reversed(page["data"])]

    def customer(self, **fields: str) -> str:
        return self.post("/v1/customers", {"name": "Arc", **fields})["id"]

    def paid(
        self, amount: int = 10_000, currency: str = "usd", method: str = "pm_card_visa", **more
    ):
        form = {
            "amount": amount,
            "currency": currency,
            "payment_method": method,
            "confirm": "true",
            "off_session": "true",
        }
        return self.post("/v1/payment_intents", {**form, **more})


@pytest.fixture
def desk() -> Iterator[Desk]:
    """An empty account with a standing clock, without rate limits and daily payouts."""
    simulator = Stripe(settings=Settings(rate_scale=1000, payouts="manual"))
    with serve([simulator]) as running:
        client = Desk(running)
        client.admin("clock", {"set": "2026-09-01T08:00:00+00:00", "freeze": True})
        yield client
        client.session.close()
