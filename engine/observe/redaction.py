"""Keeps secrets out of everything that is written down: by value, and by the name of the key."""

from __future__ import annotations

import base64
import re
from collections.abc import Iterable, Mapping
from typing import Final
from urllib.parse import quote, quote_plus

REDACTED: Final = "[redacted]"
SECRET_MIN_CHARACTERS: Final = 6  # shorter values would blank out ordinary words
DEPTH_MAX: Final = 6

_SECRET_NAME: Final = re.compile(
    r"pass(word|phrase|wd)|secret|token|authori[sz]ation|api_?key|private_?key|cookie|credential"
    r"|signature|assertion|bearer|(^|_)key$",
    re.IGNORECASE,
)
_HARMLESS_NAMES: Final = frozenset({"event_key", "business_key"})


class Redactor:
    """Replaces secrets. Immutable, so that it can be shared by threads."""

    __slots__ = ("_pattern",)

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        forms = {form for secret in secrets for form in _forms(secret)}
        longest_first = sorted(forms, key=len, reverse=True)
        self._pattern = re.compile("|".join(map(re.escape, longest_first))) if forms else None

    def __repr__(self) -> str:
        return "Redactor(…)"

    def text(self, text: str) -> str:
        """The text without any known secret, however it is encoded."""
        return self._pattern.sub(REDACTED, text) if self._pattern else text

    def value(self, value: object, name: str = "", depth: int = 0) -> object:
        """The value without secrets; a value under a telling name is dropped whole."""
        if name and name not in _HARMLESS_NAMES and _SECRET_NAME.search(name):
            return REDACTED if value not in (None, "", True, False) else value
        if isinstance(value, str):
            return self.text(value)
        if value is None or isinstance(value, bool | int | float):
            return value
        if depth >= DEPTH_MAX:
            return "…"
        if isinstance(value, Mapping):
            return {
                self.text(str(key)): self.value(item, str(key), depth + 1)
                for key, item in value.items()
            }
        if isinstance(value, list | tuple | set | frozenset):
            return [self.value(item, "", depth + 1) for item in value]
        if isinstance(value, bytes | bytearray | memoryview):
            return f"<{len(value)} bytes>"
        return self.text(str(value))


def _forms(secret: str) -> Iterable[str]:
    """The ways a secret appears in URLs, headers, JSON and representations."""
    if len(secret) < SECRET_MIN_CHARACTERS:
        return
    yield secret
    yield quote(secret, safe="")
    yield quote_plus(secret)
    yield repr(secret)[1:-1]
    raw = secret.encode(errors="replace")
    yield base64.b64encode(raw).decode()
    yield base64.urlsafe_b64encode(raw).decode()
    # Within a longer base64 text ("user:secret") the letters depend on the offset; the middle part
    # is the same for every neighbour at one of three offsets.
    for offset in (1, 2):
        middle = base64.b64encode(b"\0" * offset + raw).decode().rstrip("=")[offset + 1 : -2]
        if len(middle) >= SECRET_MIN_CHARACTERS + 2:
            yield middle
    whole = base64.b64encode(raw).decode().rstrip("=")[:-2]
    if len(whole) >= SECRET_MIN_CHARACTERS + 2:
        yield whole
