"""What Zuora's answers mean for what happens next: by the last two digits of a code, as data.

developer.zuora.com, "Error handling" (anatomy of a code: six digits for resource and operation, two
for the category), "Idempotent requests", "Rate and concurrent request limits". A call answered 200
is a failure all the same when its body says ``success: false``.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from enum import Enum, auto
from types import MappingProxyType
from typing import Final

from connectors.errors import (
    AccessDenied,
    AuthFailed,
    CallError,
    DuplicateFound,
    Gone,
    OutcomeUnknown,
    RateLimited,
    Rejected,
    RetryLater,
    UnexpectedAnswer,
)
from connectors.records import Ref
from connectors.zuora.objects import LIMIT_CLASS

_MESSAGE_MAX: Final = 500
_RATE_WAIT: Final = timedelta(seconds=60)
_CONCURRENCY_WAIT: Final = timedelta(seconds=120)
_WAIT_MAX: Final = timedelta(hours=24)


class Meaning(Enum):
    """What a category of error codes says about the next step."""

    RETRY = auto()
    LIMIT = auto()
    UNKNOWN = auto()
    REJECTED = auto()
    BUSINESS = auto()
    GONE = auto()
    DENIED = auto()
    EXPIRED = auto()


# Anything not listed is REJECTED: a person must look at it.
CATEGORIES: Final[Mapping[str, Meaning]] = MappingProxyType(
    {
        "10": Meaning.DENIED,
        "11": Meaning.EXPIRED,
        "20": Meaning.REJECTED,
        "21": Meaning.REJECTED,
        "22": Meaning.REJECTED,
        "23": Meaning.REJECTED,
        "27": Meaning.REJECTED,
        "30": Meaning.BUSINESS,
        "40": Meaning.GONE,
        "45": Meaning.REJECTED,
        "50": Meaning.RETRY,
        "60": Meaning.UNKNOWN,
        "61": Meaning.RETRY,
        "70": Meaning.LIMIT,
        "90": Meaning.REJECTED,
        # A gateway or tax service failed: it may have done its part.
        "99": Meaning.UNKNOWN,
    }
)

# Texts instead of numbers: /v1/object, /v1/action, /object-query (SOAP API guide, "ErrorCode").
WORDS: Final[Mapping[str, Meaning]] = MappingProxyType(
    {
        "LOCK_COMPETITION": Meaning.RETRY,
        "TEMPORARY_ERROR": Meaning.RETRY,
        "SERVER_UNAVAILABLE": Meaning.RETRY,
        "REQUEST_EXCEEDED_LIMIT": Meaning.LIMIT,
        "REQUEST_EXCEEDED_RATE": Meaning.LIMIT,
        "UNKNOWN_ERROR": Meaning.UNKNOWN,
        "TRANSACTION_FAILED": Meaning.BUSINESS,
        "TRANSACTION_TERMINATED": Meaning.RETRY,
        "INVALID_ID": Meaning.GONE,
        "INVALID_SESSION": Meaning.EXPIRED,
        "API_DISABLED": Meaning.DENIED,
        "NO_PERMISSION": Meaning.DENIED,
        "DUPLICATE_VALUE": Meaning.BUSINESS,
        "INVALID_VALUE": Meaning.REJECTED,
        "INVALID_FIELD": Meaning.REJECTED,
        "INVALID_TYPE": Meaning.REJECTED,
        "MISSING_REQUIRED_VALUE": Meaning.REJECTED,
        "MALFORMED_QUERY": Meaning.REJECTED,
    }
)

_STATUSES: Final[Mapping[int, Meaning]] = MappingProxyType(
    {401: Meaning.EXPIRED, 403: Meaning.DENIED, 404: Meaning.GONE, 429: Meaning.LIMIT}
)
_DIGITS: Final = re.compile(r"[0-9]{8,9}|[0-9]{2}", re.ASCII)
_AFTER: Final = re.compile(r"after\s+([0-9]{1,9})\s+second", re.ASCII | re.IGNORECASE)
_TAKEN: Final = re.compile(
    r"already (exist|been used|in use|taken)|(must|should) be unique|not unique|duplicate",
    re.IGNORECASE,
)
_PERIOD: Final = re.compile(
    r"accounting period.{0,80}\bclosed\b|\bclosed\b.{0,40}accounting period",
    re.IGNORECASE | re.DOTALL,
)
_NOT_A_RECORD: Final = re.compile(r"no route matched", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Problem:
    """One reason of a refusal, whatever the family of the answer calls it."""

    code: str
    message: str

    @property
    def meaning(self) -> Meaning | None:
        """By the category of the code; ``None`` where the code says nothing."""
        if _DIGITS.fullmatch(self.code):
            return CATEGORIES.get(self.code[-2:], Meaning.REJECTED)
        return WORDS.get(self.code)


@dataclass(frozen=True, slots=True)
class About:
    """What a call was about, to say what a refusal of it means.

    ``effect``: it may have written. ``record`` is the record it was addressed to; ``number`` the
    one it was to make under a number of ours. ``sent`` are the names of the fields sent.
    ``nested``: other records were named in the body, so that "not found" may mean one of those.
    """

    effect: bool = False
    record: Ref | None = None
    number: Ref | None = None
    sent: tuple[str, ...] = ()
    nested: bool = False


@dataclass(frozen=True, slots=True)
class Refusal:
    """An answer that is not a success: status, body, what its headers ask for."""

    status: int
    body: object
    wait: timedelta | None = None
    request_id: str | None = None


def problems(body: object) -> tuple[Problem, ...]:
    """The reasons in an error body; empty when the body is none we know (a page, say)."""
    if isinstance(body, list):
        return tuple(one for entry in body for one in problems(entry))
    if not isinstance(body, Mapping):
        return ()
    for name in ("reasons", "Errors", "errors"):
        entries = body.get(name)
        if isinstance(entries, list):
            found = tuple(_problem(entry) for entry in entries if isinstance(entry, Mapping))
            if found:
                return found
        if isinstance(entries, str) and entries:
            return (Problem("", entries[:_MESSAGE_MAX]),)
    if any(name in body for name in ("code", "Code", "FaultCode", "message", "error")):
        return (_problem(body),)
    return ()


def _problem(entry: Mapping[str, object]) -> Problem:
    names = ("code", "Code", "FaultCode", "error")
    code = next((entry[name] for name in names if entry.get(name) is not None), "")
    texts = ("message", "Message", "FaultMessage", "error_description")
    message = next((entry[name] for name in texts if entry.get(name)), code)
    return Problem(str(code)[:40], str(message)[:_MESSAGE_MAX])


def succeeded(body: object) -> bool | None:
    """What a body says of itself: done, not done, or (``None``) nothing."""
    if not isinstance(body, Mapping):
        return None
    if "FaultCode" in body:
        return False
    for name in ("success", "Success"):
        if isinstance(body.get(name), bool):
            return bool(body[name])
    return None


def call_error(refusal: Refusal, about: About) -> CallError:
    """What a refused call means."""
    found = problems(refusal.body)
    status = refusal.status
    if status == 409 and about.effect:
        return OutcomeUnknown(
            "a request with this idempotency key is still being handled; the same key again says "
            f"how it ended. {_texts(found)}",
            code="KEY_IN_USE",
            status=status,
            request_id=refusal.request_id,
        )
    if status == 422 and about.effect and "idempoten" in _texts(found).lower():
        return Rejected(
            f"Zuora has seen this idempotency key with another call: {_texts(found)}",
            code="KEY_REUSED",
            status=status,
            request_id=refusal.request_id,
        )
    meaning = _meaning(refusal, found)
    if meaning is None:
        return _outage(refusal, found, about)
    return _BUILDERS[meaning](refusal, found, about)


def _meaning(refusal: Refusal, found: Sequence[Problem]) -> Meaning | None:
    """``None`` is an outage: nobody knows what happened."""
    status = refusal.status
    if status in (401, 429):
        return _STATUSES[status]
    coded = next((one.meaning for one in found if one.meaning is not None), None)
    if status >= 500 or status == 408:
        # A service in trouble may still say that it has done nothing.
        return coded if coded in (Meaning.RETRY, Meaning.LIMIT) else None
    return coded or _STATUSES.get(status, Meaning.REJECTED)


def _texts(found: Sequence[Problem]) -> str:
    return "; ".join(f"{one.message} ({one.code})" if one.code else one.message for one in found)[
        :_MESSAGE_MAX
    ]


def _said(refusal: Refusal, found: Sequence[Problem]) -> tuple[str, str]:
    code = next((one.code for one in found if one.code), f"HTTP_{refusal.status}")
    text = _texts(found) or f"no reason given (status {refusal.status})"
    return f"Zuora: {text}", re.sub(r"[^A-Z0-9_]", "_", code.upper())


def _retry(refusal: Refusal, found: Sequence[Problem], why: str) -> CallError:
    text, code = _said(refusal, found)
    return RetryLater(
        f"{why}. {text}", code=code, status=refusal.status, request_id=refusal.request_id
    )


def _outage(refusal: Refusal, found: Sequence[Problem], about: About) -> CallError:
    text, code = _said(refusal, found)
    kind: type[CallError] = OutcomeUnknown if about.effect else RetryLater
    if not about.effect and refusal.wait is not None:
        return RateLimited(text, wait=_bounded(refusal.wait), code=code, status=refusal.status)
    return kind(text, code=code, status=refusal.status, request_id=refusal.request_id)


def _locked(refusal: Refusal, found: Sequence[Problem], about: About) -> CallError:  # noqa: ARG001 - one shape for all
    return _retry(refusal, found, "the record is being changed, or Zuora is busy")


def _limited(refusal: Refusal, found: Sequence[Problem], about: About) -> CallError:  # noqa: ARG001
    text, code = _said(refusal, found)
    asked = _AFTER.search(_texts(found))
    wait = refusal.wait
    if asked:
        wait = timedelta(seconds=int(asked[1]))
    if wait is None:
        wait = _CONCURRENCY_WAIT if code == "50000070" else _RATE_WAIT
    return RateLimited(
        text,
        wait=_bounded(wait),
        limit_class=LIMIT_CLASS,
        code=code,
        status=refusal.status,
        request_id=refusal.request_id,
    )


def _bounded(wait: timedelta) -> timedelta:
    return max(timedelta(0), min(wait, _WAIT_MAX))


def _unknown(refusal: Refusal, found: Sequence[Problem], about: About) -> CallError:
    return _outage(refusal, found, about)


def _denied(refusal: Refusal, found: Sequence[Problem], about: About) -> CallError:  # noqa: ARG001
    text, code = _said(refusal, found)
    hint = "the API user's role lacks a permission, or the tenant lacks the feature"
    if code == "50000010":
        hint = "the tenant lacks the feature (Invoice Settlement, Orders), or the role forbids it"
    return AccessDenied(
        f"{text}: {hint}", code=code, status=refusal.status, request_id=refusal.request_id
    )


def _expired(refusal: Refusal, found: Sequence[Problem], about: About) -> CallError:  # noqa: ARG001
    text, code = _said(refusal, found)
    return AuthFailed(text, code=code, status=refusal.status, request_id=refusal.request_id)


def _gone(refusal: Refusal, found: Sequence[Problem], about: About) -> CallError:
    text, code = _said(refusal, found)
    if _NOT_A_RECORD.search(text):
        return UnexpectedAnswer(text, code="NO_ROUTE", status=refusal.status)
    if about.record is not None and not about.nested:
        return Gone(
            f"{about.record}: {text}",
            code=code,
            status=refusal.status,
            request_id=refusal.request_id,
        )
    return _rejected(refusal, found, about)


def _rejected(refusal: Refusal, found: Sequence[Problem], about: About) -> CallError:
    text, code = _said(refusal, found)
    field_errors = {
        name: one.message
        for one in found
        for name in about.sent
        if re.search(rf"(?<![A-Za-z0-9_]){re.escape(name)}(?![A-Za-z0-9_])", one.message)
    }
    if about.number is not None and _TAKEN.search(_texts(found)) and _of_number(found, about):
        return DuplicateFound(
            text,
            candidates=(about.number,),
            code="NUMBER_TAKEN",
            field_errors=field_errors,
            status=refusal.status,
            request_id=refusal.request_id,
        )
    if _PERIOD.search(_texts(found)):
        code = "PERIOD_CLOSED"
    return Rejected(
        text,
        code=code,
        field_errors=field_errors,
        status=refusal.status,
        request_id=refusal.request_id,
    )


def _of_number(found: Sequence[Problem], about: About) -> bool:
    """Whether it is our number that is taken, and not another value of the body."""
    if about.number is None:
        return False
    text = _texts(found)
    return about.number.id in text or "number" in text.lower()


_BUILDERS: Final = MappingProxyType(
    {
        Meaning.RETRY: _locked,
        Meaning.LIMIT: _limited,
        Meaning.UNKNOWN: _unknown,
        Meaning.DENIED: _denied,
        Meaning.EXPIRED: _expired,
        Meaning.GONE: _gone,
        Meaning.BUSINESS: _rejected,
        Meaning.REJECTED: _rejected,
    }
)
