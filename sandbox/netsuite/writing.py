"""Creating, changing, deleting and transforming records."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final

from sandbox.netsuite.bodies import Reading, merge_lines
from sandbox.netsuite.books import Books, lines_of
from sandbox.netsuite.errors import Detail, Refusal, content_error, not_found, user_error
from sandbox.netsuite.rules import RULES, Saving
from sandbox.netsuite.rules.common import check_open
from sandbox.netsuite.rules.journals import reversed_lines
from sandbox.netsuite.rules.sales import recount_order
from sandbox.netsuite.rules.settling import available
from sandbox.netsuite.schema import RecordType
from sandbox.netsuite.values import Row

COPIED: Final = (
    "entity", "subsidiary", "currency", "exchangeRate", "otherRefNum", "terms", "class",
    "department", "location", "startDate", "endDate", "memo", "taxDetailsOverride", "taxDetails",
    "email",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Saved:
    """What a write did."""

    spec: RecordType
    id: str
    created: bool
    changed: bool


@dataclass(slots=True)
class Writer:
    """Writes for one caller, whose body is read as ``reading`` says."""

    books: Books
    reading: Reading

    def create(self, spec: RecordType, body: Mapping[str, Any], start: Row | None = None) -> Saved:
        """A new record; ``start`` is what a transformation brings along."""
        changes = self.reading.record(spec, body)
        self._check_external_id(spec, None, changes)
        id = self.books.new_id(spec.family)
        given = {**(start or {}), **changes}
        row = {name: value for name, value in given.items() if name not in spec.lists}
        for name, fields in spec.lists.items():
            lines = [*lines_of(start or {}, name)]
            fresh = _cleared(name, lines_of(changes, name))
            row[name] = merge_lines(lines, fresh, fields, replace=not lines, name=name)
        return self._save(spec, id, None, row, frozenset(changes))

    def update(
        self,
        spec: RecordType,
        id: str,
        body: Mapping[str, Any],
        replace: frozenset[str] = frozenset(),
    ) -> Saved:
        """Change a record. Sublists named in ``replace`` are exchanged as a whole."""
        old = self._old(spec, id)
        changes = self.reading.record(spec, body)
        self._check_external_id(spec, id, changes)
        row = {**old, **{key: one for key, one in changes.items() if key not in spec.lists}}
        for name, fields in spec.lists.items():
            if name in changes:
                fresh = _cleared(name, changes[name])
                exchanged = name in replace
                row[name] = merge_lines(
                    lines_of(old, name), fresh, fields, replace=exchanged, name=name
                )
            else:
                row[name] = [dict(line) for line in lines_of(old, name)]
        return self._save(spec, id, old, row, frozenset(changes))

    def upsert(
        self,
        spec: RecordType,
        external_id: str,
        body: Mapping[str, Any],
        replace: frozenset[str] = frozenset(),
    ) -> Saved:
        """Create or change the record that carries an external id."""
        sent = body.get("externalId", external_id)
        if sent != external_id:
            raise content_error("The external ID differs from the one in the URL.", "externalId")
        id = self.books.by_external_id(spec.name, external_id)
        whole = {**body, "externalId": external_id}
        if id is None:
            return self.create(spec, whole)
        return self.update(spec, id, whole, replace)

    def transform(self, spec: RecordType, id: str, target: str, body: Mapping[str, Any]) -> Saved:
        """A new record made from another one."""
        source = self._old(spec, id)
        if target not in spec.transforms:
            path = f"{spec.name}/{id}/!transform/{target}"
            message = f"{spec.name} cannot be transformed to {target}."
            raise Refusal(400, Detail(message, "INVALID_REQUEST", {"o:errorUrl": path}))
        start = _STARTS[spec.name, target](self.books, id, source)
        made = self.books.types[target]
        if target == "invoice" and isinstance(body.get("item"), dict):
            body, start = _chosen_lines(body, start)
        return self.create(made, body, start)

    def delete(self, spec: RecordType, id: str) -> None:
        """Remove a record for good, unless something rests on it."""
        old = self._old(spec, id)
        books = self.books
        if books.settled(id) and spec.family == "transaction":
            raise user_error("This transaction cannot be deleted: payments or refunds rest on it.")
        if spec.name == "customer" and books.dealings(id):
            raise user_error("This record cannot be deleted because it has dependent records.")
        if spec.name == "salesOrder" and books.bills_of(id):
            raise user_error("This record cannot be deleted because it has dependent records.")
        if spec.posting:
            check_open(books, spec, old["postingPeriod"], {"*"})
        books.remove(spec.name, id)
        for line in lines_of(old, "apply"):
            books.touch(line["doc"])
        self._follow_order(spec, old)

    def _old(self, spec: RecordType, id: str) -> Row:
        old = self.books.get(spec.name, id)
        if old is None:
            raise not_found(f"/services/rest/record/v1/{spec.name}/{id}")
        check_unlocked(self.books, spec, id)
        return old

    def _check_external_id(self, spec: RecordType, id: str | None, changes: Row) -> None:
        external_id = changes.get("externalId")
        if external_id is None:
            return
        holder = self.books.by_external_id(spec.name, external_id)
        if holder not in {None, id}:
            raise user_error("This entity already exists: the external ID is in use.")

    def _save(
        self, spec: RecordType, id: str, old: Row | None, row: Row, given: frozenset[str]
    ) -> Saved:
        saving = Saving(self.books, spec, id, given, old)
        rule = RULES.get(spec.name)
        if rule is not None:
            rule(saving, row)
        now = self.books.stamp()
        if spec.family == "transaction":
            row["createdDate"] = row.get("createdDate") or now
        changed = old is None or any(
            row.get(key) != old.get(key) for key in row if key != "lastModifiedDate"
        )
        row["lastModifiedDate"] = now
        self.books.put(spec.name, id, row)
        self._follow_order(spec, row)
        if row.get("reversalDate") and not row.get("reversalEntry") and row["approved"]:
            self._reverse(spec, id, row)
        return Saved(spec, id, old is None, changed)

    def _follow_order(self, spec: RecordType, row: Row) -> None:
        if spec.name == "invoice" and row.get("createdFrom"):
            recount_order(self.books, row["createdFrom"])

    def _reverse(self, spec: RecordType, id: str, row: Row) -> None:
        """The entry that takes this one back on its reversal date."""
        copied = ("subsidiary", "currency", "exchangeRate", "memo", "approvalStatus")
        mirror = {name: row.get(name) for name in copied}
        mirror |= {"tranDate": row["reversalDate"], "isReversal": True, "createdFrom": id}
        mirror["line"] = reversed_lines(row)
        saved = Writer(self.books, Reading(self.books)).create(spec, {}, mirror)
        self.books.put(spec.name, id, {**row, "reversalEntry": saved.id})


def check_unlocked(books: Books, spec: RecordType, id: str) -> None:
    """Refuse to open a record that a workflow holds."""
    if (spec.name, id) in books.locked:
        raise user_error("This record has been locked by a user defined workflow.")


def _cleared(name: str, lines: list[Row]) -> list[Row]:
    """Item lines whose price changed compute their amount and tax anew."""
    if name != "item":
        return lines
    fresh = []
    for line in lines:
        line = dict(line)
        if "amount" not in line and ("rate" in line or "quantity" in line):
            line["amount"] = None
        if "tax1Amt" not in line and line.keys() & {"amount", "taxRate1", "taxCode"}:
            line["tax1Amt"] = None
        fresh.append(line)
    return fresh


def _copy(source: Row) -> Row:
    return {name: source[name] for name in COPIED if source.get(name) is not None}


def _order_to_invoice(_: Books, id: str, order: Row) -> Row:
    if order["orderStatus"] == "A":
        raise user_error("The sales order is pending approval and cannot be billed.")
    lines = []
    for line in order["item"]:
        left = line["quantity"] - line["quantityBilled"]
        if left > 0 and not line.get("isClosed"):
            copied = {key: one for key, one in line.items() if key not in {"quantityBilled"}}
            copied |= {"orderLine": line["line"], "quantity": left}
            if left != line["quantity"]:
                copied |= {"amount": None, "tax1Amt": None}
            lines.append(copied)
    if not lines:
        raise user_error("The sales order has been billed completely.")
    copied = {name: one for name, one in _copy(order).items() if name != "exchangeRate"}
    return {**copied, "createdFrom": id, "item": lines}


def _chosen_lines(body: Mapping[str, Any], start: Row) -> tuple[Mapping[str, Any], Row]:
    """Of an order, the lines that the body names by ``orderLine`` only."""
    chosen = body["item"].get("items")
    if not isinstance(chosen, list) or not all(isinstance(line, dict) for line in chosen):
        raise content_error("item is expected as an object with a list 'items'.", "item")
    by_order = {line["orderLine"]: line for line in start["item"]}
    numbers = [line.get("orderLine") for line in chosen]
    if not all(isinstance(number, int) and number in by_order for number in numbers):
        raise content_error("A line names no open line of the order.", "item.items[0].orderLine")
    lines = [{**line, "line": line["orderLine"]} for line in chosen]
    return {**body, "item": {"items": lines}}, {**start, "item": [by_order[n] for n in numbers]}


def _invoice_to_payment(books: Books, id: str, invoice: Row) -> Row:
    due = available(books, id)
    start = {name: invoice[name] for name in ("subsidiary", "currency", "exchangeRate")}
    line = {"doc": id, "apply": True, "amount": due}
    return {**start, "customer": invoice["entity"], "payment": due, "apply": [line]}


def _invoice_to_credit(books: Books, id: str, invoice: Row) -> Row:
    due = available(books, id)
    lines = [{key: one for key, one in line.items() if key != "orderLine"}
             for line in invoice["item"]]  # fmt: skip
    apply = [{"doc": id, "apply": True, "amount": None}] if due > Decimal(0) else []
    return {**_copy(invoice), "createdFrom": id, "item": lines, "apply": apply}


def _to_refund(books: Books, id: str, credit: Row) -> Row:
    start = {name: credit[name] for name in ("subsidiary", "currency")}
    line = {"doc": id, "apply": True, "amount": available(books, id)}
    return {**start, "customer": credit.get("entity") or credit["customer"], "apply": [line]}


_STARTS: Final = {
    ("salesOrder", "invoice"): _order_to_invoice,
    ("invoice", "customerPayment"): _invoice_to_payment,
    ("invoice", "creditMemo"): _invoice_to_credit,
    ("creditMemo", "customerRefund"): _to_refund,
    ("customerPayment", "customerRefund"): _to_refund,
}
