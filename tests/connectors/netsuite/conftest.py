from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

sys.path.append(str(Path(__file__).parent))

from netsuite_account import Account

from sandbox.netsuite.simulator import NetSuiteSimulator
from sandbox.server import serve


@pytest.fixture
def simulator() -> NetSuiteSimulator:
    return NetSuiteSimulator(seed=3)


@pytest.fixture
def account(simulator: NetSuiteSimulator) -> Iterator[Account]:
    with serve([simulator]) as running:
        yield Account(simulator, running.urls["netsuite"])
