"""The feeds of changed and deleted ids ("Get Updated", "Get Deleted", REST API guide)."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any, Final

from sandbox.salesforce.errors import Refusal
from sandbox.salesforce.org import RECYCLE_BIN_DAYS, Org
from sandbox.salesforce.values import instant_text, parse_instant

_WINDOW_DAYS: Final = 30


def window(start: str | None, end: str | None, now: datetime) -> tuple[datetime, datetime]:
    """The asked window; seconds are ignored. INVALID_REPLICATION_DATE if odd."""
    try:
        first, last = (
            parse_instant(text or "").replace(second=0, microsecond=0) for text in (start, end)
        )
    except ValueError as error:
        raise Refusal("INVALID_REPLICATION_DATE", f"start and end are instants: {error}") from error
    if first >= last:
        message = "startDate before or equal to endDate: at least one minute apart"
        raise Refusal("INVALID_REPLICATION_DATE", message)
    if first < now - timedelta(days=_WINDOW_DAYS):
        raise Refusal(
            "INVALID_REPLICATION_DATE", f"startDate cannot be more than {_WINDOW_DAYS} days ago"
        )
    return first, min(last, now.replace(second=0, microsecond=0))


def updated(org: Org, object_name: str, start: datetime, end: datetime) -> dict[str, Any]:
    """Live records created or changed in the window."""
    low, high = instant_text(start), instant_text(end)
    rows = org.table(object_name).by_stamp(since=low)
    found = [row["Id"] for row in rows if row["SystemModstamp"] < high and not row["IsDeleted"]]
    return {"ids": found, "latestDateCovered": high}


def deleted(org: Org, object_name: str, start: datetime, end: datetime) -> dict[str, Any]:
    """Records deleted in the window, erased ones included."""
    low, high = instant_text(start), instant_text(end)
    rows = org.table(object_name).by_stamp(since=low)
    found = [
        (row["SystemModstamp"], row["Id"])
        for row in rows
        if row["SystemModstamp"] < high and row["IsDeleted"]
    ]
    found += [
        (gone.at, gone.id)
        for gone in org.erased
        if gone.object == object_name and low <= gone.at < high
    ]
    earliest = org.now() - timedelta(days=RECYCLE_BIN_DAYS)
    return {
        "deletedRecords": [{"id": id, "deletedDate": at} for at, id in sorted(found)],
        "earliestDateAvailable": instant_text(earliest),
        "latestDateCovered": high,
    }


def purge(org: Org) -> int:
    """Erase what has lain in the recycle bin for its 15 days; how many."""
    limit = instant_text(org.now() - timedelta(days=RECYCLE_BIN_DAYS))
    count = 0
    for table in org.tables.values():
        old = [row for row in table if row["IsDeleted"] and row["SystemModstamp"] < limit]
        for row in old:
            table.remove(row["Id"])
        count += len(old)
    return count
