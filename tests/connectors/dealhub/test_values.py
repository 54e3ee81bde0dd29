"""Values as DealHub prints them, and what is left as it is."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.dealhub.rest import plain_keys
from connectors.dealhub.values import STATUSES, answers_by_id, instant, nested, status


@pytest.mark.parametrize("known", STATUSES)
def test_every_spelling_of_a_status_is_one(known) -> None:
    spaced = "".join(f" {each}" if each.isupper() else each for each in known).strip()
    for printed in (
        known, spaced, spaced.lower(), spaced.upper(), spaced.upper().replace(" ", "_"),
        spaced.lower().replace(" ", "-"), f"  {known} ",
    ):  # fmt: skip
        assert status(printed) == known


@pytest.mark.parametrize(
    ("printed", "shown"),
    [("on hold", "OnHold"), ("ON_HOLD", "OnHold"), ("OnHold", "OnHold"), ("", "")],
)
def test_a_status_nobody_knows_keeps_its_words(printed, shown) -> None:
    assert status(printed) == shown


@given(
    st.sampled_from(STATUSES),
    st.lists(st.tuples(st.booleans(), st.sampled_from(["", " ", "_", "-"])), min_size=20),
)
def test_case_and_spaces_do_not_count(known: str, spelling: list[tuple[bool, str]]) -> None:
    printed = "".join(
        sign + (each.upper() if shouted else each.lower())
        for each, (shouted, sign) in zip(known, spelling, strict=False)
    )
    assert status(printed) == known


@pytest.mark.parametrize(
    ("printed", "value"),
    [
        ("2022-04-11 07:08:59", datetime(2022, 4, 11, 7, 8, 59, tzinfo=UTC)),
        ("2022-02-30 07:08:59", "2022-02-30 07:08:59"),
        ("2022-04-11", "2022-04-11"),
        ("0000-00-00 00:00:00", "0000-00-00 00:00:00"),
    ],
)
def test_instants(printed, value) -> None:
    assert instant(printed) == value


@pytest.mark.parametrize(
    ("printed", "value"),
    [
        (5, Decimal(5)),
        (Decimal("22.02"), Decimal("22.02")),
        ("1.0", Decimal("1.0")),
        ("-3", Decimal(-3)),
        ("", None),
        (None, None),
        ("1,5", "1,5"),
        ("1e5", "1e5"),
        ("NaN", "NaN"),
        ("٣", "٣"),
        (True, True),
    ],
)
def test_numbers(printed, value) -> None:
    assert nested("list_price", printed) == value
    assert type(nested("list_price", printed)) is type(value)
    assert nested("product_factors", {"Duration": printed})["duration"] == value


def test_attributes_are_the_tenants_and_stay_text() -> None:
    attributes = {"ARR": "22.02", "review_date": "2022-04-11 07:08:59", "net_price": "9", "x": ""}
    assert nested("attributes", attributes) == {**attributes, "x": None}


def test_answers_by_question() -> None:
    answers = [
        {"question_id": "term", "answer": "12"},
        {"question_id": "site", "answer": "A"},
        {"question_id": "site", "answer": "B"},
        {"question_id": "", "answer": "nobody asked"},
        {"answer": "nor this"},
        "odd",
    ]
    assert answers_by_id(answers) == {"term": "12", "site": ("A", "B")}


def test_stray_quotes_come_off_keys_alone() -> None:
    printed = {'line_items"': [{'"a': 1}], 'x"': "stray", "x": "clean", "v": '"No"'}
    assert plain_keys(printed) == {"line_items": [{"a": 1}], "x": "clean", "v": '"No"'}


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(max_size=8),
        lambda inner: (
            st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=4)
        ),
        max_leaves=12,
    )
)
def test_clean_keys_twice_is_clean_keys_once(printed) -> None:
    once = plain_keys(printed)
    assert plain_keys(once) == once
    nested("anything", once)
    json.dumps(once)
