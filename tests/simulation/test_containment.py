"""What was sent, among all that is found: laws."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from connectors.records import Value
from engine.pipeline.containment import contains, differing

NAMES = st.sampled_from(["id", "externalId", "amount", "memo", "line", "items", "x"])
LEAVES: st.SearchStrategy[Any] = st.one_of(
    st.booleans(),
    st.integers(-(10**18), 10**18),
    st.decimals(allow_nan=False, allow_infinity=False, places=4),
    st.text(min_size=1, max_size=8).filter(lambda text: bool(text.strip())),
    st.dates(),
    st.datetimes(timezones=st.just(UTC)),
)
VALUES: st.SearchStrategy[Any] = st.recursive(
    LEAVES,
    lambda inner: st.one_of(
        st.lists(inner, min_size=1, max_size=3).map(tuple),
        st.dictionaries(NAMES, inner, min_size=1, max_size=3),
    ),
    max_leaves=8,
)


def leaves(value: Any) -> int:
    """How many single values there are in a value."""
    if isinstance(value, Mapping):
        return sum(map(leaves, value.values()))
    return sum(map(leaves, value)) if isinstance(value, tuple) else 1


def with_leaf(value: Any, place: int, change: Callable[[Any], Any]) -> Any:
    """The value with one of its single values changed."""
    if isinstance(value, Mapping):
        parts = list(value.values())
        changed = with_leaf(tuple(parts), place, change)
        return dict(zip(value, changed, strict=True))
    if isinstance(value, tuple):
        found = list(value)
        for at, one in enumerate(found):
            if place < leaves(one):
                found[at] = with_leaf(one, place, change)
                break
            place -= leaves(one)
        return tuple(found)
    return change(value)


def with_more(value: Any, more: Mapping[str, Any]) -> Any:
    """The value as a system shows it: keys of its own in every mapping."""
    if isinstance(value, Mapping):
        return {**more, **{name: with_more(one, more) for name, one in value.items()}}
    return tuple(with_more(one, more) for one in value) if isinstance(value, tuple) else value


@given(VALUES)
def test_a_value_contains_itself(value: Any) -> None:
    assert contains(value, value)


@given(VALUES, st.dictionaries(st.sampled_from(["links", "refName", "lineId"]), LEAVES))
def test_keys_that_a_system_adds_are_no_difference(value: Any, more: dict[str, Any]) -> None:
    assert contains(with_more(value, more), value)


@given(VALUES, st.integers(0, 10**6), LEAVES)
def test_a_leaf_that_is_another_is_a_difference(value: Any, place: int, other: Any) -> None:
    place %= leaves(value)
    was: list[Any] = []
    changed = with_leaf(value, place, lambda one: was.append(one) or other)
    assume(not contains(other, was[0]) and str(other).strip() != str(was[0]).strip())
    assert not contains(changed, value)


@given(st.lists(VALUES, min_size=1, max_size=3).map(tuple), VALUES)
def test_a_list_of_another_length_is_another(value: Any, more: Any) -> None:
    assert not contains((*value, more), value)
    assert not contains(value, (*value, more))


@given(st.decimals(allow_nan=False, allow_infinity=False, places=2, min_value=0, max_value=10**12))
def test_a_number_is_itself_in_every_type(amount: Decimal) -> None:
    for shown in (amount, str(amount), format(amount, ".4f")):
        assert contains(shown, amount)
    assert not contains(amount + 1, amount)


@pytest.mark.parametrize(
    ("found", "sent", "same"),
    [
        ({"id": "3", "refName": "EUR"}, {"id": "3"}, True),
        ({"id": 3, "refName": "EUR"}, {"id": "3"}, True),
        ({"id": "4", "refName": "USD"}, {"id": "3"}, False),
        ({"id": "77", "refName": "Acme"}, {"externalId": "revline-accounts-1"}, True),
        ({"externalId": "other"}, {"externalId": "revline-accounts-1"}, False),
        ({}, {"id": "3"}, False),
        (None, {"id": "3"}, False),
        (None, None, True),
        ("", None, True),
        ("x", None, False),
        (None, "x", False),
        (1, True, False),
        (True, True, True),
        ("a\r\nb ", "a\nb", True),
        ("A", "a", False),
        ("2026-01-31", date(2026, 1, 31), True),
        (datetime(2026, 1, 31, tzinfo=UTC), date(2026, 1, 31), False),
        ("nan", Decimal(1), False),
        ({"items": ({"line": 1, "debit": Decimal("5.00")},)}, {"items": ({"debit": 5},)}, True),
        ({"items": ({"debit": 6},)}, {"items": ({"debit": 5},)}, False),
        ({"amount": 5}, {"amount": 5, "memo": None}, True),
        ({"amount": 5}, {"amount": 5, "memo": "x"}, False),
    ],
)
def test_what_is_the_same(found: Value, sent: Value, same: bool) -> None:
    assert contains(found, sent) is same


def test_fields_that_are_not_shown_tell_nothing() -> None:
    assert differing({"a": 1, "b": 2, "c": 3}, {"a": 1, "c": 4, "d": 5}) == ["c"]
