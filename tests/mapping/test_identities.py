"""Identities and the way back: laws."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.config.problems import Problems
from engine.config.yaml import parse_document
from engine.mapping.compile import compile_mapping

IDS = st.text(min_size=1, max_size=12)
PARTS = st.from_regex(r"[A-Za-z0-9_-]{0,4}", fullmatch=True)


def program(before, after):
    text = (
        "mapping: m\nsource: {object: accounts}\n"
        f'target: {{object: t, identity: number, identity_as: "{before}{{id}}{after}"}}\n'
        "fields: {x: y}\n"
    )
    problems = Problems()
    compiled = compile_mapping(parse_document(text.encode(), "mappings/m.yaml"), problems)
    problems.raise_any()
    return compiled


@given(IDS, PARTS, PARTS)
def test_an_identity_names_its_record(id, before, after):
    mapping = program(before, after)
    written = mapping.identity_value("accounts", id)
    assert mapping.source_of_identity(written) == ("accounts", id)


@given(st.text(max_size=16), PARTS, PARTS)
def test_only_what_we_would_write_is_ours(value, before, after):
    mapping = program(before, after)
    found = mapping.source_of_identity(value)
    assert found is None or mapping.identity_value(*found) == value


@pytest.mark.parametrize("value", ["", "A-", "B-1", "A-1", "A--Z", "-Z", "A-_x2d_-Z"])
def test_what_is_not_ours(value):
    assert program("A-", "-Z").source_of_identity(value) is None


def test_an_identity_of_the_usual_form_says_that_it_is_ours(mapping):
    text = (
        "mapping: m\nsource: {object: accounts}\ntarget: {object: t, identity: n}\nfields: {x: y}\n"
    )
    usual = mapping(text)
    assert usual.source_of_identity("revline-accounts-1") == ("accounts", "1")
    assert usual.source_of_identity("A-1") is None
    assert not usual.identity_is_plain
    assert program("A-", "").identity_is_plain
