"""What the page about mapping files shows is a mapping file."""

import re
from pathlib import Path

import pytest

PAGE = (Path(__file__).parents[2] / "docs" / "mappings.md").read_text(encoding="utf-8")
SHOWN = re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL)
HEAD = "mapping: m\nsource: {object: a}\ntarget: {object: b}\n"


@pytest.mark.parametrize("text", SHOWN)
def test_what_is_shown_compiles(mapping, text):
    fragment = not text.startswith("mapping:")
    whole = HEAD + text if fragment else text
    if fragment and not text.startswith("fields:"):
        whole += "fields: {A: a}\n"
    assert mapping(whole).digest
    assert len(SHOWN) >= 4
