"""Values as the account keeps and prints them: every scalar is a string."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final, TypeAlias

from sandbox.docusign.errors import Problem, bad_body, bad_parameter

Row: TypeAlias = dict[str, Any]

GUID: Final = re.compile(r"[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}", re.ASCII)
EMAIL: Final = re.compile(r"[^@\s,;]+@[^@\s,;]+\.[^@\s,;.]+")


def printed(value: Any) -> Any:
    """A value as JSON of strings; names that start with an underscore stay inside."""
    if isinstance(value, datetime):
        return value.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%f0Z")
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return str(value)
    if isinstance(value, Mapping):
        return {
            name: printed(inner)
            for name, inner in value.items()
            if name[0] != "_" and inner is not None
        }
    if isinstance(value, list | tuple):
        return [printed(inner) for inner in value]
    return value


def text(body: Mapping[str, Any], name: str, *, longest: int | None = None) -> str | None:
    """A text of a body; numbers and booleans are taken as the strings they stand for."""
    value = body.get(name)
    if value is None:
        return None
    if isinstance(value, dict | list):
        raise bad_body(f"{name} is not a string")
    spelled = printed(value) if isinstance(value, bool | int) else str(value)
    if longest is not None and len(spelled) > longest:
        raise Problem("INVALID_REQUEST_BODY", f"{name} is longer than {longest} characters")
    return str(spelled)


def objects(body: Mapping[str, Any], name: str) -> list[Row]:
    """A list of objects of a body."""
    value = body.get(name)
    if value is None:
        return []
    if not isinstance(value, list) or any(not isinstance(one, dict) for one in value):
        raise bad_body(f"{name} is not a list of objects")
    return value


def mapping(body: Mapping[str, Any], name: str) -> Row:
    """An object of a body."""
    value = body.get(name)
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise bad_body(f"{name} is not an object")
    return value


def instant(spelled: str, name: str) -> datetime:
    """A time of a query."""
    shortened = re.sub(r"(\.\d{6})\d+", r"\1", spelled.strip())
    try:
        found = datetime.fromisoformat(shortened)
    except ValueError:
        raise bad_parameter(f"{name} is not a date") from None
    return found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)


def guid(spelled: str, name: str) -> str:
    """An id of an envelope or template."""
    if not GUID.fullmatch(spelled.lower()):
        raise bad_parameter(f"{name} is not a GUID")
    return spelled.lower()
