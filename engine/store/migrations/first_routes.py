"""The first schema: the tables of routing."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op


def create() -> None:
    """Create them."""
    op.create_table(
        "route_standing",
        sa.Column("route", sa.Text(), nullable=False),
        sa.Column("connection", sa.Text(), nullable=False),
        sa.Column("object", sa.Text(), nullable=False),
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("above", sa.Boolean(), nullable=False),
        sa.Column("crossing", sa.BigInteger(), nullable=False),
        sa.Column("asked_at", sa.BigInteger(), nullable=False),
        sa.Column("crossed_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("route", "connection", "object", "id"),
        sqlite_autoincrement=False,
    )
    op.create_table(
        "hand_over",
        sa.Column("sync", sa.Text(), nullable=False),
        sa.Column("connection", sa.Text(), nullable=False),
        sa.Column("object", sa.Text(), nullable=False),
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("crossing", sa.BigInteger(), nullable=False),
        sa.Column("finished", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("sync", "connection", "object", "id"),
        sqlite_autoincrement=False,
    )
