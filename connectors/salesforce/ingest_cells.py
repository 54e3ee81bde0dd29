"""Changes as CSV for ingest jobs, and what the results say of a row.

Bulk API 2.0 guide, "Prepare CSV Files" and "Limits": an empty cell leaves a field as it is,
``#N/A`` clears it, a cell holds 32,000 characters, a record 400,000.
"""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from connectors.errors import Rejected
from connectors.records import Change, Operation, Value
from connectors.salesforce.soql import field_name
from connectors.salesforce.writing import addressed, json_text, number_text

CELL_MAX_CHARACTERS: Final = 32_000
RECORD_MAX_CHARACTERS: Final = 400_000
CLEARED: Final = "#N/A"
ID: Final = "Id"
_FIELD: Final = re.compile(r"[A-Za-z][A-Za-z0-9_]*", re.ASCII)
_CODE: Final = re.compile(r"[A-Z][A-Z0-9_]{2,79}", re.ASCII)


@dataclass(frozen=True, slots=True)
class IngestRow:
    """One change made ready. ``cells`` are by column; ``None``: CSV cannot say this."""

    place: int
    change: Change
    same_as: str
    cells: Mapping[str, str] | None


def key_column(change: Change) -> str:
    """The column that names the record."""
    return ID if change.identity is None else change.identity.field


def ingest_row(place: int, change: Change) -> IngestRow:
    """The change as a row. Raises ``Rejected`` where no way of writing it would do."""
    id, same_as = addressed(place, change)
    identity = change.identity.value if change.identity is not None else ""
    cells = {key_column(change): id or identity}
    sayable = change.operation is not Operation.UPSERT or _sayable(identity)
    for name, value in change.fields.items():
        if name in cells:
            continue
        column, told = _column(name, value)
        try:
            text = _cell(told)
        except ValueError as error:
            raise Rejected(
                f"{name}: {error}", code="VALUE_NOT_WRITABLE", field_errors={name: str(error)}
            ) from None
        sayable = sayable and text is not None and column is not None
        if column is not None and text is not None:
            cells[column] = text
    sayable = sayable and sum(map(len, cells.values())) <= RECORD_MAX_CHARACTERS
    return IngestRow(place, change, same_as, cells if sayable else None)


def _column(name: str, value: Value) -> tuple[str | None, Value]:
    """The column of a field; a parent named by its external id has one of its own."""
    if "." in name:
        raise Rejected(
            f"{name} belongs to another record and cannot be written here",
            code="INVALID_FIELD_FOR_INSERT_UPDATE",
            field_errors={name: "a field of the parent"},
        )
    if not isinstance(value, Mapping):
        return field_name(name), value
    if len(value) != 1:
        return None, None
    (inner, told), *_ = value.items()
    if told is None or isinstance(told, Mapping):
        return None, None
    return f"{field_name(name)}.{field_name(inner)}", told


def _cell(value: Value) -> str | None:
    """The value as a cell; ``None`` where CSV cannot say it. Raises ``ValueError``."""
    if isinstance(value, Decimal):
        return number_text(value)
    said = json.loads(json_text(value)) if not isinstance(value, int) else value
    if said is None or said == "":
        return CLEARED
    if isinstance(said, bool):
        return "true" if said else "false"
    text = str(said)
    return text if _sayable(text) else None


def _sayable(text: str) -> bool:
    """Whether a text can be said: not too long, and nothing that may clear the field or, being
    all blanks, leave it as it is."""
    return len(text) <= CELL_MAX_CHARACTERS and text.strip().upper() not in ("", CLEARED)


def csv_text(rows: Sequence[IngestRow]) -> bytes:
    """The upload: one header for all, empty where a change says nothing of a field."""
    columns = list(dict.fromkeys(name for row in rows for name in row.cells or ()))
    out = io.StringIO(newline="")
    writer = csv.writer(out, lineterminator="\n", quoting=csv.QUOTE_ALL)
    writer.writerow(columns)
    for row in rows:
        cells = row.cells or {}
        writer.writerow([cells.get(name, "") for name in columns])
    return out.getvalue().encode()


def error_entry(text: str) -> dict[str, object]:
    """``CODE:message:fields --`` in the form that a collection's row has."""
    code, _, rest = text.partition(":")
    message, colon, tail = rest.rpartition(":")
    tail = tail.strip()
    fields: list[str] = []
    if colon and tail.endswith("--"):
        fields = _FIELD.findall(tail.removesuffix("--"))
    else:
        message = rest
    if not _CODE.fullmatch(code):
        code, message = "UNKNOWN", text
    return {"statusCode": code, "message": message, "fields": fields}
