"""What a round of the runner takes and gives."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from engine.pipeline.take_in import SpooledRequest


class NoSpool:
    """Where no receiver runs, nothing is spooled."""

    def after(self, position: int, limit: int) -> Sequence[SpooledRequest]:  # noqa: ARG002
        return ()

    def erase(self, seqs: Sequence[int], now: datetime) -> None:
        """There is nothing to erase."""


@dataclass(frozen=True, slots=True)
class Round:
    """What a round came to."""

    requests: int = 0
    records: int = 0
    routed: int = 0
    delivered: int = 0

    @property
    def busy(self) -> bool:
        """Whether anything was done."""
        return bool(self.requests or self.records or self.routed or self.delivered)
