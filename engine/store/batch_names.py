"""What batches are called: the systems they are posted in know them by these names for ever."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from typing import Final

import orjson

BLANK: Final = "none"
LENGTH_MAX: Final = 120
_PLAIN: Final = re.compile(r"[A-Za-z0-9_]+")


def batch_name(sync: str, keys: Mapping[str, str], number: int) -> str | None:
    """A name that says what the batch holds; ``None`` where it could be read in two ways."""
    for name, value in keys.items():
        plain = not value or (_PLAIN.fullmatch(value) is not None and value != BLANK)
        if not plain and name != "period":
            return None
    found = "-".join([sync, *(value or BLANK for value in keys.values()), str(number)])
    return found if len(found) <= LENGTH_MAX else None


def batch_digest(sync: str, keys: Mapping[str, str], number: int) -> str:
    """A name that no other batch has, whatever the values are."""
    written = orjson.dumps(dict(keys), option=orjson.OPT_SORT_KEYS)
    return f"{sync}-{hashlib.sha256(written).hexdigest()[:24]}-{number}"
