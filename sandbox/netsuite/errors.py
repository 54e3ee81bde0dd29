"""Refusals in the vendor's words ("Error Handling and Error Messages", REST web services)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Final

from sandbox.messages import Response
from sandbox.netsuite.values import dump_json

TYPE: Final = "https://www.w3.org/Protocols/rfc2616/rfc2616-sec10.html"
MEDIA_TYPE: Final = "application/vnd.oracle.resource+json; type=error"
TITLES: Final[Mapping[int, str]] = MappingProxyType(
    {
        400: "Bad Request",
        401: "Unauthorized",
        403: "Forbidden",
        404: "Not Found",
        405: "Method Not Allowed",
        415: "Unsupported Media Type",
        429: "Too Many Requests",
        500: "Internal Server Error",
        502: "Bad Gateway",
        503: "Service Unavailable",
        504: "Gateway Timeout",
    }
)


@dataclass(frozen=True, slots=True)
class Detail:
    """One entry of ``o:errorDetails``. ``where`` is o:errorPath, o:errorQueryParam, …"""

    detail: str
    code: str
    where: Mapping[str, str]

    def body(self) -> dict[str, str]:
        """The entry as it is printed."""
        return {"detail": self.detail, "o:errorCode": self.code, **self.where}


class Refusal(Exception):
    """What the account answers instead of doing it."""

    def __init__(
        self,
        status: int,
        *details: Detail,
        title: str | None = None,
        headers: tuple[tuple[str, str], ...] = (),
    ) -> None:
        super().__init__("; ".join(f"{one.code}: {one.detail}" for one in details))
        self.status = status
        self.details = details
        self.title = title or TITLES.get(status, "Error")
        self.headers = headers

    def body(self) -> dict[str, Any]:
        """The error document."""
        return {
            "type": TYPE,
            "title": self.title,
            "status": self.status,
            "o:errorDetails": [one.body() for one in self.details],
        }


def content_error(message: str, path: str) -> Refusal:
    """A field of the body is wrong."""
    return Refusal(400, Detail(message, "INVALID_CONTENT", {"o:errorPath": path}))


def user_error(message: str) -> Refusal:
    """A rule of the business is broken; only the text says which."""
    whole = f"Error while accessing a resource. {message}"
    return Refusal(400, Detail(whole, "USER_ERROR", {}))


def parameter_error(message: str, parameter: str) -> Refusal:
    """A query parameter is wrong."""
    return Refusal(400, Detail(message, "INVALID_REQUEST", {"o:errorQueryParam": parameter}))


def header_error(message: str, header: str) -> Refusal:
    """A header is wrong or missing."""
    return Refusal(400, Detail(message, "INVALID_REQUEST", {"o:errorHeader": header}))


def not_found(path: str) -> Refusal:
    """There is no such record."""
    message = "The record instance does not exist. Provide a valid record instance ID."
    return Refusal(404, Detail(message, "NONEXISTENT_ID", {"o:errorUrl": path}))


def refuse(refusal: Refusal) -> Response:
    """The refusal as it travels."""
    return Response(refusal.status, dump_json(refusal.body()), refusal.headers, MEDIA_TYPE)
