"""The simulated org in the words of the contract, for every connector that works with one."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import date, datetime, timedelta
from typing import Any

from salesforce_describes import DESCRIBES

from connectors.base import ApiCall
from connectors.records import Identity, Ref, Value
from connectors.testing.hostile import Asked, answer
from sandbox.salesforce.simulator import SalesforceSimulator
from sandbox.simulator import Mutation

QUOTE_FIELDS = ("SBQQ__BillingName__c", "SBQQ__ShippingName__c")
TOKEN = "00D000000000001!token"
PARENT_FIELDS = {
    ("Account", "Contact"): "AccountId",
    ("SBQQ__Quote__c", "sbaa__Approval__c"): "Quote__c",
}


class OrgWorld:
    """The simulated org in the contract's words."""

    def __init__(self, simulator: SalesforceSimulator, observed: list[ApiCall]) -> None:
        self.simulator = simulator
        self.observed = observed

    def _do(self, object: str, word: str, id: str | None, fields: Mapping[str, Any]) -> str:
        texts = {name: _plain(value) for name, value in fields.items()}
        with self.simulator.lock:
            found: str = self.simulator.mutate(Mutation(object, word, id, texts))["Id"]
            return found

    def create(self, object: str, fields: Mapping[str, Value]) -> str:
        return self._do(object, "create", None, fields)

    def update(self, object: str, id: str, fields: Mapping[str, Value]) -> None:
        self._do(object, "update", id, fields)

    def remove(self, object: str, id: str) -> None:
        self._do(object, "delete", id, {})

    def merge(self, object: str, survivor: str, loser: str) -> None:
        self._do(object, "merge", survivor, {"loser": loser})

    def associate(self, left: Ref, right: Ref) -> None:
        name = PARENT_FIELDS[left.object, right.object]
        self._do(right.object, "update", right.id, {name: left.id})

    def settle(self) -> None:
        # The deleted feed knows whole minutes only.
        self.simulator.clock.shift(timedelta(seconds=61))

    @contextmanager
    def still(self) -> Iterator[None]:
        self.simulator.clock.freeze()
        try:
            yield
        finally:
            self.simulator.clock.resume()

    def now(self) -> datetime:
        return self.simulator.now()

    def calls(self) -> int:
        return len(self.observed)

    def lose_next_answer(self) -> None:
        match = {"path": "/composite/sobjects"}
        self.simulator.faults.add({"match": match, "action": "reset", "phase": "after", "times": 1})

    def living(self, object: str, identity: Identity) -> int:
        with self.simulator.lock:
            rows = list(self.simulator.live_records())
        return sum(
            kind == object and row.get(identity.field) == identity.value for kind, _, row in rows
        )


def _plain(value: object) -> object:
    return value.isoformat() if isinstance(value, date | datetime) else value


def polite(asked: Asked) -> bytes | None:
    """What must succeed before a client can be abused: a token, and the description."""
    url = f"http://{asked.headers['host']}"
    if asked.target == "/services/oauth2/token":
        identity = f"{url}/id/00D000000000001EAA/005000000000001AAA"
        body: Any = {"access_token": TOKEN, "instance_url": url, "id": identity}
    elif asked.target.endswith("/describe"):
        name = asked.target.split("/")[-2]
        body = dict(DESCRIBES.get(name) or {**DESCRIBES["Account"], "name": name})
        known = {one["name"] for one in body["fields"]}
        more = {"Company", "City", "Name", "Website", *QUOTE_FIELDS} - known
        plain = {"type": "string", "createable": True, "updateable": True}
        body["fields"] = [*body["fields"], *({"name": one, **plain} for one in sorted(more))]
    else:
        return None
    return answer(200, json.dumps(body).encode(), Content_Type="application/json")
