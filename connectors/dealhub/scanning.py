"""Walking through all quotes, and a slow scan in place of a feed of changes.

"Get a list of quotes" has no filter by time, no order and no total, and ends at offset 10,000. So
the scan reads every quote with the fields that are wanted, and whoever drives it compares hashes.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from connectors.dealhub.objects import OFFSET_MAX, PAGE_MAX
from connectors.dealhub.reading import list_quotes, outdated, quote_record, require_quotes
from connectors.dealhub.rest import Rest
from connectors.errors import Rejected
from connectors.records import Page, Record, Selection


@dataclass(frozen=True, slots=True)
class Scan:
    """Where a scan stands: when it began or is due, and how many quotes are behind it."""

    at: datetime
    offset: int = 0

    def text(self) -> str:
        """The cursor as it is stored."""
        return json.dumps({"at": self.at.isoformat(), "offset": self.offset})


def parse_scan(cursor: str) -> Scan:
    """A stored cursor. Raises ``Rejected``."""
    try:
        raw = json.loads(cursor)
        at, offset = datetime.fromisoformat(raw["at"]), raw["offset"]
    except (ValueError, KeyError, TypeError, RecursionError):
        raise _bad_cursor() from None
    if at.tzinfo is None or type(offset) is not int or offset < 0:
        raise _bad_cursor()
    return Scan(at.astimezone(UTC), offset)


def first_scan(object: str, since: datetime) -> str:
    """A cursor whose scan is due at once. Raises ``Rejected``."""
    require_quotes(object)
    return Scan(since.astimezone(UTC)).text()


def changed(
    rest: Rest,
    selection: Selection,
    cursor: str,
    limit: int,
    *,
    every: timedelta | None,
    now: Callable[[], datetime],
) -> Page:
    """The next page of the scan; nothing, and no call, before the next one is due."""
    require_quotes(selection.object)
    scan = parse_scan(cursor)
    if every is None or (not scan.offset and now() < scan.at):
        return Page((), cursor, at_head=True)
    began = scan.at if scan.offset else now().astimezone(UTC)
    records, behind = _page(rest, selection, scan.offset, limit)
    if behind is None:
        return Page(records, Scan(began + every).text(), at_head=True)
    return Page(records, Scan(began, behind).text(), at_head=False)


def walked(rest: Rest, selection: Selection, cursor: str | None, limit: int) -> Page:
    """The next page of all quotes, in DealHub's order."""
    require_quotes(selection.object)
    offset = parse_scan(cursor).offset if cursor is not None else 0
    records, behind = _page(rest, selection, offset, limit)
    start = datetime.fromtimestamp(0, UTC)
    if behind is None:
        return Page(records, Scan(start).text(), at_head=True)
    return Page(records, Scan(start, behind).text(), at_head=False)


def _page(
    rest: Rest, selection: Selection, offset: int, limit: int
) -> tuple[tuple[Record, ...], int | None]:
    """The quotes from an offset on, and the next offset; ``None`` after the last page.

    Outdated drafts are left out: there is nothing to tell of them before they are upgraded.
    """
    if offset > OFFSET_MAX:
        raise Rejected(
            f"DealHub lists no more than {OFFSET_MAX + PAGE_MAX} quotes, and there are more: set "
            "scan_hours to off and rely on webhooks, or have old quotes archived",
            code="LIST_TOO_LONG",
        )
    size = max(1, min(limit, PAGE_MAX))
    listed = list_quotes(rest, selection, offset=offset, limit=size)
    records = tuple(quote_record(selection, one) for one in listed.quotes if not outdated(one))
    return records, offset + len(listed.quotes) if listed.more else None


def _bad_cursor() -> Rejected:
    return Rejected("this cursor was not written by the DealHub connector", code="BAD_CURSOR")
