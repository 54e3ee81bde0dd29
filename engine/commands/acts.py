"""What an operator may do to a running project, the same with and without an engine.

A command sends the act to the engine when one runs, and otherwise takes the lock and does it
itself. Every act leaves a ledger line. Answers hold only what JSON can show.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from connectors.errors import CallError
from connectors.records import Life, Selection
from engine.config.model import Endpoint, SyncConfig
from engine.control import ControlError, Handler
from engine.model import Address, NewRow, Origin
from engine.pipeline.gateway import UnavailableError
from engine.pipeline.poll import backfill_stream
from engine.pipeline.services import Services
from engine.runner import BACKFILL_SINCE
from engine.spool_feed import SpoolEraser
from engine.store import (
    connections,
    deliveries,
    delivery_views,
    forgetting,
    inbox,
    intents,
    issues,
    ledger,
    links,
    operator_views,
    streams,
)
from engine.store.issues import StoredIssue
from engine.store.sql import Tx
from engine.store.streams import Stream

OPERATOR: Final = "operator"
DISMISSED: Final = "settled by an operator"

Given = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Acts:
    """The acts. ``wake`` is called when there may be new work; ``eraser`` is for ``forget``."""

    services: Services
    wake: Callable[[], None] = lambda: None
    eraser: SpoolEraser | None = None

    def handlers(self) -> dict[str, Handler]:
        """The acts by name, as the control socket offers them."""
        return {
            "pause": self.pause,
            "resume": self.resume,
            "retry": self.retry,
            "resync": self.resync,
            "resolve": self.resolve,
            "backfill": self.backfill,
            "rebuild": self.rebuild,
            "persons": self.persons,
            "forget": self.forget,
        }

    def pause(self, given: Given) -> object:
        """Stop using a connection until a person resumes it."""
        name, reason = self._connection(given), str(given.get("reason") or "paused by a person")
        now = self._now()
        with self.services.store.write() as tx:
            connections.pause(tx, name, "OPERATOR", reason, now)
            self._line(tx, "pause", source=Address(name, "", ""), code="OPERATOR")
        self.services.gateway.refresh()
        return {"connection": name, "paused": True}

    def resume(self, given: Given) -> object:
        """Use a connection again."""
        name = self._connection(given)
        with self.services.store.write() as tx:
            changed = connections.resume(tx, name)
            if changed:
                self._line(tx, "resume", source=Address(name, "", ""))
        self.services.gateway.refresh()
        self.wake()
        return {"connection": name, "resumed": changed}

    def retry(self, given: Given) -> object:
        """Deliver again, as it is stored, with fresh tries."""
        now = self._now()
        done = []
        with self.services.store.write() as tx:
            for issue in self._issues(tx, given):
                if issue.delivery is None:
                    raise ControlError("no_delivery", f"issue {issue.id} has no delivery to retry")
                # What is parked did not arrive, the person says: it may be sent anew.
                intents.give_up(tx, [issue.delivery], now)
                delivery_views.retry(tx, [issue.delivery], now)
                self._line(tx, "retry", issue=issue)
                done.append(issue.id)
        self.wake()
        return {"retried": done}

    def resync(self, given: Given) -> object:
        """Read the record from its source anew, then deliver it."""
        now = self._now()
        done = []
        with self.services.store.write() as tx:
            for issue in self._issues(tx, given):
                root = issue.source
                if issue.delivery is not None:
                    delivery_views.retry(tx, [issue.delivery], now)
                    found = operator_views.delivery_numbered(tx, issue.delivery)
                    root = found.source if found else root
                row = NewRow(root, "changed", Origin.OPERATOR, now, only_sync=issue.sync)
                inbox.add(tx, [row])
                self._line(tx, "resync", issue=issue)
                done.append(issue.id)
        self.wake()
        return {"resynced": done}

    def resolve(self, given: Given) -> object:
        """Close an issue: with a note, or with the link that a person has chosen."""
        id = _text(given, "issue")
        target_id = given.get("link")
        with self.services.store.read() as tx:
            issue = self._issue(tx, id)
        if target_id:
            return self._link(issue, str(target_id))
        note = str(given.get("note") or DISMISSED)
        now = self._now()
        with self.services.store.write() as tx:
            if not issues.end(tx, id, note, now):
                raise ControlError("not_open", f"issue {id} is not open any more")
            if issue.delivery is not None:
                operator_views.dismiss(tx, issue.delivery, "RESOLVED", now)
            self._line(tx, "resolve", issue=issue)
        return {"resolved": id}

    def backfill(self, given: Given) -> object:
        """Read a sync's past again, from the beginning or from an instant."""
        sync = self._sync(given)
        since = _instant(given.get("since"))
        name, now = backfill_stream(sync.name), self._now()
        with self.services.store.write() as tx:
            streams.put(tx, Stream(name, None, at_head=False, finished_at=None, updated_at=now))
            shown = since.isoformat() if since else ""
            streams.put_meta(tx, BACKFILL_SINCE + sync.name, shown)
            self._line(tx, "backfill", sync=sync.name)
        self.wake()
        return {"sync": sync.name, "since": since.isoformat() if since else None}

    def rebuild(self, given: Given) -> object:
        """Make the links anew that a target's own identity values prove."""
        from engine.commands.rebuilding import rebuild_links

        sync = self._sync(given)
        try:
            made, there, taken = rebuild_links(self.services, sync)
        except (CallError, UnavailableError) as error:
            raise ControlError("unavailable", f"{sync.target.connection}: {error}") from None
        with self.services.store.write() as tx:
            self._line(tx, "rebuild", sync=sync.name, counts={"links": made})
        self.wake()
        return {"sync": sync.name, "made": made, "already_there": there, "conflicting": taken}

    def persons(self, given: Given) -> object:
        """The records that are one person with the given one."""
        from engine.commands import forgetting

        found = forgetting.persons(self.services, _record(given))
        return {"records": [_shown(one) for one in found]}

    def forget(self, given: Given) -> object:
        """Erase everything stored about one person."""
        from engine.commands import forgetting

        if self.eraser is None:
            raise ControlError("no_spool", "this engine cannot reach the spool")
        return forgetting.forget(self.services, self.eraser, _record(given))

    # -- linking by hand -----------------------------------------------------------------------

    def _link(self, issue: StoredIssue, target_id: str) -> object:
        near = issue.source
        sync = self.services.config.syncs.get(issue.sync)
        if sync is None:
            raise ControlError("unknown_sync", f"the sync {issue.sync} is no longer configured")
        far = Address(sync.target.connection, self._far_object(sync, issue), target_id)
        self._must_be_live(far)
        now = self._now()
        with self.services.store.write() as tx:
            parent = self._parent_link(tx, sync, issue)
            self._must_be_free(tx, near, far)
            links.create(tx, near, far, {}, parent, now)
            if not issues.end(tx, issue.id, f"linked to {far.id} by an operator", now):
                raise ControlError("not_open", f"issue {issue.id} is not open any more")
            if issue.delivery is not None:
                intents.give_up(tx, [issue.delivery], now)
                delivery_views.retry(tx, [issue.delivery], now)
            deliveries.wake(tx, [near], now)
            self._line(tx, "link", issue=issue, target=far)
        self.wake()
        return {"resolved": issue.id, "linked": {"source": _shown(near), "target": _shown(far)}}

    def _far_object(self, sync: SyncConfig, issue: StoredIssue) -> str:
        if issue.source.object == sync.source.object:
            return sync.target.object
        for kind in sync.mapping.children:
            if kind.source_object == issue.source.object:
                return kind.target_object
        raise ControlError("no_target", f"sync {sync.name} writes nothing for {issue.source}")

    def _parent_link(self, tx: Tx, sync: SyncConfig, issue: StoredIssue) -> int | None:
        """A child's link lies under its root's."""
        if issue.source.object == sync.source.object or issue.delivery is None:
            return None
        found = operator_views.delivery_numbered(tx, issue.delivery)
        if found is None:
            return None
        target = sync.target
        roots = links.of_sources(tx, [found.source], target.connection, target.object)
        return roots[found.source][0].number if found.source in roots else None

    def _must_be_live(self, far: Address) -> None:
        selection = Selection(far.object, ())
        try:
            read = self.services.gateway.read(
                far.connection, lambda connector: connector.read(selection, [far.id]), "read"
            )
        except (CallError, UnavailableError) as error:
            raise ControlError("unavailable", f"{far} cannot be looked up: {error}") from None
        if not read or read[0].life is not Life.LIVE:
            raise ControlError("no_record", f"there is no {far.object} {far.id}", "check the id")

    def _must_be_free(self, tx: Tx, near: Address, far: Address) -> None:
        for gone in forgetting.among(tx, (near, far)):
            hint = "nothing about it is kept or sent any more"
            raise ControlError("forgotten", f"{gone} was forgotten", hint)
        for one, other in ((near, far), (far, near)):
            held = links.of_sources(tx, [one], other.connection, other.object).get(one)
            if held:
                raise ControlError(
                    "already_linked",
                    f"{one} is already linked to {held[0].far}",
                    f"see revline links show {one.id}",
                )

    # -- the arguments ---------------------------------------------------------------------------

    def _now(self) -> datetime:
        return self.services.clock.now()

    def _connection(self, given: Given) -> str:
        name = _text(given, "connection")
        if name not in self.services.config.connections:
            raise ControlError("unknown_connection", f"there is no connection {name!r}")
        return name

    def _sync(self, given: Given) -> SyncConfig:
        name = _text(given, "sync")
        found = self.services.config.syncs.get(name)
        if found is None:
            raise ControlError("unknown_sync", f"there is no sync {name!r}")
        if found not in self.services.active_syncs():
            raise ControlError("sync_off", f"the sync {name} is off", "set enabled: true first")
        return found

    def _issue(self, tx: Tx, id: str) -> StoredIssue:
        found = issues.find(tx, self.services.store.payloads, id)
        if found is None:
            raise ControlError("unknown_issue", f"there is no issue {id}", "see the issues list")
        if found.state != "open":
            raise ControlError("not_open", f"issue {id} is closed: {found.resolution or 'done'}")
        return found

    def _issues(self, tx: Tx, given: Given) -> list[StoredIssue]:
        asked = given.get("issues")
        if asked == "all":
            return issues.listed(tx, self.services.store.payloads, limit=10_000)
        if not isinstance(asked, Sequence) or isinstance(asked, str):
            raise ControlError("malformed", "name the issues")
        return [self._issue(tx, str(id)) for id in asked]

    def _line(
        self,
        tx: Tx,
        operation: str,
        *,
        sync: str = "",
        issue: StoredIssue | None = None,
        source: Address | None = None,
        target: Address | None = None,
        code: str | None = None,
        counts: Mapping[str, int] | None = None,
    ) -> None:
        """Say in the ledger that a person did this."""
        line = ledger.Line(
            time=self._now(),
            sync=issue.sync if issue else sync,
            operation=operation,
            outcome=OPERATOR,
            config=self.services.config.digest,
            source=issue.source if issue else source,
            target=target or (issue.target if issue else None),
            code=issue.code if issue else code,
            counts=counts or {},
        )
        ledger.append(tx, [line])


def poll_endpoints(sync: SyncConfig) -> tuple[Endpoint, ...]:
    """The objects whose changes a sync needs: its root and the children it includes."""
    return (
        sync.source,
        *(
            Endpoint(sync.source.connection, selection.object)
            for selection in sync.mapping.includes.values()
        ),
    )


def _shown(address: Address) -> dict[str, str]:
    return {"connection": address.connection, "object": address.object, "id": address.id}


def _record(given: Given) -> Address:
    return Address(_text(given, "connection"), _text(given, "object"), _text(given, "id"))


def _text(given: Given, name: str) -> str:
    value = given.get(name)
    if not isinstance(value, str) or not value:
        raise ControlError("malformed", f"{name} is missing")
    return value


def _instant(value: object) -> datetime | None:
    if value is None:
        return None
    try:
        found = datetime.fromisoformat(str(value))
    except ValueError:
        raise ControlError("malformed", f"{value} is not an instant") from None
    if found.tzinfo is None:
        raise ControlError("malformed", f"{value} has no time zone")
    return found
