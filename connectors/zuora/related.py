"""What belongs to a record and is kept elsewhere: numbers, children, what an order made."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import Final

from connectors.records import Value
from connectors.zuora import query
from connectors.zuora.query import Row
from connectors.zuora.rest import Rest
from connectors.zuora.values import Reader
from connectors.zuora.vocabulary import CUSTOM_FIELD, KINDS, STAMP, Kind

# Documents that an order makes are made while it is: a synchronous one ends after 120 seconds.
_ORDER_TIME_MAX: Final = timedelta(hours=1)
_SECOND: Final = timedelta(seconds=1)


def numbers_by_id(rest: Rest, kind: Kind, ids: Iterable[object]) -> dict[str, str]:
    """Our record ids for the vendor's internal ids; one call per 50."""
    found: dict[str, str] = {}
    for part in query.in_lists(id for id in ids if isinstance(id, str)):
        for row in query.all_rows(rest, kind, [query.one_of(kind, "id", part)]):
            found[query.internal_id(row) or ""] = query.key_of(kind, row)
    return found


def accounts_by_id(
    rest: Rest, reader: Reader, ids: Iterable[object]
) -> dict[str, Mapping[str, Value]]:
    """The customer accounts with these internal ids, as mappings; one call per 50."""
    kind = KINDS["accounts"]
    found: dict[str, Mapping[str, Value]] = {}
    for part in query.in_lists(id for id in ids if isinstance(id, str)):
        for row in query.all_rows(rest, kind, [query.one_of(kind, "id", part)]):
            found[query.internal_id(row) or ""] = _shown(reader, kind, row)
    return found


def _shown(reader: Reader, kind: Kind, row: Row) -> Mapping[str, Value]:
    """Every field of a row, custom ones included."""
    fields: dict[str, Value] = {
        name: reader.value(name, type, query.cell(kind, row, name))
        for name, type in kind.fields.items()
    }
    for name, printed in row.printed.items():
        if CUSTOM_FIELD.fullmatch(name):
            fields.setdefault(name, reader.value(name, None, printed))
    return MappingProxyType(fields)


def child_rows(rest: Rest, child: Kind, foreign: str, ids: Sequence[str]) -> dict[str, list[Row]]:
    """The rows of a child object by the internal id of what they belong to."""
    found: dict[str, list[Row]] = {id: [] for id in ids if id}
    for part in query.in_lists(ids):
        for row in query.all_rows(rest, child, [query.one_of(child, foreign, part)]):
            owner = query.cell(child, row, foreign)
            if isinstance(owner, str) and owner in found:
                found[owner].append(row)
    return found


def children_by_id(
    rest: Rest, reader: Reader, child: Kind, foreign: str, ids: Sequence[str]
) -> Mapping[str, tuple[Value, ...]]:
    """The children as mappings, complete (``expand[]`` would cut them), by their owner's id."""
    rows = child_rows(rest, child, foreign, ids)
    every = [row for group in rows.values() for row in group]
    numbers: dict[str, dict[str, str]] = {}
    for name, (field, object) in child.numbers.items():
        # The number of the owner itself, and its customer's, are on the owner.
        if field == foreign or object == "accounts":
            continue
        cells = (query.cell(child, row, field) for row in every)
        numbers[name] = numbers_by_id(rest, KINDS[object], cells)

    def shown(row: Row) -> Value:
        fields = dict(_shown(reader, child, row))
        for name, known in numbers.items():
            fields[name] = known.get(str(query.cell(child, row, child.numbers[name][0])))
        return MappingProxyType(fields)

    return {id: tuple(shown(row) for row in group) for id, group in rows.items()}


def invoices_refunded(
    rest: Rest, sources: Mapping[str, tuple[object, object]]
) -> dict[str, str | None]:
    """The number of the invoice that each refund gives money back of, by the refund's key: that of
    its credit memo, or the first that its payment was applied to. ``sources`` are the type and the
    number of what was refunded. A refund whose invoice does not show yet is left out.
    """
    invoice_of: dict[object, object] = {}
    memos, payments = KINDS["credit_memos"], KINDS["payments"]
    field, _object = memos.numbers["invoiceNumber"]
    for row in _rows_by_number(rest, memos, "CreditMemo", sources):
        invoice_of[query.key_of(memos, row)] = query.cell(memos, row, field)
    parts = KINDS["payment_applications"]
    owners = {
        query.internal_id(row) or "": query.key_of(payments, row)
        for row in _rows_by_number(rest, payments, "Payment", sources)
    }
    for id, rows in child_rows(rest, parts, "paymentId", list(owners)).items():
        invoice_of[owners[id]] = query.cell(parts, rows[0], "invoiceId") if rows else None
    numbers = numbers_by_id(rest, KINDS["invoices"], invoice_of.values())
    return {
        key: numbers.get(str(invoice))
        for key, (_type, number) in sources.items()
        if number in invoice_of and (not (invoice := invoice_of[number]) or str(invoice) in numbers)
    }


def _rows_by_number(
    rest: Rest, kind: Kind, type: str, sources: Mapping[str, tuple[object, object]]
) -> list[Row]:
    wanted = {number for found, number in sources.values() if found == type}
    numbers = sorted(one for one in wanted if isinstance(one, str))
    return [
        row
        for part in query.in_lists(numbers)
        for row in query.all_rows(rest, kind, [query.one_of(kind, kind.key, part)])
        if query.key_of(kind, row) in wanted
    ]


def order_outcome(
    rest: Rest, reader: Reader, order: Mapping[str, object] | None
) -> dict[str, tuple[str, ...]]:
    """What the answer to the order's creation said: numbers of what it made.

    Neither resource lists an order's documents. They are those of its account that were made while
    it was, and bill one of its subscriptions.
    """
    if order is None:
        return {}
    listed = order.get("subscriptions")
    subscriptions = tuple(
        str(one["subscriptionNumber"])
        for one in (listed if isinstance(listed, list) else [])
        if isinstance(one, Mapping) and one.get("subscriptionNumber")
    )
    made = reader.value(
        "createdDate", KINDS["orders"].fields["createdDate"], order.get("createdDate")
    )
    account = order.get("existingAccountNumber")
    outcome = {"subscriptionNumbers": subscriptions, "invoiceNumbers": (), "creditMemoNumbers": ()}
    if not subscriptions or not isinstance(made, datetime) or not isinstance(account, str):
        return outcome
    ids = _internal_ids(rest, KINDS["accounts"], account)
    for name, object, items, foreign in (
        ("invoiceNumbers", "invoices", "invoice_items", "invoiceId"),
        ("creditMemoNumbers", "credit_memos", "credit_memo_items", "creditMemoId"),
    ):
        documents = _made_at(rest, reader, KINDS[object], ids, made)
        lines = child_rows(rest, KINDS[items], foreign, list(documents))
        outcome[name] = tuple(
            number
            for id, number in documents.items()
            if any(
                query.cell(KINDS[items], row, "subscriptionNumber") in subscriptions
                for row in lines.get(id, ())
            )
        )
    return outcome


def _internal_ids(rest: Rest, kind: Kind, key: str) -> list[str]:
    rows = query.all_rows(rest, kind, [query.where(kind, kind.key, "EQ", key)])
    return [query.internal_id(row) or "" for row in rows if query.key_of(kind, row) == key]


def _made_at(
    rest: Rest, reader: Reader, kind: Kind, accounts: Sequence[str], made: datetime
) -> dict[str, str]:
    """Documents of the accounts that came into being with the order: number by internal id."""
    found: dict[str, str] = {}
    for account in accounts:
        filters = [
            query.where(kind, "accountId", "EQ", account),
            query.where(kind, STAMP, "GE", made - _SECOND),
        ]
        for row in query.all_rows(rest, kind, filters):
            at = reader.value(
                "createdDate", kind.fields["createdDate"], query.cell(kind, row, "createdDate")
            )
            source = query.cell(kind, row, "source")
            in_time = isinstance(at, datetime) and made - _SECOND <= at <= made + _ORDER_TIME_MAX
            if in_time and source != "BillRun":
                found[query.internal_id(row) or ""] = query.key_of(kind, row)
    return found
