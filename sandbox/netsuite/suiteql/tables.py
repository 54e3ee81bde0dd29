"""Which tables and columns queries see ("SuiteQL Tables", Records Catalog).

``number``, ``text``, ``flag`` ('T' or 'F'), ``date`` (a date or an instant), ``ref X`` (the
internal id of an X). Custom fields become columns of their own.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Final

from sandbox.netsuite.books import Books

_TABLES: Final[Mapping[str, str]] = {
    "transaction": """
        id number, tranid text, transactionnumber text, trandisplayname text, type text,
        recordtype text, abbrevtype text, status text, approvalstatus text, trandate date,
        createddate date, lastmodifieddate date, duedate date, currency ref currency,
        exchangerate number, entity ref customer, externalid text, memo text, otherrefnum text,
        posting flag, postingperiod ref accountingPeriod, subsidiary ref subsidiary, total number,
        foreigntotal number, foreignamountunpaid number, foreignamountpaid number, terms ref term,
        isreversal flag, reversal ref transaction, reversaldate date, voided flag, startdate date,
        enddate date, statusname text, typename text""",
    "transactionline": """
        id number, transaction ref transaction, linesequencenumber number, uniquekey number,
        mainline flag, taxline flag, iscogs flag, accountinglinetype text, item ref item,
        quantity number, rate number, netamount number, foreignamount number, memo text,
        entity ref customer, class ref classification, department ref department,
        location ref location, subsidiary ref subsidiary, eliminate flag, isclosed flag,
        isbillable flag, cleared flag, createdfrom ref transaction, linelastmodifieddate date""",
    "transactionaccountingline": """
        transaction ref transaction, transactionline number, account ref account,
        accountingbook number, amount number, netamount number, debit number, credit number,
        posting flag, amountpaid number, amountunpaid number, amountlinked number""",
    "nexttransactionlinelink": """
        previousdoc ref transaction, previousline number, previoustype text,
        nextdoc ref transaction, nextline number, nexttype text, linktype text,
        foreignamount number""",
    "customer": """
        id number, entityid text, externalid text, companyname text, altname text, isperson flag,
        firstname text, lastname text, email text, phone text, parent ref customer,
        receivablesaccount ref account, currency ref currency, terms ref term, isinactive flag,
        datecreated date, lastmodifieddate date""",
    "customersubsidiaryrelationship": """
        id number, entity ref customer, subsidiary ref subsidiary, isprimarysub flag,
        externalid text, name text""",
    "account": """
        id number, externalid text, acctnumber text, accttype text, fullname text,
        accountsearchdisplayname text, accountsearchdisplaynamecopy text, description text,
        deferralacct ref account, parent ref account, currency ref currency, isinactive flag,
        issummary flag, eliminate flag""",
    "accountsubsidiarymap": "account ref account, subsidiary ref subsidiary",
    "accountingperiod": """
        id number, parent ref accountingPeriod, periodname text, startdate date, enddate date,
        closedondate date, isquarter flag, isyear flag, isadjust flag, isposting flag, closed flag,
        alllocked flag, arlocked flag, aplocked flag, allownonglchanges flag, isinactive flag,
        lastmodifieddate date""",
    "subsidiary": """
        id number, name text, fullname text, country text, parent ref subsidiary,
        currency ref currency, iselimination flag, isinactive flag""",
    "currency": """
        id number, name text, symbol text, exchangerate number, isbasecurrency flag,
        currencyprecision number, isinactive flag""",
    "currencyrate": """
        id number, basecurrency ref currency, transactioncurrency ref currency,
        effectivedate date, exchangerate number, lastmodifieddate date""",
    "consolidatedexchangerate": """
        id number, postingperiod ref accountingPeriod, fromcurrency ref currency,
        fromsubsidiary ref subsidiary, tocurrency ref currency, tosubsidiary ref subsidiary,
        currentrate number, averagerate number, historicalrate number, accountingbook number""",
    "item": """
        id number, itemid text, externalid text, itemtype text, fullname text, displayname text,
        incomeaccount ref account, deferralaccount ref account,
        revenuerecognitionrule ref revenueRecognitionRule, isinactive flag,
        lastmodifieddate date""",
    "department": "id number, name text, fullname text, externalid text, isinactive flag",
    "classification": "id number, name text, fullname text, externalid text, isinactive flag",
    "location": "id number, name text, fullname text, externalid text, isinactive flag",
    "term": "id number, name text, daysuntilnetdue number, isinactive flag",
    "employee": """
        id number, entityid text, externalid text, firstname text, lastname text, email text,
        isinactive flag, lastmodifieddate date""",
    "deletedrecord": """
        recordid number, type text, recordtypeid text, name text, deletedby number,
        deleteddate date, context text""",
    "dual": "dummy text",
}
_CUSTOM: Final = {"transaction": "custbody_", "customer": "custentity_", "item": "custitem_"}
_KINDS: Final = {"number": "number", "integer": "number", "boolean": "flag", "date": "date",
                 "instant": "date"}  # fmt: skip
SQL_TYPES: Final = {"number": "NUMERIC", "text": "TEXT", "flag": "TEXT", "date": "TEXT"}


@dataclass(frozen=True, slots=True)
class Column:
    """A column. ``target``: what the id in it refers to."""

    name: str
    kind: str
    target: str | None = None


@cache
def _standard(table: str) -> Mapping[str, Column]:
    columns = {}
    for part in _TABLES[table].split(","):
        name, kind, *target = part.split()
        number = "number" if kind == "ref" else kind
        columns[name] = Column(name, number, target[0] if target else None)
    return columns


def tables_of(books: Books) -> dict[str, dict[str, Column]]:
    """All tables, custom fields included."""
    tables = {name: dict(_standard(name)) for name in _TABLES}
    for table, prefix in _CUSTOM.items():
        for type in books.names_of(table):
            for name, field in books.types[type].fields.items():
                if name.startswith(prefix):
                    tables[table][name] = Column(name, _KINDS.get(field.kind, "text"))
    for type in books.names_of("transaction"):
        for fields in books.types[type].lists.values():
            for name, field in fields.items():
                if name.startswith("custcol_"):
                    kind = _KINDS.get(field.kind, "text")
                    tables["transactionline"][name] = Column(name, kind)
    return tables
