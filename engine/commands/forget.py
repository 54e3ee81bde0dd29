"""``revline forget``: erase what is stored about one person."""

from __future__ import annotations

from typing import Any

import click

from engine.commands.kit import CommandError, Surroundings, command
from engine.commands.links import RECORD

_STAYS = (
    "Ids, amounts and the ledger stay; `revline ledger verify` still holds. Nothing about these "
    "records is taken in any more."
)
_ELSEWHERE = (
    "The records themselves are still in their systems: delete them there. A backup of state/ "
    "made before now can still be read with REVLINE_KEY."
)


@command("forget", example="revline forget hubspot.contacts/4711")
@click.argument("record")
@click.option("--yes", is_flag=True, help="Do not ask first.")
def forget(surroundings: Surroundings, *, record: str, yes: bool) -> None:
    """Erase everything stored about the person that RECORD stands for, and print the places.

    RECORD is CONNECTION.OBJECT/ID. The records it is linked to, was merged with or converted into
    are the same person. This cannot be undone: keys, copies, bodies of writes, issues and digests
    go. What stays names records by their ids alone.
    """
    from engine.commands.acting import act

    written = RECORD.fullmatch(record)
    if written is None:
        raise CommandError(
            "malformed_record",
            f"{record!r} does not name a record",
            "write CONNECTION.OBJECT/ID, as in hubspot.contacts/4711",
        )
    given = written.groupdict()
    found = act(surroundings, "persons", given, calls=False)["records"]
    if not yes:
        if surroundings.as_json:
            raise click.UsageError("--json cannot ask: add --yes")
        surroundings.say("One person: " + ", ".join(_words(one) for one in found))
        click.confirm("Erase everything stored about them, for good?", abort=True)
    answer = act(surroundings, "forget", given, calls=False)
    if surroundings.as_json:
        surroundings.answer(answer)
        return
    _show(surroundings, answer)


def _words(record: dict[str, str]) -> str:
    return f"{record['connection']} {record['object']} {record['id']}"


def _show(surroundings: Surroundings, answer: dict[str, Any]) -> None:
    surroundings.say("Forgotten: " + ", ".join(_words(one) for one in answer["records"]))
    surroundings.table("", ("erased", "#"), list(answer["erased"].items()))
    if answer["erased"]["webhook requests"]:
        surroundings.say(
            "The receiver erases the webhook requests within a minute, or when it starts next."
        )
    surroundings.say(_STAYS)
    surroundings.say(_ELSEWHERE)
