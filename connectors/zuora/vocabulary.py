"""One name for everything: that of the v1 resource. What Object Query calls otherwise is a table.

Zuora API reference, "Object Queries" beside "Accounts", "Orders", "Subscriptions", "Invoices",
"Payments", "Credit memos", "Refunds", "Usage". Letter case differs between the two as well
(``sKU``, ``vATId``, ``mRR``), and is not part of a name here: rows are read without regard to it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Final

from connectors.base import FieldType
from connectors.errors import Rejected
from connectors.zuora.fields import QUERIED

STAMP: Final = "updatedDate"
CUSTOM_FIELD: Final = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,99}__(?:c|NS|QT)", re.ASCII)
_CUSTOM_OBJECT: Final = re.compile(r"[a-z][a-z0-9_]{0,60}__c", re.ASCII)


def _nothing() -> Mapping[str, Any]:
    return MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Kind:
    """How one object is named and found.

    ``query`` is its name in Object Query (empty: not there), ``key`` the field that is our record
    id, ``v1`` the address that shows one record by its key (empty: none) and ``listed`` the list
    of an object that Object Query does not know, as address and name in the answer. ``renames``
    maps our field names to Object Query's. ``opened`` are the containers of the v1 answer whose
    fields count as the record's own. ``deep`` are fields that only the v1 resource shows.
    ``lists`` maps a field to the child object it holds and the child's field that refers here.
    ``numbers`` maps a field to the field with a record's internal id, and that record's object: its
    number is looked up. ``versioned``: every change makes new rows, of which the latest count.
    """

    name: str
    query: str
    key: str
    fields: Mapping[str, FieldType]
    v1: str = ""
    listed: tuple[str, str] = ("", "")
    renames: Mapping[str, str] = field(default_factory=_nothing)
    opened: tuple[str, ...] = ()
    deep: Mapping[str, FieldType] = field(default_factory=_nothing)
    lists: Mapping[str, tuple[str, str]] = field(default_factory=_nothing)
    numbers: Mapping[str, tuple[str, str]] = field(default_factory=_nothing)
    versioned: bool = False

    def asked(self, name: str) -> str:
        """The field's name in Object Query."""
        return self.renames.get(name, name)

    def type_of(self, name: str) -> FieldType | None:
        """The field's type, ``None`` where nobody has declared it."""
        return self.fields.get(name) or self.deep.get(name)

    def known(self, name: str) -> bool:
        """Whether the field is declared, or is named as custom fields are."""
        head = name.partition(".")[0]
        return (
            self.type_of(head) is not None
            or head in self.lists
            or head in self.numbers
            or (head == "account" and "accountNumber" in self.numbers)
            or CUSTOM_FIELD.fullmatch(head) is not None
            or not self.fields
        )


def kind_of(object: str) -> Kind:
    """The facts of an object. Raises ``Rejected`` for one that there is not."""
    found = KINDS.get(object)
    if found is not None:
        return found
    if _CUSTOM_OBJECT.fullmatch(object):
        return Kind(name=object, query=object, key="id", fields=MappingProxyType({}))
    raise Rejected(
        f"Zuora has no object {object!r} here; there are: {', '.join(KINDS)}, and custom objects "
        "by a name that ends in __c",
        code="UNKNOWN_OBJECT",
    )


def _other(**types: str) -> Mapping[str, FieldType]:
    return MappingProxyType(
        {name: FieldType(type) for type, names in types.items() for name in names.split()}
    )


_ACCOUNT: Final = MappingProxyType({"accountNumber": ("accountId", "accounts")})
_CONTACTS: Final = "billToContact soldToContact shipToContact"

_ALL: Final = (
    Kind(
        name="accounts",
        query="accounts",
        key="accountNumber",
        v1="/v1/accounts/{}",
        fields=QUERIED["accounts"],
        renames={
            "salesRep": "salesRepName",
            "taxVatId": "vATId",
            "unappliedPaymentAmount": "unappliedBalance",
        },
        opened=("basicInfo", "billingAndPayment", "metrics"),
        deep=_other(
            other=f"{_CONTACTS} taxInfo metricsData tags einvoiceProfile",
            text="profileNumber organizationLabel paymentGatewayNumber",
            decimal="contractedMrr",
        ),
    ),
    Kind(
        name="contacts",
        query="contacts",
        key="id",
        v1="/v1/contacts/{}",
        fields=QUERIED["contacts"],
        renames={
            "contactDescription": "description",
            "nickname": "nickName",
            "zipCode": "postalCode",
        },
        numbers=_ACCOUNT,
    ),
    Kind(
        name="orders",
        query="orders",
        key="orderNumber",
        v1="/v1/orders/{}",
        fields=QUERIED["orders"],
        opened=("order",),
        deep=_other(
            text="currency existingAccountNumber reasonCode createdBy updatedBy",
            other=(
                "subscriptions orderLineItems customFields existingAccountDetails "
                "schedulingOptions subscriptionNumbers invoiceNumbers creditMemoNumbers"
            ),
        ),
        numbers=_ACCOUNT,
    ),
    Kind(
        name="subscriptions",
        query="subscriptions",
        key="subscriptionNumber",
        v1="/v1/subscriptions/{}",
        fields=QUERIED["subscriptions"],
        renames={
            "subscriptionNumber": "name",
            "customerAcceptanceDate": "contractAcceptanceDate",
            "invoiceSeparately": "isInvoiceSeparate",
            "contractedMrr": "cMRR",
        },
        deep=_other(
            text="accountName invoiceOwnerAccountNumber orderNumber",
            decimal="totalContractedValue contractedNetMrr asOfDayGrossMrr asOfDayNetMrr",
            date="scheduledCancelDate scheduledSuspendDate scheduledResumeDate",
            instant="createTime updateTime",
            other=f"ratePlans statusHistory {_CONTACTS}",
        ),
        lists={"charges": ("rate_plan_charges", "subscriptionId")},
        numbers=_ACCOUNT,
        versioned=True,
    ),
    Kind(
        name="rate_plans",
        query="rate-plans",
        key="id",
        fields=QUERIED["rate_plans"],
        numbers={"subscriptionNumber": ("subscriptionId", "subscriptions")},
    ),
    Kind(
        name="rate_plan_charges",
        query="rate-plan-charges",
        key="chargeNumber",
        fields={**QUERIED["rate_plan_charges"], "segments": FieldType.OTHER},
        renames={
            "dmrc": "dMRC",
            "dtcv": "dTCV",
            "unitOfMeasure": "uOM",
            "prepaidUom": "prepaidUOM",
        },
        numbers={"subscriptionNumber": ("subscriptionId", "subscriptions")},
        versioned=True,
    ),
    Kind(
        name="invoices",
        query="invoices",
        key="invoiceNumber",
        v1="/v1/invoices/{}",
        fields=QUERIED["invoices"],
        deep=_other(decimal="discount", text="billRunId"),
        lists={
            "items": ("invoice_items", "invoiceId"),
            "applications": ("payment_applications", "invoiceId"),
            "creditMemoApplications": ("credit_memo_applications", "invoiceId"),
        },
        numbers=_ACCOUNT,
    ),
    Kind(
        name="invoice_items",
        query="invoice-items",
        key="id",
        fields=QUERIED["invoice_items"],
        renames={
            "sku": "sKU",
            "unitOfMeasure": "uOM",
            "appliedToItemId": "appliedToInvoiceItemId",
        },
        numbers={**_ACCOUNT, "invoiceNumber": ("invoiceId", "invoices")},
    ),
    Kind(
        name="payments",
        query="payments",
        key="number",
        v1="/v1/payments/{}",
        fields=QUERIED["payments"],
        renames={"number": "paymentNumber", "standalone": "isStandalone"},
        deep=_other(
            text="gatewayId paymentScheduleKey",
            other="financeInformation paymentOption",
            decimal="creditBalanceAmount",
        ),
        lists={"applications": ("payment_applications", "paymentId")},
        numbers=_ACCOUNT,
    ),
    Kind(
        name="payment_applications",
        query="payment-applications",
        key="id",
        fields=QUERIED["payment_applications"],
        renames={"amount": "applyAmount"},
        numbers={
            **_ACCOUNT,
            "paymentNumber": ("paymentId", "payments"),
            "invoiceNumber": ("invoiceId", "invoices"),
        },
    ),
    Kind(
        name="credit_memos",
        query="credit-memos",
        key="number",
        v1="/v1/credit-memos/{}",
        fields=QUERIED["credit_memos"],
        renames={
            "number": "memoNumber",
            "amount": "totalAmount",
            "amountWithoutTax": "totalAmountWithoutTax",
            "unappliedAmount": "balance",
            "creditMemoDate": "memoDate",
            "comment": "comments",
            "referredInvoiceId": "invoiceId",
        },
        deep=_other(text="latestPDFFileId organizationLabel"),
        lists={
            "items": ("credit_memo_items", "creditMemoId"),
            "applications": ("credit_memo_applications", "creditMemoId"),
        },
        numbers={**_ACCOUNT, "invoiceNumber": ("referredInvoiceId", "invoices")},
    ),
    Kind(
        name="credit_memo_items",
        query="credit-memo-items",
        key="id",
        fields=QUERIED["credit_memo_items"],
        numbers={"creditMemoNumber": ("creditMemoId", "credit_memos")},
    ),
    Kind(
        name="credit_memo_applications",
        query="credit-memo-applications",
        key="id",
        fields=QUERIED["credit_memo_applications"],
        numbers={
            **_ACCOUNT,
            "creditMemoNumber": ("creditMemoId", "credit_memos"),
            "invoiceNumber": ("invoiceId", "invoices"),
        },
    ),
    Kind(
        name="refunds",
        query="refunds",
        key="number",
        v1="/v1/refunds/{}",
        fields=QUERIED["refunds"],
        renames={"number": "refundNumber"},
        deep=_other(
            text="paymentId paymentNumber creditMemoId gatewayId refundTransactionType",
            other="financeInformation",
        ),
        numbers={
            **_ACCOUNT,
            "creditMemoNumber": ("creditMemoId", "credit_memos"),
            # Two steps away: see invoices_refunded.
            "invoiceNumber": ("associatedTransactionNumber", "invoices"),
        },
    ),
    Kind(
        name="usage",
        query="usages",
        key="id",
        fields=QUERIED["usage"],
        renames={"unitOfMeasure": "uOM"},
        numbers={"subscriptionNumber": ("subscriptionId", "subscriptions")},
    ),
    Kind(
        name="products",
        query="products",
        key="id",
        fields=QUERIED["products"],
        renames={"sku": "sKU"},
    ),
    Kind(
        name="product_rate_plans",
        query="product-rate-plans",
        key="id",
        fields=QUERIED["product_rate_plans"],
    ),
    Kind(
        name="product_rate_plan_charges",
        query="product-rate-plan-charges",
        key="id",
        fields=QUERIED["product_rate_plan_charges"],
        renames={"unitOfMeasure": "uOM"},
    ),
    Kind(
        name="accounting_codes",
        query="",
        key="id",
        v1="/v1/accounting-codes/{}",
        listed=("/v1/accounting-codes", "accountingCodes"),
        fields=_other(
            text=(
                "id name type category status glAccountName glAccountNumber notes createdBy "
                "updatedBy"
            ),
            instant="createdOn updatedOn",
            other="segmentConstantValues",
        ),
    ),
    Kind(
        name="accounting_periods",
        query="",
        key="id",
        v1="/v1/accounting-periods/{}",
        listed=("/v1/accounting-periods", "accountingPeriods"),
        fields=_other(
            text="id name status notes createdBy updatedBy runTrialBalanceStatus",
            date="startDate endDate",
            integer="fiscalYear fiscalQuarter",
            instant="createdOn updatedOn",
        ),
    ),
    Kind(
        name="journal_entries",
        query="",
        key="number",
        v1="/v1/journal-entries/{}",
        fields=_other(
            text=(
                "number status accountingPeriodName currency homeCurrency notes transactionType "
                "transferredToAccounting transferredBy organizationLabel"
            ),
            boolean="aggregateCurrency",
            date="journalEntryDate timePeriodStart timePeriodEnd",
            instant="transferDateTime",
            other="journalEntryItems segments",
        ),
    ),
)
KINDS: Final[Mapping[str, Kind]] = MappingProxyType({kind.name: kind for kind in _ALL})
