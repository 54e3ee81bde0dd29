from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

import pytest

from connectors.base import ApiCall, Outcome, Wiring
from connectors.records import Change, Identity, Operation, Value
from connectors.stripe.connector import Stripe, build
from sandbox.server import serve
from sandbox.stripe import RESTRICTED_KEY, Settings
from sandbox.stripe import Stripe as Simulator

sys.path.append(str(Path(__file__).parent))


@dataclass
class Desk:
    """A simulated account, the connector on it, and what it called."""

    simulator: Simulator
    url: str
    observed: list[ApiCall] = field(default_factory=list)
    connector: Stripe = field(init=False)

    def __post_init__(self) -> None:
        self.connector = self.build()

    def build(self, **settings: str) -> Stripe:
        """Another connector on the same account."""
        wiring = Wiring(now=self.now, observe=self.observed.append, allow_loopback=True)
        return build({"api_key": RESTRICTED_KEY, "base_url": self.url, **settings}, wiring)

    def now(self) -> datetime:
        return self.simulator.now()

    def create(self, object: str, key: str, **fields: Value) -> Outcome:
        """Create one record under our identity."""
        identity = Identity("metadata.revline_id", f"revline-{object}-{key}")
        change = Change(key, Operation.CREATE, object, fields, identity=identity)
        (outcome,) = self.connector.apply([change])
        return outcome

    def act(self, object: str, id: str, action: str, key: str, **fields: Value) -> Outcome:
        """Act on one record."""
        change = Change(key, Operation.ACT, object, fields, id=id, action=action)
        (outcome,) = self.connector.apply([change])
        return outcome

    def update(self, object: str, id: str, key: str, **fields: Value) -> Outcome:
        """Change one record."""
        (outcome,) = self.connector.apply([Change(key, Operation.UPDATE, object, fields, id=id)])
        return outcome

    def paths(self, work: Callable[[], object]) -> list[str]:
        """The calls that some work made."""
        before = len(self.observed)
        work()
        return [f"{call.method} {call.path}" for call in self.observed[before:]]


@pytest.fixture
def simulator() -> Simulator:
    return Simulator(seed=5, settings=Settings(index_delay_seconds=5.0, rate_scale=1000.0))


@pytest.fixture
def desk(simulator: Simulator) -> Iterator[Desk]:
    with serve([simulator]) as running:
        yield Desk(simulator, running.urls["stripe"])
