"""The demo as a person starts it: one command, in a process of its own, once for all tests."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
SECONDS_MAX = 500  # on a machine that is busy with other things

Command = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture(scope="session")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("clone")


@pytest.fixture(scope="session")
def revline(place: Path) -> Command:
    """A command, started in the folder, without any secret in its environment."""

    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        environ = {name: value for name, value in os.environ.items() if "REVLINE" not in name}
        return subprocess.run(
            [sys.executable, "-m", "engine.cli", *arguments],
            cwd=place,
            env={**environ, "PYTHONPATH": str(ROOT)},
            capture_output=True,
            text=True,
            timeout=SECONDS_MAX,
            check=False,
        )

    return run


@pytest.fixture(scope="session")
def told(revline: Command) -> Any:
    """What the demo says of itself, once it has ended well."""
    ended = revline("demo", "--json")
    assert ended.returncode == 0, ended.stdout[-3000:] + ended.stderr[-3000:]
    return json.loads(ended.stdout)
