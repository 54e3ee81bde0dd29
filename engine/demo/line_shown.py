"""The table of the line, for people and for programs. Amounts of two currencies are never added."""

from __future__ import annotations

from typing import Any

from engine.demo.line_table import Total, currencies, shown
from engine.demo.money import MoneyFacts
from engine.demo.screen import Screen


def show(money: MoneyFacts, screen: Screen) -> None:
    """Steps, fates, and what makes each difference."""
    if not money.steps:
        return
    names = currencies(money.deals)
    screen.heading("13. The line: from Closed Won to the ledger, and back to the deal")
    screen.table(
        ("Step", "Deals#", *(f"{name}#" for name in names)),
        [(step, total.count, *amounts_of(total, names)) for step, total in money.steps],
    )
    fates = ", ".join(f"{count} {name.lower()}" for name, count in money.statuses.items())
    screen.say(f"  In Salesforce: {fates}. {money.journals} journals are posted.")
    screen.say("  What a step has less than the one it follows, and why:")
    screen.table(
        ("Step", "Less than", "Because", "Deals#", *(f"{name}#" for name in names)),
        [
            (one.after, one.before, one.reason, one.total.count, *amounts_of(one.total, names))
            for one in money.differences
        ],
    )


def amounts_of(total: Total, names: list[str]) -> tuple[str, ...]:
    """A total's amounts in the order of the currencies."""
    return tuple(shown(total.amounts.get(name), name) for name in names)


def content(money: MoneyFacts) -> dict[str, Any]:
    """The same for a program; amounts as decimal text."""
    return {
        "seconds": round(money.seconds, 3),
        "journals": money.journals,
        "statuses": dict(money.statuses),
        "second_run": {"writes": len(money.again_writes), "calls": money.again_calls},
        "steps": [{"step": name.strip(), **content_of(total)} for name, total in money.steps],
        "differences": [
            {"step": one.after, "before": one.before, "reason": one.reason, **content_of(one.total)}
            for one in money.differences
        ],
    }


def content_of(total: Total) -> dict[str, Any]:
    """A total for a program."""
    amounts = {name: str(amount) for name, amount in total.amounts.items()}
    return {"deals": total.count, "amounts": amounts}
