"""Value maps (stages, picklists) and catalogue rows."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

from connectors.records import Fields, Value
from engine.mapping.faults import DataFault
from engine.mapping.model import CatalogueSpec
from engine.mapping.operators import is_blank
from engine.mapping.texts import text

_BETWEEN: Final = "\x1f"


class Unmapped(StrEnum):
    """What a value map does with a value that it does not list."""

    REJECT = "reject"
    DEFAULT = "default"
    PASS = "pass"  # noqa: S105


@dataclass(frozen=True, slots=True)
class ValueMap:
    """Which value of the target stands for which value of the source."""

    name: str
    values: Mapping[str, Value]
    unmapped: Unmapped = Unmapped.REJECT
    default: Value = None

    def translate(self, value: Any) -> Value:
        """The target's value; a blank stays a blank. Raises :class:`DataFault`."""
        if is_blank(value):
            return None
        if isinstance(value, tuple | list):
            return tuple(self.translate(item) for item in value)
        written = text(value) or ""
        if written in self.values:
            return self.values[written]
        if self.unmapped is Unmapped.DEFAULT:
            return self.default
        if self.unmapped is Unmapped.PASS:
            result: Value = value
            return result
        shown = written if len(written) <= 60 else written[:57] + "…"
        raise DataFault(
            "UNKNOWN_VALUE", f"the value map `{self.name}` does not know {shown!r}; add it there"
        )


def catalogue_key(values: Sequence[Any]) -> str:
    """The text under which a catalogue row with these key values is kept."""
    return _BETWEEN.join(text(value) or "" for value in values)


def catalogue_rows(spec: CatalogueSpec, rows: Iterable[Fields]) -> dict[str, Fields | None]:
    """Rows by their key, ready for :class:`~engine.mapping.model.Lookups`.

    Rows with a blank key are left out; a key that occurs twice maps to ``None``.
    """
    found: dict[str, Fields | None] = {}
    for row in rows:
        key_values = [row.get(name) for name in spec.key]
        if any(is_blank(value) for value in key_values):
            continue
        key = catalogue_key(key_values)
        found[key] = None if key in found else row
    return found
