"""A simulated tenant on loopback, and our connector over it."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

sys.path.append(str(Path(__file__).parent))

from zuora_desk import Desk

from sandbox.server import serve
from sandbox.zuora.simulator import ZuoraSimulator


@pytest.fixture
def simulator() -> ZuoraSimulator:
    simulator = ZuoraSimulator(seed=3)
    simulator.load({"seed": 3, "sizes": {"products": 4}})
    return simulator


@pytest.fixture
def desk(simulator: ZuoraSimulator) -> Iterator[Desk]:
    with serve([simulator]) as running:
        desk = Desk(simulator, running.urls["zuora"])
        yield desk
        found = [one for one in simulator.journal.violations if one["kind"] not in desk.provoked]
        assert found == []
