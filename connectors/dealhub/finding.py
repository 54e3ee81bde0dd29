"""Quotes of an opportunity, and what became of a quote that was asked for."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import Final

from connectors.dealhub.errors import About
from connectors.dealhub.fields import OPPORTUNITY
from connectors.dealhub.marks import mark_of, opportunity_of
from connectors.dealhub.objects import IDENTITY_FIELD, OFFSET_MAX, PAGE_MAX, QUOTES
from connectors.dealhub.reading import (
    QUOTE_PATH,
    feature_query,
    id_of,
    info_of,
    list_quotes,
    outdated,
    quote_of,
    quote_record,
    require_quotes,
)
from connectors.dealhub.requests import State, TakenIn, ask
from connectors.dealhub.rest import Rest, path_of
from connectors.errors import DuplicateFound, Gone, Rejected
from connectors.records import (
    Absent,
    Found,
    Identity,
    Lookup,
    NotYetKnowable,
    Record,
    Ref,
    Selection,
    Value,
)
from connectors.transport_json import Json

AGAIN: Final = timedelta(seconds=30)
CRM_ID: Final = "external_quote_id"
ANSWERED: Final = ("dealhub_quote_id", OPPORTUNITY, IDENTITY_FIELD, "status")
"""What a successful creation answers, and so what a look-up shows."""


def search_records(
    rest: Rest,
    selection: Selection,
    queries: Sequence[Mapping[str, str]],
    limit_each: int,
) -> tuple[tuple[Record, ...], ...]:
    """For each query the quotes whose values are equal, case apart. DealHub can be asked for an
    opportunity, or for the CRM's id of a quote; what else a query names is compared here."""
    require_quotes(selection.object)
    return tuple(_search(rest, selection, query, limit_each) for query in queries)


def _search(
    rest: Rest, selection: Selection, query: Mapping[str, str], limit_each: int
) -> tuple[Record, ...]:
    if not all(value.strip() for value in query.values()):
        return ()
    wide = Selection(QUOTES, tuple(sorted({*selection.fields, *query})))
    found: list[Record] = []
    for quote in _candidates(rest, wide, query):
        record = quote_record(wide, quote)
        if _fits(quote, record, query):
            kept = {name: record.fields[name] for name in record.fields if _wanted(selection, name)}
            found.append(Record(record.ref, MappingProxyType(kept)))
        if len(found) >= limit_each:
            break
    return tuple(found)


def _fits(quote: Mapping[str, Json], record: Record, query: Mapping[str, str]) -> bool:
    """Whether the values are equal. An outdated draft shows none; that it is the opportunity's is
    known from the list all the same, so it counts among the candidates of that question alone."""
    if outdated(quote) and set(query) == {OPPORTUNITY}:
        return True
    return all(_text(record, name) == value.casefold() for name, value in query.items())


def _wanted(selection: Selection, head: str) -> bool:
    return any(name.partition(".")[0] == head for name in selection.fields)


def _text(record: Record, name: str) -> str:
    head, *rest = name.split(".")
    value: Value = record.fields.get(head)
    for step in rest:
        value = value.get(step) if isinstance(value, Mapping) else None
    return "" if value is None else str(value).casefold()


def _candidates(
    rest: Rest, selection: Selection, query: Mapping[str, str]
) -> Iterator[Mapping[str, Json]]:
    if OPPORTUNITY in query:
        yield from of_opportunity(rest, selection, query[OPPORTUNITY])
    elif CRM_ID in query:
        id = query[CRM_ID]
        if not id.strip("."):
            return  # Steps that climb are no ids.
        asked = [*feature_query(selection), ("external_identifier_flag", "true")]
        try:
            yield quote_of(rest.get(path_of(QUOTE_PATH, id), asked, About(record=Ref(QUOTES, id))))
        except Gone:
            return
    else:
        raise Rejected(
            f"DealHub cannot look for quotes by {', '.join(query) or 'nothing'}; it can by "
            f"{OPPORTUNITY} and {CRM_ID}",
            code="NOT_SEARCHABLE",
        )


def of_opportunity(
    rest: Rest, selection: Selection, opportunity: str
) -> Iterator[Mapping[str, Json]]:
    """Every quote of an opportunity."""
    offset = 0
    while True:
        listed = list_quotes(rest, selection, opportunity=opportunity, offset=offset)
        yield from listed.quotes
        offset += len(listed.quotes)
        if not listed.more:
            return
        if offset > OFFSET_MAX:
            raise Rejected(
                f"opportunity {opportunity} has more than {OFFSET_MAX + PAGE_MAX} quotes",
                code="LIST_TOO_LONG",
            )


@dataclass(frozen=True, slots=True)
class Marked:
    """What an opportunity shows of a mark. ``hidden`` is an outdated draft, which does not show its
    name: it may be the one, so that without a quote nothing is proved."""

    quote: Mapping[str, Json] | None
    hidden: str | None = None


def marked(rest: Rest, mark: str, opportunity: str) -> Marked:
    """The quote of an opportunity that bears a mark. Raises ``DuplicateFound`` for several."""
    hidden: str | None = None
    found: list[Mapping[str, Json]] = []
    for quote in of_opportunity(rest, Selection(QUOTES, ANSWERED), opportunity):
        if outdated(quote):
            hidden = id_of(quote)
        elif info_of(quote, "dealhub_quote_name") == mark:
            found.append(quote)
    if len(found) > 1:
        raise DuplicateFound(
            f"several quotes of opportunity {opportunity} are called {mark}",
            candidates=tuple(Ref(QUOTES, id_of(quote)) for quote in found),
            code="IDENTITY_NOT_UNIQUE",
        )
    return Marked(found[0] if found else None, hidden)


def as_answered(quote: Mapping[str, Json]) -> Record:
    """The quote with what a successful creation answers. Nested fields are left out: reading shows
    them in another shape than they are sent, and that would look like a difference."""
    return quote_record(Selection(QUOTES, ANSWERED), quote)


def lookup_records(
    rest: Rest,
    selection: Selection,
    identities: Sequence[Identity],
    taken_in: TakenIn,
    now: Callable[[], datetime],
) -> tuple[Lookup, ...]:
    """For each mark whether there is its quote. While the request for it is queued nobody knows."""
    require_quotes(selection.object)
    return tuple(_lookup(rest, mark_of(identity), taken_in, now) for identity in identities)


def _lookup(rest: Rest, mark: str, taken_in: TakenIn, now: Callable[[], datetime]) -> Lookup:
    opportunity = opportunity_of(mark)
    if opportunity is None:
        return Absent()  # No quote is made under such a name.
    there = marked(rest, mark, opportunity)
    if there.quote is not None:
        taken_in.forget(mark)
        return Found(as_answered(there.quote))
    if there.hidden is not None:
        return NotYetKnowable(now() + AGAIN)
    request = taken_in.of(mark)
    if request is None:
        return Absent()
    asked = ask(rest, request)
    if asked.state is State.RUNNING:
        return NotYetKnowable(now() + AGAIN)
    taken_in.forget(mark)
    if asked.state is State.FAILED:
        return Absent()
    # It ended between the two calls: the list is asked again in a moment.
    return NotYetKnowable(now() + AGAIN)
