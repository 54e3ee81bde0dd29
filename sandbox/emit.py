"""Webhooks out: real HTTP posts from a background thread, retried on the vendor's schedule.

Retries wait on the virtual clock, so a test passes 24 hours by moving it. A vendor's
:class:`WebhookFormat` says how events are batched, rendered and signed and when to try again.
"""

from __future__ import annotations

import random
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final, Protocol
from urllib.parse import urlsplit

import requests

from sandbox.clock import VirtualClock, iso_milliseconds
from sandbox.messages import Json

SIGNATURES: Final = ("good", "wrong", "old", "future", "missing")
LOOPBACK_HOSTS: Final = frozenset({"127.0.0.1", "localhost", "::1"})
ORDERS: Final = ("given", "reverse", "shuffle")


@dataclass(frozen=True, slots=True)
class Target:
    """Where events go. ``url`` is where the request is sent; ``signed_url`` what the vendor hashes
    (the public address), the same unless the receiver stands behind a proxy."""

    url: str
    secret: str
    signed_url: str

    def __repr__(self) -> str:
        return f"Target(url={self.url!r})"


class WebhookFormat(Protocol):
    """How one vendor sends events."""

    batch_max: int
    answer_wait_seconds: float

    def render(self, events: Sequence[Json], attempt: int) -> bytes:
        """The request body for a batch; ``attempt`` starts at 0."""
        ...

    def headers(
        self, target: Target, body: bytes, sent_at: datetime, signature: str
    ) -> Mapping[str, str]:
        """Content type and signature headers; ``signature`` is one of :data:`SIGNATURES`."""
        ...

    def retry_after(self, attempt: int, chance: random.Random) -> timedelta | None:
        """How long after failed attempt ``attempt`` to try again; ``None`` gives up."""
        ...


@dataclass(slots=True)
class Delivery:
    """One event on its way. Times are virtual."""

    event: Json
    due: datetime
    target: Target
    signature: str = "good"
    batch_max: int | None = None
    emission: str = "auto"
    attempt: int = 0
    statuses: list[int | str] = field(default_factory=list)
    accepted_at: datetime | None = None
    given_up: bool = False

    @property
    def open(self) -> bool:
        """Whether another try is owed."""
        return self.accepted_at is None and not self.given_up

    def as_json(self) -> dict[str, Json]:
        """The delivery as the admin surface reports it."""
        return {
            "emission": self.emission,
            "event": self.event,
            "attempts": len(self.statuses),
            "statuses": list(self.statuses),
            "accepted_at": iso_milliseconds(self.accepted_at) if self.accepted_at else None,
            "given_up": self.given_up,
            "due": iso_milliseconds(self.due) if self.open else None,
        }


@dataclass(frozen=True, slots=True)
class Emission:
    """How a set of events is sent on demand."""

    events: tuple[Json, ...]
    duplicates: int = 0
    order: str = "given"
    seed: int = 0
    delay_seconds: float = 0.0
    signature: str = "good"
    batch_max: int | None = None


class Sender:
    """Sends events to one target until they are accepted or given up. Thread-safe."""

    def __init__(self, format: WebhookFormat, clock: VirtualClock, seed: int = 0) -> None:
        self._format = format
        self._clock = clock
        self._chance = random.Random(seed)
        self._wake = threading.Condition()
        self._deliveries: list[Delivery] = []
        self._open: list[Delivery] = []
        self._sending = 0
        self._emissions = 0
        self._thread: threading.Thread | None = None
        self._stopped = False
        self._session = requests.Session()
        self._session.trust_env = False
        self.target: Target | None = None
        self.paused = False
        clock.subscribe(self._notify)

    def _notify(self) -> None:
        with self._wake:
            self._wake.notify_all()

    def configure(self, target: Target | None, *, paused: bool = False) -> None:
        """Set where events go from now on; while ``paused`` nothing is sent automatically."""
        with self._wake:
            self.target, self.paused = target, paused
            self._wake.notify_all()

    def submit(self, events: Sequence[Json]) -> None:
        """Queue events that a change just caused; dropped when no target is set or it is paused."""
        with self._wake:
            if self.target is None or self.paused or self._stopped:
                return
            now = self._clock.now()
            self._queue([Delivery(event, now, self.target) for event in events])

    def emit(self, emission: Emission) -> str:
        """Queue events as told; answers the name under which they are reported."""
        chance = random.Random(emission.seed)
        events = [event for event in emission.events for _ in range(1 + emission.duplicates)]
        if emission.order == "reverse":
            events.reverse()
        elif emission.order == "shuffle":
            chance.shuffle(events)
        with self._wake:
            if self.target is None:
                raise ValueError("no webhook target is configured: POST /__admin/webhooks first")
            self._emissions += 1
            name = f"e{self._emissions}"
            due = self._clock.now() + timedelta(seconds=emission.delay_seconds)
            deliveries = [
                Delivery(
                    event,
                    due,
                    self.target,
                    signature=emission.signature,
                    batch_max=emission.batch_max,
                    emission=name,
                )
                for event in events
            ]
            self._queue(deliveries)
            return name

    def _queue(self, deliveries: list[Delivery]) -> None:
        self._deliveries.extend(deliveries)
        self._open.extend(deliveries)
        if self._thread is None:
            self._thread = threading.Thread(target=self._work, name="webhook-sender", daemon=True)
            self._thread.start()
        self._wake.notify_all()

    def _work(self) -> None:
        while True:
            with self._wake:
                batch = self._due_batch()
                while not batch and not self._stopped:
                    self._wake.wait(self._seconds_to_next())
                    batch = self._due_batch()
                if self._stopped:
                    return
                self._sending = len(batch)
            try:
                self._send(batch)
            finally:
                with self._wake:
                    self._sending = 0
                    self._open = [delivery for delivery in self._open if delivery.open]
                    self._wake.notify_all()

    def _due_batch(self) -> list[Delivery]:
        """The first due delivery and those that may travel with it."""
        now = self._clock.now()
        batch: list[Delivery] = []
        for delivery in self._open:
            if delivery.due > now:
                continue
            if batch and _companions(batch[0]) != _companions(delivery):
                continue
            batch.append(delivery)
            if len(batch) >= (batch[0].batch_max or self._format.batch_max):
                break
        return batch

    def _seconds_to_next(self) -> float | None:
        if not self._open or self._clock.frozen:
            return None
        next_due = min(delivery.due for delivery in self._open)
        return max((next_due - self._clock.now()).total_seconds(), 0.001)

    def _send(self, batch: list[Delivery]) -> None:
        first = batch[0]
        sent_at = self._clock.now()
        body = self._format.render([delivery.event for delivery in batch], first.attempt)
        headers = self._format.headers(first.target, body, sent_at, first.signature)
        status = self._post(first.target.url, body, headers)
        accepted = isinstance(status, int) and 200 <= status < 300
        wait = None if accepted else self._format.retry_after(first.attempt, self._chance)
        with self._wake:
            for delivery in batch:
                delivery.statuses.append(status)
                delivery.attempt += 1
                if accepted:
                    delivery.accepted_at = self._clock.now()
                elif wait is None:
                    delivery.given_up = True
                else:
                    delivery.due = sent_at + wait

    def _post(self, url: str, body: bytes, headers: Mapping[str, str]) -> int | str:
        """The status of one request, or the name of what went wrong."""
        try:
            if urlsplit(url).hostname not in LOOPBACK_HOSTS:
                return "NotLoopback"  # made-up data never leaves this machine
            answer = self._session.post(
                url,
                data=body,
                headers=dict(headers),
                timeout=self._format.answer_wait_seconds,
                allow_redirects=False,
            )
        except (requests.RequestException, ValueError) as error:
            return type(error).__name__
        return answer.status_code

    def report(self, emission: str | None = None) -> dict[str, Json]:
        """Per event attempts and first acceptance, and how many are still open."""
        with self._wake:
            chosen = [
                delivery
                for delivery in self._deliveries
                if emission is None or delivery.emission == emission
            ]
            return {
                "events": [delivery.as_json() for delivery in chosen],
                "open": sum(delivery.open for delivery in chosen),
            }

    def wait_until_idle(self, wait_seconds: float) -> bool:
        """Whether nothing is due or under way, waiting for that up to ``wait_seconds`` (real)."""

        def idle() -> bool:
            now = self._clock.now()
            return self._sending == 0 and all(delivery.due > now for delivery in self._open)

        with self._wake:
            return self._wake.wait_for(idle, wait_seconds)

    def clear(self) -> None:
        """Forget target, queue and reports."""
        with self._wake:
            self.target, self.paused = None, False
            self._deliveries, self._open = [], []
            self._wake.notify_all()

    def stop(self) -> None:
        """End the thread; open deliveries stay unsent."""
        with self._wake:
            self._stopped = True
            self._wake.notify_all()
            thread = self._thread
        if thread is not None:
            thread.join(self._format.answer_wait_seconds + 1)
        self._session.close()


def _companions(delivery: Delivery) -> tuple[object, ...]:
    return (
        delivery.target.url,
        delivery.attempt,
        delivery.signature,
        delivery.emission,
        delivery.batch_max,
    )
