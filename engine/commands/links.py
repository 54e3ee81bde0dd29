"""``revline links``: which records are the same thing, and what is known of one."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

import click

from engine.commands.kit import EXIT_WRONG, CommandError, Surroundings, command, sync_of
from engine.commands.run import must_be_active

if TYPE_CHECKING:
    from engine.model import Address
    from engine.store.sql import Tx
    from engine.store.store import Store

RECORD: Final = re.compile(r"(?P<connection>[a-z0-9][a-z0-9_-]*)\.(?P<object>[^/]+)/(?P<id>.+)")
"""How a record is written on the command line: CONNECTION.OBJECT/ID."""


@click.group("links", epilog="Example: revline links show 001xx000003DGb2AAG")
def links() -> None:
    """Look at links between records, or rebuild them from the target."""


@command("show", example="revline links show hubspot.companies/4711", group=links)
@click.argument("record")
def show(surroundings: Surroundings, *, record: str) -> None:
    """Show what RECORD is linked to and where its deliveries stand.

    RECORD is an id of either side, or CONNECTION.OBJECT/ID where an id alone is not enough.
    """
    from engine.model import Address
    from engine.store import operator_views

    written = RECORD.fullmatch(record)
    with surroundings.project.reading() as store, store.read() as tx:
        if written:
            addresses = [Address(**written.groupdict())]
        else:
            addresses = operator_views.addresses_with_id(tx, record)
        found = [_content(tx, store, address) for address in addresses]
    known = [one for one in found if one["links"] or one["deliveries"] or one["edges"]]
    if surroundings.as_json:
        surroundings.answer(known)
    if not known:
        if surroundings.as_json:
            raise click.exceptions.Exit(EXIT_WRONG)
        raise CommandError(
            "unknown_record", f"nothing is known of {record}", "it has neither link nor delivery"
        )
    for one in known:
        _show(surroundings, one)


def _content(tx: Tx, store: Store, address: Address) -> dict[str, Any]:
    from engine.store import issues, operator_views
    from engine.store import links as stored

    facts = [
        {
            "record": _address(fact["record"]),
            "state": fact["state"],
            "reason": fact["reason"],
            "child": fact["parent"] is not None,
            "since": fact["created_at"].isoformat(),
        }
        for fact in operator_views.link_facts(tx, address)
    ]
    edges = [
        {"from": _address(one), "kind": kind, "to": _address(other)}
        for one, kind, other in stored.edges_at(tx, address)
    ]
    opened = [
        one.id for one in issues.listed(tx, store.payloads, limit=10_000) if one.source == address
    ]
    deliveries = [
        {"sync": one.sync, "state": one.state, "reason": one.reason}
        for one in operator_views.deliveries_at(tx, address)
    ]
    return {
        "record": _address(address),
        "links": facts,
        "edges": edges,
        "deliveries": deliveries,
        "issues": opened,
    }


def _address(address: Address) -> dict[str, str]:
    return {"connection": address.connection, "object": address.object, "id": address.id}


def _words(record: dict[str, str]) -> str:
    return f"{record['connection']} {record['object']} {record['id']}"


def _show(surroundings: Surroundings, found: dict[str, Any]) -> None:
    surroundings.say(_words(found["record"]))
    for one in found["links"]:
        why = f" ({one['reason']})" if one["reason"] else ""
        kind = "child link" if one["child"] else "link"
        surroundings.say(f"  {kind} to {_words(one['record'])}: {one['state']}{why}")
    for one in found["edges"]:
        surroundings.say(f"  {_words(one['from'])} → {one['kind']} → {_words(one['to'])}")
    for one in found["deliveries"]:
        why = f" ({one['reason']})" if one["reason"] else ""
        surroundings.say(f"  sync {one['sync']}: {one['state']}{why}")
    for id in found["issues"]:
        surroundings.say(f"  open issue {id}: see revline issues show {id}")


@command("rebuild", example="revline links rebuild companies", group=links)
@click.argument("sync")
def rebuild(surroundings: Surroundings, *, sync: str) -> None:
    """Make the links of SYNC anew from the identity values that its target records carry.

    For a store that was lost or put back to an older state. Links that are there stay as they are.
    """
    from engine.commands.acting import act

    must_be_active(sync_of(surroundings, sync))
    answer = act(surroundings, "rebuild", {"sync": sync}, calls=True)
    if surroundings.as_json:
        surroundings.answer(answer)
    surroundings.say(f"{answer['made']} links made, {answer['already_there']} were there already.")
    if answer["conflicting"]:
        surroundings.warn(
            f"{answer['conflicting']} records were left: one of the two is linked elsewhere, "
            "or its root is not linked"
        )
