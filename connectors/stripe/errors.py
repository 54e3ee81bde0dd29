"""What Stripe's answers mean: one table, first matching row wins.

From docs.stripe.com "Errors", "Error codes", "Idempotent requests", "Rate limits".
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import Enum
from types import MappingProxyType
from typing import Any, Final

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
from connectors.http import retry_after
from connectors.stripe.objects import ACCOUNT
from connectors.transport_json import BadJson, loads_strict

_MESSAGE_MAX: Final = 500
_TEXT_MAX: Final = 200_000
_WAIT: Final = timedelta(seconds=2)
_CONCURRENCY_WAIT: Final = timedelta(seconds=1)


class Meaning(Enum):
    """What happens next."""

    AUTH = "the key is refused"
    DENIED = "the key lacks a permission"
    GONE = "the record does not exist"
    KEY_REUSED = "the idempotency key was used with other parameters"
    WRONG_MODE = "the id belongs to the other side of the account, live or test"
    BUSY = "another request holds the record: the same again later"
    RUNNING = "the first request with the key still runs: the same key again tells how it ended"
    LIMITED = "too fast"
    DECLINED = "the payment was declined"
    REFUSED = "the record must change"
    STORED = "a stored failure, answered again for a day: look before using a new key"
    UNSURE = "the server had trouble: nothing is known of a write"
    STRANGE = "an answer outside the documentation"


@dataclass(frozen=True, slots=True)
class Row:
    """One row: matches when everything it names matches. ``categories`` are Stripe's error types
    and codes; ``detail`` says in words what else is looked at."""

    meaning: Meaning
    statuses: tuple[int, ...] = ()
    categories: tuple[str, ...] = ()
    detail: str = ""


REPLAYED: Final = "replayed"
OWN_RECORD: Final = "about the record itself"
ONE_RECORD: Final = "resource-specific"
OTHER_MODE: Final = "a similar object exists in"

_SERVER: Final = (408, 424, *range(500, 600))
_REQUEST: Final = (400, 404, 405, 406, 410, 411, 412, 413, 414, 415, 422)

TABLE: Final = (
    Row(Meaning.AUTH, statuses=(401,)),
    Row(Meaning.DENIED, statuses=(403,)),
    Row(Meaning.BUSY, categories=("lock_timeout",)),
    Row(Meaning.BUSY, statuses=(429,), detail=ONE_RECORD),
    Row(Meaning.LIMITED, statuses=(429,)),
    Row(Meaning.LIMITED, categories=("rate_limit",)),
    Row(Meaning.RUNNING, categories=("idempotency_key_in_use",)),
    Row(Meaning.KEY_REUSED, statuses=(400,), categories=("idempotency_error",)),
    Row(Meaning.BUSY, statuses=(409,)),
    Row(Meaning.DECLINED, statuses=(402,)),
    Row(Meaning.DECLINED, categories=("card_error",)),
    Row(Meaning.WRONG_MODE, categories=("resource_missing",), detail=OTHER_MODE),
    Row(Meaning.GONE, statuses=(404,), categories=("resource_missing",), detail=OWN_RECORD),
    Row(Meaning.STORED, statuses=tuple(range(500, 600)), detail=REPLAYED),
    Row(Meaning.UNSURE, statuses=_SERVER),
    Row(Meaning.REFUSED, statuses=_REQUEST, categories=("invalid_request_error",)),
    Row(Meaning.REFUSED, statuses=_REQUEST, categories=("resource_missing",)),
)


@dataclass(frozen=True, slots=True)
class Reply:
    """An error as Stripe sent it. ``error`` is empty where the body is none we know."""

    status: int
    error: Mapping[str, Any]
    headers: Mapping[str, str] = field(default_factory=dict)

    @property
    def code(self) -> str:
        """Stripe's code, else its type, in capitals."""
        return str(self.error.get("code") or self.error.get("type") or self.status).upper()[:100]

    @property
    def param(self) -> str:
        """The parameter it complains about."""
        return str(self.error.get("param") or "")[:200]

    @property
    def message(self) -> str:
        """Stripe's words for people."""
        text = str(self.error.get("message") or "")[:_MESSAGE_MAX]
        return text or f"Stripe answered {self.status} without saying why"

    @property
    def request_id(self) -> str | None:
        found = self.headers.get("request-id")
        return found[:100] if found else None

    @property
    def limit_reason(self) -> str:
        """Which limit a 429 is about ("Rate limits"); blank where Stripe does not say."""
        return self.headers.get("stripe-rate-limited-reason", "")[:100]

    @property
    def replayed(self) -> bool:
        """Whether this is the stored answer to an earlier request with the same key."""
        return self.headers.get("idempotent-replayed") == "true"


@dataclass(frozen=True, slots=True)
class Circumstances:
    """What the meaning depends on, beside the answer. ``effect``: the call may have written."""

    effect: bool
    limit_class: str
    now: datetime


def reply_of(status: int, body: bytes | str | None, headers: Mapping[str, str]) -> Reply:
    """An error answer, whatever its body is made of."""
    text = body.encode("utf-8", "replace") if isinstance(body, str) else body or b""
    parsed = None
    with suppress(BadJson):
        parsed = loads_strict(text[:_TEXT_MAX])
    error = parsed.get("error") if isinstance(parsed, dict) else None
    lowered = {str(name).lower(): str(value) for name, value in headers.items()}
    return Reply(status, error if isinstance(error, dict) else {}, lowered)


def meaning_of(reply: Reply) -> Meaning:
    """The meaning of the first row that fits."""
    named = {str(reply.error.get(name)) for name in ("type", "code")}
    for row in TABLE:
        if row.statuses and reply.status not in row.statuses:
            continue
        if row.categories and named.isdisjoint(row.categories):
            continue
        if row.detail == REPLAYED and not reply.replayed:
            continue
        if row.detail == ONE_RECORD and reply.limit_reason != ONE_RECORD:
            continue
        if row.detail == OTHER_MODE and OTHER_MODE not in reply.message:
            continue
        if row.detail == OWN_RECORD and reply.param not in ("", "id", *_OWN_PARAMS):
            continue
        return row.meaning
    return Meaning.STRANGE


# Stripe names the id in the address by the object's own word.
_OWN_PARAMS: Final = (
    "customer", "product", "price", "subscription", "subscription_exposed_id", "invoice",
    "invoiceitem", "intent", "payment_intent", "charge", "refund", "dispute", "credit_note",
    "payout", "invoice_payment",
)  # fmt: skip


def error_of(reply: Reply, at: Circumstances) -> CallError:
    """The error that says what happens next."""
    meaning = meaning_of(reply)
    message, code = reply.message, reply.code
    request_id, status = reply.request_id, reply.status
    if meaning is Meaning.LIMITED:
        return _limited(reply, at)
    if meaning is Meaning.KEY_REUSED:
        return Rejected(message, code="KEY_REUSED", request_id=request_id, status=status)
    if meaning is Meaning.WRONG_MODE:
        hint = "use a key of the side that the id was made on, or the id of this side"
        return Rejected(
            f"{message} ({hint})", code="WRONG_MODE", request_id=request_id, status=status
        )
    if meaning is Meaning.DECLINED:
        decline = str(reply.error.get("decline_code") or code).upper()[:100]
        return Rejected(message, code=decline, request_id=request_id, status=status)
    if meaning is Meaning.REFUSED:
        errors = {_field_of(reply.param): message} if reply.param else {}
        return Rejected(
            message, code=code, field_errors=errors, request_id=request_id, status=status
        )
    kind = _SIMPLE.get(meaning)
    if kind is None:
        kind = OutcomeUnknown if at.effect and meaning is not Meaning.STRANGE else RetryLater
        if meaning is Meaning.STRANGE:
            kind = UnexpectedAnswer
        if meaning is Meaning.STORED:
            code = "STORED_FAILURE"
    return kind(message, code=code, request_id=request_id, status=status)


_SIMPLE: Final[Mapping[Meaning, type[CallError]]] = MappingProxyType(
    {
        Meaning.AUTH: AuthFailed,
        Meaning.DENIED: AccessDenied,
        Meaning.GONE: Gone,
        Meaning.BUSY: RetryLater,
    }
)


def _limited(reply: Reply, at: Circumstances) -> RateLimited:
    """Stripe documents no ``Retry-After``; where there is one, it counts."""
    reason = reply.limit_reason
    default = _CONCURRENCY_WAIT if "concurrency" in reason else _WAIT
    wait = retry_after(reply.headers.get("retry-after"), at.now, otherwise=default)
    code = reason.upper().replace("-", "_") or "RATE_LIMIT"
    return RateLimited(
        reply.message,
        wait=wait,
        limit_class=ACCOUNT if reason.startswith("global") else at.limit_class,
        code=code,
        request_id=reply.request_id,
        status=reply.status,
    )


def _field_of(param: str) -> str:
    """``metadata[key]`` as a field is called here: ``metadata.key``."""
    return param.replace("][", ".").replace("[", ".").replace("]", "")


# Every exception of the SDK, by name so that looking imports nothing. BY_ANSWER: the table decides,
# from the status and the body that it carries. A class stands for what has no answer.
BY_ANSWER: Final = "by its answer"
SDK_EXCEPTIONS: Final[Mapping[str, str | type[CallError]]] = MappingProxyType(
    {
        **dict.fromkeys(
            (
                "APIError",
                "AuthenticationError",
                "CardError",
                "IdempotencyError",
                "InvalidRequestError",
                "PermissionError",
                "RateLimitError",
                "StripeError",
                "StripeErrorWithParamCode",
                # Of the second generation of the API, which this connector does not call.
                "AlreadyCanceledError",
                "BlockedByStripeError",
                "CannotProceedError",
                "CapabilityNotEnabledError",
                "ControlledByAlternateResourceError",
                "FeatureNotEnabledError",
                "FinancialAccountNotOpenError",
                "FxQuoteNeedsRefreshError",
                "InsufficientFundsError",
                "InvalidPaymentMethodError",
                "InvalidPayoutMethodError",
                "InvalidVaultedCredentialError",
                "NotCancelableError",
                "QuotaExceededError",
                "RecipientNotNotifiableError",
                "TemporarySessionExpiredError",
                "VerificationAttemptFailedError",
                "VerificationExpiredError",
                "VerificationNotInitiatedError",
            ),
            BY_ANSWER,
        ),
        "APIConnectionError": OutcomeUnknown,
        "SignatureVerificationError": UnexpectedAnswer,
        "OAuthError": BY_ANSWER,
        "InvalidClientError": BY_ANSWER,
        "InvalidGrantError": BY_ANSWER,
        "InvalidScopeError": BY_ANSWER,
        "UnsupportedGrantTypeError": BY_ANSWER,
        "UnsupportedResponseTypeError": BY_ANSWER,
    }
)


def sdk_error(error: Exception, at: Circumstances) -> CallError:
    """The SDK's exception in our words."""
    rule = SDK_EXCEPTIONS.get(type(error).__name__, OutcomeUnknown)
    status = getattr(error, "http_status", None)
    if rule is BY_ANSWER and isinstance(status, int):
        if 200 <= status < 300:
            return unusable(status, effect=at.effect)
        headers = getattr(error, "headers", None)
        body = getattr(error, "http_body", None)
        return error_of(reply_of(status, body, headers if isinstance(headers, Mapping) else {}), at)
    kind = rule if isinstance(rule, type) else OutcomeUnknown
    if kind is OutcomeUnknown and not at.effect:
        kind = RetryLater
    return kind(f"the SDK reported {type(error).__name__}", code="SDK_ERROR")


def unusable(status: int, *, effect: bool) -> CallError:
    """A success whose body is not what Stripe sends."""
    kind: type[CallError] = OutcomeUnknown if effect else UnexpectedAnswer
    return kind("Stripe's answer could not be understood", code="BAD_ANSWER", status=status)
