"""What every transaction obeys: dates, subsidiary, currency, rate, posting period."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final

from sandbox.netsuite.accounts import ROUNDING
from sandbox.netsuite.books import Books
from sandbox.netsuite.errors import content_error, user_error
from sandbox.netsuite.schema import RecordType
from sandbox.netsuite.values import Row, fits, rounded

RECEIVABLES: Final = frozenset({"invoice", "creditMemo", "customerPayment", "customerRefund"})
HARMLESS: Final = frozenset({"memo", "otherRefNum", "lastModifiedDate"})


@dataclass(frozen=True, slots=True)
class Saving:
    """One save. ``given`` are the fields the caller sent; ``old`` is ``None`` for a new record."""

    books: Books
    spec: RecordType
    id: str
    given: frozenset[str]
    old: Row | None


@dataclass(frozen=True, slots=True)
class Posting:
    """One line of a transaction's effect on the ledger; debits are positive.

    ``foreign`` is in the transaction's currency, ``base`` in the subsidiary's. ``about`` holds what
    the line itself says: item, quantity, memo, entity, classes and custom columns.
    """

    line: int
    kind: str  # main, item, tax, journal, exchange
    account: str
    foreign: Decimal
    base: Decimal
    about: Row


def complete_header(saving: Saving, row: Row, customer: str | None) -> None:
    """Fill in and check what all transactions have."""
    books = saving.books
    row["tranDate"] = row.get("tranDate") or books.now().date().isoformat()
    if customer is not None:
        _fit_customer(saving, row, customer)
    elif row.get("subsidiary") is None:
        raise content_error("Please enter value(s) for: Subsidiary.", "subsidiary")
    subsidiary = books.tables["subsidiary"][row["subsidiary"]]
    row["currency"] = row.get("currency") or subsidiary["currency"]
    _set_rate(saving, row, subsidiary["currency"])
    _check_settled(saving, row)
    if saving.spec.posting:
        _set_period(saving, row)
    if not row.get("tranId"):
        row["tranId"] = f"{saving.spec.prefix}{10000 + int(saving.id)}"
    row["transactionNumber"] = f"{saving.spec.prefix}{saving.id}"


def _check_settled(saving: Saving, row: Row) -> None:
    """What others were settled against stays what it was."""
    old = saving.old
    if old is None or not saving.books.settled(saving.id):
        return
    for name in ("entity", "customer", "subsidiary", "currency", "exchangeRate"):
        if row.get(name) != old.get(name):
            raise user_error(f"The {name} of a transaction that was settled cannot be changed.")


def subsidiaries_of(books: Books, customer: str) -> set[str]:
    """The subsidiaries that may do business with a customer."""
    row = books.tables["customer"][customer]
    links = books.tables["customerSubsidiaryRelationship"].values()
    return {row["subsidiary"], *(one["subsidiary"] for one in links if one["entity"] == customer)}


def _fit_customer(saving: Saving, row: Row, id: str) -> None:
    customer = saving.books.tables["customer"][id]
    if customer.get("isInactive") and saving.old is None:
        raise user_error(f"The customer {customer['entityId']} is inactive.")
    row["subsidiary"] = row.get("subsidiary") or customer["subsidiary"]
    if row["subsidiary"] not in subsidiaries_of(saving.books, id):
        raise _unfit("subsidiary", row["subsidiary"])
    row["currency"] = row.get("currency") or customer["currency"]
    if row["currency"] not in {line["currency"] for line in customer["currencyList"]}:
        raise _unfit("currency", row["currency"])


def _unfit(name: str, value: str) -> Exception:
    text = f"You have entered an Invalid Field Value {value} for the following field: {name}."
    return content_error(text, name)


def _set_rate(saving: Saving, row: Row, base: str) -> None:
    old = saving.old or {}
    if row["currency"] == base:
        if row.get("exchangeRate") not in {None, Decimal(1)} and "exchangeRate" in saving.given:
            raise content_error("The exchange rate of the base currency is 1.", "exchangeRate")
        row["exchangeRate"] = Decimal(1)
    elif row.get("exchangeRate") is None or (
        row["currency"] != old.get("currency", row["currency"])
        and "exchangeRate" not in saving.given
    ):
        rate = rate_on(saving.books, row["currency"], base, row["tranDate"])
        if rate is None:
            raise user_error(f"There is no exchange rate for {row['tranDate']}.")
        row["exchangeRate"] = rate
    if row["exchangeRate"] <= 0:
        raise content_error("The exchange rate must be greater than 0.", "exchangeRate")


def rate_on(books: Books, currency: str, base: str, day: str) -> Decimal | None:
    """Units of ``base`` for one of ``currency``: the latest rate effective on the day."""
    rates = [
        (row["effectiveDate"], row["exchangeRate"])
        for row in books.tables["currencyRate"].values()
        if row["transactionCurrency"] == currency
        and row["baseCurrency"] == base
        and row["effectiveDate"] <= day
    ]
    return max(rates)[1] if rates else None


def _set_period(saving: Saving, row: Row) -> None:
    books, old = saving.books, saving.old
    if row.get("postingPeriod") is None or (
        old is not None
        and row["tranDate"] != old["tranDate"]
        and "postingPeriod" not in saving.given
    ):
        row["postingPeriod"] = period_of(books, row["tranDate"])
    period = books.tables["accountingPeriod"].get(row["postingPeriod"] or "")
    if period is None:
        raise user_error(f"No accounting period has been set up for the date {row['tranDate']}.")
    if not period["isPosting"] or period["isQuarter"] or period["isYear"]:
        raise content_error("Transactions cannot be posted to this period.", "postingPeriod")
    changed = {key for key in row if old is not None and row[key] != old.get(key)}
    for id in {row["postingPeriod"], (old or row)["postingPeriod"]}:
        check_open(books, saving.spec, id, changed if old is not None else None)


def period_of(books: Books, day: str) -> str | None:
    """The month that holds a day."""
    for id, row in books.tables["accountingPeriod"].items():
        month = row["isPosting"] and not row["isQuarter"] and not row["isYear"]
        if month and not row["isAdjust"] and row["startDate"] <= day <= row["endDate"]:
            return id
    return None


def check_open(books: Books, spec: RecordType, id: str, changed: set[str] | None) -> None:
    """Refuse a save in a closed or locked period. ``changed`` are the fields an edit changes."""
    period = books.tables["accountingPeriod"][id]
    harmless = bool(changed) and changed is not None and changed <= HARMLESS
    if harmless and period["allowNonGLChanges"]:
        return
    name = period["periodName"]
    if period["closed"]:
        raise user_error(
            f"This transaction cannot be saved: the posting period {name} is closed. "
            "Choose a transaction date or posting period that is open."
        )
    if period["allLocked"] or (period["arLocked"] and spec.name in RECEIVABLES):
        raise user_error(f"This transaction cannot be saved: the posting period {name} is locked.")


def exact_amount(books: Books, currency: str, amount: Decimal, path: str) -> Decimal:
    """The amount, if its currency can hold it."""
    if not fits(amount, books.precision(currency)):
        symbol = books.tables["currency"][currency]["symbol"]
        raise content_error(f"Invalid number: {amount} has too many decimals for {symbol}.", path)
    return amount


def base_amount(books: Books, row: Row, foreign: Decimal) -> Decimal:
    """An amount of a transaction in its subsidiary's currency."""
    base = books.tables["subsidiary"][row["subsidiary"]]["currency"]
    return rounded(foreign * row["exchangeRate"], books.precision(base))


def balanced(postings: list[Posting], account: str = ROUNDING) -> tuple[Posting, ...]:
    """The postings and, where converting left a difference, the line that takes it."""
    rest = sum((one.base for one in postings), Decimal(0))
    if rest:
        number = max(one.line for one in postings) + 1
        line = Posting(number, "exchange", account, Decimal(0), -rest, {})
        return (*postings, line)
    return tuple(postings)


def check_account(books: Books, row: Row, id: str, path: str) -> dict[str, Any]:
    """An account that may be used by the transaction's subsidiary and currency."""
    account = books.tables["account"][id]
    allowed = {line["subsidiary"] for line in account.get("subsidiary") or ()}
    if account.get("isInactive") or account.get("isSummary"):
        raise content_error(f"The account {account['acctNumber']} cannot be used.", path)
    if allowed and row["subsidiary"] not in allowed:
        raise content_error(
            f"The account {account['acctNumber']} is not available in this subsidiary.", path
        )
    if account.get("currency") not in {None, row["currency"]}:
        raise content_error(f"The account {account['acctNumber']} has another currency.", path)
    return account
