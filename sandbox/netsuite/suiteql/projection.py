"""Records as the rows that queries see."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime, tzinfo
from decimal import Decimal
from typing import Any, Final, TypeAlias

from sandbox.netsuite.books import ZERO, Books, Deleted, lines_of
from sandbox.netsuite.render import SETTLED, status_of
from sandbox.netsuite.rules import Posting
from sandbox.netsuite.rules.common import base_amount
from sandbox.netsuite.rules.settling import available, party_of
from sandbox.netsuite.schema import RecordType
from sandbox.netsuite.suiteql.functions import dated
from sandbox.netsuite.values import Row

Projected: TypeAlias = "Iterator[tuple[str, dict[str, Any]]]"

NAMES: Final = {
    "CustInvc": ("Invoice", "INV"),
    "CustPymt": ("Payment", "PYMT"),
    "CustCred": ("Credit Memo", "CREDMEM"),
    "CustRfnd": ("Customer Refund", "RFND"),
    "SalesOrd": ("Sales Order", "SALESORD"),
    "Journal": ("Journal", "GENJRNL"),
}
SIMPLE: Final = {
    "customer": "customer",
    "customerSubsidiaryRelationship": "customersubsidiaryrelationship",
    "account": "account",
    "accountingPeriod": "accountingperiod",
    "subsidiary": "subsidiary",
    "currency": "currency",
    "currencyRate": "currencyrate",
    "consolidatedExchangeRate": "consolidatedexchangerate",
    "department": "department",
    "classification": "classification",
    "location": "location",
    "term": "term",
    "employee": "employee",
    "nonInventorySaleItem": "item",
    "serviceSaleItem": "item",
    "otherChargeSaleItem": "item",
}


def project(books: Books, spec: RecordType, id: str, row: Row) -> Projected:
    """The rows of one record, table by table."""
    if spec.family == "transaction":
        yield from _transaction(books, spec, id, row)
        return
    shown = {name.lower(): value for name, value in row.items()}
    shown["id"] = int(id)
    extra = _EXTRA.get(spec.name)
    if extra is not None:
        shown |= extra(books, row)
    elif spec.family == "item":
        shown |= _item(spec, row)
    else:
        shown["fullname"] = row.get("name")
    yield SIMPLE[spec.name], shown
    if spec.name == "account":
        for line in row.get("subsidiary") or ():
            pair = {"account": id, "subsidiary": line["subsidiary"]}
            yield "accountsubsidiarymap", pair
    if spec.name == "customer":
        primary = {"id": -int(id), "entity": id, "subsidiary": row["subsidiary"]}
        name = f"{row['entityId']} : {books.title('subsidiary', row['subsidiary'])}"
        yield "customersubsidiaryrelationship", {**primary, "isprimarysub": True, "name": name}


def _account(_: Books, row: Row) -> Row:
    display = f"{row['acctNumber']} {row['acctName']}"
    names = {"fullname": row["acctName"], "accountsearchdisplaynamecopy": row["acctName"]}
    return {**names, "accountsearchdisplayname": display}


def _item(spec: RecordType, row: Row) -> Row:
    deferral = row.get("deferredRevenueAccount")
    return {"itemtype": spec.code, "fullname": row["itemId"], "deferralaccount": deferral}


def _relationship(books: Books, row: Row) -> Row:
    parts = (books.title("customer", row["entity"]), books.title("subsidiary", row["subsidiary"]))
    return {"name": " : ".join(parts)}


def _consolidated(_: Books, __: Row) -> Row:
    return {"accountingbook": 1}


_EXTRA: Final[dict[str, Callable[[Books, Row], Row]]] = {
    "account": _account,
    "customerSubsidiaryRelationship": _relationship,
    "consolidatedExchangeRate": _consolidated,
}


def _transaction(books: Books, spec: RecordType, id: str, row: Row) -> Projected:
    code, status = status_of(books, spec, id, row)
    name, short = NAMES[spec.code]
    shown = {key.lower(): value for key, value in row.items()}
    sign = -1 if spec.name in {"creditMemo", "customerPayment"} else 1
    total = row["total"] * sign
    shown |= {
        "id": int(id), "type": spec.code, "recordtype": spec.name.lower(), "abbrevtype": short,
        "typename": name, "status": code, "statusname": f"{name} : {status}",
        "trandisplayname": f"{name} #{row['tranId']}", "entity": party_of(row),
        "posting": bool(row.get("_impact")), "foreigntotal": total,
        "total": sum((one.base for one in row.get("_impact", ()) if one.base > 0), ZERO) * sign
        if row.get("_impact") else total * row["exchangeRate"],
        "reversal": row.get("reversalEntry"), "voided": False,
    }  # fmt: skip
    if spec.name in SETTLED:
        rest = available(books, id)
        shown |= {"foreignamountunpaid": rest, "foreignamountpaid": row["total"] - rest}
    yield "transaction", shown
    yield from _lines(books, spec, id, row)
    yield from _links(books, spec, id, row)


def _lines(books: Books, spec: RecordType, id: str, row: Row) -> Projected:
    """Ledger lines; what is not posted (yet) has transaction lines all the same."""
    impact: tuple[Posting, ...] = row.get("_impact") or _unposted(spec, row)
    for place, one in enumerate(impact):
        about = {key.lower(): value for key, value in one.about.items()}
        quantity = about.get("quantity")
        if quantity is not None and one.foreign < 0:
            about["quantity"] = -quantity
        shared = {"transaction": id, "subsidiary": row["subsidiary"]}
        yield "transactionline", {
            **about, **shared, "id": one.line, "linesequencenumber": place,
            "uniquekey": int(id) * 100_000 + one.line, "mainline": one.kind == "main",
            "taxline": one.kind == "tax", "iscogs": False, "eliminate": False, "isclosed": False,
            "accountinglinetype": one.kind.upper(), "netamount": one.base, "cleared": False,
            "foreignamount": one.foreign, "createdfrom": row.get("createdFrom"),
            "isbillable": False, "linelastmodifieddate": row["lastModifiedDate"],
        }  # fmt: skip
        if row.get("_impact"):
            yield "transactionaccountingline", {
                "transaction": id, "transactionline": one.line, "account": one.account,
                "accountingbook": 1, "amount": one.base, "netamount": one.base,
                "debit": one.base if one.base > 0 else None,
                "credit": -one.base if one.base < 0 else None, "posting": True,
                **_open_part(books, spec, id, row, one),
            }  # fmt: skip


def _open_part(books: Books, spec: RecordType, id: str, row: Row, one: Posting) -> Row:
    """Of the receivable of a document that is settled by others: what is, and what is left."""
    receivable = books.tables["account"][one.account]["acctType"] == "AcctRec"
    if spec.name not in SETTLED or not receivable:
        return {}
    rest = base_amount(books, row, available(books, id))
    return {"amountunpaid": rest, "amountpaid": abs(one.base) - rest}


def _unposted(spec: RecordType, row: Row) -> tuple[Posting, ...]:
    if spec.name == "journalEntry":
        amounts = [(line, (line.get("debit") or ZERO) - (line.get("credit") or ZERO))
                   for line in row["line"]]  # fmt: skip
        return tuple(
            Posting(line["line"], "journal", line["account"], amount,
                    amount * row["exchangeRate"], line)
            for line, amount in amounts
        )  # fmt: skip
    total: Decimal = row["total"]
    lines = [Posting(0, "main", "", total, total * row["exchangeRate"], {"entity": row["entity"]})]
    for line in lines_of(row, "item"):
        amount = -line["amount"]
        about = {**line, "memo": line.get("description"), "entity": row["entity"]}
        lines.append(Posting(line["line"], "item", "", amount, amount * row["exchangeRate"], about))
    return tuple(lines)


def _links(books: Books, spec: RecordType, id: str, row: Row) -> Projected:
    if row.get("createdFrom") and spec.name == "invoice":
        yield "nexttransactionlinelink", {
            "previousdoc": row["createdFrom"], "previousline": 0, "previoustype": "SalesOrd",
            "nextdoc": id, "nextline": 0, "nexttype": spec.code, "linktype": "OrdBill",
        }  # fmt: skip
    for line in lines_of(row, "apply"):
        other = books.transaction(line["doc"])[0]
        yield "nexttransactionlinelink", {
            "previousdoc": line["doc"], "previousline": 0, "previoustype": other.code,
            "nextdoc": id, "nextline": 0, "nexttype": spec.code, "linktype": "Payment",
            "foreignamount": line["amount"],
        }  # fmt: skip


def deleted_row(books: Books, gone: Deleted) -> Row:
    """The row that says a record is gone."""
    spec = books.types[gone.type]
    type = spec.code if spec.family == "transaction" else gone.type
    return {
        "recordid": gone.id, "type": type, "recordtypeid": gone.type.lower(), "name": gone.name,
        "deletedby": 1, "deleteddate": gone.at, "context": "REST web services",
    }  # fmt: skip


def stored(kind: str, value: Any, zone: tzinfo) -> Any:
    """A value as the query engine keeps it; instants in the account's zone."""
    if value is None or value == "":
        return None
    match kind:
        case "number":
            number = Decimal(value)
            return int(number) if number == number.to_integral_value() else float(number)
        case "flag":
            return "T" if value is True else "F"
        case "date":
            if len(value) == 10:
                return dated(datetime.fromisoformat(value))
            return dated(datetime.fromisoformat(value).astimezone(zone))
    return str(value)
