"""A line with nothing in it, closed at the end whatever happens."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.endtoend.world import BLANK, Line


@pytest.fixture
def line(tmp_path: Path) -> Iterator[Line]:
    made = Line(tmp_path, sizes=BLANK)
    try:
        yield made
    finally:
        made.clear_faults()
        made.close()
