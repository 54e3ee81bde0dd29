"""Every answer and every exception of the SDK has a meaning."""

from __future__ import annotations

import inspect
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import stripe

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
from connectors.stripe.errors import (
    BY_ANSWER,
    SDK_EXCEPTIONS,
    Circumstances,
    Reply,
    error_of,
    reply_of,
    sdk_error,
)
from connectors.stripe.objects import ACCOUNT, READ, WRITE

NOW = datetime(2026, 9, 1, tzinfo=UTC)
WRITING = Circumstances(True, WRITE, NOW)
READING = Circumstances(False, READ, NOW)


def reply(status: int, headers: dict[str, str] | None = None, **error: Any) -> Reply:
    return Reply(status, error, headers or {})


CASES: tuple[tuple[Reply, type[CallError], type[CallError], str], ...] = (
    (reply(401, message="no"), AuthFailed, AuthFailed, "401"),
    (reply(403, type="invalid_request_error"), AccessDenied, AccessDenied, "INVALID_REQUEST_ERROR"),
    (reply(404, code="resource_missing", param="id"), Gone, Gone, "RESOURCE_MISSING"),
    (reply(404, code="resource_missing", param="customer"), Gone, Gone, "RESOURCE_MISSING"),
    (reply(400, code="resource_missing", param="customer"), Rejected, Rejected, "RESOURCE_MISSING"),
    (reply(404, type="invalid_request_error"), Rejected, Rejected, "INVALID_REQUEST_ERROR"),
    (reply(400, type="idempotency_error"), Rejected, Rejected, "KEY_REUSED"),
    (reply(409, code="idempotency_key_in_use"), OutcomeUnknown, RetryLater,
     "IDEMPOTENCY_KEY_IN_USE"),
    (reply(409, type="idempotency_error", code="idempotency_key_in_use"), OutcomeUnknown,
     RetryLater, "IDEMPOTENCY_KEY_IN_USE"),
    (reply(409), RetryLater, RetryLater, "409"),
    (reply(429, code="lock_timeout"), RetryLater, RetryLater, "LOCK_TIMEOUT"),
    (reply(429, code="rate_limit"), RateLimited, RateLimited, "RATE_LIMIT"),
    (reply(402, type="card_error", code="card_declined", decline_code="insufficient_funds"),
     Rejected, Rejected, "INSUFFICIENT_FUNDS"),
    (reply(402, type="card_error", code="expired_card"), Rejected, Rejected, "EXPIRED_CARD"),
    (reply(400, code="parameter_unknown", type="invalid_request_error", param="x"),
     Rejected, Rejected, "PARAMETER_UNKNOWN"),
    (reply(424), OutcomeUnknown, RetryLater, "424"),
    (reply(500, type="api_error"), OutcomeUnknown, RetryLater, "API_ERROR"),
    (reply(503), OutcomeUnknown, RetryLater, "503"),
    (reply(500, {"idempotent-replayed": "true"}), OutcomeUnknown, RetryLater, "STORED_FAILURE"),
    (reply(400), UnexpectedAnswer, UnexpectedAnswer, "400"),
    (reply(304), UnexpectedAnswer, UnexpectedAnswer, "304"),
)  # fmt: skip


@pytest.mark.parametrize(("answer", "writing", "reading", "code"), CASES)
def test_what_answers_mean(
    answer: Reply, writing: type[CallError], reading: type[CallError], code: str
) -> None:
    for at, kind in ((WRITING, writing), (READING, reading)):
        error = error_of(answer, at)
        assert type(error) is kind
        assert error.code == code
        assert error.status == answer.status


def test_the_other_side_of_the_account_is_named() -> None:
    text = "No such customer: 'cus_1'; a similar object exists in test mode, but a live mode key"
    error = error_of(reply(404, code="resource_missing", param="id", message=text), READING)
    assert (type(error), error.code) == (Rejected, "WRONG_MODE")


def test_a_refused_parameter_is_named_as_our_field() -> None:
    error = error_of(reply(400, code="x", type="invalid_request_error", message="too long",
                           param="metadata[plan]"), WRITING)  # fmt: skip
    assert isinstance(error, Rejected)
    assert error.field_errors == {"metadata.plan": "too long"}


@pytest.mark.parametrize(
    ("headers", "wait", "code", "limit"),
    [
        ({}, 2, "RATE_LIMIT", WRITE),
        ({"stripe-rate-limited-reason": "global-rate"}, 2, "GLOBAL_RATE", ACCOUNT),
        ({"stripe-rate-limited-reason": "endpoint-rate"}, 2, "ENDPOINT_RATE", WRITE),
        ({"stripe-rate-limited-reason": "endpoint-concurrency"}, 1, "ENDPOINT_CONCURRENCY", WRITE),
        ({"retry-after": "7"}, 7, "RATE_LIMIT", WRITE),
    ],
)
def test_limits_say_how_long_and_what_waits(
    headers: dict[str, str], wait: int, code: str, limit: str
) -> None:
    error = error_of(reply(429, headers), WRITING)
    assert isinstance(error, RateLimited)
    assert (error.wait, error.code, error.limit_class) == (timedelta(seconds=wait), code, limit)


def test_the_limit_of_one_record_holds_back_nothing_else() -> None:
    error = error_of(reply(429, {"stripe-rate-limited-reason": "resource-specific"}), WRITING)
    assert type(error) is RetryLater


def sdk_exceptions() -> list[type[Exception]]:
    found = {stripe.StripeError}
    waiting = [stripe.StripeError]
    while waiting:
        for below in waiting.pop().__subclasses__():
            if below not in found and below.__module__.startswith("stripe"):
                found.add(below)
                waiting.append(below)
    return sorted(found, key=lambda one: one.__name__)


def test_every_exception_of_the_sdk_is_mapped() -> None:
    import stripe._error
    import stripe.oauth_error

    names = {one.__name__ for one in sdk_exceptions()}
    defined = {
        name
        for module in (stripe._error, stripe.oauth_error)
        for name, one in inspect.getmembers(module, inspect.isclass)
        if issubclass(one, Exception)
    }
    assert defined <= names
    assert names == set(SDK_EXCEPTIONS)


@pytest.mark.parametrize("kind", sdk_exceptions(), ids=lambda kind: kind.__name__)
def test_every_exception_becomes_an_error(kind: type[Exception]) -> None:
    error = kind.__new__(kind)
    rule = SDK_EXCEPTIONS[kind.__name__]
    for at in (WRITING, READING):
        bare = sdk_error(error, at)
        assert isinstance(bare, CallError)
        assert not at.effect or type(bare) is not RetryLater, "a write may have happened"
    if rule == BY_ANSWER:
        vars(error).update(http_status=401, http_body='{"error":{"message":"no"}}', headers={})
        assert type(sdk_error(error, WRITING)) is AuthFailed


@pytest.mark.parametrize("body", [b"", b"<html>", b"[]", b'{"error":7}', b"[" * 90_000, None])
def test_any_body_will_do(body: bytes | None) -> None:
    found = reply_of(503, body, {"Request-Id": "req_1"})
    error = error_of(found, READING)
    assert type(error) is RetryLater
    assert error.request_id == "req_1"
    assert len(error.message) > 10
