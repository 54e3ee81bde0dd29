"""Lists, newest first, with cursors and filters. Reference: docs.stripe.com/api/pagination."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from operator import ge, gt, le, lt
from typing import Final

from sandbox.messages import Json
from sandbox.stripe.errors import ApiError, invalid
from sandbox.stripe.store import Record

LIMIT_DEFAULT: Final = 10
LIMIT_MAX: Final = 100
PAGING: Final = frozenset({"limit", "starting_after", "ending_before", "expand"})
_COMPARE: Final = {"gt": gt, "gte": ge, "lt": lt, "lte": le}


def limit_of(params: Mapping[str, Json]) -> int:
    """How many rows a page holds; 1 to 100, 10 unless said."""
    limit: int = params.get("limit", LIMIT_DEFAULT)
    if not 1 <= limit <= LIMIT_MAX:
        text = f"limit must be between 1 and {LIMIT_MAX}"
        raise invalid(text, "limit", "parameter_invalid_integer")
    return limit


def in_range(value: int | None, wanted: Json) -> bool:
    """Whether a time matches a ``created`` filter: one instant, or any of gt, gte, lt, lte."""
    if value is None:
        return False
    if not isinstance(wanted, dict):
        return bool(value == wanted)
    return all(_COMPARE[word](value, limit) for word, limit in wanted.items())


def page(
    rows: Iterable[Record],
    matches: Callable[[Record], bool],
    params: Mapping[str, Json],
    url: str,
    object: str,
) -> Record:
    """One page of the matching rows; ``rows`` come newest first. A cursor is a place among all
    rows, so a row that no longer matches still holds its place."""
    limit = limit_of(params)
    after, before = params.get("starting_after"), params.get("ending_before")
    if after and before:
        raise invalid("Give starting_after or ending_before, not both", "starting_after")
    found: list[Record] = []
    started = not after
    ended = False
    for row in rows:
        if not started:
            started = row["id"] == after
        elif before and row["id"] == before:
            ended = True
            break
        elif matches(row):
            found.append(row)
            if not before and len(found) > limit:
                break
    if not started or (before and not ended):
        name = "starting_after" if after else "ending_before"
        text = f"No such {object}: '{after or before}'"
        raise ApiError(400, text, code="resource_missing", param=name)
    chosen = found[-limit:] if before else found[:limit]
    return {"object": "list", "url": url, "has_more": len(found) > limit, "data": chosen}
