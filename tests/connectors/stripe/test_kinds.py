"""Every whole number that the SDK's classes know is money, a time, or knowingly neither."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest
import stripe

from connectors.stripe import kinds
from connectors.stripe.events import SINGULAR
from connectors.stripe.fields import FIELDS, IDENTITY_FIELD
from connectors.stripe.objects import OBJECTS
from connectors.stripe.resources import RESOURCES

CLASSES = {
    "customers": stripe.Customer,
    "products": stripe.Product,
    "prices": stripe.Price,
    "subscriptions": stripe.Subscription,
    "subscription items": stripe.SubscriptionItem,
    "invoices": stripe.Invoice,
    "invoice lines": stripe.InvoiceLineItem,
    "invoice_items": stripe.InvoiceItem,
    "invoice_payments": stripe.InvoicePayment,
    "payment_intents": stripe.PaymentIntent,
    "charges": stripe.Charge,
    "refunds": stripe.Refund,
    "disputes": stripe.Dispute,
    "credit_notes": stripe.CreditNote,
    "credit note lines": stripe.CreditNoteLineItem,
    "balance_transactions": stripe.BalanceTransaction,
    "payouts": stripe.Payout,
    "tax rates": stripe.TaxRate,
}
COUNTS = frozenset(
    {
        "attempt_count", "day_of_month", "days_until_due", "divide_by", "exp_month", "exp_year",
        "expires_after_days", "expires_after_seconds", "hour", "interval_count", "minute", "month",
        "next_invoice_sequence", "payments_per_period", "quantity", "second", "submission_count",
        "template_version", "trial_period_days", "up_to", "usage_gte", "count", "risk_score",
    }
)  # fmt: skip
WHOLE = re.compile(r"(?<![\w\[])int\b|Optional\[int\]|ForwardRef\('int|<class 'int'>")


def whole_numbers(cls: Any, where: str, seen: set[Any]) -> Iterator[tuple[str, str]]:
    if cls in seen:
        return
    seen.add(cls)
    for name, annotation in getattr(cls, "__annotations__", {}).items():
        text = str(annotation)
        if WHOLE.search(text) and "Params" not in text:
            yield where, name
    for name, inner in vars(cls).items():
        if isinstance(inner, type) and issubclass(inner, stripe.StripeObject):
            yield from whole_numbers(inner, f"{where}.{name}", seen)


@pytest.mark.parametrize("name", sorted(CLASSES))
def test_every_whole_number_has_a_meaning(name: str) -> None:
    found = list(whole_numbers(CLASSES[name], name, set()))
    assert found, "the SDK's classes are no longer read rightly"
    known = kinds.MONEY | kinds.TIMES | COUNTS | kinds.MONEY_BY_CURRENCY
    assert [pair for pair in found if pair[1] not in known] == []


def test_the_meanings_are_apart() -> None:
    groups = (kinds.MONEY, kinds.FINE_MONEY, kinds.TIMES, kinds.DECIMALS, COUNTS)
    names = [name for group in groups for name in group]
    assert len(names) == len(set(names))


@pytest.mark.parametrize("object", sorted(FIELDS))
def test_declared_fields_agree_with_the_kinds(object: str) -> None:
    for name, field in FIELDS[object].items():
        assert (field.type == "money") == (name in kinds.MONEY), name
        assert (field.type == "unit") == (name in kinds.FINE_MONEY), name
        assert (field.type == "time") == (name in kinds.TIMES), name


@pytest.mark.parametrize("object", sorted(set(FIELDS) & set(CLASSES)))
def test_declared_fields_are_in_the_sdk(object: str) -> None:
    known = CLASSES[object].__annotations__
    assert not [
        name for name, field in FIELDS[object].items() if field.readable and name not in known
    ]
    assert all(field.target in FIELDS for field in FIELDS[object].values() if field.target)


def test_every_object_is_declared_everywhere() -> None:
    names = [one.name for one in OBJECTS]
    assert set(names) == set(FIELDS) == set(RESOURCES) == set(SINGULAR)
    for one in OBJECTS:
        if one.identity_field == IDENTITY_FIELD:
            assert FIELDS[one.name]["metadata"].writable
