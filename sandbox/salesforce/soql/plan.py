"""Which rows a query has to look at, and in which order they already come.

A keyset page over ten thousand rows must not touch ten thousand rows: the plan takes the index by
(SystemModstamp, Id), by Id, or by a unique value where the WHERE clause allows it.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from sandbox.salesforce.soql import tree
from sandbox.salesforce.soql.conditions import typed
from sandbox.salesforce.table import Table
from sandbox.salesforce.values import Row

_AFTER_ALL_IDS = "~"


@dataclass(frozen=True, slots=True)
class Plan:
    """The rows to test, and whether they already come in the order asked."""

    rows: Iterable[Row]
    ordered: bool


def plan(table: Table, query: tree.Query, *, with_deleted: bool) -> Plan:
    """The cheapest safe way to the rows; the WHERE clause is still tested on each of them."""
    picked = _picked(table, query.where, with_deleted=with_deleted)
    if picked is not None:
        return Plan(picked, ordered=not query.order)
    names = tuple(
        term.path.parts[-1].lower() if len(term.path.parts) == 1 and not term.descending else ""
        for term in query.order
    )
    if not names or names == ("id",):
        after = _floor(table, query.where, "Id")
        return Plan(table.by_id(after=after), ordered=True)
    if names == ("systemmodstamp", "id"):
        since, id = _keyset_floor(table, query.where) or (None, "")
        return Plan(table.by_stamp(since=since, id=id), ordered=True)
    return Plan(table, ordered=False)


def _picked(
    table: Table, condition: tree.Condition | None, *, with_deleted: bool
) -> list[Row] | None:
    """The rows named by an equality on an indexed field that every match must satisfy.

    Ids and references find deleted rows too; the other indexes hold live values alone.
    """
    match condition:
        case tree.All(conditions):
            found = (_picked(table, part, with_deleted=with_deleted) for part in conditions)
            return next((rows for rows in found if rows is not None), None)
        case tree.Comparison(path, "=", literal):
            return _by_values(table, path, (literal,), with_deleted=with_deleted)
        case tree.Membership(path, "IN", literals, None):
            return _by_values(table, path, literals, with_deleted=with_deleted)
    return None


def _by_values(
    table: Table, path: tree.Path, literals: tuple[tree.Literal, ...], *, with_deleted: bool
) -> list[Row] | None:
    field = table.spec.field(path.parts[-1]) if len(path.parts) == 1 else None
    if field is None:
        return None
    sure = field.name == "Id" or table.is_reference(field.name)
    if not sure and (with_deleted or not table.indexed(field.name)):
        return None
    found: dict[str, Row] = {}
    for literal in literals:
        value = typed(field, literal)
        if value is None:
            return None
        for id in _holders(table, field.name, value):
            row = table.get(id)
            if row is not None:
                found[id] = row
    return [found[id] for id in sorted(found)]


def _holders(table: Table, name: str, value: Any) -> tuple[str, ...]:
    if name == "Id":
        return (value,)
    if table.is_reference(name):
        return table.pointing_at(name, value)
    return table.holders(table.spec.fields[name], value)


def _keyset_floor(table: Table, condition: tree.Condition | None) -> tuple[str, str] | None:
    """The least (SystemModstamp, Id) that any match can have; ``None`` if unknown.

    Many records share one second, so the id counts: a row of that second below it cannot match.
    """
    if isinstance(condition, tree.Any):
        lows = [_keyset_floor(table, part) for part in condition.conditions]
        return None if None in lows else min(low for low in lows if low is not None)
    stamp = _floor(table, condition, "SystemModstamp")
    if stamp is None:
        return None
    if isinstance(condition, tree.Comparison) and condition.operator == ">":
        return stamp, _AFTER_ALL_IDS
    return stamp, _floor(table, condition, "Id") or ""


def _floor(table: Table, condition: tree.Condition | None, name: str) -> str | None:
    """The least value of the field that any match can have; ``None`` if unknown."""
    match condition:
        case tree.All(conditions):
            known = [low for part in conditions if (low := _floor(table, part, name)) is not None]
            return max(known, default=None)
        case tree.Any(conditions):
            lows = [_floor(table, part, name) for part in conditions]
            return None if None in lows else min(low for low in lows if low is not None)
        case tree.Comparison(path, ">" | ">=" | "=", literal) if literal.kind != "relative":
            if len(path.parts) == 1 and path.parts[0].lower() == name.lower():
                value: str | None = typed(table.spec.fields[name], literal)
                return value
    return None
