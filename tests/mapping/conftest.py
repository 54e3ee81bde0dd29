"""Mappings from text, for tests."""

import pytest

from engine.config.problems import Problems
from engine.config.yaml import parse_document
from engine.errors import ConfigErrors
from engine.mapping.compile import compile_mapping


@pytest.fixture
def mapping():
    def build(text):
        problems = Problems()
        compiled = compile_mapping(parse_document(text.encode(), "mappings/m.yaml"), problems)
        problems.raise_any()
        return compiled

    return build


@pytest.fixture
def faults(mapping):
    def find(text):
        with pytest.raises(ConfigErrors) as caught:
            mapping(text)
        return str(caught.value).splitlines()

    return find
