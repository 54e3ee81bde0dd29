"""What the account holds before anybody sells anything: one company, the same in all simulators."""

from __future__ import annotations

import calendar
from collections.abc import Iterable
from datetime import date
from decimal import Decimal
from typing import Any, Final

from sandbox.netsuite.accounts import CHART, CURRENCIES, CURRENCY_IDS, SALES_TAX, SUBSIDIARIES
from sandbox.netsuite.books import Books
from sandbox.netsuite.values import rounded
from sandbox.seed import WORLD_NOW, Owner, Product

YEARS: Final = (2025, 2026, 2027)
CLOSED_YEARS: Final = (2025,)
FOUNDED: Final = "2025-01-01T00:00:00Z"
TAX_ITEM: Final = "REVLINE-TAX"
WRITE_OFF_ITEM: Final = "REVLINE-WRITEOFF"
# family of the SKU: record type, income account, revenue recognition rule
FAMILIES: Final[dict[str, tuple[str, str, str | None]]] = {
    "PLT": ("nonInventorySaleItem", "401", "1"),
    "ANL": ("nonInventorySaleItem", "401", "1"),
    "SUP": ("serviceSaleItem", "401", "1"),
    "API": ("serviceSaleItem", "403", None),
    "ONB": ("serviceSaleItem", "402", None),
    "TRN": ("serviceSaleItem", "402", None),
    "HWR": ("nonInventorySaleItem", "404", None),
    "MIG": ("serviceSaleItem", "402", None),
}
NEVER_DEFERRED: Final = frozenset({"HWR"})
_NAMED: Final[dict[str, tuple[str, ...]]] = {
    "department": ("Sales", "Customer Success", "Engineering"),
    "classification": ("Subscription", "Services", "Hardware"),
    "location": ("Austin", "London", "Hamburg"),
    "paymentMethod": ("Check", "ACH", "Card", "Wire"),
    "revenueRecognitionRule": ("Straight-line, exact days", "On receipt"),
}
_TERMS: Final = {"Due on receipt": 0, "Net 15": 15, "Net 30": 30, "Net 45": 45, "Net 60": 60}
_TAXES: Final = {"VAT-DE-19": "19", "VAT-UK-20": "20", "US-EXEMPT": "0", "US-TX-8.25": "8.25"}


def found(books: Books) -> None:
    """Companies, currencies, accounts, periods, rates."""
    for id, (name, country, symbol, parent) in SUBSIDIARIES.items():
        _add(books, "subsidiary", id, name=name, legalName=name, country=country, parent=parent,
             currency=CURRENCY_IDS[symbol], isElimination=False)  # fmt: skip
    for id, (name, symbol, digits, rate) in CURRENCIES.items():
        _add(books, "currency", id, name=name, symbol=symbol, currencyPrecision=str(digits),
             exchangeRate=Decimal(rate), isBaseCurrency=symbol == "USD")  # fmt: skip
    for id, (number, name, kind, subsidiaries, currency) in CHART.items():
        only = [{"subsidiary": one} for one in subsidiaries]
        _add(books, "account", id, externalId=number, acctNumber=number, acctName=name,
             acctType=kind, currency=CURRENCY_IDS[currency] if currency else None,
             subsidiary=only, isSummary=False, isInactive=id == "999")  # fmt: skip
    for type, names in _NAMED.items():
        for name in names:
            _add(books, type, name=name)
    for name, days in _TERMS.items():
        _add(books, "term", name=name, daysUntilNetDue=days)
    for name, rate in _TAXES.items():
        _add(books, "salesTaxItem", itemId=name, rate=Decimal(rate))
    _periods(books)
    _rates(books)
    for sku, name, account in (
        (TAX_ITEM, "Sales tax computed elsewhere", SALES_TAX),
        (WRITE_OFF_ITEM, "Write-off of a receivable", "601"),
    ):
        _add(books, "otherChargeSaleItem", itemId=sku, externalId=sku, displayName=name,
             incomeAccount=account)  # fmt: skip


def populate(books: Books, products: Iterable[Product], owners: Iterable[Owner]) -> None:
    """An item per SKU and an employee per salesperson, as far as they are not there yet."""
    for product in products:
        type, income, rule = FAMILIES[product.sku[:3]]
        if books.by_external_id(type, product.sku) is None:
            deferral = None if product.sku[:3] in NEVER_DEFERRED else "230"
            _add(books, type, itemId=product.sku, externalId=product.sku,
                 displayName=product.name, incomeAccount=income, revenueRecognitionRule=rule,
                 deferredRevenueAccount=deferral)  # fmt: skip
    for owner in owners:
        if books.by_external_id("employee", owner.email) is None:
            name = f"{owner.first_name} {owner.last_name}"
            _add(books, "employee", entityId=name, externalId=owner.email, email=owner.email,
                 firstName=owner.first_name, lastName=owner.last_name,
                 isInactive=not owner.active)  # fmt: skip


def _add(books: Books, type: str, id: str | None = None, **fields: Any) -> str:
    id = id or books.new_id(books.types[type].family)
    row = {"isInactive": False, **fields, "lastModifiedDate": FOUNDED}
    known = books.types[type].fields.keys() | books.types[type].lists.keys()
    books.put(type, id, {key: value for key, value in row.items() if key in known})
    return id


def _periods(books: Books) -> None:
    for year in YEARS:
        whole = _period(books, f"FY {year}", date(year, 1, 1), date(year, 12, 31), isYear=True)
        for quarter in range(4):
            first, last = 3 * quarter + 1, 3 * quarter + 3
            parent = _period(
                books, f"Q{quarter + 1} {year}", date(year, first, 1), _month_end(year, last),
                parent=whole, isQuarter=True,
            )  # fmt: skip
            for month in range(first, last + 1):
                start = date(year, month, 1)
                name = f"{calendar.month_abbr[month]} {year}"
                _period(books, name, start, _month_end(year, month), parent=parent)


def _month_end(year: int, month: int) -> date:
    return date(year, month, calendar.monthrange(year, month)[1])


def _period(books: Books, name: str, start: date, end: date, **more: Any) -> str:
    closed = start.year in CLOSED_YEARS
    fields = {
        "closed": closed,
        "allLocked": closed,
        "arLocked": closed,
        "apLocked": closed,
        "payrollLocked": closed,
        "allowNonGLChanges": False,
        "closedOnDate": f"{end.year + 1}-01-15T12:00:00Z" if closed else None,
        "isPosting": not (more.get("isYear") or more.get("isQuarter")),
        "isAdjust": False,
        "isQuarter": False,
        "isYear": False,
        **more,
    }
    return _add(
        books, "accountingPeriod", periodName=name, startDate=start.isoformat(),
        endDate=end.isoformat(), **fields,
    )  # fmt: skip


def usd_rate(symbol: str, year: int, month: int) -> Decimal:
    """Dollars for one unit, from the first of the month: a small wave around a fixed rate."""
    id = CURRENCY_IDS[symbol]
    rate = CURRENCIES[id][3]
    wave = Decimal((year * 12 + month + 2 * int(id)) % 7 - 3) / 200
    return rounded(Decimal(rate) * (1 + (wave if symbol != "USD" else 0)), 8)


def _rates(books: Books) -> None:
    bases = sorted({symbol for _, _, symbol, _ in SUBSIDIARIES.values()})
    for year in YEARS:
        for month in range(1, 13):
            if date(year, month, 1) > WORLD_NOW.date().replace(year=WORLD_NOW.year + 1):
                return
            for base in bases:
                for symbol in CURRENCY_IDS:
                    if symbol != base:
                        _rate(books, symbol, base, year, month)
            _consolidated(books, year, month)


def _rate(books: Books, symbol: str, base: str, year: int, month: int) -> None:
    rate = rounded(usd_rate(symbol, year, month) / usd_rate(base, year, month), 8)
    _add(
        books, "currencyRate", baseCurrency=CURRENCY_IDS[base],
        transactionCurrency=CURRENCY_IDS[symbol], exchangeRate=rate,
        effectiveDate=date(year, month, 1).isoformat(),
    )  # fmt: skip


def _consolidated(books: Books, year: int, month: int) -> None:
    """Subsidiary to parent, per period: what reports in the parent's currency use."""
    name = f"{calendar.month_abbr[month]} {year}"
    periods = books.tables["accountingPeriod"].items()
    period = next(id for id, row in periods if row["periodName"] == name)
    for id, (_, _, symbol, parent) in SUBSIDIARIES.items():
        if parent is not None:
            rate = usd_rate(symbol, year, month)
            _add(
                books, "consolidatedExchangeRate", postingPeriod=period,
                fromCurrency=CURRENCY_IDS[symbol], fromSubsidiary=id, toCurrency="1",
                toSubsidiary=parent, currentRate=rate, averageRate=rate, historicalRate=rate,
            )  # fmt: skip
