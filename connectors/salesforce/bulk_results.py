"""Parts of a query job's results, kept while they are handed on page by page.

Only a saving: what is forgotten is fetched again, and is the same, as results never change.
"""

from __future__ import annotations

import csv
import io
import threading
from collections import OrderedDict
from collections.abc import Callable, Mapping
from decimal import Decimal, InvalidOperation
from itertools import islice
from typing import Final, TypeAlias

from connectors.base import FieldType
from connectors.salesforce.bulk import Table
from connectors.salesforce.reading import STAMP, Reading, Row

KEPT_MOST: Final = 3
_NUMBERS: Final = frozenset({FieldType.DECIMAL, FieldType.INTEGER})
_NEVER_EXPORTED: Final = frozenset({"address", "location", "base64", "complexvalue"})
_MARKS: Final = frozenset({"IsDeleted", "IsConverted"})

Key: TypeAlias = tuple[str, str, int]


class Part:
    """One part of the results, read on from where it was left. Safe for several threads."""

    def __init__(self, table: Table, onward: str | None) -> None:
        self.header = table.header
        self.count = table.count
        self.onward = onward
        self._text = table.text
        self._lock = threading.Lock()
        self._rewind()

    def _rewind(self) -> None:
        lines = csv.reader(io.StringIO(self._text, newline=""), strict=True)
        next(lines, None)
        self._lines = (line for line in lines if line)
        self._at = 0

    def rows(self, start: int, count: int) -> list[list[str]]:
        """Some rows, as they are written."""
        with self._lock:
            if start < self._at:
                self._rewind()
            for _ in islice(self._lines, start - self._at):
                pass
            found = list(islice(self._lines, count))
            self._at = start + len(found)
            return found


class Parts:
    """The parts fetched last."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._kept: OrderedDict[Key, Part] = OrderedDict()

    def get(self, key: Key, fetch: Callable[[], Part]) -> Part:
        """The part, fetched unless it is at hand. One job has one part at hand."""
        with self._lock:
            part = self._kept.get(key)
            if part is not None:
                self._kept.move_to_end(key)
                return part
        part = fetch()
        with self._lock:
            for other in [kept for kept in self._kept if kept[0] == key[0]]:
                del self._kept[other]
            self._kept[key] = part
            while len(self._kept) > KEPT_MOST:
                self._kept.popitem(last=False)
        return part


def exportable(how: Reading) -> bool:
    """Whether a query job can read these fields: compound ones it refuses."""
    return not any(column.field.vendor_type in _NEVER_EXPORTED for column in how.columns)


class Cells:
    """How the cells of one header become rows as a query would have answered them."""

    def __init__(self, how: Reading, header: tuple[str, ...]) -> None:
        """Raises ``KeyError`` when a column that is needed is not there."""
        places = {name.lower(): place for place, name in enumerate(header)}
        kinds = {column.path: column.field.description.type for column in how.columns}
        stamp = (STAMP,) if how.versioned else ()
        own = [(name,) for name in ("Id", *stamp, *sorted(how.traits))]
        self._columns = [
            (path, places[".".join(path).lower()], _kind(path, kinds))
            for path in dict.fromkeys([*own, *kinds])
        ]

    def row(self, cells: list[str]) -> Row:
        """The row, parents nested, values of the type they have elsewhere."""
        row: dict[str, object] = {}
        for path, place, kind in self._columns:
            here = row
            for step in path[:-1]:
                inner = here.setdefault(step, {})
                here = inner if isinstance(inner, dict) else {}
            here[path[-1]] = _value(cells[place], kind)
        return row


def _kind(path: tuple[str, ...], kinds: Mapping[tuple[str, ...], FieldType]) -> FieldType:
    if len(path) == 1 and path[0] in _MARKS:
        return FieldType.BOOLEAN
    return kinds.get(path, FieldType.TEXT)


def _value(text: str, kind: FieldType) -> object:
    """The value a cell stands for; one of another type is left for the reader to refuse."""
    if text == "":
        return None
    if kind is FieldType.BOOLEAN and text in ("true", "false"):
        return text == "true"
    if kind in _NUMBERS:
        try:
            return Decimal(text)
        except InvalidOperation:
            return text
    return text
