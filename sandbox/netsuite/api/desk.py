"""What every resource works with."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final, Protocol, TypeAlias

from sandbox.messages import Request, Response
from sandbox.netsuite.bodies import Reading
from sandbox.netsuite.books import Books
from sandbox.netsuite.errors import Detail, Refusal, content_error, header_error, parameter_error
from sandbox.netsuite.schema import RecordType
from sandbox.netsuite.values import NotJson, dump_json, parse_json
from sandbox.netsuite.writing import Writer

RECORD: Final = "/services/rest/record/v1"
JSON_TYPES: Final = frozenset({"application/json", "application/vnd.oracle.resource+json"})
RESOURCE: Final = "application/vnd.oracle.resource+json; type="
PAGE_MAX: Final = 1000
VALIDATIONS: Final = frozenset({"error", "warning", "ignore"})


class Desk(Protocol):
    """The side of the simulator that resources see."""

    @property
    def books(self) -> Books:
        """The account as it is now."""

    @property
    def denied(self) -> frozenset[str]:
        """Record types the role has no permission for."""

    def violation(self, kind: str, message: str, request: Request | None = None) -> None:
        """Note something a real vendor would object to."""


Resource: TypeAlias = Callable[[Desk, Request], Response]


@dataclass(frozen=True, slots=True)
class Endpoint:
    """A route whose handler also gets the desk. ``query``: the parameters it knows."""

    method: str
    template: str
    answer: Resource
    query: frozenset[str] = frozenset()


def base_of(request: Request) -> str:
    """Scheme and host as the caller sees them."""
    return f"http://{request.headers.get('host', 'localhost')}"


def reply(status: int, value: Any, kind: str = "singular") -> Response:
    """An answer with JSON."""
    return Response(status, dump_json(value), (), RESOURCE + kind)


def located(request: Request, path: str, status: int = 204) -> Response:
    """An answer without a body that says where the record is."""
    return Response(status, b"", (("Location", base_of(request) + path),))


def type_of(desk: Desk, name: str, *, write: bool) -> RecordType:
    """A record type by its name in the path, as far as the role may see it."""
    spec = desk.books.types.get(name)
    if spec is None:
        message = f"Record type '{name}' does not exist."
        raise Refusal(404, Detail(message, "NONEXISTENT_RECORD_TYPE", {"o:errorUrl": name}))
    if name in desk.denied:
        message = f"Permission Violation: You need a higher permission for {name}."
        raise Refusal(403, Detail(message, "INSUFFICIENT_PERMISSION", {}))
    if write and spec.access != "write":
        message = f"The record type {name} cannot be changed here."
        raise Refusal(405, Detail(message, "METHOD_NOT_ALLOWED", {"o:errorUrl": name}))
    return spec


def body_of(request: Request) -> dict[str, Any]:
    """The JSON object in the body; an empty body is an empty object."""
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if request.body and kind not in JSON_TYPES:
        message = f"Unsupported media type: {kind or 'none'}."
        raise Refusal(415, Detail(message, "UNSUPPORTED_MEDIA_TYPE", {}))
    if not request.body:
        return {}
    try:
        value = parse_json(request.body)
    except NotJson as error:
        message = f"Invalid content in the request body: {error}."
        raise Refusal(400, Detail(message, "INVALID_CONTENT", {})) from error
    if not isinstance(value, dict):
        raise content_error("A JSON object is expected.", "")
    return value


def preferences_of(request: Request) -> dict[str, str]:
    """The Prefer header, in lower case, values without quotes."""
    found = {}
    for part in request.headers.get("prefer", "").split(","):
        name, _, value = part.strip().partition("=")
        if name:
            found[name.strip().lower()] = value.strip().strip('"').lower()
    return found


def reading_of(desk: Desk, request: Request) -> Reading:
    """How the body is to be read, from the two validation headers."""

    def asked(header: str, usual: str) -> str:
        value = request.headers.get(header.lower(), usual).strip().lower()
        if value not in VALIDATIONS:
            raise header_error(f"Invalid value {value!r}.", header)
        return value

    names = asked("X-NetSuite-PropertyNameValidation", "warning")
    values = asked("X-NetSuite-PropertyValueValidation", "error")
    return Reading(desk.books, strict_names=names == "error", strict_values=values == "error")


def page_of(request: Request) -> tuple[int, int]:
    """``limit`` and ``offset``; the offset is a multiple of the limit."""
    numbers = []
    for name, usual in (("limit", PAGE_MAX), ("offset", 0)):
        text = request.first(name)
        if text is not None and not (text.isascii() and text.isdigit() and len(text) < 10):
            raise parameter_error(f"Invalid value {text!r} for {name}.", name)
        numbers.append(usual if text is None else int(text))
    limit, offset = numbers
    if not 1 <= limit <= PAGE_MAX:
        raise parameter_error(f"The limit is from 1 to {PAGE_MAX}.", "limit")
    if offset % limit:
        raise parameter_error("The offset must be divisible by the limit.", "offset")
    return limit, offset


def page_links(request: Request, limit: int, offset: int, total: int) -> list[dict[str, str]]:
    """Links of a page: itself, and its neighbours as far as there are any."""
    url = base_of(request) + request.path
    places = {"self": offset}
    if offset > 0:
        places |= {"first": 0, "previous": offset - limit}
    if offset + limit < total:
        places |= {"next": offset + limit, "last": (total - 1) // limit * limit}
    return [
        {"rel": rel, "href": f"{url}?limit={limit}&offset={place}"} for rel, place in places.items()
    ]


def writer_for(desk: Desk, reading: Reading) -> Writer:
    """A writer for one request."""
    return Writer(desk.books, reading)
