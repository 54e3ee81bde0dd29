"""An account on a loopback port, and a small client that signs in and talks plain HTTP."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cache
from typing import Any

import jwt
import pytest
import requests
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from sandbox.docusign import (
    ACCOUNT_ID,
    INTEGRATION_KEY,
    ORDER_FORM_ID,
    USER_ID,
    DocuSignSimulator,
    private_key_pem,
)
from sandbox.server import serve

START = datetime(2026, 9, 1, 8, 20, tzinfo=UTC)
GRANT = "urn:ietf:params:oauth:grant-type:jwt-bearer"
ROLES = [
    {"roleName": "Customer", "name": "Ada Ng", "email": "ada@acme.example"},
    {"roleName": "Revline", "name": "Sam Fox", "email": "sam@revline.example"},
]


@cache
def our_key() -> Any:
    """The private key, read once: reading checks its primes, which takes a while."""
    return load_pem_private_key(private_key_pem().encode(), None)


@dataclass
class Client:
    simulator: DocuSignSimulator
    url: str
    admin_url: str
    http: requests.Session = field(default_factory=requests.Session)

    def assertion(self, key: str | None = None, algorithm: str = "RS256", **claims: Any) -> str:
        now = int(self.simulator.now().timestamp())
        usual = {
            "iss": INTEGRATION_KEY,
            "sub": USER_ID,
            "aud": "account-d.docusign.com",
            "iat": now,
            "exp": now + 600,
            "scope": "signature impersonation",
        }
        kept = {name: value for name, value in {**usual, **claims}.items() if value is not None}
        return jwt.encode(kept, key or our_key(), algorithm=algorithm)

    def token(self, assertion: str | None = None, grant: str = GRANT) -> requests.Response:
        form = {"grant_type": grant, "assertion": assertion or self.assertion()}
        return requests.post(f"{self.url}/oauth/token", data=form, timeout=5)

    def sign_in(self) -> None:
        answer = self.token()
        assert answer.status_code == 200, answer.text
        self.http.headers["Authorization"] = f"Bearer {answer.json()['access_token']}"

    def call(self, method: str, path: str, body: Any = None, **query: Any) -> requests.Response:
        url = f"{self.url}/restapi/v2.1/accounts/{ACCOUNT_ID}{path}"
        return self.http.request(method, url, json=body, params=query, timeout=10)

    def ok(self, method: str, path: str, body: Any = None, **query: Any) -> Any:
        answer = self.call(method, path, body, **query)
        assert answer.status_code in (200, 201), answer.text
        return answer.json()

    def refused(self, method: str, path: str, body: Any = None, **query: Any) -> str:
        answer = self.call(method, path, body, **query)
        assert answer.status_code >= 400, answer.text
        code: str = answer.json()["errorCode"]
        return code

    def admin(self, command: str, body: Any = None) -> Any:
        answer = requests.post(f"{self.admin_url}/{command}", json=body or {}, timeout=10)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def look(self, command: str) -> Any:
        return requests.get(f"{self.admin_url}/{command}", timeout=70).json()

    def act(self, word: str, id: str, **fields: Any) -> Any:
        body = {"object": "envelopes", "op": word, "id": id, "fields": fields}
        return self.admin("mutate", body)["record"]

    def violations(self) -> set[str]:
        return {entry["kind"] for entry in self.look("violations")["violations"]}

    def shift(self, seconds: float) -> None:
        self.admin("clock", {"shift_seconds": seconds})

    def envelope(self, status: str = "sent", **more: Any) -> str:
        body = {"templateId": ORDER_FORM_ID, "templateRoles": ROLES, "status": status, **more}
        id: str = self.ok("POST", "/envelopes", body)["envelopeId"]
        return id

    def found(self, **query: Any) -> list[str]:
        query.setdefault("from_date", "2026-01-01T00:00:00Z")
        answer = self.ok("GET", "/envelopes", **query)
        return [one["envelopeId"] for one in answer.get("envelopes", [])]


@pytest.fixture(scope="module")
def server() -> Iterator[tuple[DocuSignSimulator, str, str]]:
    simulator = DocuSignSimulator(seed=1)
    with serve([simulator]) as running:
        yield simulator, running.urls["docusign"], running.admin_url("docusign")


@pytest.fixture
def account(server: tuple[DocuSignSimulator, str, str]) -> Iterator[Client]:
    """An account at the start of September, signed in, its clock standing."""
    simulator, url, admin_url = server
    simulator.reset()
    simulator.clock.freeze()
    simulator.clock.set(START)
    client = Client(simulator, url, admin_url)
    client.sign_in()
    with client.http:
        yield client
