"""The shapes that other programs read: golden files, with what varies made plain.

``REVLINE_GOLDEN=write`` in the environment writes them anew; look at the difference before keeping.
"""

from __future__ import annotations

import json
import os
import re
from pathlib import Path
from typing import Any

import pytest

from tests.cli.cli_kit import Cli

GOLDEN = Path(__file__).parent / "golden"
_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|\+00:00)")
_ID = re.compile(r"\b[0-9a-hjkmnp-tv-z]{20}\b")
_HASH = re.compile(r"\b([0-9a-f]{64}|[0-9a-f]{24}|[0-9a-f]{16})\b")
_SECONDS = {"cursor_age_seconds"}
_CALLS = {"api_calls"}


def plain(value: Any, key: str = "") -> Any:
    """What varies from run to run, replaced by its kind."""
    if isinstance(value, dict):
        return {name: plain(one, key if key in _CALLS else name) for name, one in value.items()}
    if isinstance(value, list):
        inner = [plain(one, key) for one in value]
        # How often an issue is met before the work ends is not part of the shape.
        return [one for at, one in enumerate(inner) if one not in inner[:at]]
    if key == "seq" and value is not None:
        return "<seq>"
    if isinstance(value, float) and key in _SECONDS:
        return "<seconds>"
    if isinstance(value, int) and key in _CALLS:
        return "<calls>"
    if isinstance(value, str):
        text = _TIME.sub("<time>", value)
        text = _HASH.sub("<hash>", text)
        return _ID.sub("<id>", text)
    return value


@pytest.fixture
def lived_in(project: Cli) -> Cli:
    """A project in which everything occurs: done, waiting, an issue, an operator's act."""
    acme = project.company("Acme", "acme.example")
    project.company("Beta", "beta.example")
    project.account("One", "acme.example")
    project.account("Two", "acme.example")
    project.contact("Ada", "ada@acme.example", acme)
    project.run("run", "--until-idle", code=1)
    project.run("connections", "pause", "sales", "--reason", "release weekend")
    project.run("connections", "resume", "sales")
    return project


SHAPES = {
    "status": ("status",),
    "issues": ("issues", "list"),
    "connections": ("connections", "list"),
    "syncs": ("syncs",),
    "links": ("links", "show", "co000000002"),
    "ledger_list": ("ledger", "list"),
    "ledger_verify": ("ledger", "verify"),
    "check": ("check",),
    "setup": ("setup", "sales"),
    "plan": ("plan", "companies"),
    "mappings_test": ("mappings", "test"),
    "forget": ("forget", "crm.contacts/ct000000001", "--yes"),  # last: nothing is left to look at
}


def test_shapes_are_kept(lived_in: Cli) -> None:
    different = []
    for name, arguments in SHAPES.items():
        found = json.dumps(plain(lived_in.json(*arguments, code=None)), indent=1) + "\n"
        file = GOLDEN / f"{name}.json"
        if os.environ.get("REVLINE_GOLDEN") == "write":
            file.write_text(found)
        if found != file.read_text():
            different.append(name)
    assert not different, "compare with tests/cli/golden, and with docs/interfaces.md"


def test_the_ledgers_export_is_one_object_per_line(lived_in: Cli) -> None:
    lines = [json.loads(line) for line in lived_in.run("ledger", "export").stdout.splitlines()]
    assert [line["seq"] for line in lines] == list(range(1, len(lines) + 1))
    for line in lines:
        assert {"time", "sync", "operation", "outcome", "config", "prev", "hash"} <= set(line)
    assert lines == lived_in.json("ledger", "list", "--limit", "1000")


def test_every_shape_is_documented() -> None:
    text = (Path(__file__).parents[2] / "docs" / "interfaces.md").read_text()
    for name, arguments in SHAPES.items():
        words = " ".join(word for word in arguments if word.isalpha() and word not in LOCAL)
        assert f"`revline {words}" in text, f"{words} is not in docs/interfaces.md"
        golden = json.loads((GOLDEN / f"{name}.json").read_text())
        keys = golden if isinstance(golden, dict) else golden[0] if golden else {}
        for key in keys:
            assert f"`{key}`" in text, f"{name}: {key} is not in docs/interfaces.md"


LOCAL = {"sales", "companies"}
