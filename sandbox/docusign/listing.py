"""Finding envelopes: by time, status, custom field, ids; in pages counted from the start.

Reference: developers.docusign.com, "Envelopes: listStatusChanges".
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any, Final

from sandbox.docusign import custom_fields, render
from sandbox.docusign.account import Account
from sandbox.docusign.errors import bad_parameter
from sandbox.docusign.values import Row, guid, instant, printed

COUNT_MAX: Final = 1_000
STATUSES: Final = frozenset(
    {"created", "sent", "delivered", "completed", "declined", "voided", "deleted", "signed",
     "timedout", "processing"}
)  # fmt: skip
_ORDERS: Final[Mapping[str, str]] = {
    "created": "createdDateTime", "completed": "completedDateTime",
    "last_modified": "lastModifiedDateTime", "sent": "sentDateTime",
    "status_changed": "statusChangedDateTime", "subject": "emailSubject",
}  # fmt: skip
QUERY: Final = frozenset(
    {"count", "custom_field", "envelope_ids", "exclude", "from_date", "from_to_status", "include",
     "order", "order_by", "start_position", "status", "to_date", "transaction_ids", "user_name",
     "email", "search_text", "folder_ids"}
)  # fmt: skip


def page(account: Account, query: Mapping[str, str], path: str) -> dict[str, Any]:
    """The answer to a list. ``query`` holds each parameter once."""
    if "transaction_ids" in query:
        return by_transaction(account, _ids(query["transaction_ids"]), _include(query))
    rows = _ordered(_found(account, query), query)
    start, count = _number(query, "start_position", 0), _number(query, "count", COUNT_MAX)
    if not 1 <= count <= COUNT_MAX:
        raise bad_parameter(f"count is not between 1 and {COUNT_MAX}")
    shown = rows[start : start + count]
    end = start + len(shown)
    answer: Row = {
        "resultSetSize": len(shown),
        "totalSetSize": len(rows),
        "startPosition": start,
        "endPosition": max(end - 1, 0),
        "nextUri": _uri(path, query, end) if end < len(rows) else "",
        "previousUri": _uri(path, query, max(start - count, 0)) if start else "",
        "lastQueriedDateTime": account.now(),
    }
    if shown:
        answer["envelopes"] = [render.envelope(row, _include(query)) for row in shown]
    printed_answer: dict[str, Any] = printed(answer)
    return printed_answer


def by_transaction(
    account: Account, wanted: list[str], include: frozenset[str] | None
) -> dict[str, Any]:
    """What became of transactions; forgotten after seven days."""
    since = account.now() - timedelta(days=account.settings.transaction_days)
    rows = [
        row
        for row in account.envelopes.values()
        if row["transactionId"] in wanted and row["createdDateTime"] >= since
    ]
    answer: Row = {"resultSetSize": len(rows), "totalSetSize": len(rows)}
    if account.settings.transaction_answers == "statuses":
        names = ("envelopeId", "status", "transactionId")
        answer["envelopeTransactionStatuses"] = [
            {name: row[name] for name in names} for row in rows
        ]
    else:
        answer["envelopes"] = [
            render.status(row) if include is None else render.envelope(row, include) for row in rows
        ]
    shown: dict[str, Any] = printed(answer)
    return shown


def by_ids(account: Account, wanted: list[str]) -> dict[str, Any]:
    """The status of many; what does not exist is not mentioned."""
    ids = [guid(one, "envelopeIds") for one in wanted]
    rows = [account.envelopes[id] for id in ids if id in account.envelopes]
    answer: Row = {"resultSetSize": len(rows), "totalSetSize": len(rows)}
    answer["envelopes"] = [render.status(row) for row in rows]
    shown: dict[str, Any] = printed(answer)
    return shown


def _found(account: Account, query: Mapping[str, str]) -> list[Row]:
    if "envelope_ids" in query:
        ids = {guid(one, "envelope_ids") for one in _ids(query["envelope_ids"])}
        return [row for id, row in account.envelopes.items() if id in ids]
    if "from_date" not in query:
        raise bad_parameter("from_date is required")
    since = instant(query["from_date"], "from_date")
    until = instant(query["to_date"], "to_date") if "to_date" in query else account.now()
    by = _date_of(query.get("from_to_status", "changed").lower())
    statuses = {one.lower() for one in _ids(query.get("status", "any"))}
    if unknown := statuses - STATUSES - {"any"}:
        raise bad_parameter(f"status {min(unknown)}")
    has_field = _asked_field(query.get("custom_field"))
    seen_by = account.now() - timedelta(seconds=account.settings.search_delay_seconds)
    return [
        row
        for row in account.envelopes.values()
        if (at := row.get(by)) is not None
        and since <= at <= until
        and row["lastModifiedDateTime"] <= seen_by
        and (row["status"] in statuses or ("any" in statuses and row["status"] != "deleted"))
        and has_field(row)
    ]


def _date_of(status: str) -> str:
    if status == "changed":
        return "statusChangedDateTime"
    if status not in STATUSES:
        raise bad_parameter(f"from_to_status {status}")
    return f"{status}DateTime"


def _asked_field(asked: str | None) -> Callable[[Row], bool]:
    """Whether a custom field has a value, in which ``%`` stands for any text."""
    if asked is None:
        return lambda _: True
    name, equals, value = asked.partition("=")
    if not equals or not name:
        raise bad_parameter("custom_field is not of the form name=value")
    pattern = re.compile(".*".join(re.escape(part) for part in value.split("%")), re.I | re.S)
    return lambda row: any(
        one["name"] == name and pattern.fullmatch(one["value"])
        for one in custom_fields.fields_of(row)
    )


def _ordered(rows: list[Row], query: Mapping[str, str]) -> list[Row]:
    by = query.get("order_by", "last_modified").lower()
    if by not in _ORDERS:
        raise bad_parameter(f"order_by {by}")
    order = query.get("order", "desc").lower()
    if order not in ("asc", "desc"):
        raise bad_parameter(f"order {order}")
    name = _ORDERS[by]

    def key(row: Row) -> tuple[bool, datetime | str, str]:
        value = row.get(name)
        missing = "" if name == "emailSubject" else row["createdDateTime"]
        return value is not None, missing if value is None else value, row["envelopeId"]

    return sorted(rows, key=key, reverse=order == "desc")


def _include(query: Mapping[str, str]) -> frozenset[str]:
    return frozenset(_ids(query.get("include", "")))


def _ids(spelled: str) -> list[str]:
    return [part.strip() for part in spelled.split(",") if part.strip()]


def _number(query: Mapping[str, str], name: str, otherwise: int) -> int:
    spelled = query.get(name)
    if spelled is None:
        return otherwise
    if not (spelled.isascii() and spelled.isdigit() and len(spelled) < 9):
        raise bad_parameter(f"{name} is not a number")
    return int(spelled)


def _uri(path: str, query: Mapping[str, str], start: int) -> str:
    kept = {name: value for name, value in query.items() if name != "start_position"}
    pairs = "&".join(f"{name}={value}" for name, value in kept.items())
    _, _, rest = path.partition("/accounts/")
    return f"/accounts/{rest}?start_position={start}&{pairs}"
