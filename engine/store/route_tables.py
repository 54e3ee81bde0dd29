"""The tables of routing: on which side of a rule a record is, and whom it was handed over to."""

from __future__ import annotations

from sqlalchemy import BigInteger, Boolean, Column, Text

from engine.store.tables import Instant, table

# Where a record stands by a rule; ``crossing`` is one more each time that it comes over to a side.
route_standing = table(
    "route_standing",
    *(Column(name, Text, primary_key=True) for name in ("route", "connection", "object", "id")),
    Column("above", Boolean, nullable=False),
    Column("crossing", BigInteger, nullable=False),
    Column("asked_at", Instant, nullable=False),
    Column("crossed_at", Instant, nullable=False),
)

# The latest crossing that a sync has delivered, or has begun to.
hand_over = table(
    "hand_over",
    *(Column(name, Text, primary_key=True) for name in ("sync", "connection", "object", "id")),
    Column("crossing", BigInteger, nullable=False),
    Column("finished", Boolean, nullable=False),
)
