"""Record ids: 15 case-sensitive characters, or 18 with a checksum that survives lost case."""

from __future__ import annotations

import re
import string

_FIFTEEN = re.compile(r"[A-Za-z0-9]{15}", re.ASCII)
_EIGHTEEN = re.compile(r"[A-Za-z0-9]{15}[A-Z0-5]{3}", re.ASCII)
_CHECK_ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZ012345"
_UPPER = str.maketrans(
    string.ascii_uppercase + string.ascii_lowercase + string.digits, "1" * 26 + "0" * 36
)


def checksum(fifteen: str) -> str:
    """The three characters that tell which of the fifteen are upper case.

    Each stands for five of them, the first in the lowest bit.
    """
    bits = fifteen.translate(_UPPER)[::-1]
    return "".join(_CHECK_ALPHABET[int(group, 2)] for group in (bits[10:15], bits[5:10], bits[0:5]))


def normal_id(text: str) -> str | None:
    """The id in its 18-character form, or ``None`` when the text cannot be a record's id.

    Only what this returns is ever put into an address or a query.
    """
    if _FIFTEEN.fullmatch(text):
        return text + checksum(text)
    if _EIGHTEEN.fullmatch(text) and checksum(text[:15]) == text[15:]:
        return text
    return None
