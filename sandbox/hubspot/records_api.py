"""Single records: read, list, create, update, archive, merge, privacy deletion."""

from __future__ import annotations

from collections.abc import Iterator

from sandbox.hubspot import paths
from sandbox.hubspot.account import Account
from sandbox.hubspot.associations import Kind
from sandbox.hubspot.errors import ApiError, bad_request, not_found
from sandbox.hubspot.planning import Planner
from sandbox.hubspot.render import (
    PUBLIC_HOST,
    body_object,
    page_size,
    page_start,
    record_json,
    with_associations,
)
from sandbox.hubspot.schema import ObjectType
from sandbox.hubspot.store import Record
from sandbox.messages import Json, Request, Response, json_response
from sandbox.routes import Route

PAGE_MAX = 100
PAGE_MAX_WITH_HISTORY = 50
_READ = ("properties", "propertiesWithHistory", "associations", "archived")


class RecordsApi:
    """Handlers for one record at a time, and the list."""

    def __init__(self, account: Account) -> None:
        self._account = account

    def routes(self) -> Iterator[Route]:
        """Both path styles of every handler."""
        one = "/{object}/{id}"
        yield from paths.objects("GET", "/{object}", self._list, ("limit", "after", *_READ))
        yield from paths.objects("POST", "/{object}", self._create)
        yield from paths.objects("GET", one, self._read, ("idProperty", *_READ))
        yield from paths.objects("PATCH", one, self._update, ("idProperty",))
        yield from paths.objects("DELETE", one, self._archive)
        yield from paths.objects("POST", "/{object}/merge", self._merge)
        yield from paths.objects("POST", "/{object}/gdpr-delete", self._erase)

    def _find(self, object_type: ObjectType, request: Request) -> Record:
        """The record a path names, by id or by ``idProperty``; 404 when there is none."""
        id, name = request.parameters["id"], request.first("idProperty")
        if name is None:
            record = self._account.store.survivor(object_type, id)
        else:
            if name not in object_type.unique_names:
                raise bad_request(f"{name} is not a unique property").refusal()
            record = self._account.store.by_unique(object_type, name, id)
        if record is None:
            raise not_found().refusal()
        return record

    def _associated_types(self, request: Request) -> list[ObjectType]:
        found = []
        for word in request.every("associations"):
            object_type = self._account.schema.find(word)
            if object_type is None:
                raise bad_request(f"Unable to infer object type from: {word}").refusal()
            found.append(object_type)
        return found

    def _show(self, request: Request, record: Record) -> dict[str, Json]:
        state = record.previous if request.stale else None
        shown = record_json(
            record,
            request.every("properties"),
            state=state,
            history=request.every("propertiesWithHistory"),
        )
        return with_associations(self._account, shown, record, self._associated_types(request))

    def _read(self, request: Request) -> Response:
        record = self._find(self._account.object_type(request), request)
        if record.archived is not (request.first("archived") == "true"):
            raise not_found().refusal()
        return json_response(200, self._show(request, record))

    def _list(self, request: Request) -> Response:
        object_type = self._account.object_type(request)
        self._associated_types(request)  # an unknown one is refused even when the list is empty
        with_history = bool(request.every("propertiesWithHistory"))
        most = PAGE_MAX_WITH_HISTORY if with_history else PAGE_MAX
        limit = page_size(request, most=most, default=10)
        archived = request.first("archived") == "true"
        records, following = self._account.store.page(
            object_type, page_start(request), limit, archived=archived
        )
        body: dict[str, Json] = {"results": [self._show(request, record) for record in records]}
        if following is not None:
            link = f"{PUBLIC_HOST}{request.path}?after={following}"
            body["paging"] = {"next": {"after": str(following), "link": link}}
        return json_response(200, body)

    def _create(self, request: Request) -> Response:
        object_type = self._account.object_type(request)
        body = body_object(request)
        allowed = ("properties", "associations", "objectWriteTraceId")
        self._account.simulator.expect_keys(request, body, allowed, "create")
        try:
            values = Planner(self._account, request).plan(object_type, None, body.get("properties"))
            links = associations_to(self._account, object_type, body.get("associations") or [])
            record = self._account.create(object_type, values)
            for other, kinds in links:
                self._account.associate(record, other, kinds)
        except ApiError as error:
            raise error.refusal() from None
        return json_response(201, record_json(record, tuple(values)))

    def _update(self, request: Request) -> Response:
        record = self._find(self._account.object_type(request), request)
        if record.archived:
            raise not_found().refusal()
        body = body_object(request)
        self._account.simulator.expect_keys(
            request, body, ("properties", "objectWriteTraceId"), "update"
        )
        try:
            planner = Planner(self._account, request)
            values = planner.plan(record.type, record, body.get("properties"))
        except ApiError as error:
            raise error.refusal() from None
        self._account.update(record, values)
        return json_response(200, record_json(record, tuple(values)))

    def _archive(self, request: Request) -> Response:
        object_type = self._account.object_type(request)
        record = self._account.store.get(object_type, request.parameters["id"])
        if record is None:
            raise not_found().refusal()
        if not record.archived:
            self._account.archive(record)
        return Response(204)

    def _merge(self, request: Request) -> Response:
        object_type = self._account.object_type(request)
        if not object_type.mergeable:
            raise bad_request(f"{object_type.name} cannot be merged").refusal()
        body = body_object(request)
        known = ("primaryObjectId", "objectIdToMerge")
        self._account.simulator.expect_keys(request, body, known, "merge")
        survivor = self._account.store.survivor(object_type, str(body.get(known[0])))
        loser = self._account.store.get(object_type, str(body.get(known[1])))
        if survivor is None or loser is None or survivor.archived or loser.archived:
            raise not_found().refusal()
        if survivor is loser:
            raise bad_request("A record cannot be merged with itself").refusal()
        self._account.merge(survivor, loser)
        return json_response(200, record_json(survivor))

    def _erase(self, request: Request) -> Response:
        object_type = self._account.object_type(request)
        if object_type.name != "contacts":
            raise not_found().refusal()
        body = body_object(request)
        id, name = str(body.get("objectId")), body.get("idProperty")
        store = self._account.store
        record = store.by_unique(object_type, name, id) if name else store.get(object_type, id)
        if record is None:
            raise not_found().refusal()
        self._account.erase(record)
        return Response(204)


def associations_to(
    account: Account, object_type: ObjectType, rows: Json
) -> list[tuple[Record, list[Kind]]]:
    """The other ends and kinds of a create's ``associations``; :class:`ApiError` if one is bad."""
    links = []
    for row in rows:
        try:
            id = str(row["to"]["id"])
            kinds = [
                (str(k["associationCategory"]), int(k["associationTypeId"])) for k in row["types"]
            ]
        except (KeyError, TypeError, ValueError):
            raise bad_request("Invalid input JSON: associations need to.id and types") from None
        links.append((_other_end(account, object_type, id, kinds), kinds))
    return links


def _other_end(account: Account, object_type: ObjectType, id: str, kinds: list[Kind]) -> Record:
    if not kinds:
        raise bad_request("Invalid input JSON: association types are missing")
    found = account.associations.type_of(kinds[0])
    if found is None or any(account.associations.type_of(kind) is None for kind in kinds):
        raise bad_request(f"No association type exists for {kinds}")
    if found.from_object != object_type.name:
        raise bad_request(
            f"Association type {found.type_id} goes from {found.from_object}, "
            f"not from {object_type.name}"
        )
    other = account.store.survivor(account.schema.types[found.to_object], id)
    if other is None or other.archived:
        raise ApiError(f"{found.to_object} {id} is not valid", sub_category="INVALID_OBJECT_IDS")
    return other
