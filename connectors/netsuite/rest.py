"""Calls to one account: signed, a few at a time, refused answers told in our errors."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from connectors.errors import (
    AuthFailed,
    CallError,
    OutcomeUnknown,
    RateLimited,
    UnexpectedAnswer,
)
from connectors.http import HttpResponse, Json, Transport, redact, retry_after
from connectors.netsuite.errors import CONCURRENCY_WAIT, LIMIT_CLASS, call_error
from connectors.netsuite.suiteql import Query
from connectors.netsuite.tokens import Authorizer
from connectors.transport_json import loads_strict

RECORDS: Final = "/services/rest/record/v1"
SUITEQL: Final = "/services/rest/query/v1/suiteql"
ROWS_MAX: Final = 1_000

_SLOT_SECONDS: Final = 30.0
# Refused before anything was sent; sent elsewhere by the vendor.
_SAYS_ENOUGH: Final = frozenset({"URL_REFUSED", "REDIRECT"})
# A misspelt property is refused instead of left out in silence, which is the vendor's default.
_WRITE_HEADERS: Final = {
    "Content-Type": "application/json",
    "X-NetSuite-PropertyNameValidation": "Error",
    "X-NetSuite-PropertyValueValidation": "Error",
}
_QUERY_HEADERS: Final = {"Content-Type": "application/json", "Prefer": "transient"}

Row = Mapping[str, object]


@dataclass(frozen=True, slots=True)
class Rows:
    """A page of a query, columns in lower case."""

    rows: tuple[Row, ...]
    more: bool


@dataclass(frozen=True, slots=True)
class _Call:
    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: bytes | None
    effect: bool


class Rest:
    """One account. Safe to use from several threads; at most ``concurrency`` calls are out.

    ``secrets`` are masked in whatever the account answers.
    """

    def __init__(
        self,
        transport: Transport,
        authorizer: Authorizer,
        now: Callable[[], datetime],
        *,
        concurrency: int,
        secrets: tuple[str, ...],
        slot_seconds: float = _SLOT_SECONDS,
    ) -> None:
        self._transport = transport
        self._authorizer = authorizer
        self._now = now
        self._slots = threading.BoundedSemaphore(concurrency)
        self._secrets = secrets
        self._slot_seconds = slot_seconds

    def get(self, path: str, query: Mapping[str, str] | None = None) -> Json:
        """Read below the record API. Raises ``CallError``."""
        headers = {"Accept": "application/json"}
        call = _Call("GET", f"{RECORDS}/{path}", query or {}, headers, None, effect=False)
        response = self._answered(call)
        if response.status != 200:
            raise _odd(response.status)
        return response.json()

    def query(self, query: Query, limit: int) -> Rows:
        """The first page of a query. One call, which changes nothing."""
        size = max(1, min(limit, ROWS_MAX))
        body = _query_body(query)
        call = _Call(
            "POST",
            SUITEQL,
            {"limit": str(size), "offset": "0"},
            {**_QUERY_HEADERS, "Accept": "application/json"},
            body,
            effect=False,
        )
        response = self._answered(call)
        if response.status != 200:
            raise _odd(response.status)
        return _rows(response.json())

    def send(
        self, method: str, path: str, query: Mapping[str, str], body: str | None
    ) -> HttpResponse:
        """Write; the answer is a 204. A lost or unreadable one is ``OutcomeUnknown``."""
        data = None if body is None else body.encode()
        headers = _WRITE_HEADERS if data is not None else {}
        call = _Call(method, f"{RECORDS}/{path}", query, headers, data, effect=True)
        try:
            response = self._answered(call)
            if response.status != 204:
                raise _odd(response.status)
        except UnexpectedAnswer as error:
            if error.code in _SAYS_ENOUGH or (error.status is not None and error.status >= 400):
                raise
            raise OutcomeUnknown(error.message, code=error.code, status=error.status) from None
        return response

    def _answered(self, call: _Call) -> HttpResponse:
        """The answer. After a refused sign-in once more, with a new token or signature."""
        with self._slot():
            try:
                return self._once(call)
            except AuthFailed as error:
                if error.status != 401 or error.code == "PRIVATE_KEY_UNREADABLE":
                    raise
            return self._once(call)

    def _once(self, call: _Call) -> HttpResponse:
        url = f"{self._transport.base_url}{call.path}"
        header = self._authorizer.header(call.method, url, call.query)
        response = self._transport.request(
            call.method,
            call.path,
            query=call.query,
            headers={**call.headers, "Authorization": header},
            body=call.body,
            effect=call.effect,
        )
        if response.status < 400:
            return response
        if response.status == 401:
            self._authorizer.refused(header)
        raise self._refusal(response, header, effect=call.effect)

    def _refusal(self, response: HttpResponse, header: str, *, effect: bool) -> CallError:
        asked = response.header("retry-after")
        wait = retry_after(asked, self._now(), otherwise=CONCURRENCY_WAIT) if asked else None
        error = call_error(response.status, _body(response), effect=effect, wait=wait)
        shown = (*self._secrets, header, header.removeprefix("Bearer "))
        error.message = redact(error.message, shown)
        error.args = (error.message,)
        return error

    @contextmanager
    def _slot(self) -> Iterator[None]:
        if not self._slots.acquire(timeout=self._slot_seconds):
            raise RateLimited(
                "every call this connection may make at once is still out",
                wait=CONCURRENCY_WAIT,
                limit_class=LIMIT_CLASS,
                code="ALL_SLOTS_TAKEN",
                status=None,
            )
        try:
            yield
        finally:
            self._slots.release()


def _query_body(query: Query) -> bytes:
    body: dict[str, object] = {"q": query.text}
    if query.values:
        body["params"] = list(query.values)
    return json.dumps(body, ensure_ascii=False).encode()


def _body(response: HttpResponse) -> object:
    try:
        return loads_strict(response.body)
    except ValueError:
        return None


def _rows(body: Json) -> Rows:
    items = body.get("items") if isinstance(body, dict) else None
    more = body.get("hasMore") if isinstance(body, dict) else None
    if not isinstance(items, list) or not isinstance(more, bool):
        raise UnexpectedAnswer("a query was answered without rows or its end", code="QUERY_SHAPE")
    rows: list[Row] = []
    for item in items:
        if not isinstance(item, dict):
            raise UnexpectedAnswer("a query was answered with odd rows", code="QUERY_SHAPE")
        rows.append({name.lower(): value for name, value in item.items() if name != "links"})
    return Rows(tuple(rows), more)


def _odd(status: int) -> UnexpectedAnswer:
    return UnexpectedAnswer(
        f"NetSuite answered {status}, which means nothing here", code="STATUS", status=status
    )
