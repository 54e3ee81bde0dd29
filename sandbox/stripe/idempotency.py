"""The first answer to a key is the answer for 24 hours.

Reference: docs.stripe.com/api/idempotent_requests.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from sandbox.messages import Json, Response
from sandbox.stripe.errors import ApiError

KEPT: Final = timedelta(hours=24)
KEY_MAX: Final = 255


@dataclass(slots=True)
class Entry:
    """One key: what it was used for, what was answered, and who is still at it."""

    path: str
    params: Json
    at: datetime
    seq: int
    answer: Response
    busy: int | None = None  # the number of a request whose answer is not out yet


class IdempotencyStore:
    """Answers by (account, key). Guarded by the simulator's lock."""

    def __init__(self) -> None:
        self._entries: dict[tuple[str, str], Entry] = {}
        self._busy: dict[int, Entry] = {}

    def replay(
        self, account: str, key: str, path: str, params: Json, now: datetime
    ) -> Entry | None:
        """The entry of a key that was used before; an error when it cannot be used like this."""
        if len(key) > KEY_MAX:
            text = f"Idempotency keys have at most {KEY_MAX} characters"
            raise ApiError(400, text, type="idempotency_error", stored=False)
        entry = self._entries.get((account, key))
        if entry is None or now - entry.at >= KEPT:
            return None
        if entry.busy is not None:
            text = "Another request with this idempotency key is still being carried out"
            raise ApiError(
                409, text, type="idempotency_error", code="idempotency_key_in_use", stored=False
            )
        if (entry.path, entry.params) != (path, params):
            text = (
                "Keys for idempotent requests can only be used with the same parameters they were"
                " first used with."
            )
            raise ApiError(400, text, type="idempotency_error", stored=False)
        return entry

    def keep(self, account: str, key: str, entry: Entry) -> None:
        """Remember the answer to a key."""
        self._entries[account, key] = entry
        if entry.busy is not None:
            self._busy[entry.busy] = entry

    def falsify(self, seq: int, account: str, key: str, answer: Response) -> None:
        """What the client saw of a request was a failure of the server; that is what is kept."""
        entry = self._entries.get((account, key))
        if entry is not None and entry.seq == seq:
            entry.answer = answer

    def release(self, seq: int) -> None:
        """The answer to a request is out: its key is free to be replayed."""
        entry = self._busy.pop(seq, None)
        if entry is not None:
            entry.busy = None
