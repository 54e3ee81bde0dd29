"""Reading records: by id, one call each, and through whole lists."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from types import MappingProxyType
from typing import Final
from urllib.parse import quote

from connectors.errors import Rejected, UnexpectedAnswer
from connectors.records import Fields, Life, Page, Record, Ref, Selection
from connectors.stripe.client import Client
from connectors.stripe.cursors import Walk, parse_walk
from connectors.stripe.fields import FIELDS
from connectors.stripe.objects import LIST_MAX
from connectors.stripe.resources import RESOURCES, Resource
from connectors.stripe.shapes import Params, seconds_of, selected, shown
from connectors.transport_json import Json

# Shown only when asked for ("Expanding responses"; the pages of the objects).
_HIDDEN: Final[Mapping[str, frozenset[str]]] = MappingProxyType(
    {
        "invoices": frozenset({"payments"}),
        "charges": frozenset({"refunds"}),
        "prices": frozenset({"tiers", "currency_options"}),
    }
)
_EXPANSION_DEPTH_MAX: Final = 4
_INNER_PAGES_MAX: Final = 100
_MISSING: Final = "RESOURCE_MISSING"

Content = Mapping[str, Json]


def resource_of(object: str) -> Resource:
    """How an object is reached. Raises ``Rejected``."""
    found = RESOURCES.get(object)
    if found is None:
        raise Rejected(
            f"Stripe has no object {object!r} here; there are: {', '.join(RESOURCES)}",
            code="UNKNOWN_OBJECT",
        )
    return found


def readable(selection: Selection) -> Resource:
    """The same for one that can be read. Raises ``Rejected``."""
    resource = resource_of(selection.object)
    if selection.object == "meter_events":
        raise Rejected(
            "meter events are only ever sent; what they add up to is on the invoice",
            code="NOT_READABLE",
        )
    if selection.associations:
        raise Rejected(
            "Stripe has no associations to read along; related records are reached by their ids",
            code="NO_ASSOCIATIONS",
        )
    return resource


def address(resource: Resource, id: str, *below: str) -> str:
    """The path of one record."""
    if not id or id in (".", ".."):
        raise Rejected(f"{id!r} is not an id", code="MALFORMED_ID")
    return "/".join((resource.path, quote(id, safe=""), *below))


def read_records(client: Client, selection: Selection, ids: Sequence[str]) -> tuple[Record, ...]:
    """The records in the order asked, one call each."""
    resource = readable(selection)
    params = expanding(selection)
    return tuple(_read(client, resource, selection, id, params) for id in ids)


def _read(
    client: Client, resource: Resource, selection: Selection, id: str, params: Params
) -> Record:
    if not id or id in (".", ".."):
        return Record(Ref(selection.object, id), MappingProxyType({}), life=Life.DELETED)
    try:
        content = client.get(address(resource, id), params)
    except Rejected as error:
        if (error.code, error.status) != (_MISSING, 404):
            raise
        return Record(Ref(selection.object, id), MappingProxyType({}), life=Life.DELETED)
    if content.get("id") != id:
        raise UnexpectedAnswer("Stripe answered with another record", code="OTHER_RECORD")
    return record_of(client, selection, content)


def record_of(client: Client, selection: Selection, content: Content) -> Record:
    """A record from its content. Lists inside that go on elsewhere are read to their end."""
    id = content.get("id")
    if not isinstance(id, str) or not id:
        raise UnexpectedAnswer("a record has no id", code="NO_ID")
    if content.get("deleted") is True:
        return Record(Ref(selection.object, id), MappingProxyType({}), life=Life.DELETED)
    heads = {name.partition(".")[0] for name in selection.fields}
    whole = {
        name: _completed(client, value) if name in heads else value
        for name, value in content.items()
    }
    values = _as_ids(selection, selected(shown(whole), selection.fields))
    return Record(Ref(selection.object, id), values)


def _as_ids(selection: Selection, values: Fields) -> Fields:
    """A reference that was expanded for another name's sake stays the id that it is."""
    return MappingProxyType(
        {
            name: value["id"]
            if isinstance(value, Mapping) and "id" in value and _refers(selection.object, name)
            else value
            for name, value in values.items()
        }
    )


def _refers(object: str, name: str) -> bool:
    here = object
    for part in name.split("."):
        field = FIELDS.get(here, {}).get(part)
        if field is None or not field.target:
            return False
        here = field.target
    return True


def expanding(selection: Selection, below: str = "") -> Params:
    """The references and hidden parts that the selected names lead into."""
    wanted: dict[str, None] = {}
    for name in selection.fields:
        head = name.partition(".")[0]
        if head in _HIDDEN.get(selection.object, ()):
            wanted[head] = None
        for path in _references(selection.object, name.split(".")):
            wanted[path] = None
    paths: list[str | Params] = [below + path for path in wanted]
    return {"expand": paths} if paths else {}


def _references(object: str, parts: Sequence[str]) -> Iterable[str]:
    here = object
    for depth in range(min(len(parts) - 1, _EXPANSION_DEPTH_MAX)):
        field = FIELDS.get(here, {}).get(parts[depth])
        if field is None or not field.target:
            return
        yield ".".join(parts[: depth + 1])
        here = field.target


def _completed(client: Client, value: Json) -> Json:
    """A list inside a record with all its entries: only the first ten come along."""
    if not isinstance(value, dict) or value.get("object") != "list" or not value.get("has_more"):
        return value
    url, data = value.get("url"), value.get("data")
    if not isinstance(url, str) or not url.startswith("/v1/") or not isinstance(data, list):
        raise UnexpectedAnswer("a list inside a record does not say where it goes on", code="LIST")
    rows = list(data)
    for _ in range(_INNER_PAGES_MAX):
        after = _last_id(rows)
        page = client.get(url, {"limit": str(LIST_MAX), "starting_after": after})
        more = rows_of(page)
        rows += more
        if not page.get("has_more") or not more:
            return {**value, "data": rows, "has_more": False}
    raise UnexpectedAnswer("a list inside a record does not end", code="LIST")


def _last_id(rows: Sequence[Json]) -> str:
    last = rows[-1] if rows else None
    id = last.get("id") if isinstance(last, dict) else None
    if not isinstance(id, str):
        raise UnexpectedAnswer("an entry of a list has no id", code="NO_ID")
    return id


def rows_of(page: Content) -> list[Json]:
    """The entries of a list's page. Raises ``UnexpectedAnswer``."""
    data = page.get("data")
    if not isinstance(data, list):
        raise UnexpectedAnswer("Stripe's answer is not a list", code="LIST")
    return data


def contents_of(page: Content) -> list[dict[str, Json]]:
    """The records of a list's page. Raises ``UnexpectedAnswer``."""
    rows = [row for row in rows_of(page) if isinstance(row, dict)]
    if any(not isinstance(row.get("id"), str) for row in rows):
        raise UnexpectedAnswer("an entry of a list has no id", code="NO_ID")
    return rows


def created_of(content: Content) -> int:
    """When a record was made, in seconds since 1970; 0 where it does not say."""
    created = content.get("created", content.get("date"))
    return created if isinstance(created, int) and created >= 0 else 0


def walked(
    client: Client, selection: Selection, cursor: str | None, limit: int
) -> tuple[Page, Walk]:
    """The next page of all live records, newest first: the order Stripe has."""
    resource = readable(selection)
    walk = parse_walk(cursor)
    size = str(max(1, min(limit, LIST_MAX)))
    params: Params = {"limit": size, **dict(resource.fixed), **expanding(selection, "data.")}
    if walk.id is not None:
        params["starting_after"] = walk.id
    try:
        content = client.get(resource.path, params)
    except Rejected as error:
        if walk.id is None or walk.created is None or error.code != _MISSING:
            raise
        # The record the last page ended with is gone: go on from its time instead.
        params.pop("starting_after")
        params["created"] = {"lte": str(walk.created)}
        content = client.get(resource.path, params)
    rows = contents_of(content)
    at_head = not content.get("has_more") or not rows
    records = tuple(
        record for row in rows if (record := record_of(client, selection, row)).life is Life.LIVE
    )
    last = Walk(str(rows[-1]["id"]), created_of(rows[-1])) if rows else walk
    return Page(records, last.text(), at_head), last


def since_seconds(instant: datetime) -> int:
    """The whole second in which an instant lies."""
    return max(0, seconds_of(instant))
