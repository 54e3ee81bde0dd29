"""The tables of what is known of persons: their keys, and that they were forgotten. No values."""

from __future__ import annotations

from sqlalchemy import Column, LargeBinary, Text

from engine.store.tables import Instant, table

# A person's own key, itself sealed, filed under a keyed digest of the record's address.
person_key = table(
    "person_key",
    Column("subject", Text, primary_key=True),
    Column("sealed", LargeBinary, nullable=False),
)

# Records that were forgotten: nothing about them is taken in any more.
forgotten = table(
    "forgotten",
    *(Column(name, Text, primary_key=True) for name in ("connection", "object", "id")),
    Column("at", Instant, nullable=False),
)
