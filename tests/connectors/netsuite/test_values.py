"""Values: exact both ways, and structures without the vendor's bookkeeping."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.base import FieldType
from connectors.errors import UnexpectedAnswer
from connectors.netsuite.values import as_written, json_text, row_value, value_of
from connectors.transport_json import loads_strict

AMOUNTS = st.decimals(allow_nan=False, allow_infinity=False, places=3, max_value=10**15,
                      min_value=-(10**15))  # fmt: skip


@given(AMOUNTS)
def test_amounts_travel_digit_for_digit(amount) -> None:
    raw = loads_strict(json_text(amount).encode())
    found = value_of("amount", raw)
    assert isinstance(found, Decimal)
    assert found == amount
    assert "e" not in json_text(amount).lower()


@given(st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"), min_size=1))
def test_text_travels_as_it_is(text) -> None:
    assert value_of("memo", loads_strict(json_text(text).encode())) == text


def test_types_by_name() -> None:
    assert value_of("tranDate", "2026-11-22") == date(2026, 11, 22)
    assert value_of("lastModifiedDate", "2026-11-22T10:00:00Z") == datetime(
        2026, 11, 22, 10, tzinfo=UTC
    )
    assert value_of("debit", 5) == Decimal(5)
    assert isinstance(value_of("debit", 5), Decimal)
    assert value_of("exchangeRate", "1.25") == Decimal("1.25")
    assert value_of("line", 3) == 3
    assert type(value_of("line", 3)) is int
    assert value_of("id", 17) == "17"
    assert isinstance(value_of("custbody_seats", 3), Decimal)
    assert value_of("memo", "2026-11-22") == "2026-11-22"
    assert value_of("memo", "") is None


def test_structures_lose_links_and_paging_alone() -> None:
    raw = {
        "links": [{"rel": "self"}],
        "count": 1,
        "hasMore": False,
        "offset": 0,
        "totalResults": 1,
        "items": [
            {
                "links": [],
                "line": 1,
                "account": {"links": [], "id": "201", "refName": "Deferred"},
                "debit": Decimal("424.08"),
                "startDate": "2026-11-01",
            }
        ],
    }
    assert value_of("line", raw) == {
        "items": (
            {
                "line": 1,
                "account": {"id": "201", "refName": "Deferred"},
                "debit": Decimal("424.08"),
                "startDate": date(2026, 11, 1),
            },
        )
    }


def test_as_written() -> None:
    reference = {"id": "1", "refName": "US Dollar"}
    line = {"line": 1, "account": reference, "debit": Decimal(5), "memo": None, "eliminate": False,
            "custcol_x": reference}  # fmt: skip
    assert as_written(reference) == {"id": "1"}
    assert as_written({"items": (line,)}) == {
        "items": ({"account": {"id": "1"}, "debit": Decimal(5), "custcol_x": {"id": "1"}},)
    }
    assert as_written({"items": (reference,)}) == {"items": ({"id": "1"},)}
    assert as_written({"addr1": "x", "country": reference}) == {
        "addr1": "x",
        "country": {"id": "1"},
    }
    assert as_written("text") == "text"


def test_half_a_list_is_no_list() -> None:
    with pytest.raises(UnexpectedAnswer) as raised:
        value_of("line", {"items": [], "hasMore": True})
    assert raised.value.code == "SUBLIST_CUT"


@pytest.mark.parametrize(
    ("name", "raw"),
    [("tranDate", "11/22/2026"), ("lastModifiedDate", "yesterday"), ("debit", "much"),
     ("line", Decimal("1.5")), ("memo", 1.5)],
)  # fmt: skip
def test_what_is_no_such_value_is_refused(name, raw) -> None:
    with pytest.raises(UnexpectedAnswer):
        value_of(name, raw)


def test_rows() -> None:
    assert row_value(FieldType.BOOLEAN, "T", None) is True
    assert row_value(FieldType.BOOLEAN, "F", None) is False
    assert row_value(FieldType.DECIMAL, "0.5", None) == Decimal("0.5")
    assert row_value(FieldType.DATE, "2026-11-01", None) == date(2026, 11, 1)
    assert row_value(FieldType.REFERENCE, "2", "UK") == {"id": "2", "refName": "UK"}
    assert row_value(FieldType.TEXT, 17, None) == "17"
    assert row_value(FieldType.TEXT, None, None) is None
    for kind, raw in ((FieldType.BOOLEAN, "yes"), (FieldType.DATE, "11/1/2026")):
        with pytest.raises(UnexpectedAnswer):
            row_value(kind, raw, None)


def test_what_is_sent() -> None:
    body = {
        "entity": {"id": "5"},
        "tranDate": date(2026, 11, 30),
        "at": datetime(2026, 11, 30, 23, 59, 59, tzinfo=UTC),
        "line": {"items": ({"debit": Decimal("0.10"), "memo": 'a"b'},)},
        "memo": None,
        "flag": True,
        "n": 3,
    }
    text = json_text(body)
    assert '"debit":0.10' in text
    assert json.loads(text) == {
        "entity": {"id": "5"},
        "tranDate": "2026-11-30",
        "at": "2026-11-30T23:59:59Z",
        "line": {"items": [{"debit": 0.1, "memo": 'a"b'}]},
        "memo": None,
        "flag": True,
        "n": 3,
    }


@pytest.mark.parametrize(
    "value",
    ["\x00", "\ud800", Decimal("NaN"), Decimal("Infinity"), Decimal("1" * 60),
     datetime(2026, 1, 1)],
)  # fmt: skip
def test_what_cannot_be_sent_is_refused(value) -> None:
    with pytest.raises(ValueError):
        json_text({"x": (value,)})
