"""The shapes that HubSpot's answers share: result lists, paging, partial errors."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TypeVar

from connectors.errors import UnexpectedAnswer

Item = TypeVar("Item")


def chunks(items: Sequence[Item], size: int) -> Iterator[Sequence[Item]]:
    """The items in runs of at most ``size``."""
    for at in range(0, len(items), size):
        yield items[at : at + size]


def rows(body: object) -> tuple[Mapping[str, object], ...]:
    """The ``results`` of an answer.

    Raises:
        UnexpectedAnswer: there is no such list; an empty page must never be mistaken for a cut one.
    """
    results = body.get("results") if isinstance(body, Mapping) else None
    if not isinstance(results, list) or not all(isinstance(row, Mapping) for row in results):
        raise UnexpectedAnswer(
            "HubSpot's answer holds no list of results.", code="UNREADABLE_ANSWER"
        )
    return tuple(results)


def next_after(body: object) -> str | None:
    """The cursor of the next page, or ``None`` on the last."""
    paging = body.get("paging") if isinstance(body, Mapping) else None
    following = paging.get("next") if isinstance(paging, Mapping) else None
    after = following.get("after") if isinstance(following, Mapping) else None
    return text_of(after) if after not in (None, "") else None


def partial_errors(body: object) -> tuple[Mapping[str, object], ...]:
    """The ``errors`` of a 207."""
    errors = body.get("errors") if isinstance(body, Mapping) else None
    if not isinstance(errors, list):
        return ()
    return tuple(row for row in errors if isinstance(row, Mapping))


def context_values(row: Mapping[str, object], name: str) -> tuple[str, ...]:
    """The values an error's context gives for a name."""
    context = row.get("context")
    values = context.get(name) if isinstance(context, Mapping) else None
    return tuple(text_of(value) for value in values) if isinstance(values, list) else ()


def text_of(value: object) -> str:
    """An id as text, whether HubSpot printed it as text or as a number.

    Raises:
        UnexpectedAnswer: it is neither.
    """
    if isinstance(value, str):
        return value
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    raise UnexpectedAnswer("HubSpot's answer lacks an id.", code="UNREADABLE_ANSWER")
