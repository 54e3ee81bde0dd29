"""Values: exact both ways, strict on the way in."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal

import iso4217
import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors import values

CURRENCIES = sorted(c.code for c in iso4217.Currency if c.exponent is not None)


@given(st.integers(-(10**30), 10**30), st.sampled_from(CURRENCIES))
def test_minor_units_come_back(units: int, currency: str) -> None:
    amount = values.from_minor_units(units, currency)
    assert values.to_minor_units(amount, currency) == units
    assert -amount.as_tuple().exponent == values.exponent(currency)  # type: ignore[operator]


@pytest.mark.parametrize(
    ("amount", "currency", "units"),
    [
        ("19.99", "USD", 1999),
        ("19.990", "USD", 1999),
        ("500", "JPY", 500),
        ("1.234", "KWD", 1234),
        ("1.2345", "CLF", 12345),
        ("-0.01", "EUR", -1),
    ],
)
def test_minor_units(amount: str, currency: str, units: int) -> None:
    assert values.to_minor_units(Decimal(amount), currency) == units


@pytest.mark.parametrize(
    ("amount", "currency"),
    [
        ("0.001", "USD"),
        ("0.5", "JPY"),
        ("NaN", "USD"),
        ("Infinity", "USD"),
        ("1E+300000", "USD"),
        ("1E-300000", "USD"),
        ("1" * 100, "USD"),
        ("1", "usd"),
        ("1", "XAU"),
        ("1", "ZZZ"),
    ],
)
def test_amounts_that_do_not_fit_are_refused(amount: str, currency: str) -> None:
    with pytest.raises(ValueError):
        values.to_minor_units(Decimal(amount), currency)


@pytest.mark.parametrize("text", ["1", "-1.50", ".5", "5.", "1e3", "1E-12", "+7"])
def test_decimals(text: str) -> None:
    assert values.parse_decimal(text) == Decimal(text)


@pytest.mark.parametrize(
    "text",
    ["", " 1", "1_000", "1,5", "١٢٣", "NaN", "inf", "1e999", "0x1", "--1", "1" * 99, "1\n"],
)
def test_text_that_is_no_decimal(text: str) -> None:
    with pytest.raises(ValueError):
        values.parse_decimal(text)
    with pytest.raises(ValueError):
        values.parse_integer(text)


@given(st.decimals(allow_nan=False, allow_infinity=False, places=6, min_value=-(10**15)))
def test_decimals_are_written_without_exponent(number: Decimal) -> None:
    if number.adjusted() > 30:
        return
    text = values.format_decimal(number)
    assert "E" not in text
    assert values.parse_decimal(text) == number


@given(st.datetimes(timezones=st.just(UTC), min_value=datetime(1902, 1, 1)))
def test_instants_come_back(instant: datetime) -> None:
    kept = instant.replace(microsecond=instant.microsecond // 1000 * 1000)
    assert values.parse_instant(values.format_instant(instant)) == kept
    assert values.from_epoch_milliseconds(values.to_epoch_milliseconds(instant)) == kept
    seconds = values.parse_instant(values.format_instant_seconds(instant))
    assert seconds == instant.replace(microsecond=0)


@pytest.mark.parametrize(
    "text",
    [
        "2026-03-01T12:00:00.000Z",
        "2026-03-01T12:00:00.000+0000",
        "2026-03-01T14:00:00+02:00",
        "2026-03-01T12:00:00Z",
        "2026-03-01 12:00:00.000000000Z",
    ],
)
def test_spellings_of_one_instant(text: str) -> None:
    found = values.parse_instant(text)
    assert found == datetime(2026, 3, 1, 12, tzinfo=UTC)
    assert found.tzinfo is UTC


@pytest.mark.parametrize(
    "text",
    [
        "2026-03-01T12:00:00",
        "2026-03-01",
        "2026-13-01T00:00:00Z",
        "2026-03-01T25:00:00Z",
        "0001-01-01T00:00:00+14:00",
        "",
        "now",
    ],
)
def test_text_that_is_no_instant(text: str) -> None:
    with pytest.raises(ValueError):
        values.parse_instant(text)


def test_instants_and_dates_do_not_mix() -> None:
    instant = datetime(2026, 3, 1, 23, tzinfo=timezone(timedelta(hours=-5)))
    assert values.format_instant(instant) == "2026-03-02T04:00:00.000Z"
    with pytest.raises(ValueError):
        values.format_date(instant)
    with pytest.raises(ValueError):
        values.format_instant(datetime(2026, 3, 1))
    with pytest.raises(ValueError):
        values.parse_date("20260301")
    assert values.parse_date("2026-03-01") == date(2026, 3, 1)
    assert values.format_date(date(2026, 3, 1)) == "2026-03-01"
    for wrong in ("", "1.5", "1e3", "9" * 16, "٣", True):
        with pytest.raises(ValueError):
            values.from_epoch_milliseconds(wrong)


@given(st.lists(st.text("abc é", min_size=1).map(str.strip).filter(bool), unique=True))
def test_choices_come_back(chosen: list[str]) -> None:
    assert values.split_choices(values.join_choices(chosen)) == tuple(chosen)


def test_a_choice_with_the_separator_is_refused() -> None:
    with pytest.raises(ValueError):
        values.join_choices(["a;b"])
    assert values.split_choices(" a;;b ;a") == ("a", "b")


PARTS = st.text(st.characters(codec="utf-8"), min_size=1, max_size=12)


@given(PARTS, PARTS)
def test_external_ids_come_back(object: str, source_id: str) -> None:
    written = values.external_id(object, source_id)
    assert re.fullmatch(r"revline-[A-Za-z0-9_-]+", written)
    assert values.parse_external_id(written) == (object, source_id)


NEAR = st.text("_x2d-af", min_size=1, max_size=8)


@given(NEAR, NEAR)
def test_external_ids_of_awkward_names_come_back(object: str, source_id: str) -> None:
    assert values.parse_external_id(values.external_id(object, source_id)) == (object, source_id)


def test_external_ids_of_ordinary_records_are_plain() -> None:
    assert values.external_id("line_items", "123") == "revline-line_items-123"
    assert values.external_id("Thing__c", "001A") == "revline-Thing__c-001A"
    for wrong in (
        "",
        "revline-a",
        "revline--b",
        "other-a-b",
        "revline-_x41_-b",
        "revline-a-_xffffff_",
    ):
        assert values.parse_external_id(wrong) is None
    with pytest.raises(ValueError):
        values.external_id("a", "")
    with pytest.raises(ValueError):
        values.external_id("a", "b" * 255)


@pytest.mark.parametrize(
    ("text", "normal"),
    [
        (" Ada@Example.COM ", "ada@example.com"),
        ("ada+tag@example.com", "ada+tag@example.com"),
        ("ada@ⓔxample.com", "ada@ⓔxample.com"),
        ("\u212aim@example.com", None),
        ("a@b@c.com", None),
        ("a b@example.com", None),
        ("@example.com", None),
        ("a@example", None),
        ("", None),
    ],
)
def test_emails(text: str, normal: str | None) -> None:
    if "\u212a" in text:  # the Kelvin sign composes to a plain K: that much is canonical
        assert values.normal_email(text) == "kim@example.com"
    else:
        assert values.normal_email(text) == normal


@pytest.mark.parametrize(
    ("url", "domain"),
    [
        ("https://www.Acme.example/about?x=1", "acme.example"),
        ("acme.example", "acme.example"),
        ("http://acme.example:8080", "acme.example"),
        ("www.acme.co.uk/", "acme.co.uk"),
        ("acme", None),
        ("http://10.0.0.1/", None),
        ("http://[bad", None),
        ("not a url", None),
        ("", None),
    ],
)
def test_domains(url: str, domain: str | None) -> None:
    assert values.domain_of_url(url) == domain


def test_free_mail() -> None:
    listed = values.free_mail_domains()
    assert len(listed) >= 150
    assert all(values.domain_of_url(domain) == domain for domain in listed)
    assert values.is_free_mail("GMail.com")
    assert not values.is_free_mail("acme.example")
    assert values.domain_of_email("Ada@GMX.de") == "gmx.de"


def test_same_text_composes_but_does_not_convert() -> None:
    assert values.same_text(" e\u0301 ") == "é"
    assert values.same_text("ⓔ") == "ⓔ"
