"""Where a walk stands, as text that only this connector reads."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from connectors.errors import Rejected
from connectors.transport_json import BadJson, loads_strict
from connectors.values import format_instant_seconds, parse_instant

_VERSION = 1


@dataclass(frozen=True, slots=True)
class Sweep:
    """A walk through changes, in the order of whole seconds.

    Rows are asked for from ``at`` on. ``after`` (an id, or empty for the first page) means: inside
    the second ``at``, in the order of ids; then on with what is later than ``at``, which is
    ``beyond``. ``start`` is where the sweep began, ``newest`` the latest second seen, and
    ``clock`` the vendor's time when a sweep of several pages began.
    """

    start: datetime
    at: datetime
    after: str | None = None
    beyond: bool = False
    newest: datetime | None = None
    clock: datetime | None = None


def write_sweep(sweep: Sweep) -> str:
    """The cursor's text."""
    parts = {
        "v": _VERSION,
        "start": _text(sweep.start),
        "at": _text(sweep.at),
        "after": sweep.after,
        "beyond": sweep.beyond,
        "newest": _text(sweep.newest),
        "clock": _text(sweep.clock),
    }
    return json.dumps(parts, separators=(",", ":"))


def read_sweep(cursor: str) -> Sweep:
    """The sweep of a cursor. Raises ``Rejected`` for a text that we did not write."""
    parts = _parts(cursor)
    start, at, after = _instant(parts, "start"), _instant(parts, "at"), parts.get("after")
    if start is None or at is None or not (after is None or isinstance(after, str)):
        raise _bad()
    return Sweep(
        start=start,
        at=at,
        after=after,
        beyond=parts.get("beyond") is True,
        newest=_instant(parts, "newest"),
        clock=_instant(parts, "clock"),
    )


def write_walk(after: str) -> str:
    """The cursor of a list: the id of the last row."""
    return json.dumps({"v": _VERSION, "after": after}, separators=(",", ":"))


def read_walk(cursor: str) -> str:
    """The id of the last row. Raises ``Rejected``."""
    after = _parts(cursor).get("after")
    if not isinstance(after, str):
        raise _bad()
    return after


def _parts(cursor: str) -> Mapping[str, object]:
    try:
        parts = loads_strict(cursor.encode())
    except (BadJson, UnicodeEncodeError):
        raise _bad() from None
    if not isinstance(parts, dict) or parts.get("v") != _VERSION:
        raise _bad()
    return parts


def _instant(parts: Mapping[str, object], name: str) -> datetime | None:
    text = parts.get(name)
    if text is None:
        return None
    try:
        return parse_instant(text) if isinstance(text, str) else None
    except ValueError:
        raise _bad() from None


def _text(instant: datetime | None) -> str | None:
    return None if instant is None else format_instant_seconds(instant)


def _bad() -> Rejected:
    return Rejected("the cursor is not one that this connector wrote", code="BAD_CURSOR")
