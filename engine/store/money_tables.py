"""The tables of the books: facts, schedules, lines, rates, and what was handed to the ERP together.

Amounts are whole minor units in a BIGINT with the currency's exponent beside them; dates are ISO
text, periods ``2026-01``. No personal data is in any of them.
"""

from __future__ import annotations

from typing import Final

from sqlalchemy import BigInteger, Boolean, Column, Index, Integer, Text, UniqueConstraint, text

from engine.store.tables import Instant, address_columns, serial, table

HOLDS: Final = text("holds")
UNSEALED_LINE: Final = text("batch IS NULL")
SEALED_LINE: Final = text("batch IS NOT NULL")
DIRTY: Final = text("dirty")


def _threads() -> tuple[Column[str], ...]:
    """What ties amounts together; each may be unknown."""
    names = ("contract", "deal", "obligation", "document", "family", "entity")
    return tuple(Column(name, Text) for name in names)


# Every amount that a record ever proved: append-only, an older one is superseded by a newer.
fact = table(
    "fact",
    serial("number"),
    *address_columns(),
    Column("kind", Text, nullable=False),
    Column("key", Text, nullable=False),
    Column("amount_minor", BigInteger, nullable=False),
    Column("currency", Text, nullable=False),
    Column("exponent", Integer, nullable=False),
    Column("effective_on", Text, nullable=False),
    *_threads(),
    Column("service_from", Text),
    Column("service_to", Text),
    Column("source_version", Instant),
    Column("seen_at", Instant, nullable=False),
    Column("supersedes", BigInteger),
    Index("fact_day", "currency", "effective_on"),
    autoincrement=True,
)

# Which fact holds now for each thing a record proves. A withdrawn one points to an amount of 0.
fact_head = table(
    "fact_head",
    *(Column(name, Text, primary_key=True) for name in ("connection", "object", "id")),
    Column("kind", Text, primary_key=True),
    Column("key", Text, primary_key=True),
    Column("number", BigInteger, nullable=False),
    Column("contract", Text),
    Column("document", Text),
    Column("deal", Text),
    Index("fact_head_contract", "contract"),
    Index("fact_head_document", "document"),
    Index("fact_head_deal", "deal"),
)

# A contract in the books; ``dirty`` until its schedules follow from its facts again.
book = table(
    "book",
    Column("contract", Text, primary_key=True),
    Column("dirty", Boolean, nullable=False),
    Column("updated_at", Instant, nullable=False),
    Index("book_dirty", "contract", sqlite_where=DIRTY, postgresql_where=DIRTY),
    Index("book_changed", "updated_at", "contract"),
)

# How a promise is earned, version by version: the evidence of every modification.
schedule = table(
    "schedule",
    Column("contract", Text, primary_key=True),
    Column("promise", Text, primary_key=True),
    Column("version", Integer, primary_key=True),
    Column("method", Text, nullable=False),
    Column("digest", Text, nullable=False),
    Column("amount_minor", BigInteger, nullable=False),
    Column("currency", Text, nullable=False),
    Column("exponent", Integer, nullable=False),
    Column("first", Text, nullable=False),
    Column("last", Text, nullable=False),
    Column("made_at", Instant, nullable=False),
)

# An amount to post in a period for the service of a period. In a batch it is never changed again.
schedule_line = table(
    "schedule_line",
    serial("number"),
    Column("contract", Text, nullable=False),
    Column("promise", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("version", Integer, nullable=False),
    Column("family", Text),
    Column("entity", Text),
    Column("currency", Text, nullable=False),
    Column("exponent", Integer, nullable=False),
    Column("period", Text, nullable=False),
    Column("service", Text, nullable=False),
    Column("amount_minor", BigInteger, nullable=False),
    Column("reason", Text, nullable=False),
    Column("made_at", Instant, nullable=False),
    Column("batch", Text),
    Index("schedule_line_contract", "contract"),
    Index(
        "schedule_line_batch",
        "batch",
        sqlite_where=SEALED_LINE,
        postgresql_where=SEALED_LINE,
    ),
    Index(
        "schedule_line_sealed",
        "currency",
        "period",
        sqlite_where=SEALED_LINE,
        postgresql_where=SEALED_LINE,
    ),
    Index(
        "schedule_line_unsealed",
        "kind",
        "period",
        "number",
        sqlite_where=UNSEALED_LINE,
        postgresql_where=UNSEALED_LINE,
    ),
    autoincrement=True,
)

# Lines handed over together: one journal. Sealed when made; later members form the next batch.
journal_batch = table(
    "journal_batch",
    Column("id", Text, primary_key=True),
    Column("sync", Text, nullable=False),
    Column("grouping", Text, nullable=False),
    Column("number", Integer, nullable=False),
    Column("sealed_at", Instant, nullable=False),
    UniqueConstraint("sync", "grouping", "number", name="journal_batch_next"),
    Index("journal_batch_sealed", "sealed_at", "id"),
)

# Accounting periods as the ERP last showed them.
period_state = table(
    "period_state",
    Column("connection", Text, primary_key=True),
    Column("id", Text, primary_key=True),
    Column("first", Text, nullable=False),
    Column("last", Text, nullable=False),
    Column("closed", Boolean, nullable=False),
    Column("seen_at", Instant, nullable=False),
)

# Exchange rates as they were told: append-only, one version of a record's rate holds.
exchange_rate = table(
    "exchange_rate",
    serial("number"),
    *address_columns(),
    Column("from_currency", Text, nullable=False),
    Column("to_currency", Text, nullable=False),
    Column("rate", Text, nullable=False),
    Column("effective_on", Text, nullable=False),
    Column("source_version", Instant),
    Column("seen_at", Instant, nullable=False),
    Column("holds", Boolean, nullable=False),
    Index(
        "exchange_rate_record",
        "connection",
        "object",
        "id",
        unique=True,
        sqlite_where=HOLDS,
        postgresql_where=HOLDS,
    ),
    Index(
        "exchange_rate_pair",
        "to_currency",
        "from_currency",
        "effective_on",
        sqlite_where=HOLDS,
        postgresql_where=HOLDS,
    ),
    autoincrement=True,
)

# Which contracts have amounts of a day that no rate is known for.
rate_lacking = table(
    "rate_lacking",
    *(Column(name, Text, primary_key=True) for name in ("contract", "from_currency")),
    *(Column(name, Text, primary_key=True) for name in ("to_currency", "effective_on")),
    Index("rate_lacking_day", "from_currency", "to_currency", "effective_on"),
)
