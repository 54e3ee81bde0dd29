"""The first schema: the tables of work in hand."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op


def create() -> None:
    """Create them with their indexes."""
    _attempt()
    _delivery()
    _inbox()
    _include_index()
    _intent()
    _issue()
    _schedule_slot()
    _stream()
    _wait()


def _attempt() -> None:
    op.create_table(
        "attempt",
        sa.Column("intent", sa.Text(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("sent_at", sa.BigInteger(), nullable=False),
        sa.Column("finished_at", sa.BigInteger(), nullable=True),
        sa.Column("outcome", sa.Text(), nullable=True),
        sa.Column("code", sa.Text(), nullable=True),
        sa.Column("request_id", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("intent", "number"),
        sqlite_autoincrement=False,
    )


def _delivery() -> None:
    op.create_table(
        "delivery",
        sa.Column("number", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("sync", sa.Text(), nullable=False),
        sa.Column("connection", sa.Text(), nullable=False),
        sa.Column("object", sa.Text(), nullable=False),
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("due_at", sa.BigInteger(), nullable=False),
        sa.Column("wanted", sa.BigInteger(), nullable=False),
        sa.Column("taken", sa.BigInteger(), nullable=False),
        sa.Column("settled", sa.BigInteger(), nullable=False),
        sa.Column("lease", sa.BigInteger(), nullable=False),
        sa.Column("leased_until", sa.BigInteger(), nullable=True),
        sa.Column("tries", sa.Integer(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("detail", sa.LargeBinary(), nullable=True),
        sa.Column("recheck", sa.Boolean(), nullable=False),
        sa.Column("seen_hash", sa.Text(), nullable=True),
        sa.Column("seen_digest", sa.Text(), nullable=True),
        sa.Column("opened_at", sa.BigInteger(), nullable=False),
        sa.Column("changed_at", sa.BigInteger(), nullable=True),
        sa.Column("ended_at", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("number"),
        sa.UniqueConstraint("sync", "connection", "object", "id", name="delivery_record"),
        sqlite_autoincrement=True,
    )
    op.create_index("delivery_address", "delivery", ["connection", "object", "id"], unique=False)
    op.create_index(
        "delivery_due",
        "delivery",
        ["sync", "due_at"],
        unique=False,
        sqlite_where=sa.text("state IN ('ready', 'in_doubt')"),
        postgresql_where=sa.text("state IN ('ready', 'in_doubt')"),
    )
    op.create_index(
        "delivery_open",
        "delivery",
        ["sync", "state"],
        unique=False,
        sqlite_where=sa.text("state <> 'done'"),
        postgresql_where=sa.text("state <> 'done'"),
    )


def _inbox() -> None:
    op.create_table(
        "inbox",
        sa.Column("seq", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("connection", sa.Text(), nullable=False),
        sa.Column("object", sa.Text(), nullable=False),
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("origin", sa.Text(), nullable=False),
        sa.Column("event_key", sa.Text(), nullable=True),
        sa.Column("only_sync", sa.Text(), nullable=True),
        sa.Column("related_object", sa.Text(), nullable=True),
        sa.Column("related_id", sa.Text(), nullable=True),
        sa.Column("version", sa.BigInteger(), nullable=True),
        sa.Column("asked_at", sa.BigInteger(), nullable=True),
        sa.Column("snapshot", sa.LargeBinary(), nullable=True),
        sa.Column("received_at", sa.BigInteger(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("open", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("seq"),
        sa.UniqueConstraint("connection", "event_key", name="inbox_event"),
        sqlite_autoincrement=True,
    )
    op.create_index("inbox_address", "inbox", ["connection", "object", "id", "seq"], unique=False)
    op.create_index(
        "inbox_new",
        "inbox",
        ["seq"],
        unique=False,
        sqlite_where=sa.text("state = 'new'"),
        postgresql_where=sa.text("state = 'new'"),
    )


def _include_index() -> None:
    op.create_table(
        "include_index",
        sa.Column("sync", sa.Text(), nullable=False),
        sa.Column("object", sa.Text(), nullable=False),
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("root_id", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("sync", "object", "id", "root_id"),
        sqlite_autoincrement=False,
    )


def _intent() -> None:
    op.create_table(
        "intent",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("delivery", sa.BigInteger(), nullable=False),
        sa.Column("sync", sa.Text(), nullable=False),
        sa.Column("source_connection", sa.Text(), nullable=False),
        sa.Column("source_object", sa.Text(), nullable=False),
        sa.Column("source_id", sa.Text(), nullable=False),
        sa.Column("link", sa.BigInteger(), nullable=True),
        sa.Column("parent", sa.BigInteger(), nullable=True),
        sa.Column("operation", sa.Text(), nullable=False),
        sa.Column("connection", sa.Text(), nullable=False),
        sa.Column("object", sa.Text(), nullable=False),
        sa.Column("target_id", sa.Text(), nullable=True),
        sa.Column("identity_field", sa.Text(), nullable=True),
        sa.Column("identity_value", sa.Text(), nullable=True),
        sa.Column("business_key", sa.Text(), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=True),
        sa.Column("body_digest", sa.Text(), nullable=False),
        sa.Column("config", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("code", sa.Text(), nullable=True),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("ended_at", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("id"),
        sqlite_autoincrement=False,
    )
    op.create_index("intent_made", "intent", ["sync", "created_at"], unique=False)
    op.create_index(
        "intent_delivery",
        "intent",
        ["delivery"],
        unique=False,
        sqlite_where=sa.text("ended_at IS NULL"),
        postgresql_where=sa.text("ended_at IS NULL"),
    )
    op.create_index(
        "intent_once",
        "intent",
        ["connection", "object", "business_key"],
        unique=True,
        sqlite_where=sa.text("operation IN ('create', 'upsert') AND ended_at IS NULL"),
        postgresql_where=sa.text("operation IN ('create', 'upsert') AND ended_at IS NULL"),
    )
    op.create_index(
        "intent_open_target",
        "intent",
        ["connection", "object", "target_id"],
        unique=False,
        sqlite_where=sa.text("ended_at IS NULL"),
        postgresql_where=sa.text("ended_at IS NULL"),
    )


def _issue() -> None:
    op.create_table(
        "issue",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("owner", sa.Text(), nullable=False),
        sa.Column("sync", sa.Text(), nullable=False),
        sa.Column("delivery", sa.BigInteger(), nullable=True),
        sa.Column("source_connection", sa.Text(), nullable=False),
        sa.Column("source_object", sa.Text(), nullable=False),
        sa.Column("source_id", sa.Text(), nullable=False),
        sa.Column("target_connection", sa.Text(), nullable=True),
        sa.Column("target_object", sa.Text(), nullable=True),
        sa.Column("target_id", sa.Text(), nullable=True),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("detail", sa.LargeBinary(), nullable=False),
        sa.Column("seen_count", sa.Integer(), nullable=False),
        sa.Column("opened_at", sa.BigInteger(), nullable=False),
        sa.Column("seen_at", sa.BigInteger(), nullable=False),
        sa.Column("ended_at", sa.BigInteger(), nullable=True),
        sa.Column("resolution", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("id"),
        sqlite_autoincrement=False,
    )
    op.create_index("issue_delivery", "issue", ["delivery"], unique=False)
    op.create_index(
        "issue_open",
        "issue",
        ["sync", "source_connection", "source_object", "source_id"],
        unique=True,
        sqlite_where=sa.text("state = 'open'"),
        postgresql_where=sa.text("state = 'open'"),
    )


def _schedule_slot() -> None:
    op.create_table(
        "schedule_slot",
        sa.Column("schedule", sa.Text(), nullable=False),
        sa.Column("slot", sa.BigInteger(), nullable=False),
        sa.Column("fired_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("schedule", "slot"),
        sqlite_autoincrement=False,
    )


def _stream() -> None:
    op.create_table(
        "stream",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("cursor", sa.Text(), nullable=True),
        sa.Column("at_head", sa.Boolean(), nullable=False),
        sa.Column("finished_at", sa.BigInteger(), nullable=True),
        sa.Column("updated_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("name"),
        sqlite_autoincrement=False,
    )


def _wait() -> None:
    op.create_table(
        "wait",
        sa.Column("delivery", sa.BigInteger(), nullable=False),
        sa.Column("connection", sa.Text(), nullable=False),
        sa.Column("object", sa.Text(), nullable=False),
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("to_object", sa.Text(), nullable=False),
        sa.Column("since", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("delivery", "connection", "object", "id"),
        sqlite_autoincrement=False,
    )
    op.create_index("wait_address", "wait", ["connection", "object", "id"], unique=False)
