"""An org on a loopback port, and a small client that signs in and talks plain HTTP."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import requests

from sandbox.salesforce import CLIENT_ID, CLIENT_SECRET, SalesforceSimulator
from sandbox.server import serve

sys.path.append(str(Path(__file__).parent))

VERSION = "v67.0"


@dataclass
class Client:
    simulator: SalesforceSimulator
    url: str
    admin_url: str
    http: requests.Session = field(default_factory=requests.Session)

    def sign_in(self) -> str:
        form = {
            "grant_type": "client_credentials",
            "client_id": CLIENT_ID,
            "client_secret": CLIENT_SECRET,
        }
        answer = self.http.post(f"{self.url}/services/oauth2/token", data=form, timeout=5)
        assert answer.status_code == 200, answer.text
        token: str = answer.json()["access_token"]
        self.http.headers["Authorization"] = f"Bearer {token}"
        return token

    def call(self, method: str, path: str, json: Any = None, **more: Any) -> requests.Response:
        url = path if path.startswith("/services") else f"/services/data/{VERSION}{path}"
        return self.http.request(method, self.url + url, json=json, timeout=5, **more)

    def create(self, object: str, **fields: Any) -> str:
        answer = self.call("POST", f"/sobjects/{object}", fields)
        assert answer.status_code == 201, answer.text
        id: str = answer.json()["id"]
        return id

    def read(self, object: str, id: str) -> dict[str, Any]:
        answer = self.call("GET", f"/sobjects/{object}/{id}")
        assert answer.status_code == 200, answer.text
        record: dict[str, Any] = answer.json()
        return record

    def query(self, soql: str, *, all: bool = False) -> list[dict[str, Any]]:
        answer = self.call("GET", "/queryAll" if all else "/query", params={"q": soql})
        assert answer.status_code == 200, answer.text
        records: list[dict[str, Any]] = answer.json()["records"]
        return records

    def refused(self, soql: str) -> str:
        answer = self.call("GET", "/query", params={"q": soql})
        assert answer.status_code == 400, answer.text
        code: str = answer.json()[0]["errorCode"]
        return code

    def admin(self, command: str, body: Mapping[str, Any] | None = None) -> Any:
        answer = self.http.post(f"{self.admin_url}/{command}", json=dict(body or {}), timeout=5)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def look(self, command: str) -> Any:
        return self.http.get(f"{self.admin_url}/{command}", timeout=5).json()

    def mutate(self, object: str, op: str, id: str | None = None, **fields: Any) -> dict[str, Any]:
        body = {"object": object, "op": op, "id": id, "fields": fields}
        record: dict[str, Any] = self.admin("mutate", body)["record"]
        return record

    def shift(self, seconds: float) -> None:
        self.admin("clock", {"shift_seconds": seconds})

    def kinds_of_violation(self) -> set[str]:
        return {entry["kind"] for entry in self.look("violations")["violations"]}

    # -- what most deals need ---------------------------------------------------------------------

    def standard_book(self) -> str:
        id: str = self.query("SELECT Id FROM Pricebook2 WHERE IsStandard = true")[0]["Id"]
        return id

    def price(self, **more: Any) -> str:
        product = self.create("Product2", Name="Seat", ProductCode="SEAT", IsActive=True)
        fields = {
            "Pricebook2Id": self.standard_book(),
            "Product2Id": product,
            "UnitPrice": 100,
            "IsActive": True,
        }
        return self.create("PricebookEntry", **{**fields, **more})

    def opportunity(self, **more: Any) -> str:
        fields = {
            "Name": "Deal",
            "StageName": "Prospecting",
            "CloseDate": "2026-12-31",
            "Pricebook2Id": self.standard_book(),
        }
        return self.create("Opportunity", **{**fields, **more})


@pytest.fixture(scope="module")
def server() -> Iterator[tuple[SalesforceSimulator, str, str]]:
    simulator = SalesforceSimulator(seed=1)
    with serve([simulator], {"salesforce": 0}) as running:
        yield simulator, running.urls["salesforce"], running.admin_url("salesforce")


@pytest.fixture
def org(server: tuple[SalesforceSimulator, str, str]) -> Iterator[Client]:
    """A clean org with the external-id fields in place, signed in."""
    simulator, url, admin_url = server
    simulator.reset()
    simulator.add_external_id()
    client = Client(simulator, url, admin_url)
    client.sign_in()
    with client.http:
        yield client
