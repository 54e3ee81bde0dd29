"""CSV as Bulk API 2.0 takes and gives it ("Prepare CSV Files", Bulk API 2.0 guide).

The first line names fields; ``Relationship.Field`` reaches a parent by its external id; an empty
cell says nothing, ``#N/A`` clears. In results every cell is quoted and null is empty.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence
from decimal import Decimal
from types import MappingProxyType
from typing import Any, Final

from sandbox.salesforce.values import number_text

DELIMITERS: Final = MappingProxyType(
    {
        "BACKQUOTE": "`",
        "CARET": "^",
        "COMMA": ",",
        "PIPE": "|",
        "SEMICOLON": ";",
        "TAB": "\t",
    }
)
LINE_ENDINGS: Final = MappingProxyType({"LF": "\n", "CRLF": "\r\n"})
FIELD_MAX_CHARACTERS: Final = 32_000
RECORD_MAX_CHARACTERS: Final = 400_000
FIELDS_MAX: Final = 5_000
NULL: Final = "#N/A"


class InvalidBatch(Exception):
    """The upload as a whole cannot be worked on; the job fails with these words."""


def parse(content: bytes, delimiter: str, line_ending: str) -> tuple[list[str], list[list[str]]]:
    """Header and rows, every cell as it was written. Raises :class:`InvalidBatch`."""
    try:
        text = content.decode("utf-8").removeprefix("\ufeff")
    except UnicodeDecodeError as error:
        raise InvalidBatch("The data is not encoded as UTF-8") from error
    _check_endings(text, line_ending)
    csv.field_size_limit(1_000_000)
    try:
        lines = list(csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True))
    except csv.Error as error:
        raise InvalidBatch(f"Failed to parse CSV: {error}") from error
    lines = [line for line in lines if line]
    if not lines:
        raise InvalidBatch("No header row was found")
    header, rows = lines[0], lines[1:]
    if len(header) > FIELDS_MAX or len({name.lower() for name in header}) != len(header):
        raise InvalidBatch("Too many fields, or a field named twice, in the header row")
    for row in rows:
        _check_row(header, row)
    return header, rows


def _check_endings(text: str, line_ending: str) -> None:
    """Whether the lines end as the job said, cells apart."""
    outside = "".join(text.split('"')[::2])
    found = "CRLF" if "\r\n" in outside else "LF"
    if found != line_ending and "\n" in outside:
        raise InvalidBatch(
            f"LineEnding is invalid on user data. Current LineEnding setting is {line_ending}"
        )


def _check_row(header: Sequence[str], row: Sequence[str]) -> None:
    if len(row) != len(header):
        raise InvalidBatch(f"A row has {len(row)} cells, the header row has {len(header)}")
    if any(len(cell) > FIELD_MAX_CHARACTERS for cell in row):
        raise InvalidBatch(f"A cell is longer than {FIELD_MAX_CHARACTERS} characters")
    if sum(map(len, row)) > RECORD_MAX_CHARACTERS:
        raise InvalidBatch(f"A record is longer than {RECORD_MAX_CHARACTERS} characters")


def body_of_row(header: Sequence[str], row: Sequence[str]) -> dict[str, Any]:
    """The record a row describes: cells that say nothing are left out."""
    body: dict[str, Any] = {}
    for name, cell in zip(header, row, strict=True):
        if cell == "":
            continue
        value = None if cell.strip() == NULL else cell
        relationship, dot, field = name.partition(".")
        if dot and value is None:
            continue  # Nothing to look the parent up by; the reference stays.
        if dot:
            body[relationship] = {field: value}
        else:
            body[name] = value
    return body


def written(
    header: Sequence[str], rows: Iterable[Sequence[str]], delimiter: str, end: str
) -> bytes:
    """The CSV text of some rows, every cell quoted."""
    out = io.StringIO(newline="")
    writer = csv.writer(out, delimiter=delimiter, lineterminator=end, quoting=csv.QUOTE_ALL)
    writer.writerow(header)
    writer.writerows(rows)
    return out.getvalue().encode()


def cell_of(value: Any, type: str) -> str:
    """A stored value as results print it: instants end in Z, null is empty."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, Decimal):
        return number_text(value)
    text = str(value)
    return text.replace("+0000", "Z") if type == "datetime" else text
