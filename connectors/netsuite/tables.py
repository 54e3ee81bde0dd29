"""Where SuiteQL finds each record type: the table, what narrows it, the columns of small records.

NetSuite help, "Records Catalog". Types that the REST API gives no whole record of, and small
reference records of which a page costs one call, are read from their table alone.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from connectors.base import FieldType
from connectors.netsuite.suiteql import EVERYTHING, Condition, object_name

STAMP: Final = "lastmodifieddate"

# Transaction types by record type ("Records Catalog", transaction).
_TRANSACTIONS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "cashRefund": "CashRfnd",
        "cashSale": "CashSale",
        "creditMemo": "CustCred",
        "customerDeposit": "CustDep",
        "customerPayment": "CustPymt",
        "customerRefund": "CustRfnd",
        "estimate": "Estimate",
        "invoice": "CustInvc",
        "itemFulfillment": "ItemShip",
        "journalEntry": "Journal",
        "opportunity": "Opprtnty",
        "purchaseOrder": "PurchOrd",
        "returnAuthorization": "RtnAuth",
        "salesOrder": "SalesOrd",
        "vendorBill": "VendBill",
        "vendorCredit": "VendCred",
        "vendorPayment": "VendPymt",
    }
)

_TRANSACTION: Final = "transaction"
# Amounts of the record API are in the transaction's currency; the table has both.
_RENAMED: Final[Mapping[str, str]] = MappingProxyType(
    {
        "customer": "entity",
        "total": "foreigntotal",
        "amountRemaining": "foreignamountunpaid",
    }
)


@dataclass(frozen=True, slots=True)
class Column:
    """A field read from a table: its name in records, its column, its type."""

    name: str
    column: str
    type: FieldType


@dataclass(frozen=True, slots=True)
class Table:
    """Where a record type is found. ``stamp`` is empty where rows carry no modified time.

    ``columns`` are there for types that are read from the table alone.
    """

    name: str
    narrowed: Condition = EVERYTHING
    stamp: str = STAMP
    columns: tuple[Column, ...] = ()

    def searched(self, name: str) -> str:
        """The column in which a field of the record API is searched."""
        return _RENAMED.get(name, name) if self.name == _TRANSACTION else name

    @property
    def whole(self) -> bool:
        """Whether records are read from here and not from the record API."""
        return bool(self.columns)


def _column(text: str, kind: FieldType) -> Column:
    name, _, column = text.partition("=")
    return Column(name, column or name.lower(), kind)


def _columns(**kinds: str) -> tuple[Column, ...]:
    return tuple(
        _column(text, FieldType(kind)) for kind, texts in kinds.items() for text in texts.split()
    )


_SMALL: Final[Mapping[str, Table]] = MappingProxyType(
    {
        "accountingPeriod": Table(
            "accountingperiod",
            stamp="",
            columns=_columns(
                text="id periodName",
                date="startDate endDate",
                boolean="closed allLocked arLocked apLocked isPosting isAdjust isQuarter isYear "
                "isInactive",
                reference="parent",
            ),
        ),
        "account": Table(
            "account",
            stamp="",
            columns=_columns(
                text="id externalId acctNumber acctName=accountsearchdisplaynamecopy fullName "
                "description",
                choice="acctType",
                boolean="isInactive isSummary eliminate",
                reference="parent currency deferralAcct class department location",
            ),
        ),
        "subsidiary": Table(
            "subsidiary",
            stamp="",
            columns=_columns(
                text="id name fullName email country",
                boolean="isElimination isInactive",
                reference="parent currency",
            ),
        ),
        "currency": Table(
            "currency",
            stamp="",
            columns=_columns(
                text="id name symbol", decimal="exchangeRate", boolean="isBaseCurrency isInactive"
            ),
        ),
        "currencyRate": Table(
            "currencyrate",
            stamp="",
            columns=_columns(
                text="id",
                date="effectiveDate",
                decimal="exchangeRate",
                reference="baseCurrency transactionCurrency",
            ),
        ),
        "consolidatedExchangeRate": Table(
            "consolidatedexchangerate",
            stamp="",
            columns=_columns(
                text="id",
                decimal="currentRate averageRate historicalRate",
                reference="postingPeriod fromCurrency fromSubsidiary toCurrency toSubsidiary",
            ),
        ),
        "item": Table(
            "item",
            columns=_columns(
                text="id itemId externalId fullName displayName",
                choice="itemType",
                boolean="isInactive",
                reference="parent incomeAccount deferredRevenueAccount=deferralaccount "
                "revenueRecognitionRule",
                instant="lastModifiedDate",
            ),
        ),
    }
)


def table_of(object: str) -> Table:
    """Where the record type is found. Raises ``Rejected`` for what cannot be a record type."""
    name = object_name(object)
    if name in _SMALL:
        return _SMALL[name]
    code = _TRANSACTIONS.get(name)
    if code is not None:
        return Table(_TRANSACTION, Condition(f"type = '{code}'"))
    return Table(name.lower())


def spelled(record_type: str) -> str:
    """A record type as the REST API spells it: scripts and logs print it in lower case."""
    return _SPELLINGS.get(record_type.replace(" ", "").replace("_", "").lower(), record_type)


_SPELLINGS: Final[Mapping[str, str]] = MappingProxyType(
    {name.lower(): name for name in (*_TRANSACTIONS, *_SMALL, "customer", "vendor", "contact")}
    | {code.lower(): name for name, code in _TRANSACTIONS.items()}
)
