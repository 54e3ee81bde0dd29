"""The tables of the main store, the same on SQLite and PostgreSQL.

Instants are microseconds since 1970 in a BIGINT; amounts never appear here except inside sealed
bytes and ledger lines, as text. Addresses (connection, object, id) are in clear, values never:
they are sealed (``LargeBinary``) or keyed digests.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Dialect,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    Text,
    TypeDecorator,
    UniqueConstraint,
    text,
)

from engine.clock import instant, microseconds

metadata: Final = MetaData()

# The conditions of partial indexes. A query has to carry the same words for its index to be used:
# with the values bound, neither database can tell that the index holds all it looks for.
NEW_ROW: Final = text("state = 'new'")
CLAIMABLE: Final = text("state IN ('ready', 'in_doubt')")
OPEN_DELIVERY: Final = text("state <> 'done'")


class Instant(TypeDecorator[datetime]):
    """An aware UTC instant, stored as microseconds since 1970."""

    impl = BigInteger
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> Any:  # noqa: ARG002
        return None if value is None else microseconds(value)

    def process_result_value(self, value: Any, dialect: Dialect) -> datetime | None:  # noqa: ARG002
        return None if value is None else instant(value)


def serial(name: str) -> Column[int]:
    """A primary key that only grows and is never used twice."""
    return Column(name, BigInteger().with_variant(Integer, "sqlite"), primary_key=True)


def address_columns(prefix: str = "", *, nullable: bool = False) -> tuple[Column[str], ...]:
    names = (f"{prefix}connection", f"{prefix}object", f"{prefix}id")
    return tuple(Column(name, Text, nullable=nullable) for name in names)


def table(name: str, *parts: Any, autoincrement: bool = False) -> Table:
    return Table(name, metadata, *parts, sqlite_autoincrement=autoincrement)


# Facts about the store itself: schema version, spool position, ledger head.
meta = table("meta", Column("key", Text, primary_key=True), Column("value", Text, nullable=False))

# A connection's pinned account and whether it is paused.
connection_state = table(
    "connection_state",
    Column("name", Text, primary_key=True),
    Column("account_id", Text),
    Column("account_name", Text),
    Column("environment", Text),
    Column("paused_code", Text),
    Column("paused_reason", Text),
    Column("paused_until", Instant),
    Column("paused_at", Instant),
)

# Until when a vendor asked us to leave an account alone, per class of its limits.
limit_wait = table(
    "limit_wait",
    Column("account", Text, primary_key=True),
    Column("limit_class", Text, primary_key=True),
    Column("not_before", Instant, nullable=False),
)

# Calls per connection and day (UTC), for status and budgets.
api_usage = table(
    "api_usage",
    Column("connection", Text, primary_key=True),
    Column("day", Text, primary_key=True),
    Column("calls", BigInteger, nullable=False),
)

# How far reading got: one row per stream (changes, backfill, removed, recheck).
stream = table(
    "stream",
    Column("name", Text, primary_key=True),
    Column("cursor", Text),
    Column("at_head", Boolean, nullable=False),
    Column("finished_at", Instant),
    Column("updated_at", Instant, nullable=False),
)

# Everything we were told: one row per event or changed record, ended by what became of it.
inbox = table(
    "inbox",
    serial("seq"),
    *address_columns(),
    Column("kind", Text, nullable=False),
    Column("origin", Text, nullable=False),
    Column("event_key", Text),
    Column("only_sync", Text),
    Column("related_object", Text),
    Column("related_id", Text),
    Column("version", Instant),
    Column("asked_at", Instant),
    Column("snapshot", LargeBinary),
    Column("received_at", Instant, nullable=False),
    Column("state", Text, nullable=False),
    Column("reason", Text),
    Column("open", Integer, nullable=False),
    UniqueConstraint("connection", "event_key", name="inbox_event"),
    Index("inbox_address", "connection", "object", "id", "seq"),
    Index(
        "inbox_new",
        "seq",
        sqlite_where=NEW_ROW,
        postgresql_where=NEW_ROW,
    ),
    autoincrement=True,
)

# What has to be brought to a target: one row per (sync, root record), reused for ever.
delivery = table(
    "delivery",
    serial("number"),
    Column("sync", Text, nullable=False),
    *address_columns(),
    Column("state", Text, nullable=False),
    Column("due_at", Instant, nullable=False),
    Column("wanted", BigInteger, nullable=False),
    Column("taken", BigInteger, nullable=False),
    Column("settled", BigInteger, nullable=False),
    Column("lease", BigInteger, nullable=False),
    Column("leased_until", Instant),
    Column("tries", Integer, nullable=False),
    Column("reason", Text),
    Column("detail", LargeBinary),
    Column("recheck", Boolean, nullable=False),
    Column("seen_hash", Text),
    Column("seen_digest", Text),
    Column("opened_at", Instant, nullable=False),
    Column("changed_at", Instant),
    Column("ended_at", Instant),
    UniqueConstraint("sync", "connection", "object", "id", name="delivery_record"),
    Index(
        "delivery_due",
        "sync",
        "due_at",
        sqlite_where=CLAIMABLE,
        postgresql_where=CLAIMABLE,
    ),
    Index("delivery_address", "connection", "object", "id"),
    Index(
        "delivery_open",
        "sync",
        "state",
        sqlite_where=OPEN_DELIVERY,
        postgresql_where=OPEN_DELIVERY,
    ),
    autoincrement=True,
)

# A delivery that waits for the link of another record.
wait = table(
    "wait",
    Column("delivery", BigInteger, primary_key=True),
    *(Column(name, Text, primary_key=True) for name in ("connection", "object", "id")),
    Column("to_object", Text, nullable=False),
    Column("since", Instant, nullable=False),
    Index("wait_address", "connection", "object", "id"),
)

# One memory per record, whichever syncs it takes part in: digests of what was last known there.
record_state = table(
    "record_state",
    *(Column(name, Text, primary_key=True) for name in ("connection", "object", "id")),
    Column("version", Instant),
    Column("hash", Text),
    Column("asked_at", Instant),
    Column("life", Text, nullable=False),
    Column("fields", Text, nullable=False),
)

# The same thing in two systems. ``left`` sorts before ``right``; ``base`` is what both agreed on.
link = table(
    "link",
    serial("number"),
    *address_columns("left_"),
    *address_columns("right_"),
    Column("state", Text, nullable=False),
    Column("reason", Text),
    Column("parent", BigInteger),
    Column("alias_of", BigInteger),
    Column("base", Text, nullable=False),
    Column("base_no", BigInteger, nullable=False),
    Column("flips", Text),
    Column("created_at", Instant, nullable=False),
    Column("updated_at", Instant, nullable=False),
    Index(
        "link_left",
        "left_connection",
        "left_object",
        "left_id",
        "right_connection",
        "right_object",
        unique=True,
        sqlite_where=text("state = 'active'"),
        postgresql_where=text("state = 'active'"),
    ),
    Index(
        "link_right",
        "right_connection",
        "right_object",
        "right_id",
        "left_connection",
        "left_object",
        unique=True,
        sqlite_where=text("state = 'active'"),
        postgresql_where=text("state = 'active'"),
    ),
    Index("link_left_any", "left_connection", "left_object", "left_id"),
    Index("link_right_any", "right_connection", "right_object", "right_id"),
    Index("link_parent", "parent"),
    Index("link_alias", "alias_of"),
    autoincrement=True,
)

# What came from what: a converted lead's account and opportunity.
edge = table(
    "edge",
    *(Column(f"from_{name}", Text, primary_key=True) for name in ("connection", "object", "id")),
    Column("kind", Text, primary_key=True),
    *(Column(f"to_{name}", Text, primary_key=True) for name in ("connection", "object", "id")),
    Column("created_at", Instant, nullable=False),
)

# Who may create the record with this identity or match value. Never two.
create_claim = table(
    "create_claim",
    *(Column(name, Text, primary_key=True) for name in ("connection", "object", "key", "digest")),
    Column("delivery", BigInteger, nullable=False),
    *address_columns("source_"),
    Column("target_id", Text),
    Column("taken_at", Instant, nullable=False),
    Index("create_claim_delivery", "delivery"),
    Index("create_claim_target", "connection", "object", "target_id"),
)

# One business effect, recorded before any byte of it is sent.
intent = table(
    "intent",
    Column("id", Text, primary_key=True),
    Column("delivery", BigInteger, nullable=False),
    Column("sync", Text, nullable=False),
    *address_columns("source_"),
    Column("link", BigInteger),
    Column("parent", BigInteger),
    Column("operation", Text, nullable=False),
    Column("connection", Text, nullable=False),
    Column("object", Text, nullable=False),
    Column("target_id", Text),
    Column("identity_field", Text),
    Column("identity_value", Text),
    Column("business_key", Text, nullable=False),
    Column("body", LargeBinary),
    Column("body_digest", Text, nullable=False),
    Column("config", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("code", Text),
    Column("created_at", Instant, nullable=False),
    Column("ended_at", Instant),
    Index(
        "intent_open_target",
        "connection",
        "object",
        "target_id",
        sqlite_where=text("ended_at IS NULL"),
        postgresql_where=text("ended_at IS NULL"),
    ),
    Index(
        "intent_once",
        "connection",
        "object",
        "business_key",
        unique=True,
        sqlite_where=text("operation IN ('create', 'upsert') AND ended_at IS NULL"),
        postgresql_where=text("operation IN ('create', 'upsert') AND ended_at IS NULL"),
    ),
    Index("intent_made", "sync", "created_at"),
    Index(
        "intent_delivery",
        "delivery",
        sqlite_where=text("ended_at IS NULL"),
        postgresql_where=text("ended_at IS NULL"),
    ),
)

# One sending of an intent.
attempt = table(
    "attempt",
    Column("intent", Text, primary_key=True),
    Column("number", Integer, primary_key=True),
    Column("key", Text, nullable=False),
    Column("sent_at", Instant, nullable=False),
    Column("finished_at", Instant),
    Column("outcome", Text),
    Column("code", Text),
    Column("request_id", Text),
)

# An open problem with one record.
issue = table(
    "issue",
    Column("id", Text, primary_key=True),
    Column("code", Text, nullable=False),
    Column("owner", Text, nullable=False),
    Column("sync", Text, nullable=False),
    Column("delivery", BigInteger),
    *address_columns("source_"),
    *address_columns("target_", nullable=True),
    Column("state", Text, nullable=False),
    Column("detail", LargeBinary, nullable=False),
    Column("seen_count", Integer, nullable=False),
    Column("opened_at", Instant, nullable=False),
    Column("seen_at", Instant, nullable=False),
    Column("ended_at", Instant),
    Column("resolution", Text),
    Index(
        "issue_open",
        "sync",
        "source_connection",
        "source_object",
        "source_id",
        unique=True,
        sqlite_where=text("state = 'open'"),
        postgresql_where=text("state = 'open'"),
    ),
    Index("issue_delivery", "delivery"),
)

# The ledger: numbered and chained by the sealer, over the exact bytes of ``line``.
ledger = table(
    "ledger",
    serial("number"),
    Column("line", Text, nullable=False),
    Column("seq", BigInteger, unique=True),
    Column("prev", Text),
    Column("hash", Text),
    Index(
        "ledger_unsealed",
        "number",
        sqlite_where=text("seq IS NULL"),
        postgresql_where=text("seq IS NULL"),
    ),
    autoincrement=True,
)

# Which roots a child belongs to, for a notice that names only the child.
include_index = table(
    "include_index",
    Column("sync", Text, primary_key=True),
    Column("object", Text, primary_key=True),
    Column("id", Text, primary_key=True),
    Column("root_id", Text, primary_key=True),
)

# A schedule's slot belongs to the node that inserted it.
schedule_slot = table(
    "schedule_slot",
    Column("schedule", Text, primary_key=True),
    Column("slot", BigInteger, primary_key=True),
    Column("fired_at", Instant, nullable=False),
)

# What is counted rather than recorded: unchanged and repeated records, per sync.
counter = table(
    "counter",
    Column("sync", Text, primary_key=True),
    Column("name", Text, primary_key=True),
    Column("total", BigInteger, nullable=False),
)
