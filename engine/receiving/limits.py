"""What a stranger may ask of the receiver."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

CONNECTION_NAME: Final = re.compile(r"[a-z0-9][a-z0-9_-]{0,62}")


@dataclass(frozen=True, slots=True)
class ReceiverLimits:
    """Sizes in bytes, times in seconds.

    ``receive_seconds`` is how long headers, and then the body, may take to arrive.
    ``answer_seconds`` bounds a whole request, the reading of its answer included.
    ``buffered_max_bytes`` bounds all bodies being read at one time.
    """

    body_max_bytes: int = 1_048_576
    header_max_bytes: int = 16_384
    header_max_count: int = 100
    receive_seconds: float = 10.0
    answer_seconds: float = 30.0
    commit_seconds: float = 4.5
    idle_seconds: int = 5
    connections_max: int = 512
    connections_per_address_max: int = 256
    pipeline_max: int = 16
    buffered_max_bytes: int = 64 * 1024 * 1024


class Refusal(Exception):
    """A request that is answered with an error and leaves no trace but a count.

    ``code`` is a fixed word, shown to the sender and counted. ``close`` ends the connection, as
    the rest of the request was not read.
    """

    def __init__(
        self, status: int, code: str, *, close: bool = True, retry_seconds: int | None = None
    ) -> None:
        super().__init__(code)
        self.status = status
        self.code = code
        self.close = close
        self.retry_seconds = retry_seconds
