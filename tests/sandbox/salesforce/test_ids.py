import pytest
from hypothesis import given
from hypothesis import strategies as st

from sandbox.salesforce import ids

LETTERS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
short_ids = st.text(LETTERS, min_size=15, max_size=15)


def test_the_documented_example() -> None:
    assert ids.normalise("001D000000IqhSL") == "001D000000IqhSLIAZ"


@given(short_ids)
def test_the_long_form_survives_case_folding(short: str) -> None:
    long = ids.normalise(short)
    assert long[:15] == short
    assert ids.normalise(long) == long
    assert ids.normalise(long.lower()) == long
    assert ids.normalise(long.upper()) == long


@given(st.text(max_size=20).filter(lambda text: len(text) not in {15, 18} or not text.isalnum()))
def test_other_texts_are_no_ids(text: str) -> None:
    with pytest.raises(ids.MalformedId):
        ids.normalise(text)


def test_a_wrong_suffix_is_no_id() -> None:
    with pytest.raises(ids.MalformedId):
        ids.normalise("001D000000IqhSL999")


@given(st.integers(1, 10**9), st.integers(1, 10**9))
def test_numbers_become_ids_in_the_same_order(first: int, second: int) -> None:
    pair = (ids.numbered("001", first), ids.numbered("001", second))
    assert (pair[0] < pair[1]) == (first < second)
    assert all(ids.normalise(id) == id for id in pair)
