"""Record ids: 15 case-sensitive characters, and the 18-character form that survives case folding.

The three extra characters carry, for each group of five, which characters are upper-case letters
("Understanding 15 and 18 character ids", help.salesforce.com).
"""

from __future__ import annotations

import re
from typing import Final

_SUFFIX: Final = "ABCDEFGHIJKLMNOPQRSTUVWXYZ012345"
_DIGITS: Final = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_SHAPE: Final = re.compile(r"[A-Za-z0-9]{15}(?:[A-Za-z0-9]{3})?", re.ASCII)


class MalformedId(ValueError):
    """The text is not a record id."""


def suffix_of(short: str) -> str:
    """The three checksum characters of a 15-character id."""
    return "".join(
        _SUFFIX[sum(1 << bit for bit in range(5) if "A" <= short[start + bit] <= "Z")]
        for start in (0, 5, 10)
    )


def normalise(text: str) -> str:
    """The 18-character form of a 15- or 18-character id.

    An 18-character id whose letters changed case is put right from its suffix. Raises
    :class:`MalformedId` if the text cannot be an id.
    """
    if not _SHAPE.fullmatch(text):
        raise MalformedId(text)
    if len(text) == 15:
        return text + suffix_of(text)
    if text.endswith(suffix_of(text[:15])):
        return text
    repaired = "".join(
        _with_case(text[start : start + 5], text[15 + start // 5].upper()) for start in (0, 5, 10)
    )
    if suffix_of(repaired) != text[15:].upper():
        raise MalformedId(text)
    return repaired + text[15:].upper()


def _with_case(group: str, mark: str) -> str:
    if mark not in _SUFFIX:
        raise MalformedId(group)
    bits = _SUFFIX.index(mark)
    return "".join(
        letter.upper() if bits >> bit & 1 else letter.lower() for bit, letter in enumerate(group)
    )


def numbered(prefix: str, number: int, instance: str = "Hq0") -> str:
    """The 18-character id of the ``number``-th record of an object.

    Ids of one object increase with ``number`` in plain text order: digits, upper case, lower case.
    """
    digits = ""
    rest = number
    while rest:
        rest, digit = divmod(rest, 62)
        digits = _DIGITS[digit] + digits
    short = f"{prefix}{instance}{digits.rjust(9, '0')}"
    return short + suffix_of(short)
