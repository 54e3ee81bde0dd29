"""Cursors come back as they were written, and nothing else is taken for one."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.errors import Rejected
from connectors.zuora.cursors import Sweep, read_sweep, read_walk, write_sweep, write_walk

SECONDS = st.datetimes(
    datetime(2000, 1, 1),
    datetime(2100, 1, 1),
    timezones=st.just(UTC),
).map(lambda at: at.replace(microsecond=0))


@given(
    st.builds(
        Sweep,
        start=SECONDS,
        at=SECONDS,
        after=st.none() | st.text("0123456789abcdef", max_size=32),
        beyond=st.booleans(),
        newest=st.none() | SECONDS,
        clock=st.none() | SECONDS,
    )
)
def test_a_sweep_comes_back(sweep: Sweep) -> None:
    assert read_sweep(write_sweep(sweep)) == sweep


def test_a_walk_comes_back() -> None:
    assert read_walk(write_walk("abc")) == "abc"


@pytest.mark.parametrize(
    "text",
    ["", "{}", "[]", "null", '{"v":2,"start":"x"}', '{"v":1,"start":"x","at":"y"}', "\ud800"],
)
def test_another_text_is_refused(text: str) -> None:
    with pytest.raises(Rejected):
        read_sweep(text)
    with pytest.raises(Rejected):
        read_walk(text)
