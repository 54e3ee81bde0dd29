"""``revline connections``: the systems, whether they may be used, and which accounts they open."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import click

from engine.commands.kit import EXIT_WRONG, Surroundings, command, connection_of

if TYPE_CHECKING:
    from datetime import datetime

    from engine.store.connections import ConnectionState


@click.group("connections", epilog="Example: revline connections list")
def connections() -> None:
    """Look at connections, check, pause and resume them."""


@command("list", example="revline connections list --json", group=connections)
def list_connections(surroundings: Surroundings) -> None:
    """List connections with their accounts, pauses and calls of today."""
    from engine.app import lacks, outside
    from engine.store import allowances, limits
    from engine.store import connections as stored

    project = surroundings.project
    now = project.clock.now()
    with project.reading() as store, store.read() as tx:
        states = stored.every(tx)
        waits = limits.every(tx)
        calls = stored.calls_on(tx, now.date().isoformat())
        heard = allowances.every(tx)
    rows = []
    for name, one in outside(project.config).items():
        state = states.get(name)
        asked = waits.get(limits.account_of(one.connector, name, state), {})
        ahead = {limit: until for limit, until in asked.items() if until > now}
        row = _content(name, one.connector, state, ahead, calls.get(name, 0), now)
        if one.missing:
            row |= {"state": "not set up", "reason": f"{lacks(one)}; no running sync uses it"}
        rows.append(row)
    rows = [{**row, "allowance": allowances.shown(heard.get(row["name"]))} for row in rows]
    if surroundings.as_json:
        surroundings.answer(rows)
        return
    surroundings.table(
        "",
        ("Connection", "Connector", "Account", "State", "Until", "API calls today#", "Account's#"),
        [
            (
                row["name"],
                row["connector"],
                row["account"]["name"] or row["account"]["id"] if row["account"] else "not met yet",
                row["state"],
                row["until"],
                row["api_calls"],
                _used(row["allowance"]),
            )
            for row in rows
        ],
    )
    for row in rows:
        if row["reason"]:
            surroundings.say(f"{row['name']}: {row['reason']}")


def _used(allowance: Mapping[str, Any] | None) -> str:
    return f"{allowance['used']:,} of {allowance['limit']:,}" if allowance else ""


def _content(
    name: str,
    connector: str,
    state: ConnectionState | None,
    limited: Mapping[str, datetime],
    calls: int,
    now: datetime,
) -> dict[str, Any]:
    account = state.account if state else None
    paused = state if state and not state.usable(now) else None
    word, until = "ready", None
    if paused is not None:
        word, until = f"paused ({paused.paused_code})", paused.paused_until
    elif limited:
        word, until = f"limited ({', '.join(sorted(limited))})", max(limited.values())
    return {
        "name": name,
        "connector": connector,
        "account": None
        if account is None
        else {"id": account.id, "name": account.name, "environment": account.environment},
        "state": word,
        "reason": paused.paused_reason if paused else None,
        "until": until.isoformat() if until else None,
        "api_calls": calls,
    }


@command("check", example="revline connections check hubspot", group=connections)
@click.argument("names", nargs=-1, metavar="[NAME]...")
def check_connections(surroundings: Surroundings, *, names: tuple[str, ...]) -> None:
    """Prove the credentials of connections and say which accounts they open.

    Nothing is stored; an account other than the one this project is linked to is reported.
    """
    from connectors.errors import CallError
    from engine.app import outside, unobserved
    from engine.store import connections as stored

    project = surroundings.project
    for name in names:
        connection_of(surroundings, name)
    with project.reading() as store, store.read() as tx:
        states = stored.every(tx)
    rows = []
    whole = (name for name, one in outside(project.config).items() if not one.missing)
    for name in names or tuple(whole):
        pinned = states[name].account if name in states else None
        try:
            answered = project.connector(name, unobserved).check()
        except CallError as error:
            rows.append({"name": name, "ok": False, "code": error.code, "message": error.message})
            continue
        same = pinned is None or pinned.id == answered.id
        message = f"{answered.name or answered.id} ({answered.environment})"
        if not same and pinned is not None:
            message += f", but this project is linked to account {pinned.name or pinned.id}"
        rows.append(
            {
                "name": name,
                "ok": same,
                "code": None if same else "ACCOUNT_CHANGED",
                "message": message,
                "account": {"id": answered.id, "name": answered.name},
            }
        )
    if surroundings.as_json:
        surroundings.answer(rows)
    else:
        for row in rows:
            surroundings.say(f"{row['name']}: {'fine' if row['ok'] else row['code']} — "
                             f"{row['message']}")  # fmt: skip
    if not all(row["ok"] for row in rows):
        raise click.exceptions.Exit(EXIT_WRONG)


@command("pause", example="revline connections pause salesforce --reason 'release weekend'",
         group=connections)  # fmt: skip
@click.argument("name")
@click.option("--reason", help="Why, for whoever looks at it next.")
def pause(surroundings: Surroundings, *, name: str, reason: str | None) -> None:
    """Stop using a connection until it is resumed. Webhooks are still kept."""
    from engine.commands.acting import act

    connection_of(surroundings, name)
    answer = act(surroundings, "pause", {"connection": name, "reason": reason}, calls=False)
    if surroundings.as_json:
        surroundings.answer(answer)
    surroundings.say(f"{name} is paused. Resume it with: revline connections resume {name}")


@command("resume", example="revline connections resume salesforce", group=connections)
@click.argument("name")
def resume(surroundings: Surroundings, *, name: str) -> None:
    """Use a connection again after a pause."""
    from engine.commands.acting import act

    connection_of(surroundings, name)
    answer = act(surroundings, "resume", {"connection": name}, calls=False)
    if surroundings.as_json:
        surroundings.answer(answer)
    done = "is used again" if answer["resumed"] else "was not paused"
    surroundings.say(f"{name} {done}.")
