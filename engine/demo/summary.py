"""The summary: what happened, what it cost, how fast it was, and what is left for a person."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import orjson

from engine.demo import funnel_shown, line_shown
from engine.demo.again import COMMAND
from engine.demo.cost import ALLOWANCE, Cost, Sizes, Stage
from engine.demo.edits import POLL, WEBHOOK
from engine.demo.episodes import Episode, Planted
from engine.demo.findings import OpenIssue, SyncCounts, percentile
from engine.demo.money import MoneyFacts
from engine.demo.screen import Screen
from engine.demo.selling import SellingFacts
from engine.store.ledger import Verification

CHANNELS: Final = (WEBHOOK, POLL)
HASH_SHOWN: Final = 16


@dataclass(slots=True)
class Facts:
    """Everything the demo found out. ``unexpected`` must be empty."""

    seconds: float = 0.0
    backfill_seconds: float = 0.0
    again_seconds: float = 0.0
    again_calls: int = 0
    again_writes: int = 0
    sizes: Mapping[str, Sizes] = field(default_factory=dict)
    cost: Cost | None = None
    seconds_to_target: Mapping[str, Sequence[float]] = field(default_factory=dict)
    episodes: list[Episode] = field(default_factory=list)
    planted: tuple[Planted, ...] = ()
    agreed: Mapping[tuple[str, str], tuple[str, str]] = field(default_factory=dict)
    syncs: list[SyncCounts] = field(default_factory=list)
    issues: list[OpenIssue] = field(default_factory=list)
    ledger: Verification | None = None
    selling: SellingFacts = field(default_factory=SellingFacts)
    money: MoneyFacts = field(default_factory=MoneyFacts)
    unexpected: list[str] = field(default_factory=list)


def show(facts: Facts, screen: Screen, place: Path) -> None:
    """The summary for a person."""
    screen.heading("6. What became of the records (children such as line items included)")
    screen.table(
        ("Sync", "Created#", "Updated#", "Recognised#", "Unchanged#", "Waiting#", "Held#",
         "Issues#"),
        [
            (one.name, one.created, one.updated, one.linked, one.unchanged, one.waiting, one.held,
             one.issues)
            for one in facts.syncs
        ],
    )  # fmt: skip
    _show_cost(facts, screen)
    _show_seconds(facts, screen)
    _show_issues(facts, screen)
    _show_ledger(facts, screen)
    _show_end(screen, place)
    funnel_shown.show(facts.selling, screen)
    line_shown.show(facts.money, screen)
    _show_verdict(facts, screen)


def _show_cost(facts: Facts, screen: Screen) -> None:
    if facts.cost is None:
        return
    screen.heading(f"7. API calls of the backfill (allowed: the least there can be, + {ALLOWANCE})")
    screen.table(
        ("Sync", "Records#", "Calls#", "Least#", "", "How the least comes about"),
        [
            (stage.name, facts.sizes[stage.name].roots, stage.calls, stage.minimum,
             "within" if stage.within else "OVER", _terms(stage))
            for stage in facts.cost.stages
        ],
    )  # fmt: skip
    others = ", ".join(f"{name} {count}" for name, count in facts.cost.others.items() if count)
    screen.say(f"  Beside these: {others} (once: tokens, describes, catalogues).")
    screen.say(
        f"  A second backfill, all unchanged: {counted(facts.again_writes, 'write')},"
        f" {facts.again_calls} calls in {facts.again_seconds:.1f} s."
    )


def counted(count: int, thing: str) -> str:
    """A number of things, in words."""
    return f"{count} {thing}" if count == 1 else f"{count} {thing}s"


def _terms(stage: Stage) -> str:
    return " + ".join(f"{count} {term}" for term, count in stage.least)


def _show_seconds(facts: Facts, screen: Screen) -> None:
    screen.heading("8. Seconds from an edit to the write at the other side")
    names = {
        WEBHOOK: "HubSpot → Salesforce, by webhook",
        POLL: "Salesforce → HubSpot, by poll every 2 s",
    }
    rows = []
    for channel in CHANNELS:
        measured = facts.seconds_to_target.get(channel, ())
        rows.append(
            (names[channel], len(measured), _seconds(percentile(measured, 0.5)),
             _seconds(percentile(measured, 0.99)))
        )  # fmt: skip
    screen.table(("Way", "Edits#", "Median#", "p99#"), rows)


def _seconds(value: float | None) -> str:
    return "–" if value is None else f"{value:.2f}"


def _show_issues(facts: Facts, screen: Screen) -> None:
    screen.heading(f"9. Open issues: {len(facts.issues)}, each with its cause and its fix")
    for one in facts.issues:
        screen.say(f"  {one.code}  {one.record}  ({one.sync})")
        screen.say(f"    cause: {one.cause}")
        screen.say(f"    fix:   {one.fix}")


def _show_ledger(facts: Facts, screen: Screen) -> None:
    if facts.ledger is None:
        return
    found = facts.ledger
    head = f"head {found.head.seq}:{found.head.hash[:HASH_SHOWN]}…"
    state = "verified, none altered" if found.fault is None else f"BROKEN: {found.fault}"
    screen.heading("10. Ledger")
    screen.say(f"  {found.lines} lines, {state}; {head}")


def _show_end(screen: Screen, place: Path) -> None:
    screen.heading("11. Look around")
    project = f"{program()} -c {_shown(place)}/revline.yaml"
    for what in ("status", "issues list", "ledger list", "ledger verify", "syncs --explain"):
        screen.say(f"  {project} {what}")
    screen.say(f"  For plan, start the simulators as they were left: {again()}")
    screen.say(f"  and in another terminal: {project} plan deals")


def _show_verdict(facts: Facts, screen: Screen) -> None:
    screen.say()
    if facts.unexpected:
        screen.say(f"NOT as it should be ({facts.seconds:.0f} s):")
        for text in facts.unexpected:
            screen.say(f"  {text}")
    else:
        screen.say(
            f"Nothing lost, nothing doubled, every open issue explained. {facts.seconds:.0f} s."
        )


def program() -> str:
    """The command as one would type it here: by its path where it is not on PATH."""
    used = Path(sys.argv[0])
    if used.name != "revline" or shutil.which("revline") is not None:
        return "revline"
    return _shown(used.absolute())


def again() -> str:
    """The command that brings the simulators back, as one would type it here."""
    return COMMAND.replace("revline", program(), 1)


def _shown(place: Path) -> str:
    """The folder as one would type it here."""
    here = Path.cwd()
    return str(place.relative_to(here)) if place.is_relative_to(here) else str(place)


def _syncs(facts: Facts) -> dict[str, Any]:
    return {
        one.name: {
            "created": one.created,
            "updated": one.updated,
            "linked": one.linked,
            "unchanged": one.unchanged,
            "waiting": one.waiting,
            "held": one.held,
            "issues": one.issues,
        }
        for one in facts.syncs
    }


def _backfill(facts: Facts) -> dict[str, Any]:
    stages = facts.cost.stages if facts.cost is not None else ()
    return {
        "seconds": round(facts.backfill_seconds, 3),
        "stages": {
            one.name: {
                "records": facts.sizes[one.name].roots,
                "calls": one.calls,
                "least": one.minimum,
                "terms": dict(one.least),
                "within": one.within,
            }
            for one in stages
        },
        "other_calls": dict(facts.cost.others) if facts.cost is not None else {},
    }


def as_json(facts: Facts) -> str:
    """The summary for a program, on one line."""
    content: dict[str, Any] = {
        "ok": not facts.unexpected,
        "unexpected": facts.unexpected,
        "seconds": round(facts.seconds, 3),
        "syncs": _syncs(facts),
        "backfill": _backfill(facts),
        "second_backfill": {"writes": facts.again_writes, "calls": facts.again_calls},
        "seconds_to_target": {
            channel: {
                "edits": len(measured),
                "median": percentile(measured, 0.5),
                "p99": percentile(measured, 0.99),
            }
            for channel, measured in facts.seconds_to_target.items()
        },
        "episodes": [
            {"title": one.title, "outcome": one.outcome, "seconds": round(one.seconds, 3)}
            for one in facts.episodes
        ],
        "issues": [
            {"id": one.id, "code": one.code, "sync": one.sync, "record": one.record,
             "cause": one.cause, "fix": one.fix, "expected": one.expected}
            for one in facts.issues
        ],
    }  # fmt: skip
    content["selling"] = funnel_shown.content(facts.selling)
    content["money"] = line_shown.content(facts.money)
    if facts.ledger is not None:
        content["ledger"] = {
            "ok": facts.ledger.fault is None,
            "lines": facts.ledger.lines,
            "head": {"seq": facts.ledger.head.seq, "hash": facts.ledger.head.hash},
        }
    return orjson.dumps(content).decode()
