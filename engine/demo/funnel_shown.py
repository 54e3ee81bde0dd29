"""The table from MQL to Closed Won, for people and for programs."""

from __future__ import annotations

from typing import Any

from engine.demo.line_shown import amounts_of, content_of
from engine.demo.screen import Screen
from engine.demo.selling import SellingFacts


def show(selling: SellingFacts, screen: Screen) -> None:
    """Steps, and what makes each difference."""
    if not selling.steps:
        return
    names = sorted({name for _step, total in selling.steps for name in total.amounts})
    screen.heading("12. The line: from MQL to Closed Won")
    screen.table(
        ("Step", "Deals#", *(f"{name}#" for name in names)),
        [(step, total.count, *amounts_of(total, names)) for step, total in selling.steps],
    )
    screen.say("  Who came no further, and why:")
    screen.table(
        ("Step", "Not", "Because", "Deals#", *(f"{name}#" for name in names)),
        [
            (one.before, one.after, one.reason, one.total.count, *amounts_of(one.total, names))
            for one in selling.differences
        ],
    )


def content(selling: SellingFacts) -> dict[str, Any]:
    """The same for a program; amounts as decimal text."""
    return {
        "seconds": round(selling.seconds, 3),
        "messages": {"different": selling.events, "late": selling.late},
        "steps": [{"step": name, **content_of(total)} for name, total in selling.steps],
        "differences": [
            {"before": one.before, "step": one.after, "reason": one.reason,
             **content_of(one.total)}
            for one in selling.differences
        ],
    }  # fmt: skip
