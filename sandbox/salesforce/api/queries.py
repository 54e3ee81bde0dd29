"""``/query`` and ``/queryAll`` with locators that live two days ("Query", REST API guide)."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from sandbox.messages import Request, Response
from sandbox.salesforce.api.desk import DATA, Desk, Endpoint, header_option, reply, version_of
from sandbox.salesforce.errors import Refusal
from sandbox.salesforce.feeds import purge
from sandbox.salesforce.ids import numbered
from sandbox.salesforce.soql.parser import parse
from sandbox.salesforce.soql.select import Selected, Selection

BATCH_MAX: Final = 2000
_LOCATOR: Final = re.compile(r"(01g[A-Za-z0-9]{12,15})-(\d{1,9})", re.ASCII)
_LIFETIME: Final = timedelta(days=2)


@dataclass(frozen=True, slots=True)
class OpenQuery:
    """A result that is being paged through: fixed when the query ran."""

    selected: Selected
    resource: str
    batch_size: int
    ends_at: datetime


class Queries:
    """Runs queries and keeps the open ones."""

    def __init__(self) -> None:
        self._open: dict[str, OpenQuery] = {}
        self._opened = 0
        self._purge_at: datetime | None = None

    def forget(self) -> None:
        """Lose every open query, as after a maintenance of the platform."""
        self._open.clear()

    def run(self, desk: Desk, request: Request) -> Response:
        """The first page of a query."""
        text = request.first("q")
        if text is None:
            raise Refusal("MALFORMED_QUERY", "SOQL statement is required: q")
        with_deleted = request.path.rstrip("/").lower().endswith("/queryall")
        now = desk.org.now()
        if self._purge_at is None or now >= self._purge_at:
            purge(desk.org)
            self._purge_at = now + timedelta(hours=1)
        selection = Selection(desk.org, version_of(request), now, with_deleted=with_deleted)
        try:
            selected = selection.run(parse(text))
        except Refusal as refusal:
            if refusal.code == "MALFORMED_QUERY":
                desk.violation("malformed_query", refusal.message.splitlines()[-1], request)
            raise
        size = header_option(request, "Sforce-Query-Options", "batchSize") or ""
        batch = min(max(int(size), 200), BATCH_MAX) if size.isdigit() else BATCH_MAX
        resource = "queryAll" if with_deleted else "query"
        query = OpenQuery(selected, resource, batch, now + _LIFETIME)
        return self._page(request, "", query, 0)

    def more(self, desk: Desk, request: Request) -> Response:
        """A following page by its locator."""
        match = _LOCATOR.fullmatch(request.parameters["locator"])
        query = self._open.get(match[1]) if match else None
        if match is None or query is None or desk.org.now() >= query.ends_at:
            raise Refusal("INVALID_QUERY_LOCATOR", "invalid query locator")
        start = int(match[2])
        if start >= len(query.selected.rows):
            raise Refusal("INVALID_QUERY_LOCATOR", "invalid query locator")
        return self._page(request, match[1], query, start)

    def _page(self, request: Request, locator: str, query: OpenQuery, start: int) -> Response:
        selected = query.selected
        end = start + query.batch_size
        answer: dict[str, Any] = {
            "totalSize": selected.count,
            "done": end >= len(selected.rows),
            "records": [selected.print(row) for row in selected.rows[start:end]],
        }
        if not answer["done"]:
            if not locator:
                self._opened += 1
                locator = numbered("01g", self._opened)
                self._open[locator] = query
            base = f"/services/data/v{version_of(request)}/{query.resource}"
            answer["nextRecordsUrl"] = f"{base}/{locator}-{end}"
        return reply(200, answer)

    def endpoints(self) -> tuple[Endpoint, ...]:
        """The routes."""
        known = frozenset({"q"})
        return (
            Endpoint("GET", DATA + "/query", self.run, known),
            Endpoint("GET", DATA + "/queryAll", self.run, known),
            Endpoint("GET", DATA + "/query/{locator}", self.more),
            Endpoint("GET", DATA + "/queryAll/{locator}", self.more),
        )
