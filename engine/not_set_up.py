"""What stands for the connector of a connection that was never set up and that no sync uses."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from connectors.base import ConnectorSpec
from connectors.errors import Rejected
from connectors.records import AccountIdentity, Record, Selection

CODE: Final = "NOT_SET_UP"


@dataclass(slots=True)
class NotSetUp:
    """Declares what its connector declares, and refuses every call with what is missing."""

    spec: ConnectorSpec
    why: str

    def check(self) -> AccountIdentity:
        """Refused: there are no credentials."""
        raise Rejected(self.why, code=CODE)

    def read(self, selection: Selection, ids: Sequence[str]) -> tuple[Record, ...]:  # noqa: ARG002
        """Refused: there are no credentials."""
        raise Rejected(self.why, code=CODE)
