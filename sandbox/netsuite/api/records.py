"""One record at a time: read, create, change, upsert, delete, transform; and lists of ids."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from sandbox.messages import Request, Response
from sandbox.netsuite import render
from sandbox.netsuite.api import filters
from sandbox.netsuite.api.desk import (
    RECORD,
    Desk,
    Endpoint,
    base_of,
    body_of,
    located,
    page_links,
    page_of,
    reading_of,
    reply,
    type_of,
    writer_for,
)
from sandbox.netsuite.errors import not_found, parameter_error
from sandbox.netsuite.schema import RecordType
from sandbox.netsuite.writing import Saved, Writer, check_unlocked

EID: Final = "eid:"
IDS_MAX: Final = 1000


def id_of(desk: Desk, request: Request, spec: RecordType) -> str:
    """The internal id that the path means, of a record that exists."""
    named = request.parameters["id"]
    found: str | None = named
    if named.startswith(EID):
        found = desk.books.by_external_id(spec.name, named.removeprefix(EID))
    if found is None or desk.books.get(spec.name, found) is None:
        raise not_found(request.path)
    return found


def printing_of(request: Request) -> render.Printing:
    """How the caller wants records printed."""
    return render.Printing(
        base_of(request),
        expand=_flag(request, "expandSubResources"),
        simple_enums=_flag(request, "simpleEnumFormat"),
        fields=frozenset(request.every("fields")),
    )


def _flag(request: Request, name: str) -> bool:
    value = request.first(name)
    if value not in {None, "true", "false"}:
        raise parameter_error(f"{name} is true or false.", name)
    return value == "true"


def _read(desk: Desk, request: Request) -> Response:
    spec = type_of(desk, request.parameters["type"], write=False)
    id = id_of(desk, request, spec)
    check_unlocked(desk.books, spec, id)
    how = printing_of(request)
    if unknown := sorted(how.fields - spec.fields.keys() - spec.lists.keys() - {"id"}):
        raise parameter_error(f"Unknown fields: {', '.join(unknown)}.", "fields")
    return reply(200, render.record(desk.books, spec, id, how))


def _read_sublist(desk: Desk, request: Request) -> Response:
    spec = type_of(desk, request.parameters["type"], write=False)
    id = id_of(desk, request, spec)
    check_unlocked(desk.books, spec, id)
    name = request.parameters["sublist"]
    if name not in spec.lists:
        raise not_found(request.path)
    how = render.Printing(base_of(request), expand=True)
    shown = render.sublist(desk.books, spec, id, name, how)
    if not printing_of(request).expand:
        shown["items"] = [{"links": item["links"]} for item in shown["items"]]
    return reply(200, shown, "collection")


def _read_line(desk: Desk, request: Request) -> Response:
    spec = type_of(desk, request.parameters["type"], write=False)
    id = id_of(desk, request, spec)
    name = request.parameters["sublist"]
    how = render.Printing(base_of(request), expand=True)
    items = render.sublist(desk.books, spec, id, name, how)["items"] if name in spec.lists else []
    for item in items:
        if item["links"][0]["href"].rpartition("/")[2] == request.parameters["line"]:
            return reply(200, item)
    raise not_found(request.path)


def _list(desk: Desk, request: Request) -> Response:
    spec = type_of(desk, request.parameters["type"], write=False)
    if _flag(request, "expandRecords"):
        return _several(desk, request, spec)
    limit, offset = page_of(request)
    ids = sorted(desk.books.tables[spec.name], key=int)
    text = request.first("q")
    if text:
        wanted = filters.parse(text, spec)
        rows = desk.books.tables[spec.name]
        ids = [id for id in ids if wanted({**rows[id], "id": id})]
    how = render.Printing(base_of(request))
    page = ids[offset : offset + limit]
    answer = {
        "links": page_links(request, limit, offset, len(ids)),
        "count": len(page),
        "hasMore": offset + limit < len(ids),
        "items": [{"links": how.link(spec.name, id), "id": id} for id in page],
        "offset": offset,
        "totalResults": len(ids),
    }
    return reply(200, answer, "collection")


def _several(desk: Desk, request: Request, spec: RecordType) -> Response:
    """Whole records by id; those that do not exist are left out."""
    named = request.every("ids")
    if not 1 <= len(named) <= IDS_MAX:
        raise parameter_error(f"1 to {IDS_MAX} ids are expected.", "ids")
    how, books, items = printing_of(request), desk.books, []
    for one in named:
        is_external = one.startswith(EID)
        id = books.by_external_id(spec.name, one.removeprefix(EID)) if is_external else one
        if id is not None and books.get(spec.name, id) is not None:
            check_unlocked(books, spec, id)
            items.append(render.record(books, spec, id, how))
    counted = {"count": len(items), "hasMore": False, "items": items, "offset": 0}
    links = page_links(request, max(len(items), 1), 0, len(items))
    return reply(200, {"links": links, **counted, "totalResults": len(items)}, "collection")


# -- writing -------------------------------------------------------------------------------------


def write(desk: Desk, request: Request, spec: RecordType, act: Callable[[Writer], Saved]) -> Saved:
    """Carry out a write, count it, and note what was passed over in the body."""
    reading = reading_of(desk, request)
    saved = act(writer_for(desk, reading))
    if reading.ignored:
        names = ", ".join(sorted(set(reading.ignored)))
        desk.violation("unknown_field", f"passed over in {spec.name}: {names}", request)
    what = "creates" if saved.created else "changing_updates"
    what = what if saved.created or saved.changed else "unchanged_updates"
    row = desk.books.tables[saved.spec.name][saved.id]
    desk.books.note(saved.spec.name, saved.id, what, row.get("externalId"))
    if what == "changing_updates" and saved.spec.name == "journalEntry":
        message = f"journal entry {saved.id} was edited after it was posted"
        desk.violation("posted_journal_edited", message, request)
    return saved


def place_of(saved: Saved) -> str:
    """The path of a written record."""
    return f"{RECORD}/{saved.spec.name}/{saved.id}"


def replaced(request: Request, spec: RecordType) -> frozenset[str]:
    """The sublists that the body exchanges as a whole."""
    names = frozenset(request.every("replace"))
    if unknown := sorted(names - spec.lists.keys()):
        raise parameter_error(f"Unknown sublists: {', '.join(unknown)}.", "replace")
    return names


def create(desk: Desk, request: Request, body: dict[str, Any]) -> Saved:
    """POST of one record."""
    spec = type_of(desk, request.parameters["type"], write=True)
    return write(desk, request, spec, lambda writer: writer.create(spec, body))


def update(desk: Desk, request: Request, body: dict[str, Any]) -> Saved:
    """PATCH of one record."""
    spec = type_of(desk, request.parameters["type"], write=True)
    id, lists = id_of(desk, request, spec), replaced(request, spec)
    return write(desk, request, spec, lambda writer: writer.update(spec, id, body, lists))


def upsert(desk: Desk, request: Request, body: dict[str, Any]) -> Saved:
    """PUT of one record by external id."""
    spec = type_of(desk, request.parameters["type"], write=True)
    named = request.parameters["id"]
    if not named.startswith(EID) or named == EID:
        raise parameter_error("PUT takes an external id: eid:{externalId}.", "id")
    lists = replaced(request, spec)
    external = named.removeprefix(EID)
    return write(desk, request, spec, lambda writer: writer.upsert(spec, external, body, lists))


def delete(desk: Desk, request: Request, _: dict[str, Any]) -> None:
    """DELETE of one record."""
    spec = type_of(desk, request.parameters["type"], write=True)
    id = id_of(desk, request, spec)
    external = desk.books.tables[spec.name][id].get("externalId")
    writer_for(desk, reading_of(desk, request)).delete(spec, id)
    desk.books.note(spec.name, id, "deletes", external)


def transform(desk: Desk, request: Request, body: dict[str, Any]) -> Saved:
    """POST of a record made from another."""
    spec = type_of(desk, request.parameters["type"], write=False)
    target = request.parameters["target"]
    made = type_of(desk, target, write=True)
    id = id_of(desk, request, spec)
    return write(desk, request, made, lambda writer: writer.transform(spec, id, target, body))


Act = Callable[[Desk, Request, dict[str, Any]], Saved | None]


def answering(act: Act) -> Callable[[Desk, Request], Response]:
    """The resource that carries out a write at once: 204, and where the record is."""

    def answer(desk: Desk, request: Request) -> Response:
        saved = act(desk, request, body_of(request))
        return Response(204) if saved is None else located(request, place_of(saved))

    return answer


_TYPE: Final = RECORD + "/{type}"
_ONE: Final = _TYPE + "/{id}"
_PAGE: Final = frozenset({"limit", "offset", "q"})
_SHOWN: Final = frozenset({"expandSubResources", "simpleEnumFormat", "fields"})
_WRITE: Final = frozenset({"replace"})
ENDPOINTS: Final = (
    Endpoint("GET", _TYPE, _list, _PAGE | _SHOWN | {"expandRecords", "ids"}),
    Endpoint("GET", _ONE, _read, _SHOWN),
    Endpoint("GET", _ONE + "/{sublist}", _read_sublist, _SHOWN),
    Endpoint("GET", _ONE + "/{sublist}/{line}", _read_line, _SHOWN),
)
WRITES: Final[tuple[tuple[str, str, Act, frozenset[str]], ...]] = (
    ("POST", _TYPE, create, frozenset()),
    ("PATCH", _ONE, update, _WRITE),
    ("PUT", _ONE, upsert, _WRITE),
    ("DELETE", _ONE, delete, frozenset()),
    ("POST", _ONE + "/!transform/{target}", transform, frozenset()),
)
