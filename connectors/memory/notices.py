"""The log of events that webhooks are made of."""

from __future__ import annotations

from typing import Any

from connectors.memory import codec
from connectors.memory.tables import Tables
from connectors.records import Notice, NoticeKind, Ref


class Notices:
    """Events in the order they happened, kept with the account."""

    def __init__(self, tables: Tables) -> None:
        self._tables = tables

    def add(
        self,
        ref: Ref,
        kind: NoticeKind,
        at: int,
        *,
        related: Ref | None = None,
        absorbed: tuple[str, ...] = (),
    ) -> None:
        """Note an event. Its key is made from its number when it is read."""
        body: dict[str, Any] = {"object": ref.object, "id": ref.id, "kind": kind.value, "at": at}
        if related is not None:
            body["related"] = [related.object, related.id]
        if absorbed:
            body["absorbed"] = list(absorbed)
        self._tables.append("notice", body)

    def since(self, number: int) -> tuple[tuple[int, Notice], ...]:
        """Events after a number, with theirs."""
        return tuple(
            (one, notice_of(one, body)) for one, body in self._tables.entries("notice", number)
        )


def notice_of(number: int, body: dict[str, Any]) -> Notice:
    """An event from its stored form."""
    related = body.get("related")
    return Notice(
        ref=Ref(body["object"], body["id"]),
        kind=NoticeKind(body["kind"]),
        event_key=f"memory-{number}",
        occurred_at=codec.instant(body["at"]),
        related=Ref(related[0], related[1]) if related else None,
        absorbed=tuple(body.get("absorbed", ())),
    )
