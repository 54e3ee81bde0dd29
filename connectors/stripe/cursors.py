"""Where a sweep of a feed stands. The feed is newest first and filters on whole seconds alone.

To hand over the oldest first and in small pages, a sweep reads windows of time upwards: a window
that holds more than a page is halved, one that holds little is doubled, and a single second that
is too full is walked from its end. In the ordinary case the one open window is one page, at the
head. Nothing is kept but this cursor, so that a restart may come anywhere.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from connectors.errors import Rejected
from connectors.stripe.shapes import Params

SEEN_MAX: Final = 500
_QUIET_SECONDS: Final = 3_600
"""At the head nothing older than this by our own clock is still to come, however quiet it is."""


@dataclass(frozen=True, slots=True)
class Row:
    """An entry of the feed: its id, and when it was made."""

    id: str
    created: int


@dataclass(frozen=True, slots=True)
class Sweep:
    """A reading of everything made since ``start``, in seconds since 1970.

    The window begins at ``at`` and is ``width`` seconds longer than one (``None``: open). ``after``
    is the last entry taken inside a second that is too full. ``seen`` are entries since ``start``
    that were handed over before; the overlap meets them again.
    """

    start: int
    at: int
    width: int | None = None
    after: str | None = None
    top: int = 0
    seen: tuple[Row, ...] = ()

    def params(self, limit: int) -> Params:
        """What asks for the next page."""
        created: Params = {"gte": str(self.at)}
        if self.width is not None:
            created["lte"] = str(self.at + self.width)
        params: Params = {"created": created, "limit": str(limit)}
        if self.after is not None:
            params["starting_after"] = self.after
        return params

    def advanced(
        self, rows: Sequence[Row], *, has_more: bool, limit: int, now: int, overlap: int
    ) -> Step:
        """What a page (newest first, as it came) leads to."""
        narrow = has_more and self.after is None and self.width != 0
        if narrow and rows:
            room = max(0, (min(row.created for row in rows) - self.at) // 2)
            narrower = room if self.width is None else min(room, self.width // 2)
            return Step((), replace(self, width=narrower), at_head=False)
        known = {row.id for row in self.seen}
        fresh = tuple(row for row in reversed(rows) if row.id not in known)
        taken = tuple(sorted(fresh, key=lambda row: row.created))
        moved = replace(
            self,
            top=max([self.top, *(row.created for row in rows)]),
            seen=_latest((*self.seen, *taken)),
        )
        if has_more and rows:
            return Step(taken, replace(moved, after=rows[-1].id), at_head=False)
        if self.width is None:
            return Step(taken, moved.restarted(now, overlap), at_head=True)
        at = self.at + self.width + 1
        wider = 2 * self.width + 1 if 2 * len(rows) < limit else self.width
        width = None if at + wider >= now else wider
        return Step(taken, replace(moved, at=at, width=width, after=None), at_head=False)

    def restarted(self, now: int, overlap: int) -> Sweep:
        """The next sweep, from ``overlap`` before the newest entry."""
        reached = max(self.top - overlap, now - max(_QUIET_SECONDS, overlap))
        start = max(self.start, reached)
        seen = tuple(row for row in self.seen if row.created >= start)
        return Sweep(start=start, at=start, top=self.top, seen=seen)

    def text(self) -> str:
        """The cursor as it is stored."""
        return _text(
            start=self.start,
            at=self.at,
            width=self.width,
            after=self.after,
            top=self.top or None,
            seen=[[row.id, row.created] for row in self.seen] or None,
        )


@dataclass(frozen=True, slots=True)
class Step:
    """The entries to hand over, oldest first, and where to go on."""

    rows: tuple[Row, ...]
    next: Sweep
    at_head: bool


@dataclass(frozen=True, slots=True)
class Walk:
    """Where a walk through all records stands: the last one taken; ``None`` at the start."""

    id: str | None = None
    created: int | None = None

    def text(self) -> str:
        """The cursor as it is stored."""
        return _text(id=self.id, created=self.created)


@dataclass(frozen=True, slots=True)
class Resync:
    """A feed that has forgotten what we missed: all records are walked through instead.

    Afterwards the feed is followed from ``resume``, when the walk began.
    """

    resume: int
    walk: Walk

    def text(self) -> str:
        """The cursor as it is stored."""
        return _text(resume=self.resume, id=self.walk.id, created=self.walk.created)


def parse_feed(cursor: str) -> Sweep | Resync:
    """A stored cursor of a feed. Raises ``Rejected``."""
    raw = _parsed(cursor)
    try:
        if "resume" in raw:
            return Resync(_count(raw["resume"]), _walk(raw))
        return Sweep(
            start=_count(raw["start"]),
            at=_count(raw["at"]),
            width=_count(raw["width"]) if "width" in raw else None,
            after=_id(raw["after"]) if "after" in raw else None,
            top=_count(raw.get("top", 0)),
            seen=tuple(Row(_id(id), _count(created)) for id, created in raw.get("seen", ())),
        )
    except (KeyError, TypeError, ValueError):
        raise _bad_cursor() from None


def parse_walk(cursor: str | None) -> Walk:
    """A stored cursor of a walk. Raises ``Rejected``."""
    if cursor is None:
        return Walk()
    try:
        return _walk(_parsed(cursor))
    except (KeyError, TypeError, ValueError):
        raise _bad_cursor() from None


def _walk(raw: dict[str, Any]) -> Walk:
    id, created = raw.get("id"), raw.get("created")
    return Walk(
        _id(id) if id is not None else None, _count(created) if created is not None else None
    )


def _latest(rows: tuple[Row, ...]) -> tuple[Row, ...]:
    return tuple(sorted(rows, key=lambda row: row.created))[-SEEN_MAX:]


def _text(**parts: object) -> str:
    kept = {name: part for name, part in parts.items() if part is not None}
    return json.dumps(kept, separators=(",", ":"))


def _parsed(cursor: str) -> dict[str, Any]:
    try:
        raw = json.loads(cursor)
    except (ValueError, RecursionError):
        raise _bad_cursor() from None
    if not isinstance(raw, dict):
        raise _bad_cursor()
    return raw


def _count(value: object) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value < 10**11:
        raise ValueError("not a number of seconds")
    return value


def _id(value: object) -> str:
    if not isinstance(value, str) or not 0 < len(value) <= 255:
        raise ValueError("not an id")
    return value


def _bad_cursor() -> Rejected:
    return Rejected("this cursor was not written by the Stripe connector", code="BAD_CURSOR")
