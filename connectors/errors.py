"""Errors named by what happens next.

::

    CallError                        one call, or one record of a batch, did not succeed
    ├── RetryLater                   nothing happened; try the same again
    │   └── RateLimited              … not before ``wait`` has passed; uses up no try
    ├── OutcomeUnknown               it may or may not have happened; look before sending again
    │   └── OutcomePending           the vendor has taken it as a job; collect the answer by token
    ├── Rejected                     the system refused this record; a person must change something
    │   ├── StaleVersion             someone changed the record since we read it; read again
    │   ├── DuplicateFound           another record holds the unique value; ``candidates`` say which
    │   ├── MayExist                 an upsert may have met its own record; look before asking
    │   └── Gone                     the record no longer exists, or goes on as another one
    ├── ActionNeeded                 the connection is unusable until a person acts; it is paused
    │   ├── AuthFailed
    │   ├── AccessDenied
    │   └── QuotaSpent               … until ``until``, when the vendor's allowance starts anew
    └── UnexpectedAnswer             the answer is not one we know; treated as unknown for a write
    ForgedRequest                    a webhook that is not provably the vendor's; answered 4xx

Messages are for people and may quote the vendor; they never carry a secret. ``code`` is the
vendor's or ours, stable, upper case; ``request_id`` is the vendor's name for the call.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from connectors.records import Ref


class CallError(Exception):
    """A call, or one record of a batch, did not succeed."""

    def __init__(
        self, message: str, *, code: str, request_id: str | None = None, status: int | None = None
    ) -> None:
        super().__init__(message)
        self.message = message
        self.code = code
        self.request_id = request_id
        self.status = status


class RetryLater(CallError):
    """Nothing happened; the same call may succeed later."""


class RateLimited(RetryLater):
    """The vendor asks for a pause of ``wait``; the limit it belongs to is ``limit_class``."""

    def __init__(
        self,
        message: str,
        *,
        wait: timedelta,
        limit_class: str = "default",
        code: str = "RATE_LIMITED",
        request_id: str | None = None,
        status: int | None = 429,
    ) -> None:
        super().__init__(message, code=code, request_id=request_id, status=status)
        self.wait = wait
        self.limit_class = limit_class


class OutcomeUnknown(CallError):
    """The write was sent and its answer never arrived whole."""


class OutcomePending(OutcomeUnknown):
    """The vendor has taken the write as a job: ask what became of it by ``token``.

    Not before ``again_after`` has passed. See :class:`connectors.base.Collects`.
    """

    def __init__(
        self, message: str, *, token: str, again_after: timedelta, code: str = "AT_WORK"
    ) -> None:
        super().__init__(message, code=code, request_id=token)
        self.token = token
        self.again_after = again_after


class Rejected(CallError):
    """The system refused the record. ``field_errors`` maps field names to the vendor's reason."""

    def __init__(
        self,
        message: str,
        *,
        code: str,
        field_errors: dict[str, str] | None = None,
        request_id: str | None = None,
        status: int | None = None,
    ) -> None:
        super().__init__(message, code=code, request_id=request_id, status=status)
        self.field_errors = dict(field_errors or {})


class StaleVersion(Rejected):
    """The record changed since it was read."""


class DuplicateFound(Rejected):
    """Another record already holds a unique value."""

    def __init__(
        self,
        message: str,
        *,
        candidates: tuple[Ref, ...],
        code: str = "DUPLICATE_FOUND",
        field_errors: dict[str, str] | None = None,
        request_id: str | None = None,
        status: int | None = None,
    ) -> None:
        super().__init__(
            message, code=code, field_errors=field_errors, request_id=request_id, status=status
        )
        self.candidates = candidates


class MayExist(Rejected):
    """An upsert was refused as it is where it finds the record: a field may only be given once.

    Whether the record is there is not certain: the field may be one we may never write.
    """


class Gone(Rejected):
    """The record no longer exists. ``successor`` is set where the vendor says what it became."""

    def __init__(
        self,
        message: str,
        *,
        code: str = "GONE",
        successor: Ref | None = None,
        request_id: str | None = None,
        status: int | None = None,
    ) -> None:
        super().__init__(message, code=code, request_id=request_id, status=status)
        self.successor = successor


class ActionNeeded(CallError):
    """No call of this connection can succeed until a person acts."""


class AuthFailed(ActionNeeded):
    """The credentials are not accepted."""


class AccessDenied(ActionNeeded):
    """The credentials are accepted but lack a permission."""


class QuotaSpent(ActionNeeded):
    """The account's allowance is used up until ``until`` (``None``: the vendor does not say)."""

    def __init__(
        self,
        message: str,
        *,
        until: datetime | None,
        code: str = "QUOTA_SPENT",
        request_id: str | None = None,
        status: int | None = None,
    ) -> None:
        super().__init__(message, code=code, request_id=request_id, status=status)
        self.until = until


class UnexpectedAnswer(CallError):
    """The answer has a shape or status that the connector does not know."""


class ForgedRequest(Exception):
    """A webhook request that is not provably the vendor's. ``status`` is what to answer (4xx)."""

    def __init__(self, reason: str, *, status: int = 401) -> None:
        super().__init__(reason)
        self.reason = reason
        self.status = status
