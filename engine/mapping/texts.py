"""The text functions of expressions. All are null-safe: a blank stays a blank."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from typing import Any, Final

from engine.mapping.faults import DataFault
from engine.mapping.operators import TEXT_MAX_CHARACTERS, is_blank, is_number, kind

_NOT_DIGITS: Final = re.compile(r"[^0-9]")


def words(value: Any, function: str) -> str | None:
    """A text argument; blank text counts as blank."""
    if value is None:
        return None
    if not isinstance(value, str):
        raise DataFault("WRONG_TYPE", f"{function}(…) wants text, not {kind(value)}; use text(…)")
    return value


def text(value: Any) -> str | None:
    """A value as text: numbers without exponent, dates and times in ISO form."""
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if is_number(value):
        return f"{value:f}" if not isinstance(value, int) else str(value)
    if hasattr(value, "isoformat"):
        written: str = value.isoformat()
        return written.replace("+00:00", "Z")
    raise DataFault("WRONG_TYPE", f"text(…) cannot write {kind(value)}")


def trim(value: Any) -> str | None:
    """Without white space at both ends; nothing left is a blank."""
    found = words(value, "trim")
    return (found.strip() or None) if found is not None else None


def lower(value: Any) -> str | None:
    """In lower case."""
    found = words(value, "lower")
    return found.lower() if found is not None else None


def upper(value: Any) -> str | None:
    """In upper case."""
    found = words(value, "upper")
    return found.upper() if found is not None else None


def title(value: Any) -> str | None:
    """Each word with a capital: "jane DOE" becomes "Jane Doe"."""
    found = words(value, "title")
    return " ".join(word.capitalize() for word in found.split(" ")) if found is not None else None


def digits(value: Any) -> str | None:
    """Only the digits 0–9."""
    found = words(value, "digits")
    return (_NOT_DIGITS.sub("", found) or None) if found is not None else None


def starts_with(value: Any, part: Any) -> bool:
    """Whether a text begins with another; false for a blank."""
    found, wanted = words(value, "starts_with"), words(part, "starts_with")
    return found is not None and wanted is not None and found.startswith(wanted)


def ends_with(value: Any, part: Any) -> bool:
    """Whether a text ends with another; false for a blank."""
    found, wanted = words(value, "ends_with"), words(part, "ends_with")
    return found is not None and wanted is not None and found.endswith(wanted)


def contains(value: Any, part: Any) -> bool:
    """Whether a text holds another, or a list an element; false for a blank."""
    if isinstance(value, tuple | list):
        return part in value
    found, wanted = words(value, "contains"), words(part, "contains")
    return found is not None and wanted is not None and wanted in found


def replace(value: Any, old: Any, new: Any) -> str | None:
    """A text with every occurrence of ``old`` replaced."""
    found, before, after = words(value, "replace"), words(old, "replace"), words(new, "replace")
    if found is None:
        return None
    if not before:
        raise DataFault("WRONG_TYPE", "replace(…) wants a text to look for")
    if len(found) + found.count(before) * len(after or "") > TEXT_MAX_CHARACTERS:
        raise DataFault("TEXT_TOO_LONG", "a text would pass a million characters")
    return found.replace(before, after or "")


def split(value: Any, separator: Any) -> tuple[str, ...]:
    """The parts of a text, trimmed, blanks left out; an empty list for a blank."""
    found, between = words(value, "split"), words(separator, "split")
    if found is None:
        return ()
    if not between:
        raise DataFault("WRONG_TYPE", "split(…) wants a separator")
    return tuple(part.strip() for part in found.split(between) if part.strip())


def join(items: Iterable[Any] | None, separator: Any) -> str | None:
    """The texts of a list in one, blanks left out; blank if nothing is left."""
    between = words(separator, "join") or ""
    if items is None:
        return None
    if isinstance(items, str):
        raise DataFault("WRONG_TYPE", "join(…) wants a list and a separator")
    parts: list[str] = []
    length = 0
    for item in items:
        if is_blank(item):
            continue
        part = words(item, "join") or ""
        length += len(part) + len(between)
        if length > TEXT_MAX_CHARACTERS:
            raise DataFault("TEXT_TOO_LONG", "a text would pass a million characters")
        parts.append(part)
    return between.join(parts) if parts else None


def match_text(value: Any) -> str | None:
    """A match value as it is searched for: composed and trimmed. Ids keep their case."""
    written = text(value)
    if written is None:
        return None
    return unicodedata.normalize("NFC", written).strip() or None


def comparable(written: str) -> str:
    """The form in which two match values count as the same: in lower case.

    A letter is lowered only where raising it again gives the same letter, so that look-alikes
    (the Greek symbols for theta, a dotted capital I) stay apart instead of merging two records.
    """
    if written.isascii():
        return written.lower()
    return "".join(_lower(letter) for letter in written)


def _lower(letter: str) -> str:
    small = letter.lower()
    return small if small.upper() == letter else letter


def id_text(value: Any) -> str | None:
    """A record id as text; whole numbers are written out."""
    if is_blank(value):
        return None
    if isinstance(value, str):
        return value
    if is_number(value) and value == int(value):
        return str(int(value))
    raise DataFault("WRONG_TYPE", f"an id must be text, not {kind(value)}")
