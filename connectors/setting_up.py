"""What the syncs need on a system's side, and the capability to prepare it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol, runtime_checkable


class SetupKind(StrEnum):
    """What can be needed on a system's side."""

    IDENTITY_FIELD = "identity_field"
    PERMISSION = "permission"
    WEBHOOK = "webhook"


@dataclass(frozen=True, slots=True)
class SetupNeed:
    """Something the configured syncs need in the account.

    ``name`` is the field, the permission, or the webhook event (``creation``, ``change`` …).
    """

    kind: SetupKind
    object: str
    name: str


@dataclass(frozen=True, slots=True)
class SetupStep:
    """A need, whether it is met (``None``: the API cannot say), and how a person would meet it."""

    need: SetupNeed
    present: bool | None
    creatable: bool
    instructions: tuple[str, ...]


@runtime_checkable
class SetsUp(Protocol):
    """Can prepare an account for the syncs."""

    def inspect(self, needs: Sequence[SetupNeed]) -> tuple[SetupStep, ...]:
        """How things stand, one step per need, in the same order."""
        ...

    def create(self, need: SetupNeed) -> None:
        """Create what is missing; doing it twice is harmless."""
        ...
