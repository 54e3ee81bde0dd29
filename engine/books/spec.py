"""What the built-in source ``revline`` offers: the books as ordinary objects. It is only read."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Final

from connectors.base import ConnectorSpec, CreateIdentity, Granularity, ObjectSpec

CONNECTION: Final = "revline"
BOOKS: Final = "books"
"""Stands for a sync in the ledger and in issues."""
REVENUE_LINES: Final = "schedule_lines"
COST_LINES: Final = "cost_lines"
CONTRACTS: Final = "contracts"
DEALS: Final = "deals"
FACTS: Final = "facts"
RATES: Final = "rates"
"""A day for which no rate is known, in issues; never read."""
LINE_OBJECTS: Final = {REVENUE_LINES: "revenue", COST_LINES: "cost"}
GROUPS: Final = ("period", "entity", "currency", "family", "contract")
"""What schedule lines can be grouped by."""

_BATCHES: Final = ObjectSpec(
    name=REVENUE_LINES,
    label="Revenue to be posted, grouped",
    granularity=Granularity.ORDERED,
    cursor_field="sealed_at",
    batch_read=100,
    batch_write=1,
    page_list=200,
    page_changes=200,
    batch_search=1,
    create_identity=CreateIdentity.NONE,
    identity_field=None,
    overlap=timedelta(seconds=5),
    immutable_when="sealed",
    writable=False,
    webhooks=False,
    source="docs/money.md",
)
_SUMS: Final = replace(
    _BATCHES,
    name=CONTRACTS,
    label="Contracts and what they come to",
    cursor_field="updated_at",
    immutable_when=None,
)
SPEC: Final = ConnectorSpec(
    name=CONNECTION,
    title="Revline's books",
    settings=(),
    objects=(
        _BATCHES,
        replace(_BATCHES, name=COST_LINES, label="Cost of sales to be posted, grouped"),
        _SUMS,
        replace(_SUMS, name=DEALS, label="Deals and what they come to"),
        replace(_SUMS, name=FACTS, label="Facts", cursor_field=None, batch_write=200),
    ),
    limits=(),
    documentation="docs/money.md",
)
