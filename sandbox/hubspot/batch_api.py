"""Batches: read, create, update, upsert, archive; at most 100 inputs each.

Without trace ids one bad input fails the whole call and nothing is written. When every input has
its own ``objectWriteTraceId``, the good ones are written, the bad ones reported, status 207.
Reference: developers.hubspot.com, "Error handling", section on multi-status errors.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from sandbox.clock import iso_milliseconds
from sandbox.hubspot import paths
from sandbox.hubspot.account import Account, Claims
from sandbox.hubspot.associations import Kind
from sandbox.hubspot.errors import ApiError, bad_request
from sandbox.hubspot.planning import Planner
from sandbox.hubspot.records_api import associations_to
from sandbox.hubspot.render import body_object, record_json
from sandbox.hubspot.schema import ObjectType
from sandbox.hubspot.store import Record
from sandbox.messages import Json, Request, Response, json_response
from sandbox.routes import Route

INPUTS_MAX: Final = 100


@dataclass(slots=True)
class Planned:
    """One checked input. ``record`` is ``None`` for a create."""

    trace_id: str | None
    record: Record | None
    values: dict[str, str]
    links: Sequence[tuple[Record, list[Kind]]] = ()
    merged_away: bool = False


class BatchApi:
    """Handlers of the batch endpoints."""

    def __init__(self, account: Account) -> None:
        self._account = account

    def routes(self) -> Iterator[Route]:
        """Both path styles of every handler."""
        post = "/{object}/batch/"
        yield from paths.objects("POST", f"{post}read", self._read, ("archived",))
        yield from paths.objects("POST", f"{post}create", self._create)
        yield from paths.objects("POST", f"{post}update", self._update)
        yield from paths.objects("POST", f"{post}upsert", self._upsert)
        yield from paths.objects("POST", f"{post}archive", self._archive)

    def _inputs(self, request: Request, body: dict[str, Json], keys: tuple[str, ...]) -> list[Json]:
        inputs = body.get("inputs")
        if not isinstance(inputs, list) or not all(isinstance(row, dict) for row in inputs):
            raise bad_request("Invalid input JSON: inputs must be a list of objects").refusal()
        if len(inputs) > INPUTS_MAX:
            message = f"Batch size {len(inputs)} exceeds the limit of {INPUTS_MAX} inputs"
            raise bad_request(message).refusal()
        for row in inputs:
            self._account.simulator.expect_keys(request, row, keys, "an input")
        return inputs

    # -- read --------------------------------------------------------------------------------------

    def _read(self, request: Request) -> Response:
        object_type = self._account.object_type(request)
        body = body_object(request)
        keys = ("inputs", "properties", "propertiesWithHistory", "idProperty")
        self._account.simulator.expect_keys(request, body, keys, "batch read")
        inputs = self._inputs(request, body, ("id",))
        name = body.get("idProperty")
        if name is not None and name not in object_type.unique_names:
            raise bad_request(f"{name} is not a unique property").refusal()
        archived = request.first("archived") == "true"
        found: dict[str, Record] = {}
        missing: list[str] = []
        for id in dict.fromkeys(str(row.get("id")) for row in inputs):
            store = self._account.store
            record = (
                store.by_unique(object_type, name, id) if name else store.survivor(object_type, id)
            )
            if record is None or record.archived is not archived:
                missing.append(id)
            else:
                found[record.id] = record
        results = [
            record_json(
                record,
                tuple(body.get("properties") or ()),
                state=record.previous if request.stale else None,
                history=tuple(body.get("propertiesWithHistory") or ()),
            )
            for record in found.values()
        ]
        errors = [_missing(object_type, missing)] if missing else []
        return self._answer(200, results, errors)

    # -- write -------------------------------------------------------------------------------------

    def _create(self, request: Request) -> Response:
        object_type = self._account.object_type(request)
        keys = ("properties", "associations", "objectWriteTraceId")
        inputs = self._inputs(request, self._body(request), keys)
        planner, claims = Planner(self._account, request), Claims()

        def plan(row: dict[str, Json]) -> Planned:
            values = planner.plan(object_type, None, row.get("properties"), claims)
            links = associations_to(self._account, object_type, row.get("associations") or [])
            return Planned(_trace(row), None, values, links)

        return self._write(201, object_type, inputs, plan, show_new=False)

    def _update(self, request: Request) -> Response:
        object_type = self._account.object_type(request)
        keys = ("id", "idProperty", "properties", "objectWriteTraceId")
        inputs = self._inputs(request, self._body(request), keys)
        self._refuse_repeats(inputs)
        planner, claims = Planner(self._account, request), Claims()

        def plan(row: dict[str, Json]) -> Planned:
            id, name = str(row.get("id")), row.get("idProperty")
            store = self._account.store
            record = store.by_unique(object_type, name, id) if name else store.get(object_type, id)
            if record is not None and record.merged_into is not None:
                return Planned(_trace(row), record, {}, merged_away=True)
            if record is None or record.archived:
                error = _missing(object_type, [id])
                raise ApiError(error["message"], category="OBJECT_NOT_FOUND", context={"ids": [id]})
            values = planner.plan(object_type, record, row.get("properties"), claims)
            return Planned(_trace(row), record, values)

        return self._write(200, object_type, inputs, plan, show_new=False)

    def _upsert(self, request: Request) -> Response:
        object_type = self._account.object_type(request)
        keys = ("id", "idProperty", "properties", "objectWriteTraceId")
        inputs = self._inputs(request, self._body(request), keys)
        names = {row.get("idProperty") for row in inputs}
        name = names.pop() if len(names) == 1 else None
        if name is None:
            raise bad_request("All inputs must use the same idProperty").refusal()
        if name not in object_type.unique_names:
            raise bad_request(f"{name} is not a unique property of {object_type.name}").refusal()
        self._refuse_repeats(inputs)
        planner, claims = Planner(self._account, request), Claims()

        def plan(row: dict[str, Json]) -> Planned:
            id = row.get("id")
            if not isinstance(id, str) or id == "":
                raise bad_request("Invalid input JSON: id must be a non-empty text")
            properties = row.get("properties")
            if not isinstance(properties, dict):
                raise bad_request("Invalid input JSON: properties must be an object")
            record = self._account.store.by_unique(object_type, name, id)
            secondary = record is not None and record.properties.get(name) != id.strip().lower()
            if not (record is not None and name == "email" and secondary):
                properties = {name: id, **properties}
            values = planner.plan(object_type, record, properties, claims)
            return Planned(_trace(row), record, values)

        return self._write(200, object_type, inputs, plan, show_new=True)

    def _archive(self, request: Request) -> Response:
        object_type = self._account.object_type(request)
        inputs = self._inputs(request, self._body(request), ("id",))
        for row in inputs:
            record = self._account.store.get(object_type, str(row.get("id")))
            if record is not None and not record.archived:
                self._account.archive(record)
        return Response(204)

    def _body(self, request: Request) -> dict[str, Json]:
        body = body_object(request)
        self._account.simulator.expect_keys(request, body, ("inputs",), "batch")
        return body

    def _refuse_repeats(self, inputs: list[Json]) -> None:
        ids = [str(row.get("id")) for row in inputs]
        repeated = sorted({id for id in ids if ids.count(id) > 1})
        if repeated:
            text = f"Duplicate IDs found in batch input: {repeated}. IDs must be unique"
            raise ApiError(text, context={"ids": repeated}).refusal()

    def _write(
        self,
        status: int,
        object_type: ObjectType,
        inputs: list[Json],
        plan: Callable[[dict[str, Json]], Planned],
        *,
        show_new: bool,
    ) -> Response:
        traces = [row.get("objectWriteTraceId") for row in inputs]
        one_by_one = all(traces) and len(set(map(str, traces))) == len(traces)
        planned: list[Planned] = []
        errors: list[Json] = []
        for row in inputs:
            try:
                planned.append(plan(row))
            except ApiError as error:
                if not one_by_one:
                    raise error.refusal() from None
                error.context = {**error.context, "objectWriteTraceId": [_trace(row) or ""]}
                errors.append(error.body())
        results = [
            self._carry_out(object_type, item, show_new=show_new)
            for item in planned
            if not item.merged_away  # no result and no error: the vendor says nothing about these
        ]
        return self._answer(status, results, errors)

    def _carry_out(
        self, object_type: ObjectType, item: Planned, *, show_new: bool
    ) -> dict[str, Json]:
        record = item.record
        if record is None:
            record = self._account.create(object_type, item.values)
            for other, kinds in item.links:
                self._account.associate(record, other, kinds)
        else:
            self._account.update(record, item.values)
        shown = record_json(record, tuple(item.values))
        if item.trace_id is not None:
            shown["objectWriteTraceId"] = item.trace_id
        if show_new:
            shown["new"] = item.record is None
        return shown

    def _answer(self, status: int, results: list[Json], errors: list[Json]) -> Response:
        now = iso_milliseconds(self._account.simulator.now())
        body: dict[str, Json] = {
            "status": "COMPLETE",
            "results": results,
            "startedAt": now,
            "completedAt": now,
        }
        if errors:
            body |= {"numErrors": len(errors), "errors": errors}
        return json_response(207 if errors else status, body)


def _trace(row: dict[str, Json]) -> str | None:
    trace = row.get("objectWriteTraceId")
    return str(trace) if trace is not None else None


def _missing(object_type: ObjectType, ids: list[str]) -> dict[str, Json]:
    return {
        "status": "error",
        "category": "OBJECT_NOT_FOUND",
        "message": f"Could not get some {object_type.singular.upper()} objects, they may be "
        "deleted or not exist. Check that ids are valid.",
        "context": {"ids": ids},
    }
