"""How a webhook request is kept in the spool: addresses in clear, everything else sealed."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final, Protocol

import orjson

from connectors.records import Notice, NoticeKind, Ref, WebhookRequest
from engine.clock import instant, microseconds

OVERHEAD_BYTES: Final = 64  # what a row costs beside its text and its sealed request


class Seals(Protocol):
    """Encrypts under a context."""

    def seal(self, data: bytes, context: str) -> bytes:
        """Sealed bytes that open only with the same ``context``."""
        ...


class Opens(Protocol):
    """Decrypts under a context."""

    def open(self, sealed: bytes, context: str) -> bytes:
        """What was sealed."""
        ...


def dump_notices(notices: tuple[Notice, ...]) -> str:
    """Notices as JSON text, in their order; control characters are escaped, as JSON does.

    Raises ``TypeError`` for an address that is not text, text that is not Unicode, or a NUL, which
    PostgreSQL cannot store: one such row would stop the engine from taking in all that follow.
    """
    return orjson.dumps([_plain(notice) for notice in notices]).decode()


def load_notices(text: str) -> tuple[Notice, ...]:
    """The notices of :func:`dump_notices`."""
    return tuple(_notice(item) for item in orjson.loads(text))


def seal_request(vault: Seals, connection: str, request: WebhookRequest) -> bytes:
    """The request as it arrived, sealed."""
    head = orjson.dumps(
        {"method": request.method, "url": request.url, "headers": list(request.headers)}
    )
    return vault.seal(head + b"\n" + request.body, _context(connection, request.received_at))


def open_request(
    vault: Opens, connection: str, received_at: datetime, sealed: bytes
) -> WebhookRequest:
    """The request that was sealed."""
    head, _, body = vault.open(sealed, _context(connection, received_at)).partition(b"\n")
    parts = orjson.loads(head)
    return WebhookRequest(
        method=parts["method"],
        url=parts["url"],
        headers=tuple((name, value) for name, value in parts["headers"]),
        body=body,
        received_at=received_at,
    )


def _context(connection: str, received_at: datetime) -> str:
    return f"spool {connection} {microseconds(received_at)}"


def _plain(notice: Notice) -> dict[str, object]:
    texts: list[object] = [notice.event_key, notice.ref.object, notice.ref.id, *notice.absorbed]
    if notice.related is not None:
        texts += [notice.related.object, notice.related.id]
    if not all(isinstance(text, str) and "\0" not in text for text in texts):
        raise TypeError("a notice's key and addresses are text, without NUL")
    plain: dict[str, object] = {
        "event_key": notice.event_key,
        "kind": notice.kind.value,
        "object": notice.ref.object,
        "id": notice.ref.id,
    }
    if notice.occurred_at is not None:
        plain["occurred_at"] = microseconds(notice.occurred_at)
    if notice.related is not None:
        plain["related"] = [notice.related.object, notice.related.id]
    if notice.absorbed:
        plain["absorbed"] = list(notice.absorbed)
    return plain


def _notice(plain: Mapping[str, Any]) -> Notice:
    occurred_at = plain.get("occurred_at")
    related = plain.get("related")
    return Notice(
        ref=Ref(plain["object"], plain["id"]),
        kind=NoticeKind(plain["kind"]),
        event_key=plain["event_key"],
        occurred_at=None if occurred_at is None else instant(occurred_at),
        related=None if related is None else Ref(related[0], related[1]),
        absorbed=tuple(plain.get("absorbed", ())),
    )
