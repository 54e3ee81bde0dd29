"""Laws that hold whatever happens: unique values, survivors, order, counts, both directions."""

from __future__ import annotations

import contextlib
from decimal import Decimal, InvalidOperation

from hypothesis import given, settings
from hypothesis import strategies as st

from sandbox.hubspot import HubSpot
from sandbox.hubspot.errors import ApiError
from sandbox.hubspot.planning import Planner
from sandbox.simulator import BadCommand, Mutation

KEYS = st.sampled_from(["a", "b", "c", "d", ""])
STEPS = st.lists(
    st.tuples(
        st.sampled_from(["create", "update", "archive", "restore", "merge", "associate"]),
        st.integers(0, 7),
        st.integers(0, 7),
        KEYS,
    ),
    max_size=40,
)


def _mutation(operation: str, ids: list[str], one: int, other: int, key: str) -> Mutation:
    id = ids[one % len(ids)] if ids else None
    fields = {"name": f"n{other}", "revline_id": key}
    if operation == "merge":
        fields = {"loser": ids[other % len(ids)] if ids else "0"}
    elif operation == "associate":
        fields = {"object": "companies", "id": ids[other % len(ids)] if ids else "0"}
    elif operation in {"archive", "restore"}:
        fields = {}
    return Mutation("companies", operation, None if operation == "create" else id, fields)


def _check(simulator: HubSpot) -> None:
    account = simulator.account
    companies = account.schema.types["companies"]
    records = list(account.store.all(companies))
    live = [record for record in records if not record.archived]
    values = [r.properties["revline_id"] for r in live if "revline_id" in r.properties]
    assert len(values) == len(set(values)), "a unique value is held once"
    for record in live:
        if value := record.properties.get("revline_id"):
            assert account.store.by_unique(companies, "revline_id", value) is record
    for value in "abcd":
        holder = account.store.by_unique(companies, "revline_id", value)
        assert holder is None or (holder in live and holder.properties["revline_id"] == value)
    for record in records:
        survivor = account.store.survivor(companies, record.id)
        assert survivor is not None
        assert survivor.merged_into is None
        for to, other in account.associations.everything_of("companies", record.id):
            assert ("companies", record.id) in account.associations.everything_of(to, other)
    ids = [int(record.id) for record in records]
    assert ids == sorted(set(ids))
    page, following = account.store.page(companies, 0, 100, archived=False)
    assert (page, following) == (live, None)
    counted = simulator.grouped_counts().get("companies", {})
    assert sorted(id for row in counted.values() for id in row["ids"]) == sorted(
        record.id for record in live if "revline_id" in record.properties
    )


@settings(max_examples=40, deadline=None)
@given(STEPS)
def test_any_history_keeps_the_account_consistent(steps) -> None:
    simulator = HubSpot()
    unique = {"name": "revline_id", "hasUniqueValue": True}
    simulator.load({"properties": {"companies": [unique]}})
    ids: list[str] = []
    stamps: dict[str, str] = {}
    try:
        for operation, one, other, key in steps:
            try:
                mutation = _mutation(operation, ids, one, other, key)
                shown = simulator.mutate(mutation)
            except BadCommand:
                continue
            if operation == "create":
                ids.append(shown["id"])
            before = stamps.get(shown["id"], "")
            if operation not in {"associate", "archive"}:  # archiving twice changes nothing
                assert shown["updatedAt"] > before
            assert shown["updatedAt"] >= before
            stamps[shown["id"]] = shown["updatedAt"]
            _check(simulator)
    finally:
        simulator.close()


@settings(max_examples=60, deadline=None)
@given(
    st.dictionaries(
        st.sampled_from(["name", "city", "numberofemployees", "nope"]),
        st.sampled_from(["1", "1.50", "-2", "1e3", "NaN", "1_0", "١", " 7 "]) | st.text(max_size=3),
    )
)
def test_planning_either_names_a_bad_value_or_gives_text(properties) -> None:
    simulator = HubSpot()
    companies = simulator.account.schema.types["companies"]
    values: dict[str, str] | None = None
    with contextlib.closing(simulator), contextlib.suppress(ApiError):
        values = Planner(simulator.account).plan(companies, None, properties)
    bad = "nope" in properties or not (properties.get("name") or "")
    number = properties.get("numberofemployees", "")
    bad = bad or (number != "" and not _is_number(number))
    assert (values is None) == bad
    assert values is None or values.keys() == properties.keys()


def _is_number(text: str) -> bool:
    try:
        return text.strip().isascii() and "_" not in text and Decimal(text).is_finite()
    except InvalidOperation:
        return False
