"""Record ids: 15 case-sensitive characters, or 18 with a checksum that survives lost case."""

from __future__ import annotations

import re

_FIFTEEN = re.compile(r"[A-Za-z0-9]{15}", re.ASCII)
_EIGHTEEN = re.compile(r"[A-Za-z0-9]{15}[A-Z0-5]{3}", re.ASCII)
_CHECK_ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZ012345"


def checksum(fifteen: str) -> str:
    """The three characters that tell which of the fifteen are upper case, five bits each."""
    bits = (
        sum(1 << place for place, character in enumerate(group) if "A" <= character <= "Z")
        for group in (fifteen[0:5], fifteen[5:10], fifteen[10:15])
    )
    return "".join(_CHECK_ALPHABET[index] for index in bits)


def normal_id(text: str) -> str | None:
    """The id in its 18-character form, or ``None`` when the text cannot be a record's id.

    Only what this returns is ever put into an address or a query.
    """
    if _FIFTEEN.fullmatch(text):
        return text + checksum(text)
    if _EIGHTEEN.fullmatch(text) and checksum(text[:15]) == text[15:]:
        return text
    return None
