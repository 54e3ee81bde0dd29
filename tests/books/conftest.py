"""The books of an empty store."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from engine.store.store import Store
from tests.books.kit import Bench


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    store = Store.open(None, tmp_path / "state", b"k" * 32)
    yield Bench(store)
    store.close()
