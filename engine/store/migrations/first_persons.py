"""The first schema: the tables of what is known of persons."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op


def create() -> None:
    """Create them."""
    op.create_table(
        "person_key",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("subject", name="person_key_subject"),
        sqlite_autoincrement=False,
    )
    op.create_table(
        "forgotten",
        sa.Column("connection", sa.Text(), nullable=False),
        sa.Column("object", sa.Text(), nullable=False),
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("connection", "object", "id"),
        sqlite_autoincrement=False,
    )
