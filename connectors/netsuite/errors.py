"""What NetSuite's answers mean for what happens next: one table, read from the top.

NetSuite help, "REST Web Services Error Handling" and "REST Web Services Governance". Several of
the business rules share the code USER_ERROR, so that only the text tells them apart; the patterns
are all here.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from enum import Enum
from typing import Final

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
    StaleVersion,
    UnexpectedAnswer,
)

LIMIT_CLASS: Final = "concurrency"
RECORD_LOCKED: Final = "RECORD_LOCKED"
# The answer names no wait: about a second is where the vendor's examples begin.
CONCURRENCY_WAIT: Final = timedelta(seconds=2)
_MESSAGE_MAX_CHARACTERS: Final = 500


class Meaning(Enum):
    """What an answer says about the next step."""

    RATE_LIMITED = "RateLimited: too many calls of the account at once"
    AUTH_FAILED = "a new token or signature once, then AuthFailed"
    ACCESS_DENIED = "AccessDenied: the role lacks a permission"
    RECORD_LOCKED = "Rejected RECORD_LOCKED: a workflow has locked the record"
    PERIOD_CLOSED = "Rejected PERIOD_CLOSED: the posting period is closed or locked"
    UNBALANCED = "Rejected UNBALANCED: debits and credits differ"
    STALE = "StaleVersion: someone changed the record in between"
    DUPLICATE = "DuplicateFound: the unique value is taken"
    GONE = "Gone: there is no such record"
    REJECTED = "Rejected, with the fields named where the answer does"
    OUTAGE = "reading: tried again later; writing: OutcomeUnknown"
    UNEXPECTED = "UnexpectedAnswer"


@dataclass(frozen=True, slots=True)
class Row:
    """A line of the table: it fits where status, code and text all do; empty fits anything."""

    statuses: tuple[int, ...]
    categories: tuple[str, ...]
    detail: str
    meaning: Meaning
    pattern: re.Pattern[str] | None = None

    def fits(self, status: int, problem: Problem) -> bool:
        return (
            (not self.statuses or status in self.statuses)
            and (not self.categories or problem.code in self.categories)
            and (self.pattern is None or self.pattern.search(problem.message) is not None)
        )


def _text(pattern: str) -> re.Pattern[str]:
    return re.compile(pattern, re.IGNORECASE | re.DOTALL)


TABLE: Final[tuple[Row, ...]] = (
    Row((429,), (), "", Meaning.RATE_LIMITED),
    Row(
        (),
        ("CONCURRENCY_LIMIT_EXCEEDED", "SSS_REQUEST_LIMIT_EXCEEDED", "REQUEST_LIMIT_EXCEEDED"),
        "",
        Meaning.RATE_LIMITED,
    ),
    Row((401,), (), "", Meaning.AUTH_FAILED),
    Row((403,), (), "", Meaning.ACCESS_DENIED),
    Row((404,), ("NONEXISTENT_ID", "RCRD_DSNT_EXIST"), "", Meaning.GONE),
    Row((405, 406, 415), (), "", Meaning.UNEXPECTED),
    Row((408, *range(500, 600)), (), "", Meaning.OUTAGE),
    Row((409, 412), (), "", Meaning.STALE),
    Row((), ("RCRD_HAS_BEEN_CHANGED",), "", Meaning.STALE),
    Row(
        (400,),
        (),
        "record has been changed",
        Meaning.STALE,
        _text(r"record\b.{0,30}\bha(?:s|ve) been (?:changed|modified)"),
    ),
    Row(
        (400,),
        (),
        "locked by … workflow",
        Meaning.RECORD_LOCKED,
        _text(r"locked by .{0,60}workflow|record (?:is|has been) locked"),
    ),
    Row(
        (400,),
        (),
        "period … closed, locked",
        Meaning.PERIOD_CLOSED,
        _text(
            r"\b(?:closed|locked)\b.{0,80}\bperiod\b|"
            r"\bperiod\b.{0,80}\b(?:closed|locked|not open)\b"
        ),
    ),
    Row(
        (400,),
        (),
        "balance, debits, credits",
        Meaning.UNBALANCED,
        _text(
            r"out of balance|unbalanced|(?:does|do|must|is|are) (?:not )?(?:in )?balanced?\b|"
            r"debits?\b.{0,60}\bcredits?\b.{0,60}\b(?:equal|balance|match)|"
            r"debits?\b.{0,60}\b(?:equal|balance|match).{0,60}\bcredits?\b|"
            r"(?:equal|balance|match).{0,60}\bdebits?\b.{0,60}\bcredits?\b"
        ),
    ),
    Row((), ("DUP_RCRD", "DUP_ENTITY", "UNIQUE_CUST_ID_REQD", "DUP_ITEM"), "", Meaning.DUPLICATE),
    Row(
        (400,),
        (),
        "already exists, already used",
        Meaning.DUPLICATE,
        _text(r"already (?:exists|been used|in use|used)|duplicate\b.{0,40}\b(?:record|id|name)"),
    ),
    Row((400,), ("INSUFFICIENT_PERMISSION",), "", Meaning.REJECTED),
    Row((400, 404, 422), (), "", Meaning.REJECTED),
    Row((), (), "", Meaning.UNEXPECTED),
)

_CODES: Final = {
    Meaning.RECORD_LOCKED: RECORD_LOCKED,
    Meaning.PERIOD_CLOSED: "PERIOD_CLOSED",
    Meaning.UNBALANCED: "UNBALANCED",
}


@dataclass(frozen=True, slots=True)
class Problem:
    """One entry of ``o:errorDetails``. ``path`` is the field, parameter or header it is about."""

    code: str
    message: str
    path: str = ""


def problems(body: object) -> tuple[Problem, ...]:
    """The entries of an error body; empty when the body is none we know (a page, say)."""
    details = body.get("o:errorDetails") if isinstance(body, Mapping) else None
    if not isinstance(details, list):
        return ()
    return tuple(_problem(entry) for entry in details if isinstance(entry, Mapping))


def _problem(entry: Mapping[str, object]) -> Problem:
    path = next(
        (
            entry[name]
            for name in ("o:errorPath", "o:errorQueryParam", "o:errorHeader")
            if entry.get(name)
        ),
        "",
    )
    return Problem(
        code=str(entry.get("o:errorCode") or "UNKNOWN")[:80],
        message=str(entry.get("detail") or "no reason given")[:_MESSAGE_MAX_CHARACTERS],
        path=str(path)[:200],
    )


def meaning_of(status: int, problem: Problem) -> Meaning:
    """The first row that fits decides."""
    return next(row.meaning for row in TABLE if row.fits(status, problem))


def call_error(
    status: int, body: object, *, effect: bool, wait: timedelta | None = None
) -> CallError:
    """What a call answered with an error status means.

    ``effect``: the call may have written. ``wait`` is what the answer's Retry-After asks for.
    """
    found = problems(body)
    known = bool(found)
    if not found:
        found = (Problem(f"HTTP_{status}", f"NetSuite answered {status} without a reason"),)
    # Several details in one answer: the one that says most about the next step leads.
    meanings = [meaning_of(status, one) for one in found]
    lead = min(range(len(found)), key=lambda at: (_RANK.index(meanings[at]), at))
    if not known and meanings[lead] is Meaning.REJECTED:
        # A page of somebody in between, not NetSuite's word about the record.
        return UnexpectedAnswer(found[0].message, code=found[0].code, status=status)
    return _error(meanings[lead], found[lead], found, status=status, effect=effect, wait=wait)


_RANK: Final = tuple(Meaning)


def _error(
    meaning: Meaning,
    lead: Problem,
    found: tuple[Problem, ...],
    *,
    status: int,
    effect: bool,
    wait: timedelta | None,
) -> CallError:
    message, code = f"{lead.code}: {lead.message}", lead.code
    if meaning is Meaning.OUTAGE:
        message = f"NetSuite answered {status}: {lead.message}"
        if effect:
            return OutcomeUnknown(message, code=code, status=status)
        if wait is not None:
            return RateLimited(
                message, wait=wait, limit_class=LIMIT_CLASS, code=code, status=status
            )
        return RetryLater(message, code=code, status=status)
    if meaning is Meaning.RATE_LIMITED:
        return RateLimited(
            message,
            wait=wait or CONCURRENCY_WAIT,
            limit_class=LIMIT_CLASS,
            code=code,
            status=status,
        )
    simple: Mapping[Meaning, type[CallError]] = {
        Meaning.AUTH_FAILED: AuthFailed,
        Meaning.ACCESS_DENIED: AccessDenied,
        Meaning.UNEXPECTED: UnexpectedAnswer,
    }
    if meaning in simple:
        return simple[meaning](message, code=code, status=status)
    if meaning is Meaning.GONE:
        return Gone(message, code=code, status=status)
    field_errors = {one.path: one.message for one in found if one.path}
    if meaning is Meaning.STALE:
        return StaleVersion(message, code=code, field_errors=field_errors, status=status)
    if meaning is Meaning.DUPLICATE:
        return DuplicateFound(
            message, candidates=(), code=code, field_errors=field_errors, status=status
        )
    code = _CODES.get(meaning, code)
    return Rejected(message, code=code, field_errors=field_errors, status=status)
