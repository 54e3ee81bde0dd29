"""Thousands of small disasters from a seed. A failure prints the seed; the seed repeats it."""

from __future__ import annotations

import os
import secrets
from pathlib import Path

import pytest

from tests.simulation.history import History

START_SEED = int(os.environ.get("REVLINE_SEED", "0")) or secrets.randbelow(10**9)
RUNS = int(os.environ.get("REVLINE_RUNS", "6"))
FIXED = (1, 2, 3)


@pytest.mark.parametrize("number", range(RUNS))
def test_a_random_history_ends_well(tmp_path: Path, number: int) -> None:
    seed = FIXED[number] if number < len(FIXED) else START_SEED + number
    print(f"seed {seed}: REVLINE_SEED={seed - number} REVLINE_RUNS={number + 1} repeats it")
    history = History(tmp_path, seed)
    history.run(steps=60)
    history.check()


@pytest.mark.parametrize("seed", [FIXED[0], START_SEED])
def test_a_random_history_ends_well_on_postgresql(
    tmp_path: Path, postgres_url: str, seed: int
) -> None:
    print(f"seed {seed}")
    history = History(tmp_path, seed, store_url=postgres_url)
    history.run(steps=60)
    history.check()
    history.world.close()
