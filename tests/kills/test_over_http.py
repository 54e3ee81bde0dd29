"""kill -9 from outside, at the moments that hurt: a request is at the vendor, its answer is not."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path
from random import Random
from typing import Any

import pytest

from tests.kills.child import KILLED, Zygote, differences
from tests.kills.http_line import HttpLine

LINES = r"/composite/sobjects/OpportunityLineItem/"
ACCOUNTS = r"/composite/sobjects/Account/"
CONTACTS_BACK = r"/contacts/batch/update"
HELD = (
    ("salesforce", "PATCH", ACCOUNTS, "before"),
    ("salesforce", "PATCH", ACCOUNTS, "after"),
    ("salesforce", "PATCH", LINES, "before"),
    ("salesforce", "PATCH", LINES, "after"),
)
SEEDS = range(1)
KILLS = 3


@pytest.fixture(scope="session")
def undisturbed(
    tmp_path_factory: pytest.TempPathFactory, zygote: Zygote
) -> Iterator[dict[str, Any]]:
    """What both systems hold when nobody kills anything."""
    line = HttpLine(tmp_path_factory.mktemp("undisturbed"), zygote)
    line.finish()
    yield line.outcome()
    line.close()


@pytest.fixture
def line(tmp_path: Path, zygote: Zygote) -> Iterator[HttpLine]:
    made = HttpLine(tmp_path, zygote)
    yield made
    made.close()


def test_the_undisturbed_run_brings_everything(undisturbed: dict[str, Any]) -> None:
    for object in ("Account", "Contact", "Lead", "Opportunity", "OpportunityLineItem"):
        assert any(name.startswith(f"{object} revline-") for name in undisturbed), object


@pytest.mark.parametrize(("system", "method", "path", "phase"), HELD)
def test_killed_while_a_write_is_at_the_vendor(
    line: HttpLine, undisturbed: dict[str, Any], system: str, method: str, path: str, phase: str
) -> None:
    """Held ``before``, it takes effect after the death of whoever sent it."""
    line.killed_while_held(system, method, path, phase)
    line.finish()
    assert differences(line.outcome(), undisturbed) == {}


@pytest.mark.parametrize("phase", ["before", "after"])
def test_killed_while_the_way_back_is_at_the_vendor(
    line: HttpLine, undisturbed: dict[str, Any], phase: str
) -> None:
    line.finish()
    contact = line.work_on_a_lead()
    line.killed_while_held("hubspot", "POST", CONTACTS_BACK, phase)
    line.finish()
    found = differences(line.outcome(), undisturbed)
    lead = next(name for name in found if name.startswith("Lead "))
    assert found.pop(lead) == {"Status": ("Working - Contacted", "Open - Not Contacted")}
    assert found == {f"contacts {contact}": {"hs_lead_status": ("IN_PROGRESS", "NEW")}}


@pytest.mark.parametrize("seed", SEEDS)
def test_killed_at_random_times(line: HttpLine, undisturbed: dict[str, Any], seed: int) -> None:
    _at_random_times(line, Random(seed), KILLS, undisturbed)


@pytest.mark.torture
@pytest.mark.parametrize("seed", range(1000, 1100))
def test_killed_at_random_times_for_long(
    line: HttpLine, undisturbed: dict[str, Any], seed: int
) -> None:
    _at_random_times(line, Random(seed), 8, undisturbed)


def _at_random_times(
    line: HttpLine, random: Random, kills: int, undisturbed: dict[str, Any]
) -> None:
    for _ in range(kills):
        child = line.command.start()
        clock = threading.Timer(random.uniform(0.05, 1.5), child.kill)
        clock.start()
        code = child.wait()
        clock.cancel()
        clock.join()
        if code != KILLED:
            break
    line.finish()
    assert differences(line.outcome(), undisturbed) == {}
