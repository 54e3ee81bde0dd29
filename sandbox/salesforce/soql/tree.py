"""A parsed query. Names are as written; they are resolved against the schema when it runs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias


@dataclass(frozen=True, slots=True)
class Path:
    """A field, through parents if dotted."""

    parts: tuple[str, ...]
    at: int


@dataclass(frozen=True, slots=True)
class Literal:
    """A value in the text. ``kind``: text, number, boolean, null, date, instant, relative."""

    kind: str
    text: str
    at: int


@dataclass(frozen=True, slots=True)
class Comparison:
    """``path operator literal``; operators ``= != < <= > >= LIKE``."""

    path: Path
    operator: str
    literal: Literal


@dataclass(frozen=True, slots=True)
class Membership:
    """``path IN (…)``: literals or a sub-query. ``operator``: IN, NOT IN, INCLUDES, EXCLUDES."""

    path: Path
    operator: str
    literals: tuple[Literal, ...] = ()
    query: Query | None = None


@dataclass(frozen=True, slots=True)
class Not:
    """``NOT condition``."""

    condition: Condition


@dataclass(frozen=True, slots=True)
class All:
    """Conditions joined by AND."""

    conditions: tuple[Condition, ...]


@dataclass(frozen=True, slots=True)
class Any:
    """Conditions joined by OR."""

    conditions: tuple[Condition, ...]


Condition: TypeAlias = "Comparison | Membership | Not | All | Any"


@dataclass(frozen=True, slots=True)
class Order:
    """One ORDER BY term."""

    path: Path
    descending: bool
    nulls_last: bool


@dataclass(frozen=True, slots=True)
class Query:
    """A SELECT. ``children`` are sub-queries by their place in ``fields``."""

    text: str
    object: str
    object_at: int
    fields: tuple[Path | Query | str, ...]  # "COUNT()", or "FIELDS(ALL)" and its kin, as text
    where: Condition | None = None
    order: tuple[Order, ...] = ()
    limit: int | None = None
    offset: int = 0
