"""What all simulators share: routing, authorization, the journal, the clock, faults, admin hooks.

A vendor's simulator subclasses :class:`Simulator`, builds its routes, and implements the hooks.
Every handler runs under the simulator's lock, so handlers are plain single-threaded code.
"""

from __future__ import annotations

import random
import sys
import threading
import traceback
from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import ClassVar

from sandbox.clock import VirtualClock, iso_milliseconds
from sandbox.emit import Sender
from sandbox.faults import Faults
from sandbox.journal import Entry, Journal
from sandbox.messages import Json, Refusal, Request, Response, json_response
from sandbox.routes import Route, RouteTable


class BadCommand(ValueError):
    """An admin command that makes no sense; the message says why. Answered 400."""


@dataclass(frozen=True, slots=True)
class Mutation:
    """An edit behind the back of the API's users.

    ``operation`` is create, update, delete, restore, merge, convert, archive, or a vendor's own
    word. On ``merge`` the record ``id`` survives and ``fields["loser"]`` is absorbed.
    """

    object: str
    operation: str
    id: str | None
    fields: Mapping[str, Json]


class Simulator(ABC):
    """One vendor's system in memory.

    ``identity_fields`` maps an object to the field whose value counts group by; the class default
    ``identity_field`` is used for the others. ``options`` are the vendor's own knobs.
    """

    system: ClassVar[str]
    identity_field: ClassVar[str]
    secret_query_names: ClassVar[frozenset[str]] = frozenset(
        {
            "access_token",
            "token",
            "hapikey",
            "api_key",
            "apikey",
            "sid",
            "session_id",
            "oauth_token",
        }
    )

    def __init__(
        self,
        *,
        seed: int = 0,
        clock: VirtualClock | None = None,
        identity_fields: Mapping[str, str] | None = None,
    ) -> None:
        self.seed = seed
        self.clock = clock or VirtualClock()
        self.random = random.Random(seed)
        self.identity_fields = dict(identity_fields or {})
        self.lock = threading.RLock()
        self.journal = Journal()
        self.faults = Faults()
        self.sender: Sender | None = None
        self.revision = 0
        self.in_flight = 0
        self.concurrency_max: int | None = None  # requests at one time; more is a violation
        self._seq = 0
        self._quiet_until: dict[tuple[str, str], datetime] = {}
        self._pages: dict[tuple[str, str, str], Response] = {}
        self._table: RouteTable | None = None

    # -- hooks a vendor implements -----------------------------------------------------------

    @abstractmethod
    def routes(self) -> Iterable[Route]:
        """The vendor's whole surface."""

    @abstractmethod
    def authorize(self, request: Request) -> Response | None:
        """The refusal of a request without valid credentials, or ``None``."""

    @abstractmethod
    def unknown_route(self, request: Request) -> Response:
        """The vendor's answer to a path it does not know."""

    @abstractmethod
    def error_response(self, status: int) -> Response:
        """The vendor's error body for a status, used by faults that give none."""

    @abstractmethod
    def clear(self) -> None:
        """Forget all records, tokens and settings: a clean account."""

    @abstractmethod
    def load(self, body: Mapping[str, Json]) -> Mapping[str, int]:
        """Load data (``{"seed", "sizes"}`` or ``{"objects"}``); how many records per object."""

    @abstractmethod
    def snapshot(self) -> dict[str, dict[str, Json]]:
        """Every record, deleted ones included: object → id → record."""

    @abstractmethod
    def live_records(self) -> Iterator[tuple[str, str, Mapping[str, Json]]]:
        """Object, id and fields of every record that is neither deleted nor archived."""

    @abstractmethod
    def mutate(self, mutation: Mutation) -> Json:
        """Carry out an edit as a person would in the vendor's screens; the record afterwards."""

    def admit(self, request: Request, route: Route) -> Response | None:  # noqa: ARG002
        """The refusal of a request over a rate limit, or ``None``."""
        return None

    def finish(self, request: Request, response: Response) -> Response:  # noqa: ARG002
        """Add what the vendor adds to every answer."""
        return response

    def following_page(self, request: Request, response: Response) -> Request | None:  # noqa: ARG002
        """The request for the page after this answer, for the fault that drops a page."""
        return None

    def get_options(self) -> dict[str, Json]:
        """The vendor's knobs and their values."""
        return {}

    def set_options(self, options: Mapping[str, Json]) -> None:
        """Turn knobs; :class:`BadCommand` for an unknown one."""
        if options:
            raise BadCommand(f"unknown options: {', '.join(sorted(options))}")

    def configure_webhooks(self, body: Mapping[str, Json]) -> Json:  # noqa: ARG002
        """Set where events go; :class:`BadCommand` when the system sends none."""
        raise BadCommand(f"{self.system} sends no webhooks")

    def admin_routes(self) -> Sequence[Route]:
        """Admin routes of this vendor alone, below ``/__admin/``."""
        return ()

    # -- what vendors call ---------------------------------------------------------------------

    def now(self) -> datetime:
        """The virtual time."""
        return self.clock.now()

    def touch(self) -> None:
        """Say that state changed, so that the log marks the request as applied."""
        self.revision += 1

    def count(self, object: str, id: str, what: str, external: object = None) -> None:
        """Count an API write; ``what`` is the name of a :class:`~sandbox.journal.Tally` field.

        ``external`` is the record's external id as far as it has one.
        """
        tally = self.journal.counts.note(object, id)
        setattr(tally, what, getattr(tally, what) + 1)
        if external is not None and external != "":
            self.journal.counts.external[object, id] = str(external)
        self.touch()

    def identity_of(self, object: str) -> str:
        """The field that holds an object's external id."""
        return self.identity_fields.get(object, self.identity_field)

    def violation(self, kind: str, message: str, request: Request | None = None) -> None:
        """Note something a real vendor, or an auditor, would object to."""
        with self.lock:
            self.journal.violation(iso_milliseconds(self.now()), kind, message, request)

    def expect_keys(
        self, request: Request, value: Json, allowed: Iterable[str], where: str
    ) -> None:
        """Note keys the vendor does not document; the vendor itself would ignore them."""
        if isinstance(value, dict) and not (known := set(allowed)).issuperset(value):
            extra = ", ".join(sorted(set(value) - known))
            self.violation("unknown_field", f"unknown keys in {where}: {extra}", request)

    # -- what the server and the admin surface call ---------------------------------------------

    def open_entry(self, request: Request) -> Entry:
        """Give the request its number and a place in the log."""
        with self.lock:
            self._seq += 1
            self.in_flight += 1
            entry = Entry(replace(request, seq=self._seq), iso_milliseconds(self.now()))
            found = self.table.find(request.method, request.path)
            entry.template = found[0].template if found else request.path
            self.journal.entries.append(entry)
            return entry

    def close_entry(self, entry: Entry, response: Response | None, bytes_sent: int) -> None:
        """Complete the log once the answer is out, or will never be."""
        with self.lock:
            self.in_flight -= 1
            entry.status = response.status if response else None
            entry.bytes_sent = bytes_sent
            self.journal.calls[entry.request.method, entry.template, entry.status] += 1
            wait = response.header("Retry-After") if response else None
            if wait is not None and wait.isdigit():
                key = (entry.template, entry.request.headers.get("authorization", ""))
                self._quiet_until[key] = self.now() + timedelta(seconds=min(int(wait), 10**8))

    @property
    def table(self) -> RouteTable:
        """The route table, built at first use."""
        if self._table is None:
            self._table = RouteTable(self.routes())
        return self._table

    def answer(self, entry: Entry, *, stale: bool = False) -> Response:
        """Carry out one request."""
        with self.lock:
            before = self.revision
            request = replace(entry.request, stale=stale)
            self._inspect(entry)
            try:
                response = self._dispatch(request)
            except Refusal as refusal:
                response = refusal.response
            except Exception:  # noqa: BLE001 - a fault of ours must not look like the vendor's
                traceback.print_exc(file=sys.stderr)
                self.violation("simulator_fault", traceback.format_exc(limit=-3), request)
                response = self.error_response(500)
            finished = self.finish(request, response)  # some vendors count their writes there
            entry.applied = entry.applied or self.revision != before
            return finished

    def _inspect(self, entry: Entry) -> None:
        request = entry.request
        if self.concurrency_max is not None and self.in_flight > self.concurrency_max:
            text = f"{self.in_flight} requests at one time, {self.concurrency_max} are allowed"
            self.violation("over_concurrency", text, request)
        leaked = self.secret_query_names.intersection(key.lower() for key, _ in request.query)
        if leaked:
            self.violation("token_in_url", f"secret in the URL: {', '.join(leaked)}", request)
        key = (entry.template, request.headers.get("authorization", ""))
        quiet_until = self._quiet_until.get(key)
        if quiet_until is not None and self.now() < quiet_until:
            until = iso_milliseconds(quiet_until)
            self.violation("inside_retry_after", f"asked to wait until {until}", request)

    def _dispatch(self, request: Request) -> Response:
        found = self.table.find(request.method, request.path)
        if found is None:
            self.violation(
                "unknown_route", f"no such route: {request.method} {request.path}", request
            )
            return self.unknown_route(request)
        route, parameters = found
        if not route.open and (refusal := self.authorize(request)) is not None:
            self.violation("unauthorized", "missing or invalid credentials", request)
            return refusal
        if (refusal := self.admit(request, route)) is not None:
            return refusal
        if route.query is not None:
            extra = sorted({key for key, _ in request.query} - route.query)
            if extra:
                self.violation("unknown_query", f"unknown parameters: {', '.join(extra)}", request)
        return route.handler(replace(request, parameters=MappingProxyType(parameters)))

    def reset(self) -> None:
        """A clean start: no records, no log, no faults, real time."""
        self.faults.clear()
        with self.lock:
            self.clock.reset()
            self.random.seed(self.seed)
            self.journal = Journal()
            self._quiet_until.clear()
            self._pages.clear()
            if self.sender is not None:
                self.sender.clear()
            self.clear()

    def grouped_counts(self) -> dict[str, dict[str, dict[str, Json]]]:
        """Write counts per object and external id."""
        with self.lock:
            return self.journal.counts.grouped(
                (object, id, _text(fields.get(self.identity_of(object))))
                for object, id, fields in self.live_records()
            )

    def previous_page(self, entry: Entry, response: Response) -> Response:
        """The answer before this one to the same caller and path, for the duplicate-page fault."""
        request = entry.request
        key = (request.method, request.path, request.headers.get("authorization", ""))
        with self.lock:
            return self._pages.get(key, response)

    def remember_page(self, entry: Entry, response: Response) -> None:
        """Keep the latest answer of a path, for the duplicate-page fault."""
        request = entry.request
        if response.status < 300 and self.faults.rules():
            key = (request.method, request.path, request.headers.get("authorization", ""))
            with self.lock:
                self._pages[key] = response

    def close(self) -> None:
        """Stop background work."""
        self.faults.clear()
        if self.sender is not None:
            self.sender.stop()


def _text(value: object) -> str | None:
    return None if value is None or value == "" else str(value)


def plain_error(status: int, message: str) -> Response:
    """An error of the admin surface."""
    return json_response(status, {"error": message})
