from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from sandbox.server import serve
from sandbox.stripe import Settings
from sandbox.stripe import Stripe as Simulator

sys.path.append(str(Path(__file__).parent))

from stripe_desk import Desk


@pytest.fixture
def simulator() -> Simulator:
    return Simulator(seed=5, settings=Settings(index_delay_seconds=5.0, rate_scale=1000.0))


@pytest.fixture
def desk(simulator: Simulator) -> Iterator[Desk]:
    with serve([simulator]) as running:
        yield Desk(simulator, running.urls["stripe"])
