"""Properties, property groups, schemas, pipelines, owners, account details."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from sandbox.hubspot import paths
from sandbox.hubspot.account import Account, Owner, Pipeline
from sandbox.hubspot.errors import PORTAL_ID, ApiError, bad_request, not_found
from sandbox.hubspot.render import PUBLIC_HOST, body_object, page_size, page_start
from sandbox.hubspot.schema import (
    FIELD_TYPES,
    TYPES,
    UNIQUE_MAX_PER_OBJECT,
    ObjectType,
    Property,
    property_json,
)
from sandbox.messages import Json, Request, Response, json_response
from sandbox.routes import Handler, Route

OWNERS_PAGE_MAX: Final = 500
_NAME = re.compile(r"[a-z][a-z0-9_]{0,99}")
_STAMP: Final = "2026-01-01T00:00:00.000Z"
_PROPERTY_KEYS: Final = (
    "name",
    "label",
    "type",
    "fieldType",
    "groupName",
    "description",
    "options",
    "hasUniqueValue",
    "hidden",
    "displayOrder",
    "formField",
    "externalOptions",
    "referencedObjectType",
    "calculationFormula",
    "dataSensitivity",
)


class MetadataApi:
    """Handlers for what describes the account."""

    def __init__(self, account: Account) -> None:
        self._account = account

    def routes(self) -> Iterator[Route]:
        """Both path styles of every handler."""

        def crm(method: str, tail: str, handler: Handler, *query: str) -> Iterator[Route]:
            area, _, rest = tail.partition("/")
            dated = f"/crm/{area}/{{date}}" + (f"/{rest}" if rest else "")
            return paths.both(method, f"/crm/v3/{tail}", dated, handler, query)

        listing = ("archived", "properties", "dataSensitivity")
        yield from crm("GET", "properties/{object}", self._properties, *listing)
        yield from crm("POST", "properties/{object}", self._create_property)
        yield from crm("GET", "properties/{object}/groups", self._groups)
        yield from crm("POST", "properties/{object}/groups", self._create_group)
        yield from crm("GET", "properties/{object}/{name}", self._property, *listing)
        yield from crm("DELETE", "properties/{object}/{name}", self._archive_property)
        yield from crm("GET", "schemas", self._schemas, "archived")
        yield from crm("GET", "pipelines/{object}", self._pipelines)
        yield from crm("GET", "pipelines/{object}/{pipeline}", self._pipeline)
        yield from crm("GET", "pipelines/{object}/{pipeline}/stages", self._stages)
        yield from crm("GET", "owners", self._owners, "email", "limit", "after", "archived")
        yield from crm("GET", "owners/{id}", self._owner, "idProperty", "archived")
        account = "/account-info/"
        yield from paths.both(
            "GET", f"{account}v3/details", f"{account}{{date}}/details", self._details
        )

    # -- properties --------------------------------------------------------------------------------

    def _show(self, object_type: ObjectType, definition: Property) -> Json:
        options = self._account.options_of(object_type, definition.name)
        return property_json(definition, object_type, options)

    def _properties(self, request: Request) -> Response:
        object_type = self._account.object_type(request)
        archived = request.first("archived") == "true"
        shown = [
            self._show(object_type, definition)
            for definition in object_type.properties.values()
            if definition.archived is archived
        ]
        return json_response(200, {"results": shown})

    def _property(self, request: Request) -> Response:
        object_type = self._account.object_type(request)
        definition = object_type.properties.get(request.parameters["name"])
        if definition is None or definition.archived:
            raise not_found(f"Property {request.parameters['name']} does not exist").refusal()
        return json_response(200, self._show(object_type, definition))

    def _create_property(self, request: Request) -> Response:
        object_type = self._account.object_type(request)
        body = body_object(request)
        self._account.simulator.expect_keys(request, body, _PROPERTY_KEYS, "property")
        definition = new_property(object_type, body)
        object_type.properties[definition.name] = definition
        self._account.simulator.touch()
        return json_response(201, self._show(object_type, definition))

    def _archive_property(self, request: Request) -> Response:
        object_type = self._account.object_type(request)
        definition = object_type.properties.get(request.parameters["name"])
        if definition is None:
            raise not_found().refusal()
        if not definition.custom:
            raise bad_request(f"{definition.name} is defined by HubSpot").refusal()
        definition.archived = True
        self._account.simulator.touch()
        return Response(204)

    def _groups(self, request: Request) -> Response:
        object_type = self._account.object_type(request)
        rows = [
            {"name": name, "label": label, "displayOrder": -1, "archived": False}
            for name, label in object_type.groups.items()
        ]
        return json_response(200, {"results": rows})

    def _create_group(self, request: Request) -> Response:
        object_type = self._account.object_type(request)
        body = body_object(request)
        known = ("name", "label", "displayOrder")
        self._account.simulator.expect_keys(request, body, known, "property group")
        name = str(body.get("name") or "")
        if not _NAME.fullmatch(name) or not body.get("label"):
            raise bad_request("A property group needs a name and a label").refusal()
        if name in object_type.groups:
            raise ApiError(f"A property group named {name} already exists", status=409).refusal()
        object_type.groups[name] = str(body["label"])
        self._account.simulator.touch()
        row = {"name": name, "label": body["label"], "displayOrder": -1, "archived": False}
        return json_response(201, row)

    def _schemas(self, _: Request) -> Response:
        rows = [
            {
                "id": kind.type_id.removeprefix("2-"),
                "objectTypeId": kind.type_id,
                "name": kind.name,
                "fullyQualifiedName": f"p{PORTAL_ID}_{kind.name}",
                "labels": {"singular": kind.singular, "plural": kind.name},
                "archived": False,
                "properties": [self._show(kind, p) for p in kind.properties.values()],
            }
            for kind in self._account.schema.types.values()
            if kind.type_id.startswith("2-")
        ]
        return json_response(200, {"results": rows})

    # -- pipelines ---------------------------------------------------------------------------------

    def _pipelines(self, request: Request) -> Response:
        object_type = self._account.object_type(request)
        found = self._account.pipelines if object_type.name == "deals" else []
        return json_response(200, {"results": [_pipeline_json(p) for p in found]})

    def _one_pipeline(self, request: Request) -> Pipeline:
        object_type = self._account.object_type(request)
        for pipeline in self._account.pipelines:
            if object_type.name == "deals" and pipeline.id == request.parameters["pipeline"]:
                return pipeline
        raise not_found().refusal()

    def _pipeline(self, request: Request) -> Response:
        return json_response(200, _pipeline_json(self._one_pipeline(request)))

    def _stages(self, request: Request) -> Response:
        shown = _pipeline_json(self._one_pipeline(request))
        return json_response(200, {"results": shown["stages"]})

    # -- owners and account ------------------------------------------------------------------------

    def _owners(self, request: Request) -> Response:
        limit = page_size(request, most=OWNERS_PAGE_MAX, default=100)
        start, email = page_start(request), request.first("email")
        archived = request.first("archived") == "true"
        found = [
            owner
            for owner in self._account.owners
            if owner.archived is archived and (email is None or owner.email == email.lower())
        ]
        body: dict[str, Json] = {"results": [_owner_json(o) for o in found[start : start + limit]]}
        if start + limit < len(found):
            after = str(start + limit)
            link = f"{PUBLIC_HOST}{request.path}?after={after}"
            body["paging"] = {"next": {"after": after, "link": link}}
        return json_response(200, body)

    def _owner(self, request: Request) -> Response:
        id, by_user = request.parameters["id"], request.first("idProperty") == "userId"
        for owner in self._account.owners:
            if id == (str(owner.user_id) if by_user else owner.id):
                return json_response(200, _owner_json(owner))
        raise not_found().refusal()

    def _details(self, _: Request) -> Response:
        body = {
            "portalId": PORTAL_ID,
            "accountType": self._account.simulator.settings.account_type,
            "timeZone": self._account.time_zone,
            "companyCurrency": self._account.currency,
            "additionalCurrencies": ["USD", "JPY"],
            "utcOffset": "+02:00",
            "utcOffsetMilliseconds": 7_200_000,
            "uiDomain": "app.hubspot.com",
            "dataHostingLocation": "eu1",
        }
        return json_response(200, body)


def new_property(object_type: ObjectType, body: dict[str, Json]) -> Property:
    """A custom property from its JSON; a refusal when the definition is not acceptable."""
    missing = [k for k in ("name", "label", "type", "fieldType", "groupName") if not body.get(k)]
    if missing:
        raise bad_request(f"Invalid input JSON: missing {', '.join(missing)}").refusal()
    name = str(body["name"])
    if not _NAME.fullmatch(name):
        raise bad_request(f"Property name {name} is not valid").refusal()
    existing = object_type.properties.get(name)
    if existing is not None and not existing.archived:
        text = f'A property named "{name}" already exists.'
        raise ApiError(text, status=409, sub_category="Properties.PROPERTY_EXISTS").refusal()
    if body["type"] not in TYPES or body["fieldType"] not in FIELD_TYPES:
        text = f"{body['type']}/{body['fieldType']} is not a valid type and fieldType"
        raise bad_request(text).refusal()
    if body["groupName"] not in object_type.groups:
        raise bad_request(f"Property group {body['groupName']} does not exist").refusal()
    unique = bool(body.get("hasUniqueValue"))
    taken = sum(p.unique and not p.archived for p in object_type.properties.values())
    if unique and taken >= UNIQUE_MAX_PER_OBJECT:
        text = f"At most {UNIQUE_MAX_PER_OBJECT} unique properties per object are allowed"
        raise bad_request(text).refusal()
    return Property(
        name,
        str(body["type"]),
        str(body["fieldType"]),
        label=str(body["label"]),
        description=str(body.get("description") or ""),
        group=str(body["groupName"]),
        options=[str(option["value"]) for option in body.get("options") or []],
        unique=unique,
        custom=True,
    )


def _pipeline_json(pipeline: Pipeline) -> dict[str, Json]:
    common = {"archived": False, "createdAt": _STAMP, "updatedAt": _STAMP}
    stages = [
        {
            "id": stage.id,
            "label": stage.label,
            "displayOrder": order,
            "metadata": {
                "probability": stage.probability,
                "isClosed": "true" if stage.closed else "false",
            },
            **common,
        }
        for order, stage in enumerate(pipeline.stages)
    ]
    shown = {"id": pipeline.id, "label": pipeline.label, "displayOrder": 0}
    return {**shown, "stages": stages, **common}


def _owner_json(owner: Owner) -> dict[str, Json]:
    return {
        "id": owner.id,
        "email": owner.email,
        "type": "PERSON",
        "firstName": owner.first_name,
        "lastName": owner.last_name,
        "userId": None if owner.archived else owner.user_id,
        "userIdIncludingInactive": owner.user_id,
        "teams": [],
        "archived": owner.archived,
        "createdAt": _STAMP,
        "updatedAt": _STAMP,
    }
