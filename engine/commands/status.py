"""``revline status``: how everything stands, for a person or a program."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final

import click

from engine.commands.kit import EXIT_WRONG, Surroundings, command

SHOWN_MAX: Final = 10


@command("status", example="revline status --json")
def status(surroundings: Surroundings) -> None:
    """Show how every sync stands, what waits for what, and whether the engine runs.

    Exit code 1 when something needs a look: an issue, a wait, a pause, a retry, a feed that cannot
    be read, an engine that gives no sign of life.
    """
    from engine.commands.state import exit_code, state_of

    project = surroundings.project
    with project.reading() as store:
        found = state_of(project, store)
    if surroundings.as_json:
        surroundings.answer(found)
    else:
        show(surroundings, found)
    code = EXIT_WRONG if found["engine"]["silent"] else exit_code(found)
    if code:
        raise click.exceptions.Exit(code)


def show(surroundings: Surroundings, found: Mapping[str, Any]) -> None:
    """The whole picture for a person."""
    engine = found["engine"]
    if engine["silent"]:
        running = f"engine silent since {engine['heartbeat']}: look at state/engine.log"
    elif engine["running"]:
        running = "engine running"
    else:
        running = "engine not running (start it with revline run)"
    work = "nothing to do" if found["idle"] else "work ahead"
    surroundings.say(f"{found['environment']}: {running}; {work}.")
    show_outcome(surroundings, found)


def show_outcome(surroundings: Surroundings, found: Mapping[str, Any]) -> None:
    """The table of syncs, and what needs a look below it."""
    surroundings.table(
        "",
        ("Sync", "From", "To", "Done#", "Ahead#", "Waiting#", "Held#", "In doubt#", "Issues#",
         "Last synced"),
        [_row(name, sync) for name, sync in found["syncs"].items()],
    )  # fmt: skip
    calls = ", ".join(f"{name} {count}" for name, count in found["api_calls"].items())
    surroundings.say(f"API calls today (UTC): {calls or 'none'}.")
    for name, one in found["allowances"].items():
        surroundings.say(
            f"The whole account of {name} has used {one['used']:,} of {one['limit']:,} API calls."
        )
    for name, pause in found["paused"].items():
        until = f"until {pause['until']}" if pause["until"] else "until a person resumes it"
        surroundings.say(
            f"Paused: {name} ({pause['code']}), {until}. See revline connections list."
        )
    for feed in found["failing"]:
        surroundings.say(
            f"Cannot be read since {feed['since']}: {feed['stream']} "
            f"({feed['code']}: {feed['message']})."
        )
    _several(surroundings, "Waiting", found["waiting"], _waits_for)
    _several(surroundings, "Held", found["held"], _held_by)
    _several(surroundings, "In doubt", found["in_doubt"], lambda row: f"since {row['since']}")
    for name, sync in found["syncs"].items():
        _older(surroundings, name, sync["outdated"])
    for group in found["retrying"]:
        surroundings.say(f"{group['sync']}: {_retry(group)}.")
    if found["issues"]:
        count = found["issues"]
        surroundings.say(f"{count} open issue{'s' if count != 1 else ''}: see revline issues list.")


def _row(name: str, sync: Mapping[str, Any]) -> tuple[object, ...]:
    counts = sync["deliveries"]
    shown = name if sync["enabled"] == "true" else f"{name} ({_mode(sync['enabled'])})"
    age = sync["cursor_age_seconds"]
    last = "never" if age is None else f"{_age(age)} ago"
    if sync["backfill"] == "reading":
        last += ", backfill going on"
    return (
        shown,
        sync["from"],
        sync["to"],
        counts["done"],
        counts["ready"] + counts["leased"],
        counts["waiting"],
        counts["held"],
        counts["in_doubt"],
        sync["issues"],
        last,
    )


def _older(surroundings: Surroundings, name: str, told: Mapping[str, Any]) -> None:
    from engine.commands.outdated import sentence
    from engine.store.outdated import Outdated

    if told["records"]:
        since = told["since"] and datetime.fromisoformat(told["since"])
        surroundings.say(sentence(name, Outdated(told["records"], since)))


def _mode(enabled: str) -> str:
    return {"false": "off", "shadow": "shadow"}.get(enabled, enabled)


def _age(seconds: float) -> str:
    for size, unit in ((86_400, "d"), (3_600, "h"), (60, "min")):
        if seconds >= size:
            return f"{seconds // size:.0f} {unit}"
    return f"{seconds:.0f} s"


def _waits_for(row: Mapping[str, Any]) -> str:
    awaited = []
    for one in row["for"]:
        states = ", ".join(f"{sync}: {state}" for sync, state in one["state"].items())
        own = states or "not seen yet"
        awaited.append(f"{one['connection']} {one['object']} {one['id']} ({own})")
    return f"waits for {'; '.join(awaited) or 'a link'}"


def _retry(group: Mapping[str, Any]) -> str:
    reason = group["reason"] or "put off"
    told = f"{group['count']} waiting to be tried again: {reason}"
    if group["paused"] is None:
        return f"{told}, next {group['next_at']}"
    until = f" at {group['next_at']} at the earliest" if group["next_at"] else ""
    return f"{told}, once {group['paused']} may be used again{until}"


def _held_by(row: Mapping[str, Any]) -> str:
    said = f": {row['says']}" if row["says"] else ""
    return f"held by {row['reason']}{said}"


def _several(
    surroundings: Surroundings, title: str, rows: Sequence[Mapping[str, Any]], tell: Any
) -> None:
    if not rows:
        return
    surroundings.say(f"{title}:")
    for row in rows[:SHOWN_MAX]:
        source = row["source"]
        record = f"{source['connection']} {source['object']} {source['id']}"
        surroundings.say(f"  {row['sync']}: {record} {tell(row)}")
    if len(rows) > SHOWN_MAX:
        surroundings.say(f"  … and {len(rows) - SHOWN_MAX} more; --json lists them.")
