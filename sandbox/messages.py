"""Requests and answers as the simulators see them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Final, TypeAlias

import orjson

Json: TypeAlias = Any  # parsed JSON of unknown shape; every simulator checks before it trusts

NO_PARAMETERS: Final[Mapping[str, str]] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Request:
    """One request. Header names are lower case; ``path`` is as sent, still percent-encoded.

    ``parameters`` are the decoded path parameters of the matched route. ``stale`` asks the handler
    to answer from before the latest write (a fault of the read side).
    """

    seq: int
    method: str
    path: str
    query: tuple[tuple[str, str], ...]
    headers: Mapping[str, str]
    body: bytes
    parameters: Mapping[str, str] = field(default_factory=lambda: NO_PARAMETERS)
    stale: bool = False

    def first(self, name: str) -> str | None:
        """The first value of a query parameter."""
        return next((value for key, value in self.query if key == name), None)

    def every(self, name: str) -> tuple[str, ...]:
        """All values of a query parameter, repeated or comma-separated."""
        return tuple(
            part for key, value in self.query if key == name for part in value.split(",") if part
        )

    def json(self) -> Json:
        """The body as JSON; ``ValueError`` when it is not."""
        return orjson.loads(self.body)


@dataclass(frozen=True, slots=True)
class Response:
    """An answer. ``Content-Length`` is added when it is sent."""

    status: int
    body: bytes = b""
    headers: tuple[tuple[str, str], ...] = ()
    content_type: str = "application/json;charset=utf-8"

    def header(self, name: str) -> str | None:
        """The first value of a header, by name in any case."""
        return next((value for key, value in self.headers if key.lower() == name.lower()), None)


class Refusal(Exception):
    """Raised by a handler to answer with an error at once; nothing may have been changed yet."""

    def __init__(self, response: Response) -> None:
        super().__init__(f"refused with {response.status}")
        self.response = response


def json_response(status: int, value: Json, headers: Mapping[str, str] | None = None) -> Response:
    """An answer with a JSON body."""
    return Response(status, orjson.dumps(value), tuple((headers or {}).items()))
