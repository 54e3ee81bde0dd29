"""Records as the REST API prints them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sandbox.netsuite.books import ZERO, Books, lines_of
from sandbox.netsuite.rules.settling import available
from sandbox.netsuite.schema import ENUMS, FieldSpec, RecordType
from sandbox.netsuite.values import Row

SETTLED = frozenset({"invoice", "creditMemo", "customerPayment"})


@dataclass(frozen=True, slots=True)
class Printing:
    """How a record is wanted. ``fields`` empty: all."""

    base_url: str
    expand: bool = False
    simple_enums: bool = False
    fields: frozenset[str] = frozenset()

    def link(self, *parts: str) -> list[dict[str, str]]:
        """The ``links`` of something below ``/record/v1``."""
        href = "/".join((f"{self.base_url}/services/rest/record/v1", *parts))
        return [{"rel": "self", "href": href}]


def status_of(books: Books, spec: RecordType, id: str, row: Row) -> tuple[str, str]:
    """A transaction's status: the code that queries use, and its name."""
    match spec.name:
        case "salesOrder":
            return row["orderStatus"], ENUMS["orderStatus"][row["orderStatus"]]
        case "journalEntry":
            return ("B", "Approved for Posting") if row["approved"] else ("A", "Pending Approval")
        case "customerPayment":
            return ("B", "Not Deposited") if row["undepFunds"] else ("C", "Deposited")
        case "customerRefund":
            return "D", "Deposited"
    if row["approvalStatus"] != "2":
        return ("D", "Pending Approval") if row["approvalStatus"] == "1" else ("E", "Rejected")
    if available(books, id) > 0:
        return "A", "Open"
    return ("B", "Paid In Full") if spec.name == "invoice" else ("B", "Fully Applied")


def derived(books: Books, spec: RecordType, id: str, row: Row) -> dict[str, Any]:
    """Fields that follow from other records."""
    if spec.name == "customer":
        return _balances(books, id)
    if spec.family != "transaction":
        return {}
    name = status_of(books, spec, id, row)[1]
    found: dict[str, Any] = {"status": {"id": name, "refName": name}}
    if spec.name not in SETTLED:
        return found
    rest = available(books, id)
    if spec.name == "invoice":
        return {**found, "amountRemaining": rest, "amountPaid": row["total"] - rest}
    applied = sum((line["amount"] for line in row["apply"]), ZERO)
    found |= {"applied": applied, "unapplied": rest}
    if spec.name == "creditMemo":
        found |= {"amountRemaining": rest, "amountPaid": row["total"] - rest}
    return found


def _balances(books: Books, id: str) -> dict[str, Any]:
    """What a customer owes, in the customer's own currency."""
    currency = books.tables["customer"][id]["currency"]
    balance = ZERO
    for type, other, row in books.dealings(id):
        if type in SETTLED and row["currency"] == currency and row.get("_impact"):
            balance += available(books, other) * (1 if type == "invoice" else -1)
    return {"balance": balance}


def record(books: Books, spec: RecordType, id: str, how: Printing) -> dict[str, Any]:
    """One record."""
    row = books.tables[spec.name][id]
    shown: dict[str, Any] = {"links": how.link(spec.name, id), "id": id}
    values = {**row, **derived(books, spec, id, row)}
    for name, field in spec.fields.items():
        value = values.get(name)
        if value is not None and _wanted(how, name):
            shown[name] = value if name == "status" else _value(books, field, value, how)
    if spec.family == "transaction" and _wanted(how, "refName"):
        shown["refName"] = books.title(spec.name, id)
    for name in spec.lists:
        if _wanted(how, name):
            shown[name] = sublist(books, spec, id, name, how)
    return shown


def _wanted(how: Printing, name: str) -> bool:
    return not how.fields or name in how.fields


def sublist(books: Books, spec: RecordType, id: str, name: str, how: Printing) -> dict[str, Any]:
    """A sublist: where it is, or what is in it."""
    links = how.link(spec.name, id, name)
    if not how.expand:
        return {"links": links}
    row = books.tables[spec.name][id]
    items = [
        line_shown(books, spec, id, name, line, place, how)
        for place, line in enumerate(lines_of(row, name), 1)
    ]
    counted = {"count": len(items), "hasMore": False, "items": items, "offset": 0}
    return {"links": links, **counted, "totalResults": len(items)}


def line_shown(
    books: Books,
    spec: RecordType,
    id: str,
    name: str,
    line: Mapping[str, Any],
    place: int,
    how: Printing,
) -> dict[str, Any]:
    """One line of a sublist."""
    fields = spec.lists[name]
    key = next((one.name for one in fields.values() if one.key), "line")
    number = line[key] if key in {"line", "id"} else place
    shown: dict[str, Any] = {"links": how.link(spec.name, id, name, str(number))}
    values = dict(line)
    if name == "apply":
        values |= _applied(books, line, place)
    for field_name, field in fields.items():
        value = values.get(field_name)
        if value is not None:
            shown[field_name] = _value(books, field, value, how)
    return shown


def _applied(books: Books, line: Mapping[str, Any], place: int) -> dict[str, Any]:
    spec, other = books.transaction(line["doc"])
    return {
        "line": place,
        "total": other["total"],
        "due": available(books, line["doc"]) + line["amount"],
        "refNum": other["tranId"],
        "type": "Invoice" if spec.name == "invoice" else spec.name,
        "applyDate": other["tranDate"],
    }


def _value(books: Books, field: FieldSpec, value: Any, how: Printing) -> Any:
    match field.kind:
        case "ref":
            title = books.title(field.target or "", value)
            found = books.find(field.target or "", value)
            type = found[0].name if found is not None else field.target or ""
            return {"links": how.link(type, value), "id": value, "refName": title}
        case "enum" if not how.simple_enums:
            return {"id": value, "refName": ENUMS.get(field.name, {}).get(value, value)}
        case "address":
            country = value.get("country")
            shown = {**value, "links": []}
            return {**shown, "country": {"id": country, "refName": country}} if country else shown
    return value
