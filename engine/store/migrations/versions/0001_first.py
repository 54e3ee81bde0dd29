"""The first schema."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from engine.store.migrations import first_money, first_persons, first_routes, first_work

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create every table with its indexes."""
    first_work.create()
    first_money.create()
    first_persons.create()
    first_routes.create()
    _api_usage()
    _connection_state()
    _limit_wait()
    _counter()
    _create_claim()
    _edge()
    _ledger()
    _link()
    _meta()
    _record_state()


def _api_usage() -> None:
    op.create_table(
        "api_usage",
        sa.Column("connection", sa.Text(), nullable=False),
        sa.Column("day", sa.Text(), nullable=False),
        sa.Column("calls", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("connection", "day"),
        sqlite_autoincrement=False,
    )


def _connection_state() -> None:
    op.create_table(
        "connection_state",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("account_id", sa.Text(), nullable=True),
        sa.Column("account_name", sa.Text(), nullable=True),
        sa.Column("environment", sa.Text(), nullable=True),
        sa.Column("paused_code", sa.Text(), nullable=True),
        sa.Column("paused_reason", sa.Text(), nullable=True),
        sa.Column("paused_until", sa.BigInteger(), nullable=True),
        sa.Column("paused_at", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("name"),
        sqlite_autoincrement=False,
    )


def _limit_wait() -> None:
    op.create_table(
        "limit_wait",
        sa.Column("account", sa.Text(), nullable=False),
        sa.Column("limit_class", sa.Text(), nullable=False),
        sa.Column("not_before", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("account", "limit_class"),
        sqlite_autoincrement=False,
    )


def _counter() -> None:
    op.create_table(
        "counter",
        sa.Column("sync", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("total", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("sync", "name"),
        sqlite_autoincrement=False,
    )


def _create_claim() -> None:
    op.create_table(
        "create_claim",
        sa.Column("connection", sa.Text(), nullable=False),
        sa.Column("object", sa.Text(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("digest", sa.Text(), nullable=False),
        sa.Column("delivery", sa.BigInteger(), nullable=False),
        sa.Column("source_connection", sa.Text(), nullable=False),
        sa.Column("source_object", sa.Text(), nullable=False),
        sa.Column("source_id", sa.Text(), nullable=False),
        sa.Column("target_id", sa.Text(), nullable=True),
        sa.Column("taken_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("connection", "object", "key", "digest"),
        sqlite_autoincrement=False,
    )
    op.create_index("create_claim_delivery", "create_claim", ["delivery"], unique=False)
    op.create_index(
        "create_claim_target", "create_claim", ["connection", "object", "target_id"], unique=False
    )


def _edge() -> None:
    op.create_table(
        "edge",
        sa.Column("from_connection", sa.Text(), nullable=False),
        sa.Column("from_object", sa.Text(), nullable=False),
        sa.Column("from_id", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("to_connection", sa.Text(), nullable=False),
        sa.Column("to_object", sa.Text(), nullable=False),
        sa.Column("to_id", sa.Text(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint(
            "from_connection",
            "from_object",
            "from_id",
            "kind",
            "to_connection",
            "to_object",
            "to_id",
        ),
        sqlite_autoincrement=False,
    )


def _ledger() -> None:
    op.create_table(
        "ledger",
        sa.Column("number", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("line", sa.Text(), nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=True),
        sa.Column("prev", sa.Text(), nullable=True),
        sa.Column("hash", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("number"),
        sa.UniqueConstraint("seq"),
        sqlite_autoincrement=True,
    )
    op.create_index(
        "ledger_unsealed",
        "ledger",
        ["number"],
        unique=False,
        sqlite_where=sa.text("seq IS NULL"),
        postgresql_where=sa.text("seq IS NULL"),
    )


def _link() -> None:
    op.create_table(
        "link",
        sa.Column("number", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("left_connection", sa.Text(), nullable=False),
        sa.Column("left_object", sa.Text(), nullable=False),
        sa.Column("left_id", sa.Text(), nullable=False),
        sa.Column("right_connection", sa.Text(), nullable=False),
        sa.Column("right_object", sa.Text(), nullable=False),
        sa.Column("right_id", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("parent", sa.BigInteger(), nullable=True),
        sa.Column("alias_of", sa.BigInteger(), nullable=True),
        sa.Column("base", sa.Text(), nullable=False),
        sa.Column("base_no", sa.BigInteger(), nullable=False),
        sa.Column("flips", sa.Text(), nullable=True),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("updated_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("number"),
        sqlite_autoincrement=True,
    )
    op.create_index(
        "link_left",
        "link",
        ["left_connection", "left_object", "left_id", "right_connection", "right_object"],
        unique=True,
        sqlite_where=sa.text("state = 'active'"),
        postgresql_where=sa.text("state = 'active'"),
    )
    op.create_index(
        "link_left_any", "link", ["left_connection", "left_object", "left_id"], unique=False
    )
    op.create_index("link_alias", "link", ["alias_of"], unique=False)
    op.create_index("link_parent", "link", ["parent"], unique=False)
    op.create_index(
        "link_right",
        "link",
        ["right_connection", "right_object", "right_id", "left_connection", "left_object"],
        unique=True,
        sqlite_where=sa.text("state = 'active'"),
        postgresql_where=sa.text("state = 'active'"),
    )
    op.create_index(
        "link_right_any", "link", ["right_connection", "right_object", "right_id"], unique=False
    )


def _meta() -> None:
    op.create_table(
        "meta",
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("value", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("key"),
        sqlite_autoincrement=False,
    )


def _record_state() -> None:
    op.create_table(
        "record_state",
        sa.Column("connection", sa.Text(), nullable=False),
        sa.Column("object", sa.Text(), nullable=False),
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=True),
        sa.Column("hash", sa.Text(), nullable=True),
        sa.Column("asked_at", sa.BigInteger(), nullable=True),
        sa.Column("life", sa.Text(), nullable=False),
        sa.Column("fields", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("connection", "object", "id"),
        sqlite_autoincrement=False,
    )
