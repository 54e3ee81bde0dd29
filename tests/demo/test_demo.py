"""The demo as a person starts it: one command, in a process of its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from engine.demo.again import as_left

ROOT = Path(__file__).parents[2]
STAGES = {"owners", "companies", "leads", "contacts", "products", "deals"}


def revline(*arguments: str, folder: Path) -> subprocess.CompletedProcess[str]:
    """A command, started in a folder, without any secret in its environment."""
    environ = {name: value for name, value in os.environ.items() if "REVLINE" not in name}
    return subprocess.run(
        [sys.executable, "-m", "engine.cli", *arguments],
        cwd=folder,
        env={**environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=170,
        check=False,
    )


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("clone")


@pytest.fixture(scope="module")
def told(place: Path) -> Any:
    """What the demo says of itself, once it has ended well."""
    ended = revline("demo", "--json", folder=place)
    assert ended.returncode == 0, ended.stdout[-3000:] + ended.stderr[-3000:]
    return json.loads(ended.stdout)


def test_nothing_unexpected_and_the_ledger_is_whole(told: Any) -> None:
    assert told["unexpected"] == []
    assert told["ok"]
    assert told["ledger"]["ok"]
    assert told["ledger"]["lines"] > 1000


def test_it_is_as_large_as_promised(told: Any) -> None:
    stages = told["backfill"]["stages"]
    assert set(stages) == STAGES
    assert stages["companies"]["records"] >= 100
    assert stages["contacts"]["records"] >= 300
    assert stages["deals"]["records"] >= 80
    assert told["syncs"]["deals"]["created"] > 400  # line items and roles included


def test_every_stage_keeps_to_the_least_number_of_calls(told: Any) -> None:
    over = {name: one for name, one in told["backfill"]["stages"].items() if not one["within"]}
    assert over == {}


def test_a_second_backfill_writes_nothing(told: Any) -> None:
    assert told["second_backfill"]["writes"] == 0


def test_both_ways_were_measured(told: Any) -> None:
    measured = told["seconds_to_target"]
    assert measured["webhook"]["edits"] >= 40
    assert measured["poll"]["edits"] >= 20
    for way in measured.values():
        assert 0 < way["median"] <= way["p99"]


def test_every_open_issue_is_part_of_the_show_and_says_what_to_do(told: Any) -> None:
    assert {one["code"] for one in told["issues"]} == {
        "MATCH_AMBIGUOUS",
        "MATCH_ALREADY_LINKED",
        "MERGED_TWO_TARGETS",
        "REFUSED",
    }
    assert all(one["expected"] and one["cause"] and one["fix"] for one in told["issues"])
    assert len(told["episodes"]) == 6


def test_the_folder_can_be_looked_around_in(told: Any, place: Path) -> None:
    config = ("-c", "demo/revline.yaml")
    status = json.loads(revline(*config, "status", "--json", folder=place).stdout)
    assert status["idle"]
    assert status["issues"] == len(told["issues"])
    verified = revline(*config, "ledger", "verify", "--json", folder=place)
    assert json.loads(verified.stdout)["head"] == told["ledger"]["head"]
    assert revline(*config, "ledger", "list", folder=place).returncode == 0


def test_the_simulators_come_up_as_they_were_left_and_a_plan_finds_all_in_step(
    told: Any, place: Path
) -> None:
    assert told["ok"]
    with as_left(place / "demo"):
        for sync in ("companies", "deal_stages"):
            ended = revline("-c", "demo/revline.yaml", "plan", sync, "--json", folder=place)
            assert ended.returncode in (0, 1), ended.stderr
            actions = {one["action"] for one in json.loads(ended.stdout)["records"]}
            assert actions.isdisjoint({"create", "update", "link", "delete"}), actions
