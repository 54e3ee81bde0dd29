"""The engine's sign of life: a small file, replaced whole, read by whoever asks."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

import orjson

from connectors.records import NOTHING
from engine.clock import Clock, instant, microseconds
from engine.files import replace_file

HEARTBEAT_FILE: Final = "heartbeat.json"
STALE_AFTER: Final = timedelta(seconds=30)
HEARTBEAT_MAX_BYTES: Final = 64 * 1024


@dataclass(frozen=True, slots=True)
class Heartbeat:
    """The last sign of life: which process, when, and what it said about itself."""

    pid: int
    at: datetime
    details: Mapping[str, object]

    def age_seconds(self, now: datetime) -> float:
        """Seconds since; never negative."""
        return max(0.0, (now - self.at).total_seconds())


class HeartbeatFile:
    """Writes and reads the heartbeat under a project's ``state`` folder."""

    def __init__(self, state: Path, clock: Clock) -> None:
        self._path = state / HEARTBEAT_FILE
        self._clock = clock

    def beat(self, details: Mapping[str, object] = NOTHING) -> None:
        """Say that this process works. Called by the loop that does the work, not by a bystander.

        Raises ``OSError``.
        """
        content = orjson.dumps(
            {
                "pid": os.getpid(),
                "at": microseconds(self._clock.now()),
                "details": dict(details),
            },
            default=str,
        )
        replace_file(self._path, content)

    def last(self) -> Heartbeat | None:
        """The last sign of life; ``None`` when there is none that can be read."""
        try:
            with self._path.open("rb") as file:
                content = orjson.loads(file.read(HEARTBEAT_MAX_BYTES))
            return Heartbeat(
                pid=int(content["pid"]),
                at=instant(int(content["at"])),
                details=dict(content["details"]),
            )
        except (OSError, ValueError, KeyError, TypeError, OverflowError):
            return None

    def stop(self) -> None:
        """Take the sign away: an orderly end is not a silent death."""
        self._path.unlink(missing_ok=True)
