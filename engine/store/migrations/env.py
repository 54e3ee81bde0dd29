"""Runs revisions inside the transaction that the caller has opened: all of them, or none."""

from __future__ import annotations

from alembic import context

from engine.store.schema import every_table

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=every_table,
    transaction_per_migration=False,
)
context.run_migrations()
