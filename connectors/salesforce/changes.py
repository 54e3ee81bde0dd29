"""The cursors: where a sweep of changes, a walk through all records, a look for removals stands.

A sweep reads rows in the order (SystemModstamp, Id), keyset by keyset, so that it needs nothing
from the vendor to go on after a restart. Times are the vendor's throughout.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

from connectors.errors import Rejected
from connectors.records import Record
from connectors.salesforce.ids import normal_id
from connectors.salesforce.reading import STAMP
from connectors.salesforce.soql import all_true, any_true, instant_literal, literal


@dataclass(frozen=True, slots=True)
class Sweep:
    """One reading of everything that changed since ``start``.

    ``after`` is the last row taken, ``newest`` the latest stamp ever taken, ``began`` the vendor's
    clock when a sweep of more than one page started.
    """

    start: datetime
    after: tuple[datetime, str] | None = None
    newest: datetime | None = None
    began: datetime | None = None

    def where(self) -> str:
        """The rows still to come."""
        if self.after is None:
            return f"{STAMP} >= {instant_literal(self.start)}"
        stamp, id = instant_literal(self.after[0]), literal(self.after[1])
        return any_true([f"{STAMP} > {stamp}", all_true([f"{STAMP} = {stamp}", f"Id > {id}"])])

    def advanced(
        self,
        records: tuple[Record, ...],
        *,
        at_head: bool,
        overlap: timedelta,
        vendor_now: datetime | None,
    ) -> Sweep:
        """Where things stand after this page.

        At the head the next sweep starts ``overlap`` before the newest row. When the overlap alone
        fills more than a page (a bulk load), the vendor's clock at the start of this sweep moves
        it on: every row stamped before then, but for the overlap, has been seen.
        """
        last = records[-1] if records else None
        stamps = [record.version for record in records if record.version is not None]
        newest = max([*stamps, *([self.newest] if self.newest else [])], default=None)
        if not at_head:
            if last is None or last.version is None:
                raise ValueError("a page that is not the last has rows with a time")
            return replace(
                self,
                after=(last.version, last.ref.id),
                newest=newest,
                began=self.began or (vendor_now if self.after is None else None),
            )
        if newest is None:
            return Sweep(start=self.start)
        reached = max(newest, self.began) if self.began else newest
        return Sweep(start=max(self.start, reached - overlap), newest=newest)

    def text(self) -> str:
        """The cursor as it is stored."""
        return _text(
            start=self.start.isoformat(),
            after=[self.after[0].isoformat(), self.after[1]] if self.after else None,
            newest=self.newest.isoformat() if self.newest else None,
            began=self.began.isoformat() if self.began else None,
        )


def parse_sweep(cursor: str) -> Sweep:
    """A stored cursor. Raises ``Rejected``."""
    raw = _parsed(cursor)
    try:
        after = raw.get("after")
        return Sweep(
            start=_instant(raw["start"]),
            after=(_instant(after[0]), _id(after[1])) if after else None,
            newest=_instant(raw["newest"]) if raw.get("newest") else None,
            began=_instant(raw["began"]) if raw.get("began") else None,
        )
    except (KeyError, IndexError, TypeError, ValueError):
        raise bad_cursor() from None


def walk_text(last_id: str) -> str:
    """The cursor of a walk through all records: the last id taken."""
    return _text(id=last_id)


def parse_walk(cursor: str | None) -> str | None:
    """The last id taken, ``None`` at the start. Raises ``Rejected``."""
    if cursor is None:
        return None
    try:
        id = _parsed(cursor)["id"]
        return _id(id) if id else None
    except (KeyError, TypeError, ValueError):
        raise bad_cursor() from None


@dataclass(frozen=True, slots=True)
class Removing:
    """A look into the deleted feed: the window, and the last entry taken from it.

    ``until`` is fixed while a window is worked through in several pages.
    """

    start: datetime
    until: datetime | None = None
    after: tuple[datetime, str] | None = None

    def text(self) -> str:
        """The cursor as it is stored."""
        return _text(
            start=self.start.isoformat(),
            until=self.until.isoformat() if self.until else None,
            after=[self.after[0].isoformat(), self.after[1]] if self.after else None,
        )


def parse_removing(cursor: str) -> Removing:
    """A stored cursor. Raises ``Rejected``."""
    raw = _parsed(cursor)
    try:
        after = raw.get("after")
        return Removing(
            start=_instant(raw["start"]),
            until=_instant(raw["until"]) if raw.get("until") else None,
            after=(_instant(after[0]), _id(after[1])) if after else None,
        )
    except (KeyError, IndexError, TypeError, ValueError):
        raise bad_cursor() from None


def _text(**parts: object) -> str:
    return json.dumps(
        {name: part for name, part in parts.items() if part is not None}, separators=(",", ":")
    )


def _parsed(cursor: str) -> Mapping[str, str]:
    try:
        raw = json.loads(cursor)
    except (ValueError, RecursionError):
        raise bad_cursor() from None
    if not isinstance(raw, dict):
        raise bad_cursor()
    return raw


def _instant(text: object) -> datetime:
    if not isinstance(text, str):
        raise TypeError("not a time")
    value = datetime.fromisoformat(text)
    if value.tzinfo is None:
        raise ValueError("a time without a zone")
    return value.astimezone(UTC)


def _id(text: object) -> str:
    id = normal_id(text) if isinstance(text, str) else None
    if id is None:
        raise ValueError("not a record id")
    return id


def bad_cursor() -> Rejected:
    """What to say of text that is no cursor of ours."""
    return Rejected("this cursor was not written by the Salesforce connector", code="BAD_CURSOR")
