"""A selling line with nothing in it, closed at the end whatever happens."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.selling.world import SellingLine


@pytest.fixture
def line(tmp_path: Path) -> Iterator[SellingLine]:
    made = SellingLine(tmp_path)
    try:
        yield made
    finally:
        made.close()
