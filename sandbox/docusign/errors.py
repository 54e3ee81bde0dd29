"""Refusals: ``{"errorCode", "message"}``.

Reference: developers.docusign.com, "eSignature REST API: error codes".
"""

from __future__ import annotations

from sandbox.messages import Json, Response, json_response


class Problem(Exception):
    """A request that the account refuses."""

    def __init__(self, code: str, message: str, *, status: int = 400) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.status = status

    @property
    def details(self) -> dict[str, Json]:
        """The refusal of a part, as it travels inside a successful answer."""
        return {"errorCode": self.code, "message": self.message}

    def response(self) -> Response:
        """The refusal of a whole call."""
        return json_response(self.status, self.details)


def not_found() -> Problem:
    """No such envelope, or not one of ours."""
    text = "The envelope specified either does not exist or you have no rights to it."
    return Problem("ENVELOPE_DOES_NOT_EXIST", text, status=404)


def bad_parameter(why: str) -> Problem:
    """A query parameter that cannot stand."""
    return Problem("INVALID_REQUEST_PARAMETER", f"The request contained an invalid value: {why}")


def bad_body(why: str) -> Problem:
    """A body that cannot stand."""
    return Problem("INVALID_REQUEST_BODY", f"The request body is missing or improper: {why}")
