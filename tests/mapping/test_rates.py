"""Exchange rates in mappings: what a record tells, and what is no rate."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal

import pytest

from connectors.records import Record, Ref
from engine.mapping.examples import run_examples
from engine.mapping.model import Lookups, SourceView, Unmappable
from engine.money.model import Rate

WATCH = "mapping: m\nsource: {object: a}\n"
RATE = WATCH + "rate: {from_currency: f, to_currency: t, rate: r, effective_on: d}\n"
WHOLE = {"f": "EUR", "t": "USD", "r": Decimal("1.0825"), "d": date(2026, 3, 31)}


def told(mapping, text=RATE, **fields):
    view = SourceView(Record(Ref("a", "7"), {**WHOLE, **fields}), {})
    return mapping(text).rate(view, Lookups())


def test_a_record_stands_for_a_rate(mapping):
    found = Rate("EUR", "USD", Decimal("1.0825"), date(2026, 3, 31))
    assert told(mapping) == found
    assert told(mapping, f="eur", r="1.0825", d=datetime(2026, 3, 31, 23, tzinfo=UTC)) == found
    built = mapping(RATE)
    assert built.observes
    assert built.tells_rates
    assert set(built.selection.fields) == set("ftrd")
    assert not mapping(WATCH + "period: {start: a, end: b, closed: c}\n").tells_rates


@pytest.mark.parametrize("blank", list(WHOLE))
@pytest.mark.parametrize("value", [None, ""])
def test_a_blank_is_no_rate_and_never_1(mapping, blank, value):
    assert told(mapping, **{blank: value}) is None


def test_what_the_mapping_leaves_out_tells_no_rate(mapping):
    text = RATE + "when: = f != t\n"
    assert told(mapping, text, t="EUR") is None
    assert told(mapping, text) is not None


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"r": 0}, "RATE_OUT_OF_RANGE"),
        ({"r": Decimal("-1.1")}, "RATE_OUT_OF_RANGE"),
        ({"r": Decimal("1E-13")}, "RATE_OUT_OF_RANGE"),
        ({"r": Decimal("1E+13")}, "RATE_OUT_OF_RANGE"),
        ({"r": "one"}, "NOT_A_NUMBER"),
        ({"f": "EURO"}, "UNKNOWN_CURRENCY"),
        ({"t": "ZZZ"}, "UNKNOWN_CURRENCY"),
        ({"d": "2026-03-31"}, "WRONG_TYPE"),
        ({"d": date(1926, 3, 31)}, "DATE_OUT_OF_RANGE"),
    ],
)
def test_what_can_be_no_rate_is_a_fault(mapping, fields, code):
    found = told(mapping, **fields)
    assert isinstance(found, Unmappable)
    assert [(one[0], one[1]) for one in found.faults] == [(code, "rate")]


def test_what_was_not_read_is_not_a_blank(mapping):
    view = SourceView(Record(Ref("a", "7"), {"f": "EUR"}), {})
    found = mapping(RATE).rate(view, Lookups())
    assert isinstance(found, Unmappable)
    assert found.faults[0][0] == "SOURCE_NOT_READ"


def test_links_cannot_be_asked_for_a_rate(faults):
    text = RATE.replace("rate: r", "rate: \"= 1 if linked('c', f) else 2\"")
    assert faults(text)[0].startswith("mappings/m.yaml:3:7: linked(…) cannot be asked here")


def test_examples_tell_how_rates_differ(mapping):
    given = "given: {fields: {f: EUR, t: USD, r: 1.1, d: 2026-03-31}}"
    right = "{from_currency: EUR, to_currency: USD, rate: 1.1, effective_on: 2026-03-31}"
    lines = [
        f"{given}, expect: {{rate: {right}}}",
        f"{given}, expect: {{rate: {right.replace('1.1', '1.2')}}}",
        f"{given}, expect: {{rate: null}}",
        f"given: {{fields: {{f: EUR}}}}, expect: {{rate: {right}}}",
        "given: {fields: {f: EUR}}, expect: {rate: null}",
        f"{given.replace('1.1', '0')}, expect: {{fault: RATE_OUT_OF_RANGE}}",
    ]
    text = "examples:\n" + "".join(f"  - {{name: e, {line}}}\n" for line in lines)
    results = run_examples(mapping(RATE + text))
    assert [one.passed for one in results] == [True, False, False, False, True, True]
    assert "rate: found {from_currency" in results[1].difference
    assert results[3].difference == "no rate was found"
