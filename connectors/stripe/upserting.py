"""What an upsert still has to write, when its identity is found.

A create writes the change's key beside our identity. So the same change, sent again because its
answer was lost, is known from the record itself: it needs no second write, whatever of it can only
be said at creation. Another change may repeat such fields; it cannot change them.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from connectors.errors import Rejected
from connectors.records import MISSING, Change, Missing, Value
from connectors.stripe.fields import FIELDS, METADATA
from connectors.stripe.reading import Content
from connectors.stripe.shapes import selected, shown

KEY_NAME: Final = "revline_key"
KEY_FIELD: Final = f"{METADATA}.{KEY_NAME}"


def made_by(change: Change, content: Content) -> bool:
    """Whether this very change made the record."""
    metadata = content.get(METADATA)
    return isinstance(metadata, dict) and metadata.get(KEY_NAME) == change.key


def still_to_write(change: Change, content: Content) -> dict[str, Value]:
    """The fields that can be changed; those fixed at creation must be as they are.

    Raises ``Rejected`` where one is not.
    """
    declared = FIELDS[change.object]
    values = shown(content)
    fields: dict[str, Value] = {}
    wrong: dict[str, str] = {}
    for name, value in change.fields.items():
        field = declared.get(name.partition(".")[0])
        if field is None or field.writable or not field.creatable:
            fields[name] = value
        elif not _same(value, selected(values, (name,)).get(name, MISSING)):
            wrong[name] = "is fixed when the record is made, and is another there"
        elif name == "currency":
            fields[name] = value  # what other amounts are in
    if wrong:
        raise Rejected(
            f"the record exists, and {', '.join(wrong)} cannot be changed any more",
            code="FIXED_AT_CREATION",
            field_errors=wrong,
        )
    return fields


def _same(wanted: Value, actual: Value | Missing) -> bool:
    """Whether what is wanted is there; a part of a structured value may be."""
    if isinstance(wanted, Mapping):
        return isinstance(actual, Mapping) and all(
            _same(value, actual.get(name, MISSING)) for name, value in wanted.items()
        )
    if isinstance(wanted, str) and isinstance(actual, str):
        return wanted.casefold() == actual.casefold()
    return actual is not MISSING and wanted == actual
