"""The receiver as an ASGI application: its routes, its start and its end.

``/healthz``, ``/readyz`` and ``/metrics`` tell names of connections and figures; a reverse proxy
should pass only ``/webhooks/`` on to the outside.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route, Router
from starlette.types import Receive, Scope, Send

from engine.clock import Clock
from engine.observe.metrics import ReceiverMetrics
from engine.observe.notify import Notifier
from engine.receiving.bridge import SpoolBridge
from engine.receiving.health import EngineWatch, Health
from engine.receiving.intake import HEADERS, PATH, Intake, checked_headers
from engine.receiving.limits import CONNECTION_NAME, ReceiverLimits, Refusal
from engine.receiving.webhooks import Failpoint, Receiver, Webhooks, refused, where
from engine.store.spool import Spool
from engine.store.spool_codec import Seals


@dataclass(frozen=True, slots=True)
class Parts:
    """Everything the receiver works with.

    ``public_url`` is how vendors reach it. ``failpoint`` is called with the name of each point of
    :mod:`engine.receiving.webhooks` that a rehearsed crash may choose. ``started`` is called once
    requests can be served.
    """

    receivers: Mapping[str, Receiver]
    public_url: str
    state: Path
    spool: Spool
    vault: Seals = field(repr=False)
    clock: Clock
    metrics: ReceiverMetrics
    notifier: Notifier
    logger: Any
    limits: ReceiverLimits = field(default_factory=ReceiverLimits)
    failpoint: Failpoint = lambda name: None  # noqa: ARG005
    started: Callable[[], None] = lambda: None


class Application:
    """The ASGI application. No request, however malformed, is answered with a 500."""

    def __init__(self, parts: Parts) -> None:
        for name in parts.receivers:
            if not CONNECTION_NAME.fullmatch(name):
                raise ValueError(f"{name!r} cannot be the name of a connection")
        self._parts = parts
        self._webhooks: Webhooks | None = None
        self._health: Health | None = None
        self._router = Router(
            routes=[
                Route(PATH + "{connection}", self._webhook, methods=["POST"]),
                Route("/healthz", self._healthz, methods=["GET"]),
                Route("/readyz", self._readyz, methods=["GET"]),
                Route("/metrics", self._metrics, methods=["GET"]),
            ],
            redirect_slashes=False,
            lifespan=self._lifespan,
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._router(scope, receive, send)
            return
        started = False

        async def watched(message: Any) -> None:
            nonlocal started
            started = True
            await send(message)

        try:
            scope[HEADERS] = checked_headers(scope, self._parts.limits)
            await self._router(scope, receive, watched)
        except Refusal as refusal:
            self._parts.metrics.request("", refusal.code)
            await refused(refusal)(scope, receive, send)
        except Exception as error:
            # No traceback: its text may quote the request.
            self._parts.logger.error("receiver failed", reason=where(error))  # noqa: TRY400
            if started:
                raise
            await refused(Refusal(400, "unreadable"))(scope, receive, send)

    @contextlib.asynccontextmanager
    async def _lifespan(self, _app: object) -> AsyncIterator[None]:
        parts = self._parts
        bridge = SpoolBridge(parts.spool, parts.limits.commit_seconds)
        watch = EngineWatch(parts.state, parts.clock, parts.metrics, parts.notifier)
        self._webhooks = Webhooks(
            parts.receivers,
            Intake(parts.public_url, parts.limits, parts.clock),
            bridge,
            parts.vault,
            parts.metrics,
            parts.logger,
            parts.failpoint,
        )
        self._health = Health(parts.spool, bridge, watch, parts.metrics, parts.state)
        parts.spool.start()
        watching = asyncio.create_task(watch.watch())
        parts.started()
        try:
            yield
        finally:
            watching.cancel()
            # What is queued is written before the process ends.
            await asyncio.to_thread(parts.spool.close)

    async def _webhook(self, request: Request) -> Response:
        if self._webhooks is None:
            return refused(Refusal(503, "starting", retry_seconds=1))
        return await self._webhooks(request)

    async def _healthz(self, request: Request) -> Response:
        return await self._running().healthz(request)

    async def _readyz(self, request: Request) -> Response:
        return await self._running().readyz(request)

    async def _metrics(self, request: Request) -> Response:
        return await self._running().metrics(request)

    def _running(self) -> Health:
        if self._health is None:
            raise Refusal(503, "starting", retry_seconds=1)
        return self._health
