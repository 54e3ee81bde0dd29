"""Stripe's values in ours and back."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest

from connectors.errors import Rejected, UnexpectedAnswer
from connectors.records import Value
from connectors.stripe.shapes import has_money, params_of, selected, shown

INVOICE: dict[str, Any] = {
    "id": "in_1",
    "object": "invoice",
    "currency": "jpy",
    "created": 1788249600,
    "total": 1200,
    "total_taxes": [{"amount": 200, "taxable_amount": 1000, "tax_behavior": "exclusive"}],
    "due_date": None,
    "metadata": {"total": "7", "created": "9"},
    "parent": {"subscription_details": {"subscription": "sub_1", "metadata": {"deal": "d"}}},
    "status_transitions": {"paid_at": 1788249601},
    "attempt_count": 2,
    "lines": {
        "object": "list",
        "data": [
            {
                "amount": 1000,
                "currency": "jpy",
                "quantity": 3,
                "pricing": {"unit_amount_decimal": "333.333333333333"},
                "period": {"start": 1788249600, "end": 1790841600},
            }
        ],
    },
}


def test_a_record_in_our_values() -> None:
    found: Any = shown(INVOICE)
    assert found["total"] == Decimal(1200)
    assert found["total_taxes"][0]["amount"] == Decimal(200)
    assert found["created"] == datetime(2026, 9, 1, 8, 0, tzinfo=UTC)
    assert found["due_date"] is None
    assert found["metadata"] == {"total": "7", "created": "9"}
    assert found["attempt_count"] == 2
    line = found["lines"]["data"][0]
    assert line["pricing"]["unit_amount_decimal"] == Decimal("333.333333333333")
    assert line["quantity"] == 3
    assert line["period"]["end"] == datetime(2026, 10, 1, 8, 0, tzinfo=UTC)


def test_selected_names_lead_into_nested_values() -> None:
    names = (
        "total",
        "parent.subscription_details.subscription",
        "status_transitions.paid_at",
        "metadata.total",
        "metadata.nothing.here",
        "parent.nothing",
        "parent.subscription_details.metadata.deal",
        "parent.subscription_details.metadata.contract",
        "due_date.x",
        "unknown",
    )
    found = selected(shown(INVOICE), names)
    assert found == {
        "total": Decimal(1200),
        "parent.subscription_details.subscription": "sub_1",
        "parent.subscription_details.metadata.deal": "d",
        "parent.subscription_details.metadata.contract": None,
        "status_transitions.paid_at": datetime(2026, 9, 1, 8, 0, 1, tzinfo=UTC),
        "metadata.total": "7",
        "metadata.nothing.here": None,
        "due_date.x": None,
    }


def test_amounts_by_currency() -> None:
    found = shown(
        {
            "object": "customer",
            "balance": -1250,
            "currency": None,
            "invoice_credit_balance": {"usd": -500, "jpy": -500},
            "cash_balance": {"available": {"kwd": 1230}},
            "currency_options": {"jpy": {"unit_amount": 5, "unit_amount_decimal": "5.5"}},
        }
    )
    assert "balance" not in found, "nobody says what it is in"
    assert found["invoice_credit_balance"] == {"usd": Decimal(-5), "jpy": Decimal(-500)}
    assert found["cash_balance"] == {"available": {"kwd": Decimal("1.23")}}
    assert found["currency_options"] == {
        "jpy": {"unit_amount": Decimal(5), "unit_amount_decimal": Decimal("5.5")}
    }
    assert shown({"balance": 0, "currency": None})["balance"] == 0


def test_secrets_of_payments_stay_inside() -> None:
    assert dict(shown({"id": "pi_1", "client_secret": "pi_1_secret_x"})) == {"id": "pi_1"}


@pytest.mark.parametrize("content", [{"amount": 5, "currency": "usdc"}, {"created": 10**15}])
def test_what_cannot_be_understood_is_said(content: dict[str, Any]) -> None:
    with pytest.raises(UnexpectedAnswer):
        shown(content)


def test_fields_become_a_form() -> None:
    sent = params_of(
        {
            "amount": Decimal("12.30"),
            "currency": "USD",
            "metadata.plan.x": "gold",
            "metadata.count": 3,
            "address.city": None,
            "confirm": True,
            "due_date": datetime(2026, 9, 1, 8, 0, 0, 999_999, tzinfo=UTC),
            "items": ({"price": "price_1", "quantity": 2},),
            "images": (),
            "tiers": ({"up_to": "inf", "flat_amount": Decimal(5)},),
            "application_fee_percent": Decimal("1E+1"),
        }
    )
    assert sent == {
        "amount": "1230",
        "currency": "usd",
        "metadata": {"plan.x": "gold", "count": "3"},
        "address": {"city": ""},
        "confirm": "true",
        "due_date": "1788249600",
        "items": [{"price": "price_1", "quantity": "2"}],
        "images": "",
        "tiers": [{"up_to": "inf", "flat_amount": "500"}],
        "application_fee_percent": "10",
    }


def test_nested_amounts_are_in_the_nearest_currency() -> None:
    sent = params_of(
        {
            "currency": "usd",
            "unit_amount_decimal": Decimal("0.0125"),
            "currency_options": {"jpy": {"unit_amount": Decimal(5)}},
            "price_data": {"currency": "kwd", "unit_amount": Decimal("1.23")},
        }
    )
    assert sent["unit_amount_decimal"] == "1.25"
    assert sent["currency_options"] == {"jpy": {"unit_amount": "5"}}
    assert sent["price_data"] == {"currency": "kwd", "unit_amount": "1230"}


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"amount": Decimal(1)}, "CURRENCY_MISSING"),
        ({"amount": Decimal("0.001"), "currency": "usd"}, "AMOUNT_NOT_EXACT"),
        ({"amount": Decimal("1.5"), "currency": "jpy"}, "AMOUNT_NOT_EXACT"),
        ({"due_date": date(2026, 9, 1)}, "VALUE_NOT_WRITABLE"),
        ({"due_date": datetime(2026, 9, 1)}, "VALUE_NOT_WRITABLE"),
        ({"name": "a\x00"}, "VALUE_NOT_WRITABLE"),
        ({"name": "\ud800"}, "VALUE_NOT_WRITABLE"),
        ({"quantity_decimal": Decimal("NaN")}, "VALUE_NOT_WRITABLE"),
        ({"address": "x", "address.city": "y"}, "VALUE_NOT_WRITABLE"),
        ({"address.": "x"}, "VALUE_NOT_WRITABLE"),
    ],
)
def test_what_cannot_be_sent_is_refused(fields: dict[str, Value], code: str) -> None:
    with pytest.raises(Rejected) as raised:
        params_of(fields)
    assert raised.value.code == code
    assert raised.value.field_errors


def test_money_is_noticed_at_any_depth() -> None:
    assert has_money({"items": ({"price_data": {"unit_amount": Decimal(1)}},)})
    assert has_money({"shipping_cost.amount_total": Decimal(1)})
    assert not has_money({"metadata": {"amount": "1"}, "metadata.total": "2", "amount": None})
