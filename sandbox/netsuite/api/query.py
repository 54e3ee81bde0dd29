"""SuiteQL over HTTP ("Executing SuiteQL Queries Through REST Web Services")."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, tzinfo
from typing import Any, Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from sandbox.messages import Request, Response
from sandbox.netsuite.api.desk import (
    Desk,
    Endpoint,
    body_of,
    page_links,
    page_of,
    preferences_of,
    reply,
)
from sandbox.netsuite.books import Books
from sandbox.netsuite.errors import Detail, Refusal, content_error, header_error, parameter_error
from sandbox.netsuite.suiteql.engine import Engine, Result
from sandbox.netsuite.suiteql.tokens import QueryError
from sandbox.simulator import BadCommand

PATH: Final = "/services/rest/query/v1/suiteql"
ROWS_MAX: Final = 100_000


class Queries:
    """The query side of one account. ``zone`` is the one instants are shown and taken in."""

    def __init__(self) -> None:
        self.zone_name = "UTC"
        self._engine: tuple[Books, Engine] | None = None

    def clear(self) -> None:
        """Forget the copy; the next query makes a new one."""
        self._drop()
        self.zone_name = "UTC"

    def set_zone(self, name: str) -> None:
        """The company's time zone, by IANA name."""
        try:
            ZoneInfo(name)
        except (ZoneInfoNotFoundError, ValueError, OSError) as error:
            raise BadCommand(f"no time zone {name!r}") from error
        self._drop()
        self.zone_name = name

    def endpoints(self) -> Iterable[Endpoint]:
        """The one resource."""
        yield Endpoint("POST", PATH, self._run, frozenset({"limit", "offset"}))

    def _drop(self) -> None:
        if self._engine is not None:
            self._engine[1].close()
            self._engine = None

    def _engine_of(self, books: Books) -> Engine:
        if self._engine is None or self._engine[0] is not books:
            self._drop()
            zone: tzinfo = UTC if self.zone_name == "UTC" else ZoneInfo(self.zone_name)
            self._engine = (books, Engine(books, zone))
        return self._engine[1]

    def _run(self, desk: Desk, request: Request) -> Response:
        if "transient" not in preferences_of(request):
            raise header_error("The Prefer header must contain 'transient'.", "Prefer")
        limit, offset = page_of(request)
        if offset + limit > ROWS_MAX:
            raise parameter_error(f"A query returns at most {ROWS_MAX} rows.", "offset")
        text, parameters = _parts(body_of(request))
        try:
            result = self._engine_of(desk.books).run(text, parameters, (limit, offset), desk.denied)
        except QueryError as error:
            message = f"Invalid search query. Search error occurred: {error}"
            where = {"o:errorQueryParam": "q"}
            raise Refusal(400, Detail(message, "INVALID_PARAMETER", where)) from error
        _observe(desk, request, result, limit)
        total = min(result.total, ROWS_MAX)
        answer = {
            "links": page_links(request, limit, offset, total),
            "count": len(result.rows),
            "hasMore": offset + limit < total,
            "items": [{"links": [], **row} for row in result.rows],
            "offset": offset,
            "totalResults": total,
        }
        return reply(200, answer, "collection")


def _parts(body: dict[str, Any]) -> tuple[str, list[Any]]:
    text, parameters = body.get("q"), body.get("params", [])
    if not isinstance(text, str) or not text.strip():
        raise content_error("The query is missing.", "q")
    if not isinstance(parameters, list):
        raise content_error("params is expected to be a list.", "params")
    return text, parameters


def _observe(desk: Desk, request: Request, result: Result, limit: int) -> None:
    """Note what works here and hurts in a real account."""
    if result.query.everything:
        desk.violation("select_everything", "SELECT * runs into time-outs", request)
    if result.total > limit and not result.query.ordered:
        desk.violation("unordered_pages", "pages without ORDER BY lose and repeat rows", request)
