"""Search: operators against a reference filter, limits, paging, index delay."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

PATH = "/crm/objects/2026-09/contacts/search"


def where(*filters: tuple, **options) -> dict:
    """A search body with one group; a filter is (property, operator, value...)."""
    keys = {"BETWEEN": ("value", "highValue"), "IN": ("values",), "NOT_IN": ("values",)}
    rows = [
        {
            "propertyName": name,
            "operator": operator,
            **dict(zip(keys.get(operator, ("value",)), values, strict=False)),
        }
        for name, operator, *values in filters
    ]
    return {"filterGroups": [{"filters": rows}], **options}


def ids(answer: dict) -> list[str]:
    return [row["properties"]["firstname"] for row in answer["results"]]


@pytest.fixture
def people(hub):
    table = [
        ("ana", "a@one.example", "lead", "2001-01-01"),
        ("Ben", "b@two.example", "customer", "1990-05-05"),
        ("Cleo", "c@one.example", "", ""),
    ]
    for first, email, stage, birth in table:
        hub.make(
            "contacts",
            firstname=first,
            email=email,
            lifecyclestage=stage,
            date_of_birth=birth,
        )
    return hub


@pytest.mark.parametrize(
    ("filter", "expected"),
    [
        (("firstname", "EQ", "ANA"), ["ana"]),
        (("firstname", "NEQ", "ana"), ["Ben", "Cleo"]),
        (("lifecyclestage", "EQ", "lead"), ["ana"]),
        (("lifecyclestage", "EQ", "LEAD"), []),
        (("lifecyclestage", "HAS_PROPERTY"), ["ana", "Ben"]),
        (("lifecyclestage", "NOT_HAS_PROPERTY"), ["Cleo"]),
        (("lifecyclestage", "IN", ["lead", "customer"]), ["ana", "Ben"]),
        (("lifecyclestage", "NOT_IN", ["lead"]), ["Ben", "Cleo"]),
        (("firstname", "IN", ["ben", "cleo"]), ["Ben", "Cleo"]),
        (("firstname", "IN", ["Ben"]), []),
        (("date_of_birth", "GT", "1990-05-05"), ["ana"]),
        (("date_of_birth", "GTE", "641865600000"), ["ana", "Ben"]),
        (("date_of_birth", "LT", "2001-01-01"), ["Ben"]),
        (("date_of_birth", "LTE", "2001-01-01"), ["ana", "Ben"]),
        (("date_of_birth", "BETWEEN", "1990-01-01", "1991-01-01"), ["Ben"]),
        (("email", "CONTAINS_TOKEN", "*one*"), ["ana", "Cleo"]),
        (("email", "NOT_CONTAINS_TOKEN", "*one*"), ["Ben"]),
    ],
)
def test_operators(people, filter, expected) -> None:
    assert ids(people.post(PATH, where(filter))) == expected


def test_groups_are_or_and_filters_are_and(people) -> None:
    one = where(("firstname", "EQ", "ana"), ("lifecyclestage", "EQ", "customer"))
    other = where(("email", "EQ", "b@two.example"))
    body = {"filterGroups": one["filterGroups"] + other["filterGroups"]}
    assert ids(people.post(PATH, body)) == ["Ben"]
    assert ids(people.post(PATH, {"query": "cleo"})) == ["Cleo"]


def test_only_the_first_sort_is_honoured(people) -> None:
    sorts = [
        {"propertyName": "date_of_birth", "direction": "DESCENDING"},
        {"propertyName": "firstname", "direction": "ASCENDING"},
    ]
    body = where(("date_of_birth", "HAS_PROPERTY"), sorts=sorts)
    assert ids(people.post(PATH, body)) == ["ana", "Ben"]


def _many(count: int) -> dict:
    return {"filters": [{"propertyName": "email", "operator": "HAS_PROPERTY"}] * count}


@pytest.mark.parametrize(
    "body",
    [
        {"filterGroups": [_many(1)] * 6},
        {"filterGroups": [_many(7)]},
        {"filterGroups": [_many(5)] * 4},
        {"limit": 201},
        {"limit": 0},
        {"after": "next"},
        {"after": "9999", "limit": 200},
        where(("nonsense", "EQ", "1")),
        where(("email", "LIKE", "1")),
        where(("email", "EQ")),
        where(("email", "IN", [])),
        where(("date_of_birth", "BETWEEN", "1")),
        where(("date_of_birth", "GT", "soon")),
        where(("email", "EQ", "x" * 3_000)),
        {"sorts": [{"propertyName": "nonsense"}]},
    ],
)
def test_searches_that_are_refused(hub, body) -> None:
    assert hub.post(PATH, body, 400)["category"] == "VALIDATION_ERROR"


def test_a_lag_hides_new_records_and_new_values_until_it_has_passed(hub) -> None:
    hub.admin("options", {"index_delay_seconds": 30})
    hub.admin("clock", {"freeze": True})
    id = hub.make("contacts", firstname="ana")
    everyone = where(("firstname", "HAS_PROPERTY"))
    assert ids(hub.post(PATH, everyone)) == []
    hub.admin("clock", {"shift_seconds": 31})
    assert ids(hub.post(PATH, everyone)) == ["ana"]
    hub.patch(f"/crm/v3/objects/contacts/{id}", {"properties": {"firstname": "bea"}})
    assert ids(hub.post(PATH, everyone)) == ["ana"]
    assert hub.get(f"/crm/v3/objects/contacts/{id}")["properties"]["firstname"] == "bea"
    hub.admin("clock", {"shift_seconds": 31})
    assert ids(hub.post(PATH, everyone)) == ["bea"]


def test_archived_records_never_appear(people) -> None:
    found = people.post(PATH, where(("firstname", "EQ", "ana")))["results"][0]
    people.delete(f"/crm/v3/objects/contacts/{found['id']}")
    assert ids(people.post(PATH, where(("firstname", "EQ", "ana")))) == []


def test_nothing_beyond_10000_results_is_reachable(hub) -> None:
    table = hub.simulator.account.schema.types["line_items"]
    hub.simulator.account.events.silent = True
    for _ in range(10_050):
        hub.simulator.account.store.create(table, {"name": "x"})
    path = "/crm/v3/objects/line_items/search"
    last = hub.post(path, {"limit": 200, "after": "9800"})
    assert last["total"] == 10_050
    assert last["paging"]["next"]["after"] == "10000"
    hub.post(path, {"limit": 200, "after": "10000"}, 400)


def test_pages_follow_each_other(seeded) -> None:
    body = {"limit": 40, "sorts": [{"propertyName": "hs_object_id", "direction": "ASCENDING"}]}
    seen, after = [], "0"
    while after is not None:
        answer = seeded.post(PATH, {**body, "after": after})
        seen += [row["id"] for row in answer["results"]]
        after = answer.get("paging", {}).get("next", {}).get("after")
    assert len(seen) == answer["total"] == 149, "one contact is archived"
    assert seen == sorted(seen, key=int)


@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    low=st.integers(0, 12),
    operator=st.sampled_from(["EQ", "NEQ", "LT", "LTE", "GT", "GTE"]),
    also=st.integers(0, 12),
)
def test_numbers_compare_as_numbers(seeded_numbers, low, operator, also) -> None:
    compare = {
        "EQ": lambda n: n == low,
        "NEQ": lambda n: n != low,
        "LT": lambda n: n < low,
        "LTE": lambda n: n <= low,
        "GT": lambda n: n > low,
        "GTE": lambda n: n >= low,
    }[operator]
    body = where(
        ("numberofemployees", operator, str(low)), ("numberofemployees", "LTE", f"{also}.0")
    )
    answer = seeded_numbers.post("/crm/v3/objects/companies/search", {**body, "limit": 100})
    found = sorted(int(row["properties"]["name"]) for row in answer["results"])
    assert found == [n for n in range(12) if compare(n) and n <= also]


@pytest.fixture(scope="module")
def seeded_numbers(seeded):
    table = seeded.simulator.account.schema.types["companies"]
    for record in list(seeded.simulator.account.store.all(table)):
        seeded.simulator.account.store.erase(record)
    for number in range(12):
        seeded.make("companies", name=str(number), numberofemployees=str(number))
    return seeded
