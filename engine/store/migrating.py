"""Bringing a store to this Revline's schema, in one transaction."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from sqlalchemy import inspect

from engine.store import streams
from engine.store.database import Database
from engine.store.sql import Tx
from engine.store.store import MAIN_FILE, SCHEMA, NewerSchemaError

MIGRATIONS: Final = Path(__file__).parent / "migrations"
VERSION_TABLE: Final = "alembic_version"


def revision_of(schema: str) -> str:
    """The revision that leads to a schema: revisions are numbered as schemas are."""
    return f"{int(schema):04d}"


def migrate_store(url: str | None, state: Path) -> tuple[str | None, str]:
    """Bring a store to this schema; returns the schema before (``None``: no store) and after.

    A store that Revline made itself carries its schema's number and begins there. Raises
    :class:`NewerSchemaError`. Whatever interrupts it, the store is as it was before, or as after.
    """
    database = Database(url) if url is not None else Database.file(state / MAIN_FILE)
    try:
        with database.write() as tx:
            before = stored_schema(tx)
            upgrade(tx, before)
            streams.put_meta(tx, "schema", SCHEMA)
    finally:
        database.close()
    return before, SCHEMA


def stored_schema(tx: Tx) -> str | None:
    """The schema a store has, ``None`` for an empty database."""
    if not inspect(tx).has_table("meta"):
        return None
    return streams.get_meta(tx, "schema")


def upgrade(tx: Tx, before: str | None) -> None:
    """Run the revisions that are missing."""
    from alembic import command
    from alembic.config import Config

    if before is not None and int(before) > int(SCHEMA):
        raise NewerSchemaError(
            f"the store has schema {before}, this Revline knows {SCHEMA}: "
            "install the newer Revline again"
        )
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    config.attributes["connection"] = tx
    if before is not None and not inspect(tx).has_table(VERSION_TABLE):
        command.stamp(config, revision_of(before))
    command.upgrade(config, "head")
