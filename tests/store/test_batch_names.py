"""Batches of whatever grouping have names of their own, and no clock hides one from a cursor."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.money.calendar import Period
from engine.money.lines import PlannedLine, Reason
from engine.store import books
from engine.store.batch_names import LENGTH_MAX, batch_digest, batch_name
from engine.store.store import Store
from tests.store.books_kit import PROMISE, billed, invoice, prove
from tests.store.conftest import NOW

JANUARY = Period("2026-01")
VALUES = st.text("aA1-_.: é", max_size=6) | st.sampled_from(["none", "US-a", "x" * 200])


def seal(store: Store, keys: Mapping[str, str], seconds: float = 0) -> str:
    now = NOW + timedelta(seconds=seconds)
    planned = [PlannedLine(JANUARY, JANUARY, 1, Reason.RELEASE)]
    with store.write() as tx:
        books.replace_lines(tx, PROMISE, 1, planned, now)
        return books.seal(tx, "j", keys, books.unsealed(tx, "revenue", JANUARY), now)


def test_a_plain_grouping_can_be_read(store: Store) -> None:
    keys = {"period": "2026-01", "entity": "", "currency": "EUR"}
    assert seal(store, keys) == "j-2026-01-none-EUR-1"
    assert seal(store, keys) == "j-2026-01-none-EUR-2"


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ({"entity": ""}, {"entity": "none"}),
        ({"entity": "US-a", "family": "b"}, {"entity": "US", "family": "a-b"}),
        ({"entity": "a"}, {"family": "a"}),
    ],
)
def test_what_would_read_alike_is_named_apart(
    store: Store, one: Mapping[str, str], other: Mapping[str, str]
) -> None:
    names = {seal(store, {"period": "2026-01", **keys}) for keys in (one, other)}
    assert len(names) == 2


@given(VALUES, VALUES, st.integers(1, 10**6))
def test_names_are_short_and_plain(entity: str, family: str, number: int) -> None:
    keys = {"period": "2026-01", "entity": entity, "family": family}
    name = batch_name("j", keys, number) or batch_digest("j", keys, number)
    assert len(name) <= LENGTH_MAX
    assert name.replace("-", "").replace("_", "").isascii()


def test_what_a_clock_that_is_behind_stamps_comes_after_what_was_there(store: Store) -> None:
    # given a batch and a contract of an engine whose clock is right
    prove(store, invoice(1), billed(100, "S-1", None), now=NOW)
    seal(store, {"period": "2026-01", "currency": "EUR"})
    # when another one, a minute behind, seals and notes more
    seal(store, {"period": "2026-01", "currency": "USD"}, seconds=-60)
    prove(store, invoice(2), billed(100, "S-2", None), now=NOW - timedelta(minutes=1))
    # then a cursor that stands at the first ones finds them
    with store.read() as tx:
        sealed = books.sealed(tx, NOW, "j-2026-01-EUR-1", 10)
        changed = books.changed(tx, NOW, "S-1", 10)
    assert [id for id, _at in sealed] == ["j-2026-01-USD-1"]
    assert [id for id, _at in changed] == ["S-2"]
