"""Crash points, armed by the environment for rehearsals and inert otherwise.

``REVLINE_FAILPOINT=intent.after_commit:3`` kills the process, as ``kill -9`` would, the third time
it comes to that point. ``*:17`` counts every point; ``seed=5:0.01`` kills by chance.
"""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable, Mapping
from random import Random
from typing import Final

VARIABLE: Final = "REVLINE_FAILPOINT"


def _inert(_point: str) -> None:
    """Nothing is armed."""


def armed(environ: Mapping[str, str]) -> Callable[[str], None]:
    """The failpoint function that the environment asks for."""
    text = environ.get(VARIABLE, "")
    name, _, rest = text.rpartition(":")
    if not name:
        return _inert
    if name.startswith("seed="):
        return _by_chance(Random(name.removeprefix("seed=")), float(rest))  # noqa: S311
    return _at(name, int(rest))


def _at(name: str, number: int) -> Callable[[str], None]:
    seen = 0
    lock = threading.Lock()

    def failpoint(point: str) -> None:
        nonlocal seen
        if name not in ("*", point):
            return
        with lock:
            seen += 1
            if seen == number:
                _die()

    return failpoint


def _by_chance(random: Random, chance: float) -> Callable[[str], None]:
    lock = threading.Lock()

    def failpoint(_point: str) -> None:
        with lock:
            if random.random() < chance:
                _die()

    return failpoint


def _die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)
