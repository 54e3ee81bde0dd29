"""A refusal in the vendor's words: code, message, fields, and the HTTP status it travels under."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Final

_STATUS: Final[Mapping[str, int]] = MappingProxyType(
    {
        "INVALID_SESSION_ID": 401,
        "REQUEST_LIMIT_EXCEEDED": 403,
        "INSUFFICIENT_ACCESS": 403,
        "INSUFFICIENT_ACCESS_OR_READONLY": 403,
        "API_DISABLED_FOR_ORG": 403,
        "NOT_FOUND": 404,
        "ENTITY_IS_DELETED": 404,
        "METHOD_NOT_ALLOWED": 405,
        "UNSUPPORTED_API_VERSION": 410,
        "UNSUPPORTED_MEDIA_TYPE": 415,
        "UNKNOWN_EXCEPTION": 500,
        "SERVER_UNAVAILABLE": 503,
    }
)


class Refusal(Exception):
    """What the platform answers instead of doing it ("Status codes and error responses")."""

    def __init__(
        self,
        code: str,
        message: str,
        *fields: str,
        more: Mapping[str, Any] | None = None,
        status: int | None = None,
    ) -> None:
        super().__init__(f"{code}: {message}")
        self.code = code
        self.message = message
        self.fields = fields
        self.more = dict(more or {})
        self.status = status or _STATUS.get(code, 400)

    def body(self) -> list[dict[str, Any]]:
        """The list that a single call answers; ``fields`` only where the error is about fields."""
        entry: dict[str, Any] = {"message": self.message, "errorCode": self.code}
        if self.fields:
            entry["fields"] = list(self.fields)
        return [{**entry, **self.more}]

    def row(self) -> dict[str, Any]:
        """The entry of a collection's result: ``statusCode`` here, ``errorCode`` elsewhere."""
        return {
            "statusCode": self.code,
            "message": self.message,
            "fields": list(self.fields),
            **self.more,
        }


_USUAL: Final[Mapping[int, tuple[str, str]]] = MappingProxyType(
    {
        401: ("INVALID_SESSION_ID", "Session expired or invalid"),
        403: ("REQUEST_LIMIT_EXCEEDED", "TotalRequests Limit exceeded."),
        404: ("NOT_FOUND", "The requested resource does not exist"),
        400: ("UNABLE_TO_LOCK_ROW", "unable to obtain exclusive access to this record"),
    }
)


def usual(status: int) -> Refusal:
    """The refusal that most often travels under a status."""
    default = ("UNKNOWN_EXCEPTION", "An unexpected error occurred. ErrorId: 1-1 (1)")
    code, message = _USUAL.get(status, default)
    return Refusal(code, message, status=status)
