"""The cursor of the change feed: pure steps from one search to the next.

HubSpot's search sorts by one property only, shows at most 10,000 results of a query, and moves a
record to another place of the result the moment it is modified ("Search the CRM"). Paging by offset
would therefore skip records. So every page is a query of its own, from the last modified time seen:

* ``FROM``   modified >= t, by modified time. The records that share the page's last time may go on
  in the next page, so they are left for it;
* ``TIES``   modified = t and id > i, by id, when a whole page shares one time;
* ``BEYOND`` modified > t, once the ties are through.

A sweep ends with the first page that is not full. The next one starts ``overlap`` before the
newest time seen, because the search index lags and shows records late; when nothing newer has
appeared for longer than ``overlap`` on our own clock, it starts just beyond that time instead, and
reads nothing again.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from connectors.errors import UnexpectedAnswer
from connectors.hubspot.objects import RECORD_ID
from connectors.hubspot.properties import milliseconds

_VERSION: Final = 1


class Step(StrEnum):
    """Which query comes next."""

    FROM = "from"
    TIES = "ties"
    BEYOND = "beyond"


@dataclass(frozen=True, slots=True)
class ChangeCursor:
    """Where the feed stands. Times are epoch milliseconds: ``at`` and ``high`` are HubSpot's.

    ``high`` is the newest modified time seen so far. By our own clock: ``high_seen`` is when it
    was first seen, ``started`` when this sweep began (0: it has not).
    """

    step: Step
    at: int
    after_id: str = ""
    high: int = 0
    high_seen: int = 0
    started: int = 0

    def text(self) -> str:
        """The cursor as opaque text."""
        times = [self.high, self.high_seen, self.started]
        parts = [_VERSION, self.step.value, self.at, self.after_id, *times]
        return json.dumps(parts, separators=(",", ":"))

    @classmethod
    def of(cls, text: str) -> ChangeCursor:
        """The cursor that :meth:`text` wrote.

        Raises:
            UnexpectedAnswer: it is not one of ours.
        """
        try:
            version, step, at, after_id, *times = json.loads(text)
            high, seen, started = map(int, times)
            if version != _VERSION:
                raise ValueError(version)
            return cls(Step(step), int(at), str(after_id), high, seen, started)
        except (ValueError, TypeError) as error:
            raise UnexpectedAnswer(
                "The stored cursor is not one this connector wrote; start the sync anew from a "
                "date.",
                code="BAD_CURSOR",
            ) from error


@dataclass(frozen=True, slots=True)
class Hit:
    """One search result, as far as the cursor cares."""

    id: str
    modified: int


@dataclass(frozen=True, slots=True)
class Turn:
    """What to make of a page: the ids to hand on, and where to go on."""

    ids: tuple[str, ...]
    cursor: ChangeCursor
    at_head: bool


def start(since: datetime) -> ChangeCursor:
    """A cursor that reports every change since an instant."""
    return ChangeCursor(Step.FROM, milliseconds(since))


def query(cursor: ChangeCursor, modified: str) -> dict[str, object]:
    """Filters and sort of the next search."""

    def compare(name: str, operator: str, value: str) -> dict[str, str]:
        return {"propertyName": name, "operator": operator, "value": value}

    if cursor.step is Step.TIES:
        filters = [
            compare(modified, "EQ", str(cursor.at)),
            compare(RECORD_ID, "GT", cursor.after_id),
        ]
        sort = RECORD_ID
    else:
        operator = "GTE" if cursor.step is Step.FROM else "GT"
        filters = [compare(modified, operator, str(cursor.at))]
        sort = modified
    return {
        "filterGroups": [{"filters": filters}],
        "sorts": [{"propertyName": sort, "direction": "ASCENDING"}],
    }


def turn(
    cursor: ChangeCursor,
    hits: Sequence[Hit],
    *,
    more: bool,
    now: datetime,
    overlap: timedelta,
) -> Turn:
    """The step after a page. ``more``: HubSpot has further results for the same query."""
    begun = replace(cursor, started=cursor.started or milliseconds(now))
    seen = _raise_high(begun, hits, milliseconds(now))
    if more and not hits:
        raise UnexpectedAnswer(
            "HubSpot's search says that there is more, and shows nothing.", code="EMPTY_PAGE"
        )
    if cursor.step is Step.TIES:
        if more:
            last = max((hit.id for hit in hits), key=int)
            return Turn(_ids(hits), replace(seen, after_id=last), at_head=False)
        return Turn(_ids(hits), replace(seen, step=Step.BEYOND, after_id=""), at_head=False)
    if not more:
        return Turn(_ids(hits), _next_sweep(seen, overlap), at_head=True)
    last_time = max(hit.modified for hit in hits)
    if min(hit.modified for hit in hits) == last_time:
        # The order of ids inside one time is nobody's promise here: the ties start from their own
        # beginning, in a query that sorts by id.
        ties = replace(seen, step=Step.TIES, at=last_time, after_id="0")
        return Turn((), ties, at_head=False)
    done = [hit for hit in hits if hit.modified < last_time]
    return Turn(_ids(done), replace(seen, step=Step.FROM, at=last_time), at_head=False)


def _ids(hits: Sequence[Hit]) -> tuple[str, ...]:
    ordered = sorted(hits, key=lambda hit: (hit.modified, int(hit.id)))
    return tuple(dict.fromkeys(hit.id for hit in ordered))


def _raise_high(cursor: ChangeCursor, hits: Sequence[Hit], now: int) -> ChangeCursor:
    newest = max((hit.modified for hit in hits), default=0)
    return replace(cursor, high=newest, high_seen=now) if newest > cursor.high else cursor


def _next_sweep(cursor: ChangeCursor, overlap: timedelta) -> ChangeCursor:
    """Where the sweep after a finished one starts.

    Only spans of our own clock are compared with each other: never our clock with HubSpot's.
    """
    after = replace(cursor, after_id="", started=0)
    if not cursor.high:  # nothing seen at all: ask the same again
        return after
    stretch = overlap // timedelta(milliseconds=1)
    if cursor.started - cursor.high_seen > stretch:
        return replace(after, step=Step.BEYOND, at=cursor.high)
    return replace(after, step=Step.FROM, at=cursor.high - stretch)
