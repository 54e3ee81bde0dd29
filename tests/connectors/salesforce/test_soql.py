from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.errors import Rejected
from connectors.salesforce.soql import all_true, any_of, any_true, literal, select

UNESCAPES = {"n": "\n", "r": "\r", "t": "\t", "b": "\b", "f": "\f"}


def unquote(text: str) -> str:
    """Read a quoted SOQL text the way the vendor does; fails when it ends early."""
    assert text[0] == "'"
    out, at = [], 1
    while text[at] != "'":
        if text[at] == "\\":
            at += 1
            out.append(UNESCAPES.get(text[at], text[at]))
        else:
            out.append(text[at])
        at += 1
    assert at == len(text) - 1, "the text ended before its end: data became structure"
    return "".join(out)


@given(st.text(st.characters(exclude_characters="\x00", exclude_categories=("Cs",))))
def test_any_text_stays_one_text(text: str) -> None:
    assert unquote(literal(text)) == text


@pytest.mark.parametrize("text", ["' OR Name != '", "\\' OR 1=1", "a\\", "\\\\'", "%_", '"'])
def test_naughty_texts_stay_data(text: str) -> None:
    assert unquote(literal(text)) == text


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (None, "null"),
        (True, "true"),
        (7, "7"),
        (Decimal("1E+3"), "1000"),
        (Decimal("0.10"), "0.10"),
        (date(2026, 1, 31), "2026-01-31"),
        (datetime(2026, 1, 1, 10, tzinfo=UTC), "2026-01-01T10:00:00Z"),
        (datetime(2026, 1, 1, 10, 0, 0, 250000, tzinfo=UTC), "2026-01-01T10:00:00.250Z"),
        (
            datetime(2026, 1, 1, 10, tzinfo=timezone(timedelta(hours=2))),
            "2026-01-01T08:00:00Z",
        ),
    ],
)
def test_literals(value: object, expected: str) -> None:
    assert literal(value) == expected  # type: ignore[arg-type]


@pytest.mark.parametrize("value", ["a\x00b", Decimal("NaN"), Decimal("Infinity")])
def test_what_cannot_be_written(value: object) -> None:
    with pytest.raises(ValueError):
        literal(value)  # type: ignore[arg-type]


def test_a_time_without_a_zone_is_refused() -> None:
    with pytest.raises(ValueError):
        literal(datetime(2026, 1, 1))


def test_a_select() -> None:
    soql = select(
        "Account",
        ("Id", "Name", "name", "Owner.Name"),
        where=any_true(["A = 1", all_true(["B = 2", "C = 3"])]),
        order=("SystemModstamp", "Id"),
        limit=10,
    )
    assert soql == (
        "SELECT Id,Name,Owner.Name FROM Account WHERE (A = 1) OR ((B = 2) AND (C = 3)) "
        "ORDER BY SystemModstamp, Id LIMIT 10"
    )


@pytest.mark.parametrize(
    "name", ["", "Na me", "Name,Id", "Name FROM User", "a.b.c.d.e.f.g", "1a", "a..b", "(SELECT Id)"]
)
def test_only_names_are_names(name: str) -> None:
    with pytest.raises(Rejected):
        select("Account", (name,))
    with pytest.raises(Rejected):
        any_of(name, ("x",))
    with pytest.raises(Rejected):
        select(re.sub(r"\.", "'", name), ("Id",))
