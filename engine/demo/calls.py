"""Every kind of call that the demo made, once: which address, which parameters, which fields.

For people who want to see what would be sent, and for comparing with the vendors' descriptions.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final
from urllib.parse import parse_qsl

import orjson

from engine.demo.simulators import Simulators

KEPT_FILE: Final = "calls.json"
FORM: Final = "application/x-www-form-urlencoded"


def keep(place: Path, simulators: Simulators) -> None:
    """Write the kinds of calls made so far beside the project."""
    kinds = [
        {"system": system, **kind}
        for system in simulators.urls
        for kind in kinds_of(simulators.log(system))
    ]
    (place / KEPT_FILE).write_bytes(orjson.dumps(kinds, option=orjson.OPT_INDENT_2))


def kinds_of(log: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """The distinct calls of a log: an example path each, with the names of all that was sent."""
    found: dict[tuple[Any, ...], dict[str, Any]] = {}
    for entry in log:
        parameters = tuple(sorted({name for name, _ in entry["query"]}))
        fields = tuple(sorted(set(_fields(entry))))
        key = (entry["method"], entry["template"] or entry["path"], parameters, fields)
        kind = found.setdefault(key, {
            "method": entry["method"], "path": entry["path"], "template": entry["template"],
            "parameters": list(parameters), "headers": sorted(entry["headers"]),
            "fields": list(fields), "calls": 0,
        })  # fmt: skip
        kind["calls"] += 1
    return list(found.values())


def _fields(entry: Mapping[str, Any]) -> Iterator[str]:
    """The names of what is in a body: ``lines[].amount``, or ``metadata[key]`` in a form."""
    body = str(entry["body"])
    if str(entry["headers"].get("content-type", "")).startswith(FORM):
        yield from (name for name, _ in parse_qsl(body, keep_blank_values=True))
        return
    try:
        content = json.loads(body) if body else None
    except ValueError:
        return
    yield from _names(content, "")


def _names(content: Any, before: str) -> Iterator[str]:
    if isinstance(content, Mapping):
        for name, value in content.items():
            yield from _names(value, f"{before}.{name}" if before else name)
    elif isinstance(content, list):
        if not content:
            yield f"{before}[]"
        for value in content:
            yield from _names(value, f"{before}[]")
    elif before:
        yield before
