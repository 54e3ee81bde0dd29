from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from salesforce_describes import DESCRIBES

from connectors.errors import Rejected
from connectors.salesforce.describing import Column, Schemas
from connectors.salesforce.searching import comparable, domain_of, parse_queries, spellings, where

NOW = datetime(2026, 2, 1, tzinfo=UTC)


@pytest.fixture
def columns() -> dict[str, Column]:
    schemas = Schemas(lambda name: DESCRIBES[name], lambda: NOW)
    names = [one["name"] for one in DESCRIBES["Account"]["fields"]]
    return {name: schemas.column("Account", name) for name in names}


@pytest.mark.parametrize(
    ("address", "domain"),
    [
        ("acme.com", "acme.com"),
        ("WWW.Acme.com", "acme.com"),
        ("https://www.acme.com/about?x=1#y", "acme.com"),
        ("http://acme.com:8080/", "acme.com"),
        (" acme.co.uk ", "acme.co.uk"),
        ("localhost", None),
        ("", None),
        ("not an address.", None),
        ("http://[bad", None),
        ("x' OR 1.y", None),
    ],
)
def test_domains(address: str, domain: str | None) -> None:
    assert domain_of(address) == domain


def test_every_spelling_has_the_domain() -> None:
    forms = spellings("acme.com")
    assert len(set(forms)) == len(forms) == 10
    assert {domain_of(form) for form in forms} == {"acme.com"}


def test_one_field_becomes_one_list_without_repeats(columns: dict[str, Column]) -> None:
    queries = parse_queries([{"Name": "A"}, {"Name": "B"}, {"Name": "A"}], columns)
    assert where(queries) == "Name IN ('A','B')"


def test_several_fields_become_alternatives(columns: dict[str, Column]) -> None:
    queries = parse_queries(
        [{"Name": "A", "NumberOfEmployees": "7"}, {"Name": "it's", "NumberOfEmployees": "8"}],
        columns,
    )
    assert where(queries) == (
        "((Name IN ('A')) AND (NumberOfEmployees IN (7))) OR "
        "((Name IN ('it\\'s')) AND (NumberOfEmployees IN (8)))"
    )


def test_queries_that_differ_in_one_field_share_a_condition(columns: dict[str, Column]) -> None:
    queries = parse_queries(
        [{"Name": name, "NumberOfEmployees": "7"} for name in ("A", "B", "A", "C")], columns
    )
    assert where(queries) == "(Name IN ('A','B','C')) AND (NumberOfEmployees IN (7))"


@pytest.mark.parametrize(
    "query",
    [
        {"NumberOfEmployees": "seven"},
        {"NumberOfEmployees": "1e9"},
        {"AnnualRevenue": "NaN"},
        {"IsDeleted": "maybe"},
        {"Since__c": "yesterday"},
        {"OwnerId": "' OR Id != '"},
        {"Name": "a\x00b"},
        {"SystemModstamp": "2026-01-01T00:00:00"},
    ],
)
def test_what_no_record_can_hold_is_not_asked_for(
    query: dict[str, str], columns: dict[str, Column]
) -> None:
    assert parse_queries([query], columns) == ()


@pytest.mark.parametrize("query", [{}, {"Name": " "}, {"Description": "x"}])
def test_what_cannot_be_searched_by(query: dict[str, str], columns: dict[str, Column]) -> None:
    with pytest.raises(Rejected):
        parse_queries([query], columns)


@pytest.mark.parametrize(
    ("name", "one", "other"),
    [
        ("Name", "ÅCME ", "åcme"),
        ("Website", "https://www.acme.com/x", "ACME.com"),
        ("OwnerId", "005D000000IqhSL", "005D000000IqhSLIAZ"),
    ],
)
def test_what_counts_as_equal(name: str, one: Any, other: Any, columns: dict[str, Column]) -> None:
    assert comparable(columns[name], one) == comparable(columns[name], other)
    assert comparable(columns[name], one) != comparable(columns[name], "else.where")
