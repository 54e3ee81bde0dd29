"""Field groups at work: which of their fields are filled."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from engine.mapping.operators import is_blank


def filled(value: Any) -> bool:
    """Whether somebody has filled a field: not blank, not white space, not an unticked box."""
    if isinstance(value, str):
        return bool(value.strip())
    return not is_blank(value) and value is not False and value != ()


def complete(values: Sequence[Any], complete_from: int) -> bool:
    """Whether at least so many fields of a group are filled."""
    return sum(1 for value in values if filled(value)) >= complete_from


def missing(values: Sequence[Any], names: Sequence[str]) -> tuple[str, ...]:
    """The names of the fields that are not filled, in the group's order."""
    return tuple(name for name, value in zip(names, values, strict=True) if not filled(value))
