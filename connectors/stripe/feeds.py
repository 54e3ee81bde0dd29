"""Following changes: through events, or where an object has none, through its own list.

Events say which record changed; what it is now is read, because an event shows it as it was. They
are kept for 30 days ("List all events"): a connection that was away for longer walks through all
records once, and then follows events again.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Final

from connectors.records import Page, Record, Selection
from connectors.stripe.client import Client
from connectors.stripe.cursors import Resync, Row, Step, Sweep, Walk, parse_feed
from connectors.stripe.events import EVENT_TYPES, SINGULAR
from connectors.stripe.objects import EVENTS_KEPT, LIST_MAX, OVERLAP
from connectors.stripe.reading import (
    Content,
    contents_of,
    created_of,
    expanding,
    read_records,
    readable,
    record_of,
    since_seconds,
    walked,
)
from connectors.stripe.shapes import Params

# With the reads of a page no more than a sandbox takes in a second. Where it is not enough, the
# next page goes on from the window that was reached.
_REQUESTS_MAX: Final = 12
_MARGIN: Final = timedelta(hours=1)


def first_sweep(selection: Selection, since: datetime) -> str:
    """A cursor that reports every change since ``since``. Raises ``Rejected``."""
    readable(selection)
    start = since_seconds(since)
    return Sweep(start=start, at=start).text()


def changed(
    client: Client, selection: Selection, cursor: str, limit: int, now: Callable[[], datetime]
) -> Page:
    """The next page of changed records, oldest change first.

    One request for the feed in the ordinary case, and one read per record where the feed is events.
    """
    readable(selection)
    at = parse_feed(cursor)
    seconds = since_seconds(now())
    types = EVENT_TYPES.get(selection.object)
    if isinstance(at, Sweep) and types and at.at < seconds - _forgotten_seconds():
        at = Resync(max(0, seconds - _seconds(OVERLAP)), Walk())
    if isinstance(at, Resync):
        return _resynced(client, selection, at, limit)
    size = max(1, min(limit, LIST_MAX))
    if types:
        return _by_events(client, selection, at, size, seconds, types)
    return _by_list(client, selection, at, size, seconds)


def _resynced(client: Client, selection: Selection, at: Resync, limit: int) -> Page:
    text = None if at.walk.id is None else at.walk.text()
    page, walk = walked(client, selection, text, limit)
    if page.at_head:
        return Page(page.records, Sweep(start=at.resume, at=at.resume).text(), at_head=False)
    return Page(page.records, Resync(at.resume, walk).text(), at_head=False)


def _by_events(
    client: Client,
    selection: Selection,
    sweep: Sweep,
    size: int,
    seconds: int,
    types: tuple[str, ...],
) -> Page:
    def ask(params: Params) -> Content:
        return client.get("/v1/events", {**params, "types": list(types)})

    step, entries = _step(ask, sweep, size, seconds)
    ids = [
        id for row in step.rows if (id := _subject(selection.object, entries[row.id])) is not None
    ]
    # Each record once, in the place of its newest event.
    order = tuple(reversed(dict.fromkeys(reversed(ids))))
    records = read_records(client, selection, order)
    return Page(records, step.next.text(), step.at_head)


def _subject(object: str, event: Content) -> str | None:
    """The id of the record an event is about."""
    data = event.get("data")
    about = data.get("object") if isinstance(data, dict) else None
    if not isinstance(about, dict) or about.get("object") != SINGULAR[object]:
        return None
    id = about.get("id")
    return id if isinstance(id, str) and id else None


def _by_list(client: Client, selection: Selection, sweep: Sweep, size: int, seconds: int) -> Page:
    resource = readable(selection)
    expand = expanding(selection, "data.")

    def ask(params: Params) -> Content:
        return client.get(resource.path, {**params, **expand})

    step, entries = _step(ask, sweep, size, seconds)
    records: tuple[Record, ...] = tuple(
        record_of(client, selection, entries[row.id]) for row in step.rows
    )
    return Page(records, step.next.text(), step.at_head)


def _step(
    ask: Callable[[Params], Content], sweep: Sweep, size: int, seconds: int
) -> tuple[Step, dict[str, Content]]:
    """The next page that is one, after as many narrower looks as it takes."""
    step = Step((), sweep, at_head=False)
    for _ in range(_REQUESTS_MAX):
        page = ask(step.next.params(size))
        contents = contents_of(page)
        rows = [Row(str(content["id"]), created_of(content)) for content in contents]
        before = step.next
        step = before.advanced(
            rows,
            has_more=bool(page.get("has_more")),
            limit=size,
            now=seconds,
            overlap=_seconds(OVERLAP),
        )
        if step.rows or step.at_head:
            return step, {str(content["id"]): content for content in contents}
    return step, {}


def _forgotten_seconds() -> int:
    return _seconds(EVENTS_KEPT - _MARGIN)


def _seconds(span: timedelta) -> int:
    return span // timedelta(seconds=1)
