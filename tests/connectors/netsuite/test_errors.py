"""What answers mean: by status and code first, by text last."""

from __future__ import annotations

from datetime import timedelta

import pytest

from connectors.errors import (
    AccessDenied,
    AuthFailed,
    DuplicateFound,
    Gone,
    OutcomeUnknown,
    RateLimited,
    Rejected,
    RetryLater,
    StaleVersion,
    UnexpectedAnswer,
)
from connectors.netsuite.errors import TABLE, Meaning, call_error


def body(code, detail="no reason given", **more):
    return {"title": "x", "o:errorDetails": [{"detail": detail, "o:errorCode": code, **more}]}


def error(status, code, detail="no reason given", *, effect=True, **more):
    return call_error(status, body(code, detail, **more), effect=effect)


CASES = [
    (401, "INVALID_LOGIN", "Invalid login attempt.", AuthFailed, "INVALID_LOGIN"),
    (403, "INSUFFICIENT_PERMISSION", "Permission Violation", AccessDenied, None),
    (404, "NONEXISTENT_ID", "Record does not exist.", Gone, "NONEXISTENT_ID"),
    (404, "NONEXISTENT_RECORD_TYPE", "There is no such type", Rejected, None),
    (429, "CONCURRENCY_LIMIT_EXCEEDED", "Request blocked.", RateLimited, None),
    (429, "USER_ERROR", "Concurrent request limit exceeded.", RateLimited, None),
    (400, "SSS_REQUEST_LIMIT_EXCEEDED", "slow down", RateLimited, None),
    (405, "METHOD_NOT_ALLOWED", "no", UnexpectedAnswer, None),
    (415, "UNSUPPORTED_MEDIA_TYPE", "no", UnexpectedAnswer, None),
    (400, "INVALID_CONTENT", "Unknown field", Rejected, "INVALID_CONTENT"),
    (400, "INSUFFICIENT_PERMISSION", "for this subsidiary", Rejected, None),
    (400, "RCRD_HAS_BEEN_CHANGED", "Record has been changed", StaleVersion, None),
    (400, "USER_ERROR", "This record has been changed since you read it.", StaleVersion, None),
    (409, "CONFLICT", "changed", StaleVersion, None),
    (400, "DUP_RCRD", "taken", DuplicateFound, "DUP_RCRD"),
    (400, "USER_ERROR", "This entity already exists.", DuplicateFound, None),
    (400, "INVALID_CONTENT", "The external id has already been used.", DuplicateFound, None),
    (400, "USER_ERROR", "locked by a user defined workflow", Rejected, "RECORD_LOCKED"),
    (400, "USER_ERROR", "The posting period Jan 2026 is closed.", Rejected, "PERIOD_CLOSED"),
    (400, "USER_ERROR", "You cannot post to a locked period.", Rejected, "PERIOD_CLOSED"),
    (400, "USER_ERROR", "The amounts in a journal entry must balance.", Rejected, "UNBALANCED"),
    (400, "USER_ERROR", "The transaction is out of balance.", Rejected, "UNBALANCED"),
    (400, "USER_ERROR", "Debits and credits must be equal.", Rejected, "UNBALANCED"),
    (400, "USER_ERROR", "The debits (5) are not equal to the credits (4)", Rejected, "UNBALANCED"),
    (400, "USER_ERROR", "Please enter a value for amount.", Rejected, "USER_ERROR"),
    (400, "USER_ERROR", "The balance of the credit card is 5.", Rejected, "USER_ERROR"),
    (418, "TEAPOT", "short and stout", UnexpectedAnswer, "TEAPOT"),
]


@pytest.mark.parametrize(("status", "code", "detail", "kind", "our_code"), CASES)
def test_the_table(status, code, detail, kind, our_code) -> None:
    found = error(status, code, detail)
    assert type(found) is kind
    assert found.status == status
    assert detail in found.message
    if our_code is not None:
        assert found.code == our_code


@pytest.mark.parametrize("status", [500, 502, 503, 504, 408])
def test_an_outage_leaves_a_write_in_doubt_and_a_read_for_later(status) -> None:
    assert type(error(status, "UNEXPECTED_ERROR")) is OutcomeUnknown
    assert type(error(status, "UNEXPECTED_ERROR", effect=False)) is RetryLater
    assert type(call_error(status, None, effect=True)) is OutcomeUnknown
    waiting = call_error(status, None, effect=False, wait=timedelta(seconds=9))
    assert isinstance(waiting, RateLimited)
    assert waiting.wait == timedelta(seconds=9)


def test_the_wait_is_short_where_none_is_named() -> None:
    limited = error(429, "CONCURRENCY_LIMIT_EXCEEDED")
    assert isinstance(limited, RateLimited)
    assert timedelta(seconds=1) <= limited.wait <= timedelta(seconds=5)


def test_fields_are_named() -> None:
    details = [
        {"detail": "bad", "o:errorCode": "INVALID_CONTENT", "o:errorPath": "item.items[0].item"},
        {"detail": "worse", "o:errorCode": "INVALID_CONTENT", "o:errorPath": "memo"},
    ]
    found = call_error(400, {"o:errorDetails": details}, effect=True)
    assert isinstance(found, Rejected)
    assert found.field_errors == {"item.items[0].item": "bad", "memo": "worse"}


def test_the_detail_that_says_most_leads() -> None:
    details = [
        {"detail": "something", "o:errorCode": "USER_ERROR"},
        {"detail": "Request blocked.", "o:errorCode": "CONCURRENCY_LIMIT_EXCEEDED"},
    ]
    assert isinstance(call_error(400, {"o:errorDetails": details}, effect=True), RateLimited)


@pytest.mark.parametrize("odd", [None, [], "x", {}, {"o:errorDetails": 5}, {"o:errorDetails": [5]}])
def test_a_page_of_somebody_in_between_is_no_word_about_a_record(odd) -> None:
    assert isinstance(call_error(400, odd, effect=True), UnexpectedAnswer)
    assert isinstance(call_error(404, odd, effect=True), UnexpectedAnswer)


def test_every_meaning_is_reached_and_the_last_row_takes_all() -> None:
    assert {row.meaning for row in TABLE} == set(Meaning)
    last = TABLE[-1]
    assert (last.statuses, last.categories, last.pattern) == ((), (), None)
