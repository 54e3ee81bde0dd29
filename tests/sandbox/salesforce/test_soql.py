"""The query language: laws against a reference filter in Python, and what is refused."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sandbox.salesforce.errors import Refusal
from sandbox.salesforce.org import Org
from sandbox.salesforce.seeding import found_org
from sandbox.salesforce.soql.parser import parse
from sandbox.salesforce.soql.plan import plan
from sandbox.salesforce.soql.select import Selection
from sandbox.salesforce.values import dump_json, instant_text
from sandbox.salesforce.writing import Writer

NOW = datetime(2026, 3, 18, 12, 0, tzinfo=UTC)  # a Wednesday
NAMES = ("Alpha", "alpha", "Beta", "O'Neil", "50% off", "a_b", "back\\slash", "Äpfel", "Zed")
Row = dict[str, Any]
Reference = Callable[[Row], bool]


def make_org() -> Org:
    org = Org(lambda: NOW)
    found_org(org)
    writer = Writer(org, as_system=True)
    for number in range(60):
        stamp = instant_text(NOW - timedelta(hours=7 * (number % 23)))
        writer.create(
            "Account",
            {
                "Name": NAMES[number % len(NAMES)],
                "Website": None if number % 4 == 0 else NAMES[number % 5],
                "NumberOfEmployees": None if number % 5 == 0 else number % 9,
                "AnnualRevenue": Decimal(number % 6) if number % 3 else None,
                "SystemModstamp": stamp,
            },
        )
    return org


ORG = make_org()
ROWS = list(ORG.table("Account").by_id())


def run(soql: str, *, with_deleted: bool = False) -> list[str]:
    selected = Selection(ORG, "67.0", NOW, with_deleted=with_deleted).run(parse(soql))
    return [row["Id"] for row in selected.rows]


def quoted(text: str) -> str:
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"


def folded(value: Any) -> Any:
    return value.lower() if isinstance(value, str) else value


SIGNS: dict[str, Callable[[Any, Any], bool]] = {
    "=": lambda a, b: a == b,
    "!=": lambda a, b: a != b,
    "<": lambda a, b: a is not None and a < b,
    "<=": lambda a, b: a is not None and a <= b,
    ">": lambda a, b: a is not None and a > b,
    ">=": lambda a, b: a is not None and a >= b,
}
text_fields = st.sampled_from(["Name", "Website"])
number_fields = st.sampled_from(["NumberOfEmployees", "AnnualRevenue"])
signs = st.sampled_from(sorted(SIGNS))


@st.composite
def comparisons(draw: st.DrawFn) -> tuple[str, Reference]:
    kind = draw(st.sampled_from(["text", "number", "null", "in", "stamp", "id", "keyset"]))
    sign = draw(signs)
    test = SIGNS[sign]
    if kind == "text":
        field, value = draw(text_fields), draw(st.sampled_from(NAMES))
        text = f"{field} {sign} {quoted(value)}"
        return text, lambda row: test(folded(row.get(field)), value.lower())
    if kind == "number":
        field, number = draw(number_fields), draw(st.integers(-1, 9))
        return f"{field} {sign} {number}", lambda row: test(row.get(field), number)
    if kind == "null":
        field, equal = draw(text_fields | number_fields), draw(st.booleans())
        text = f"{field} {'=' if equal else '!='} NULL"
        return text, lambda row: (row.get(field) is None) == equal
    if kind == "in":
        field, negated = draw(text_fields), draw(st.booleans())
        values = draw(st.lists(st.sampled_from(NAMES), min_size=1, max_size=4))
        chosen = {value.lower() for value in values}
        text = f"{field} {'NOT ' if negated else ''}IN ({', '.join(map(quoted, values))})"
        return text, lambda row: (folded(row.get(field)) in chosen) != negated
    if kind == "stamp":
        hours = draw(st.integers(-1, 170))
        instant = NOW - timedelta(hours=hours)
        literal, kept = instant.strftime("%Y-%m-%dT%H:%M:%SZ"), instant_text(instant)
        return f"SystemModstamp {sign} {literal}", lambda row: test(row["SystemModstamp"], kept)
    if kind == "keyset":
        last = draw(st.sampled_from(ROWS))
        stamp = last["SystemModstamp"].replace(".000+0000", "Z")
        place = (last["SystemModstamp"], last["Id"])
        text = f"SystemModstamp > {stamp} OR (SystemModstamp = {stamp} AND Id > '{last['Id']}')"
        return f"({text})", lambda row: (row["SystemModstamp"], row["Id"]) > place
    id = draw(st.sampled_from(ROWS))["Id"]
    return f"Id {sign} {quoted(id[:15])}", lambda row: test(row["Id"], id)


def joined(inner: st.SearchStrategy[tuple[str, Reference]]) -> st.SearchStrategy[Any]:
    def join(word: str, parts: list[tuple[str, Reference]]) -> tuple[str, Reference]:
        text = f" {word} ".join(f"({part})" for part, _ in parts)
        tests = [test for _, test in parts]
        combine = all if word == "AND" else any
        return text, lambda row: combine(test(row) for test in tests)

    def negate(part: tuple[str, Reference]) -> tuple[str, Reference]:
        return f"NOT ({part[0]})", lambda row: not part[1](row)

    many = st.lists(inner, min_size=2, max_size=3)
    return st.one_of(
        st.builds(join, st.sampled_from(["AND", "OR"]), many), st.builds(negate, inner)
    )


conditions = st.recursive(comparisons(), joined, max_leaves=6)
ORDERS: dict[str, Callable[[Row], Any]] = {
    "": lambda row: row["Id"],
    " ORDER BY Id": lambda row: row["Id"],
    " ORDER BY SystemModstamp, Id": lambda row: (row["SystemModstamp"], row["Id"]),
    " ORDER BY Name, Id": lambda row: (row["Name"].lower(), row["Id"]),
}


@settings(max_examples=300, deadline=None)
@given(conditions, st.sampled_from(sorted(ORDERS)), st.integers(1, 80), st.integers(0, 10))
def test_queries_agree_with_a_reference_filter(
    condition: tuple[str, Reference], order: str, limit: int, offset: int
) -> None:
    text, test = condition
    expected = sorted(filter(test, ROWS), key=ORDERS[order])[offset : offset + limit]
    found = run(f"SELECT Id FROM Account WHERE {text}{order} LIMIT {limit} OFFSET {offset}")
    assert found == [row["Id"] for row in expected]


@given(st.sampled_from(NAMES), st.integers(0, 3))
def test_like_with_escaped_wildcards_finds_the_literal_text(name: str, cut: int) -> None:
    escaped = name.replace("\\", "\\\\").replace("'", "\\'")
    escaped = escaped.replace("%", "\\%").replace("_", "\\_")
    found = run(f"SELECT Id FROM Account WHERE Name LIKE '{escaped}'")
    assert found == [row["Id"] for row in ROWS if row["Name"].lower() == name.lower()]
    begins = run(f"SELECT Id FROM Account WHERE Name LIKE '{name[:1]}%'")
    assert begins == [r["Id"] for r in ROWS if r["Name"].lower().startswith(name[:1].lower())]


@given(st.text(max_size=60))
def test_any_text_is_parsed_or_refused_in_the_vendors_words(text: str) -> None:
    for query in (text, f"SELECT Id FROM Account WHERE {text}", f"SELECT {text} FROM Account"):
        code = None
        try:
            parse(query)
        except Refusal as refusal:
            code = refusal.code
        assert code in {None, "MALFORMED_QUERY", "INVALID_SOQL"}


@pytest.mark.parametrize(
    ("soql", "code"),
    [
        ("SELECT Id", "MALFORMED_QUERY"),
        ("SELECT FROM Account", "MALFORMED_QUERY"),
        ("SELECT Id FROM Account WHERE", "MALFORMED_QUERY"),
        ("SELECT Id FROM Account WHERE Name = 'a", "MALFORMED_QUERY"),
        ("SELECT Id FROM Account WHERE Name = 'a' AND Name = 'b' OR Name = 'c'", "MALFORMED_QUERY"),
        ("SELECT Id FROM Account WHERE Name = 'a' AND NOT Name = 'b'", "MALFORMED_QUERY"),
        ("SELECT Id FROM Account LIMIT 1 ORDER BY Id", "MALFORMED_QUERY"),
        ("SELECT Id FROM Account OFFSET 2001", "MALFORMED_QUERY"),
        ("SELECT Id FROM Account; DELETE", "MALFORMED_QUERY"),
        ("SELECT FIELDS(ALL) FROM Account", "MALFORMED_QUERY"),
        ("SELECT (" * 9000, "MALFORMED_QUERY"),
        ("SELECT Id FROM Account WHERE " + "(" * 9000, "MALFORMED_QUERY"),
        ("SELECT Id FROM Account WHERE Name = 'a\\q'", "INVALID_SOQL"),
        ("SELECT Id FROM Acount", "INVALID_TYPE"),
        ("SELECT Id, (SELECT Id FROM Contact) FROM Account", "INVALID_TYPE"),
        ("SELECT Id, Foo__c FROM Account", "INVALID_FIELD"),
        ("SELECT Id, Id FROM Account", "INVALID_FIELD"),
        ("SELECT Nobody.Name FROM Account", "INVALID_FIELD"),
        ("SELECT Id FROM Account WHERE Foo__c = 'a'", "INVALID_FIELD"),
        ("SELECT Id FROM Account ORDER BY Foo__c", "INVALID_FIELD"),
        ("SELECT Id FROM Account ORDER BY Description", "INVALID_FIELD"),
        ("SELECT Id FROM Account WHERE Description = 'long'", "INVALID_FIELD"),
        ("SELECT Id FROM Account WHERE SystemModstamp > '2026-01-01T00:00:00Z'", "INVALID_FIELD"),
        ("SELECT Id FROM Account WHERE SystemModstamp > 2026-01-01", "INVALID_FIELD"),
        ("SELECT Id FROM Account WHERE Name = 5", "INVALID_FIELD"),
        ("SELECT Id FROM Account WHERE NumberOfEmployees = '5'", "INVALID_FIELD"),
        ("SELECT Id FROM Account WHERE Id = 'nonsense'", "INVALID_QUERY_FILTER_OPERATOR"),
        (
            "SELECT Id FROM Account WHERE NumberOfEmployees LIKE '5'",
            "INVALID_QUERY_FILTER_OPERATOR",
        ),
        ("SELECT Id FROM Account WHERE Name > null", "INVALID_QUERY_FILTER_OPERATOR"),
    ],
)
def test_refusals(soql: str, code: str) -> None:
    with pytest.raises(Refusal) as caught:
        run(soql)
    assert caught.value.code == code


@pytest.mark.parametrize(
    ("literal", "first", "after"),
    [
        ("TODAY", "2026-03-18", "2026-03-19"),
        ("YESTERDAY", "2026-03-17", "2026-03-18"),
        ("THIS_WEEK", "2026-03-15", "2026-03-22"),
        ("LAST_WEEK", "2026-03-08", "2026-03-15"),
        ("LAST_N_DAYS:2", "2026-03-16", "2026-03-19"),
        ("THIS_MONTH", "2026-03-01", "2026-04-01"),
        ("LAST_MONTH", "2026-02-01", "2026-03-01"),
        ("THIS_QUARTER", "2026-01-01", "2026-04-01"),
        ("THIS_YEAR", "2026-01-01", "2027-01-01"),
        ("LAST_N_MONTHS:2", "2026-01-01", "2026-03-01"),
    ],
)
def test_relative_dates(literal: str, first: str, after: str) -> None:
    inside = {row["Id"] for row in ROWS if first <= row["SystemModstamp"][:10] < after}
    before = {row["Id"] for row in ROWS if row["SystemModstamp"][:10] < first}
    assert set(run(f"SELECT Id FROM Account WHERE SystemModstamp = {literal}")) == inside
    assert set(run(f"SELECT Id FROM Account WHERE SystemModstamp < {literal}")) == before


def test_nulls_come_first_in_both_directions_unless_told_otherwise() -> None:
    numbers = {row["Id"]: row.get("NumberOfEmployees") for row in ROWS}

    def first(order: str) -> Any:
        return numbers[run(f"SELECT Id FROM Account ORDER BY NumberOfEmployees {order}")[0]]

    assert first("ASC") is None
    assert first("DESC") is None
    assert first("ASC NULLS LAST") == 0
    assert first("DESC NULLS LAST") == 8


def test_a_keyset_page_looks_at_few_rows() -> None:
    """Work is counted, not timed: the plan must start at the cursor."""
    last = sorted(ROWS, key=lambda row: (row["SystemModstamp"], row["Id"]))[-5]
    stamp = last["SystemModstamp"].replace(".000+0000", "Z")
    query = parse(
        f"SELECT Id FROM Account WHERE SystemModstamp > {stamp} OR (SystemModstamp = {stamp} AND "
        f"Id > '{last['Id']}') ORDER BY SystemModstamp, Id LIMIT 10"
    )
    chosen = plan(ORG.table("Account"), query, with_deleted=True)
    assert chosen.ordered
    assert len(list(chosen.rows)) == 5  # the last row itself, and the four behind it
    by_id = parse(f"SELECT Id FROM Account WHERE Id IN ('{ROWS[3]['Id']}', '{ROWS[1]['Id'][:15]}')")
    picked = plan(ORG.table("Account"), by_id, with_deleted=False)
    assert [row["Id"] for row in picked.rows] == [ROWS[1]["Id"], ROWS[3]["Id"]]


@given(
    st.decimals(
        allow_nan=False, allow_infinity=False, places=4, min_value=-(10**14), max_value=10**14
    )
)
def test_numbers_are_printed_exactly(number: Decimal) -> None:
    printed = dump_json({"n": number}).decode().removeprefix('{"n":').removesuffix("}")
    assert Decimal(printed) == number
    assert "e" not in printed.lower()
    assert "." in printed
