"""The error table: every answer of HubSpot's, and every exception class of its SDK."""

import importlib
import inspect
import json
import pkgutil
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import hubspot
import pytest

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
from connectors.hubspot.errors import (
    Circumstances,
    error_of,
    reply_of,
    reply_of_row,
    sdk_error,
)
from connectors.records import Ref

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
READ = Circumstances("deals", "burst", effect=False, now=NOW)
WRITE = Circumstances("deals", "burst", effect=True, now=NOW)


def answer(status, body=None, headers=None, at=READ):
    return error_of(reply_of(status, json.dumps(body or {}), headers or {}), at)


@pytest.mark.parametrize(
    ("status", "body", "reading", "writing"),
    [
        (400, {"category": "VALIDATION_ERROR"}, Rejected, Rejected),
        (401, {"category": "EXPIRED_AUTHENTICATION"}, AuthFailed, AuthFailed),
        (401, {}, AuthFailed, AuthFailed),
        (403, {"category": "MISSING_SCOPES"}, AccessDenied, AccessDenied),
        (404, {"category": "OBJECT_NOT_FOUND"}, Rejected, Rejected),
        (409, {"category": "CONFLICT"}, DuplicateFound, DuplicateFound),
        (414, {}, Rejected, Rejected),
        (415, {}, Rejected, Rejected),
        (423, {}, RetryLater, RetryLater),
        (429, {"policyName": "TEN_SECONDLY_ROLLING"}, RateLimited, RateLimited),
        (429, {"policyName": "DAILY"}, QuotaSpent, QuotaSpent),
        (429, {"message": "You have reached your daily limit."}, QuotaSpent, QuotaSpent),
        (477, {}, RateLimited, RateLimited),
        (500, {}, RetryLater, OutcomeUnknown),
        (502, {}, RetryLater, OutcomeUnknown),
        (503, {}, RetryLater, OutcomeUnknown),
        (504, {}, RetryLater, OutcomeUnknown),
        (521, {}, RetryLater, OutcomeUnknown),
        (522, {}, RetryLater, OutcomeUnknown),
        (525, {}, RetryLater, OutcomeUnknown),
        (302, {}, UnexpectedAnswer, UnexpectedAnswer),
        (418, {}, UnexpectedAnswer, UnexpectedAnswer),
    ],
)
def test_each_status_has_a_meaning(status, body, reading, writing):
    assert type(answer(status, body)) is reading
    assert type(answer(status, body, at=WRITE)) is writing


@pytest.mark.parametrize("body", [b"<html>Bad gateway</html>", b"", b"[1]", b"\xff\xfe", None])
def test_an_unreadable_body_changes_nothing(body):
    error = error_of(reply_of(503, body, {}), READ)
    assert type(error) is RetryLater
    assert error.status == 503


def test_field_errors_come_out_of_the_message():
    entries = [
        {
            "isValid": False,
            "message": "closedate was not a valid date.",
            "error": "INVALID_DATE",
            "name": "closedate",
            "portalId": 1,
        },
        {
            "isValid": False,
            "message": "no such option",
            "error": "INVALID_OPTION",
            "name": "dealstage",
        },
    ]
    error = answer(
        400,
        {
            "category": "VALIDATION_ERROR",
            "message": "Property values were not valid: " + json.dumps(entries),
            "correlationId": "c-1",
        },
    )
    assert isinstance(error, Rejected)
    assert error.field_errors == {
        "closedate": "closedate was not a valid date.",
        "dealstage": "no such option",
    }
    assert error.message == "closedate: closedate was not a valid date.; dealstage: no such option"
    assert error.code == "INVALID_DATE"
    assert error.request_id == "c-1"


@pytest.mark.parametrize(
    ("status", "message", "ids"),
    [
        (409, "Contact already exists. Existing ID: 123", ("123",)),
        (400, "CONFLICTING_UNIQUE_VALUE: value is already held by object with id 55", ("55",)),
        (400, "value=id 66. 77 already has that value} on 0. 55 already has that value.", ("55",)),
        (409, "Something is taken", ()),
    ],
)
def test_duplicates_name_the_other_record(status, message, ids):
    error = answer(status, {"category": "CONFLICT", "message": message})
    assert isinstance(error, DuplicateFound)
    assert error.candidates == tuple(Ref("deals", id) for id in ids)


def test_a_taken_value_is_a_duplicate_wherever_the_answer_says_so():
    entries = [{"name": f"f{n}", "error": "INVALID_OPTION", "message": "x" * 60} for n in range(20)]
    entries.append(
        {
            "name": "revline_id",
            "error": "CONFLICTING_UNIQUE_VALUE",
            "message": "Cannot set value=a on 0. 81 already has that value.",
        }
    )
    message = "Property values were not valid: " + json.dumps(entries)
    error = answer(400, {"category": "VALIDATION_ERROR", "message": message})
    assert isinstance(error, DuplicateFound)
    assert error.candidates == (Ref("deals", "81"),)
    assert len(error.field_errors) == 21


def test_one_row_of_a_partial_answer_goes_by_its_category():
    assert type(error_of(reply_of_row({"category": "OBJECT_NOT_FOUND"}), WRITE)) is Gone
    assert type(error_of(reply_of_row({"category": "VALIDATION_ERROR"}), WRITE)) is Rejected
    assert type(error_of(reply_of_row({"category": "CONFLICT"}), WRITE)) is DuplicateFound
    assert type(error_of(reply_of_row({}), WRITE)) is UnexpectedAnswer


@pytest.mark.parametrize(
    ("status", "headers", "limit_class", "wait"),
    [
        (429, {"Retry-After": "7"}, "burst", timedelta(seconds=7)),
        (429, {"Retry-After": "1000000000"}, "burst", timedelta(hours=1)),
        (429, {"Retry-After": "-5"}, "burst", timedelta(seconds=10)),
        (429, {"Retry-After": "Sun, 01 Mar 2026 12:00:30 GMT"}, "burst", timedelta(seconds=30)),
        (429, {"Retry-After": "Sun, 01 Mar 2020 12:00:30 GMT"}, "burst", timedelta(seconds=10)),
        (
            429,
            {"X-HubSpot-RateLimit-Interval-Milliseconds": "10000"},
            "burst",
            timedelta(seconds=10),
        ),
        (429, {}, "search", timedelta(seconds=1)),
        (477, {"Retry-After": "80000"}, "burst", timedelta(seconds=80_000)),
        (477, {"Retry-After": "999999"}, "burst", timedelta(hours=24)),
        (477, {}, "burst", timedelta(hours=24)),
    ],
)
def test_waits(status, headers, limit_class, wait):
    at = Circumstances("deals", limit_class, effect=False, now=NOW)
    error = answer(status, {}, headers, at)
    assert isinstance(error, RateLimited)
    assert (error.wait, error.limit_class) == (wait, limit_class)


def test_the_day_ends_at_the_accounts_midnight():
    zone = Circumstances("deals", "burst", effect=True, now=NOW, zone=ZoneInfo("America/New_York"))
    error = answer(429, {"policyName": "DAILY"}, at=zone)
    assert isinstance(error, QuotaSpent)
    assert error.until == datetime(2026, 3, 2, 5, tzinfo=UTC)
    unknown = answer(429, {"policyName": "DAILY"})
    assert isinstance(unknown, QuotaSpent)
    assert unknown.until is None


def test_missing_scopes_are_named():
    error = answer(
        403,
        {
            "category": "MISSING_SCOPES",
            "message": "This app has not been granted all required scopes.",
            "errors": [{"context": {"requiredGranularScopes": ["crm.objects.deals.write"]}}],
        },
    )
    assert "crm.objects.deals.write" in error.message


def sdk_exception_classes():
    for module in pkgutil.walk_packages(hubspot.__path__, "hubspot."):
        if module.name.endswith(".exceptions"):
            for _, cls in inspect.getmembers(importlib.import_module(module.name), inspect.isclass):
                if issubclass(cls, Exception) and cls.__module__ == module.name:
                    yield cls


CLASSES = tuple(sdk_exception_classes())


def test_the_sdk_has_the_exceptions_we_think():
    assert len(CLASSES) > 300
    assert {cls.__name__ for cls in CLASSES} >= {"ApiException", "ServiceException", "ApiTypeError"}


class Response:
    reason = "because"
    data = b"{}"

    def __init__(self, status):
        self.status = status

    def getheaders(self):
        return {"x-hubspot-correlation-id": "c-2"}


def build(cls):
    if "http_resp" in inspect.signature(cls.__init__).parameters:
        return cls(http_resp=Response(_STATUS.get(cls.__name__, 400)))
    return cls("no")


_STATUS = {
    "UnauthorizedException": 401,
    "ForbiddenException": 403,
    "NotFoundException": 404,
    "ServiceException": 500,
}
_EXPECTED = {
    "ApiException": Rejected,
    "UnauthorizedException": AuthFailed,
    "ForbiddenException": AccessDenied,
    "NotFoundException": Rejected,
    "ServiceException": OutcomeUnknown,
}


def test_every_exception_of_the_sdk_is_mapped():
    for cls in CLASSES:
        error = sdk_error(build(cls), WRITE)
        assert isinstance(error, CallError), cls
        assert type(error) is _EXPECTED.get(cls.__name__, UnexpectedAnswer), cls


def test_a_tls_failure_of_the_sdk():
    from hubspot.crm.objects.exceptions import ApiException

    assert type(sdk_error(ApiException(status=0, reason="SSLError"), READ)) is RetryLater
    assert type(sdk_error(ApiException(status=0, reason="SSLError"), WRITE)) is OutcomeUnknown
