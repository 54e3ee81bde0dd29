from __future__ import annotations

import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.salesforce.ids import checksum, normal_id

ALPHABET = string.ascii_letters + string.digits


def test_the_checksum_of_a_known_id() -> None:
    assert normal_id("001D000000IqhSL") == "001D000000IqhSLIAZ"


@given(st.text(ALPHABET, min_size=15, max_size=15))
def test_both_forms_are_one_id_and_lost_case_is_noticed(fifteen: str) -> None:
    full = normal_id(fifteen)
    assert full is not None
    assert len(full) == 18
    assert normal_id(full) == full
    lowered = fifteen.lower()
    if lowered != fifteen:
        assert normal_id(lowered + checksum(fifteen)) is None


@pytest.mark.parametrize(
    "text",
    [
        "",
        "001",
        "https://evil/x",
        "//evil/x",
        "001D000000IqhS/",
        "001D000000IqhSL' OR",
        "001D000000IqhSLIA",
        "001D000000IqhSLIAA",
        "001D000000IqhSLIAZ\n",
        "٠٠١D000000IqhSL",
    ],
)
def test_nothing_else_is_an_id(text: str) -> None:
    assert normal_id(text) is None
