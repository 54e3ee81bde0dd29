"""What DealHub's answers mean for what happens next: one table, first matching row wins.

developers.dealhub.io, "Quote API" and "Headless API": a refusal is ``{"error": text}``. Credentials
that are refused are a 403, what does not exist is a 400 like any other wrong request, and no limit
is published.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from enum import Enum
from typing import Final

from connectors.dealhub.objects import LIMIT_CLASS
from connectors.errors import (
    AccessDenied,
    AuthFailed,
    CallError,
    Gone,
    OutcomeUnknown,
    RateLimited,
    Rejected,
    RetryLater,
    UnexpectedAnswer,
)
from connectors.records import Ref

_FORBIDDEN: Final = 403
_MESSAGE_MAX: Final = 500
_WAIT: Final = timedelta(seconds=30)
_WAIT_MAX: Final = timedelta(hours=1)
_NOT_FOUND: Final = re.compile(r"entity \(id = (?P<id>[^)]*)\) not found", re.IGNORECASE)
_NO_ROOM: Final = re.compile(r"no dealroom instance found", re.IGNORECASE)
_MISSING: Final = re.compile(r"missing mandatory field\(s\):\s*(?P<names>.+)", re.IGNORECASE)
_UNRECOGNISED: Final = re.compile(r"unrecogni[sz]ed parameter:\s*(?P<names>\S+)", re.IGNORECASE)
_BAD_VALUE: Final = re.compile(
    r"invalid parameter value:\s*(?P<names>[\w.\[\]]+)|"
    r"limit exceeded for parameter\s+(?P<more>[\w.\[\]]+)",
    re.IGNORECASE,
)


class Meaning(Enum):
    """What happens next."""

    AUTH = "the token is refused"
    DENIED = "a permission is missing"
    GONE = "the record does not exist, where it is the one that was addressed"
    REFUSED = "the request must change"
    LIMITED = "too fast"
    OUTAGE = "the server had trouble: nothing is known of a write"
    STRANGE = "an answer outside the documentation"


@dataclass(frozen=True, slots=True)
class Row:
    """One row: matches when everything it names matches. ``detail`` is looked for in the text, in
    lower case; DealHub has no categories of errors."""

    meaning: Meaning
    statuses: range
    detail: str = ""
    categories: tuple[str, ...] = ()

    def matches(self, status: int, text: str) -> bool:
        """Whether the answer is this one."""
        return status in self.statuses and self.detail in text.lower()


def _only(status: int) -> range:
    return range(status, status + 1)


_UNAUTHENTICATED: Final = "unauthenticated"
TABLE: Final = (
    Row(Meaning.AUTH, _only(401)),
    Row(Meaning.AUTH, _only(403), _UNAUTHENTICATED),
    Row(Meaning.DENIED, _only(403)),
    Row(Meaning.GONE, _only(400), "not found"),
    Row(Meaning.GONE, _only(400), "no dealroom instance found"),
    Row(Meaning.STRANGE, range(404, 406)),
    Row(Meaning.OUTAGE, _only(408)),
    Row(Meaning.LIMITED, _only(429)),
    Row(Meaning.REFUSED, range(400, 500)),
    Row(Meaning.OUTAGE, range(500, 600)),
    Row(Meaning.STRANGE, range(1000)),
)


@dataclass(frozen=True, slots=True)
class About:
    """What a call was about. ``effect``: it may have written. ``record``: what it was addressed
    to, so that "not found" means that this one is gone."""

    effect: bool = False
    record: Ref | None = None


@dataclass(frozen=True, slots=True)
class Refusal:
    """An answer that is not a success: its status, its body, the wait its headers ask for."""

    status: int
    body: object
    wait: timedelta | None = None


def text_of(body: object) -> str:
    """The vendor's words; empty where it said none."""
    found = body.get("error") if isinstance(body, Mapping) else None
    return found.strip()[:_MESSAGE_MAX] if isinstance(found, str) else ""


def call_error(refusal: Refusal, about: About) -> CallError:
    """What a refused call means."""
    status, text = refusal.status, text_of(refusal.body)
    # A 403 without words is what "Quote API" calls an invalid or missing token.
    words = text or (_UNAUTHENTICATED if status == _FORBIDDEN else "")
    meaning = next(row.meaning for row in TABLE if row.matches(status, words))
    told = f"DealHub: {text or f'no reason given (status {status})'}"
    code = f"HTTP_{status}"
    match meaning:
        case Meaning.AUTH:
            hint = "put a new token of a CPQ administrator into api_token"
            return AuthFailed(f"{told}; {hint}", code="UNAUTHENTICATED", status=status)
        case Meaning.DENIED:
            return AccessDenied(told, code=code, status=status)
        case Meaning.GONE:
            return _gone(told, text, status, about)
        case Meaning.REFUSED:
            errors = field_errors(text)
            return Rejected(told, code=_code(text, status), field_errors=errors, status=status)
        case Meaning.LIMITED:
            wait = max(timedelta(0), min(refusal.wait or _WAIT, _WAIT_MAX))
            return RateLimited(told, wait=wait, limit_class=LIMIT_CLASS, status=status)
        case Meaning.OUTAGE:
            kind: type[CallError] = OutcomeUnknown if about.effect else RetryLater
            return kind(told, code=code, status=status)
        case Meaning.STRANGE:
            return UnexpectedAnswer(told, code=code, status=status)


def _gone(told: str, text: str, status: int, about: About) -> CallError:
    """Only what a call was addressed to is gone; the body may name other things."""
    named = _NOT_FOUND.search(text)
    room = _NO_ROOM.search(text) is not None
    record = about.record
    if record is not None and (room or (named is not None and named["id"].strip() == record.id)):
        return Gone(f"{record}: {told}", code="NOT_FOUND", status=status)
    return Rejected(told, code="NOT_FOUND", status=status)


def _code(text: str, status: int) -> str:
    for words, code in ((_MISSING, "MISSING_FIELDS"), (_UNRECOGNISED, "UNKNOWN_PARAMETER"),
                        (_BAD_VALUE, "INVALID_VALUE")):  # fmt: skip
        if words.search(text):
            return code
    return f"HTTP_{status}"


def field_errors(text: str) -> dict[str, str]:
    """The parameters that a refusal names."""
    for words in (_MISSING, _UNRECOGNISED, _BAD_VALUE):
        found = words.search(text)
        if found is not None:
            names = found["names"] or found.groupdict().get("more") or ""
            return {name.strip(): text for name in names.split(",") if name.strip()}
    return {}
