from __future__ import annotations

import inspect
from datetime import timedelta
from typing import Any

import pytest
from simple_salesforce import exceptions

from connectors.errors import (
    AccessDenied,
    ActionNeeded,
    AuthFailed,
    CallError,
    DuplicateFound,
    Gone,
    MayExist,
    OutcomeUnknown,
    QuotaSpent,
    RateLimited,
    Rejected,
    RetryLater,
    StaleVersion,
    UnexpectedAnswer,
)
from connectors.records import Operation, Ref
from connectors.salesforce.errors import SDK_EXCEPTIONS, call_error, row_error, sdk_error

ACCOUNT = "001D000000IqhSLIAZ"
LIMIT = "TotalRequests Limit exceeded."
CONCURRENT = "ConcurrentRequests (Concurrent API Requests) Limit exceeded."


def sdk_exceptions() -> list[type[Exception]]:
    return [
        one
        for _, one in inspect.getmembers(exceptions, inspect.isclass)
        if issubclass(one, Exception) and one.__module__ == exceptions.__name__
    ]


def test_every_exception_of_the_sdk_is_mapped_and_no_other() -> None:
    assert {one.__name__ for one in sdk_exceptions()} == set(SDK_EXCEPTIONS)


@pytest.mark.parametrize("kind", sdk_exceptions(), ids=lambda kind: kind.__name__)
def test_every_exception_of_the_sdk_becomes_one_of_ours(kind: type[Exception]) -> None:
    if kind is exceptions.SalesforceAuthenticationFailed:
        error: Exception = kind("invalid_grant", "no")
    elif issubclass(kind, exceptions.SalesforceError):
        error = kind("https://host/secret", 400, "x", [{"errorCode": "X", "message": "m"}])
    else:
        error = kind("boom")
    ours = sdk_error(error, effect=True)
    assert isinstance(ours, CallError)
    assert "host" not in str(ours)


@pytest.mark.parametrize(
    ("status", "content", "effect", "kind"),
    [
        (400, [{"errorCode": "MALFORMED_QUERY", "message": "m"}], False, Rejected),
        (400, [{"errorCode": "QUERY_TIMEOUT", "message": "m"}], False, RetryLater),
        (400, [{"errorCode": "INVALID_QUERY_LOCATOR", "message": "m"}], False, RetryLater),
        (400, [{"errorCode": "SOMETHING_NEW", "message": "m"}], True, Rejected),
        (401, [{"errorCode": "INVALID_SESSION_ID", "message": "m"}], True, AuthFailed),
        (403, [{"errorCode": "REQUEST_LIMIT_EXCEEDED", "message": LIMIT}], True, QuotaSpent),
        (403, [{"errorCode": "REQUEST_LIMIT_EXCEEDED", "message": CONCURRENT}], True, RateLimited),
        (403, [{"errorCode": "API_DISABLED_FOR_ORG", "message": "m"}], True, AccessDenied),
        (403, "<html>", False, AccessDenied),
        (404, [{"errorCode": "NOT_FOUND", "message": "m"}], False, Rejected),
        (409, [], True, StaleVersion),
        (400, [{"errorCode": "INVALID_FIELD_FOR_INSERT_UPDATE", "message": "m"}], True, Rejected),
        (410, [{"errorCode": "UNSUPPORTED_API_VERSION", "message": "m"}], False, ActionNeeded),
        (412, [], True, StaleVersion),
        (415, [], True, Rejected),
        (429, "slow down", True, RateLimited),
        (302, "", False, UnexpectedAnswer),
        (500, [{"errorCode": "UNKNOWN_EXCEPTION", "message": "m"}], False, RetryLater),
        (500, [{"errorCode": "UNKNOWN_EXCEPTION", "message": "m"}], True, OutcomeUnknown),
        (502, "<html>bad gateway</html>", True, OutcomeUnknown),
        (503, "<html>maintenance</html>", False, RetryLater),
        (408, "", True, OutcomeUnknown),
    ],
)
def test_calls(status: int, content: Any, effect: bool, kind: type[CallError]) -> None:
    error = call_error(status, content, effect=effect)
    assert type(error) is kind
    assert error.status == status
    assert "<html>" not in str(error)


@pytest.mark.parametrize(("asked", "seconds"), [(7, 7), (None, 60)])
def test_how_long_to_wait(asked: int | None, seconds: int) -> None:
    wait = timedelta(seconds=asked) if asked is not None else None
    error = call_error(429, None, effect=False, wait=wait)
    assert isinstance(error, RateLimited)
    assert error.wait == timedelta(seconds=seconds)


def test_several_holders_of_an_external_id() -> None:
    error = call_error(
        300, [f"/services/data/v67.0/sobjects/Account/{ACCOUNT}"], effect=True, object="Account"
    )
    assert isinstance(error, DuplicateFound)
    assert error.candidates == (Ref("Account", ACCOUNT),)


@pytest.mark.parametrize(
    ("operation", "kind"),
    [
        (Operation.UPSERT, MayExist),
        (Operation.UPDATE, Rejected),
        (Operation.CREATE, Rejected),
    ],
)
def test_a_field_that_is_given_only_once_says_that_an_upsert_met_a_record(
    operation: Operation, kind: type[CallError]
) -> None:
    entries = [entry("INVALID_FIELD_FOR_INSERT_UPDATE", fields=["OpportunityId"])]
    error = row_error("OpportunityLineItem", operation, entries)
    assert type(error) is kind
    assert isinstance(error, Rejected)
    assert set(error.field_errors) == {"OpportunityId"}


def entry(code: str, message: str = "m", fields: list[str] | None = None) -> dict[str, Any]:
    return {"statusCode": code, "message": message, "fields": fields or []}


@pytest.mark.parametrize(
    ("operation", "errors", "kind"),
    [
        (Operation.UPSERT, [entry("UNABLE_TO_LOCK_ROW")], RetryLater),
        (Operation.UPDATE, [entry("ENTITY_IS_DELETED")], Gone),
        (Operation.UPDATE, [entry("ENTITY_IS_DELETED", fields=["AccountId"])], Rejected),
        (Operation.UPDATE, [entry("CANNOT_UPDATE_CONVERTED_LEAD")], Gone),
        (Operation.UPDATE, [entry("INVALID_CROSS_REFERENCE_KEY")], Gone),
        (Operation.UPSERT, [entry("INVALID_CROSS_REFERENCE_KEY")], Rejected),
        (Operation.UPDATE, [entry("INVALID_CROSS_REFERENCE_KEY", fields=["OwnerId"])], Rejected),
        (Operation.UPSERT, [entry("INSUFFICIENT_ACCESS_OR_READONLY")], Rejected),
        (Operation.CREATE, [entry("SOMETHING_NEW")], Rejected),
        (Operation.CREATE, [], Rejected),
        (Operation.CREATE, None, Rejected),
    ],
)
def test_rows(operation: Operation, errors: Any, kind: type[CallError]) -> None:
    assert type(row_error("Account", operation, errors)) is kind


def test_fields_keep_their_reasons() -> None:
    error = row_error(
        "Lead",
        Operation.CREATE,
        [
            entry("REQUIRED_FIELD_MISSING", "needed", ["Company", "LastName"]),
            entry("INVALID_EMAIL_ADDRESS", "no address", ["Email"]),
        ],
    )
    assert isinstance(error, Rejected)
    assert error.code == "REQUIRED_FIELD_MISSING"
    assert error.field_errors == {
        "Company": "needed",
        "LastName": "needed",
        "Email": "no address",
    }


def test_an_unknown_column_is_named() -> None:
    message = "No such column 'Nope__c' on sobject of type Account"
    error = row_error("Account", Operation.UPDATE, [entry("INVALID_FIELD", message)])
    assert isinstance(error, Rejected)
    assert error.field_errors == {"Nope__c": message}


def test_a_duplicate_value_names_the_other_record() -> None:
    error = row_error(
        "Account",
        Operation.CREATE,
        [
            entry(
                "DUPLICATE_VALUE",
                f"duplicate value found: Ext__c duplicates value on record with id: {ACCOUNT[:15]}",
                ["Ext__c"],
            )
        ],
    )
    assert isinstance(error, DuplicateFound)
    assert error.candidates == (Ref("Account", ACCOUNT),)


@pytest.mark.parametrize("key", ["duplicateResut", "duplicateResult"])
def test_a_duplicate_rule_names_its_matches(key: str) -> None:
    match = {"record": {"attributes": {"type": "Contact"}, "Id": ACCOUNT}}
    error = row_error(
        "Lead",
        Operation.CREATE,
        [
            entry("DUPLICATES_DETECTED")
            | {key: {"matchResults": [{"matchRecords": [match, match, {"record": None}]}]}}
        ],
    )
    assert isinstance(error, DuplicateFound)
    assert error.candidates == (Ref("Contact", ACCOUNT),)
