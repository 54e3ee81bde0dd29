"""Error answers in HubSpot's shapes. Reference: developers.hubspot.com, "Error handling"."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from typing import Final

import orjson

from sandbox.messages import Json, Refusal, Response, json_response

PORTAL_ID: Final = 148_000_001

_CATEGORIES: Final = {
    400: "VALIDATION_ERROR",
    401: "INVALID_AUTHENTICATION",
    403: "MISSING_SCOPES",
    404: "OBJECT_NOT_FOUND",
    409: "CONFLICT",
    423: "LOCKED",
    429: "RATE_LIMITS",
    477: "MIGRATION_IN_PROGRESS",
}


class ApiError(Exception):
    """One input of a call is wrong. In a batch with trace ids it fails alone."""

    def __init__(
        self,
        message: str,
        *,
        status: int = 400,
        category: str | None = None,
        context: Mapping[str, Sequence[str]] | None = None,
        sub_category: str | None = None,
        errors: Sequence[Json] = (),
    ) -> None:
        super().__init__(message)
        self.message = message
        self.status = status
        self.category = category or _CATEGORIES.get(status, "INTERNAL_ERROR")
        self.context = dict(context or {})
        self.sub_category = sub_category
        self.errors = list(errors)

    def body(self) -> dict[str, Json]:
        """The error without its correlation id, as it also stands in a batch's ``errors``."""
        body: dict[str, Json] = {
            "status": "error",
            "message": self.message,
            "category": self.category,
        }
        if self.sub_category:
            body["subCategory"] = self.sub_category
        if self.context:
            body["context"] = {key: list(values) for key, values in self.context.items()}
        if self.errors:
            body["errors"] = self.errors
        return body

    def response(self) -> Response:
        """The answer when the whole call fails."""
        return json_response(self.status, {**self.body(), "correlationId": correlation_id()})

    def refusal(self) -> Refusal:
        """To be raised by a handler."""
        return Refusal(self.response())


def correlation_id() -> str:
    """A name for the call. Not seeded: nothing may depend on it."""
    return str(uuid.uuid4())


def invalid_values(problems: Sequence[tuple[str, str, str]]) -> ApiError:
    """The error for bad property values; each problem is (property, error code, message)."""
    listed = [
        {
            "isValid": False,
            "message": message,
            "error": error,
            "name": name,
            "localizedErrorMessage": message,
            "portalId": PORTAL_ID,
        }
        for name, error, message in problems
    ]
    text = orjson.dumps(listed).decode()
    details = [
        {"message": message, "code": error, "context": {"propertyName": [name]}}
        for name, error, message in problems
    ]
    return ApiError(f"Property values were not valid: {text}", errors=details)


def not_found(what: str = "resource not found") -> ApiError:
    """404."""
    return ApiError(what, status=404)


def bad_request(message: str) -> ApiError:
    """400 for a request that is wrong as a whole."""
    return ApiError(message)
