"""An account on a loopback port, and a small client that signs in and talks plain HTTP."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

import jwt
import pytest
import requests

from sandbox.netsuite import (
    ALGORITHM,
    CERTIFICATE_ID,
    CLIENT_ID,
    NetSuiteSimulator,
    private_key_pem,
)
from sandbox.server import serve
from sandbox.simulator import Mutation

TOKEN_PATH = "/services/rest/auth/oauth2/v1/token"
ASSERTION = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
ERROR = {"X-NetSuite-PropertyNameValidation": "Error"}


@dataclass
class Client:
    simulator: NetSuiteSimulator
    url: str
    admin_url: str
    http: requests.Session = field(default_factory=requests.Session)

    def claims(self, **more: Any) -> dict[str, Any]:
        now = int(self.simulator.now().timestamp())
        usual = {"iss": CLIENT_ID, "scope": ["rest_webservices"], "aud": self.url + TOKEN_PATH}
        claims = {**usual, "iat": now, "exp": now + 600, **more}
        return {name: value for name, value in claims.items() if value is not None}

    def ask_token(
        self,
        claims: Mapping[str, Any] | None = None,
        key: Any = None,
        algorithm: str = ALGORITHM,
        kid: str = CERTIFICATE_ID,
        **form: str,
    ) -> requests.Response:
        whole = dict(claims if claims is not None else self.claims())
        signed = jwt.encode(whole, key or private_key_pem(), algorithm, headers={"kid": kid})
        body = {
            "grant_type": "client_credentials",
            "client_assertion_type": ASSERTION,
            "client_assertion": signed,
            **form,
        }
        return requests.post(self.url + TOKEN_PATH, data=body, timeout=5)

    def sign_in(self) -> str:
        answer = self.ask_token()
        assert answer.status_code == 200, answer.text
        token: str = answer.json()["access_token"]
        self.http.headers["Authorization"] = f"Bearer {token}"
        return token

    def call(self, method: str, path: str, json: Any = None, **more: Any) -> requests.Response:
        url = path if path.startswith("/services") else f"/services/rest/record/v1/{path}"
        headers = {**ERROR, **more.pop("headers", {})}
        return self.http.request(
            method, self.url + url, json=json, headers=headers, timeout=5, **more
        )

    def make(self, type: str, **fields: Any) -> str:
        return self.done(self.call("POST", type, fields))

    def put(self, type: str, external_id: str, replace: str = "", **fields: Any) -> str:
        params = {"replace": replace} if replace else {}
        return self.done(self.call("PUT", f"{type}/eid:{external_id}", fields, params=params))

    def patch(self, type: str, id: str, replace: str = "", **fields: Any) -> str:
        params = {"replace": replace} if replace else {}
        return self.done(self.call("PATCH", f"{type}/{id}", fields, params=params))

    def transform(self, type: str, id: str, target: str, **fields: Any) -> str:
        return self.done(self.call("POST", f"{type}/{id}/!transform/{target}", fields))

    def done(self, answer: requests.Response) -> str:
        assert answer.status_code == 204, answer.text
        assert answer.content == b""
        return answer.headers["Location"].rpartition("/")[2]

    def refused(self, answer: requests.Response, status: int = 400) -> dict[str, Any]:
        assert answer.status_code == status, (answer.status_code, answer.text)
        body = answer.json()
        assert body["status"] == status
        detail: dict[str, Any] = body["o:errorDetails"][0]
        return detail

    def read(self, type: str, id: str, **params: str) -> dict[str, Any]:
        answer = self.call("GET", f"{type}/{id}", params={"expandSubResources": "true", **params})
        assert answer.status_code == 200, answer.text
        record: dict[str, Any] = answer.json(parse_float=Decimal)
        return record

    def ask(
        self, sql: str, *params: Any, limit: int = 1000, offset: int = 0, prefer: str = "transient"
    ) -> requests.Response:
        body = {"q": sql, "params": list(params)} if params else {"q": sql}
        place = {"limit": str(limit), "offset": str(offset)}
        return self.call(
            "POST", "/services/rest/query/v1/suiteql", body, params=place,
            headers={"Prefer": prefer},
        )  # fmt: skip

    def query(self, sql: str, *params: Any, **more: Any) -> list[dict[str, str]]:
        answer = self.ask(sql, *params, **more)
        assert answer.status_code == 200, answer.text
        return [
            {name: value for name, value in item.items() if name != "links"}
            for item in answer.json()["items"]
        ]

    def sum_of(self, account: str, **where: str) -> Decimal:
        """The account's balance in base currency, over all transactions."""
        more = "".join(f" AND t.{name} = '{value}'" for name, value in where.items())
        rows = self.query(
            "SELECT SUM(tal.amount) AS balance FROM transactionaccountingline tal "
            "JOIN transaction t ON t.id = tal.transaction JOIN account a ON a.id = tal.account "
            f"WHERE a.acctnumber = ?{more}",
            account,
        )
        return Decimal(rows[0].get("balance", "0"))

    def admin(self, command: str, body: Mapping[str, Any] | None = None) -> Any:
        answer = requests.post(f"{self.admin_url}/{command}", json=dict(body or {}), timeout=5)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def look(self, command: str) -> Any:
        return requests.get(f"{self.admin_url}/{command}", timeout=5).json()

    def mutate(self, object: str, op: str, id: str | None = None, **fields: Any) -> Any:
        with self.simulator.lock:
            return self.simulator.mutate(Mutation(object, op, id, fields))

    def shift(self, seconds: float) -> None:
        self.admin("clock", {"shift_seconds": seconds})

    def kinds_of_violation(self) -> set[str]:
        return {entry["kind"] for entry in self.look("violations")["violations"]}

    # -- what most tests need ----------------------------------------------------------------------

    def customer(self, **more: Any) -> str:
        usual = {"companyName": "Acme", "subsidiary": {"id": "1"}}
        return self.make("customer", **{**usual, **more})

    def item(self, sku: str) -> dict[str, str]:
        return {"id": self.query("SELECT id FROM item WHERE itemid = ?", sku)[0]["id"]}

    def line(self, sku: str, amount: float, **more: Any) -> dict[str, Any]:
        return {"item": self.item(sku), "quantity": 1, "rate": amount, **more}

    def invoice(self, customer: str, *lines: dict[str, Any], **more: Any) -> str:
        body = {
            "entity": {"id": customer},
            "tranDate": "2026-09-10",
            "item": {"items": list(lines)},
            **more,
        }
        return self.make("invoice", **body)

    def pay(self, customer: str, amount: float, *invoices: tuple[str, float], **more: Any) -> str:
        applied = [{"doc": {"id": id}, "apply": True, "amount": part} for id, part in invoices]
        body = {
            "customer": {"id": customer},
            "payment": amount,
            "tranDate": "2026-09-20",
            "apply": {"items": applied},
            **more,
        }
        return self.make("customerPayment", **body)


@pytest.fixture(scope="module")
def server() -> Iterator[tuple[NetSuiteSimulator, str, str]]:
    simulator = NetSuiteSimulator(seed=1)
    with serve([simulator], {"netsuite": 0}) as running:
        yield simulator, running.urls["netsuite"], running.admin_url("netsuite")


@pytest.fixture
def account(server: tuple[NetSuiteSimulator, str, str]) -> Iterator[Client]:
    """An account with the catalogue, signed in."""
    simulator, url, admin_url = server
    simulator.reset()
    simulator.load({"sizes": {"products": 8, "companies": 0, "contacts": 0, "deals": 0}})
    client = Client(simulator, url, admin_url)
    client.sign_in()
    with client.http:
        yield client
