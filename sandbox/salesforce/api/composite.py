"""Several requests in one: ``/composite`` and, below it, ``batch``, ``tree``, ``graph``."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final
from urllib.parse import parse_qsl, quote, urlsplit

import orjson

from sandbox.messages import Request, Response
from sandbox.salesforce.api.desk import (
    DATA,
    Desk,
    Endpoint,
    body_of,
    inside_of,
    noted,
    object_of,
    objects_in,
    reply,
    version_of,
    writer_for,
)
from sandbox.salesforce.errors import Refusal
from sandbox.salesforce.values import dump_json, parse_json

PARTS_MAX: Final = 25
SPECIAL_MAX: Final = 5
NODES_MAX: Final = 500
GRAPHS_MAX: Final = 75
TREE_MAX: Final = 200
_REFERENCE: Final = re.compile(r"@\{([A-Za-z0-9_]+)((?:\.\w+|\[\d+\])*)\}", re.ASCII)
_NAME: Final = re.compile(r"[A-Za-z][A-Za-z0-9_]*", re.ASCII)
_HALTED: Final = Refusal(
    "PROCESSING_HALTED",
    "The transaction was rolled back since another operation in the same transaction failed.",
)


class _Failed(Exception):
    """Rolls an all-or-none group back."""


def _walk(value: Any, path: str) -> Any:
    for name, index in re.findall(r"\.(\w+)|\[(\d+)\]", path):
        try:
            value = value[int(index)] if index else value[name]
        except (KeyError, IndexError, TypeError) as error:
            message = f"Invalid reference specified. No value for {path.lstrip('.')} found"
            raise Refusal("PROCESSING_HALTED", message) from error
    return value


def _filled(value: Any, results: Mapping[str, Any]) -> Any:
    """The value with every ``@{reference.path}`` replaced by what it names."""
    match value:
        case str():
            return _REFERENCE.sub(lambda found: str(_referred(found, results)), value)
        case dict():
            return {key: _filled(inner, results) for key, inner in value.items()}
        case list():
            return [_filled(inner, results) for inner in value]
    return value


def _referred(found: re.Match[str], results: Mapping[str, Any]) -> Any:
    if found[1] not in results:
        message = f"Invalid reference specified. No value for {found[1]} found"
        raise Refusal("PROCESSING_HALTED", message)
    return _walk(results[found[1]], found[2])


def _inner(request: Request, method: str, url: str, body: Any, headers: dict[str, Any]) -> Request:
    parts = urlsplit(url)
    more = {str(key).lower(): str(value) for key, value in headers.items()}
    return replace(
        request,
        method=method,
        path=quote(parts.path, safe="/%"),
        query=tuple(parse_qsl(parts.query, keep_blank_values=True)),
        headers={**request.headers, "content-type": "application/json", **more},
        body=b"" if body is None else dump_json(body),
    )


def _run(desk: Desk, request: Request, part: Mapping[str, Any], results: Mapping[str, Any]) -> Any:
    """One part's answer as ``(status, value, headers)``."""
    try:
        url = str(_filled(part.get("url", ""), results))
        if not url.startswith("/services/data/"):
            raise Refusal("NOT_FOUND", f"The requested resource does not exist: {url}")
        body = _filled(part.get("body"), results)
    except Refusal as refusal:
        return 400, refusal.body(), {}
    response = desk.inside(
        _inner(
            request,
            str(part.get("method", "GET")).upper(),
            url,
            body,
            inside_of(part, "httpHeaders"),
        )
    )
    value = parse_json(response.body) if response.body else None
    return response.status, value, dict(response.headers)


def _parts_of(body: Mapping[str, Any], most: int) -> list[dict[str, Any]]:
    parts = objects_in(body, "compositeRequest", most)
    names = [str(part.get("referenceId", "")) for part in parts]
    if len(set(names)) != len(names) or not all(_NAME.fullmatch(name) for name in names):
        raise Refusal("INVALID_INPUT", "each referenceId is unique, letters and digits only")
    return parts


def _perform(
    desk: Desk, request: Request, parts: list[dict[str, Any]], *, all_or_none: bool
) -> tuple[list[dict[str, Any]], bool]:
    """Answers of the parts in order, and whether all went well."""
    answers: list[dict[str, Any]] = []
    results: dict[str, Any] = {}
    failed: int | None = None
    mark = desk.org.mark()
    for place, part in enumerate(parts):
        name = str(part["referenceId"])
        if failed is not None and all_or_none:
            status, value, headers = 400, _HALTED.body(), {}
        else:
            status, value, headers = _run(desk, request, part, results)
        if status < 300:
            results[name] = value
        elif failed is None:
            failed = place
        answers.append(
            {"body": value, "httpHeaders": headers, "httpStatusCode": status, "referenceId": name}
        )
    if failed is not None and all_or_none:
        desk.org.roll_back(mark)
        for answer in answers[:failed]:
            answer.update(body=_HALTED.body(), httpHeaders={}, httpStatusCode=400)
    return answers, failed is None


def _composite(desk: Desk, request: Request) -> Response:
    body = body_of(request)
    known = ("allOrNone", "compositeRequest", "collateSubrequests")
    desk.expect_keys(request, body, known, "a composite request")
    parts = _parts_of(body, PARTS_MAX)
    special = [part for part in parts if re.search(r"/query|/composite/", str(part.get("url")))]
    if len(special) > SPECIAL_MAX:
        message = f"At most {SPECIAL_MAX} queries and collections are allowed in one request"
        raise Refusal("LIMIT_EXCEEDED", message)
    answers, _ = _perform(desk, request, parts, all_or_none=body.get("allOrNone") is True)
    return reply(200, {"compositeResponse": answers})


def _graph(desk: Desk, request: Request) -> Response:
    graphs = objects_in(body_of(request), "graphs", GRAPHS_MAX)
    wanted = [_parts_of(graph, NODES_MAX) for graph in graphs]
    if sum(map(len, wanted)) > NODES_MAX:
        raise Refusal("LIMIT_EXCEEDED", f"At most {NODES_MAX} nodes are allowed")
    found = []
    for graph, parts in zip(graphs, wanted, strict=True):
        answers, good = _perform(desk, request, parts, all_or_none=True)
        found.append(
            {
                "graphId": graph.get("graphId"),
                "graphResponse": {"compositeResponse": answers},
                "isSuccessful": good,
            }
        )
    return reply(200, {"graphs": found})


def _batch(desk: Desk, request: Request) -> Response:
    body = body_of(request)
    parts = objects_in(body, "batchRequests", PARTS_MAX)
    results: list[dict[str, Any]] = []
    for part in parts:
        inner = {
            "method": part.get("method"),
            "url": "/services/data/" + str(part.get("url", "")).removeprefix("/services/data/"),
            "body": part.get("richInput"),
        }
        status, value, _ = _run(desk, request, inner, {})
        results.append({"statusCode": status, "result": value})
        if status >= 300 and body.get("haltOnError") is True:
            break
    failed = any(result["statusCode"] >= 300 for result in results)
    return reply(200, {"hasErrors": failed, "results": results})


def _tree(desk: Desk, request: Request) -> Response:
    spec = object_of(desk, request)
    records = objects_in(body_of(request), "records", TREE_MAX)
    mark = desk.org.mark()
    results: list[dict[str, Any]] = []
    errors: list[dict[str, Any]] = []
    for record in records:
        _plant(desk, request, spec.name, record, {}, results, errors, depth=1)
    if len(results) + len(errors) > TREE_MAX:
        raise Refusal("LIMIT_EXCEEDED", f"at most {TREE_MAX} records in a tree")
    if errors:
        desk.org.roll_back(mark)
        return reply(400, {"hasErrors": True, "results": errors})
    return reply(201, {"hasErrors": False, "results": results})


def _plant(
    desk: Desk,
    request: Request,
    object_name: str,
    record: Any,
    parent: Mapping[str, str],
    results: list[dict[str, Any]],
    errors: list[dict[str, Any]],
    *,
    depth: int,
) -> None:
    if depth > 5 or not isinstance(record, dict):
        raise Refusal("LIMIT_EXCEEDED", "a tree is at most 5 levels deep")
    name = inside_of(record, "attributes").get("referenceId")
    nested = {
        key: value
        for key, value in record.items()
        if isinstance(value, dict) and isinstance(value.get("records"), list)
    }
    flat = {key: value for key, value in record.items() if key not in nested}
    try:
        saved = noted(desk, writer_for(desk, request).create(object_name, {**flat, **parent}))
    except Refusal as refusal:
        errors.append({"referenceId": name, "errors": [refusal.row()]})
        return
    results.append({"referenceId": name, "id": saved.row["Id"]})
    for key, value in nested.items():
        found = desk.org.schema.child_relationship(object_name, key)
        if found is None:
            raise Refusal("INVALID_FIELD", f"No such relation '{key}' on {object_name}")
        child, field = found
        for inner in value["records"]:
            link = {field.name: saved.row["Id"]}
            _plant(desk, request, child.name, inner, link, results, errors, depth=depth + 1)


def _index(_: Desk, request: Request) -> Response:
    base = f"/services/data/v{version_of(request)}/composite"
    names = ("tree", "batch", "sobjects", "graph")
    return Response(200, orjson.dumps({name: f"{base}/{name}" for name in names}))


ENDPOINTS: Final = (
    Endpoint("GET", DATA + "/composite", _index),
    Endpoint("POST", DATA + "/composite", _composite),
    Endpoint("POST", DATA + "/composite/graph", _graph),
    Endpoint("POST", DATA + "/composite/batch", _batch),
    Endpoint("POST", DATA + "/composite/tree/{object}", _tree),
)
