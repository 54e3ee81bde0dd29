"""Durations as people write them: ``90s``, ``5m``, ``1h``, ``30d``."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any, Final

_DURATION: Final = re.compile(r"\+?([1-9][0-9]{0,5})([smhd])")
_UNITS: Final = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}


def duration(value: Any) -> timedelta:
    """Read a duration. Raises ``ValueError`` with a sentence for people."""
    if isinstance(value, timedelta):
        return value
    match = _DURATION.fullmatch(value) if isinstance(value, str) else None
    if match is None:
        raise ValueError("write a duration such as 90s, 5m, 1h or 30d")
    return timedelta(**{_UNITS[match.group(2)]: int(match.group(1))})
