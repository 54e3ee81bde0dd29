"""Data Query: SQL that runs later, its rows in a file behind a signed address.

Reference: developer.zuora.com, "Data Query". Tables are the lower-case object names.
"""

from __future__ import annotations

import re
import sqlite3
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from typing import Any, Final

import orjson

from sandbox.messages import Response
from sandbox.zuora.api.desk import Call, Endpoint
from sandbox.zuora.errors import NOT_FOUND, Problem, missing
from sandbox.zuora.objects import OBJECTS
from sandbox.zuora.tenant import Tenant, made_id
from sandbox.zuora.values import Row, printable

_LITERAL: Final = re.compile(r"\b(?:timestamp|date)\s+(?=')", re.IGNORECASE)
_STATES: Final = ("accepted", "in_progress", "completed")


@dataclass
class Query:
    """One submitted query; its state moves each time one asks."""

    id: str
    sql: str
    asked: int = 0
    cancelled: bool = False
    rows: list[Row] | None = None
    error: str | None = None


@dataclass
class Queries:
    """All submitted queries of a tenant."""

    tenant: Tenant
    queries: dict[str, Query] = field(default_factory=dict)

    def add(self, sql: str) -> Query:
        """Take a query in."""
        query = Query(made_id("query", len(self.queries) + 1), sql)
        self.queries[query.id] = query
        return query

    def status(self, query: Query) -> str:
        """Where a query stands; it runs when it is asked for the second time."""
        if query.cancelled:
            return "cancelled"
        if query.asked >= len(_STATES) - 1 and query.rows is None and query.error is None:
            self._run(query)
        if query.error is not None:
            return "failed"
        return _STATES[min(query.asked, len(_STATES) - 1)]

    def _run(self, query: Query) -> None:
        database = sqlite3.connect(":memory:")
        try:
            _fill(database, self.tenant)
            cursor = database.execute(_LITERAL.sub("", query.sql))
            names = [column[0] for column in cursor.description or ()]
            query.rows = [
                {name: _number(value) for name, value in zip(names, row, strict=True)}
                for row in cursor
            ]
        except sqlite3.Error as error:
            query.error = f"line 1: {error}"
        finally:
            database.close()


def _table(object: str) -> str:
    """``invoice-items`` → ``invoiceitem``."""
    return OBJECTS[object].label.lower()


def _fill(database: sqlite3.Connection, tenant: Tenant) -> None:
    for object, spec in OBJECTS.items():
        if not spec.queryable:
            continue
        rows = list(tenant.rows(object))
        names = {name.lower(): name for row in rows for name in row if not name.startswith("_")}
        names = names or {"id": "id"}
        columns = ", ".join(f'"{name}"' for name in names)
        database.execute(f'CREATE TABLE "{_table(object)}" ({columns})')
        marks = ", ".join("?" for _ in names)
        values = [[_plain(row.get(name)) for name in names.values()] for row in rows]
        statement = f'INSERT INTO "{_table(object)}" VALUES ({marks})'  # noqa: S608 - our own names
        database.executemany(statement, values)


def _plain(value: Any) -> Any:
    match value:
        case Decimal():
            return float(value)
        case datetime() | date():
            return str(printable(value))
        case list() | dict():
            return str(value)
    return value


def _number(value: Any) -> Any:
    """Sums of binary fractions, back to the cents they came from."""
    return round(value, 6) if isinstance(value, float) else value


def _submit(call: Call) -> Row:
    fields = call.known(
        "query", "outputFormat", "compression", "output", "sourceData", "columnSeparator",
        "encryptionKey", "useIndexJoin", "readDeleted",
    )  # fmt: skip
    if not fields.has("query"):
        raise missing("query")
    sql = fields.need("query", max=100_000).strip()
    if not sql.lower().startswith(("select", "with", "show", "describe")):
        raise Problem(20, "Only SELECT statements are supported.", status=400)
    if (fields.part("output") or fields).text("target") != "S3":
        raise Problem(20, "output.target must be S3.", status=400)
    fields.choice("outputFormat", ("JSON",))
    fields.choice("compression", ("NONE",))
    return {"data": _told(call, call.simulator.queries.add(sql))}


def _told(call: Call, query: Query) -> Row:
    status = call.simulator.queries.status(query)
    told: Row = {
        "id": query.id, "query": query.sql, "queryStatus": status, "sourceData": "LIVE",
        "remainingRetries": 3, "outputRows": len(query.rows or ()),
    }  # fmt: skip
    if status == "completed":
        host = call.request.headers.get("host", "localhost")
        sign = made_id("signature", query.id)
        told["dataFile"] = f"http://{host}/signed-files/{query.id}?X-Amz-Signature={sign}"
    if query.error is not None:
        told["errorMessage"] = query.error
    return told


def _find(call: Call) -> Query:
    query = call.simulator.queries.queries.get(call.key())
    if query is None:
        raise Problem(NOT_FOUND, "The query job was not found.", status=404)
    return query


def _job(call: Call) -> Row:
    query = _find(call)
    query.asked += 1
    return {"data": _told(call, query)}


def _cancel(call: Call) -> Row:
    query = _find(call)
    query.cancelled = query.rows is None
    return {"data": _told(call, query)}


def _jobs(call: Call) -> Row:
    queries = reversed(list(call.simulator.queries.queries.values()))
    return {"data": [_told(call, query) for query in queries]}


def _file(call: Call) -> Response:
    """The file itself, at the storage provider: its address is all the right one needs."""
    if "authorization" in call.request.headers:
        text = "a bearer token was sent to a signed address"
        call.simulator.violation("authorization_on_signed_url", text, call.request)
        body = b"<Error><Code>InvalidArgument</Code></Error>"
        return Response(400, body, (), "application/xml")
    query = call.simulator.queries.queries.get(call.key())
    sign = call.request.first("X-Amz-Signature")
    if query is None or query.rows is None or sign != made_id("signature", query.id):
        body = b"<Error><Code>AccessDenied</Code></Error>"
        return Response(403, body, (), "application/xml")
    lines = b"".join(orjson.dumps(row) + b"\n" for row in query.rows)
    return Response(200, lines, (), "application/x-ndjson")


ENDPOINTS: Final = (
    Endpoint("POST", "/query/jobs", _submit, family="query"),
    Endpoint("GET", "/query/jobs", _jobs, family="query",
             query=frozenset({"pageSize", "queryStatus"})),
    Endpoint("GET", "/query/jobs/{key}", _job, family="query"),
    Endpoint("DELETE", "/query/jobs/{key}", _cancel, family="query"),
    Endpoint("GET", "/signed-files/{key}", _file, query=frozenset({"X-Amz-Signature"}), open=True),
)  # fmt: skip
