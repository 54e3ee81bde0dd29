"""The runner: which stream to read and which sync to drain next, and when there is nothing to do.

:meth:`Runner.round` does one round of everything that is due, in a fixed order and in the calling
thread; simulations, ``--once`` and ``--until-idle`` use nothing else.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from datetime import datetime, timedelta
from typing import Final, TypeAlias

from connectors.errors import CallError
from engine.books.keep import keep, unkept
from engine.books.spec import CONNECTION as OWN
from engine.clock import microseconds
from engine.config.model import Enabled, Endpoint, SyncConfig
from engine.model import NewRow, Origin
from engine.pipeline.drain import claim_size, drain, drain_due
from engine.pipeline.gateway import APPLY, UnavailableError
from engine.pipeline.intend import GUARD_CREATES
from engine.pipeline.poll import (
    Polled,
    backfill,
    backfill_stream,
    changes_stream,
    overdue,
    poll_changes,
    poll_removed,
    removed_stream,
)
from engine.pipeline.references import Catalogues
from engine.pipeline.route import THROUGH_CHILD, route
from engine.pipeline.services import Services
from engine.pipeline.sweep import EVERY as WAITS_EVERY
from engine.pipeline.sweep import sweep
from engine.pipeline.take_in import SpoolSource, take_in
from engine.rests import Rests
from engine.rounds import NoSpool, Round
from engine.store import deliveries, delivery_states, delivery_views, feeds, inbox, streams
from engine.store.streams import Stream

PAGES_PER_ROUND: Final = 5
POSTPONED_EVERY: Final = timedelta(seconds=30)
BACKFILL_PAGES_PER_ROUND: Final = 20
ROUTES_PER_ROUND: Final = 10
SWEEP_EVERY: Final = timedelta(seconds=30)
BACKFILL_SINCE: Final = "backfill_since:"
"""The fact about the store that says since when an operator wants a sync's past read again."""

PageReader: TypeAlias = Callable[[], Polled]


class Runner:
    """Drives the pipeline of one engine.

    One thread, except for :meth:`read_due` and :meth:`drain`, which say what they allow.
    """

    def __init__(self, services: Services, spool: SpoolSource | None = None) -> None:
        self._services = services
        self._spool = spool or NoSpool()
        self._catalogues = Catalogues(services)
        self._rests = Rests()
        self._swept_at: datetime | None = None
        self._looked_at_waits: datetime | None = None
        self._took_up: datetime | None = None
        self._worked = False
        self._read_well: set[str] = set()
        self._poll_now: set[Endpoint] = set(services.sources())

    @property
    def services(self) -> Services:
        return self._services

    def recover(self) -> int:
        """After a start: take back leases; what was sent without an answer is in doubt.

        All leases, if no other engine is at work on the store; otherwise those that ran out.
        """
        store = self._services.store
        self._swept_at = self._services.clock.now()
        with store.write() as tx:
            # The limit may be another one by now.
            deliveries.release_held(tx, GUARD_CREATES, self._swept_at, due=False)
            for sync in self._services.active_syncs():
                if sync.enabled is Enabled.ON:
                    deliveries.go_live(tx, sync.name, self._swept_at)
        with store.database.arriving() as alone, store.write() as tx:
            return deliveries.recover(tx, self._swept_at, all_leases=alone)

    def sweep_leases(self) -> int:
        """Take back what another engine left, now and then. A lone engine leaves nothing."""
        store, now = self._services.store, self._services.clock.now()
        due = self._swept_at is None or now - self._swept_at >= SWEEP_EVERY
        if store.database.sqlite or not due:
            return 0
        self._swept_at = now
        with store.write() as tx:
            return deliveries.recover(tx, now, all_leases=False)

    def poll_now(self, endpoints: Sequence[Endpoint] | None = None) -> None:
        """Let the next round read these objects' changes (all, if none are named)."""
        self._poll_now.update(endpoints if endpoints is not None else self._services.sources())

    def round(self) -> Round:
        """One round: take in, read what is due, route, drain one batch per sync."""
        self.sweep_leases()
        self.sweep_waits()
        requests = take_in(self._services, self._spool)
        records = self.read_due()
        routed = self.route_all()
        delivered = drain_due(self._services, self._catalogues)
        self._worked = self._worked or bool(delivered)
        self._services.store.seal()
        self._services.gateway.flush_calls()
        return Round(requests, records, routed, delivered)

    def route_all(self) -> int:
        """Route what is new, bounded."""
        self._take_up_postponed()
        routed = 0
        for _ in range(ROUTES_PER_ROUND):
            count = route(self._services)
            routed += count
            if not count:
                break
        return routed

    def _take_up_postponed(self) -> None:
        now = self._services.clock.now()
        if self._took_up is not None and now - self._took_up < POSTPONED_EVERY:
            return
        self._took_up = now
        with self._services.store.read() as tx:
            waiting = inbox.any_postponed(tx)
        if waiting:
            with self._services.store.write() as tx:
                inbox.postponed_again(tx)

    def drain(self, sync: SyncConfig) -> int:
        """Drain one batch of one sync."""
        return drain(self._services, self._catalogues, sync)

    def read_due(self, connections: Collection[str] | None = None) -> int:
        """Read the streams that are due, of some connections or of all.

        Returns the number of records that were news. May be called from several threads, each with
        connections of its own: one that is slow to answer keeps nobody else waiting.
        """
        now = self._services.clock.now()
        if connections is None or OWN in connections:
            kept, sources = keep(self._services), self._services.sources()
            self.poll_now([endpoint for endpoint in kept if endpoint in sources])
        with self._services.store.read() as tx:
            known = streams.every(tx)
        news = 0
        for endpoint in self._services.sources():
            if connections is None or endpoint.connection in connections:
                news += self._changes(endpoint, known, now)
                news += self._removed(endpoint, known, now)
        for sync in self._services.active_syncs():
            if connections is None or sync.source.connection in connections:
                news += self._backfill(sync, known)
                news += self._recheck(sync, known, now)
        return news

    def sweep_waits(self) -> None:
        """Look at what waits, every five minutes."""
        now = self._services.clock.now()
        if self._looked_at_waits is None or now - self._looked_at_waits >= WAITS_EVERY:
            self._looked_at_waits = now
            sweep(self._services)

    def _changes(self, endpoint: Endpoint, known: dict[str, Stream], now: datetime) -> int:
        name = changes_stream(endpoint)
        asked = endpoint in self._poll_now
        if not asked and not overdue(known.get(name), self._poll_every(endpoint), now):
            return 0
        # Taken down before reading: who asks while a page is on its way asks for a later one.
        self._poll_now.discard(endpoint)
        news, unread = 0, asked
        try:
            for _ in range(PAGES_PER_ROUND):
                page = self._page(
                    name, endpoint.connection, lambda: poll_changes(self._services, endpoint)
                )
                if page is None:
                    break
                news += page.news
                unread = not page.at_head
                if page.at_head:
                    break
        finally:
            if unread:
                self._poll_now.add(endpoint)
        return news

    def _poll_every(self, endpoint: Endpoint) -> timedelta:
        own = [sync.poll_every for sync in self._services.syncs_from(endpoint)]
        connection = self._services.config.connections[endpoint.connection]
        return min(own, default=connection.poll_every)

    def _removed(self, endpoint: Endpoint, known: dict[str, Stream], now: datetime) -> int:
        name = removed_stream(endpoint)
        every = self._services.config.connections[endpoint.connection].removed_every
        if not overdue(known.get(name), every, now):
            return 0
        page = self._page(name, endpoint.connection, lambda: poll_removed(self._services, endpoint))
        return page.news if page else 0

    def _backfill(self, sync: SyncConfig, known: dict[str, Stream]) -> int:
        name = backfill_stream(sync.name)
        stream = known.get(name)
        if stream is not None and stream.at_head:
            return 0
        if stream is None and sync.start_from.now:
            now = self._services.clock.now()
            with self._services.store.write() as tx:
                streams.put(tx, Stream(name, None, at_head=True, finished_at=now, updated_at=now))
            return 0
        if changes_stream(sync.source) not in known or not self._ready_after(sync, known):
            return 0  # Changes are followed before the past is read, so that nothing falls between.
        news, since, connection = 0, self._since(sync), sync.source.connection
        enough = claim_size(self._services, sync)
        page_list = self._services.object_spec(sync.source).page_list
        for _ in range(max(BACKFILL_PAGES_PER_ROUND, enough // page_list)):
            page = self._page(name, connection, lambda: backfill(self._services, sync, since))
            news += page.news if page else 0
            # As many pages as fill the target's calls: half-full calls would cost twice as many.
            if page is None or page.at_head or page.again_after or news >= enough:
                break
        return news

    def _since(self, sync: SyncConfig) -> datetime | None:
        """From when on a sync's past is read: what an operator asked for wins."""
        with self._services.store.read() as tx:
            asked = streams.get_meta(tx, BACKFILL_SINCE + sync.name)
        if asked is None:
            return sync.start_from.since
        return datetime.fromisoformat(asked) if asked else None

    def _ready_after(self, sync: SyncConfig, known: dict[str, Stream]) -> bool:
        """Whether the syncs named in ``after:`` have read their past and delivered it."""
        active = {other.name for other in self._services.active_syncs()}
        names = [name for name in sync.after if name in active]
        for name in names:
            stream = known.get(backfill_stream(name))
            if stream is None or not stream.at_head:
                return False
        with self._services.store.read() as tx:
            if names and inbox.unrouted(tx, 1):
                return False
            return delivery_states.busy(tx, names) == 0

    def _recheck(self, sync: SyncConfig, known: dict[str, Stream], now: datetime) -> int:
        """Look again at active records whose object can change without a new version."""
        if sync.recheck is None:
            return 0
        name = f"recheck:{sync.name}"
        if not overdue(known.get(name), sync.recheck.every, now):
            return 0
        with self._services.store.write() as tx:
            roots = delivery_views.active_since(tx, sync.name, now - sync.recheck.window)
            rows = [
                NewRow(root, THROUGH_CHILD, Origin.RECHECK, now, only_sync=sync.name)
                for root in roots
            ]
            inbox.add(tx, rows)
            streams.put(tx, Stream(name, None, at_head=True, finished_at=now, updated_at=now))
        return len(roots)

    def _page(self, name: str, connection: str, read: PageReader) -> Polled | None:
        """Read one page; a stream that fails is left alone for a while, the others go on."""
        now = self._services.clock.now()
        if self._rests.resting(name, now):
            return None
        if not self._services.gateway.usable(connection):
            self._rests.away(name, self._services.gateway.until(connection))
            return None
        try:
            page = read()
        except UnavailableError as why:
            self._rests.away(name, why.until)
            return None
        except CallError as error:
            self._rests.failed(name, now, self._services.random)
            self._read_well.discard(name)
            store = self._services.store
            with store.write() as tx:
                feeds.note(tx, store.payloads, name, error.code, error.message, now)
            return None
        self._rests.read(name, self._services.clock.now(), page.again_after)
        self._went_well(name)
        return page

    def _went_well(self, name: str) -> None:
        """What was told of a failing stream is over; looked at once per process."""
        if name in self._read_well:
            return
        self._read_well.add(name)
        with self._services.store.read() as tx:
            failing = feeds.is_failing(tx, name)
        if failing:
            with self._services.store.write() as tx:
                feeds.clear(tx, name)

    def failing_streams(self) -> dict[str, datetime]:
        """Streams that could not be read, and when they are tried again."""
        return self._rests.failing()

    def idle(self) -> bool:
        """Nothing unrouted, ready now, leased, in doubt, unkept; every stream at its head once."""
        now = self._services.clock.now()
        usable, names = self._services.gateway.usable, self._flowing()
        away = [name for name in self._services.config.connections if not usable(name)]
        if any(usable(endpoint.connection) for endpoint in self._poll_now) or self._rests.failing():
            return False
        with self._services.store.read() as tx:
            if inbox.unrouted(tx, 1, but=away) or inbox.any_postponed(tx):
                return False
            if delivery_states.unsettled(tx, names, now) or unkept(self._services, tx):
                return False
            known = streams.every(tx)
            position = int(streams.get_meta(tx, "spool_position") or 0)
        if self._spool.after(position, 1):
            return False
        return all(
            (stream := known.get(name)) is not None and stream.finished_at is not None
            for name in self._stream_names()
        )

    def _flowing(self) -> list[str]:
        """The syncs whose deliveries can be worked on now."""
        usable = self._services.gateway.usable
        syncs = self._services.active_syncs()
        fine = [one for one in syncs if usable(one.target.connection, APPLY)]
        return [one.name for one in fine if usable(one.source.connection)]

    def look_again(self) -> bool:
        """Whether there was work since the last look at what the syncs write to: then look there.

        What one sync wrote is news to the sync that faces it.
        """
        written = {sync.target for sync in self._services.active_syncs()}
        facing = [endpoint for endpoint in self._services.sources() if endpoint in written]
        if not self._worked or not facing:
            return False
        self._worked = False
        self.poll_now(facing)
        return True

    def _stream_names(self) -> list[str]:
        """The streams that have to be read once before there is nothing to do.

        A connection that is paused is a person's business: nothing waits for it.
        """
        usable = self._services.gateway.usable
        changes = [
            changes_stream(endpoint)
            for endpoint in self._services.sources()
            if usable(endpoint.connection)
        ]
        past = [
            backfill_stream(sync.name)
            for sync in self._services.active_syncs()
            if usable(sync.source.connection)
            and all(
                usable(self._services.config.syncs[name].target.connection) for name in sync.after
            )
        ]
        return changes + past

    def until_idle(self, seconds_max: float | None = None, *, look_again: bool = True) -> bool:
        """Rounds until idle. False when time ran out first.

        ``look_again`` false leaves what was written on the way to the next poll.
        """
        start = self._services.clock.now()
        idle = self.idle()
        while not idle or (look_again and self.look_again()):
            busy, idle = self.round().busy, self.idle()
            if not busy and not idle:
                self._services.clock.sleep(self._pause_seconds())
            spent = self._services.clock.now() - start
            if seconds_max is not None and spent > timedelta(seconds=seconds_max):
                return False
        return True

    def _pause_seconds(self) -> float:
        """Until something falls due, at most a second."""
        now, gateway = self._services.clock.now(), self._services.gateway
        with self._services.store.read() as tx:
            due = delivery_views.next_due(tx, self._flowing())
        moments = [due] if due else []
        names = self._services.config.connections
        moments += [gateway.until(name, APPLY) for name in names if not gateway.usable(name, APPLY)]
        moments += self._rests.ends()
        wait = min((microseconds(moment) - microseconds(now) for moment in moments), default=0)
        return min(1.0, max(0.02, wait / 1_000_000))
