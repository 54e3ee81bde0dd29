"""Refusals in the vendor's shape. Reference: docs.stripe.com/api/errors and /error-codes."""

from __future__ import annotations

from collections.abc import Mapping

from sandbox.messages import Json, Refusal, Response, json_response


class ApiError(Exception):
    """An error answer.

    ``kept`` says that what the request did so far stays done (a declined card leaves its charge);
    otherwise everything is undone. ``stored`` says that the idempotency store remembers the
    answer: everything that was executed, nothing that failed its validation.
    """

    def __init__(
        self,
        status: int,
        message: str,
        *,
        type: str = "invalid_request_error",
        code: str | None = None,
        param: str | None = None,
        extra: Mapping[str, Json] | None = None,
        kept: bool = False,
        stored: bool = True,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.body: dict[str, Json] = {"type": type, "message": message}
        if code is not None:
            self.body["code"] = code
            self.body["doc_url"] = f"https://stripe.com/docs/error-codes/{code.replace('_', '-')}"
        if param is not None:
            self.body["param"] = param
        self.body.update(extra or {})
        self.kept, self.stored = kept, stored

    def response(self) -> Response:
        """The answer, as it goes over the wire."""
        return json_response(self.status, {"error": self.body})

    def refusal(self) -> Refusal:
        """For raising where nothing was done yet."""
        return Refusal(self.response())


def invalid(message: str, param: str | None = None, code: str | None = None) -> ApiError:
    """A parameter that cannot be; the endpoint has not begun."""
    return ApiError(400, message, param=param, code=code, stored=False)


def missing(object: str, id: str, param: str = "id") -> ApiError:
    """404 for the object of the path, 400 for one that a parameter names."""
    status = 404 if param == "id" else 400
    text = f"No such {object}: '{id}'"
    return ApiError(status, text, code="resource_missing", param=param)


def not_now(message: str, code: str | None = None, param: str | None = None) -> ApiError:
    """The object is in a state that does not allow it."""
    return ApiError(400, message, code=code, param=param)
