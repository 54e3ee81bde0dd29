"""What the vendor's answers mean for what happens next: one table, used for calls and for rows.

Codes: REST API guide, "Status Codes and Error Responses"; SOAP API guide, "Core Data Types Used in
API Calls", StatusCode.
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
from connectors.salesforce.ids import normal_id
from connectors.salesforce.objects import LIMIT_CLASS

_MESSAGE_MAX = 500
_CONCURRENT_WAIT = timedelta(seconds=30)
_THROTTLE_WAIT = timedelta(seconds=60)
_COLUMN = re.compile(r"^No such column '([A-Za-z0-9_]{1,80})'", re.ASCII)
_ID = re.compile(r"\b[A-Za-z0-9]{18}\b|\b[A-Za-z0-9]{15}\b", re.ASCII)


class Meaning(Enum):
    """What an error code says about the next step."""

    RETRY = auto()
    REJECTED = auto()
    MAY_EXIST = auto()
    STALE = auto()
    GONE = auto()
    DUPLICATE = auto()
    LIMIT = auto()
    DENIED = auto()
    EXPIRED = auto()
    ACTION = auto()


# Anything not listed is REJECTED: a person must look at it.
MEANINGS: Final[Mapping[str, Meaning]] = MappingProxyType(
    {
        "UNABLE_TO_LOCK_ROW": Meaning.RETRY,
        "QUERY_TIMEOUT": Meaning.RETRY,
        "REQUEST_RUNNING_TOO_LONG": Meaning.RETRY,
        "INVALID_QUERY_LOCATOR": Meaning.RETRY,
        "SERVER_UNAVAILABLE": Meaning.RETRY,
        "SERVICE_UNAVAILABLE": Meaning.RETRY,
        "UNKNOWN_EXCEPTION": Meaning.RETRY,
        "ALL_OR_NONE_OPERATION_ROLLED_BACK": Meaning.RETRY,
        "PROCESSING_HALTED": Meaning.RETRY,
        "ENTITY_IS_DELETED": Meaning.GONE,
        "NOT_FOUND": Meaning.GONE,
        "ENTITY_IS_LOCKED": Meaning.REJECTED,
        "CANNOT_UPDATE_CONVERTED_LEAD": Meaning.GONE,
        "DUPLICATE_VALUE": Meaning.DUPLICATE,
        "DUPLICATE_EXTERNAL_ID": Meaning.DUPLICATE,
        "DUPLICATES_DETECTED": Meaning.DUPLICATE,
        "REQUEST_LIMIT_EXCEEDED": Meaning.LIMIT,
        "API_DISABLED_FOR_ORG": Meaning.DENIED,
        "API_CURRENTLY_DISABLED": Meaning.DENIED,
        "FUNCTIONALITY_NOT_ENABLED": Meaning.DENIED,
        "FORBIDDEN": Meaning.DENIED,
        "INVALID_SESSION_ID": Meaning.EXPIRED,
        "INVALID_AUTH_HEADER": Meaning.EXPIRED,
        "UNSUPPORTED_API_VERSION": Meaning.ACTION,
        "REQUIRED_FIELD_MISSING": Meaning.REJECTED,
        "FIELD_CUSTOM_VALIDATION_EXCEPTION": Meaning.REJECTED,
        "FIELD_INTEGRITY_EXCEPTION": Meaning.REJECTED,
        "FIELD_FILTER_VALIDATION_EXCEPTION": Meaning.REJECTED,
        "INVALID_FIELD": Meaning.REJECTED,
        "INVALID_FIELD_FOR_INSERT_UPDATE": Meaning.MAY_EXIST,
        "INVALID_TYPE": Meaning.REJECTED,
        "INVALID_TYPE_ON_FIELD_IN_RECORD": Meaning.REJECTED,
        "INVALID_CROSS_REFERENCE_KEY": Meaning.REJECTED,
        "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST": Meaning.REJECTED,
        "INVALID_EMAIL_ADDRESS": Meaning.REJECTED,
        "INSUFFICIENT_ACCESS": Meaning.REJECTED,
        "INSUFFICIENT_ACCESS_OR_READONLY": Meaning.REJECTED,
        "INSUFFICIENT_ACCESS_ON_CROSS_REFERENCE_ENTITY": Meaning.REJECTED,
        "INACTIVE_OWNER_OR_USER": Meaning.REJECTED,
        "CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY": Meaning.REJECTED,
        "CANNOT_EXECUTE_FLOW_TRIGGER": Meaning.REJECTED,
        "DELETE_FAILED": Meaning.REJECTED,
        "STRING_TOO_LONG": Meaning.REJECTED,
        "NUMBER_OUTSIDE_VALID_RANGE": Meaning.REJECTED,
        "STANDARD_PRICE_NOT_DEFINED": Meaning.REJECTED,
        "MALFORMED_ID": Meaning.REJECTED,
        "MALFORMED_QUERY": Meaning.REJECTED,
        "JSON_PARSER_ERROR": Meaning.REJECTED,
        "EXCEEDED_ID_LIMIT": Meaning.REJECTED,
    }
)

# Statuses that say more than the code in the body.
_BY_STATUS: Final[Mapping[int, Meaning]] = MappingProxyType(
    {
        401: Meaning.EXPIRED,
        403: Meaning.DENIED,
        409: Meaning.STALE,
        410: Meaning.ACTION,
        412: Meaning.STALE,
        420: Meaning.LIMIT,
        429: Meaning.LIMIT,
    }
)


_BY_ID: Final = frozenset({Operation.UPDATE, Operation.DELETE})


@dataclass(frozen=True, slots=True)
class Problem:
    """One entry of an error answer, however its code was called there."""

    code: str
    message: str
    fields: tuple[str, ...] = ()
    duplicates: tuple[Ref, ...] = ()


def problems(content: object) -> tuple[Problem, ...]:
    """The entries of an error body; empty when the body is none we know (a page, say)."""
    entries = content if isinstance(content, list | tuple) else [content]
    return tuple(_problem(entry) for entry in entries if isinstance(entry, Mapping))


def _problem(entry: Mapping[str, object]) -> Problem:
    code = entry.get("errorCode") or entry.get("statusCode") or entry.get("error") or "UNKNOWN"
    message = entry.get("message") or entry.get("error_description") or code
    fields = entry.get("fields") or _COLUMN.findall(str(message))
    return Problem(
        code=str(code)[:80],
        message=str(message)[:_MESSAGE_MAX],
        fields=tuple(str(one) for one in fields) if isinstance(fields, list | tuple) else (),
        duplicates=_matches(entry),
    )


def _matches(entry: Mapping[str, object]) -> tuple[Ref, ...]:
    """The records a duplicate rule found. The vendor misspells the key, so both are read."""
    result = entry.get("duplicateResut") or entry.get("duplicateResult")
    found: list[Ref] = []
    for match in _maps(result, "matchResults"):
        for one in _maps(match, "matchRecords"):
            record = one.get("record")
            if not isinstance(record, Mapping):
                continue
            id = normal_id(str(record.get("Id")))
            attributes = record.get("attributes")
            kind = attributes.get("type") if isinstance(attributes, Mapping) else None
            if id is not None:
                found.append(Ref(str(kind or match.get("entityType") or ""), id))
    return tuple(dict.fromkeys(found))


def _maps(value: object, key: str) -> Sequence[Mapping[str, object]]:
    inner = value.get(key) if isinstance(value, Mapping) else None
    return [one for one in inner if isinstance(one, Mapping)] if isinstance(inner, list) else []


def row_error(object: str, operation: Operation, entries: object) -> CallError:
    """What became of one record of a collection: ``entries`` are its errors."""
    found = problems(entries)
    if not found:
        return Rejected("Salesforce refused the record without saying why", code="NO_REASON_GIVEN")
    first = found[0]
    meaning = MEANINGS.get(first.code, Meaning.REJECTED)
    on_another = any(name != "Id" for name in first.fields)
    if meaning is Meaning.GONE and on_another:
        # It is a record referred to that is deleted.
        meaning = Meaning.REJECTED
    if first.code == "INVALID_CROSS_REFERENCE_KEY" and not on_another and operation in _BY_ID:
        # A record removed for good is reported as a reference that leads nowhere.
        meaning = Meaning.GONE
    if meaning is Meaning.MAY_EXIST and operation is not Operation.UPSERT:
        meaning = Meaning.REJECTED
    return _error(meaning, found, object=object, status=None, wait=None)


def call_error(
    status: int,
    content: object,
    *,
    effect: bool,
    object: str = "",
    wait: timedelta | None = None,
) -> CallError:
    """What a call answered with an error status means.

    ``effect``: the call may have written. ``wait`` is what the answer's Retry-After asks for.
    """
    found = problems(content)
    if status >= 500 or status == 408:
        return _outage(status, found, effect=effect, wait=wait)
    if not found:
        found = (Problem(f"HTTP_{status}", f"Salesforce answered {status} without a reason"),)
    first = found[0]
    if status == 300:
        return _ambiguous(object, content)
    if status < 400:
        return UnexpectedAnswer(
            f"Salesforce answered {status}: {first.message}", code=first.code, status=status
        )
    meaning = _BY_STATUS.get(status, MEANINGS.get(first.code, Meaning.REJECTED))
    if first.code == "REQUEST_LIMIT_EXCEEDED":
        meaning = Meaning.LIMIT
    if meaning is Meaning.GONE:
        # A whole call that finds nothing asked for an address, not for a record.
        meaning = Meaning.REJECTED
    if meaning is Meaning.MAY_EXIST:
        meaning = Meaning.REJECTED
    return _error(meaning, found, object=object, status=status, wait=wait)


def _outage(
    status: int, found: tuple[Problem, ...], *, effect: bool, wait: timedelta | None
) -> CallError:
    code = found[0].code if found else f"HTTP_{status}"
    reason = found[0].message if found else "the service is not available"
    message = f"Salesforce answered {status}: {reason}"
    if effect:
        return OutcomeUnknown(message, code=code, status=status)
    if wait is not None:
        return RateLimited(message, wait=wait, limit_class=LIMIT_CLASS, code=code, status=status)
    return RetryLater(message, code=code, status=status)


def _error(
    meaning: Meaning,
    found: tuple[Problem, ...],
    *,
    object: str,
    status: int | None,
    wait: timedelta | None,
) -> CallError:
    first = found[0]
    message, code = f"{first.code}: {first.message}", first.code
    if meaning is Meaning.DUPLICATE:
        return _duplicate(object, found, status)
    if meaning is Meaning.LIMIT:
        return _limit(first, wait, status)
    if meaning is Meaning.GONE:
        return Gone(message, code=code, status=status)
    field_errors = {name: one.message for one in found for name in one.fields}
    if meaning is Meaning.STALE:
        return StaleVersion(message, code=code, field_errors=field_errors, status=status)
    if meaning is Meaning.MAY_EXIST:
        # Some fields may be given only when the record is made: it is there, or they are not ours.
        return MayExist(message, code=code, field_errors=field_errors, status=status)
    simple: Mapping[Meaning, type[CallError]] = {
        Meaning.RETRY: RetryLater,
        Meaning.DENIED: AccessDenied,
        Meaning.EXPIRED: AuthFailed,
        Meaning.ACTION: ActionNeeded,
    }
    if meaning in simple:
        return simple[meaning](message, code=code, status=status)
    return Rejected(message, code=code, field_errors=field_errors, status=status)


def _duplicate(object: str, found: tuple[Problem, ...], status: int | None) -> DuplicateFound:
    candidates: dict[Ref, None] = {}
    for one in found:
        candidates.update(dict.fromkeys(one.duplicates))
        if one.code != "DUPLICATES_DETECTED":
            ids = (normal_id(text) for text in _ID.findall(one.message))
            candidates.update(dict.fromkeys(Ref(object, id) for id in ids if id is not None))
    first = found[0]
    return DuplicateFound(
        f"{first.code}: {first.message}",
        candidates=tuple(candidates),
        code=first.code,
        field_errors={name: one.message for one in found for name in one.fields},
        status=status,
    )


def _ambiguous(object: str, content: object) -> DuplicateFound:
    """Several records hold the external id: the body lists their addresses."""
    texts = [one for one in content if isinstance(one, str)] if isinstance(content, list) else []
    ids = (normal_id(text.rsplit("/", 1)[-1]) for text in texts)
    return DuplicateFound(
        "several records hold this external id",
        candidates=tuple(Ref(object, id) for id in ids if id is not None),
        code="DUPLICATE_EXTERNAL_ID",
        status=300,
    )


def _limit(first: Problem, wait: timedelta | None, status: int | None) -> CallError:
    message, code = f"{first.code}: {first.message}", first.code
    if code == "REQUEST_LIMIT_EXCEEDED" and not first.message.startswith("Concurrent"):
        # A rolling day: the vendor does not say when calls come free again.
        return QuotaSpent(message, until=None, code=code, status=status)
    pause = _CONCURRENT_WAIT if code == "REQUEST_LIMIT_EXCEEDED" else wait or _THROTTLE_WAIT
    return RateLimited(message, wait=pause, limit_class=LIMIT_CLASS, code=code, status=status)


# Every exception of the SDK, by name so that looking imports nothing. STATUS means: by its status.
STATUS: Final = "status"
SDK_EXCEPTIONS: Final[Mapping[str, str | type[CallError]]] = MappingProxyType(
    {
        "SalesforceError": STATUS,
        "SalesforceMoreThanOneRecord": STATUS,
        "SalesforceMalformedRequest": STATUS,
        "SalesforceExpiredSession": STATUS,
        "SalesforceRefusedRequest": STATUS,
        "SalesforceResourceNotFound": STATUS,
        "SalesforceGeneralError": STATUS,
        "SalesforceAuthenticationFailed": AuthFailed,
        "SalesforceOperationError": UnexpectedAnswer,
        "SalesforceBulkV2LoadError": OutcomeUnknown,
        "SalesforceBulkV2ExtractError": UnexpectedAnswer,
    }
)


def sdk_error(
    error: Exception, *, effect: bool, object: str = "", wait: timedelta | None = None
) -> CallError:
    """The SDK's exception in our words."""
    rule = SDK_EXCEPTIONS.get(type(error).__name__, UnexpectedAnswer)
    if isinstance(rule, str):
        status = int(getattr(error, "status", 0) or 0)
        content = getattr(error, "content", None)
        return call_error(status, content, effect=effect, object=object, wait=wait)
    return rule(f"the SDK reported {type(error).__name__}", code="SDK_ERROR")
