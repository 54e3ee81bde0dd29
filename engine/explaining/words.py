"""Words for people: objects, fields, lists and durations, as one would say them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import timedelta
from typing import Final

_CAMEL: Final = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")
# Salesforce: a package's own prefix, and what marks custom fields and relations.
_NAMESPACE: Final = re.compile(r"^[A-Za-z0-9]+__(?=.+__[a-z]$)")
_SUFFIX: Final = re.compile(r"__[a-z]$")
_VOWELS: Final = "aeiou"
_LIKE_YOU: Final = ("uni", "use", "usa", "eu")
_PLURALS: Final = (("ies", "y"), ("sses", "ss"), ("xes", "x"), ("ches", "ch"))
_STEPS: Final = ((86_400, "day"), (3_600, "hour"), (60, "minute"), (1, "second"))


def spoken(name: str) -> str:
    """A field or object as it is said: ``Billing_Status__c`` is billing status.

    Words of capitals alone stay as they are.
    """
    parts = [_SUFFIX.sub("", _NAMESPACE.sub("", part)) for part in name.split(".")]
    plain = " ".join(parts).replace("_", " ").replace("-", " ")
    words = [word for part in plain.split() for word in _CAMEL.split(part)]
    return " ".join(word if len(word) > 1 and word.isupper() else word.lower() for word in words)


def singular(words: str) -> str:
    """One of them: ``companies`` is company, ``line items`` line item."""
    for ending, one in _PLURALS:
        if words.endswith(ending):
            return words[: -len(ending)] + one
    if words.endswith("s") and not words.endswith(("ss", "us")):
        return words[:-1]
    return words


def plural(words: str) -> str:
    """Several of them."""
    if words.endswith("s") and singular(words) != words:
        return words
    if words.endswith("y") and words[-2:-1] not in _VOWELS:
        return words[:-1] + "ies"
    return words + ("es" if words.endswith(("s", "x", "ch")) else "s")


def with_article(words: str) -> str:
    """With a or an before it."""
    first = words[:1].lower()
    an = first in _VOWELS and not words.lower().startswith(_LIKE_YOU)
    return f"{'an' if an else 'a'} {words}"


def listed(items: Sequence[str], between: str = "and") -> str:
    """``a, b and c``."""
    if len(items) < 2:
        return "".join(items)
    return f"{', '.join(items[:-1])} {between} {items[-1]}"


def sentence(words: str) -> str:
    """With a capital at its beginning and a full stop at its end."""
    words = words.strip()
    ended = words if words.removesuffix("”").endswith((".", "!", "?")) else f"{words}."
    return ended[:1].upper() + ended[1:]


def duration(span: timedelta) -> str:
    """``5 minutes``, ``1 hour``."""
    seconds = span.total_seconds()
    for size, unit in _STEPS:
        if seconds >= size and seconds % size == 0:
            count = int(seconds // size)
            return f"{count} {unit}{'' if count == 1 else 's'}"
    return f"{seconds:g} seconds"
