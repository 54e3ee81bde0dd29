"""Quotes and deal rooms as records."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from connectors.dealhub.errors import About
from connectors.dealhub.fields import (
    ALWAYS,
    ANSWERS_BY_ID,
    FEATURES,
    INFO_ALIASES,
    OPPORTUNITY,
    features_of,
    heads_of,
)
from connectors.dealhub.objects import DEAL_ROOMS, PAGE_MAX, QUOTES
from connectors.dealhub.rest import Rest, path_of
from connectors.dealhub.values import answers_by_id, nested, status
from connectors.errors import Gone, Rejected, UnexpectedAnswer
from connectors.records import Life, Record, Ref, Selection, Value
from connectors.transport_json import Json

QUOTE_PATH: Final = "/api/v2/quote/{}"
QUOTES_PATH: Final = "/api/v2/quotes"
ROOM_PATH: Final = "/api/v1/dealroom/{}"

_QUOTE_ID: Final = re.compile(r"[A-Za-z0-9_-]{1,16}", re.ASCII)
_ROOM_ID: Final = re.compile(r"[A-Za-z0-9_-]{1,50}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Listed:
    """A page of quotes as printed. ``more``: the list goes on behind it."""

    quotes: tuple[Mapping[str, Json], ...]
    more: bool


def read_records(rest: Rest, selection: Selection, ids: Sequence[str]) -> tuple[Record, ...]:
    """The records in the order asked, one call each."""
    _no_associations(selection)
    if selection.object == DEAL_ROOMS:
        rooms = {id: _read_room(rest, selection, id) for id in dict.fromkeys(ids)}
        return tuple(rooms[id] for id in ids)
    require_quotes(selection.object)
    quotes = {id: _read_quote(rest, selection, id) for id in dict.fromkeys(ids)}
    return tuple(quotes[id] for id in ids)


def require_quotes(object: str) -> None:
    """Raise ``Rejected`` for any other object."""
    if object != QUOTES:
        raise Rejected(
            f"DealHub has no object {object} that can be used so; there is {QUOTES}",
            code="UNKNOWN_OBJECT",
        )


def _no_associations(selection: Selection) -> None:
    if selection.associations:
        raise Rejected("DealHub has no associations to read along", code="NO_ASSOCIATIONS")


def _read_quote(rest: Rest, selection: Selection, id: str) -> Record:
    # Ids of another form are none of DealHub's, and it would not say "not found".
    if not _QUOTE_ID.fullmatch(id):
        return gone(QUOTES, id)
    try:
        printed = rest.get(
            path_of(QUOTE_PATH, id), feature_query(selection), About(record=Ref(QUOTES, id))
        )
    except Gone:
        return gone(QUOTES, id)
    return quote_record(selection, quote_of(printed))


def _read_room(rest: Rest, selection: Selection, id: str) -> Record:
    if not _ROOM_ID.fullmatch(id):
        return gone(DEAL_ROOMS, id)
    try:
        printed = rest.get(path_of(ROOM_PATH, id), (), About(record=Ref(DEAL_ROOMS, id)))
    except Gone:
        return gone(DEAL_ROOMS, id)
    if not isinstance(printed, dict) or "dealroom_state" not in printed:
        raise UnexpectedAnswer("a deal room came without its state", code="ANSWER_SHAPE")
    shown = {**printed, OPPORTUNITY: id}
    fields = {head: nested(head, shown[head]) for head in heads_of(selection.fields) & set(shown)}
    return Record(Ref(DEAL_ROOMS, id), MappingProxyType(fields))


def gone(object: str, id: str) -> Record:
    """What is known of a record that does not exist."""
    return Record(Ref(object, id), MappingProxyType({}), life=Life.DELETED)


def feature_query(selection: Selection) -> list[tuple[str, str]]:
    """The query parameters that make a quote show the selected fields."""
    return [("feature", one) for one in features_of(heads_of(selection.fields))]


def list_quotes(
    rest: Rest,
    selection: Selection,
    *,
    opportunity: str | None = None,
    offset: int = 0,
    limit: int = PAGE_MAX,
) -> Listed:
    """One page of the list, in DealHub's own order, with what shows the selected fields."""
    query = [*feature_query(selection), ("offset", str(offset)), ("limit", str(limit))]
    if opportunity is not None:
        query.append((OPPORTUNITY, opportunity))
    printed = rest.get(QUOTES_PATH, query)
    if printed == []:  # What a list without a match looks like.
        return Listed((), more=False)
    rows = printed.get("quotes") if isinstance(printed, dict) else None
    info = printed.get("info") if isinstance(printed, dict) else None
    if not isinstance(rows, list):
        raise UnexpectedAnswer("the list came without quotes", code="ANSWER_SHAPE")
    more = info.get("more_results_matching_the_request") if isinstance(info, dict) else None
    if not isinstance(more, bool):
        raise UnexpectedAnswer("the list does not say whether it goes on", code="ANSWER_SHAPE")
    if more and not rows:
        raise UnexpectedAnswer("a page without quotes is not the last", code="ANSWER_SHAPE")
    return Listed(tuple(quote_of(row) for row in rows), more)


def quote_of(printed: Json) -> Mapping[str, Json]:
    """A printed quote. Raises ``UnexpectedAnswer`` where it has no id or status."""
    if not isinstance(printed, dict):
        raise UnexpectedAnswer("a quote is not an object", code="ANSWER_SHAPE")
    id, state = printed.get("dealhub_quote_id"), printed.get("status")
    if not isinstance(id, str) or not id or not isinstance(state, str):
        raise UnexpectedAnswer("a quote came without its id or status", code="ANSWER_SHAPE")
    return printed


def id_of(quote: Mapping[str, Json]) -> str:
    """The quote's own id."""
    return str(quote["dealhub_quote_id"])


def info_of(quote: Mapping[str, Json], name: str) -> Json:
    """One value of its ``info``."""
    info = quote.get("info")
    return info.get(name) if isinstance(info, dict) else None


def outdated(quote: Mapping[str, Json]) -> bool:
    """Whether it is a draft of an old version, which shows nothing before it is upgraded."""
    return quote.get("quote_upgrade_required") is True


def quote_record(selection: Selection, quote: Mapping[str, Json]) -> Record:
    """A quote with the selected fields. Those of an outdated draft are not read, never blank."""
    withheld = outdated(quote)
    fields: dict[str, Value] = {}
    for head in heads_of(selection.fields):
        if head in ALWAYS:
            fields[head] = status(str(quote["status"])) if head == "status" else _bare(quote, head)
        elif not withheld and head in FEATURES and FEATURES[head] in quote:
            fields[head] = _shown(quote, head)
    return Record(Ref(QUOTES, id_of(quote)), MappingProxyType(fields))


def _bare(quote: Mapping[str, Json], head: str) -> Value:
    if head == "quote_upgrade_required":
        return outdated(quote)
    return id_of(quote)


def _shown(quote: Mapping[str, Json], head: str) -> Value:
    if head in INFO_ALIASES:
        return nested(head, info_of(quote, INFO_ALIASES[head]))
    if head == ANSWERS_BY_ID:
        answers = quote["answers"]
        return answers_by_id(answers if isinstance(answers, list) else ())
    return nested(head, quote[head])
