"""Compares kinds of calls with the vendors' own descriptions of their interfaces.

A description is a JSON file read from what a vendor publishes. Each checker takes kinds of calls as
``engine.demo.calls`` keeps them and returns a sentence for everything that does not exist there.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

Kind = Mapping[str, Any]
Description = Mapping[str, Any]
Checker = Callable[[Description, Iterable[Kind]], list[str]]

# What every request has, whatever it is for.
COMMON_HEADERS = {
    "accept", "accept-encoding", "authorization", "content-length", "content-type", "host",
    "user-agent",
}  # fmt: skip


def _said(kind: Kind, what: str) -> str:
    return f"{kind['method']} {kind['path']}: {what}"


def _template_of(path: str, templates: Iterable[str]) -> str | None:
    """The described path that an actual one is an example of; the most literal one."""
    found = [one for one in templates if re.fullmatch(re.sub(r"\{[^}]+\}", "[^/]+", one), path)]
    return min(found, key=lambda one: one.count("{"), default=None)


# -- Zuora ----------------------------------------------------------------------------------------


def zuora(description: Description, kinds: Iterable[Kind]) -> list[str]:
    operations = {(one["method"], one["path"]): one for one in description["operations"]}
    queries = {("GET", path) for path in description["all_object_query_paths"]}
    pattern = next(one for one in operations.values() if one["path"].startswith("/object-query/")
                   and "{" not in one["path"])  # fmt: skip
    faults = []
    for kind in kinds:
        paths = [path for method, path in (*operations, *queries) if method == kind["method"]]
        template = _template_of(kind["path"], paths)
        if template is None:
            faults.append(_said(kind, "no such path"))
            continue
        operation = operations.get((kind["method"], template), pattern)
        headers = {name.lower() for name in operation["headers"]} | COMMON_HEADERS
        faults += [_said(kind, f"no parameter {name}") for name in kind["parameters"]
                   if name not in operation["query"]]  # fmt: skip
        faults += [_said(kind, f"no header {name}") for name in kind["headers"]
                   if name not in headers]  # fmt: skip
        for name in kind["fields"]:
            known = name in operation["form"] or _in_model(
                description["definitions"], operation["body"], name.split(".")
            )
            if not known:
                faults.append(_said(kind, f"no field {name}"))
    return faults


def _in_model(models: Mapping[str, Any], name: str | None, path: list[str]) -> bool:
    """Whether a path of names exists in a model, following references, lists and alternatives."""
    return name is not None and _in_shape(models, models.get(name, {}), path)


def _in_shape(models: Mapping[str, Any], shape: Any, path: list[str]) -> bool:
    for one in _alternatives(models, shape):
        if not path:
            return True
        here = one.get("properties", {}).get(path[0].removesuffix("[]"))
        if here is None:
            if one.get("additionalProperties"):
                return True
            continue
        inner = [here] if not path[0].endswith("[]") else [
            two["items"] for two in _alternatives(models, here) if "items" in two
        ]  # fmt: skip
        if any(_in_shape(models, two, path[1:]) for two in inner):
            return True
    return False


def _alternatives(models: Mapping[str, Any], shape: Any) -> Iterator[Mapping[str, Any]]:
    if "$ref" in shape:
        yield from _alternatives(models, models[shape["$ref"].rpartition("/")[2]])
        return
    yield shape
    for word in ("allOf", "anyOf", "oneOf"):
        for one in shape.get(word, ()):
            yield from _alternatives(models, one)


# -- Stripe ---------------------------------------------------------------------------------------


def stripe(description: Description, kinds: Iterable[Kind]) -> list[str]:
    faults = []
    for kind in kinds:
        parts = kind["path"].split("/")[2:]
        resource = _singular(parts[0], description["params"])
        if resource is None:
            faults.append(_said(kind, "no such path"))
            continue
        sent = [*kind["parameters"], *kind["fields"]]
        if kind["method"] == "GET" and len(parts) == 2 and parts[1] != "search":
            faults += [_said(kind, f"no parameter {name}") for name in sent
                       if not name.startswith("expand[")]  # fmt: skip
            continue
        action = _action(kind["method"], parts)
        classes = description["params"][resource].get(action)
        if classes is None:
            faults.append(_said(kind, f"no action {action}"))
            continue
        root = next(name for name in classes if name.endswith("Params"))
        faults += [_said(kind, f"no parameter {name}") for name in sent
                   if not _in_params(classes, root, re.findall(r"[^\[\]]+", name))]  # fmt: skip
    return faults


def _singular(word: str, known: Mapping[str, Any]) -> str | None:
    forms = (word.removesuffix("s"), word, word.replace("invoiceitem", "invoice_item")[:-1])
    return next((one for one in forms if one in known), None)


def _action(method: str, parts: list[str]) -> str:
    if method == "GET":
        return "search" if parts[-1] == "search" else "list"
    if method == "DELETE":
        return "delete"
    return {1: "create", 2: "modify"}.get(len(parts), parts[-1])


def _in_params(classes: Mapping[str, Any], name: str, path: list[str]) -> bool:
    """Whether a parameter exists: ``created[gte]`` is a field of the type of ``created``."""
    if not path:
        return True
    kind = classes[name].get(path[0])
    if kind is None:
        return False
    inner = [one for one in re.findall(r"\w+", str(kind)) if one in classes]
    rest = path[1:]
    if rest and rest[0].isdigit():
        if "List[" not in str(kind):
            return False
        rest = rest[1:]
    if not rest or "Dict[str" in str(kind):
        return True
    return any(_in_params(classes, one, rest) for one in inner)


# -- NetSuite -------------------------------------------------------------------------------------


def netsuite(description: Description, kinds: Iterable[Kind]) -> list[str]:
    """Paths, and the fields of the records that the description has."""
    known = {(one["method"], re.split(r"[?\[]", one["path"])[0])
             for one in description["operations"]}  # fmt: skip
    faults = []
    for kind in kinds:
        path = kind["path"].removeprefix("/services/rest")
        template = _template_of(path, [one for method, one in known if method == kind["method"]])
        if template is None:
            faults.append(_said(kind, "no such path"))
        parts = path.split("/")
        record = description["records"].get(parts[3]) if parts[1] == "record" else None
        if record is not None:
            faults += [_said(kind, f"no field {name}") for name in kind["fields"]
                       if not _in_record(record, name.split("."))]  # fmt: skip
    return faults


def _in_record(record: Mapping[str, Any], path: list[str]) -> bool:
    """A field, a reference's id, or a field of a line of a sublist."""
    if path[0] not in record["fields"]:
        return path[0] in record.get("sublists", {})
    if path[1:] and path[1] == "items[]":
        return path[2] in record["sublists"].get(path[0], {}).get("element", {})
    return path[1:] in ([], ["id"], ["externalId"])


# -- HubSpot and Salesforce -----------------------------------------------------------------------


def hubspot(description: Description, kinds: Iterable[Kind]) -> list[str]:
    """Paths and methods. The description has the numbered versions of the paths alone."""
    endpoints = [
        one for package in description["packages"].values() for one in package["endpoints"]
    ]
    faults = []
    for kind in kinds:
        paths = [one["path"] for one in endpoints if one["http"] == kind["method"]]
        candidates = [re.sub(r"^/crm/(\w+)/\d{4}-\d{2}", rf"/crm/{number}/\1", kind["path"])
                      for number in ("v3", "v4")]  # fmt: skip
        forms = (*candidates, *(f"{path}/" for path in candidates), kind["path"])
        if not any(_template_of(path, paths) for path in forms):
            faults.append(_said(kind, "no such path"))
    return faults


def salesforce(description: Description, kinds: Iterable[Kind]) -> list[str]:
    """Fields of the records written: each exists on one of the standard objects, or is custom."""
    fields = {name for one in description["objects"].values() for name in one["fields"]}
    faults = []
    for kind in kinds:
        for name in kind["fields"]:
            field = name.removeprefix("records[].")
            inside = name.startswith("records[].") and not field.startswith("attributes.")
            if inside and field not in fields and not field.endswith("__c") and field != "id":
                faults.append(_said(kind, f"no field {field}"))
    return faults


# -- DocuSign -------------------------------------------------------------------------------------

_DOCUSIGN_BASE = "/restapi"


def docusign(description: Description, kinds: Iterable[Kind]) -> list[str]:
    operations = {(one["method"], one["path"]): one for one in description["operations"]}
    models = description["models"]
    faults = []
    for kind in kinds:
        path = kind["path"].removeprefix(_DOCUSIGN_BASE)
        paths = [path for method, path in operations if method == kind["method"]]
        template = _template_of(path, paths)
        if template is None:
            faults.append(_said(kind, "no such path"))
            continue
        operation = operations[kind["method"], template]
        faults += [_said(kind, f"no parameter {name}") for name in kind["parameters"]
                   if name not in operation["query"]]  # fmt: skip
        faults += [_said(kind, f"no field {name}") for name in kind["fields"]
                   if not _in_docusign(models, operation["body"], name.split("."))]  # fmt: skip
    return faults


def _in_docusign(models: Mapping[str, Any], name: str | None, path: list[str]) -> bool:
    """Whether a path of names exists in a model, whose fields name their types: ``list[Tab]``."""
    model = models.get(name or "")
    if model is None or not path:
        return not path
    kind = model.get(path[0].removesuffix("[]"))
    if kind is None:
        return False
    return _in_docusign(models, re.sub(r"^list\[(.*)\]$", r"\1", kind), path[1:])
