"""The two path styles. Reference: developers.hubspot.com, changelog "API versioning"."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final

from sandbox.routes import Handler, Route

DATED: Final = ("2026-03", "2026-09")


def both(
    method: str,
    numbered: str,
    dated: str,
    handler: Handler,
    query: Iterable[str] = (),
    *,
    open: bool = False,
) -> Iterator[Route]:
    """One handler under its numbered path and its dated ones; ``{date}`` stands for the version."""
    known = frozenset(query)
    yield Route(method, numbered, handler, known, open)
    for date in DATED:
        yield Route(method, dated.replace("{date}", date), handler, known, open)


def objects(method: str, tail: str, handler: Handler, query: Iterable[str] = ()) -> Iterator[Route]:
    """A path below the CRM objects."""
    return both(method, f"/crm/v3/objects{tail}", f"/crm/objects/{{date}}{tail}", handler, query)
