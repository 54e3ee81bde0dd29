"""One webhook request: read, verify, keep, answer. In that order, and answered only when kept."""

from __future__ import annotations

import re
import time
import traceback
from collections.abc import Callable, Mapping
from typing import Any, Final, TypeAlias

from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response

from connectors.errors import ForgedRequest
from connectors.records import Answer, Receipt, WebhookRequest
from engine.observe.metrics import ReceiverMetrics
from engine.receiving.bridge import SpoolBridge
from engine.receiving.intake import Intake
from engine.receiving.limits import Refusal
from engine.store.spool import SpoolEntry
from engine.store.spool_codec import Seals

Receiver: TypeAlias = Callable[[WebhookRequest], Receipt]
Failpoint: TypeAlias = Callable[[str], None]

LOG_EVERY_SECONDS: Final = 10.0
REASON_MAX_CHARACTERS: Final = 200
UNPRINTABLE: Final = re.compile(r"[^\x20-\x7e]")
OWN_HEADERS: Final = frozenset({"content-length", "transfer-encoding", "connection", "date"})


class Throttle:
    """Lets one message per subject through every ``LOG_EVERY_SECONDS`` and counts the others."""

    def __init__(self) -> None:
        self._next: dict[tuple[str, str], float] = {}
        self._held_back: dict[tuple[str, str], int] = {}

    def admit(self, subject: tuple[str, str]) -> int | None:
        """How many were held back since the last one; ``None`` when this one is, too."""
        now = time.monotonic()
        if now < self._next.get(subject, 0.0):
            self._held_back[subject] = self._held_back.get(subject, 0) + 1
            return None
        self._next[subject] = now + LOG_EVERY_SECONDS
        return self._held_back.pop(subject, 0)


class Webhooks:
    """The endpoint. ``receivers`` verify and parse, by connection; everybody else gets a 404."""

    def __init__(
        self,
        receivers: Mapping[str, Receiver],
        intake: Intake,
        spool: SpoolBridge,
        vault: Seals,
        metrics: ReceiverMetrics,
        logger: Any,
        failpoint: Failpoint = lambda name: None,  # noqa: ARG005
    ) -> None:
        self._receivers = dict(receivers)
        self._intake = intake
        self._spool = spool
        self._vault = vault
        self._metrics = metrics
        self._logger = logger
        self._failpoint = failpoint
        self._throttle = Throttle()

    async def __call__(self, request: Request) -> Response:
        """Answer one request: the connector's answer, 4xx, or 503 when it cannot be kept now."""
        started = time.perf_counter()
        name = str(request.path_params["connection"])
        receiver = self._receivers.get(name)
        connection = name if receiver else ""
        try:
            if receiver is None:
                raise Refusal(404, "unknown_connection")
            response, outcome = await self._accept(receiver, connection, request), "accepted"
        except Refusal as refusal:
            response, outcome = refused(refusal), refusal.code
        except ClientDisconnect:
            response, outcome = refused(Refusal(400, "disconnected")), "disconnected"
        except Exception as error:  # noqa: BLE001 - a stranger never sees what broke
            self._log("webhook request could not be handled", connection, where(error))
            response, outcome = refused(Refusal(400, "unreadable")), "unreadable"
        self._metrics.request(connection, outcome, time.perf_counter() - started)
        return response

    async def _accept(self, receiver: Receiver, connection: str, request: Request) -> Response:
        self._failpoint("recv.headers")
        arrived = await self._intake.read(request, connection)
        receipt = self._verify(receiver, connection, arrived)
        answer = answered(receipt.answer)
        self._failpoint("recv.verified")
        if receipt.notices or receipt.answer.status < 300:
            entry = SpoolEntry.of(self._vault, connection, arrived, receipt.notices)
            await self._spool.append(entry)
            self._failpoint("recv.after_commit")
        self._metrics.notices(connection, len(receipt.notices))
        return answer

    def _verify(self, receiver: Receiver, connection: str, arrived: WebhookRequest) -> Receipt:
        try:
            return receiver(arrived)
        except ForgedRequest as forged:
            self._log("webhook request refused", connection, forged.reason)
            status = forged.status if 400 <= forged.status < 500 else 401
            raise Refusal(status, "forged", close=False) from None
        except Exception as error:  # noqa: BLE001 - hostile input may break any parser
            self._log("webhook request could not be read", connection, where(error))
            raise Refusal(400, "unreadable", close=False) from None

    def _log(self, event: str, connection: str, reason: str) -> None:
        held_back = self._throttle.admit((connection, event))
        if held_back is not None:
            self._logger.warning(
                event,
                connection=connection,
                reason=reason[:REASON_MAX_CHARACTERS],
                held_back=held_back,
            )


def where(error: Exception) -> str:
    """Which error and from which line; its message may quote the request and is left out."""
    frames = traceback.extract_tb(error.__traceback__, limit=-1)
    place = f" in {frames[-1].name}, line {frames[-1].lineno}" if frames else ""
    return f"{type(error).__name__}{place}"


def answered(answer: Answer) -> Response:
    """A connector's answer as it is. Raises ``ValueError`` when it cannot be sent as HTTP."""
    if not 200 <= answer.status < 500:
        raise ValueError("a connector answers 200 to 499")
    response = Response(content=answer.body, status_code=answer.status)
    for name, value in answer.headers:
        if UNPRINTABLE.search(name) or UNPRINTABLE.search(value):
            raise ValueError("a connector's answer has a control character in a header")
        if name.lower() not in OWN_HEADERS:
            response.headers.append(name, value)
    return response


def refused(refusal: Refusal) -> Response:
    """What a stranger gets to see of a refusal: a fixed word."""
    response = Response(
        content=b'{"error":"%s"}\n' % refusal.code.encode(),
        status_code=refusal.status,
        media_type="application/json",
    )
    if refusal.close:
        response.headers["connection"] = "close"
    if refusal.retry_seconds is not None:
        response.headers["retry-after"] = str(refusal.retry_seconds)
    return response
