"""The same history on both databases comes to the same end, told by the same ledger lines."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any, TypeAlias

import pytest

from tests.simulation.history import History

VARYING = ("seq", "prev", "hash")


Play: TypeAlias = Callable[[Path, int, str | None], History]


@pytest.fixture
def play() -> Iterator[Play]:
    with ExitStack() as stack:

        def played(folder: Path, seed: int, store_url: str | None) -> History:
            folder.mkdir()
            history = History(folder, seed, store_url=store_url)
            stack.callback(history.world.close)
            history.run(steps=25)
            history.check()
            return history

        yield played


def told(history: History) -> Counter[str]:
    """Ledger lines but for their places, which crashes may shuffle."""
    return Counter(
        repr({name: part for name, part in line.items() if name not in VARYING})
        for line in history.world.lines()
    )


def ended(history: History) -> dict[str, Any]:
    world = history.world
    return {
        "crm": world.crm.state(),
        "sales": world.sales.state(),
        "tally": world.tally(),
        "crashes": history.crashes,
        "writes": world.writes(),
        "clock": world.clock.now(),
    }


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_both_databases_tell_the_same_story(
    tmp_path: Path, postgres_url: str, play: Play, seed: int
) -> None:
    here = play(tmp_path / "sqlite", seed, None)
    there = play(tmp_path / "postgres", seed, postgres_url)
    assert there.crashes > 0
    assert ended(there) == ended(here)
    assert told(there) == told(here)
