"""The moments at which an object's rules act."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

from sandbox.salesforce.errors import Refusal
from sandbox.salesforce.org import Org
from sandbox.salesforce.values import Row


@dataclass(frozen=True, slots=True)
class Save:
    """A row about to be saved: ``given`` are the call's accepted values; ``row`` may change."""

    org: Org
    old: Row | None
    given: Mapping[str, Any]
    row: Row

    def changed(self, name: str) -> bool:
        """Whether the field differs from before."""
        return self.old is None or self.old.get(name) != self.row.get(name)


BeforeSave: TypeAlias = Callable[[Save], None]
AfterSave: TypeAlias = Callable[[Org, Row], None]
BeforeDelete: TypeAlias = Callable[[Org, Row], None]


def nothing(*_: object) -> None:
    """No rule."""


@dataclass(frozen=True, slots=True)
class ObjectRules:
    """``before_save`` derives and refuses; ``after_change`` follows a save, delete or undelete."""

    before_save: BeforeSave = nothing
    after_change: AfterSave = nothing
    before_delete: BeforeDelete = nothing


NO_RULES: Final = ObjectRules()


def missing(*fields: str) -> Refusal:
    """REQUIRED_FIELD_MISSING."""
    return Refusal(
        "REQUIRED_FIELD_MISSING", f"Required fields are missing: [{', '.join(fields)}]", *fields
    )


def integrity(field: str, reason: str) -> Refusal:
    """FIELD_INTEGRITY_EXCEPTION about one field."""
    message = f"field integrity exception: {field} ({reason})"
    return Refusal("FIELD_INTEGRITY_EXCEPTION", message, field)
