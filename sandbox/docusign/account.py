"""What the account holds."""

from __future__ import annotations

import random
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from copy import deepcopy
from dataclasses import dataclass, field
from datetime import datetime

from sandbox.docusign.errors import not_found
from sandbox.docusign.settings import Settings
from sandbox.docusign.values import Row


@dataclass(frozen=True, slots=True)
class Event:
    """Something that Connect tells. ``recipient`` is the id of the one it is about."""

    name: str
    envelope: str
    recipient: str | None = None


@dataclass
class Account:
    """Envelopes, and what has happened since somebody last asked."""

    now: Callable[[], datetime]
    chance: random.Random
    settings: Settings
    envelopes: dict[str, Row] = field(default_factory=dict)
    custom_fields: list[Row] = field(default_factory=list)
    events: list[Event] = field(default_factory=list)
    written: list[tuple[str, str]] = field(default_factory=list)  # (envelope, tally)
    _before: dict[str, Row | None] = field(default_factory=dict)

    def guid(self) -> str:
        """A new id."""
        return str(uuid.UUID(int=self.chance.getrandbits(128), version=4))

    def get(self, id: str) -> Row:
        """An envelope that is there; :class:`Problem` otherwise."""
        row = self.envelopes.get(id.lower())
        if row is None:
            raise not_found()
        return row

    @contextmanager
    def changing(self, id: str) -> Iterator[None]:
        """Undo what was done to an envelope when it ends in an error; keep what was before."""
        before = deepcopy(self.envelopes.get(id))
        events = len(self.events)
        try:
            yield
        except Exception:
            if before is None:
                self.envelopes.pop(id, None)
            else:
                self.envelopes[id] = before
            del self.events[events:]
            raise
        self._before = {id: before}

    @contextmanager
    def before_last_write(self) -> Iterator[None]:
        """The account as it was before its latest write."""
        kept = dict(self.envelopes)
        for id, row in self._before.items():
            if row is None:
                self.envelopes.pop(id, None)
            else:
                self.envelopes[id] = row
        try:
            yield
        finally:
            self.envelopes = kept

    def tell(self, name: str, row: Row, recipient: Row | None = None) -> None:
        """Note an event."""
        who = recipient["recipientId"] if recipient is not None else None
        self.events.append(Event(name, row["envelopeId"], who))

    def take_events(self) -> list[Event]:
        """The events so far; they are forgotten."""
        events, self.events = self.events, []
        return events

    def take_written(self) -> list[tuple[str, str]]:
        """What API calls wrote so far; it is forgotten."""
        written, self.written = self.written, []
        return written

    def use_custom_field(self, name: str, kind: str) -> None:
        """The account remembers every custom field that was ever used."""
        if all(one["name"] != name for one in self.custom_fields):
            one = {"fieldId": str(len(self.custom_fields) + 1), "name": name, "show": True}
            self.custom_fields.append({**one, "required": False, "customFieldType": kind})
