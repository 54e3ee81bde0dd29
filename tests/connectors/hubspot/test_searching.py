"""Search planning: as few queries as the limits allow, none beyond them."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.base import FieldDescription, FieldType
from connectors.errors import Rejected
from connectors.hubspot.searching import (
    BODY_MAX_CHARACTERS,
    FILTERS_MAX,
    GROUPS_MAX,
    matches,
    plan,
    search_body,
)

TEXT = {n: FieldDescription(n, n, FieldType.TEXT) for n in ("a", "b", "c", "d", "domain")}
CHOICE = {"stage": FieldDescription("stage", "Stage", FieldType.CHOICE)}
SHOWN = ("a", "b", "hs_object_id")


def test_one_field_goes_by_list_a_hundred_at_a_time():
    queries = [{"domain": f"d{n}.example"} for n in range(250)]
    assert [len(run) for run in plan(("domain",), queries, TEXT, SHOWN)] == [100, 100, 50]


def test_lists_are_lower_case_and_without_repeats():
    body = search_body(
        ("domain",), [{"domain": "Acme.example "}, {"domain": "acme.example"}], TEXT, SHOWN
    )
    assert body["filterGroups"] == [
        {"filters": [{"propertyName": "domain", "operator": "IN", "values": ["acme.example"]}]}
    ]


@pytest.mark.parametrize(("count", "runs"), [(2, [5, 5, 2]), (3, [5, 5, 2]), (4, [4, 4, 4])])
def test_several_fields_go_by_groups(count, runs):
    fields = tuple("abcd"[:count])
    queries = [dict.fromkeys(fields, str(n)) for n in range(12)]
    assert [len(run) for run in plan(fields, queries, TEXT, SHOWN)] == runs


def test_choices_keep_their_case_and_go_by_groups():
    queries = [{"stage": "ClosedWon"}] * 6
    assert [len(run) for run in plan(("stage",), queries, CHOICE, SHOWN)] == [5, 1]
    body = search_body(("stage",), queries[:1], CHOICE, SHOWN)
    assert body["filterGroups"][0]["filters"][0]["value"] == "ClosedWon"


def test_more_fields_than_a_group_holds_are_refused():
    with pytest.raises(Rejected):
        list(plan(tuple("abcdefg"), [dict.fromkeys("abcdefg", "1")], TEXT, SHOWN))


values = st.text(min_size=1, max_size=120).filter(str.strip)


@given(st.lists(values, max_size=60), st.integers(1, 4))
def test_no_query_breaks_a_limit_and_none_is_left_out(texts, count):
    fields = tuple("abcd"[:count])
    queries = [dict.fromkeys(fields, text) for text in texts]
    runs = list(plan(fields, queries, TEXT, SHOWN))
    assert [query for run in runs for query in run] == queries
    for run in runs:
        body = search_body(fields, run, TEXT, SHOWN)
        groups = body["filterGroups"]
        assert len(groups) <= GROUPS_MAX
        assert sum(len(group["filters"]) for group in groups) <= FILTERS_MAX
        assert len(run) == 1 or len(json.dumps(body)) <= BODY_MAX_CHARACTERS


def test_answers_are_told_apart_by_their_values_without_case():
    row = {"id": "1", "properties": {"a": "Acme", "b": "x"}}
    assert matches({"a": "ACME "}, row, TEXT)
    assert not matches({"a": "acme", "b": "y"}, row, TEXT)
    assert not matches({"a": "acme", "c": "1"}, row, TEXT)
