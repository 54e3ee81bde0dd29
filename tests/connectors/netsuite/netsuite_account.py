"""The simulated account as tests drive it: connectors over it, and edits behind their backs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import date, datetime, timedelta
from typing import Any

from connectors.base import ApiCall, Wiring
from connectors.netsuite.connector import NetSuite, build
from connectors.records import Identity, Ref, Value
from sandbox.netsuite import credentials
from sandbox.netsuite.simulator import NetSuiteSimulator
from sandbox.simulator import Mutation


def oauth2(url: str, **more: str) -> dict[str, str]:
    """Settings that sign in with a certificate."""
    return {
        "account_id": credentials.ACCOUNT_ID,
        "client_id": credentials.CLIENT_ID,
        "certificate_id": credentials.CERTIFICATE_ID,
        "private_key": credentials.private_key_pem(),
        "algorithm": credentials.ALGORITHM,
        "base_url": url,
        "read_seconds": "20",
        **more,
    }


def token_based(url: str, **more: str) -> dict[str, str]:
    """Settings that sign every call."""
    return {
        "account_id": credentials.ACCOUNT_ID,
        "auth": "token_based",
        "consumer_key": credentials.CONSUMER_KEY,
        "consumer_secret": credentials.CONSUMER_SECRET,
        "token_id": credentials.TOKEN_ID,
        "token_secret": credentials.TOKEN_SECRET,
        "base_url": url,
        "read_seconds": "20",
        **more,
    }


class Account:
    """The simulated account in the contract's words, and connectors over it."""

    def __init__(self, simulator: NetSuiteSimulator, url: str) -> None:
        self.simulator = simulator
        self.url = url
        self.observed: list[ApiCall] = []

    def connector(self, settings: Mapping[str, str] | None = None) -> NetSuite:
        """A new connector, as after a restart."""
        wiring = Wiring(now=self.simulator.now, observe=self.observed.append, allow_loopback=True)
        return build(settings or oauth2(self.url), wiring)

    def do(self, object: str, word: str, id: str | None = None, **fields: Any) -> str:
        """An edit by a person, or an administrator's word; the record's id."""
        with self.simulator.lock:
            shown = self.simulator.mutate(Mutation(object, word, id, _plain(fields)))
            return str(shown["id"])

    def row(self, object: str, id: str) -> dict[str, Any]:
        """A record as the simulator holds it."""
        with self.simulator.lock:
            return self.simulator.snapshot()[object][id]

    def count(self, object: str) -> int:
        """How many records of a type there are."""
        with self.simulator.lock:
            return len(self.simulator.books.tables[object])

    def create(self, object: str, fields: Mapping[str, Value]) -> str:
        return self.do(object, "create", None, **fields)

    def update(self, object: str, id: str, fields: Mapping[str, Value]) -> None:
        self.do(object, "update", id, **fields)

    def remove(self, object: str, id: str) -> None:
        self.do(object, "delete", id)

    def merge(self, object: str, survivor: str, loser: str) -> None:
        raise NotImplementedError("the record API does not tell of merges")

    def associate(self, left: Ref, right: Ref) -> None:
        raise NotImplementedError("lines are part of their record")

    def settle(self) -> None:
        self.simulator.clock.shift(timedelta(seconds=2))

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
        match = {"path": "/record/v1/"}
        self.simulator.faults.add({"match": match, "action": "reset", "phase": "after", "times": 1})

    def living(self, object: str, identity: Identity) -> int:
        with self.simulator.lock:
            rows = list(self.simulator.live_records())
        return sum(
            kind == object and row.get(identity.field) == identity.value for kind, _, row in rows
        )


def _plain(value: Any) -> Any:
    if isinstance(value, date | datetime):
        return value.isoformat()
    if isinstance(value, Mapping):
        return {key: _plain(one) for key, one in value.items()}
    return [_plain(one) for one in value] if isinstance(value, tuple) else value
