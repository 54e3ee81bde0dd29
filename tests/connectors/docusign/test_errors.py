"""What DocuSign's answers mean."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from connectors.docusign.errors import (
    MEANINGS,
    Meaning,
    Refusal,
    call_error,
    part_error,
    part_problems,
)
from connectors.errors import (
    AccessDenied,
    ActionNeeded,
    AuthFailed,
    Gone,
    OutcomeUnknown,
    QuotaSpent,
    RateLimited,
    Rejected,
    RetryLater,
    UnexpectedAnswer,
)

NOW = datetime(2026, 9, 1, 8, 20, tzinfo=UTC)


def refused(status: int, code: str | None = None, **more: Any) -> Refusal:
    body = {"errorCode": code, "message": f"why {code}"} if code else None
    return Refusal(status, body, NOW, **more)


@pytest.mark.parametrize("status", [400, 429])
@pytest.mark.parametrize(
    ("code", "limit", "wait"),
    [
        ("HOURLY_APIINVOCATION_LIMIT_EXCEEDED", "hourly", timedelta(minutes=40)),
        ("Burst_APIInvocation_Limit_Exceeded", "burst", timedelta(seconds=30)),
    ],
)
def test_the_code_of_a_limit_decides_whatever_the_status(
    status: int, code: str, limit: str, wait: timedelta
) -> None:
    for effect in (True, False):
        error = call_error(refused(status, code), effect=effect)
        assert isinstance(error, RateLimited)
        assert (error.limit_class, error.wait) == (limit, wait)


@pytest.mark.parametrize(
    ("more", "wait"),
    [
        ({"reset": NOW + timedelta(minutes=5)}, timedelta(minutes=5)),
        ({"reset": NOW - timedelta(minutes=5)}, timedelta(minutes=40)),
        ({"reset": NOW + timedelta(days=5)}, timedelta(minutes=40)),
        ({"wait": timedelta(seconds=7), "reset": NOW + timedelta(minutes=5)}, timedelta(seconds=7)),
        ({}, timedelta(minutes=40)),
    ],
)
def test_the_hour_is_over_when_the_answer_says(more: Any, wait: timedelta) -> None:
    error = call_error(refused(429, **more), effect=True)
    assert isinstance(error, RateLimited)
    assert error.wait == wait


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        ("Hourly_Envelope_Polling_Limit_Exceeded", RetryLater),
        ("Hourly_APIInvocation_Envelope_Limit_Exceeded", RetryLater),
        ("AUTHORIZATION_INVALID_TOKEN", AuthFailed),
        ("USER_LACKS_PERMISSIONS", AccessDenied),
        ("ACCOUNT_DOES_NOT_EXIST_IN_SYSTEM", ActionNeeded),
        ("ENVELOPE_ALLOWANCE_EXCEEDED", QuotaSpent),
        ("EDIT_LOCK_NOT_LOCK_OWNER", RetryLater),
        ("ENVELOPE_DOES_NOT_EXIST", Gone),
        ("TEMPLATE_ID_INVALID", Rejected),
        ("SOMETHING_NEW", Rejected),
    ],
)
def test_codes(code: str, kind: type) -> None:
    error = call_error(refused(400, code, request_id="trace-1"), effect=True)
    assert type(error) is kind
    assert (error.code, error.request_id) == (code.upper(), "trace-1")


@pytest.mark.parametrize(
    ("status", "reading", "writing"),
    [
        (500, RetryLater, OutcomeUnknown),
        (503, RetryLater, OutcomeUnknown),
        (408, RetryLater, OutcomeUnknown),
        (401, AuthFailed, AuthFailed),
        (403, AccessDenied, AccessDenied),
        (429, RateLimited, RateLimited),
        (400, UnexpectedAnswer, UnexpectedAnswer),
        (204, UnexpectedAnswer, UnexpectedAnswer),
    ],
)
def test_statuses_without_a_code(status: int, reading: type, writing: type) -> None:
    assert type(call_error(refused(status), effect=False)) is reading
    assert type(call_error(refused(status), effect=True)) is writing


def test_an_outage_that_names_a_wait_is_waited_for() -> None:
    error = call_error(refused(503, wait=timedelta(seconds=9)), effect=False)
    assert isinstance(error, RateLimited)
    assert error.wait == timedelta(seconds=9)


def test_an_unknown_code_with_a_server_error_leaves_a_write_in_doubt() -> None:
    assert type(call_error(refused(500, "UNSPECIFIED_ERROR"), effect=True)) is OutcomeUnknown


@pytest.mark.parametrize("body", [None, [], "x", {"errorCode": 7}, {"errorCode": "a b"}, {}])
def test_bodies_of_any_shape(body: Any) -> None:
    error = call_error(Refusal(400, body, NOW), effect=True)
    assert error.code in ("HTTP_400", "7")


def test_every_meaning_is_used() -> None:
    assert set(MEANINGS.values()) == set(Meaning)
    assert all(code == code.upper() for code in MEANINGS)


def test_parts_that_failed_are_found_wherever_they_stand() -> None:
    fine = {"errorCode": "SUCCESS", "message": ""}
    bad = {"errorCode": "INVALID_CUSTOM_FIELD_VALUE", "message": "too long"}
    body = {
        "envelopeId": "e",
        "errorDetails": fine,
        "textCustomFields": [
            {"name": "a", "errorDetails": fine},
            {"name": "b", "errorDetails": bad},
        ],
        "recipientUpdateResults": [{"recipientId": "2", "errorDetails": bad}],
    }
    assert part_problems(body) == (
        ("textCustomFields b", "INVALID_CUSTOM_FIELD_VALUE", "too long"),
        ("recipientUpdateResults 2", "INVALID_CUSTOM_FIELD_VALUE", "too long"),
    )
    error = part_error(body, "trace-1")
    assert isinstance(error, Rejected)
    assert error.field_errors["textCustomFields b"] == "too long"
    assert (error.code, error.request_id) == ("INVALID_CUSTOM_FIELD_VALUE", "trace-1")
    assert part_error({"errorDetails": fine, "a": [1, None]}, None) is None
    top = part_error({"envelopeId": "e", "errorDetails": bad}, None)
    assert top is not None
    assert list(top.field_errors) == ["envelope"]
