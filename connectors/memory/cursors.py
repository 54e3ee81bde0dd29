"""Cursors of a memory account: where a sweep of changes stands, and where the next begins."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace

from connectors.errors import Rejected


@dataclass(frozen=True, slots=True)
class Sweep:
    """One pass over the changes, in microseconds of the account's clock.

    ``after`` is the last (version, number) handed out. ``started`` is when the pass began, or
    ``None`` before its first page; the next pass begins the overlap before it.
    """

    after: tuple[int, int]
    started: int | None = None

    def begun(self, now: int) -> Sweep:
        """The pass, with its start noted."""
        return self if self.started is not None else replace(self, started=now)

    def next(self, overlap: int) -> Sweep:
        """The pass that follows this one, now at its head."""
        if self.started is None:
            return self
        return Sweep((self.started - overlap, 0))

    def dump(self) -> str:
        """The cursor as text."""
        return json.dumps([*self.after, self.started], separators=(",", ":"))

    @staticmethod
    def load(text: str) -> Sweep:
        """The cursor from text. Raises ``Rejected`` when we did not write it."""
        try:
            version, number, started = json.loads(text)
            after = (int(version), int(number))
            return Sweep(after, None if started is None else int(started))
        except (ValueError, TypeError) as error:
            raise Rejected("the cursor is not one of ours", code="BAD_CURSOR") from error
