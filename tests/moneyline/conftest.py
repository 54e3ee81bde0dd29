"""One line per test, closed afterwards; nobody may have objected to what we did."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.moneyline.identities import violations
from tests.moneyline.world import MoneyLine


@pytest.fixture
def line(tmp_path: Path) -> Iterator[MoneyLine]:
    made = MoneyLine(tmp_path)
    yield made
    broken = violations(made)
    made.close()
    assert broken == []
    for system, simulator in made.simulators.items():
        assert simulator.journal.violations == [], system
