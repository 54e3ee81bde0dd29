"""What DocuSign's answers mean for what happens next: one table of codes, without regard to case.

developers.docusign.com, "eSignature REST API: error codes" and "API rules and limits". The code
decides before the status does: spent limits travelled with 400 and travel with 429.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum
from types import MappingProxyType
from typing import Final

from connectors.docusign.objects import BURST, HOURLY
from connectors.errors import (
    AccessDenied,
    ActionNeeded,
    AuthFailed,
    CallError,
    Gone,
    OutcomeUnknown,
    QuotaSpent,
    RateLimited,
    Rejected,
    RetryLater,
    UnexpectedAnswer,
)

_MESSAGE_MAX: Final = 500
_HOUR: Final = timedelta(hours=1)
_BURST_WAIT: Final = timedelta(seconds=30)
_CODE: Final = re.compile(r"[A-Za-z0-9_]{1,100}", re.ASCII)
FINE: Final = "SUCCESS"


class Meaning(Enum):
    """What a code says about the next step."""

    HOURLY = "RateLimited until the hour is over"
    BURST = "RateLimited for half a minute"
    ONE_ENVELOPE = "RetryLater: this envelope was called about too often"
    AUTH = "one new token, then AuthFailed"
    DENIED = "AccessDenied"
    ACTION = "ActionNeeded"
    QUOTA = "QuotaSpent: the plan's envelopes are used up"
    LOCKED = "RetryLater: somebody has the envelope open"
    GONE = "Gone"
    REJECTED = "Rejected"


# Anything not listed is decided by its status: 4xx is REJECTED, a person must look at it.
MEANINGS: Final[Mapping[str, Meaning]] = MappingProxyType(
    {
        "HOURLY_APIINVOCATION_LIMIT_EXCEEDED": Meaning.HOURLY,
        "BURST_APIINVOCATION_LIMIT_EXCEEDED": Meaning.BURST,
        "HOURLY_ENVELOPE_POLLING_LIMIT_EXCEEDED": Meaning.ONE_ENVELOPE,
        "BURST_ENVELOPE_POLLING_LIMIT_EXCEEDED": Meaning.ONE_ENVELOPE,
        "HOURLY_APIINVOCATION_ENVELOPE_LIMIT_EXCEEDED": Meaning.ONE_ENVELOPE,
        "BURST_APIINVOCATION_ENVELOPE_LIMIT_EXCEEDED": Meaning.ONE_ENVELOPE,
        "AUTHORIZATION_INVALID_TOKEN": Meaning.AUTH,
        "USER_AUTHENTICATION_FAILED": Meaning.AUTH,
        "PARTNER_AUTHENTICATION_FAILED": Meaning.AUTH,
        "USER_DOES_NOT_BELONG_TO_SPECIFIED_ACCOUNT": Meaning.DENIED,
        "USER_LACKS_PERMISSIONS": Meaning.DENIED,
        "ACCOUNT_LACKS_PERMISSIONS": Meaning.DENIED,
        "ACCOUNT_DOES_NOT_EXIST_IN_SYSTEM": Meaning.ACTION,
        "ENVELOPE_ALLOWANCE_EXCEEDED": Meaning.QUOTA,
        "EDIT_LOCK_NOT_LOCK_OWNER": Meaning.LOCKED,
        "EDIT_LOCK_ENVELOPE_LOCKED": Meaning.LOCKED,
        "ENVELOPE_DOES_NOT_EXIST": Meaning.GONE,
        "ENVELOPE_CANNOT_VOID_INVALID_STATE": Meaning.REJECTED,
        "ENVELOPE_INVALID_STATUS": Meaning.REJECTED,
        "ENVELOPE_IS_INCOMPLETE": Meaning.REJECTED,
        "EDIT_LOCK_INVALID_STATE_FOR_LOCK": Meaning.REJECTED,
        "INVALID_EMAIL_ADDRESS_FOR_RECIPIENT": Meaning.REJECTED,
        "INVALID_REQUEST_BODY": Meaning.REJECTED,
        "INVALID_REQUEST_PARAMETER": Meaning.REJECTED,
        "TEMPLATE_ID_INVALID": Meaning.REJECTED,
    }
)
_SIMPLE: Final[Mapping[Meaning, type[CallError]]] = MappingProxyType(
    {
        Meaning.ONE_ENVELOPE: RetryLater,
        Meaning.AUTH: AuthFailed,
        Meaning.DENIED: AccessDenied,
        Meaning.ACTION: ActionNeeded,
        Meaning.LOCKED: RetryLater,
        Meaning.GONE: Gone,
        Meaning.REJECTED: Rejected,
    }
)
_BY_STATUS: Final[Mapping[int, Meaning]] = MappingProxyType(
    {401: Meaning.AUTH, 403: Meaning.DENIED, 429: Meaning.HOURLY}
)


@dataclass(frozen=True, slots=True)
class Refusal:
    """An answer that is an error. ``wait`` is what its Retry-After asks for, ``reset`` when the
    hour of the account's calls is over."""

    status: int
    body: object
    now: datetime
    wait: timedelta | None = None
    reset: datetime | None = None
    request_id: str | None = None


def call_error(refusal: Refusal, *, effect: bool) -> CallError:
    """What an error answer means. ``effect``: the call may have written."""
    code, reason = code_of(refusal.body)
    status, request_id = refusal.status, refusal.request_id
    meaning = MEANINGS.get(code) or (None if status >= 500 else _BY_STATUS.get(status))
    code = code or f"HTTP_{status}"
    message = f"DocuSign answered {status} {code}: {reason or 'no reason given'}"
    if meaning in (Meaning.HOURLY, Meaning.BURST):
        hourly = meaning is Meaning.HOURLY
        return RateLimited(
            message,
            wait=refusal.wait or (_until_reset(refusal) if hourly else _BURST_WAIT),
            limit_class=HOURLY if hourly else BURST,
            code=code,
            status=status,
            request_id=request_id,
        )
    if meaning is Meaning.QUOTA:
        return QuotaSpent(message, until=None, code=code, status=status, request_id=request_id)
    if meaning is not None:
        return _SIMPLE[meaning](message, code=code, status=status, request_id=request_id)
    if status >= 500 or status == 408:
        return _outage(refusal, message, code, effect=effect)
    if status < 400 or not reason:
        return UnexpectedAnswer(message, code=code, status=status, request_id=request_id)
    return Rejected(message, code=code, status=status, request_id=request_id)


def _outage(refusal: Refusal, message: str, code: str, *, effect: bool) -> CallError:
    status, request_id = refusal.status, refusal.request_id
    if effect:
        return OutcomeUnknown(message, code=code, status=status, request_id=request_id)
    if refusal.wait is not None:
        return RateLimited(
            message, wait=refusal.wait, limit_class=HOURLY, code=code, status=status,
            request_id=request_id,
        )  # fmt: skip
    return RetryLater(message, code=code, status=status, request_id=request_id)


def _until_reset(refusal: Refusal) -> timedelta:
    """Until the hour is over: as the answer says, else by our clock."""
    now = refusal.now
    if refusal.reset is not None and now < refusal.reset <= now + _HOUR:
        return refusal.reset - now
    return _HOUR - (now - now.replace(minute=0, second=0, microsecond=0))


def code_of(body: object) -> tuple[str, str]:
    """The code in capitals and the message; empty where the body is none we know."""
    if not isinstance(body, Mapping):
        return "", ""
    code, message = str(body.get("errorCode") or ""), str(body.get("message") or "")
    if not _CODE.fullmatch(code):
        code = ""
    return code.upper(), (message or code)[:_MESSAGE_MAX]


def part_problems(body: object, where: str = "") -> tuple[tuple[str, str, str], ...]:
    """What failed inside a successful answer: place, code, message.

    An ``errorDetails`` may stand anywhere, and stands there with ``SUCCESS`` where all is well.
    """
    found: list[tuple[str, str, str]] = []
    if isinstance(body, Mapping):
        code, message = code_of(body.get("errorDetails"))
        if code and code != FINE:
            name = body.get("name") or body.get("recipientId") or body.get("fieldId")
            place = f"{where} {name}".strip() if isinstance(name, str) else where
            found.append((place or "envelope", code, message))
        for key, inner in body.items():
            if key != "errorDetails":
                found.extend(part_problems(inner, key))
    elif isinstance(body, list | tuple):
        for one in body:
            found.extend(part_problems(one, where))
    return tuple(found)


def part_error(body: object, request_id: str | None) -> Rejected | None:
    """The refusal of parts that a successful answer holds, or ``None``."""
    problems = part_problems(body)
    if not problems:
        return None
    texts = "; ".join(f"{place}: {code}: {message}" for place, code, message in problems)
    return Rejected(
        f"DocuSign took the rest and not this: {texts}"[:_MESSAGE_MAX],
        code=problems[0][1],
        field_errors={place: message for place, _, message in problems},
        request_id=request_id,
    )
