"""``/object-query``: filters, sorting, cursors, expansion.

Reference: developer.zuora.com, "Object Query". Field names in filters are lower case.
"""

from __future__ import annotations

import base64
import binascii
import functools
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any, Final

import orjson

from sandbox.messages import Response
from sandbox.zuora.api.desk import Call, Endpoint, json_of
from sandbox.zuora.errors import NOT_FOUND, Problem
from sandbox.zuora.objects import OBJECTS, UNINDEXED
from sandbox.zuora.values import Row, number, printable, read_date

PAGE_DEFAULT: Final = 10
PAGE_MAX: Final = 50
PAGE_REFUSED: Final = 99
_QUERY: Final = frozenset(
    {"filter[]", "sort[]", "pageSize", "cursor", "expand[]", "fields[]", "includeNullFields"}
)
_TESTS: Final[dict[str, Callable[[Any, Any], bool]]] = {
    "EQ": lambda have, wanted: have == wanted,
    "NE": lambda have, wanted: have != wanted,
    "LT": lambda have, wanted: have < wanted,
    "GT": lambda have, wanted: have > wanted,
    "LE": lambda have, wanted: have <= wanted,
    "GE": lambda have, wanted: have >= wanted,
    "SW": lambda have, wanted: str(have).startswith(str(wanted)),
}
# Fields a row may lack as long as nobody gave them a value.
_ALWAYS: Final = {
    "accounts": ("crmId", "parentId", "vATId"),
    "subscriptions": ("cancelledDate", "orderId", "cMRR"),
    "invoices": ("postedDate", "billRunId"),
    "payments": ("referenceId",),
    "refunds": ("referenceID",),
}


def _bad(message: str) -> Problem:
    return Problem(27, message, resource=500000, status=400)


def _names(call: Call, object: str, row: Row | None = None) -> dict[str, str]:
    """Lower-case name → field, from what rows have and what was defined."""
    table = call.tenant.tables[object]
    sample = row or next(iter(table.values()), {})
    names = {*sample, *_ALWAYS.get(object, ()), *call.tenant.custom_fields[object], "id",
             "createdDate", "updatedDate", OBJECTS[object].number,
             *_references(object)}  # fmt: skip
    return {name.lower(): name for name in names if name and not name.startswith("_")}


def _references(object: str) -> Iterator[str]:
    """Fields that lead to other objects: known also while the table is empty."""
    yield from (field for _, field in OBJECTS[object].parents.values())
    for spec in OBJECTS.values():
        yield from (field for other, field in spec.children.values() if other == object)


def _read_value(text: str) -> Any:
    """A filter's value as the kind of thing it looks like, tried in turn against a row's."""
    return None if text == "null" else text


def _like(have: Any, text: Any) -> Any:
    """The filter's text as the type of what the row has; 400 when it cannot be."""
    if text is None or have is None:
        return text
    try:
        match have:
            case bool():
                return {"true": True, "false": False}[text.lower()]
            case datetime():
                read = datetime.fromisoformat(text.replace(" ", "T"))
                return read if read.tzinfo else read.replace(tzinfo=UTC)
            case date():
                return read_date(text[:10])
            case Decimal() | int():
                value = number(text)
                if value is None:
                    raise ValueError(text)
                return value
    except (KeyError, ValueError) as error:
        raise _bad(f"Invalid filter value '{text}'.") from error
    return text


def _filter(call: Call, object: str, text: str) -> Callable[[Row], bool]:
    field, dot, rest = text.partition(".")
    operator, colon, value = rest.partition(":")
    if not dot or not colon:
        raise _bad(f"Invalid filter '{text}'.")
    name = _names(call, object).get(field)
    if field != field.lower():
        name = None  # the index knows lower-case names alone
    if name is None:
        raise _bad(f"Unknown filter field '{field}'.")
    if name in UNINDEXED:
        raise _bad(f"The field '{field}' is not indexed and cannot be filtered on.")
    if operator == "IN":
        wanted = [part.strip() for part in value.strip("[]").split(",")]
        return lambda row: any(row.get(name) == _like(row.get(name), part) for part in wanted)
    test = _TESTS.get(operator)
    if test is None:
        raise _bad(f"Unknown filter operator '{operator}'.")
    target = _read_value(value)

    def passes(row: Row) -> bool:
        have = row.get(name)
        if have is None or target is None:
            return test(have, target) if operator in {"EQ", "NE"} else False
        return test(have, _like(have, target))

    return passes


def _page_size(call: Call) -> int:
    text = call.request.first("pageSize") or str(PAGE_DEFAULT)
    if not text.isdigit() or not 1 <= int(text) <= PAGE_REFUSED:
        raise _bad(f"pageSize must be between 1 and {PAGE_REFUSED}.")
    if int(text) > PAGE_MAX:
        message = f"pageSize {text} is above the documented {PAGE_MAX}"
        call.simulator.violation("page_size", message, call.request)
    return min(int(text), PAGE_MAX)


def _sorting(call: Call, object: str) -> tuple[str, bool]:
    """Field and whether descending; newest first when nothing is asked."""
    wanted = call.request.every("sort[]")
    if not wanted:
        return "createdDate", True
    if len(wanted) > 1:
        raise _bad("Only one sort[] is supported.")
    field, _, direction = wanted[0].rpartition(".")
    name = _names(call, object).get(field)
    if name is None or direction not in {"ASC", "DESC"}:
        raise _bad(f"Invalid sort '{wanted[0]}'.")
    return name, direction == "DESC"


def _key(row: Row, field: str) -> tuple[str, str]:
    """What rows are ordered by; text of any value, so that cursors are plain."""
    value = row.get(field)
    if isinstance(value, (Decimal, int)) and not isinstance(value, bool):
        text = f"{Decimal(value) + 10**15:030.9f}"
    elif isinstance(value, (datetime, date)):
        text = str(printable(value))
    else:
        text = "" if value is None else str(value)
    return text, row["id"]


def _cursor(text: str) -> tuple[str, str]:
    try:
        first, second = orjson.loads(base64.urlsafe_b64decode(text))
    except (binascii.Error, ValueError) as error:
        raise _bad("Invalid cursor.") from error
    return str(first), str(second)


def _query(call: Call) -> Response:
    object = _object(call)
    size = _page_size(call)
    filters = [_filter(call, object, text) for text in _all(call, "filter[]")]
    field, descending = _sorting(call, object)
    rows = [
        row for row in call.tenant.indexed(object).values() if all(test(row) for test in filters)
    ]
    rows.sort(key=functools.partial(_key, field=field), reverse=descending)
    cursor = call.request.first("cursor")
    if cursor is not None:
        after = _cursor(cursor)
        rows = [
            row for row in rows
            if (_key(row, field) < after if descending else _key(row, field) > after)
        ]  # fmt: skip
    page = rows[:size]
    told: Row = {"data": [_tell(call, object, row, size) for row in page]}
    if len(rows) > size:
        last = orjson.dumps(_key(page[-1], field))
        told["nextPage"] = base64.urlsafe_b64encode(last).decode()
    return Response(200, json_of(call.tenant, told, query_form=True))


def _all(call: Call, name: str) -> Iterator[str]:
    """Repeated parameters; commas belong to the values here."""
    return (value for key, value in call.request.query if key == name)


def _object(call: Call) -> str:
    object = call.key("object")
    if object not in OBJECTS or not OBJECTS[object].queryable:
        raise Problem(NOT_FOUND, f"Unknown object '{object}'.", status=404)
    return object


def _one(call: Call) -> Response:
    object = _object(call)
    row = call.tenant.find(object, call.key())
    if row is None or call.tenant.indexed(object).get(row["id"]) is None:
        label = OBJECTS[object].label
        raise Problem(NOT_FOUND, f"{label} {call.key()} was not found.", status=404)
    told = _tell(call, object, call.tenant.indexed(object)[row["id"]], PAGE_MAX)
    return Response(200, json_of(call.tenant, told, query_form=True))


def _tell(call: Call, object: str, row: Row, size: int, prefix: str = "") -> Row:
    nulls = call.request.first("includeNullFields") == "true"
    chosen = _chosen(call, object, root=not prefix)
    told = {
        name: value for name, value in row.items()
        if not name.startswith("_") and (value is not None or nulls)
        and (not chosen or name.lower() in chosen)
    }  # fmt: skip
    spec = OBJECTS[object]
    for path in call.request.every("expand[]"):
        if not path.lower().startswith(prefix.lower()):
            continue
        name = path[len(prefix) :].split(".")[0]
        parents = {key.lower(): (key, value) for key, value in spec.parents.items()}
        children = {key.lower(): (key, value) for key, value in spec.children.items()}
        inner = f"{prefix}{name}."
        if name.lower() in parents:
            shown, (other, field) = parents[name.lower()]
            found = call.tenant.find(other, row.get(field))
            told[shown] = _tell(call, other, found, size, inner) if found else None
        elif name.lower() in children:
            shown, (other, field) = children[name.lower()]
            below = call.tenant.where(other, **{field: row["id"]})[:size]  # cut, without a word
            told[shown] = [_tell(call, other, child, size, inner) for child in below]
        elif not prefix:
            raise _bad(f"Unknown expand '{path}'.")
    return told


def _chosen(call: Call, object: str, *, root: bool) -> set[str]:
    wanted: set[str] = set()
    bare = object.replace("-", "").rstrip("s")
    for key, value in call.request.query:
        holder, dot, rest = key.partition(".")
        mine = holder.replace("-", "").lower().rstrip("s") == bare and rest == "fields[]"
        if (key == "fields[]" and root) or (dot and mine):
            wanted.update(part.strip().lower() for part in value.split(","))
    return wanted


ENDPOINTS: Final = (
    Endpoint("GET", "/object-query/{object}", _query, family="query", query=_QUERY),
    Endpoint("GET", "/object-query/{object}/{key}", _one, family="query", query=_QUERY),
)
