"""The log files of long-running processes, kept from growing for ever."""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import Final

LOG_MAX_BYTES: Final = 64 * 1024 * 1024


def prepare_log(path: Path) -> Path:
    """The log file, begun anew once it has grown large; the one before is kept beside it."""
    with contextlib.suppress(OSError):
        if path.stat().st_size > LOG_MAX_BYTES:
            path.replace(path.with_name(f"{path.name}.1"))
    return path
