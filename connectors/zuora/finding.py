"""Searching by value, looking up what we wrote, roots and children."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import Final

from connectors.base import FieldType
from connectors.errors import DuplicateFound, Rejected
from connectors.records import (
    Absent,
    Found,
    Identity,
    Lookup,
    NotYetKnowable,
    Record,
    Ref,
    Selection,
)
from connectors.zuora import query
from connectors.zuora.objects import LAG
from connectors.zuora.operations import own_number
from connectors.zuora.query import Row
from connectors.zuora.reading import (
    COMPUTED,
    Shown,
    Source,
    latest,
    plain_fields,
    read_records,
    records_of,
    v1_body,
)
from connectors.zuora.related import child_rows, numbers_by_id
from connectors.zuora.vocabulary import Kind, kind_of

# An order that is still being made; afterwards it is one of the other states ("Orders").
RUNNING: Final = frozenset({"Executing", "Processing"})
RUNNING_WAIT: Final = timedelta(seconds=30)
_ROOT_FIELDS: Final[Mapping[tuple[str, str], str]] = MappingProxyType(
    {
        ("contacts", "accounts"): "accountId",
        ("subscriptions", "accounts"): "accountId",
        ("orders", "accounts"): "accountId",
        ("invoices", "accounts"): "accountId",
        ("payments", "accounts"): "accountId",
        ("credit_memos", "accounts"): "accountId",
        ("refunds", "accounts"): "accountId",
        ("rate_plans", "subscriptions"): "subscriptionId",
        ("rate_plan_charges", "subscriptions"): "subscriptionId",
        ("invoice_items", "invoices"): "invoiceId",
        ("payment_applications", "invoices"): "invoiceId",
        ("payment_applications", "payments"): "paymentId",
        ("credit_memo_items", "credit_memos"): "creditMemoId",
        ("credit_memo_applications", "credit_memos"): "creditMemoId",
        ("credit_memo_applications", "invoices"): "invoiceId",
        ("product_rate_plans", "products"): "productId",
        ("product_rate_plan_charges", "product_rate_plans"): "productRatePlanId",
    }
)


def search_records(
    source: Source,
    selection: Selection,
    queries: Sequence[Mapping[str, str]],
    limit_each: int,
) -> tuple[tuple[Record, ...], ...]:
    """For each query the records that fit, at most ``limit_each``; one call per query at least."""
    kind = kind_of(selection.object)
    return tuple(_search(source, kind, selection, one, limit_each) for one in queries)


def _search(
    source: Source, kind: Kind, selection: Selection, wanted: Mapping[str, str], limit_each: int
) -> tuple[Record, ...]:
    if not wanted or any(not value.strip() for value in wanted.values()):
        return ()
    for name in wanted:
        if not kind.known(name):
            raise Rejected(f"{kind.name} have no field {name!r}", code="INVALID_FIELD")
    rows: dict[str, Row] = {}
    for filters in _filters(kind, wanted):
        for row in query.all_rows(source.rest, kind, filters):
            if all(_fits(query.cell(kind, row, name), value) for name, value in wanted.items()):
                rows[query.internal_id(row) or query.key_of(kind, row)] = row
    by_key: dict[str, list[Row]] = {}
    for row in rows.values():
        by_key.setdefault(query.key_of(kind, row), []).append(row)
    if kind.versioned:
        shown = list(latest(source, kind, by_key).values())
    else:
        shown = [Shown(key, found[0]) for key, found in by_key.items()]
    return records_of(source, kind, selection, shown[:limit_each])


def _filters(kind: Kind, wanted: Mapping[str, str]) -> list[list[query.Filter]]:
    """Zuora compares with case: likely spellings are asked for, in one list where they fit one."""
    alternatives: list[list[query.Filter]] = [[]]
    for name, value in wanted.items():
        spellings = list(dict.fromkeys((value, value.lower(), value.upper(), value.title())))
        if all(query.listable(one) for one in spellings):
            choices = [query.one_of(kind, name, spellings)]
        else:
            choices = [query.where(kind, name, "EQ", one) for one in spellings]
        alternatives = [[*before, choice] for before in alternatives for choice in choices]
    return alternatives


def _fits(printed: object, value: str) -> bool:
    if printed is None or isinstance(printed, Mapping | list):
        return False
    return str(printed).strip().casefold() == value.strip().casefold()


def lookup_records(
    source: Source,
    selection: Selection,
    identities: Sequence[Identity],
    now: Callable[[], datetime],
) -> tuple[Lookup, ...]:
    """What became of creates: by number from the v1 resource, which knows a write at once."""
    kind = kind_of(selection.object)
    answers = {one: _lookup(source, kind, selection, one, now) for one in dict.fromkeys(identities)}
    return tuple(answers[one] for one in identities)


def _lookup(
    source: Source,
    kind: Kind,
    selection: Selection,
    identity: Identity,
    now: Callable[[], datetime],
) -> Lookup:
    selection = _as_answered(kind, selection)
    if identity.field != kind.key or not kind.v1:
        return _lookup_by_value(source, kind, selection, identity)
    number = own_number(kind.name, identity.value)
    body = v1_body(source.rest, kind, number)
    if body is None:
        return Absent()
    if kind.name == "orders":
        state = body.get("status")
        until = _complete_at(source, kind, body, now())
        if state in RUNNING or until is not None:
            return NotYetKnowable(until or now() + RUNNING_WAIT)
        if state == "Failed":
            raise Rejected(
                f"order {number} failed in Zuora after it was taken in; see its error message "
                "there, then send it under another number",
                code="ORDER_FAILED",
            )
    (record,) = records_of(source, kind, selection, [Shown(number, body=body)])
    fields = {**plain_fields(source.reader, kind, body), **record.fields}
    return Found(replace(record, fields=MappingProxyType(fields)))


def _complete_at(
    source: Source, kind: Kind, order: Mapping[str, object], now: datetime
) -> datetime | None:
    """Until when the documents an order made may not show in Object Query; ``None``: they do."""
    made = source.reader.value("createdDate", kind.fields["createdDate"], order.get("createdDate"))
    shows_at = made + LAG if isinstance(made, datetime) else now
    return shows_at if shows_at > now else None


def _as_answered(kind: Kind, selection: Selection) -> Selection:
    """What a successful create would answer: single values, and the numbers an order made.

    Of what is nested, reading shows another shape than was sent; it would look like a difference.
    """
    heads = [name for name in selection.fields if "." not in name]
    plain = [
        name
        for name in heads
        if name not in kind.lists and kind.type_of(name) is not FieldType.OTHER
    ]
    made = COMPUTED if kind.name == "orders" else ()
    return Selection(kind.name, tuple(sorted({*plain, *made})))


def _lookup_by_value(
    source: Source, kind: Kind, selection: Selection, identity: Identity
) -> Lookup:
    """By a field of ours that Object Query can filter; ``lookup_lag`` says how late it knows."""
    rows = [
        row
        for row in query.all_rows(
            source.rest, kind, [query.where(kind, identity.field, "EQ", identity.value)]
        )
        if query.cell(kind, row, identity.field) == identity.value
    ]
    keys = list(dict.fromkeys(query.key_of(kind, row) for row in rows))
    if not keys:
        return Absent()
    if len(keys) > 1:
        raise DuplicateFound(
            f"several {kind.name} hold {identity.field} {identity.value}; it must be unique",
            candidates=tuple(Ref(kind.name, key) for key in keys),
            code="IDENTITY_NOT_UNIQUE",
        )
    (record,) = records_of(source, kind, selection, [Shown(keys[0], rows[0])])
    return Found(record)


def children_of(
    source: Source, selection: Selection, root: str, ids: Sequence[str]
) -> Mapping[str, tuple[Record, ...]]:
    """All children of each root; a subscription's charges are those of its latest version."""
    child, parent = kind_of(selection.object), kind_of(root)
    foreign = _foreign(child, parent)
    internal = _internal(source, parent, ids)
    rows = child_rows(source.rest, child, foreign, list(internal.values()))
    answers: dict[str, tuple[Record, ...]] = {}
    for id in ids:
        by_key: dict[str, list[Row]] = {}
        for row in rows.get(internal.get(id, ""), []):
            by_key.setdefault(query.key_of(child, row), []).append(row)
        shown = (
            list(latest(source, child, by_key).values())
            if child.versioned and by_key
            else [Shown(key, found[0]) for key, found in by_key.items()]
        )
        answers[id] = records_of(source, child, selection, shown)
    return MappingProxyType(answers)


def parents_of(
    source: Source, child: str, ids: Sequence[str], root: str
) -> Mapping[str, tuple[str, ...]]:
    """The root of each child."""
    kind, parent = kind_of(child), kind_of(root)
    foreign = _foreign(kind, parent)
    records = read_records(source, Selection(child, (foreign,)), ids)
    owners = {id: record.get(foreign) for id, record in zip(ids, records, strict=True)}
    numbers = numbers_by_id(source.rest, parent, owners.values())
    return MappingProxyType(
        {
            id: (numbers[owner],) if isinstance(owner, str) and owner in numbers else ()
            for id, owner in owners.items()
        }
    )


def _foreign(child: Kind, parent: Kind) -> str:
    found = _ROOT_FIELDS.get((child.name, parent.name))
    if found is None:
        raise Rejected(f"{child.name} are not children of {parent.name}", code="NO_SUCH_CHILDREN")
    return found


def _internal(source: Source, kind: Kind, ids: Sequence[str]) -> dict[str, str]:
    """The vendor's ids for ours."""
    if kind.key == "id":
        return {id: id for id in ids}
    records = read_records(source, Selection(kind.name, ("id",)), ids)
    return {record.ref.id: str(record.get("id")) for record in records if record.get("id")}
