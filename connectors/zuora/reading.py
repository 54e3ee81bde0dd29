"""Records by key: rows of Object Query, and the v1 resource for what only it shows.

A row is asked for by our number, 50 at a time. Object Query follows writes with a delay, so what it
does not know is asked of the v1 resource before it is called gone.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from types import MappingProxyType
from typing import Final

from connectors.errors import Rejected, UnexpectedAnswer
from connectors.records import Life, Record, Ref, Selection, Value
from connectors.zuora import query
from connectors.zuora.errors import About
from connectors.zuora.query import Row
from connectors.zuora.related import (
    accounts_by_id,
    children_by_id,
    invoices_refunded,
    numbers_by_id,
    order_outcome,
)
from connectors.zuora.rest import Rest, path_of
from connectors.zuora.values import Reader
from connectors.zuora.vocabulary import KINDS, STAMP, Kind, kind_of

# Ids that Zuora makes ("Object identifiers"); our numbers are made of other characters as well.
_INTERNAL: Final = re.compile(r"[0-9a-f]{32}", re.ASCII)
COMPUTED: Final = ("subscriptionNumbers", "invoiceNumbers", "creditMemoNumbers")
REFUNDED_INVOICE: Final = "invoiceNumber"
_ENVELOPE: Final = frozenset({"success", "Success", "processId", "requestId", "reasons"})


@dataclass(frozen=True, slots=True)
class Source:
    """What reading needs: the client and the reader of values."""

    rest: Rest
    reader: Reader


@dataclass(frozen=True, slots=True)
class Shown:
    """What is known of one record: its row, its v1 body, and all rows of a charge's segments.

    ``fresh``: the body was read because rows may lag, so it comes first.
    """

    key: str
    row: Row | None = None
    body: Mapping[str, object] | None = None
    rows: tuple[Row, ...] = ()
    fresh: bool = False

    def cell(self, kind: Kind, field: str) -> object:
        """The printed value, from whichever shows it."""
        if self.fresh and self.body is not None and field in self.body:
            return self.body[field]
        if self.row is not None and query.shows(kind, self.row, field):
            return query.cell(kind, self.row, field)
        return self.body.get(field) if self.body is not None else None


def read_records(source: Source, selection: Selection, ids: Sequence[str]) -> tuple[Record, ...]:
    """The records in the order asked."""
    kind = kind_of(selection.object)
    unique = list(dict.fromkeys(id for id in ids if id))
    shown: dict[str, Shown] = {}
    if kind.query:
        shown = rows_by_key(source, kind, unique)
    for key in unique:
        if kind.v1 and (selection.fresh or key not in shown):
            body = v1_body(source.rest, kind, key)
            row = shown[key].row if key in shown else None
            if body is not None:
                shown[key] = Shown(key, row, body, fresh=selection.fresh)
            elif selection.fresh:
                shown.pop(key, None)
    records = records_of(source, kind, selection, tuple(shown.values()))
    by_key = {record.ref.id: record for record in records}
    others = [key for key in unique if key not in by_key and _INTERNAL.fullmatch(key)]
    if kind.query and kind.key != "id" and others:
        by_key |= _leading_on(source, kind, others)
    return tuple(by_key.get(id) or gone(kind.name, id) for id in ids)


def _leading_on(source: Source, kind: Kind, ids: Sequence[str]) -> dict[str, Record]:
    """Records known by the vendor's id, which callouts may bring: they go on under their number."""
    numbers = numbers_by_id(source.rest, kind, ids)
    return {
        id: replace(gone(kind.name, id), life=Life.MERGED, successor=Ref(kind.name, number))
        for id, number in numbers.items()
    }


def gone(object: str, id: str) -> Record:
    """What is known of a record that does not exist."""
    return Record(ref=Ref(object, id), fields=MappingProxyType({}), life=Life.DELETED)


def rows_by_key(source: Source, kind: Kind, keys: Sequence[str]) -> dict[str, Shown]:
    """The rows that carry exactly these keys; for what is versioned those of the latest version."""
    parts = [*query.in_lists(keys), *([key] for key in keys if not query.listable(key))]
    found: dict[str, list[Row]] = {}
    wanted = set(keys)
    for part in parts:
        for row in query.all_rows(source.rest, kind, [query.one_of(kind, kind.key, part)]):
            key = query.key_of(kind, row)
            # Zuora may compare without case: another record's row is not this one's.
            if key in wanted:
                found.setdefault(key, []).append(row)
    if not kind.versioned:
        return {key: Shown(key, rows[0]) for key, rows in found.items()}
    return latest(source, kind, found)


def latest(source: Source, kind: Kind, found: Mapping[str, Sequence[Row]]) -> dict[str, Shown]:
    """Of each key's rows those of the latest subscription version, the last segment on top."""
    if kind.name == "subscriptions":
        return {
            key: Shown(key, max(rows, key=lambda row: _version_rank(kind, row)))
            for key, rows in found.items()
        }
    owners = {
        str(query.cell(kind, row, "subscriptionId")) for rows in found.values() for row in rows
    }
    current = _latest_subscriptions(source, sorted(owners))
    shown: dict[str, Shown] = {}
    for key, rows in found.items():
        kept = [row for row in rows if str(query.cell(kind, row, "subscriptionId")) in current]
        segments = sorted(kept, key=lambda row: _number(query.cell(kind, row, "segment")))
        if segments:
            shown[key] = Shown(key, segments[-1], rows=tuple(segments))
    return shown


def _version_rank(kind: Kind, row: Row) -> tuple[bool, int]:
    return (
        query.cell(kind, row, "isLatestVersion") is True,
        _number(query.cell(kind, row, "version")),
    )


def _number(printed: object) -> int:
    return printed if isinstance(printed, int) else 0


def _latest_subscriptions(source: Source, ids: Sequence[str]) -> frozenset[str]:
    kind = KINDS["subscriptions"]
    found: set[str] = set()
    for part in query.in_lists(ids):
        for row in query.all_rows(source.rest, kind, [query.one_of(kind, "id", part)]):
            if query.cell(kind, row, "isLatestVersion") is not False:
                found.add(query.internal_id(row) or "")
    return frozenset(found)


def v1_body(rest: Rest, kind: Kind, key: str) -> Mapping[str, object] | None:
    """What the v1 resource shows of a key, its containers opened; ``None`` where there is none.

    A key that only differs in case, or is a record's internal id, is not this record's.
    """
    try:
        answered = rest.get(path_of(kind.v1, key), about=About(record=Ref(kind.name, key)))
    except Rejected as error:
        if error.code.endswith("40") or error.status == 404:
            return None
        raise
    body = dict(answered.body)
    for container in kind.opened:
        inner = body.pop(container, None)
        if inner is not None and not isinstance(inner, Mapping):
            raise UnexpectedAnswer(f"{kind.name} came in an odd shape", code="ANSWER_SHAPE")
        body |= inner or {}
    if not isinstance(body.get(kind.key), str):
        raise UnexpectedAnswer(f"{kind.name} came without their {kind.key}", code="ANSWER_SHAPE")
    return body if body[kind.key] == key else None


def plain_fields(reader: Reader, kind: Kind, body: Mapping[str, object]) -> dict[str, Value]:
    """The single values of a v1 body; what is nested is shown in another shape than it is sent.

    It was a success, so what cannot be read is left out.
    """
    plain: dict[str, Value] = {}
    for name, printed in body.items():
        if name in _ENVELOPE or isinstance(printed, Mapping | list):
            continue
        try:
            plain[name] = reader.value(name, kind.type_of(name), printed)
        except UnexpectedAnswer:
            continue
    return plain


def records_of(
    source: Source, kind: Kind, selection: Selection, shown: Sequence[Shown]
) -> tuple[Record, ...]:
    """Records with the selected fields; related records are asked for as the selection needs."""
    if selection.associations:
        raise Rejected(
            "Zuora has no associations to read along; related records are fields or objects of "
            f"their own (asked for: {', '.join(selection.associations)})",
            code="NO_ASSOCIATIONS",
        )
    heads = list(dict.fromkeys(name.partition(".")[0] for name in selection.fields))
    if any(head in kind.deep for head in heads):
        shown = [_deepened(source, kind, one) for one in shown]
    extras = _extras(source, kind, heads, shown)
    return tuple(
        Record(
            ref=Ref(kind.name, one.key),
            fields=MappingProxyType(_fields(source, kind, heads, one, extras)),
            version=version_of(source.reader, kind, one),
        )
        for one in shown
    )


def snapshots(
    source: Source, kind: Kind, selection: Selection, shown: Sequence[Shown]
) -> tuple[Record, ...]:
    """Records as far as their rows show them, related numbers included: no call per record."""
    heads = [
        head
        for head in dict.fromkeys(name.partition(".")[0] for name in selection.fields)
        if head not in kind.deep
    ]
    return records_of(source, kind, Selection(kind.name, tuple(heads)), shown)


def version_of(reader: Reader, kind: Kind, one: Shown) -> datetime | None:
    """When the record was last changed, in whole seconds; the latest of a charge's segments."""
    if not kind.query:
        return None
    printed = [query.cell(kind, row, STAMP) for row in one.rows] or [one.cell(kind, STAMP)]
    stamps = [reader.value(STAMP, kind.fields.get(STAMP), text) for text in printed if text]
    return max((at for at in stamps if isinstance(at, datetime)), default=None)


def _deepened(source: Source, kind: Kind, one: Shown) -> Shown:
    if one.body is not None or not kind.v1:
        return one
    return Shown(one.key, one.row, v1_body(source.rest, kind, one.key), one.rows)


def _extras(
    source: Source, kind: Kind, heads: Sequence[str], shown: Sequence[Shown]
) -> Mapping[tuple[str, str], Value]:
    """By record key and field: numbers of related records, lists of children."""
    extras: dict[tuple[str, str], Value] = {}
    for head in heads:
        if kind.name == "refunds" and head == REFUNDED_INVOICE:
            sources = {
                one.key: (
                    one.cell(kind, "sourceType"),
                    one.cell(kind, "associatedTransactionNumber"),
                )
                for one in shown
            }
            refunded = invoices_refunded(source.rest, sources)
            extras |= {(key, head): number for key, number in refunded.items()}
        elif head in kind.numbers:
            field, object = kind.numbers[head]
            ids = {one.key: one.cell(kind, field) for one in shown}
            numbers = numbers_by_id(source.rest, KINDS[object], ids.values())
            # A number that cannot be found yet is not read; a blank would say there is none.
            extras |= {
                (key, head): numbers.get(str(id))
                for key, id in ids.items()
                if not id or str(id) in numbers
            }
        elif head == "account" and "accountNumber" in kind.numbers:
            field, _object = kind.numbers["accountNumber"]
            ids = {one.key: one.cell(kind, field) for one in shown}
            accounts = accounts_by_id(source.rest, source.reader, ids.values())
            extras |= {
                (key, head): accounts[str(id)] for key, id in ids.items() if str(id) in accounts
            }
        elif head in kind.lists:
            child, foreign = kind.lists[head]
            own = {one.key: str(one.cell(kind, "id") or "") for one in shown}
            found = children_by_id(
                source.rest, source.reader, KINDS[child], foreign, list(own.values())
            )
            extras |= {
                (one.key, head): lines
                for one in shown
                if (lines := found.get(own[one.key], ())) or not _must_have(kind, one, head)
            }
    if kind.name == "orders" and set(COMPUTED).intersection(heads):
        for one in shown:
            for name, numbers_made in order_outcome(source.rest, source.reader, one.body).items():
                extras[one.key, name] = numbers_made
    return extras


def _must_have(kind: Kind, one: Shown, head: str) -> bool:
    """Whether a document has an amount, and so lines that merely do not show yet."""
    return head == "items" and one.cell(kind, "amount") not in (None, 0)


def _fields(
    source: Source,
    kind: Kind,
    heads: Sequence[str],
    one: Shown,
    extras: Mapping[tuple[str, str], Value],
) -> dict[str, Value]:
    fields: dict[str, Value] = {}
    for head in heads:
        type = kind.type_of(head)
        printed = one.cell(kind, head)
        if head == "segments" and one.rows:
            fields[head] = tuple(source.reader.frozen(row.printed) for row in one.rows)
        elif (one.key, head) in extras and printed is None:
            fields[head] = extras[one.key, head]
        elif printed is not None or _was_shown(kind, one, head):
            fields[head] = source.reader.value(head, type, printed)
    return fields


def _was_shown(kind: Kind, one: Shown, head: str) -> bool:
    """Whether a field without a value is blank, rather than not read."""
    if one.row is not None and (query.shows(kind, one.row, head) or head in kind.fields):
        return True
    if one.body is None:
        return False
    # What Object Query shows and the v1 resource does not is not known from the latter alone.
    return head in one.body or head in kind.deep or not kind.query
