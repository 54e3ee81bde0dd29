"""Associations v4: single pairs, batches, labels.

Reference: developers.hubspot.com, "Associations v4".
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Final

from sandbox.clock import iso_milliseconds
from sandbox.hubspot import paths
from sandbox.hubspot.account import Account
from sandbox.hubspot.associations import USER_DEFINED, Kind
from sandbox.hubspot.errors import ApiError, bad_request, not_found
from sandbox.hubspot.render import (
    PUBLIC_HOST,
    body_object,
    is_visible,
    page_size,
    page_start,
)
from sandbox.hubspot.schema import ObjectType
from sandbox.hubspot.store import Record
from sandbox.messages import Json, Request, Response, json_response
from sandbox.routes import Route

READ_INPUTS_MAX: Final = 1_000
WRITE_INPUTS_MAX: Final = 2_000
PER_RECORD_PAGE_MAX: Final = 500


class AssociationsApi:
    """Handlers for associations."""

    def __init__(self, account: Account) -> None:
        self._account = account

    def routes(self) -> Iterator[Route]:
        """Both path styles of every handler."""
        single = "{from}/{id}/associations/{to}"

        def one(
            method: str, tail: str, handler: Callable[[Request], Response], *query: str
        ) -> Iterator[Route]:
            dated = f"/crm/objects/{{date}}/{tail}"
            return paths.both(method, f"/crm/v4/objects/{tail}", dated, handler, query)

        yield from one("GET", single, self._list, "limit", "after")
        yield from one("PUT", f"{single}/{{to_id}}", self._put)
        yield from one("DELETE", f"{single}/{{to_id}}", self._delete)
        default = "{from}/{id}/associations/default/{to}/{to_id}"
        yield from one("PUT", default, self._put_default)

        def pair(method: str, tail: str, handler: Callable[[Request], Response]) -> Iterator[Route]:
            numbered = f"/crm/v4/associations/{{from}}/{{to}}/{tail}"
            dated = f"/crm/associations/{{date}}/{{from}}/{{to}}/{tail}"
            return paths.both(method, numbered, dated, handler)

        yield from pair("POST", "batch/read", self._batch_read)
        yield from pair("POST", "batch/create", self._batch_create)
        yield from pair("POST", "batch/associate/default", self._batch_default)
        yield from pair("POST", "batch/archive", self._batch_archive)
        yield from pair("POST", "batch/labels/archive", self._batch_archive_labels)
        yield from pair("GET", "labels", self._labels)
        yield from pair("POST", "labels", self._create_label)

    # -- helpers -----------------------------------------------------------------------------------

    def _pair(self, request: Request) -> tuple[ObjectType, ObjectType]:
        account = self._account
        return account.object_type(request, "from"), account.object_type(request, "to")

    def _record(self, object_type: ObjectType, id: str) -> Record:
        record = self._account.store.survivor(object_type, id)
        if record is None or record.archived:
            text = f"One or more associations are invalid: {object_type.singular} {id} not found"
            raise ApiError(text, status=404, context={"id": [id]})
        return record

    def _ends(self, request: Request) -> tuple[Record, Record]:
        left, right = self._pair(request)
        try:
            one = self._record(left, request.parameters["id"])
            return one, self._record(right, request.parameters["to_id"])
        except ApiError as error:
            raise error.refusal() from None

    def _kinds(self, left: ObjectType, right: ObjectType, rows: Json) -> list[Kind]:
        if not isinstance(rows, list) or not rows:
            raise bad_request("Invalid input JSON: association types are missing")
        known = {(t.category, t.type_id) for t in self._account.associations.types(left, right)}
        kinds = []
        for row in rows:
            try:
                kind = (str(row["associationCategory"]), int(row["associationTypeId"]))
            except (KeyError, TypeError, ValueError):
                text = "Invalid input JSON: a type needs associationCategory and associationTypeId"
                raise bad_request(text) from None
            if kind not in known:
                raise bad_request(
                    f"Association type {kind[1]} of category {kind[0]} does not exist from "
                    f"{left.name} to {right.name}"
                )
            kinds.append(kind)
        return kinds

    def _shown(self, left: Record, to: ObjectType) -> list[tuple[str, dict[str, Json]]]:
        account = self._account
        links = account.associations.of(left.type.name, left.id, to.name)
        rows = []
        for other, kinds in links.items():
            if not is_visible(account, to, other):
                continue
            types = []
            for category, type_id in sorted(kinds, key=lambda kind: kind[1]):
                found = account.associations.type_of((category, type_id))
                label = found.label if found else None
                types.append({"category": category, "typeId": type_id, "label": label})
            rows.append((other, {"toObjectId": other, "associationTypes": types}))
        return rows

    def _labelled(self, left: Record, right: Record, kinds: set[Kind]) -> dict[str, Json]:
        found = [self._account.associations.type_of(kind) for kind in kinds]
        return {
            "fromObjectTypeId": left.type.type_id,
            "fromObjectId": left.id,
            "toObjectTypeId": right.type.type_id,
            "toObjectId": right.id,
            "labels": sorted(t.label for t in found if t is not None and t.label),
        }

    # -- one pair ----------------------------------------------------------------------------------

    def _list(self, request: Request) -> Response:
        left, right = self._pair(request)
        record = self._account.store.survivor(left, request.parameters["id"])
        if record is None or record.archived:
            raise not_found().refusal()
        limit = page_size(request, most=PER_RECORD_PAGE_MAX, default=PER_RECORD_PAGE_MAX)
        rows = self._shown(record, right)
        start = _position(rows, request.first("after"), page_start(request))
        body: dict[str, Json] = {"results": [row for _, row in rows[start : start + limit]]}
        if start + limit < len(rows):
            after = rows[start + limit][0]
            body["paging"] = {"next": {"after": after, "link": f"{PUBLIC_HOST}?after={after}"}}
        return json_response(200, body)

    def _put(self, request: Request) -> Response:
        left, right = self._ends(request)
        try:
            kinds = self._kinds(left.type, right.type, _rows(request))
            self._account.associate(left, right, kinds)
        except ApiError as error:
            raise error.refusal() from None
        return json_response(201, self._labelled(left, right, set(kinds)))

    def _put_default(self, request: Request) -> Response:
        left, right = self._ends(request)
        try:
            self._account.associate(left, right, ())
        except ApiError as error:
            raise error.refusal() from None
        return json_response(200, self._batch_answer([self._default_row(left, right)], []))

    def _default_row(self, left: Record, right: Record) -> dict[str, Json]:
        plain = self._account.associations.unlabelled(left.type, right.type)
        return {
            "from": {"id": left.id},
            "to": {"id": right.id},
            "associationSpec": {
                "associationCategory": plain.category,
                "associationTypeId": plain.type_id,
            },
        }

    def _delete(self, request: Request) -> Response:
        left, right = self._ends(request)
        self._account.dissociate(left, right)
        return Response(204)

    # -- batches -----------------------------------------------------------------------------------

    def _inputs(self, request: Request, most: int) -> list[dict[str, Json]]:
        body = body_object(request)
        self._account.simulator.expect_keys(request, body, ("inputs",), "batch")
        inputs = body.get("inputs")
        if not isinstance(inputs, list) or not all(isinstance(row, dict) for row in inputs):
            raise bad_request("Invalid input JSON: inputs must be a list of objects").refusal()
        if len(inputs) > most:
            raise bad_request(f"Batch size {len(inputs)} exceeds the limit of {most}").refusal()
        return inputs

    def _batch_answer(self, results: list[Json], errors: list[Json]) -> dict[str, Json]:
        now = iso_milliseconds(self._account.simulator.now())
        body: dict[str, Json] = {
            "status": "COMPLETE",
            "results": results,
            "startedAt": now,
            "completedAt": now,
        }
        return {**body, "numErrors": len(errors), "errors": errors} if errors else body

    def _batch_read(self, request: Request) -> Response:
        left, right = self._pair(request)
        results: list[Json] = []
        errors: list[Json] = []
        for row in self._inputs(request, READ_INPUTS_MAX):
            id, after = str(row.get("id")), row.get("after")
            record = self._account.store.survivor(left, id)
            rows = self._shown(record, right) if record is not None and not record.archived else []
            if not rows:
                text = f"No {right.name} is associated with {left.name} {id}."
                errors.append(_batch_error(text, "NO_ASSOCIATIONS_FOUND", {"fromObjectId": [id]}))
                continue
            start = _position(rows, after, 0)
            shown: dict[str, Json] = {
                "from": {"id": id},
                "to": [entry for _, entry in rows[start : start + PER_RECORD_PAGE_MAX]],
            }
            if start + PER_RECORD_PAGE_MAX < len(rows):
                following = rows[start + PER_RECORD_PAGE_MAX][0]
                link = f"{PUBLIC_HOST}?after={following}"
                shown["paging"] = {"next": {"after": following, "link": link}}
            results.append(shown)
        return json_response(207 if errors else 200, self._batch_answer(results, errors))

    def _each(
        self, request: Request, carry_out: Callable[[Record, Record, dict[str, Json]], Json]
    ) -> tuple[list[Json], list[Json]]:
        left, right = self._pair(request)
        results: list[Json] = []
        errors: list[Json] = []
        for row in self._inputs(request, WRITE_INPUTS_MAX):
            try:
                one = self._record(left, _end(row, "from"))
                other = self._record(right, _end(row, "to"))
                results.append(carry_out(one, other, row))
            except ApiError as error:
                errors.append(error.body())
        return results, errors

    def _batch_create(self, request: Request) -> Response:
        def create(left: Record, right: Record, row: dict[str, Json]) -> Json:
            kinds = self._kinds(left.type, right.type, row.get("types"))
            self._account.associate(left, right, kinds)
            return self._labelled(left, right, set(kinds))

        results, errors = self._each(request, create)
        return json_response(207 if errors else 201, self._batch_answer(results, errors))

    def _batch_default(self, request: Request) -> Response:
        def create(left: Record, right: Record, _: dict[str, Json]) -> Json:
            self._account.associate(left, right, ())
            return self._default_row(left, right)

        results, errors = self._each(request, create)
        return json_response(207 if errors else 200, self._batch_answer(results, errors))

    def _batch_archive(self, request: Request) -> Response:
        left, right = self._pair(request)
        for row in self._inputs(request, WRITE_INPUTS_MAX):
            targets = row.get("to")
            for target in targets if isinstance(targets, list) else [targets]:
                one = self._account.store.survivor(left, _id(row.get("from")))
                other = self._account.store.survivor(right, _id(target))
                if one is not None and other is not None:
                    self._account.dissociate(one, other)
        return Response(204)

    def _batch_archive_labels(self, request: Request) -> Response:
        def remove(left: Record, right: Record, row: dict[str, Json]) -> Json:
            kinds = self._kinds(left.type, right.type, row.get("types"))
            self._account.dissociate(left, right, kinds)
            return None

        _, errors = self._each(request, remove)
        if errors:
            return json_response(207, self._batch_answer([], errors))
        return Response(204)

    # -- labels ------------------------------------------------------------------------------------

    def _labels(self, request: Request) -> Response:
        left, right = self._pair(request)
        rows = [
            {"category": t.category, "typeId": t.type_id, "label": t.label}
            for t in self._account.associations.types(left, right)
        ]
        return json_response(200, {"results": rows})

    def _create_label(self, request: Request) -> Response:
        left, right = self._pair(request)
        body = body_object(request)
        known = ("label", "name", "inverseLabel")
        self._account.simulator.expect_keys(request, body, known, "label")
        if not body.get("label") or not body.get("name"):
            raise bad_request("label and name are required").refusal()
        self._account.associations.types(left, right)
        made = self._account.associations.add_label(left, right, str(body["label"]))
        self._account.simulator.touch()
        rows = [
            {"category": USER_DEFINED, "typeId": type_id, "label": made.label}
            for type_id in (made.type_id, made.inverse_id)
        ]
        return json_response(200, {"results": rows})


def _rows(request: Request) -> Json:
    try:
        return request.json()
    except ValueError:
        raise bad_request("Invalid input JSON") from None


def _id(end: Json) -> str:
    return str(end.get("id")) if isinstance(end, dict) else ""


def _end(row: dict[str, Json], name: str) -> str:
    id = _id(row.get(name))
    if not id:
        raise bad_request(f"Invalid input JSON: {name}.id is missing")
    return id


def _position(rows: list[tuple[str, dict[str, Json]]], after: Json, default: int) -> int:
    if not after:
        return default
    return next((index for index, (id, _) in enumerate(rows) if id == str(after)), len(rows))


def _batch_error(message: str, category: str, context: dict[str, list[str]]) -> dict[str, Json]:
    return {
        "status": "error",
        "category": "OBJECT_NOT_FOUND",
        "subCategory": f"crm.associations.{category}",
        "message": message,
        "context": context,
    }
