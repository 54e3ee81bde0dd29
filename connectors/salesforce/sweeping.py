"""Walking through an object: what changed, all there is, what was removed. One query per page."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta

from connectors.errors import Rejected, UnexpectedAnswer
from connectors.records import Life, Page, Record, Selection
from connectors.salesforce.changes import (
    Removing,
    Sweep,
    parse_removing,
    parse_sweep,
    parse_walk,
    walk_text,
)
from connectors.salesforce.describing import Schemas
from connectors.salesforce.finding import by_id
from connectors.salesforce.ids import normal_id
from connectors.salesforce.objects import PAGE_MAX, SPEC
from connectors.salesforce.reading import STAMP, Reading, gone, parse_instant, reading
from connectors.salesforce.rest import Rest, Rows
from connectors.salesforce.soql import all_true, instant_literal, literal, select

# The deleted feed reaches 15 days back (REST API guide, "sObject Get Deleted").
FEED_REACH = timedelta(days=15) - timedelta(hours=1)
_FEED_STEP = timedelta(minutes=1)
_HALVINGS_MAX = 12


def first_sweep(since: datetime) -> str:
    """The cursor of a sweep that begins at ``since``, the whole second it lies in included."""
    return Sweep(start=since.astimezone(UTC).replace(microsecond=0)).text()


def changed(rest: Rest, schemas: Schemas, selection: Selection, cursor: str, limit: int) -> Page:
    """The next page of a sweep, oldest change first, the recycle bin included."""
    sweep = parse_sweep(cursor)
    how = _versioned(reading(schemas, selection))
    size = _page_size(limit)
    soql = select(
        how.object,
        how.soql_fields,
        where=sweep.where(),
        order=(STAMP, "Id"),
        # One more than a page, so that its end is known without another call.
        limit=size + 1,
    )
    answer = rest.query(soql, object=how.object, deleted=True, batch=size)
    records, at_head = _taken(how, answer, size)
    _in_order(records, sweep)
    facts = SPEC.object(how.object)
    overlap = facts.overlap if facts is not None else timedelta(minutes=5)
    onward = sweep.advanced(records, at_head=at_head, overlap=overlap, vendor_now=answer.vendor_now)
    return Page(records=records, cursor=onward.text(), at_head=at_head)


def walked(
    rest: Rest,
    schemas: Schemas,
    selection: Selection,
    cursor: str | None,
    limit: int,
    since: datetime | None,
) -> Page:
    """The next page of live records in the order of ids."""
    return counted(rest, reading(schemas, selection), cursor, limit, since, ahead=0)[0]


def counted(
    rest: Rest,
    how: Reading,
    cursor: str | None,
    limit: int,
    since: datetime | None,
    *,
    ahead: int,
) -> tuple[Page, int]:
    """The next page, and how many records are still to come with it, as far as ``ahead``."""
    last = parse_walk(cursor)
    size = _page_size(limit)
    soql = select(
        how.object,
        how.soql_fields,
        where=still_to_come(how, last, since),
        order=("Id",),
        limit=max(size + 1, ahead),
    )
    answer = rest.query(soql, object=how.object, batch=size)
    records, at_head = _taken(how, answer, size)
    if any(record.ref.id == last for record in records):
        raise _repeated()
    page = Page(
        records=records,
        cursor=walk_text(records[-1].ref.id if records else last or ""),
        at_head=at_head,
    )
    return page, answer.total


def still_to_come(how: Reading, last: str | None, since: datetime | None) -> str | None:
    """The condition on live records after an id, changed since an instant."""
    conditions = [*how.live, *([f"Id > {literal(last)}"] if last else [])]
    if since is not None and how.versioned:
        conditions.append(f"{STAMP} >= {instant_literal(since.replace(microsecond=0))}")
    return all_true(conditions) if conditions else None


def _page_size(limit: int) -> int:
    return max(1, min(limit, PAGE_MAX))


def _taken(how: Reading, answer: Rows, size: int) -> tuple[tuple[Record, ...], bool]:
    """The page's records, and whether they are the last. A page that is cut is no page."""
    rows = answer.rows
    if answer.done and len(rows) != answer.total:
        raise UnexpectedAnswer(
            f"a page promised {answer.total} rows and brought {len(rows)}", code="QUERY_CUT"
        )
    if not answer.done and not rows:
        raise UnexpectedAnswer("a page that is not the last came empty", code="QUERY_CUT")
    records = tuple(how.record(row) for row in rows[:size])
    if len({record.ref.id for record in records}) != len(records):
        raise _repeated()
    return records, answer.done and len(rows) <= size


def _in_order(records: Sequence[Record], sweep: Sweep) -> None:
    """A page out of order, or one we have had, would lose rows: refuse it."""
    floor = sweep.after[0] if sweep.after else sweep.start
    for record in records:
        if record.version is None or record.version < floor:
            raise UnexpectedAnswer("a page of changes is out of order", code="QUERY_ORDER")
        floor = record.version
        if sweep.after and (record.version, record.ref.id) == sweep.after:
            raise _repeated()


def _repeated() -> UnexpectedAnswer:
    return UnexpectedAnswer("a page repeats rows", code="QUERY_REPEATED")


def _versioned(how: Reading) -> Reading:
    if not how.versioned:
        raise Rejected(
            f"{how.object} has no {STAMP}, so its changes cannot be followed",
            code="NO_CURSOR_FIELD",
        )
    return how


def removed(
    rest: Rest,
    schemas: Schemas,
    selection: Selection,
    cursor: str | None,
    limit: int,
    now: Callable[[], datetime],
) -> Page:
    """Records in the deleted feed, told apart by a look into the recycle bin."""
    moment = now().replace(microsecond=0)
    look = parse_removing(cursor) if cursor else Removing(start=moment - FEED_REACH)
    how = reading(schemas, Selection(selection.object, ()))
    start = max(look.start, moment - FEED_REACH)
    until = look.until or moment
    start = min(start, until - _FEED_STEP)
    entries, covered, until = _feed(rest, how.object, start, until)
    fresh = [entry for entry in entries if look.after is None or entry > look.after]
    taken = fresh[: max(1, limit)]
    if len(fresh) > len(taken):
        onward = Removing(start=start, until=until, after=taken[-1])
    else:
        onward = Removing(start=max(look.start, covered))
    return Page(
        records=_fates(rest, how, [id for _, id in taken]),
        cursor=onward.text(),
        at_head=len(fresh) == len(taken) and until >= moment,
    )


def _feed(
    rest: Rest, object: str, start: datetime, until: datetime
) -> tuple[list[tuple[datetime, str]], datetime, datetime]:
    """The feed's entries in order, how far it reached, and the end of the window that fitted."""
    for _ in range(_HALVINGS_MAX):
        path = f"sobjects/{object}/deleted/?start={_feed_time(start)}&end={_feed_time(until)}"
        try:
            body = rest.get(path, object=object)
        except Rejected as error:
            if error.code != "EXCEEDED_ID_LIMIT":
                raise
            until = start + max((until - start) / 2, _FEED_STEP)
            until = until.replace(microsecond=0)
            continue
        return (*_entries(body), until)
    raise UnexpectedAnswer("the deleted feed is too long for any window", code="FEED_TOO_LONG")


def _entries(body: object) -> tuple[list[tuple[datetime, str]], datetime]:
    found = body.get("deletedRecords") if isinstance(body, Mapping) else None
    if not isinstance(body, Mapping) or not isinstance(found, list):
        raise UnexpectedAnswer("the deleted feed has an unknown shape", code="FEED_SHAPE")
    entries = []
    for one in found:
        id = normal_id(str(one.get("id"))) if isinstance(one, Mapping) else None
        if id is None:
            raise UnexpectedAnswer("the deleted feed names no record", code="FEED_SHAPE")
        entries.append((parse_instant(one.get("deletedDate")), id))
    return sorted(entries), parse_instant(body.get("latestDateCovered"))


def _fates(rest: Rest, how: Reading, ids: Sequence[str]) -> tuple[Record, ...]:
    """What became of each: merged, deleted, gone for good; one that was restored is left out."""
    found = by_id(rest, how, ids) if ids else {}
    records = (found.get(id) or gone(how.object, id) for id in dict.fromkeys(ids))
    return tuple(
        Record(
            ref=record.ref,
            fields={},
            version=record.version,
            life=record.life,
            successor=record.successor,
            edges=record.edges,
        )
        for record in records
        if record.life is not Life.LIVE
    )


def _feed_time(value: datetime) -> str:
    return instant_literal(value.replace(microsecond=0)).replace("Z", "%2B00:00")
