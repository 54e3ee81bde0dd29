"""A tenant on a loopback port, a small client that talks plain HTTP, and somebody who listens."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
import requests

from sandbox.dealhub import TOKEN, DealHubSimulator
from sandbox.server import serve

START = datetime(2026, 9, 1, 8, 0, tzinfo=UTC)
OPPORTUNITY = {
    "external_opportunity_name": "Acme – New",
    "opportunity_owner": {"external_user_id": "U1", "email": "rep@revline.example", "name": "Ann"},
    "external_customer_id": "001ACME",
    "customer_name": "Acme",
    "geo_code": "US",
    "currency": "USD",
}


@dataclass
class Client:
    simulator: DealHubSimulator
    url: str
    admin_url: str
    token: str = TOKEN

    def call(self, method: str, path: str, body: Any = None, **more: Any) -> requests.Response:
        headers = {"Authorization": f"Bearer {self.token}", **more.pop("headers", {})}
        data = body if isinstance(body, bytes) or body is None else json.dumps(body).encode()
        if data is not None:
            headers.setdefault("Content-Type", "application/json")
        return requests.request(
            method, self.url + path, data=data, headers=headers, timeout=10, **more
        )

    def get(self, path: str, *features: str, **query: Any) -> Any:
        asked = [*(("feature", one) for one in features), *query.items()]
        answer = self.call("GET", path, params=asked)
        assert answer.status_code == 200, answer.text
        return json.loads(answer.text, parse_float=Decimal)

    def accepted(self, path: str, body: Any = None) -> Any:
        answer = self.call("POST", path, body)
        assert answer.status_code == 202, answer.text
        return answer.json()

    def refused(self, method: str, path: str, body: Any = None, **more: Any) -> str:
        answer = self.call(method, path, body, **more)
        assert answer.status_code == 400, answer.text
        text: str = answer.json()["error"]
        return text

    def state_of(self, accepted: Any) -> str:
        state: str = self.get(f"/api/v1/request/{accepted['request_id']}/status")["status"]
        return state

    @property
    def sku(self) -> str:
        return next(iter(self.simulator.tenant.products))

    def body(self, **more: Any) -> dict[str, Any]:
        usual = {
            "external_opportunity_id": "006A",
            "request_action": "draft",
            "document_type": "DealRoom",
            "quote_data": [{"group_id": "terms", "questions": [{"term": "12"}]}],
            "line_items": [{"sku": self.sku, "product_factors": {"Quantity": 2}}],
            "opportunity_data": OPPORTUNITY,
        }
        return {**usual, **more}

    def generate(self, **more: Any) -> str:
        """A quote that was made; its id."""
        before = set(self.simulator.tenant.quotes)
        accepted = self.accepted("/api/v1/quote/generate", self.body(**more))
        assert self.state_of(accepted) == "done"
        (made,) = set(self.simulator.tenant.quotes) - before
        return made

    def admin(self, command: str, body: Any = None) -> Any:
        answer = requests.post(f"{self.admin_url}/{command}", json=body or {}, timeout=10)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def look(self, command: str) -> Any:
        return requests.get(f"{self.admin_url}/{command}", timeout=10).json()

    def person(self, op: str, id: str | None = None, object: str = "quotes", **fields: Any) -> Any:
        body = {"object": object, "op": op, "id": id, "fields": fields}
        return self.admin("mutate", body)["record"]

    def cannot(self, op: str, id: str | None = None, object: str = "quotes", **fields: Any) -> str:
        body = {"object": object, "op": op, "id": id, "fields": fields}
        answer = requests.post(f"{self.admin_url}/mutate", json=body, timeout=10)
        assert answer.status_code == 400, answer.text
        text: str = answer.json()["error"]
        return text

    def shift(self, seconds: float) -> None:
        self.admin("clock", {"shift_seconds": seconds})


@pytest.fixture
def client() -> Iterator[Client]:
    simulator = DealHubSimulator(seed=3)
    simulator.clock.set(START)
    simulator.clock.freeze()
    simulator.load({"seed": 3, "sizes": {"products": 4}})
    with serve([simulator]) as running:
        yield Client(simulator, running.urls["dealhub"], running.admin_url("dealhub"))


@dataclass
class Ear:
    """Takes in webhooks. ``status`` is what it answers."""

    url: str = ""
    status: int = 200
    heard: list[tuple[str | None, Any]] = field(default_factory=list)


@pytest.fixture
def ear() -> Iterator[Ear]:
    ear = Ear()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            ear.heard.append((self.headers.get("Authorization"), json.loads(body)))
            self.send_response(ear.status)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            """Nothing is printed."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        ear.url = f"http://127.0.0.1:{server.server_port}/hooks"
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        yield ear
        server.shutdown()
        thread.join(10)
