"""Retention: what is over and older than it is kept goes, a bounded number of rows at a time."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Final

from sqlalchemy import and_, delete, not_, select

from connectors.records import Operation
from engine.model import IntentState
from engine.store import inbox
from engine.store.sql import PARAMETERS_MAX, Tx
from engine.store.tables import attempt, intent, issue

ACT: Final = Operation.ACT.value
CONFIRMED: Final = IntentState.CONFIRMED.value

Purge = Callable[[Tx, datetime], int]


def purge_intents(tx: Tx, before: datetime) -> int:
    """Delete intents that ended before an instant, with their attempts. Ledger lines stay.

    So do confirmed actions: that an action was done once is what keeps it from being done again.
    """
    done = and_(intent.c.operation == ACT, intent.c.state == CONFIRMED)
    old = (
        select(intent.c.id)
        .where(intent.c.ended_at.is_not(None), intent.c.ended_at < before, not_(done))
        .limit(PARAMETERS_MAX)
    )
    ids = list(tx.execute(old).scalars())
    if ids:
        tx.execute(delete(attempt).where(attempt.c.intent.in_(ids)))
        tx.execute(delete(intent).where(intent.c.id.in_(ids)))
    return len(ids)


def purge_issues(tx: Tx, before: datetime) -> int:
    """Delete issues that ended before an instant."""
    old = (
        select(issue.c.id)
        .where(issue.c.ended_at.is_not(None), issue.c.ended_at < before)
        .limit(PARAMETERS_MAX)
    )
    ids = list(tx.execute(old).scalars())
    if ids:
        tx.execute(delete(issue).where(issue.c.id.in_(ids)))
    return len(ids)


EVERYTHING: Final[dict[str, Purge]] = {
    "inbox_rows": inbox.purge,
    "intents": purge_intents,
    "issues": purge_issues,
}
"""What is purged, by the name it is counted under."""
