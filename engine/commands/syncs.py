"""``revline syncs``: what is configured, in a table or in plain sentences."""

from __future__ import annotations

from typing import Any, Final

import click

from engine.commands.kit import Surroundings, command

_MODES: Final = {
    "upsert": "Records that have no counterpart are created, others updated",
    "update_only": "Counterparts are updated, none is created",
    "create_only": "Records that have no counterpart are created, none is updated",
    "link_only": "Nothing is written, counterparts are only recognised",
}


@command("syncs", example="revline syncs --explain")
@click.option("--explain", is_flag=True, help="Say in plain sentences what each sync does.")
def syncs(surroundings: Surroundings, *, explain: bool) -> None:
    """List the syncs of the project."""
    found = surroundings.project.config.syncs.values()
    if surroundings.as_json:
        surroundings.answer([{**_content(sync), "explained": _sentence(sync)} for sync in found])
    elif explain:
        for sync in found:
            surroundings.say(f"{sync.name}: {_sentence(sync)}")
            surroundings.say()
    else:
        surroundings.table(
            "",
            ("Sync", "From", "To", "Mapping", "Runs", "Mode", "Starts from", "After"),
            [
                (
                    sync.name,
                    sync.source,
                    sync.target,
                    sync.mapping.name,
                    _runs(sync),
                    sync.mode.value,
                    _start(sync),
                    ", ".join(sync.after),
                )
                for sync in found
            ],
        )


def _content(sync: Any) -> dict[str, object]:
    return {
        "name": sync.name,
        "from": str(sync.source),
        "to": str(sync.target),
        "mapping": sync.mapping.name,
        "enabled": sync.enabled.value,
        "mode": sync.mode.value,
        "start_from": _start(sync),
        "after": list(sync.after),
    }


def _runs(sync: Any) -> str:
    return {"true": "on", "false": "off", "shadow": "shadow"}[sync.enabled.value]


def _start(sync: Any) -> str:
    start = sync.start_from
    if start.now:
        return "now"
    return "everything" if start.since is None else str(start.since.isoformat())


def _sentence(sync: Any) -> str:
    """One sync, told as one would tell a colleague."""
    mapping = sync.mapping
    parts = [_first(sync)]
    if sync.enabled.value == "false":
        parts.append("It is off.")
    elif sync.enabled.value == "shadow":
        parts.append("It runs in shadow: everything is computed and recorded, nothing is sent.")
    if not mapping.observes:
        count = len(mapping.rules)
        parts.append(f"{_MODES[sync.mode.value]}; {count} field{'s' if count != 1 else ''} mapped.")
    if mapping.fact_kinds:
        parts.append(f"Its records prove for the books what is {' and '.join(_kinds(sync))}.")
    matches = [match.rule for match in mapping.programs.matches]
    if matches:
        parts.append(f"Counterparts are found by {', then by '.join(matches)}.")
    owned = [rule.target for rule in mapping.rules if rule.owner is not None]
    if owned:
        parts.append(f"Both sides may change {', '.join(owned)}; the mapping says who wins.")
    for kind in mapping.children:
        removed = "deleted there too" if kind.removed == "delete" else "only flagged"
        parts.append(
            f"Its {kind.name} become {kind.target_object}; one that is removed is {removed}."
        )
    if mapping.actions:
        parts.append(f"Then it does {', then '.join(mapping.actions)}, each if it is not done.")
    gates = [gate.name for gate in mapping.programs.gates]
    if gates:
        parts.append(f"Records are held until they pass {' and '.join(gates)}.")
    parts.append(f"It starts from {_start(sync)}, {_rhythm(sync)}.")
    if sync.after:
        parts.append(f"Its past is read after that of {', '.join(sync.after)}.")
    return " ".join(parts)


def _first(sync: Any) -> str:
    by = f"by the mapping {sync.mapping.name}"
    if sync.mapping.observes:
        return f"Watches {sync.source} {by} and writes nothing."
    if sync.group_by:
        hours = sync.period_end.total_seconds() / 3600
        grouped = f"one per {', '.join(sync.group_by)}, {hours:g} hours after the month's end"
        return f"Brings {sync.source} to {sync.target} {by}: {grouped}."
    return f"Brings {sync.source} to {sync.target} {by}."


def _kinds(sync: Any) -> list[str]:
    return sorted(kind.value.replace("_", " ") for kind in sync.mapping.fact_kinds)


def _rhythm(sync: Any) -> str:
    seconds = sync.poll_every.total_seconds()
    every = f"{seconds / 60:g} minutes" if seconds >= 60 else f"{seconds:g} seconds"
    also = " and listens to webhooks" if sync.webhooks else ""
    return f"looks for changes every {every}{also}"
