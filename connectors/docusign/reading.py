"""Envelopes by their ids, many at a time: single ones are never asked after.

developers.docusign.com, "API rules and limits": one look at an envelope per quarter of an hour.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from connectors.docusign import fields
from connectors.docusign.objects import ENVELOPES, READ_MAX
from connectors.docusign.rest import Body, Rest
from connectors.docusign.settings import GUID
from connectors.errors import Rejected, UnexpectedAnswer
from connectors.records import Life, Record, Ref, Selection

LIST = "/envelopes"

Row = Mapping[str, object]


def require_envelopes(object: str) -> None:
    """Raises ``Rejected`` for any other object."""
    if object != ENVELOPES:
        raise Rejected(
            f"DocuSign has no object {object!r} here; there is: {ENVELOPES}", code="UNKNOWN_OBJECT"
        )


def include_of(selection: Selection) -> dict[str, str]:
    """The parameter that asks for the parts which the selected fields show."""
    heads = {name.partition(".")[0] for name in selection.fields}
    parts = sorted({part for name, part in fields.INCLUDES.items() if name in heads})
    return {"include": ",".join(parts)} if parts else {}


def read_records(rest: Rest, selection: Selection, ids: Sequence[str]) -> tuple[Record, ...]:
    """The records in the order asked; ``ceil(n / 100)`` calls."""
    require_envelopes(selection.object)
    found: dict[str, Record] = {}
    wanted = [id for id in dict.fromkeys(ids) if GUID.fullmatch(id.lower())]
    for start in range(0, len(wanted), READ_MAX):
        part = wanted[start : start + READ_MAX]
        for row in rows_by_id(rest, part, include_of(selection)):
            record = record_of(selection, row)
            found[record.ref.id.lower()] = record
    return tuple(_answer(found.get(id.lower()), id) for id in ids)


def rows_by_id(rest: Rest, ids: Sequence[str], include: Mapping[str, str]) -> list[Row]:
    """The envelopes that exist, at most :data:`READ_MAX` asked for."""
    query = {"envelope_ids": ",".join(ids), "count": str(READ_MAX), **include}
    return rows_of(rest.get(LIST, query))


def rows_of(body: Body) -> list[Row]:
    """The envelopes of a list; where there are none the list is left out."""
    rows = body.get("envelopes")
    if rows is None and "resultSetSize" in body:
        return []
    if not isinstance(rows, list):
        raise UnexpectedAnswer("the list holds no envelopes", code="LIST_SHAPE")
    found: list[Row] = [row for row in rows if isinstance(row, Mapping)]
    if len(found) < len(rows):
        raise UnexpectedAnswer("the list holds something that is no envelope", code="LIST_SHAPE")
    return found


def record_of(selection: Selection, row: Row) -> Record:
    """An envelope as a record."""
    id = id_of(row)
    if str(row.get("status")).lower() == "deleted":
        return _gone(id)
    values = fields.shown(row)
    version = values.get("lastModifiedDateTime")
    return Record(
        Ref(ENVELOPES, id),
        fields.selected(values, selection.fields),
        version=version if isinstance(version, datetime) else None,
    )


def id_of(row: Row) -> str:
    """An envelope's id."""
    id = row.get("envelopeId")
    if not isinstance(id, str) or not GUID.fullmatch(id.lower()):
        raise UnexpectedAnswer("an envelope comes without its id", code="LIST_SHAPE")
    return id


def _answer(record: Record | None, id: str) -> Record:
    return _gone(id) if record is None else record


def _gone(id: str) -> Record:
    return Record(Ref(ENVELOPES, id), {}, life=Life.DELETED)
