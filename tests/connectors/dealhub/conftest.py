"""A simulated tenant on loopback, and our connector over it."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

sys.path.append(str(Path(__file__).parent))

from dealhub_desk import Desk

from sandbox.dealhub import DealHubSimulator
from sandbox.server import serve


@pytest.fixture
def simulator() -> DealHubSimulator:
    simulator = DealHubSimulator(seed=3)
    simulator.load({"seed": 3, "sizes": {"products": 4}})
    return simulator


@pytest.fixture
def desk(simulator: DealHubSimulator) -> Iterator[Desk]:
    with serve([simulator]) as running:
        desk = Desk(simulator, running.urls["dealhub"])
        yield desk
        found = [one for one in simulator.journal.violations if one["kind"] not in desk.provoked]
        assert found == []
