"""The page about issues has a line per kind, with the person who can act."""

from __future__ import annotations

import re
from pathlib import Path

from engine.issues import REGISTRY

PAGE = (Path(__file__).parents[2] / "docs" / "issues.md").read_text(encoding="utf-8")


def test_every_kind_of_issue_has_its_line() -> None:
    told = re.findall(r"(?m)^\| `([A-Z_]+)` \| ([A-Za-z]+) \|", PAGE)
    assert told == [(kind.code, kind.owner) for kind in REGISTRY.values()]


def test_the_words_for_refusals_are_those_of_the_connectors() -> None:
    table = PAGE.split("## When the general ledger refuses", 1)[1].split("\n## ", 1)[0]
    words = re.findall(r"(?m)^\| `([A-Z_]+)` \|", table)
    written = (Path(__file__).parents[2] / "connectors/netsuite/errors.py").read_text()
    assert words
    assert [word for word in words if f'"{word}"' not in written] == []


def test_the_faults_that_are_named_exist() -> None:
    table = PAGE.split("## Money that does not come through", 1)[1]
    mappings = (Path(__file__).parents[2] / "docs" / "mappings.md").read_text(encoding="utf-8")
    faults = re.findall(r"(?m)^\| `([A-Z_]+)` \|", mappings.split("## Faults", 1)[1])
    named = [
        word
        for line in table.splitlines()
        if line.startswith("| `MAPPING`")
        for word in re.findall(r"`([A-Z_]+)`", line)[1:]
    ]
    assert named
    assert set(named) <= set(faults)
