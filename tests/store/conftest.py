"""One store suite, run on both databases."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from engine.store.store import Store

KEY = b"k" * 32
NOW = datetime(2026, 3, 1, 9, 0, tzinfo=UTC)
LEASE = timedelta(minutes=15)

StoreMaker = Callable[[], Store]


@pytest.fixture(params=["sqlite", "postgres"])
def store_url(request: pytest.FixtureRequest) -> str | None:
    """The URL of a test's database; none means a SQLite file."""
    return None if request.param == "sqlite" else request.getfixturevalue("postgres_url")


@pytest.fixture
def open_store(store_url: str | None, tmp_path: Path) -> Iterator[StoreMaker]:
    """Opens the test's store, as often as asked: on PostgreSQL each one is another machine's."""
    opened: list[Store] = []

    def make() -> Store:
        own = "state" if store_url is None else f"state-{len(opened)}"
        opened.append(Store.open(store_url, tmp_path / own, KEY))
        return opened[-1]

    yield make
    for store in opened:
        store.close()


@pytest.fixture
def store(open_store: StoreMaker) -> Store:
    """An empty store."""
    return open_store()
