"""Several engines on one PostgreSQL."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from engine.store.store import Store

KEY = b"k" * 32
Node = Callable[[], Store]


@pytest.fixture
def node(postgres_url: str, tmp_path: Path) -> Iterator[Node]:
    """Opens the test's database as one more machine does."""
    opened: list[Store] = []

    def make() -> Store:
        opened.append(Store.open(postgres_url, tmp_path / f"node-{len(opened)}", KEY))
        return opened[-1]

    yield make
    for store in opened:
        store.close()
