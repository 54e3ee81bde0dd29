"""Following changes and walking through everything.

A list is counted from its start, so a change in the middle of a walk would move what follows. So
each page asks from the last second on, and counts only within it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Final

from connectors.docusign import fields
from connectors.docusign.objects import OVERLAP, PAGE_MAX
from connectors.docusign.reading import (
    LIST,
    Row,
    include_of,
    record_of,
    require_envelopes,
    rows_of,
)
from connectors.docusign.rest import Body, Rest
from connectors.errors import Rejected, UnexpectedAnswer
from connectors.records import Page, Selection
from connectors.transport_json import BadJson, loads_strict
from connectors.values import format_instant_seconds, parse_instant

_VERSION: Final = 1
_SKIP_MAX: Final = 10_000_000
BEGINNING: Final = datetime(2003, 1, 1, tzinfo=UTC)  # before DocuSign's first envelope

_CHANGED: Final = ("changed", "status_changed", "statusChangedDateTime")
_CREATED: Final = ("created", "created", "createdDateTime")


@dataclass(frozen=True, slots=True)
class Sweep:
    """A walk in the order of whole seconds: rows from ``at`` on, ``skip`` of them known.

    ``start`` is where the sweep began, ``newest`` the latest second seen, ``clock`` DocuSign's time
    when a sweep of several pages began.
    """

    start: datetime
    at: datetime
    skip: int = 0
    newest: datetime | None = None
    clock: datetime | None = None


def first_sweep(selection: Selection, since: datetime) -> str:
    """A cursor that reports every change since ``since``. Raises ``Rejected``."""
    require_envelopes(selection.object)
    start = since.astimezone(UTC).replace(microsecond=0)
    return _write(Sweep(start=start, at=start))


def changed(rest: Rest, selection: Selection, cursor: str, limit: int) -> Page:
    """The next page of envelopes whose status changed, oldest change first."""
    sweep = _read(cursor)
    body, rows, size = _page(rest, selection, sweep, limit, _CHANGED)
    stamps = [_stamp(row, _CHANGED[2]) for row in rows]
    newest = max([*stamps, *([sweep.newest] if sweep.newest else [])], default=None)
    sweep = replace(sweep, newest=newest)
    records = tuple(record_of(selection, row) for row in rows)
    if len(rows) < size and not body.get("nextUri"):
        return Page(records, _write(_next(sweep)), at_head=True)
    follow = _follow(replace(sweep, clock=sweep.clock or _clock(body)), stamps)
    return Page(records, _write(follow), at_head=False)


def walked(rest: Rest, selection: Selection, cursor: str | None, limit: int) -> Page:
    """The next page of all envelopes, oldest first."""
    require_envelopes(selection.object)
    sweep = _read(cursor) if cursor is not None else Sweep(start=BEGINNING, at=BEGINNING)
    body, rows, size = _page(rest, selection, sweep, limit, _CREATED)
    records = tuple(record_of(selection, row) for row in rows)
    follow = _follow(sweep, [_stamp(row, _CREATED[2]) for row in rows])
    return Page(records, _write(follow), at_head=len(rows) < size and not body.get("nextUri"))


def _page(
    rest: Rest, selection: Selection, sweep: Sweep, limit: int, order: tuple[str, str, str]
) -> tuple[Body, list[Row], int]:
    size = max(1, min(limit, PAGE_MAX))
    body = rest.get(
        LIST,
        {
            "from_date": format_instant_seconds(sweep.at),
            "from_to_status": order[0],
            "order_by": order[1],
            "order": "asc",
            "start_position": str(sweep.skip),
            "count": str(size),
            **include_of(selection),
        },
    )
    rows = rows_of(body)
    if not rows and body.get("nextUri"):
        raise UnexpectedAnswer("a page without envelopes is not the last", code="LIST_SHAPE")
    return body, rows, size


def _follow(sweep: Sweep, stamps: Sequence[datetime]) -> Sweep:
    """Where the page after this one begins."""
    if not stamps:
        return sweep
    if list(stamps) != sorted(stamps) or stamps[0] < sweep.at:
        raise UnexpectedAnswer("the list is not in the order asked for", code="LIST_SHAPE")
    last = stamps[-1]
    known = sum(stamp == last for stamp in stamps)
    return replace(sweep, at=last, skip=known + (sweep.skip if last == sweep.at else 0))


def _next(sweep: Sweep) -> Sweep:
    """Where the next sweep begins: the overlap before the newest row, never before this one.

    After a sweep of several pages it is DocuSign's clock that moves the start on, or a load that
    filled them within the overlap would be read again for ever.
    """
    start = sweep.start
    if sweep.newest is not None:
        start = max(start, sweep.newest - OVERLAP)
    if sweep.clock is not None:
        start = max(start, sweep.clock - OVERLAP)
    return Sweep(start=start, at=start)


def _stamp(row: Row, name: str) -> datetime:
    at = fields.shown({name: row.get(name)}).get(name)
    if not isinstance(at, datetime):
        raise UnexpectedAnswer(f"an envelope has no {name}", code="LIST_SHAPE")
    return at.replace(microsecond=0)


def _clock(body: Body) -> datetime | None:
    text = body.get("lastQueriedDateTime")
    try:
        return parse_instant(text).replace(microsecond=0) if isinstance(text, str) else None
    except ValueError:
        return None


def _write(sweep: Sweep) -> str:
    parts = {
        "v": _VERSION,
        "start": format_instant_seconds(sweep.start),
        "at": format_instant_seconds(sweep.at),
        "skip": sweep.skip,
        "newest": format_instant_seconds(sweep.newest) if sweep.newest else None,
        "clock": format_instant_seconds(sweep.clock) if sweep.clock else None,
    }
    return json.dumps(parts, separators=(",", ":"))


def _read(cursor: str) -> Sweep:
    try:
        parts = loads_strict(cursor.encode())
        if not isinstance(parts, dict) or parts.get("v") != _VERSION:
            raise _bad()
        start, at = _instant(parts, "start"), _instant(parts, "at")
        skip = parts.get("skip")
        if start is None or at is None or not isinstance(skip, int) or not 0 <= skip <= _SKIP_MAX:
            raise _bad()
        return Sweep(start, at, skip, _instant(parts, "newest"), _instant(parts, "clock"))
    except (BadJson, UnicodeEncodeError, ValueError):
        raise _bad() from None


def _instant(parts: Mapping[str, object], name: str) -> datetime | None:
    text = parts.get(name)
    if text is None:
        return None
    if not isinstance(text, str):
        raise _bad()
    return parse_instant(text)


def _bad() -> Rejected:
    return Rejected("the cursor is not one that this connector wrote", code="BAD_CURSOR")
