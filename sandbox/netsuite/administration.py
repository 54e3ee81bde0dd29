"""What an administrator, or a person in the screens, does behind the back of the API's users."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any, Final

import orjson

from sandbox.messages import Json
from sandbox.netsuite.bodies import Reading
from sandbox.netsuite.books import Books
from sandbox.netsuite.errors import Refusal
from sandbox.netsuite.render import derived
from sandbox.netsuite.rules import Posting
from sandbox.netsuite.schema import RecordType, field_from_line
from sandbox.netsuite.values import Row, number_text
from sandbox.netsuite.writing import Writer
from sandbox.simulator import BadCommand, Mutation

PERIOD_WORDS: Final[Mapping[str, Mapping[str, bool]]] = {
    "close": dict.fromkeys(("closed", "allLocked", "arLocked", "apLocked"), True),
    "reopen": dict.fromkeys(("closed", "allLocked", "arLocked", "apLocked"), False),
    "lock": dict.fromkeys(("allLocked", "arLocked", "apLocked"), True),
    "unlock": dict.fromkeys(("allLocked", "arLocked", "apLocked"), False),
}


def exact(value: Any) -> Any:
    """Admin JSON with decimals instead of floats."""
    match value:
        case float():
            return Decimal(str(value))
        case dict():
            return {key: exact(inner) for key, inner in value.items()}
        case list():
            return [exact(inner) for inner in value]
    return value


def plain(value: Any) -> Json:
    """A value for the admin surface: decimals as the JSON numbers they are."""
    match value:
        case Decimal():
            return orjson.Fragment(number_text(value).encode("ascii"))
        case Posting():
            shown = {"line": value.line, "kind": value.kind, "account": value.account}
            amounts = {"foreign": plain(value.foreign), "base": plain(value.base)}
            return {**shown, **amounts, "entity": value.about.get("entity")}
        case dict():
            return {key: plain(inner) for key, inner in value.items()}
        case list() | tuple():
            return [plain(inner) for inner in value]
    return value


def shown(books: Books, spec: RecordType, id: str) -> dict[str, Json]:
    """A record as tests want it: all it holds, what follows from it, and its ``impact``."""
    row = books.tables[spec.name][id]
    whole = {"id": id, **row, **derived(books, spec, id, row)}
    if "_impact" in whole:
        whole["impact"] = whole.pop("_impact")
    result: dict[str, Json] = plain(whole)
    return result


def mutate(books: Books, mutation: Mutation) -> Json:
    """Carry out an edit; :class:`BadCommand` when it makes no sense.

    Besides the common words: ``lock`` and ``unlock`` (a workflow holds the record; on an
    accountingPeriod the period is locked), ``close`` and ``reopen`` of an accountingPeriod,
    ``add_field`` (``{"name", "line", "sublist"?}``) and ``drop_field``. A period may be named by
    its ``periodName`` instead of its id.
    """
    spec = books.types.get(mutation.object)
    if spec is None:
        raise BadCommand(f"no record type {mutation.object!r}")
    try:
        with books.savepoint():
            return _mutate(books, spec, mutation)
    except Refusal as refusal:
        raise BadCommand(str(refusal)) from refusal


def _mutate(books: Books, spec: RecordType, mutation: Mutation) -> Json:
    fields: dict[str, Any] = exact(dict(mutation.fields))
    word = mutation.operation
    if word in {"add_field", "drop_field"}:
        return _reshape(books, spec, word, fields)
    writer = Writer(books, Reading(books, strict_names=True, as_system=spec.access == "read"))
    if word == "create":
        return shown(books, spec, writer.create(spec, fields).id)
    id = _id_of(books, spec, mutation.id)
    match word:
        case "update":
            return _update(books, writer, spec, id, fields)
        case "delete":
            before = shown(books, spec, id)
            writer.delete(spec, id)
            return before
        case "lock" | "unlock" | "close" | "reopen" if spec.name == "accountingPeriod":
            return _move_period(books, spec, id, word)
        case "lock":
            books.locked.add((spec.name, id))
            return shown(books, spec, id)
        case "unlock":
            books.locked.discard((spec.name, id))
            return shown(books, spec, id)
    raise BadCommand(f"NetSuite knows no {word!r}")


def _id_of(books: Books, spec: RecordType, named: str | None) -> str:
    if named is None:
        raise BadCommand("the command needs an id")
    if named in books.tables[spec.name]:
        return named
    for id, row in books.tables[spec.name].items():
        if named in {row.get("periodName"), row.get("externalId")}:
            return id
    raise BadCommand(f"no {spec.name} {named}")


def _update(
    books: Books, writer: Writer, spec: RecordType, id: str, fields: Mapping[str, Any]
) -> Json:
    """People edit in the screens, where a sublist is seen and saved as a whole."""
    held = (spec.name, id) in books.locked
    books.locked.discard((spec.name, id))
    try:
        writer.update(spec, id, fields, frozenset(spec.lists))
    finally:
        if held:
            books.locked.add((spec.name, id))
    return shown(books, spec, id)


def _move_period(books: Books, spec: RecordType, id: str, word: str) -> Json:
    row = books.tables[spec.name][id]
    changed: Row = {**row, **PERIOD_WORDS[word], "lastModifiedDate": books.stamp()}
    changed["closedOnDate"] = books.stamp() if changed["closed"] else None
    books.put(spec.name, id, changed)
    return shown(books, spec, id)


def _reshape(books: Books, spec: RecordType, word: str, fields: Mapping[str, Any]) -> Json:
    name = str(fields["name"])
    if word == "drop_field":
        if name not in spec.fields:
            raise BadCommand(f"no field {name} on {spec.name}")
        books.define(spec.without_field(name))
    else:
        sublist = fields.get("sublist")
        if sublist is not None and sublist not in spec.lists:
            raise BadCommand(f"no sublist {sublist} on {spec.name}")
        books.define(spec.with_field(field_from_line(name, str(fields["line"])), sublist))
    return {"id": f"{spec.name}.{name}"}
