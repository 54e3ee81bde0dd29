"""The tenant's state: settings, catalogue, opportunities, quotes, deal rooms, requests, events."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final

from sandbox.dealhub.errors import Problem, not_found
from sandbox.dealhub.values import Row, made_id
from sandbox.seed import Product

TOKEN: Final = "revline-sandbox-dealhub-token"  # noqa: S105 - opens nothing but this simulator
REP: Final = "api@revline.example"
APPROVER: Final = "vp@revline.example"
SYSTEM: Final = "SYSTEM"

DRAFT: Final = "Draft"
PENDING: Final = "PendingApproval"
READY: Final = "ReadyToBeSent"
REJECTED: Final = "Rejected"
RECALLED: Final = "Recalled"
PUBLISHED: Final = "Published"
WON: Final = "Won"

TABLES: Final = ("opportunities", "quotes", "deal_rooms", "requests")


@dataclass
class Settings:
    """The knobs. ``integration``: ``crm_api`` (every generate brings its opportunity_data) or
    ``native`` (the opportunity must have come from the CRM). ``accepted_body``: what a 202 holds,
    ``request`` (its id) or ``quote`` (the quote's ids too). ``empty_answer``: a list without match
    is ``list`` (a bare array) or ``object``. ``status_style``: ``camel``, ``spaced`` or ``upper``.
    """

    token: str = TOKEN
    integration: str = "crm_api"
    request_seconds: float = 0.0
    endless_line_items: int = 500
    accepted_body: str = "request"
    empty_answer: str = "list"
    stray_quotes: bool = False
    status_style: str = "camel"
    approval_above_percent: int = 20
    webhook_delay_seconds: float = 0.0
    webhook_jitter_seconds: float = 0.0
    webhook_repeat_every: int = 0
    webhook_drop_every: int = 0


CHOICES: Final[Mapping[str, tuple[str, ...]]] = {
    "integration": ("crm_api", "native"),
    "accepted_body": ("request", "quote"),
    "empty_answer": ("list", "object"),
    "status_style": ("camel", "spaced", "upper"),
}


@dataclass(frozen=True, slots=True)
class Event:
    """Something a webhook tells of. ``name`` is the event as an administrator picks it."""

    name: str
    quote: str
    opportunity: str
    by: str
    request: str | None = None


@dataclass
class Tenant:
    """Everything there is. Rows are dictionaries; amounts are ``Decimal``, times aware."""

    now: Callable[[], datetime]
    seed: int
    settings: Settings
    products: dict[str, Product] = field(default_factory=dict)
    tables: dict[str, dict[str, Row]] = field(default_factory=lambda: {name: {} for name in TABLES})
    events: list[Event] = field(default_factory=list)
    written: list[tuple[str, str, str]] = field(default_factory=list)
    last: dict[str, int] = field(default_factory=dict)

    def count_up(self, name: str, start: int = 0) -> int:
        """The next number of a series."""
        self.last[name] = self.last.get(name, start) + 1
        return self.last[name]

    def new_id(self, kind: str) -> str:
        """An id nobody has."""
        return made_id(self.seed, kind, self.count_up(kind))

    @property
    def quotes(self) -> dict[str, Row]:
        """All quotes by id, in the order they were made."""
        return self.tables["quotes"]

    def quote(self, id: str) -> Row:
        """A quote by its own id. Raises ``Problem``."""
        found = self.quotes.get(id)
        if found is None:
            raise not_found(id)
        return found

    def quote_by_crm_id(self, id: str) -> Row:
        """A quote by the id that the CRM has for it. Raises ``Problem``."""
        for row in self.quotes.values():
            if id and row["info"].get("external_quote_id") == id:
                return row
        raise not_found(id)

    def opportunity(self, external_id: str) -> Row | None:
        """An opportunity by the CRM's id."""
        return self.tables["opportunities"].get(external_id)

    def add_opportunity(self, external_id: str, data: Mapping[str, Any]) -> Row:
        """Make an opportunity known."""
        row: Row = {
            "dealhub_opportunity_id": self.new_id("opportunity"),
            "external_opportunity_id": external_id,
            "external_opportunity_name": data.get("external_opportunity_name", ""),
            "external_customer_id": data.get("external_customer_id", ""),
            "customer_name": data.get("customer_name", ""),
            "geo_code": data.get("geo_code", ""),
            "currency": data.get("currency", "USD"),
            "contact": next(iter(data.get("customer_contacts") or ()), None),
        }
        self.tables["opportunities"][external_id] = row
        return row

    def tell(self, name: str, quote: Row, by: str = SYSTEM, request: str | None = None) -> None:
        """Note an event for the webhooks."""
        info = quote["info"]
        self.events.append(
            Event(name, quote["dealhub_quote_id"], info["dealhub_opportunity_id"], by, request)
        )

    def note(self, what: str, quote: Row) -> None:
        """Note an effect of an API call, to be counted."""
        self.written.append((what, quote["dealhub_quote_id"], quote["info"]["dealhub_quote_name"]))

    def due_at(self, line_items: int) -> datetime | None:
        """When a request taken in now is carried out; ``None``: it stays in the queue for ever."""
        if line_items > self.settings.endless_line_items:
            return None
        return self.now() + timedelta(seconds=self.settings.request_seconds)

    @contextmanager
    def savepoint(self) -> Iterator[None]:
        """Undo everything when the block is refused."""
        tables, last = copy.deepcopy(self.tables), dict(self.last)
        events, written = list(self.events), list(self.written)
        try:
            yield
        except Problem:
            self.tables, self.last = tables, last
            self.events, self.written = events, written
            raise
