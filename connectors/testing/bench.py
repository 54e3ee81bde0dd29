"""What a connector's test hands to the contract: the connector, its vendor's side, and samples."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol

from connectors.base import Connector, FieldType
from connectors.records import Change, Identity, Ref, Selection, Value, WebhookRequest
from connectors.testing.hostile import Asked


class World(Protocol):
    """The vendor's side, driven behind the connector's back."""

    def create(self, object: str, fields: Mapping[str, Value]) -> str:
        """A record made by the vendor's own users; its id."""
        ...

    def update(self, object: str, id: str, fields: Mapping[str, Value]) -> None:
        """An edit by the vendor's own users."""
        ...

    def remove(self, object: str, id: str) -> None:
        """What the vendor's users call delete."""
        ...

    def merge(self, object: str, survivor: str, loser: str) -> None:
        """Merge two records."""
        ...

    def associate(self, left: Ref, right: Ref) -> None:
        """Make ``right`` a child of ``left``, by association or by field."""
        ...

    def settle(self) -> None:
        """Let the vendor's clock run until every index has caught up, and a second more."""
        ...

    def still(self) -> AbstractContextManager[None]:
        """While inside, the vendor's clock stands: edits share one modified time."""
        ...

    def now(self) -> datetime:
        """The vendor's clock."""
        ...

    def calls(self) -> int:
        """How many calls the connector has made so far, admin calls left out."""
        ...

    def lose_next_answer(self) -> None:
        """The next write takes effect and its answer is lost."""
        ...

    def living(self, object: str, identity: Identity) -> int:
        """How many live records hold this identity."""
        ...


@dataclass(frozen=True, slots=True)
class Sample:
    """An object to try the connector on, and values it takes.

    ``text`` is a writable text field without further meaning, ``match`` a searchable one; both are
    in ``required`` if a create needs them, with values that fit. ``bad`` is a change the vendor
    refuses. ``typed`` names further fields by type, to send values through and back; ``kept`` says
    how a value looks after the vendor stored it. ``child``/``root`` are objects of which one holds
    the other. ``account_is`` is the account's id, where it is known. ``attempt`` is a write to try
    against a hostile server, where records are not updated by id.
    """

    object: str
    text: str
    match: str
    required: Mapping[str, Value]
    bad: Mapping[str, Value]
    typed: Mapping[FieldType, str] = field(default_factory=dict)
    kept: Callable[[str, Value], Value] = lambda _, value: value
    missing_id: str = "999999999"
    merges: bool = True
    child: str | None = None
    child_required: Mapping[str, Value] = field(default_factory=dict)
    account_is: str | None = None
    attempt: Change | None = None

    def selection(self, *more: str) -> Selection:
        """The text and match fields, and others."""
        return Selection(self.object, tuple(sorted({self.text, self.match, *more})))

    def fields(self, text: str, match: str | None = None) -> dict[str, Value]:
        """What a record with this text is created from."""
        found = {**self.required, self.text: text}
        if match is not None:
            found[self.match] = match
        return found


@dataclass(frozen=True, slots=True)
class Hooks:
    """The connector's webhooks. ``sign`` makes a request the vendor could have sent, from a body.

    ``body`` is a good one with ``events`` events in it. ``security`` are the headers without which
    a request is a forgery.
    """

    settings: Mapping[str, str]
    sign: Callable[[bytes, datetime], WebhookRequest]
    body: bytes
    events: int
    security: tuple[str, ...]
    secret_setting: str


@dataclass(frozen=True, slots=True)
class Abuse:
    """How to aim the connector's real client at another server.

    ``build`` gives a connector with that base URL and short timeouts. ``polite`` answers what must
    succeed before the abuse begins (a token request), or gives ``None``.
    """

    build: Callable[[str], Connector]
    polite: Callable[[Asked], bytes | None] = lambda _: None


@dataclass(frozen=True, slots=True)
class Bench:
    """Everything a contract test needs. ``again`` builds the same connector anew, as a restart."""

    kind: str
    connector: Any
    world: World
    sample: Sample
    again: Callable[[], Any]
    hooks: Hooks | None = None
    abuse: Abuse | None = None
    secrets: tuple[str, ...] = ()
