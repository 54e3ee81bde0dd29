"""The bracket form encoding: ``items[0][price]=p&metadata[k]=v&expand[]=customer``."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final
from urllib.parse import parse_qsl

from sandbox.messages import Json, Request
from sandbox.stripe.errors import invalid

DEPTH_MAX: Final = 12
_KEY: Final = re.compile(r"([^\[\]]+)((?:\[[^\[\]]*\])*)")
_PART: Final = re.compile(r"\[([^\[\]]*)\]")
FORM: Final = "application/x-www-form-urlencoded"


def decode(pairs: Iterable[tuple[str, str]]) -> dict[str, Json]:
    """Nested dictionaries of text; list positions are keys of digits until a shape is known."""
    tree: dict[str, Json] = {}
    for key, value in pairs:
        match = _KEY.fullmatch(key)
        if match is None:
            raise invalid(f"Invalid parameter name: {key}", key)
        parts = [match[1], *_PART.findall(match[2])]
        if len(parts) > DEPTH_MAX:
            raise invalid(f"Parameter is nested too deeply: {match[1]}", match[1])
        node = tree
        for place, part in enumerate(parts[:-1]):
            node = node.setdefault(part or _next(node), {})
            if not isinstance(node, dict):
                named = "][".join(parts[: place + 1])
                raise invalid(f"Parameter is both a value and an object: {named}", match[1])
        node[parts[-1] or _next(node)] = value
    return tree


def _next(node: dict[str, Json]) -> str:
    return str(len(node))


def of_request(request: Request) -> dict[str, Json]:
    """The parameters of a request, from the query of a read and the body of a write."""
    if request.method == "GET":
        return decode(request.query)
    kind = request.headers.get("content-type", FORM).partition(";")[0].strip().lower()
    if request.body and kind != FORM:
        raise invalid(f"Invalid request: the content type of a POST has to be {FORM}")
    try:
        text = request.body.decode("utf-8")
    except UnicodeDecodeError:
        raise invalid("Invalid request: the body is not UTF-8") from None
    return decode([*request.query, *parse_qsl(text, keep_blank_values=True)])
