"""A HubSpot account over real HTTP, with a few helpers to talk to it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import requests

from sandbox.hubspot import HubSpot
from sandbox.hubspot.oauth import ACCESS_TOKEN
from sandbox.server import Running, serve

UNIQUE = {"name": "revline_id", "label": "Revline id", "hasUniqueValue": True}
SETUP = {
    "custom_objects": [{"name": "site", "properties": [{"name": "seats", "type": "number"}]}],
    "properties": {name: [UNIQUE] for name in ("contacts", "companies", "deals", "line_items")},
}


class Hub:
    """Calls the account as an authorized client."""

    def __init__(self, running: Running) -> None:
        self.simulator: HubSpot = running.simulators["hubspot"]
        self.url = running.urls["hubspot"]
        self.session = requests.Session()
        self.session.headers["Authorization"] = f"Bearer {ACCESS_TOKEN}"

    def call(self, method: str, path: str, body: object = None, **options) -> requests.Response:
        return self.session.request(method, self.url + path, json=body, timeout=10, **options)

    def get(self, path: str, status: int = 200):
        return self._expect(self.call("GET", path), status)

    def post(self, path: str, body: object, status: int = 200):
        return self._expect(self.call("POST", path, body), status)

    def patch(self, path: str, body: object, status: int = 200):
        return self._expect(self.call("PATCH", path, body), status)

    def put(self, path: str, body: object = None, status: int = 200):
        return self._expect(self.call("PUT", path, body), status)

    def delete(self, path: str, status: int = 204):
        return self._expect(self.call("DELETE", path), status)

    def _expect(self, answer: requests.Response, status: int):
        assert answer.status_code == status, (answer.status_code, answer.text)
        return answer.json() if answer.content else None

    def make(self, object: str, **properties: str) -> str:
        body = {"properties": properties}
        return self.post(f"/crm/v3/objects/{object}", body, 201)["id"]

    def admin(self, path: str, body: object = None):
        method = "GET" if body is None else "POST"
        return self._expect(self.call(method, f"/__admin/{path}", body), 200)

    def mutate(self, object: str, op: str, id: str | None = None, /, **fields):
        body = {"object": object, "op": op, "id": id, "fields": fields}
        return self.admin("mutate", body)["record"]

    def violations(self) -> list[str]:
        return [v["kind"] for v in self.admin("violations")["violations"]]


@pytest.fixture
def hub() -> Iterator[Hub]:
    """An empty account with a unique property per object and one custom object."""
    simulator = HubSpot()
    simulator.load(SETUP)
    with serve([simulator]) as running:
        client = Hub(running)
        client.admin("options", {"rate_scale": 1000})
        yield client
        client.session.close()


@pytest.fixture(scope="module")
def seeded() -> Iterator[Hub]:
    """A small seeded account; tests only read it."""
    simulator = HubSpot()
    simulator.load({"seed": 1, "sizes": {"companies": 30, "contacts": 150, "deals": 30}})
    with serve([simulator]) as running:
        client = Hub(running)
        client.admin("options", {"rate_scale": 1000})
        yield client
        client.session.close()
