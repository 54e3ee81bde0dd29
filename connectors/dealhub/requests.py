"""Asynchronous requests: what became of one, and which were taken in for which quote.

"Headless API": generate, submit, publish and sign externally are answered 202 and carried out
later. Very large quotes may stay queued.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from connectors.dealhub.rest import Rest, path_of
from connectors.errors import UnexpectedAnswer

STATUS_PATH: Final = "/api/v1/request/{}/status"
_KEPT_MAX: Final = 1_000


class State(StrEnum):
    """Where a request stands. ``RUNNING`` is queued or in progress."""

    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"


_STATES: Final = {
    "queued": State.RUNNING,
    "inprogress": State.RUNNING,
    "done": State.DONE,
    "failed": State.FAILED,
}


@dataclass(frozen=True, slots=True)
class Asked:
    """What asking for a request told. ``reason`` is DealHub's, of a failed one."""

    state: State
    reason: str = ""
    code: str = ""


def ask(rest: Rest, request: str) -> Asked:
    """Ask for a request once. Raises ``CallError``."""
    printed = rest.get(path_of(STATUS_PATH, request))
    shown = printed.get("status") if isinstance(printed, dict) else None
    folded = "".join(filter(str.isalpha, shown.lower())) if isinstance(shown, str) else ""
    state = _STATES.get(folded)
    if state is None or not isinstance(printed, dict):
        raise UnexpectedAnswer("a request came without a status we know", code="ANSWER_SHAPE")
    code, reason = printed.get("error_code"), printed.get("error_description")
    return Asked(state, str(reason or "no reason given")[:500], str(code or "")[:60])


class TakenIn:
    """Requests of this process, by the mark of their quote: the latest thousand.

    They make an answer surer, and nothing depends on them: after a restart the declared lag of
    look-ups is what keeps a queued quote from being asked for again. Thread-safe.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._by_mark: OrderedDict[str, str] = OrderedDict()

    def note(self, mark: str, request: str) -> None:
        """Remember the request before it is asked about."""
        with self._lock:
            self._by_mark[mark] = request
            self._by_mark.move_to_end(mark)
            if len(self._by_mark) > _KEPT_MAX:
                self._by_mark.popitem(last=False)

    def of(self, mark: str) -> str | None:
        """The request for a quote, if it is known here."""
        with self._lock:
            return self._by_mark.get(mark)

    def forget(self, mark: str) -> None:
        """The request has ended."""
        with self._lock:
            self._by_mark.pop(mark, None)
