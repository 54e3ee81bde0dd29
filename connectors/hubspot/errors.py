"""What HubSpot's answers mean: one table, first matching row wins.

From developers.hubspot.com "Error handling" and "API usage guidelines": every field of an error
body is optional in practice, so rows match on the status, on the category, or on a word of detail.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import Enum
from typing import Final
from zoneinfo import ZoneInfo

from connectors.errors import (
    AccessDenied,
    AuthFailed,
    CallError,
    DuplicateFound,
    Gone,
    OutcomeUnknown,
    QuotaSpent,
    RateLimited,
    Rejected,
    RetryLater,
    UnexpectedAnswer,
)
from connectors.http import retry_after
from connectors.hubspot.objects import SEARCH
from connectors.records import Ref

_MESSAGE_MAX: Final = 500
_TEXT_MAX: Final = 200_000
_WAIT_MAX: Final = timedelta(hours=1)
_MOVE_WAIT_MAX: Final = timedelta(hours=24)


class Meaning(Enum):
    """What happens next."""

    AUTH = "the credentials are refused"
    DENIED = "a permission is missing"
    GONE = "the record does not exist"
    NO_ADDRESS = "no such object or address"
    DUPLICATE = "a unique value is taken"
    REFUSED = "the record must change"
    LOCKED = "the record is busy"
    LIMITED = "too fast"
    SPENT = "the day's allowance is used up"
    MOVING = "the account is being moved between data centres"
    UNSURE = "the server had trouble: nothing is known of a write"
    STRANGE = "an answer outside the documentation"


@dataclass(frozen=True, slots=True)
class Row:
    """One row: matches when everything it names matches. ``detail`` is looked for in the body."""

    meaning: Meaning
    statuses: tuple[int, ...] = ()
    categories: tuple[str, ...] = ()
    detail: str = ""


_SERVER: Final = (408, 500, 501, 502, 503, 504, *range(505, 600))
_REQUEST: Final = (400, 402, 405, 406, 410, 411, 412, 413, 414, 415, 422)

TABLE: Final = (
    Row(Meaning.AUTH, statuses=(401,)),
    Row(Meaning.SPENT, statuses=(429,), detail="daily"),
    Row(Meaning.LIMITED, statuses=(429,)),
    Row(Meaning.MOVING, statuses=(477,)),
    Row(Meaning.LOCKED, statuses=(423,)),
    Row(Meaning.DENIED, statuses=(403,)),
    Row(Meaning.UNSURE, statuses=_SERVER),
    Row(Meaning.DUPLICATE, statuses=(409,)),
    Row(Meaning.DUPLICATE, detail="conflicting_unique_value"),
    Row(Meaning.NO_ADDRESS, statuses=(404,)),
    Row(Meaning.AUTH, categories=("EXPIRED_AUTHENTICATION", "INVALID_AUTHENTICATION")),
    Row(Meaning.DENIED, categories=("MISSING_SCOPES", "BANNED")),
    Row(Meaning.LIMITED, categories=("RATE_LIMITS", "RATE_LIMIT")),
    Row(Meaning.DUPLICATE, categories=("CONFLICT", "OBJECT_ALREADY_EXISTS")),
    Row(Meaning.GONE, categories=("OBJECT_NOT_FOUND", "NOT_FOUND")),
    Row(Meaning.LOCKED, categories=("LOCKED",)),
    Row(Meaning.UNSURE, categories=("INTERNAL_ERROR", "SERVICE_UNAVAILABLE", "TIMEOUT")),
    Row(
        Meaning.REFUSED,
        categories=("VALIDATION_ERROR", "PROPERTY_DOESNT_EXIST", "INVALID_PARAMETER"),
    ),
    Row(Meaning.REFUSED, statuses=_REQUEST),
)


@dataclass(frozen=True, slots=True)
class Reply:
    """An error as HubSpot sent it: a whole answer, or (without a status) one row of a 207."""

    status: int | None
    body: Mapping[str, object]
    headers: Mapping[str, str]

    @property
    def category(self) -> str:
        return str(self.body.get("category") or self.body.get("errorType") or "").upper()

    @property
    def text(self) -> str:
        """The message as it came."""
        return str(self.body.get("message") or "")[:_TEXT_MAX]

    @property
    def message(self) -> str:
        """The message for people: the reasons alone, where HubSpot wraps them in JSON."""
        invalid = _invalid_properties(self)
        reasons = (
            f"{one.get('name')}: {one.get('message') or one.get('error')}" for one in invalid
        )
        text = "; ".join(reasons) or self.text
        return text[:_MESSAGE_MAX] or f"HubSpot answered {self.status} without saying why"

    @property
    def request_id(self) -> str | None:
        named = self.body.get("correlationId") or self.body.get("requestId")
        return str(named)[:100] if named else self.headers.get("x-hubspot-correlation-id")


@dataclass(frozen=True, slots=True)
class Circumstances:
    """What the meaning of an answer depends on, beside the answer.

    ``effect``: the call may have written. ``zone``: the account's, where known.
    """

    object: str
    limit_class: str
    effect: bool
    now: datetime
    zone: ZoneInfo | None = None


def reply_of(status: int | None, body: bytes | str | None, headers: Mapping[str, str]) -> Reply:
    """An error answer, whatever its body is made of."""
    text = body.decode("utf-8", "replace") if isinstance(body, bytes) else body or ""
    try:
        parsed = json.loads(text[:_TEXT_MAX])
    except (ValueError, RecursionError):
        parsed = None
    lowered = {str(name).lower(): str(value) for name, value in headers.items()}
    return Reply(status, parsed if isinstance(parsed, dict) else {}, lowered)


def reply_of_row(row: Mapping[str, object]) -> Reply:
    """One error of a 207, in the same form as a whole answer."""
    return Reply(None, row, {})


def meaning_of(reply: Reply) -> Meaning:
    """The first row of the table that fits."""
    told = (reply.text, *(reply.body.get(name) or "" for name in ("policyName", "subCategory")))
    codes = (str(one.get("code") or "") for one in _details(reply))
    detail = " ".join((*map(str, told), *codes)).lower()
    for row in TABLE:
        if row.statuses and reply.status not in row.statuses:
            continue
        if row.categories and reply.category not in row.categories:
            continue
        if row.detail in detail:
            return row.meaning
    return Meaning.STRANGE


def error_of(reply: Reply, at: Circumstances) -> CallError:
    """The error a reply stands for."""
    meaning = meaning_of(reply)
    code = reply.category or (f"HTTP_{reply.status}" if reply.status else "UNNAMED")
    message, request_id, status = reply.message, reply.request_id, reply.status
    if meaning is Meaning.SPENT:
        return QuotaSpent(message, until=next_midnight(at), request_id=request_id, status=status)
    if meaning in (Meaning.LIMITED, Meaning.MOVING):
        return RateLimited(
            message,
            wait=wait_of(reply, at, moving=meaning is Meaning.MOVING),
            limit_class=at.limit_class,
            request_id=request_id,
            status=status,
        )
    if meaning is Meaning.DUPLICATE:
        return DuplicateFound(
            message,
            candidates=tuple(Ref(at.object, id) for id in _named_ids(reply)),
            code=_first_field_code(reply) or code,
            field_errors=field_errors(reply),
            request_id=request_id,
            status=status,
        )
    if meaning is Meaning.GONE:
        return Gone(message, code=code, request_id=request_id, status=status)
    if meaning in (Meaning.REFUSED, Meaning.NO_ADDRESS):
        return Rejected(
            message,
            code=_first_field_code(reply) or code,
            field_errors=field_errors(reply),
            request_id=request_id,
            status=status,
        )
    if meaning is Meaning.UNSURE:
        kind = OutcomeUnknown if at.effect else RetryLater
        return kind(message, code=code, request_id=request_id, status=status)
    return _SIMPLE[meaning](
        message + _scopes(reply), code=code, request_id=request_id, status=status
    )


_SIMPLE: Final[
    Mapping[Meaning, type[AuthFailed | AccessDenied | RetryLater | UnexpectedAnswer]]
] = {
    Meaning.AUTH: AuthFailed,
    Meaning.DENIED: AccessDenied,
    Meaning.LOCKED: RetryLater,
    Meaning.STRANGE: UnexpectedAnswer,
}


def sdk_error(error: BaseException, at: Circumstances) -> CallError:
    """The error for an exception of the SDK.

    Every sub-package of the SDK has exception classes of its own, so that they are told by their
    shape. Those without a status were raised before anything was sent.
    """
    status = getattr(error, "status", None)
    if isinstance(status, int) and status > 0:
        headers = getattr(error, "headers", None)
        body = getattr(error, "body", None)
        pairs = dict(headers.items()) if headers is not None else {}
        return error_of(reply_of(status, body, pairs), at)
    if status == 0:  # the SDK's form of a TLS failure
        kind = OutcomeUnknown if at.effect else RetryLater
        return kind("The secure connection to HubSpot failed.", code="TLS_FAILED")
    return UnexpectedAnswer(
        f"HubSpot's client refused the call ({type(error).__name__}).", code="SDK_REFUSED"
    )


def wait_of(reply: Reply, at: Circumstances, *, moving: bool) -> timedelta:
    """How long to wait: ``Retry-After``, else the limit's own window. Absurd figures are capped."""
    most = _MOVE_WAIT_MAX if moving else _WAIT_MAX
    otherwise = most if moving else _window(reply, at)
    return retry_after(reply.headers.get("retry-after"), at.now, otherwise=otherwise, maximum=most)


def _window(reply: Reply, at: Circumstances) -> timedelta:
    """The limit's window as the answer gives it, else as documented."""
    window = reply.headers.get("x-hubspot-ratelimit-interval-milliseconds", "")
    if window.isascii() and window.isdigit() and len(window) < 7:
        return timedelta(milliseconds=int(window))
    return timedelta(seconds=1 if at.limit_class == SEARCH else 10)


def next_midnight(at: Circumstances) -> datetime | None:
    """When the day's allowance starts anew: midnight in the account's zone, where it is known."""
    if at.zone is None:
        return None
    tomorrow = at.now.astimezone(at.zone).date() + timedelta(days=1)
    return datetime(tomorrow.year, tomorrow.month, tomorrow.day, tzinfo=at.zone).astimezone(UTC)


_INVALID: Final = re.compile(r"Property values were not valid:\s*(\[.*\])", re.DOTALL)
# Where the text of a conflict names the record that holds the value. Anchored at the end, because
# the text also quotes the value itself, which may say anything.
_HOLDER: Final = re.compile(
    r"(?:Existing ID: (\d{1,20})|\. (\d{1,20}) already has that value|object with id (\d{1,20}))"
    r"[.\s]*\Z",
    re.ASCII,
)


def _invalid_properties(reply: Reply) -> tuple[Mapping[str, object], ...]:
    """The entries of the list that HubSpot puts, as JSON, inside the message."""
    found = _INVALID.search(reply.text)
    try:
        entries = json.loads(found.group(1)) if found else []
    except (ValueError, RecursionError):
        entries = []
    return tuple(entry for entry in entries if isinstance(entry, dict))


def field_errors(reply: Reply) -> dict[str, str]:
    """Property name to HubSpot's reason, from whichever place this answer keeps them in."""
    reasons = {
        str(entry["name"]): str(entry.get("message") or entry.get("error") or "")[:_MESSAGE_MAX]
        for entry in _invalid_properties(reply)
        if entry.get("name")
    }
    for detail in _details(reply):
        context = detail.get("context")
        names = context.get("propertyName") if isinstance(context, Mapping) else None
        for name in names if isinstance(names, list) else ():
            reasons.setdefault(str(name), str(detail.get("message") or "")[:_MESSAGE_MAX])
    return reasons


def _first_field_code(reply: Reply) -> str | None:
    codes = [str(entry["error"]) for entry in _invalid_properties(reply) if entry.get("error")]
    codes += [str(detail["code"]) for detail in _details(reply) if detail.get("code")]
    return codes[0].upper()[:100] if codes else None


def _details(reply: Reply) -> tuple[Mapping[str, object], ...]:
    details = reply.body.get("errors")
    return tuple(d for d in details if isinstance(d, dict)) if isinstance(details, list) else ()


def _named_ids(reply: Reply) -> tuple[str, ...]:
    """The ids of the records that hold the value, as the text names them; there is no field."""
    entries = _invalid_properties(reply)
    holders = entries or (reply.body, *_details(reply))
    found = (_HOLDER.search(str(holder.get("message") or "")) for holder in holders)
    ids = (group for each in found if each for group in each.groups() if group)
    return tuple(dict.fromkeys(ids))


def _scopes(reply: Reply) -> str:
    """The scopes that are missing, which the message itself does not name."""
    names: list[str] = []
    for holder in (reply.body, *_details(reply)):
        context = holder.get("context")
        wanted = context.get("requiredGranularScopes") if isinstance(context, Mapping) else None
        names += map(str, wanted if isinstance(wanted, list) else ())
    return f" Missing scopes: {', '.join(dict.fromkeys(names))[:300]}." if names else ""
