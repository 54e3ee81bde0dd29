"""Keeping secrets out of everything that people read."""

from __future__ import annotations

import base64
from collections.abc import Iterable
from typing import Final
from urllib.parse import quote, quote_plus

MASK: Final = "***"


class Secret:
    """A secret text that does not show itself: print it and it is a mask."""

    __slots__ = ("_text",)

    def __init__(self, text: str) -> None:
        self._text = text

    def reveal(self) -> str:
        """The secret itself, for the one place that needs it."""
        return self._text

    def __repr__(self) -> str:
        return f"Secret({MASK})"

    def __str__(self) -> str:
        return MASK

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and other._text == self._text

    def __hash__(self) -> int:
        return hash(self._text)

    def __reduce__(self) -> str:
        raise TypeError("a secret is not stored")


def redact(text: str, secrets: Iterable[str]) -> str:
    """The text with every secret masked, also where it is percent-encoded or in base64."""
    forms: set[str] = set()
    for secret in secrets:
        if secret:
            encoded = base64.b64encode(secret.encode()).decode("ascii")
            forms |= {secret, quote(secret, safe=""), quote_plus(secret), encoded}
            forms.add(encoded.rstrip("="))
    for form in sorted(forms, key=len, reverse=True):
        text = text.replace(form, MASK)
    return text
