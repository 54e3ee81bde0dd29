"""Answers with a fault in them: stale records, pages that repeat or stop early."""

from __future__ import annotations

from collections.abc import Sequence

from connectors.memory import codec
from connectors.memory.faults import Fault, FaultKind
from connectors.memory.tables import Row


def stale(row: Row) -> Row:
    """The record as it was before its last change."""
    if row.previous is None:
        return row
    return Row(
        object=row.object,
        id=row.id,
        number=row.number,
        version=row.previous[0],
        visible=row.visible,
        fields=codec.load(row.previous[1]),
    )


def page_of(
    rows: Sequence[Row], size: int, faults: Sequence[Fault]
) -> tuple[Sequence[Row], bool, Sequence[Row]]:
    """(records to show, whether there is more, records the cursor moves past)."""
    kinds = {fault.kind for fault in faults}
    more = len(rows) > size
    shown = rows[:size]
    if FaultKind.DUPLICATE_PAGE in kinds and shown:
        return shown, True, ()
    if FaultKind.SHORT_PAGE in kinds and len(shown) > 1:
        half = shown[: len(shown) // 2]
        return half, True, half
    return shown, more, shown
