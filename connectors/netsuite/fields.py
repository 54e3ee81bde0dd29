"""The fields of the records we know, by kind, and how values of a name are typed.

REST API Browser 2026.1 (system.netsuite.com/help/helpcenter/en_US/APIs/REST_API_Browser). An
account shows a subset of these and adds its own (``custbody_…``), which are taken as they come.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from connectors.base import FieldType


def _names(*texts: str) -> frozenset[str]:
    return frozenset(name for text in texts for name in text.split())


# A name means the same kind of value on every record and line, so values are typed by name alone.
DATES: Final = _names(
    "applyDate dueDate effectiveDate endDate nextBill revRecEndDate revRecStartDate reversalDate",
    "saasCommitmentEndDate saasCommitmentStartDate salesEffectiveDate startDate tranDate",
)
INSTANTS: Final = _names("closedOnDate createdDate dateCreated lastModifiedDate")
WHOLE: Final = _names(
    "amortizationPeriod daysOverdue daysUntilNetDue line orderLine periodOffset revRecOffset",
    "revRecTermInMonths",
)
NUMBERS: Final = _names(
    "amount amountPaid amountRemaining applied averageRate balance consolBalance credit",
    "creditLimit currentRate debit deferredRevenue depositBalance disc discAmt discountAmount",
    "discountRate discountTotal due exchangeRate grossAmount grossAmt historicalRate netAmount",
    "oneTime overdueBalance payment paymentsDue pending quantity quantityBackOrdered",
    "quantityBilled quantityFulfilled rate recognizedRevenue recurAnnually recurMonthly",
    "recurQuarterly recurWeekly remaining subtotal tax1Amt taxAmount taxBasis taxRate taxRate1",
    "taxTotal total totalAmount unapplied unbilledOrders",
)
BOOLEANS: Final = _names(
    "allLocked apLocked apply approved arLocked autoApply closed isAdjust isBaseCurrency",
    "isBookSpecific isCrossSubTransaction isElimination isInactive isPerson isPosting isQuarter",
    "isReversal isYear needsRevCommitment ordRevCommitted revRecOnRevCommitment reversalDefer",
    "taxDetailsOverride taxRegOverride taxable toBeEmailed undepFunds void",
)
REFERENCES: Final = _names(
    "account accountingBook arAcct baseCurrency billAddressList billingAccount billingAddress",
    "billingSchedule category class createdFrom currency customForm customer department",
    "discountItem drAccount entity entityStatus fromCurrency fromSubsidiary fxAccount",
    "intercoTransaction job leadSource location nexus opportunity orderType parent",
    "parentExpenseAlloc partner paymentMethod paymentOption paymentProcessingProfile",
    "postingPeriod priceLevel primaryBookBaseCurrency receivablesAccount salesRep",
    "shippingAddress subsidiary taxItem terms territory toCurrency toSubsidiary",
    "transactionCurrency voidJournal deferralAcct incomeAccount deferredRevenueAccount",
    "revenueRecognitionRule",
)
# Enumerations: printed as {id, refName}; the id is what is stored.
CHOICES: Final = _names(
    "acctType approvalStatus country creditHoldOverride handlingMode intercoStatus itemType",
    "orderStatus paymentOperation status",
)
LISTS: Final = _names(
    "accountingBookDetail addressBook apply contactRoles credit currencyList deposit expCost",
    "installment item line links partners salesTeam taxDetails time",
)
# Set by the system: sent, they are refused or ignored.
LOCKED: Final = _names(
    "altName amountPaid amountRemaining applied balance closedOnDate consolBalance createdDate",
    "createdFrom dateCreated daysOverdue defaultAddress deferredRevenue depositBalance id",
    "isReversal lastModifiedDate links oneTime overdueBalance pending recognizedRevenue",
    "recurAnnually recurMonthly recurQuarterly recurWeekly refName reversalEntry",
    "saasCommitmentEndDate saasCommitmentStartDate status subtotal taxTotal total",
    "transactionNumber unapplied unbilledOrders void",
)
# The same on lines: numbers, keys and figures that the system adds to what was sent.
LINE_LOCKED: Final = _names(
    "applyDate createdFrom due grossAmt line orderLine quantityBilled quantityFulfilled",
    "refNum total type uniqueKey",
)
# Added to lines as nothing at all, where they were not sent.
LINE_DEFAULTS: Final = _names("eliminate isClosed tax1Amt taxRate1")
CUSTOM_PREFIXES: Final = ("custbody", "custcol", "custentity", "custrecord", "custitem", "cseg")

_TRANSACTION: Final = (
    "id externalId tranId transactionNumber tranDate createdDate lastModifiedDate postingPeriod "
    "subsidiary currency exchangeRate memo customForm department class location status"
)
_SALE: Final = (
    "entity otherRefNum email terms salesRep discountItem discountRate discountTotal subtotal "
    "taxTotal total deferredRevenue recognizedRevenue billingAddress createdFrom nexus "
    "approvalStatus taxDetailsOverride item taxDetails accountingBookDetail"
)

RECORDS: Final[Mapping[str, frozenset[str]]] = MappingProxyType(
    {
        "customer": _names(
            "id externalId entityId companyName firstName lastName middleName salutation title",
            "altName email altEmail phone altPhone fax url comments resaleNumber defaultAddress",
            "isPerson taxable isInactive subsidiary currency terms parent salesRep category",
            "entityStatus leadSource territory priceLevel taxItem receivablesAccount drAccount",
            "fxAccount creditLimit balance unbilledOrders overdueBalance depositBalance",
            "consolBalance creditHoldOverride daysOverdue dateCreated lastModifiedDate",
            "addressBook currencyList contactRoles",
        ),
        "salesOrder": _names(
            _TRANSACTION,
            _SALE,
            "orderStatus startDate endDate dueDate salesEffectiveDate saasCommitmentStartDate",
            "saasCommitmentEndDate nextBill orderType partner opportunity job leadSource",
            "billingSchedule shippingAddress billAddressList drAccount fxAccount paymentOption",
            "paymentProcessingProfile intercoTransaction primaryBookBaseCurrency discountAmount",
            "oneTime recurMonthly recurQuarterly recurAnnually recurWeekly paymentsDue",
            "handlingMode intercoStatus salesTeam partners revRecOnRevCommitment",
            "needsRevCommitment ordRevCommitted toBeEmailed isCrossSubTransaction revenueStatus",
            "revCommitStatus",
        ),
        "invoice": _names(
            _TRANSACTION,
            _SALE,
            "dueDate startDate endDate salesEffectiveDate account opportunity billingAccount",
            "shippingAddress drAccount fxAccount amountPaid amountRemaining handlingMode",
            "installment time expCost toBeEmailed taxRegOverride subsidiaryTaxRegNum",
            "entityTaxRegNum revenueStatus revCommitStatus",
        ),
        "customerPayment": _names(
            _TRANSACTION,
            "customer account arAcct paymentOption checkNumber inputAuthCode outputAuthCode",
            "pnRefNum payment applied unapplied balance pending total paymentOperation",
            "handlingMode undepFunds autoApply apply credit deposit createdFrom",
        ),
        "creditMemo": _names(
            _TRANSACTION,
            _SALE,
            "account applied unapplied amountPaid amountRemaining balance autoApply apply",
        ),
        "customerRefund": _names(
            _TRANSACTION,
            "customer account arAcct paymentMethod paymentOption voidJournal balance total apply",
            "deposit",
        ),
        "journalEntry": _names(
            _TRANSACTION,
            "approvalStatus approved void reversalDate reversalDefer reversalEntry isReversal",
            "accountingBook isBookSpecific toSubsidiary parentExpenseAlloc createdFrom line",
            "accountingBookDetail",
        ),
    }
)

# What a create needs. References that it needs too may be written by their parts
# (``entity.externalId``); one that is missing is refused by name.
REQUIRED: Final[Mapping[str, frozenset[str]]] = MappingProxyType(
    {
        "salesOrder": _names("item"),
        "invoice": _names("item"),
        "creditMemo": _names("item"),
        "customerPayment": _names("payment"),
        "customerRefund": _names("apply"),
        "journalEntry": _names("line"),
    }
)


def type_of(object: str, name: str) -> FieldType:
    """The type of a record's own field; what is not known is :attr:`FieldType.OTHER`."""
    if name in LISTS and name in RECORDS.get(object, LISTS):
        return FieldType.OTHER
    for names, kind in _KINDS:
        if name in names:
            return kind
    return FieldType.TEXT if name in RECORDS.get(object, ()) else FieldType.OTHER


_KINDS: Final = (
    (DATES, FieldType.DATE),
    (INSTANTS, FieldType.INSTANT),
    (WHOLE, FieldType.INTEGER),
    (NUMBERS, FieldType.DECIMAL),
    (BOOLEANS, FieldType.BOOLEAN),
    (REFERENCES, FieldType.REFERENCE),
    (CHOICES, FieldType.CHOICE),
)


def is_custom(name: str) -> bool:
    """Whether the account made this field itself."""
    return name.lower().startswith(CUSTOM_PREFIXES)
