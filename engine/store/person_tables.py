"""The tables of what is known of persons: their keys, and that they were forgotten. No values."""

from __future__ import annotations

from sqlalchemy import Column, LargeBinary, Text, UniqueConstraint

from engine.store.tables import Instant, table

# A person's own key, itself sealed, filed under a keyed digest of the record's address. What it
# sealed names it by its id: a key that is made after another was erased is another one.
person_key = table(
    "person_key",
    Column("id", Text, primary_key=True),
    Column("subject", Text, nullable=False),
    Column("sealed", LargeBinary, nullable=False),
    UniqueConstraint("subject", name="person_key_subject"),
)

# Records that were forgotten: nothing about them is taken in any more.
forgotten = table(
    "forgotten",
    *(Column(name, Text, primary_key=True) for name in ("connection", "object", "id")),
    Column("at", Instant, nullable=False),
)
