"""What operators and probes ask: is it up, can it keep a request, what are the figures."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path
from typing import Final

import orjson
from starlette.requests import Request
from starlette.responses import Response

from engine.clock import Clock
from engine.observe.heartbeat import STALE_AFTER, HeartbeatFile
from engine.observe.metrics import CONTENT_TYPE, ReceiverMetrics, exposition, read_exposition
from engine.observe.notify import Notification, Notifier, Severity
from engine.receiving.bridge import SpoolBridge
from engine.receiving.limits import Refusal
from engine.receiving.webhooks import refused
from engine.store.spool import Spool

ENGINE_METRICS_FILE: Final = "engine.prom"
PROBE_SECONDS: Final = 1.0
WATCH_SECONDS: Final = 5.0


class EngineWatch:
    """Looks at the engine's heartbeat and says so when it stops, once, and when it is back."""

    def __init__(
        self, state: Path, clock: Clock, metrics: ReceiverMetrics, notifier: Notifier
    ) -> None:
        self._heartbeat = HeartbeatFile(state, clock)
        self._clock = clock
        self._metrics = metrics
        self._notifier = notifier
        self._watching_since = clock.now()
        self._alarmed = False

    def look(self) -> dict[str, object]:
        """The engine's state as ``/healthz`` shows it."""
        now = self._clock.now()
        last = self._heartbeat.last()
        age = None if last is None else last.age_seconds(now)
        stale_seconds = STALE_AFTER.total_seconds()
        # An engine that is only starting has had no time for a sign of life.
        waited = (now - self._watching_since).total_seconds()
        stale = waited > stale_seconds if age is None else age > stale_seconds
        self._metrics.engine_heartbeat(age, stale=stale)
        self._tell(age, stale=stale)
        return {
            "running": last is not None and not stale,
            "heartbeat_age_seconds": None if age is None else round(age, 1),
        }

    async def watch(self) -> None:
        """Look again and again, until cancelled."""
        while True:
            self.look()
            await asyncio.sleep(WATCH_SECONDS)

    def _tell(self, age: float | None, *, stale: bool) -> None:
        if stale == self._alarmed:
            return
        self._alarmed = stale
        if stale:
            self._notifier.notify(
                Notification(
                    Severity.ALARM,
                    "ENGINE_SILENT",
                    "the engine gives no sign of life; webhooks are kept but not handled",
                    "look at the engine's log; `revline run` restarts an engine that has died",
                    {"heartbeat_age_seconds": age},
                )
            )
        else:
            self._notifier.notify(
                Notification(Severity.RECOVERED, "ENGINE_SILENT", "the engine is at work again")
            )


class Health:
    """``/healthz``, ``/readyz`` and ``/metrics``."""

    def __init__(
        self,
        spool: Spool,
        bridge: SpoolBridge,
        watch: EngineWatch,
        metrics: ReceiverMetrics,
        state: Path,
    ) -> None:
        self._spool = spool
        self._bridge = bridge
        self._watch = watch
        self._metrics = metrics
        self._state = state
        self._probe: asyncio.Task[Refusal | None] | None = None
        self._probed = 0.0

    async def healthz(self, _request: Request) -> Response:
        """200 while this process runs; what else is known stands in the body."""
        engine = self._watch.look()
        figures = self._spool.figures()
        content = {
            "status": "ok" if engine["running"] else "degraded",
            "engine": engine,
            "spool": {
                "rows": figures.rows,
                "bytes": figures.bytes,
                "waiting_rows": figures.waiting_rows,
            },
        }
        return Response(orjson.dumps(content), media_type="application/json")

    async def readyz(self, _request: Request) -> Response:
        """200 when a commit to the spool has just succeeded, 503 when it has not."""
        refusal = await self._writable()
        if refusal is not None:
            return refused(refusal)
        return Response(b'{"status":"ready"}', media_type="application/json")

    async def metrics(self, _request: Request) -> Response:
        """This process's figures, then the engine's."""
        figures = self._spool.figures()
        self._metrics.spool_figures(figures.rows, figures.bytes)
        self._watch.look()
        content = exposition(self._metrics.registry)
        content += read_exposition(self._state / ENGINE_METRICS_FILE)
        return Response(content, headers={"content-type": CONTENT_TYPE})

    async def _writable(self) -> Refusal | None:
        """One commit at a time, at most one a second, however many ask."""
        fresh = time.monotonic() - self._probed < PROBE_SECONDS
        if self._probe is None or (self._probe.done() and not fresh):
            self._probed = time.monotonic()
            self._probe = asyncio.create_task(self._commit())
        return await asyncio.shield(self._probe)

    async def _commit(self) -> Refusal | None:
        try:
            await self._bridge.probe()
        except Refusal as refusal:
            return refusal
        return None
