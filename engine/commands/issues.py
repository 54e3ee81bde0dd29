"""``revline issues``: open problems with single records, and putting them right."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import click

from engine.commands.kit import CommandError, Surroundings, command

if TYPE_CHECKING:
    from engine.model import Address
    from engine.store.issues import StoredIssue


@click.group("issues", epilog="Example: revline issues list")
def issues() -> None:
    """List, show and settle issues: records that need a person."""


@command("list", example="revline issues list --all --json", group=issues)
@click.option("--all", "closed_too", is_flag=True, help="Closed issues too.")
@click.option("--sync", help="Only issues of this sync.")
def list_issues(surroundings: Surroundings, *, closed_too: bool, sync: str | None) -> None:
    """List open issues, oldest first, with cause and fix."""
    rows = [
        issue_content(one)
        for one in _stored(surroundings, None if closed_too else "open")
        if sync is None or one.sync == sync
    ]
    if surroundings.as_json:
        surroundings.answer(rows)
        return
    if not rows:
        surroundings.say("No open issues." if not closed_too else "No issues.")
        return
    for row in rows:
        _show(surroundings, row)


@command("show", example="revline issues show 0d1x5v7k2m9qs4t8w3ye", group=issues)
@click.argument("id")
def show(surroundings: Surroundings, *, id: str) -> None:
    """Show one issue with everything known about it."""
    from engine.store import issues as stored

    project = surroundings.project
    with project.reading() as store, store.read() as tx:
        found = stored.find(tx, store.payloads, id)
    if found is None:
        raise CommandError("unknown_issue", f"there is no issue {id}", "see revline issues list")
    content = issue_content(found)
    if surroundings.as_json:
        surroundings.answer(content)
    else:
        _show(surroundings, content)
        surroundings.say(f"  seen {found.seen_count} times, last at {found.seen_at.isoformat()}")
        if found.resolution:
            surroundings.say(f"  closed: {found.resolution}")


def _stored(surroundings: Surroundings, state: str | None) -> Sequence[StoredIssue]:
    from engine.store import issues as stored

    with surroundings.project.reading() as store, store.read() as tx:
        return stored.listed(tx, store.payloads, state=state, limit=10_000)


def issue_content(issue: StoredIssue) -> dict[str, Any]:
    """An issue as ``--json`` shows it; see docs/interfaces.md."""
    from engine.issues import cause, fix

    content: dict[str, Any] = {
        "id": issue.id,
        "code": issue.code,
        "owner": issue.owner,
        "sync": issue.sync,
        "source": _address(issue.source),
        "cause": cause(issue.code, issue.parameters),
        "fix": fix(issue.code, issue.parameters, issue.id),
        "state": issue.state,
        "opened_at": issue.opened_at.isoformat().replace("+00:00", "Z"),
    }
    if issue.target is not None:
        content["target"] = _address(issue.target)
    if issue.candidates:
        content["candidates"] = [
            {**_address(one.target), "shown": one.shown} for one in issue.candidates
        ]
    return content


def _address(address: Address) -> dict[str, str]:
    return {"connection": address.connection, "object": address.object, "id": address.id}


def _show(surroundings: Surroundings, row: dict[str, Any]) -> None:
    source = row["source"]
    state = "" if row["state"] == "open" else f" ({row['state']})"
    surroundings.say(
        f"{row['id']}  {row['code']}{state}  {row['sync']}: "
        f"{source['connection']} {source['object']} {source['id']}"
    )
    surroundings.say(f"  {row['cause']}")
    for one in row.get("candidates", ()):
        surroundings.say(f"    candidate {one['object']} {one['id']}: {one['shown']}")
    surroundings.say(f"  {row['owner']}: {row['fix']}")
    surroundings.say(f"  open since {row['opened_at']}")


def _several(name: str, answer_key: str, done: str) -> Any:
    def run(surroundings: Surroundings, *, ids: tuple[str, ...], every: bool) -> None:
        from engine.commands.acting import act

        if bool(ids) == every:
            raise click.UsageError("name issues, or give --all")
        given = {"issues": "all" if every else list(ids)}
        answer = act(surroundings, name, given, calls=False)
        if surroundings.as_json:
            surroundings.answer(answer)
        count = len(answer[answer_key])
        surroundings.say(f"{count} record{'s' if count != 1 else ''} {done}.")

    return run


def _ids(function: Any) -> Any:
    function = click.option("--all", "every", is_flag=True, help="Every open issue.")(function)
    return click.argument("ids", nargs=-1, metavar="[ID]...")(function)


def _named(function: Any, name: str, text: str) -> Any:
    function.__name__, function.__doc__ = name, text
    return _ids(function)


retry = command("retry", example="revline issues retry --all", group=issues)(
    _named(
        _several("retry", "retried", "will be delivered again, as stored"),
        "retry",
        "Deliver again as stored, with fresh tries. The issue closes when that succeeds.",
    )
)

resync = command("resync", example="revline issues resync 0d1x5v7k2m9qs4t8w3ye", group=issues)(
    _named(
        _several("resync", "resynced", "will be read from the source anew and delivered"),
        "resync",
        "Read the record from its source anew, then deliver it.",
    )
)


@command("resolve", example="revline issues resolve 0d1x5v7k2m9qs4t8w3ye --link 001xx000003DGb2AAG",
         group=issues)  # fmt: skip
@click.argument("id")
@click.option("--link", metavar="TARGET_ID", help="Link the source record to this target record.")
@click.option("--note", help="How it was settled, for whoever looks at it next.")
def resolve(surroundings: Surroundings, *, id: str, link: str | None, note: str | None) -> None:
    """Close an issue that you have settled yourself.

    With --link the source record is linked to the target record you choose, and delivered to it.
    Without, the record is left as it is until its next change.
    """
    from engine.commands.acting import act

    if link and note:
        raise click.UsageError("--link and --note exclude each other")
    given = {"issue": id, "link": link, "note": note}
    answer = act(surroundings, "resolve", given, calls=link is not None)
    if surroundings.as_json:
        surroundings.answer(answer)
    elif link:
        surroundings.say(f"Linked to {link}; the record is delivered to it.")
    else:
        surroundings.say(f"Issue {id} is closed.")
