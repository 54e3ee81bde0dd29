"""Values in and out, digit for digit."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.base import FieldType
from connectors.errors import UnexpectedAnswer
from connectors.transport_json import parse_json
from connectors.zuora.values import Reader, json_text, object_text

PACIFIC = Reader(ZoneInfo("America/Los_Angeles"))
PLAIN = Reader(ZoneInfo("UTC"))


@pytest.mark.parametrize(
    ("type", "printed", "expected"),
    [
        (FieldType.INSTANT, "2026-07-25T02:46:20Z", datetime(2026, 7, 25, 2, 46, 20, tzinfo=UTC)),
        (FieldType.INSTANT, "2026-07-24 19:46:20", datetime(2026, 7, 25, 2, 46, 20, tzinfo=UTC)),
        (
            FieldType.INSTANT,
            "2026-07-24T19:46:20.000-07:00",
            datetime(2026, 7, 25, 2, 46, 20, tzinfo=UTC),
        ),
        (FieldType.INSTANT, "2026-07-24", datetime(2026, 7, 24, 7, tzinfo=UTC)),
        (FieldType.DATE, "2026-07-24", date(2026, 7, 24)),
        (FieldType.DATE, "2026-07-25T02:46:20Z", date(2026, 7, 24)),
        (FieldType.DATE, "2026-07-24 19:46:20", date(2026, 7, 24)),
        (FieldType.DECIMAL, Decimal("10.50"), Decimal("10.50")),
        (FieldType.DECIMAL, 10, Decimal(10)),
        (FieldType.DECIMAL, "10.50", Decimal("10.50")),
        (FieldType.INTEGER, Decimal("12"), 12),
        (FieldType.BOOLEAN, "true", True),
        (FieldType.TEXT, 12, "12"),
        (FieldType.TEXT, "", ""),
        (FieldType.DECIMAL, "", None),
        (FieldType.DATE, None, None),
    ],
)
def test_printed_values(type: FieldType, printed: object, expected: object) -> None:
    assert PACIFIC.value("x", type, printed) == expected


@pytest.mark.parametrize(
    ("type", "printed"),
    [
        (FieldType.DECIMAL, "ten"),
        (FieldType.DECIMAL, True),
        (FieldType.INTEGER, Decimal("1.5")),
        (FieldType.BOOLEAN, 1),
        (FieldType.DATE, "24/07/2026"),
        (FieldType.INSTANT, 20260724),
    ],
)
def test_another_type_is_not_guessed(type: FieldType, printed: object) -> None:
    with pytest.raises(UnexpectedAnswer, match="chargeAmount"):
        PACIFIC.value("chargeAmount", type, printed)


def test_what_is_nested_is_typed_by_name() -> None:
    plans = [
        {
            "ratePlanName": "Annual",
            "ratePlanCharges": [
                {"number": "C-1", "mrr": 100, "quantity": 3, "effectiveStartDate": "2026-01-01"}
            ],
        }
    ]
    (plan,) = PLAIN.value("ratePlans", FieldType.OTHER, plans)
    (charge,) = plan["ratePlanCharges"]
    assert charge["mrr"] == Decimal(100)
    assert type(charge["mrr"]) is Decimal
    assert charge["effectiveStartDate"] == date(2026, 1, 1)


@given(
    st.decimals(
        allow_nan=False, allow_infinity=False, places=6, min_value=-(10**15), max_value=10**15
    )
)
def test_amounts_go_out_digit_for_digit(amount: Decimal) -> None:
    text = json_text(amount)
    assert "e" not in text.lower()
    assert Decimal(text) == amount


def test_bodies() -> None:
    at = datetime(2026, 7, 25, 2, 46, 20, tzinfo=UTC)
    body = object_text(
        {
            "amount": Decimal("10.10"),
            "day": date(2026, 1, 2),
            "at": at,
            "none": None,
            "flag": True,
            "list": ({"a": Decimal("1.00")}, "ü"),
        }
    )
    assert '"amount":10.10' in body
    assert parse_json(body.encode()) == {
        "amount": Decimal("10.10"),
        "day": "2026-01-02",
        "at": "2026-07-25T02:46:20Z",
        "none": None,
        "flag": True,
        "list": [{"a": Decimal("1.00")}, "ü"],
    }


@pytest.mark.parametrize(
    "value",
    [Decimal("NaN"), Decimal("Infinity"), datetime(2026, 1, 1), "a\x00b", "\ud800"],
)
def test_what_has_no_form_is_refused(value: object) -> None:
    with pytest.raises(ValueError, match="x:"):
        object_text({"x": value})
    assert json.loads(json_text("fine")) == "fine"
