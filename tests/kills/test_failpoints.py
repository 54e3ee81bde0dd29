"""The backfill is killed at named moments, then the same command is run again until it ends."""

from __future__ import annotations

import re
from pathlib import Path
from random import Random
from typing import Any

import pytest

from tests.kills.child import KILLED, ROOT, RUNS_MAX, Zygote, differences
from tests.kills.memory_line import MemoryLine

POINTS = (
    "claim.after_commit",
    "close.after_commit",
    "intent.after_commit",
    "intent.before_commit",
    "outcome.after_commit",
    "outcome.before_commit",
    "outcome.ledger_inserted",
    "poll.after_commit",
    "poll.before_page",
    "poll.page_received",
    "poll.rows.partial",
    "recover.after_commit",
    "recover.before_lookup",
    "route.after_commit",
    "route.before_commit",
    "send.applied",
    "send.before",
    "take_in.after_commit",
)
# These are come to only while recovering, or with a receiver beside the engine.
ELSEWHERE = {"recover.after_commit", "recover.before_lookup", "take_in.after_commit"}
KILLS_PER_POINT = 2
SEEDS = range(2)
CHANCE = 0.03


@pytest.fixture(scope="session")
def undisturbed(tmp_path_factory: pytest.TempPathFactory, zygote: Zygote) -> dict[str, Any]:
    """What the target holds when nobody kills anything."""
    line = MemoryLine(tmp_path_factory.mktemp("undisturbed"), zygote)
    line.command.finish()
    outcome = line.outcome()
    assert len(outcome) > 30
    return outcome


def test_every_crash_point_of_the_pipeline_is_in_the_campaign() -> None:
    found: set[str] = set()
    for file in (ROOT / "engine" / "pipeline").rglob("*.py"):
        found.update(re.findall(r"failpoint\(\s*\"([\w.]+)\"", file.read_text()))
    assert found == set(POINTS)


@pytest.mark.parametrize("point", [point for point in POINTS if point not in ELSEWHERE])
def test_killed_at_a_point(
    tmp_path: Path, zygote: Zygote, undisturbed: dict[str, Any], point: str
) -> None:
    line = MemoryLine(tmp_path, zygote)
    for number in range(1, KILLS_PER_POINT + 1):
        if line.command.run(f"{point}:{number}") != KILLED:
            break
    assert line.command.kills >= 1
    line.command.finish()
    assert differences(line.outcome(), undisturbed) == {}


@pytest.mark.parametrize("point", ["recover.before_lookup", "recover.after_commit"])
def test_killed_while_recovering_from_a_kill(
    tmp_path: Path, zygote: Zygote, undisturbed: dict[str, Any], point: str
) -> None:
    line = MemoryLine(tmp_path, zygote)
    assert line.command.run("send.applied:2") == KILLED
    assert line.command.run(f"{point}:1") == KILLED
    line.command.finish()
    assert differences(line.outcome(), undisturbed) == {}


@pytest.mark.parametrize("seed", SEEDS)
def test_killed_by_chance_again_and_again(
    tmp_path: Path, zygote: Zygote, undisturbed: dict[str, Any], seed: int
) -> None:
    _by_chance(MemoryLine(tmp_path, zygote), seed, CHANCE, undisturbed)


@pytest.mark.torture
@pytest.mark.parametrize("seed", range(1000, 1200))
def test_killed_by_chance_for_long(
    tmp_path: Path, zygote: Zygote, undisturbed: dict[str, Any], seed: int
) -> None:
    chance = Random(seed).choice((0.01, 0.03, 0.1))
    _by_chance(MemoryLine(tmp_path, zygote), seed, chance, undisturbed)


@pytest.mark.torture
@pytest.mark.parametrize("number", range(1, 120))
def test_killed_once_at_the_nth_point(
    tmp_path: Path, zygote: Zygote, undisturbed: dict[str, Any], number: int
) -> None:
    line = MemoryLine(tmp_path, zygote)
    line.command.run(f"*:{number}")
    line.command.finish()
    assert differences(line.outcome(), undisturbed) == {}


def _by_chance(line: MemoryLine, seed: int, chance: float, undisturbed: dict[str, Any]) -> None:
    for run in range(RUNS_MAX):
        if line.command.run(f"seed={seed}-{run}:{chance}") == 0:
            break
    else:
        line.command.finish()
    assert differences(line.outcome(), undisturbed) == {}
