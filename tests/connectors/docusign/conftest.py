"""A simulated account on loopback, and our connector over it."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

sys.path.append(str(Path(__file__).parent))

from docusign_desk import Desk

from sandbox.docusign.simulator import DocuSignSimulator
from sandbox.server import serve


@pytest.fixture
def simulator() -> DocuSignSimulator:
    return DocuSignSimulator(seed=3)


@pytest.fixture
def desk(simulator: DocuSignSimulator) -> Iterator[Desk]:
    with serve([simulator]) as running:
        desk = Desk(simulator, running.urls["docusign"])
        yield desk
        found = [one for one in simulator.journal.violations if one["kind"] not in desk.provoked]
        assert found == []
