"""Finding quotes by opportunity and by the CRM's id; names that tell the opportunity."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.dealhub.marks import opportunity_of
from connectors.errors import DuplicateFound, Rejected
from connectors.records import Absent, Identity, Selection
from connectors.values import external_id, external_id_part

SELECTION = Selection("quotes", ("quote_name",))


def search(desk, *queries, limit_each=5):
    found = desk.connector.search(SELECTION, queries, limit_each)
    return [[record.fields["quote_name"] for record in records] for records in found]


def test_quotes_of_an_opportunity(desk) -> None:
    for name in ("one", "two"):
        desk.quote(quote_name=name)
    desk.quote(quote_name="elsewhere", external_opportunity_id="006B")
    by_a, by_b, nobody = ({"external_opportunity_id": id} for id in ("006A", "006B", "006C"))
    assert search(desk, by_a, nobody, by_b) == [["one", "two"], [], ["elsewhere"]]
    assert search(desk, by_a, limit_each=1) == [["one"]]
    assert search(desk, {**by_a, "quote_name": "TWO"}) == [["two"]]
    assert search(desk, {**by_a, "status": "draft"}) == [["one", "two"]]
    assert search(desk, {"external_opportunity_id": " "}) == [[]]


def test_nested_values_are_compared_as_well(desk) -> None:
    for name in ("one", "two"):
        desk.quote(quote_name=name)
    number = desk.simulator.tenant.quotes[desk.quote()]["info"]["dealhub_quote_number"]
    query = {"external_opportunity_id": "006A", "info.dealhub_quote_number": number}
    assert search(desk, query) == [["Quote 103"]]
    assert search(desk, {**query, "info.dealhub_quote_number": "Q_0"}) == [[]]
    assert search(desk, {**query, "info.currency.code": "USD"}) == [[]]


def test_an_outdated_draft_is_a_candidate_of_its_opportunity(desk) -> None:
    old = desk.quote(quote_name="old")
    desk.person("outdate", old)
    by_opportunity = {"external_opportunity_id": "006A"}
    (found,) = desk.connector.search(SELECTION, [by_opportunity])
    assert [(record.ref.id, dict(record.fields)) for record in found] == [(old, {})]
    assert search(desk, {**by_opportunity, "quote_name": "old"}) == [[]]


@pytest.mark.parametrize("empty", ["list", "object"])
def test_both_forms_of_nothing(desk, empty) -> None:
    desk.options(empty_answer=empty)
    assert search(desk, {"external_opportunity_id": "006A"}) == [[]]
    assert isinstance(desk.look(), Absent)


def test_more_quotes_than_a_page(desk) -> None:
    for number in range(53):
        desk.quote(quote_name=f"q{number}")
    found = search(desk, {"external_opportunity_id": "006A"}, limit_each=99)
    assert found == [[f"q{number}" for number in range(53)]]
    assert len(desk.paths()) == 2


def test_a_quote_by_the_id_of_the_crm(desk) -> None:
    desk.quote(quote_name="one", external_quote_id="a0Q/1 &?")
    assert search(desk, {"external_quote_id": "a0Q/1 &?"}, {"external_quote_id": "a0Q2"}) == [
        ["one"],
        [],
    ]


@pytest.mark.parametrize("value", ["O'Brien", "a&b=c", "100%", "ünï", "' OR 1=1", "x#y?z", "a+b"])
def test_naughty_opportunities_stay_data(desk, value) -> None:
    desk.quote(quote_name="odd", external_opportunity_id=value)
    desk.quote(quote_name="other", external_opportunity_id="006A")
    assert search(desk, {"external_opportunity_id": value}) == [["odd"]]


@pytest.mark.parametrize("id", [".", "..", "a/../b", "%2e%2e"])
def test_ids_that_climb_find_nothing(desk, id) -> None:
    assert search(desk, {"external_quote_id": id}) == [[]]


def test_what_cannot_be_looked_for_is_said(desk) -> None:
    with pytest.raises(Rejected) as raised:
        search(desk, {"quote_name": "one"})
    assert raised.value.code == "NOT_SEARCHABLE"


def test_two_quotes_of_our_name_are_a_persons_affair(desk) -> None:
    name = desk.identity().value
    ids = [desk.quote(quote_name=name) for _ in range(2)]
    with pytest.raises(DuplicateFound) as raised:
        desk.look()
    assert [ref.id for ref in raised.value.candidates] == ids


def test_names_that_tell_no_opportunity_are_nobodys(desk) -> None:
    (found,) = desk.connector.lookup(SELECTION, [Identity("quote_name", "revline-")])
    assert isinstance(found, Absent)
    assert desk.paths() == []
    with pytest.raises(Rejected):
        desk.connector.lookup(SELECTION, [Identity("id", "revline-Deal-1")])


@given(st.text(min_size=1, max_size=20), st.text(min_size=1, max_size=20))
def test_our_names_tell_the_opportunity(object: str, id: str) -> None:
    assert opportunity_of(external_id(object, id)) == id


@given(st.from_regex(r"[A-Za-z0-9]{1,18}", fullmatch=True))
def test_names_of_another_form_tell_it_too(id: str) -> None:
    assert opportunity_of(f"Q-{external_id_part(id)}") == id
