"""From bytes on the wire to a :class:`~connectors.records.WebhookRequest`, or a refusal."""

from __future__ import annotations

import asyncio
from typing import Final

from starlette.requests import Request
from starlette.types import Scope

from connectors.records import WebhookRequest
from engine.clock import Clock
from engine.receiving.limits import ReceiverLimits, Refusal

PATH: Final = "/webhooks/"
HEADERS: Final = "revline.headers"  # where the checked headers travel in the ASGI scope


class BufferBudget:
    """Bytes of all bodies being read at one time. Used from the event loop only."""

    def __init__(self, max_bytes: int) -> None:
        self._max_bytes = max_bytes
        self._used_bytes = 0

    def take(self, count: int) -> None:
        """Claim ``count`` bytes. Raises :class:`Refusal` when there are none left."""
        if self._used_bytes + count > self._max_bytes:
            raise Refusal(503, "busy", retry_seconds=1)
        self._used_bytes += count

    def give_back(self, count: int) -> None:
        """Return what was taken."""
        self._used_bytes -= count


class Intake:
    """Reads requests within the limits. ``public_url`` is what vendors call, and sign."""

    def __init__(self, public_url: str, limits: ReceiverLimits, clock: Clock) -> None:
        self._public_url = public_url.rstrip("/")
        self._limits = limits
        self._clock = clock
        self._budget = BufferBudget(limits.buffered_max_bytes)

    async def read(self, request: Request, connection: str) -> WebhookRequest:
        """The whole request; its headers were checked before.

        Raises :class:`Refusal`, or starlette's ``ClientDisconnect``.
        """
        headers: tuple[tuple[str, str], ...] = request.scope[HEADERS]
        path = f"{PATH}{connection}"
        if request.scope.get("raw_path", path.encode()) != path.encode():
            raise Refusal(404, "unknown_path")
        query = request.scope.get("query_string", b"").decode("latin-1")
        body = await self._body(request, declared_length(headers, self._limits))
        return WebhookRequest(
            method=request.method,
            url=f"{self._public_url}{path}" + (f"?{query}" if query else ""),
            headers=headers,
            body=body,
            received_at=self._clock.now(),
        )

    async def _body(self, request: Request, declared: int | None) -> bytes:
        taken = 0
        chunks: list[bytes] = []
        try:
            async with asyncio.timeout(self._limits.receive_seconds):
                async for chunk in request.stream():
                    if taken + len(chunk) > self._limits.body_max_bytes:
                        raise Refusal(413, "body_too_large")
                    self._budget.take(len(chunk))
                    taken += len(chunk)
                    chunks.append(chunk)
        except TimeoutError:
            raise Refusal(408, "too_slow") from None
        finally:
            self._budget.give_back(taken)
        if declared is not None and taken != declared:
            raise Refusal(400, "malformed")
        return b"".join(chunks)


def checked_headers(scope: Scope, limits: ReceiverLimits) -> tuple[tuple[str, str], ...]:
    """The headers, names in lower case, order and repeats kept. Raises :class:`Refusal`."""
    raw = list(scope["headers"])
    size = sum(len(name) + len(value) + 4 for name, value in raw)
    size += len(scope.get("raw_path") or b"") + len(scope.get("query_string", b""))
    if len(raw) > limits.header_max_count or size > limits.header_max_bytes:
        raise Refusal(431, "headers_too_large")
    headers = tuple(
        (name.decode("latin-1").lower(), value.decode("latin-1")) for name, value in raw
    )
    codings = [value.strip().lower() for name, value in headers if name == "content-encoding"]
    if any(coding not in ("", "identity") for coding in codings):
        raise Refusal(415, "encoded_body")
    transfers = [value.strip().lower() for name, value in headers if name == "transfer-encoding"]
    if transfers not in ([], ["chunked"]):
        raise Refusal(400, "malformed")
    return headers


def declared_length(headers: tuple[tuple[str, str], ...], limits: ReceiverLimits) -> int | None:
    """The content length, if one is declared. Raises :class:`Refusal`."""
    lengths = [value.strip() for name, value in headers if name == "content-length"]
    if not lengths:
        return None
    chunked = any(name == "transfer-encoding" for name, _ in headers)
    text = lengths[0]
    if len(lengths) > 1 or chunked or not (text.isascii() and text.isdigit()) or len(text) > 18:
        raise Refusal(400, "malformed")
    if int(text) > limits.body_max_bytes:
        raise Refusal(413, "body_too_large")
    return int(text)
