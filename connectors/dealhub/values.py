"""DealHub's values as ours: exact numbers, GMT instants, blanks, one spelling of a status."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from types import MappingProxyType
from typing import Final

from connectors.dealhub.fields import FACTORS, FREE, INSTANTS, NUMBERS
from connectors.records import Value
from connectors.transport_json import Json

# "Quote API" shows Draft and ReadyToBeSent; the others are called as their webhook events are.
STATUSES: Final = (
    "Draft", "PendingApproval", "ReadyToBeSent", "Rejected", "Recalled", "Published",
    "Unpublished", "Won", "Lost", "Expired",
)  # fmt: skip
_FOLDED: Final[Mapping[str, str]] = MappingProxyType({name.lower(): name for name in STATUSES})
_SIGNS: Final = re.compile(r"[\W_]+")
_STAMP: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2} [0-9]{2}:[0-9]{2}:[0-9]{2}", re.ASCII)
_NUMBER: Final = re.compile(r"-?[0-9]{1,40}(\.[0-9]{1,40})?", re.ASCII)


def status(printed: str) -> str:
    """The status in one spelling: ``ready to be sent`` and ``READY_TO_BE_SENT`` are the same.

    One that is not known keeps its own words, each with a capital, without signs between them.
    """
    words = [word for word in _SIGNS.split(printed.strip()) if word]
    known = _FOLDED.get("".join(words).lower())
    if known is not None:
        return known
    shouted = printed.upper() == printed
    return "".join(word[:1].upper() + (word[1:].lower() if shouted else word[1:]) for word in words)


def nested(name: str, printed: Json) -> Value:
    """What is printed under a name, typed by the names inside."""
    if isinstance(printed, dict):
        if name == FACTORS:
            return MappingProxyType({key.lower(): _factor(one) for key, one in printed.items()})
        if name in FREE:
            return MappingProxyType({key: _plain(one) for key, one in printed.items()})
        return MappingProxyType({key: nested(key, one) for key, one in printed.items()})
    if isinstance(printed, list):
        return tuple(nested(name, one) for one in printed)
    if printed == "":
        return None
    if name in INSTANTS and isinstance(printed, str):
        return instant(printed)
    if name in NUMBERS:
        return _factor(printed)
    return printed


def _plain(printed: Json) -> Value:
    if isinstance(printed, dict):
        return MappingProxyType({key: _plain(one) for key, one in printed.items()})
    if isinstance(printed, list):
        return tuple(_plain(one) for one in printed)
    return None if printed == "" else printed


def _factor(printed: Json) -> Value:
    """A number, also where it is printed as text; what is none stays as it is."""
    if isinstance(printed, bool) or not isinstance(printed, int | str | Decimal):
        return nested("", printed) if isinstance(printed, dict | list) else printed
    text = str(printed).strip()
    if not text:
        return None
    if isinstance(printed, str) and not _NUMBER.fullmatch(text):
        return printed
    try:
        return Decimal(text)
    except InvalidOperation:
        return printed


def instant(printed: str) -> Value:
    """``yyyy-mm-dd hh:mm:ss``, GMT. A text of another form stays a text: one odd date of one quote
    must not hide the others of its page."""
    text = printed.strip()
    if not _STAMP.fullmatch(text):
        return printed
    try:
        return datetime.strptime(text, "%Y-%m-%d %H:%M:%S").replace(tzinfo=UTC)
    except ValueError:
        return printed


def answers_by_id(answers: Sequence[Json]) -> Mapping[str, Value]:
    """Each question's answer. A question of a group that repeats has all of its answers, in order.

    Nothing is guessed: whoever expects one answer sees that there are several.
    """
    found: dict[str, list[Value]] = {}
    for one in answers:
        question = one.get("question_id") if isinstance(one, dict) else None
        if isinstance(one, dict) and isinstance(question, str) and question:
            found.setdefault(question, []).append(_plain(one.get("answer")))
    return MappingProxyType(
        {
            question: several[0] if len(several) == 1 else tuple(several)
            for question, several in found.items()
        }
    )
