from __future__ import annotations

import pytest

ON_BOTH = pytest.mark.parametrize("store_url", ["sqlite", "postgres"], indirect=True)


@pytest.fixture
def store_url(request: pytest.FixtureRequest) -> str | None:
    """Where a world keeps its store: a file, and on PostgreSQL too where a test says ON_BOTH."""
    on_postgres = getattr(request, "param", "sqlite") == "postgres"
    return request.getfixturevalue("postgres_url") if on_postgres else None
