"""Awaiting the spool: the writer's thread releases many waiters with one wake-up of the loop."""

from __future__ import annotations

import asyncio
import threading

from engine.receiving.limits import Refusal
from engine.store.spool import Spool, SpoolEntry, SpoolUnavailable

RETRY_SECONDS = 5


class SpoolBridge:
    """Appends to the spool from the event loop that it was made in."""

    def __init__(self, spool: Spool, commit_seconds: float) -> None:
        self._spool = spool
        self._commit_seconds = commit_seconds
        self._loop = asyncio.get_running_loop()
        self._released: list[tuple[asyncio.Future[None], SpoolUnavailable | None]] = []
        self._lock = threading.Lock()

    async def append(self, entry: SpoolEntry) -> None:
        """Return once the entry is durable. Raises :class:`Refusal` (503) when it is not."""
        await self._wait(entry)

    async def probe(self) -> None:
        """Return once a commit has succeeded. Raises :class:`Refusal` (503)."""
        await self._wait(None)

    async def _wait(self, entry: SpoolEntry | None) -> None:
        future: asyncio.Future[None] = self._loop.create_future()

        def done(failure: SpoolUnavailable | None) -> None:
            self._release(future, failure)

        try:
            if entry is None:
                self._spool.probe(done)
            else:
                self._spool.append(entry, done)
            async with asyncio.timeout(self._commit_seconds):
                await future
        except SpoolUnavailable as failure:
            raise Refusal(
                503, f"spool_{failure.code}", close=False, retry_seconds=RETRY_SECONDS
            ) from None
        except TimeoutError:
            raise Refusal(503, "spool_busy", close=False, retry_seconds=RETRY_SECONDS) from None

    def _release(self, future: asyncio.Future[None], failure: SpoolUnavailable | None) -> None:
        with self._lock:
            self._released.append((future, failure))
            first = len(self._released) == 1
        if first and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._drain)

    def _drain(self) -> None:
        with self._lock:
            released, self._released = self._released, []
        for future, failure in released:
            if future.done():
                continue
            if failure is None:
                future.set_result(None)
            else:
                future.set_exception(failure)
