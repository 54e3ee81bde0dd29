"""What each answer means, read and write."""

from __future__ import annotations

from datetime import timedelta

import pytest

from connectors.dealhub.errors import About, Refusal, call_error, field_errors
from connectors.errors import (
    AccessDenied,
    AuthFailed,
    Gone,
    OutcomeUnknown,
    RateLimited,
    Rejected,
    RetryLater,
    UnexpectedAnswer,
)
from connectors.records import Ref

QUOTE = Ref("quotes", "A1")
READ, WRITE = About(record=QUOTE), About(effect=True, record=QUOTE)
NOT_FOUND = "Entity (ID = A1) not found"


@pytest.mark.parametrize(
    ("status", "text", "read", "write"),
    [
        (403, "Unauthenticated", AuthFailed, AuthFailed),
        (403, None, AuthFailed, AuthFailed),
        (403, "Not allowed to read quotes", AccessDenied, AccessDenied),
        (401, "no", AuthFailed, AuthFailed),
        (400, NOT_FOUND, Gone, Gone),
        (400, "No DealRoom instance found for opportunity ID 006A", Gone, Gone),
        (400, "Entity (ID = B2) not found", Rejected, Rejected),
        (400, "Unrecognized parameter: colour", Rejected, Rejected),
        (400, None, Rejected, Rejected),
        (404, None, UnexpectedAnswer, UnexpectedAnswer),
        (405, None, UnexpectedAnswer, UnexpectedAnswer),
        (408, None, RetryLater, OutcomeUnknown),
        (409, "conflict", Rejected, Rejected),
        (413, "too big", Rejected, Rejected),
        (429, None, RateLimited, RateLimited),
        (500, "Internal error", RetryLater, OutcomeUnknown),
        (502, None, RetryLater, OutcomeUnknown),
        (503, None, RetryLater, OutcomeUnknown),
        (599, None, RetryLater, OutcomeUnknown),
        (304, None, UnexpectedAnswer, UnexpectedAnswer),
        (100, None, UnexpectedAnswer, UnexpectedAnswer),
    ],
)
def test_the_table(status, text, read, write) -> None:
    body = None if text is None else {"error": text}
    for about, kind in ((READ, read), (WRITE, write)):
        error = call_error(Refusal(status, body), about)
        assert type(error) is kind
        assert error.status == status
        assert error.code
        assert (text or str(status)) in error.message


def test_what_the_body_names_is_not_what_was_addressed() -> None:
    error = call_error(Refusal(400, {"error": NOT_FOUND}), About(effect=True))
    assert type(error) is Rejected


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("Request payload missing mandatory field(s): a, b.c", ["a", "b.c"]),
        ("Unrecognized parameter: colour", ["colour"]),
        ("Unrecognised parameter: colour", ["colour"]),
        ("Invalid parameter value: limit = 51. Valid values: 1..50", ["limit"]),
        ("Limit exceeded for parameter quote_name: 250", ["quote_name"]),
        ("Something else", []),
        ("", []),
    ],
)
def test_refusals_name_fields(text, names) -> None:
    assert list(field_errors(text)) == names


@pytest.mark.parametrize("body", [None, [], "text", {"error": 7}, {"error": None}, {"message": ""}])
def test_bodies_of_any_shape_are_put_into_words(body) -> None:
    error = call_error(Refusal(400, body), READ)
    assert type(error) is Rejected
    assert "no reason given" in error.message


def test_waits_are_bounded() -> None:
    for asked in (None, timedelta(0), timedelta(days=9), timedelta(seconds=-5)):
        error = call_error(Refusal(429, None, asked), READ)
        assert isinstance(error, RateLimited)
        assert timedelta(0) <= error.wait <= timedelta(hours=1)
        assert error.limit_class == "requests"


def test_long_messages_are_cut() -> None:
    error = call_error(Refusal(400, {"error": "x" * 10_000}), READ)
    assert len(error.message) < 600
