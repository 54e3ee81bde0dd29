"""Which parameters an operation takes, and turning their text into values.

``parameters.json`` holds names and kinds per operation, as the vendor's Python library 16.1
declares them. A name with ``!`` is required, one with ``?`` may be blank (which unsets it). A kind
is text, integer, boolean, decimal, ``one:a|b``, a list, an object, ``{"*": kind}`` for free keys,
or any; an object with ``=`` may also be that plain value.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from decimal import Decimal, InvalidOperation
from functools import cache
from importlib import resources
from types import MappingProxyType
from typing import Final

from sandbox.messages import Json
from sandbox.stripe.errors import ApiError, invalid

METADATA_KEYS_MAX: Final = 50
METADATA_KEY_MAX: Final = 40
METADATA_VALUE_MAX: Final = 500
TEXT_MAX: Final = 5000
_INTEGER_MAX: Final = 2**63
_RETRIEVE: Final[Mapping[str, Json]] = MappingProxyType({"expand": ["text"]})
_SEARCH: Final[Mapping[str, Json]] = MappingProxyType(
    {"query!": "text", "limit": "integer", "page": "text", "expand": ["text"]}
)


@cache
def _operations() -> Mapping[str, Json]:
    text = resources.files("sandbox.stripe").joinpath("parameters.json").read_text("utf-8")
    return MappingProxyType(json.loads(text))


def shape_of(operation: str) -> Mapping[str, Json]:
    """The parameters of an operation such as ``customer.create``."""
    if operation == "retrieve":
        return _RETRIEVE
    if operation == "search":
        return _SEARCH
    shape: Mapping[str, Json] = _operations()[operation]
    return shape


def parse(operation: str, tree: Mapping[str, Json]) -> dict[str, Json]:
    """Typed values; :class:`ApiError` naming the first parameter that cannot be."""
    return _object(shape_of(operation), tree, "")


def _name(path: str, name: str) -> str:
    return f"{path}[{name}]" if path else name


def _object(shape: Mapping[str, Json], tree: Mapping[str, Json], path: str) -> dict[str, Json]:
    known = {name.rstrip("!?"): (name, kind) for name, kind in shape.items() if name != "="}
    unknown = [_name(path, name) for name in tree if name not in known]
    if unknown:
        word = "parameter" if len(unknown) == 1 else "parameters"
        text = f"Received unknown {word}: {', '.join(unknown)}"
        raise invalid(text, unknown[0], "parameter_unknown")
    values: dict[str, Json] = {}
    for name, (marked, kind) in known.items():
        full = _name(path, name)
        if name not in tree:
            if "!" in marked:
                raise invalid(f"Missing required param: {full}.", full, "parameter_missing")
            continue
        value = tree[name]
        if value == "" and ("?" in marked or (kind == "text" and "!" not in marked)):
            values[name] = None
        else:
            values[name] = _value(kind, value, full)
    return values


def _value(kind: Json, value: Json, path: str) -> Json:
    if isinstance(kind, list):
        return _list(kind[0], value, path)
    if isinstance(kind, dict):
        if "=" in kind and not isinstance(value, dict):
            return _value(kind["="], value, path)
        if not isinstance(value, dict):
            raise invalid(f"Invalid object: {path}", path)
        return _map(kind["*"], value, path) if "*" in kind else _object(kind, value, path)
    if kind == "any":
        return value
    if not isinstance(value, str):
        raise invalid(f"Invalid value: {path} takes one value, not an object or a list", path)
    if value == "":
        text = f"{path} cannot be unset: leave it out, or give it a value"
        raise invalid(text, path, "parameter_invalid_empty")
    return _scalar(kind, value, path)


def _list(kind: Json, value: Json, path: str) -> list[Json]:
    if value == "":
        return []
    if not isinstance(value, dict) or not all(key.isdigit() for key in value):
        raise invalid(f"Invalid array: {path}", path)
    ordered = sorted(value.items(), key=lambda item: int(item[0]))
    return [_value(kind, item, _name(path, str(place))) for place, (_, item) in enumerate(ordered)]


def _map(kind: Json, value: Mapping[str, Json], path: str) -> dict[str, Json]:
    """Free keys; a blank value stays blank, which removes the key."""
    made = {k: "" if v == "" else _value(kind, v, _name(path, k)) for k, v in value.items()}
    if path.endswith(("metadata", "metadata]")):
        check_metadata(made, path)
    return made


def check_metadata(values: Mapping[str, str], path: str = "metadata") -> None:
    """At most 50 keys of at most 40 characters, values of at most 500."""
    if len(values) > METADATA_KEYS_MAX:
        raise invalid(f"{path} holds at most {METADATA_KEYS_MAX} keys", path)
    for key, value in values.items():
        if len(key) > METADATA_KEY_MAX:
            text = f"{path} keys have at most {METADATA_KEY_MAX} characters: {key}"
            raise invalid(text, f"{path}[{key}]")
        if len(value) > METADATA_VALUE_MAX:
            text = f"{path} values have at most {METADATA_VALUE_MAX} characters: {key}"
            raise invalid(text, f"{path}[{key}]")


def _scalar(kind: str, value: str, path: str) -> Json:
    first, _, second = kind.partition(" or ")
    if second:  # "integer or one:now": the plain kind is tried first
        try:
            return _scalar(first, value, path)
        except ApiError:
            return _scalar(second, value, path)
    if kind.startswith("one:"):
        choices = kind[4:].split("|")
        if value not in choices:
            raise invalid(f"Invalid {path}: must be one of {', '.join(choices)}", path)
        return value
    if kind == "integer":
        return _integer(value, path)
    if kind == "boolean":
        if value not in {"true", "false"}:
            raise invalid(f"Invalid boolean: {value}", path)
        return value == "true"
    if kind == "decimal":
        return _decimal(value, path)
    if len(value) > TEXT_MAX:
        text = f"Invalid string: at most {TEXT_MAX} characters"
        raise invalid(text, path, "parameter_invalid_string_blank")
    return value


def _integer(value: str, path: str) -> int:
    digits = value[1:] if value[:1] in {"-", "+"} else value
    if not (digits.isascii() and digits.isdigit()) or abs(int(value)) >= _INTEGER_MAX:
        raise invalid(f"Invalid integer: {value}", path, "parameter_invalid_integer")
    return int(value)


def _decimal(value: str, path: str) -> Decimal:
    try:
        number = Decimal(value)
    except InvalidOperation:
        number = Decimal("NaN")
    exponent = number.as_tuple().exponent
    if not number.is_finite() or not isinstance(exponent, int) or exponent < -12:
        text = f"Invalid decimal: {value}; at most 12 decimal places"
        raise invalid(text, path)
    return number
