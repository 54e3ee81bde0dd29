"""What Zuora's refusals mean, by their codes."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

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
from connectors.zuora.errors import About, Refusal, call_error, problems, succeeded

RECORD = Ref("invoices", "INV-1")
WRITE = About(effect=True, record=RECORD)
READ = About(record=RECORD)


def refused(code: object, message: str = "no", status: int = 200, **more: object) -> Refusal:
    return Refusal(
        status, {"success": False, "reasons": [{"code": code, "message": message}], **more}
    )


@pytest.mark.parametrize(
    ("suffix", "writing", "reading"),
    [
        ("10", AccessDenied, AccessDenied),
        ("11", AuthFailed, AuthFailed),
        ("20", Rejected, Rejected),
        ("21", Rejected, Rejected),
        ("22", Rejected, Rejected),
        ("30", Rejected, Rejected),
        ("40", Gone, Gone),
        ("45", Rejected, Rejected),
        ("50", RetryLater, RetryLater),
        ("60", OutcomeUnknown, RetryLater),
        ("61", RetryLater, RetryLater),
        ("70", RateLimited, RateLimited),
        ("90", Rejected, Rejected),
        ("99", OutcomeUnknown, RetryLater),
        ("87", Rejected, Rejected),
    ],
)
@pytest.mark.parametrize("as_text", [True, False])
def test_the_category_decides(
    suffix: str, writing: type[CallError], reading: type[CallError], as_text: bool
) -> None:
    code: object = f"531003{suffix}" if as_text else int(f"531003{suffix}")
    for about, expected in ((WRITE, writing), (READ, reading)):
        error = call_error(refused(code), about)
        assert type(error) is expected
        assert error.code == str(code)


@pytest.mark.parametrize(
    ("status", "writing", "reading"),
    [
        (500, OutcomeUnknown, RetryLater),
        (502, OutcomeUnknown, RetryLater),
        (503, OutcomeUnknown, RetryLater),
        (504, OutcomeUnknown, RetryLater),
        (408, OutcomeUnknown, RetryLater),
        (429, RateLimited, RateLimited),
        (401, AuthFailed, AuthFailed),
        (403, AccessDenied, AccessDenied),
        (400, Rejected, Rejected),
        (415, Rejected, Rejected),
    ],
)
def test_a_page_instead_of_an_answer(
    status: int, writing: type[CallError], reading: type[CallError]
) -> None:
    assert type(call_error(Refusal(status, None), WRITE)) is writing
    assert type(call_error(Refusal(status, None), READ)) is reading


def test_trouble_that_says_it_did_nothing_is_believed() -> None:
    assert type(call_error(refused(53100361, status=500), WRITE)) is RetryLater
    assert type(call_error(refused(53100320, status=500), WRITE)) is OutcomeUnknown


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (
            {"Success": False, "Errors": [{"Code": "INVALID_VALUE", "Message": "m"}]},
            "INVALID_VALUE",
        ),
        ({"FaultCode": "MALFORMED_QUERY", "FaultMessage": "m"}, "MALFORMED_QUERY"),
        ({"code": 1001, "message": "m"}, "1001"),
        ({"code": "50000021", "message": "m"}, "50000021"),
    ],
)
def test_every_family_of_answers_is_understood(body: object, code: str) -> None:
    error = call_error(Refusal(400, body), WRITE)
    assert type(error) is Rejected
    assert error.code == code
    assert "m" in error.message
    assert succeeded(body) in (False, None)


def test_success_is_what_the_body_says() -> None:
    assert succeeded({"success": True}) is True
    assert succeeded({"Success": True}) is True
    assert succeeded({"success": False}) is False
    assert succeeded({"Success": False}) is False
    assert succeeded({"FaultCode": "X"}) is False
    assert succeeded({"data": []}) is None
    assert succeeded([]) is None
    assert succeeded({"success": "false"}) is None


def test_a_limit_says_how_long() -> None:
    told = call_error(refused(70, "Request exceeded limit, retry after 17 seconds", 429), WRITE)
    assert isinstance(told, RateLimited)
    assert told.wait == timedelta(seconds=17)
    header = Refusal(429, refused(50000070, status=429).body, wait=timedelta(seconds=120))
    by_header = call_error(header, WRITE)
    assert isinstance(by_header, RateLimited)
    assert by_header.wait == timedelta(seconds=120)
    endless = call_error(refused(70, "retry after 999999999 seconds", 429), WRITE)
    assert isinstance(endless, RateLimited)
    assert endless.wait == timedelta(hours=24)


def test_idempotency_answers() -> None:
    busy = call_error(refused(50000030, "in progress", 409), WRITE)
    assert type(busy) is OutcomeUnknown
    assert busy.code == "KEY_IN_USE"
    reused = call_error(refused(50000030, "Idempotency key used with another URL", 422), WRITE)
    assert type(reused) is Rejected
    assert reused.code == "KEY_REUSED"


def test_a_closed_period_has_a_code_of_its_own() -> None:
    text = "The effective date is in the accounting period 'Jan 2026' that is already closed."
    error = call_error(refused(53870030, text), WRITE)
    assert type(error) is Rejected
    assert error.code == "PERIOD_CLOSED"


def test_our_own_number_taken_is_a_duplicate() -> None:
    number = Ref("accounts", "A-7")
    about = About(effect=True, number=number, sent=("accountNumber", "name"))
    text = "accountNumber A-7 is invalid, because it already exists."
    error = call_error(refused(51010020, text), about)
    assert isinstance(error, DuplicateFound)
    assert error.candidates == (number,)
    assert error.code == "NUMBER_TAKEN"
    assert set(error.field_errors) == {"accountNumber"}
    other = call_error(refused(51010020, "The tax certificate already exists."), about)
    assert type(other) is Rejected


def test_not_found_may_be_about_another_record() -> None:
    arguments = About(effect=True, record=Ref("payments", "P-1"), nested=True)
    assert type(call_error(refused(53840040, "Cannot find INV-9"), arguments)) is Rejected
    made = About(effect=True, number=Ref("orders", "O-1"))
    assert type(call_error(refused(53100040, "Cannot find account"), made)) is Rejected
    route = Refusal(404, {"message": "no Route matched with those values"})
    assert type(call_error(route, WRITE)) is UnexpectedAnswer


def test_a_missing_feature_says_so() -> None:
    error = call_error(refused(50000010, "Not enabled", 403), WRITE)
    assert isinstance(error, AccessDenied)
    assert "Invoice Settlement" in error.message


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=20),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["reasons", "errors", "Errors", "code", "message", "success", "x"]),
            inner,
            max_size=4,
        )
    ),
    max_leaves=8,
)


@given(st.integers(400, 599), JSON, st.booleans())
def test_anything_is_an_error_and_a_write_is_never_lost(
    status: int, body: object, effect: bool
) -> None:
    error = call_error(Refusal(status, body), About(effect=effect, record=RECORD))
    assert error.message
    assert error.code == error.code.upper()
    if status in (500, 502, 504) and effect and not problems(body):
        assert isinstance(error, OutcomeUnknown)
