"""What every resource works with, and how an answer is put together."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Protocol, TypeAlias

from sandbox.messages import Request, Response
from sandbox.salesforce.errors import Refusal
from sandbox.salesforce.org import Org
from sandbox.salesforce.schema import FieldSpec, ObjectSpec
from sandbox.salesforce.values import dump_json, parse_json
from sandbox.salesforce.writing import Saved, Writer

DATA: Final = "/services/data/{version}"


class Desk(Protocol):
    """The side of the simulator that resources see."""

    @property
    def org(self) -> Org:
        """The org as it is now."""

    @property
    def field_permissions(self) -> str:
        """``granted``: new fields are visible at once; ``manual``: a person must permit them."""

    @property
    def hidden_fields(self) -> dict[str, FieldSpec]:
        """Fields that exist and nobody may see yet, by ``Object.Field``."""

    def inside(self, request: Request) -> Response:
        """Carry out a part of a composite request: routed, but neither charged nor signed in."""

    def violation(self, kind: str, message: str, request: Request | None = None) -> None:
        """Note something a real vendor would object to."""

    def expect_keys(self, request: Request, value: Any, allowed: Any, where: str) -> None:
        """Note keys the vendor does not document."""


Resource: TypeAlias = Callable[[Desk, Request], Response]


@dataclass(frozen=True, slots=True)
class Endpoint:
    """A route whose handler also gets the desk. ``query``: the parameters it knows."""

    method: str
    template: str
    answer: Resource
    query: frozenset[str] = field(default=frozenset())
    open: bool = False


def reply(status: int, value: Any = None, headers: Mapping[str, str] | None = None) -> Response:
    """An answer with JSON, or without a body when there is nothing to say."""
    body = b"" if status in {204, 304} else dump_json(value)
    return Response(status, body, tuple((headers or {}).items()))


def refuse(refusal: Refusal) -> Response:
    """A refusal as the single-record resources print it."""
    return reply(refusal.status, refusal.body())


def version_of(request: Request) -> str:
    """``67.0`` out of ``/services/data/v67.0/…``."""
    return request.parameters["version"].removeprefix("v")


def object_of(desk: Desk, request: Request) -> ObjectSpec:
    """The object named in the path; NOT_FOUND otherwise."""
    spec = desk.org.schema.object(request.parameters["object"])
    if spec is None:
        raise Refusal("NOT_FOUND", "The requested resource does not exist")
    return spec


def body_of(request: Request) -> dict[str, Any]:
    """The JSON object in the body."""
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != "application/json":
        message = f"Content-Type header specified in HTTP request is not supported: {kind}"
        raise Refusal("UNSUPPORTED_MEDIA_TYPE", message)
    value = parse_json(request.body)
    if not isinstance(value, dict):
        raise Refusal("JSON_PARSER_ERROR", "The HTTP entity body is required to be a JSON object")
    return value


def objects_in(body: Mapping[str, Any], key: str, most: int) -> list[dict[str, Any]]:
    """The list of 1 to ``most`` JSON objects under a key of a body."""
    value = body.get(key)
    if not isinstance(value, list) or not all(isinstance(item, dict) for item in value):
        raise Refusal("JSON_PARSER_ERROR", f"{key} is required to be a list of objects")
    if not 0 < len(value) <= most:
        raise Refusal("LIMIT_EXCEEDED", f"{key}: 1 to {most} entries are allowed")
    return value


def inside_of(value: Any, key: str) -> dict[str, Any]:
    """The JSON object under a key, or an empty one if there is none."""
    found = value.get(key) if isinstance(value, dict) else None
    return found if isinstance(found, dict) else {}


def header_option(request: Request, header: str, option: str) -> str | None:
    """One ``key=value`` of a header like ``Sforce-Query-Options: batchSize=200``."""
    for part in request.headers.get(header.lower(), "").replace(";", ",").split(","):
        key, _, value = part.partition("=")
        if key.strip().lower() == option.lower():
            return value.strip()
    return None


def writer_for(desk: Desk, request: Request) -> Writer:
    """A writer that heeds the request's headers."""
    allowed = header_option(request, "Sforce-Duplicate-Rule-Header", "allowSave")
    return Writer(desk.org, allow_duplicates=(allowed or "").lower() == "true")


def noted(desk: Desk, saved: Saved) -> Saved:
    """Count a write of the API."""
    what = "creates" if saved.created else "changing_updates"
    desk.org.note(saved.row["Id"], what if saved.created or saved.changed else "unchanged_updates")
    return saved
