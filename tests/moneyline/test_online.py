"""The command line on the whole money line, the built-in source included."""

from __future__ import annotations

import json
from typing import Any

from click.testing import CliRunner

from engine.cli import cli
from engine.commands.online import Online
from tests.moneyline.world import MoneyLine


def run(line: MoneyLine, *words: str, code: int = 0) -> Any:
    environ = {**line.environ, "REVLINE_KEY": "a2tra2tra2tra2tra2tra2tra2tra2tra2tra2tra2s="}
    shown = CliRunner().invoke(cli, ["-c", str(line.folder), *words, "--json"], env=environ)
    assert shown.exit_code == code, shown.output
    return json.loads(shown.stdout)


def test_the_accounts_have_all_that_the_mappings_name(line: MoneyLine) -> None:
    findings = [one.content() for one in Online(line.project).findings()]
    assert [one for one in findings if one["severity"] == "fault"] == []


def test_the_built_in_source_is_no_connection_to_look_after(line: MoneyLine) -> None:
    assert run(line, "check")["ok"] is True
    names = {sync["name"]: sync["from"] for sync in run(line, "syncs")}
    assert names["journals"] == "revline.schedule_lines"
    told = {sync["name"]: sync["explained"] for sync in run(line, "syncs")}
    assert told["periods"].startswith("When an accounting period in NetSuite is new or changes")
    assert "nothing is written anywhere" in told["periods"]
    assert told["journals"].startswith("1 day after the end of an accounting period, create")
    assert "one for each period, entity and currency" in told["journals"]
    assert "Notes for the books the facts billed and tax" in told["invoices"]
    listed = [one["name"] for one in run(line, "connections", "list")]
    assert listed == ["salesforce", "zuora", "stripe", "netsuite"]
    nothing = run(line, "plan", "subscriptions", code=1)
    assert nothing["error"]["code"] == "nothing_to_plan"
    refused = run(line, "setup", "revline", code=1)
    assert refused["error"]["code"] == "unknown_connection"
