"""The cursors: where a sweep of changes, a walk through all records, a look for deletions stands.

Times in a cursor are the account's wall clock, as SuiteQL prints and compares them. When clocks go
back an hour is told twice, so that a sweep beginning in it begins an hour earlier.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

from connectors.errors import Rejected
from connectors.netsuite.suiteql import record_id

Place = tuple[datetime, str]


def wall(instant: datetime, zone: ZoneInfo) -> datetime:
    """The account's clock at an instant, to the second, from which later rows carry later times.

    In the first of two equal hours that is an hour earlier: rows of the second are still to come.
    """
    local = instant.astimezone(zone)
    shown = local.replace(tzinfo=None, microsecond=0)
    return shown if local.fold else shown - _repeat(local)


def instant(moment: datetime, zone: ZoneInfo) -> datetime:
    """The instant of a wall-clock time; of two, the later: nothing may look older than it is."""
    return moment.replace(tzinfo=zone, fold=1).astimezone(UTC)


def back(moment: datetime, zone: ZoneInfo) -> datetime:
    """The time from which rows must be read that follow a row of this time."""
    return moment - _repeat(moment.replace(tzinfo=zone))


def _repeat(local: datetime) -> timedelta:
    """How long the clock tells this time again; zero unless the hour comes twice."""
    first, second = local.replace(fold=0).utcoffset(), local.replace(fold=1).utcoffset()
    if first is None or second is None:
        return timedelta(0)
    return max(first - second, timedelta(0))


@dataclass(frozen=True, slots=True)
class Sweep:
    """One reading of everything that changed from ``start`` on.

    ``after`` is the last row taken, ``newest`` the latest time ever seen. By our own clock:
    ``seen_at`` is when a finished sweep first saw ``newest``, ``began`` when a sweep of several
    pages began. ``owed`` are records that changed and could not be read yet.
    """

    start: datetime
    after: Place | None = None
    newest: datetime | None = None
    seen_at: datetime | None = None
    began: datetime | None = None
    owed: tuple[str, ...] = ()

    def owing(self, ids: Sequence[str]) -> Sweep:
        """The same place, with these records still to be read."""
        return replace(self, owed=tuple(dict.fromkeys(ids)))

    def onward(self, last: Place, now: datetime) -> Sweep:
        """After a page that is not the last; ``now`` is from before it was asked for."""
        newest, seen_at = self._reached(last)
        return replace(self, after=last, newest=newest, seen_at=seen_at, began=self.began or now)

    def ended(
        self, last: Place | None, *, now: datetime, overlap: timedelta, zone: ZoneInfo
    ) -> Sweep:
        """After the last page: where the next sweep begins.

        It begins ``overlap`` before the newest row. Once that row has been the newest for as long,
        whatever was late has shown, and only its own second is read again: after a big load the
        same pages would otherwise be read for ever.
        """
        newest, seen_at = self._reached(last)
        if newest is None:
            return Sweep(start=self.start, owed=self.owed)
        began = self.began or now
        settled = seen_at is not None and began - seen_at >= overlap
        begin = back(newest if settled else newest - overlap, zone)
        start = max(self.start, begin)
        return Sweep(start=start, newest=newest, seen_at=seen_at or now, owed=self.owed)

    def _reached(self, last: Place | None) -> tuple[datetime | None, datetime | None]:
        if last is None or (self.newest is not None and last[0] <= self.newest):
            return self.newest, self.seen_at
        return last[0], None

    def text(self) -> str:
        """The cursor as it is stored."""
        return _text(
            start=self.start.isoformat(),
            after=[self.after[0].isoformat(), self.after[1]] if self.after else None,
            newest=self.newest.isoformat() if self.newest else None,
            seen=self.seen_at.isoformat() if self.seen_at else None,
            began=self.began.isoformat() if self.began else None,
            owed=list(self.owed) or None,
        )


def parse_sweep(cursor: str) -> Sweep:
    """A stored cursor. Raises ``Rejected``."""
    raw = _parsed(cursor)
    try:
        return Sweep(
            start=_moment(raw["start"]),
            after=_place(raw.get("after")),
            newest=_moment(raw["newest"]) if raw.get("newest") else None,
            seen_at=_seen(raw.get("seen")),
            began=_seen(raw.get("began")),
            owed=_ids(raw.get("owed")),
        )
    except (KeyError, IndexError, TypeError, ValueError):
        raise bad_cursor() from None


@dataclass(frozen=True, slots=True)
class Walk:
    """A walk through all records: the last id taken, and the records that could not be read."""

    last: str | None = None
    owed: tuple[str, ...] = ()

    def text(self) -> str:
        """The cursor as it is stored."""
        return _text(id=self.last, owed=list(self.owed) or None)


def parse_walk(cursor: str | None) -> Walk:
    """A stored cursor; ``None`` is the start. Raises ``Rejected``."""
    if cursor is None:
        return Walk()
    try:
        raw = _parsed(cursor)
        id = raw.get("id")
        return Walk(last=_id(id) if id is not None else None, owed=_ids(raw.get("owed")))
    except (TypeError, ValueError):
        raise bad_cursor() from None


def _ids(raw: object) -> tuple[str, ...]:
    if raw is None:
        return ()
    if not isinstance(raw, list):
        raise TypeError("not a list of ids")
    return tuple(_id(one) for one in raw)


def _place(raw: object) -> Place | None:
    if raw is None:
        return None
    if not isinstance(raw, list) or len(raw) != 2:
        raise TypeError("not a place")
    return _moment(raw[0]), _id(raw[1])


def _text(**parts: object) -> str:
    return json.dumps(
        {name: part for name, part in parts.items() if part is not None}, separators=(",", ":")
    )


def _parsed(cursor: str) -> Mapping[str, object]:
    try:
        raw = json.loads(cursor)
    except (ValueError, RecursionError):
        raise bad_cursor() from None
    if not isinstance(raw, dict):
        raise bad_cursor()
    return raw


def _moment(text: object) -> datetime:
    if not isinstance(text, str):
        raise TypeError("not a time")
    value = datetime.fromisoformat(text)
    if value.tzinfo is not None or value.microsecond:
        raise ValueError("not a wall-clock time")
    return value


def _seen(text: object) -> datetime | None:
    if text is None:
        return None
    if not isinstance(text, str):
        raise TypeError("not a time")
    value = datetime.fromisoformat(text)
    if value.tzinfo is None:
        raise ValueError("a time without a zone")
    return value


def _id(text: object) -> str:
    if not isinstance(text, str) or record_id(text) is None:
        raise ValueError("not a record id")
    return text


def in_order(places: Sequence[Place]) -> bool:
    """Whether rows came oldest first, none twice."""
    ordered = [(moment, int(id)) for moment, id in places]
    return all(one < other for one, other in pairwise(ordered))


def bad_cursor() -> Rejected:
    """Somebody else's cursor."""
    return Rejected("this cursor was not written by the NetSuite connector", code="BAD_CURSOR")
