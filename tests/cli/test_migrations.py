"""The schema that migrations build is the schema of the tables, on both databases."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import Any

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext

from engine.store.database import Database
from engine.store.migrating import migrate_store, upgrade
from engine.store.store import SCHEMA, Store
from engine.store.tables import metadata
from tests.cli.cli_kit import Cli


def schema(state: Path) -> dict[str, str]:
    with sqlite3.connect(state / "revline.db") as database:
        rows = database.execute("SELECT name, sql FROM sqlite_master WHERE sql IS NOT NULL")
        return {name: " ".join(sql.replace('"', "").split()) for name, sql in rows}


def test_migrations_build_what_the_tables_say(tmp_path: Path) -> None:
    made, migrated = tmp_path / "made", tmp_path / "migrated"
    migrated.mkdir()
    Store.open(None, made, bytes(32)).close()
    assert migrate_store(None, migrated) == (None, SCHEMA)
    found = schema(migrated)
    assert found.pop("alembic_version")
    assert found == {name: sql for name, sql in schema(made).items() if name != "alembic_version"}


def test_a_store_that_revline_made_begins_at_its_own_schema(tmp_path: Path) -> None:
    Store.open(None, tmp_path, bytes(32)).close()
    before = schema(tmp_path)
    assert migrate_store(None, tmp_path) == (SCHEMA, SCHEMA)
    assert migrate_store(None, tmp_path) == (SCHEMA, SCHEMA)
    after = schema(tmp_path)
    after.pop("alembic_version")
    before.pop("alembic_version", None)
    assert after == before
    Store.open(None, tmp_path, bytes(32)).close()


def test_an_interrupted_migration_leaves_nothing(tmp_path: Path) -> None:
    database = Database.file(tmp_path / "revline.db")
    with pytest.raises(ZeroDivisionError):
        _upgrade_and_die(database)
    database.close()
    assert schema(tmp_path) == {}
    assert migrate_store(None, tmp_path) == (None, SCHEMA)


def _upgrade_and_die(database: Database) -> None:
    with database.write() as tx:
        upgrade(tx, None)
        raise ZeroDivisionError


def test_on_postgres_too(postgres: Any, tmp_path: Path) -> None:
    postgres_url = postgres.empty()
    assert migrate_store(postgres_url, tmp_path) == (None, SCHEMA)
    database = Database(postgres_url)
    with database.read() as tx:
        found = compare_metadata(MigrationContext.configure(tx), metadata)
    database.close()
    assert [one for one in found if "alembic_version" not in str(one)] == []


def test_the_command(project: Cli) -> None:
    assert project.json("migrate") == {"before": None, "after": SCHEMA}
    assert "already" in project.run("migrate").stdout
    project.company("Acme", "acme.example")
    project.run("run", "--until-idle")
    assert project.json("ledger", "verify")["ok"] is True
