"""Which of our identities exist, and which envelopes carry a value in a custom field.

An envelope carries its identity twice: as transaction id, which DocuSign knows for seven days
("Envelopes: list", parameter transaction_ids), and as custom field, which stays.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from connectors.docusign import fields
from connectors.docusign.feeding import BEGINNING
from connectors.docusign.objects import CUSTOM, ENVELOPES, IDENTITY_NAME, TRANSACTION_ID
from connectors.docusign.reading import (
    LIST,
    Row,
    id_of,
    include_of,
    read_records,
    record_of,
    require_envelopes,
    rows_of,
)
from connectors.docusign.rest import Body, Rest
from connectors.errors import Rejected
from connectors.records import Absent, Found, Identity, Life, Lookup, Record, Selection
from connectors.values import format_instant_seconds, same_text

_TRANSACTIONS_MAX: Final = 50
_CANDIDATES_MAX: Final = 100
_PAGES_MAX: Final = 20
# Dead paper: a quote whose envelope was voided or declined has none.
_ENDED_UNSIGNED: Final = frozenset({"voided", "declined", "timedout", "deleted"})


def custom_name(identity: Identity) -> str:
    """The custom field that holds an identity. Raises ``Rejected`` where none can."""
    if identity.field == TRANSACTION_ID:
        return IDENTITY_NAME
    head, _, name = identity.field.partition(".")
    if head == CUSTOM and name:
        return name
    raise Rejected(
        f"envelopes have no field {identity.field!r} that could hold our identity; use "
        f"{TRANSACTION_ID}, or {CUSTOM}. and a name",
        code="IDENTITY_FIELD",
    )


def lookup_records(
    rest: Rest, selection: Selection, identities: Sequence[Identity]
) -> tuple[Lookup, ...]:
    """For each identity the envelope or its absence; one call per fifty transactions, and one for
    each that DocuSign does not know as transaction."""
    require_envelopes(selection.object)
    names = {identity: custom_name(identity) for identity in identities}
    by_transaction = [one.value for one in names if one.field == TRANSACTION_ID]
    found = _by_transactions(rest, selection, by_transaction)
    answers: dict[Identity, Lookup] = {}
    for identity, name in names.items():
        record = found.get(identity.value) if identity.field == TRANSACTION_ID else None
        if record is None:
            record = _by_custom_field(rest, selection, name, identity.value)
        answers[identity] = Found(record) if record is not None else Absent()
    return tuple(answers[identity] for identity in identities)


def _by_transactions(rest: Rest, selection: Selection, values: Sequence[str]) -> dict[str, Record]:
    found: dict[str, list[Record]] = {}
    # A comma parts two transactions: one with a comma cannot be asked after in this way.
    wanted = [one for one in dict.fromkeys(values) if one and "," not in one]
    for start in range(0, len(wanted), _TRANSACTIONS_MAX):
        part = wanted[start : start + _TRANSACTIONS_MAX]
        body = rest.get(LIST, {"transaction_ids": ",".join(part), **include_of(selection)})
        for transaction, record in _transactions(rest, selection, body):
            if transaction in part:
                found.setdefault(transaction, []).append(record)
    return {transaction: _best(records) for transaction, records in found.items()}


def _transactions(rest: Rest, selection: Selection, body: Body) -> list[tuple[str, Record]]:
    """Transactions and their envelopes: shown whole, or by id alone."""
    told = body.get("envelopeTransactionStatuses")
    if isinstance(told, list) and not body.get("envelopes"):
        known = [row for row in told if isinstance(row, Mapping) and row.get("envelopeId")]
        ids = [id_of(row) for row in known]
        records = read_records(rest, selection, ids) if ids else ()
        pairs = zip(known, records, strict=True)
        return [(str(row.get(TRANSACTION_ID)), record) for row, record in pairs]
    rows = rows_of(body)
    return [(str(row.get(TRANSACTION_ID)), record_of(selection, row)) for row in rows]


def search_records(
    rest: Rest, selection: Selection, queries: Sequence[Mapping[str, str]], limit_each: int
) -> tuple[tuple[Record, ...], ...]:
    """For each query the envelopes that fit; one call per query at least. Those that ended without
    all signatures are left out. Raises ``Rejected`` for a query that names no custom field."""
    require_envelopes(selection.object)
    return tuple(_searched(rest, selection, query, limit_each) for query in queries)


def _searched(
    rest: Rest, selection: Selection, wanted: Mapping[str, str], limit_each: int
) -> tuple[Record, ...]:
    if not wanted or any(not value.strip() for value in wanted.values()):
        return ()
    name = next((one for one in wanted if one.startswith(f"{CUSTOM}.")), None)
    if name is None:
        raise Rejected(
            f"envelopes are searched by a custom field, such as {CUSTOM}.quoteId, with others "
            "beside it: DocuSign finds nothing else exactly",
            code="NOT_SEARCHABLE",
        )
    found: list[Record] = []
    for row in _carrying(rest, selection, wanted, name):
        values = fields.selected(fields.shown(row), wanted)
        fits = all(_same(values.get(one), value) for one, value in wanted.items())
        if fits and str(row.get("status")) not in _ENDED_UNSIGNED:
            found.append(record_of(selection, row))
        if len(found) == limit_each:
            break
    return tuple(found)


def _same(value: object, wanted: str) -> bool:
    return isinstance(value, str) and same_text(value).casefold() == same_text(wanted).casefold()


def _carrying(
    rest: Rest, selection: Selection, wanted: Mapping[str, str], name: str
) -> Iterator[Row]:
    """The envelopes whose custom field resembles a value, oldest first."""
    parts = Selection(ENVELOPES, tuple(sorted({*selection.fields, *wanted, name})))
    query = {
        "custom_field": f"{name.removeprefix(f'{CUSTOM}.')}={wanted[name]}",
        "from_date": format_instant_seconds(BEGINNING),
        "from_to_status": "created",
        "order_by": "created",
        "order": "asc",
        "count": str(_CANDIDATES_MAX),
        **include_of(parts),
    }
    for page in range(_PAGES_MAX):
        body = rest.get(LIST, {**query, "start_position": str(page * _CANDIDATES_MAX)})
        yield from rows_of(body)
        if not body.get("nextUri"):
            return
    raise Rejected(
        f"thousands of envelopes resemble this value of {name}; it cannot be searched",
        code="TOO_MANY",
    )


def _by_custom_field(rest: Rest, selection: Selection, name: str, value: str) -> Record | None:
    """The envelope whose field has exactly this value; DocuSign's own comparison is looser."""
    field = f"{CUSTOM}.{name}"
    rows = _carrying(rest, selection, {field: value}, field)
    fitting = [row for row in rows if fields.by_name(row.get("customFields")).get(name) == value]
    return _best([record_of(selection, row) for row in fitting]) if fitting else None


def _best(records: Sequence[Record]) -> Record:
    """Of several envelopes of one identity the first that lives."""
    return next((one for one in records if one.life is Life.LIVE), records[0])
