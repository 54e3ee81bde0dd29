"""The search query language. Reference: docs.stripe.com/search.

``field:"value"``, ``field~"part"``, ``field>100``, ``-field:"value"``, ``metadata["key"]:"value"``,
``field:null``, joined by AND or by OR, never by both.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from decimal import Decimal
from types import MappingProxyType
from typing import Final

from sandbox.messages import Json
from sandbox.stripe.errors import ApiError, invalid
from sandbox.stripe.listing import limit_of
from sandbox.stripe.store import Record

CLAUSES_MAX: Final = 10
FIELDS: Final = MappingProxyType(
    {
        "customers": "created email name phone",
        "invoices": "created currency customer number receipt_number status subscription total",
        "charges": "amount created currency customer disputed refunded status",
        "payment_intents": "amount created currency customer status",
        "prices": "active currency lookup_key product type",
        "products": "active description name shippable url",
        "subscriptions": "created status canceled_at",
    }
)
_CLAUSE: Final = re.compile(
    r"""\s*(?P<minus>-)?(?P<field>[a-z_.]+)(?:\[(?P<quote>["'])(?P<key>.*?)(?P=quote)\])?
    \s*(?P<sign>:|~|>=|<=|>|<)\s*
    (?:"(?P<double>(?:[^"\\]|\\.)*)"|'(?P<single>(?:[^'\\]|\\.)*)'|(?P<bare>[^\s"']+))""",
    re.VERBOSE,
)
_JOIN: Final = re.compile(r"\s+(AND|OR|and|or)\s+|\s+")
_Test = Callable[[Record], bool]


def matcher(table: str, query: str) -> _Test:
    """A test for records; 400 for a query that cannot be read."""
    tests: list[_Test] = []
    joins: set[str] = set()
    place = 0
    while place < len(query.rstrip()):
        match = _CLAUSE.match(query, place)
        if match is None:
            raise invalid(f"We were unable to parse your search query: {query}", "query")
        tests.append(_clause(table, match, query))
        place = match.end()
        join = _JOIN.match(query, place)
        if join is not None and join.end() < len(query):
            joins.add((join[1] or "AND").upper())
            place = join.end()
    if not tests or len(tests) > CLAUSES_MAX or len(joins) > 1:
        text = f"A search query has 1 to {CLAUSES_MAX} clauses, all joined by AND or all by OR"
        raise invalid(text, "query")
    some = any if joins == {"OR"} else all
    return lambda record: some(test(record) for test in tests)


def _clause(table: str, match: re.Match[str], query: str) -> _Test:
    field, key, sign = match["field"], match["key"], match["sign"]
    if field == "metadata":
        if key is None or sign in {">", "<", ">=", "<="}:
            raise invalid(f"metadata is searched as metadata['key']:'value': {query}", "query")
    elif key is not None or field not in FIELDS[table].split():
        raise invalid(f"Field `{field}` is an unsupported search field for {table}.", "query")
    quoted = match["double"] if match["double"] is not None else match["single"]
    wanted = _unescaped(quoted) if quoted is not None else match["bare"]
    null = quoted is None and wanted == "null"
    minus = match["minus"] is not None

    def test(record: Record) -> bool:
        value = (record.get("metadata") or {}).get(key) if key is not None else record.get(field)
        return _holds(value, sign, wanted, null=null) != minus

    return test


def _unescaped(text: str) -> str:
    return re.sub(r"\\(.)", r"\1", text)


def _holds(value: Json, sign: str, wanted: str, *, null: bool) -> bool:
    if null:
        return value is None
    if value is None:
        return False
    if sign == "~":
        return wanted.lower() in str(value).lower()
    if sign == ":":
        text = str(value).lower() if isinstance(value, bool) else str(value)
        return text.casefold() == wanted.casefold()
    try:
        left, right = Decimal(str(value)), Decimal(wanted)
    except ArithmeticError:
        return False
    return {">": left > right, "<": left < right, ">=": left >= right, "<=": left <= right}[sign]


def search(
    table: str, rows: Iterable[Record], params: dict[str, Json], url: str
) -> tuple[list[Record], Record]:
    """The rows of one page, and the page around them without its rows."""
    test = matcher(table, params["query"])
    limit = limit_of(params)
    start = 0
    if params.get("page"):
        if not params["page"].isdigit():
            raise ApiError(400, "Invalid search page", param="page")
        start = int(params["page"])
    found = [row for row in rows if test(row)]
    more = len(found) > start + limit
    following = str(start + limit) if more else None
    page = {"object": "search_result", "url": url, "has_more": more, "next_page": following}
    return found[start : start + limit], page
