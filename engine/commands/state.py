"""How a project stands, read from its store: the content of ``revline status``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

from engine.commands.kit import EXIT_WRONG
from engine.commands.outdated import NONE, digests
from engine.commands.outdated import content as told_of
from engine.config.model import Endpoint, SyncConfig
from engine.model import Address, DeliveryState
from engine.observe.heartbeat import STALE_AFTER, HeartbeatFile
from engine.pipeline.poll import backfill_stream, changes_stream
from engine.pipeline.take_in import POSITION
from engine.store import (
    allowances,
    connections,
    delivery_states,
    delivery_views,
    feeds,
    inbox,
    issues,
    operator_views,
    outdated,
    streams,
)

if TYPE_CHECKING:
    from datetime import datetime

    from engine.app import Project
    from engine.store.payloads import Payloads
    from engine.store.sql import Tx
    from engine.store.store import Store

LISTED_MAX: Final = 200
OPEN_STATES: Final = tuple(state.value for state in DeliveryState)
NEEDS_A_LOOK: Final = ("waiting", "held", "issue", "in_doubt", "retry_later")


def state_of(project: Project, store: Store) -> dict[str, Any]:
    """The whole shape of ``status --json``; see docs/interfaces.md."""
    now = project.clock.now()
    services = project.services(store, connected=False)
    active = services.active_syncs()
    names = [sync.name for sync in active]
    sources = services.sources()
    with store.read() as tx:
        known = streams.every(tx)
        tally = delivery_views.tally(tx)
        opened = issues.open_per_sync(tx)
        older = outdated.every(tx, digests(active))
        working = bool(inbox.unrouted(tx, 1) or delivery_states.unsettled(tx, names, now))
        position = int(streams.get_meta(tx, POSITION) or 0)
        content = {
            "environment": project.config.environment,
            "idle": False,
            "engine": engine_state(project, now),
            "syncs": {
                sync.name: {
                    **_sync_state(sync, tally.get(sync.name, {}), known, now),
                    "issues": opened.get(sync.name, 0),
                    "outdated": told_of(older.get(sync.name, NONE)),
                }
                for sync in project.config.syncs.values()
            },
            "in_doubt": _in_doubt(tx),
            "waiting": _waiting(tx),
            "held": _held(tx, store.payloads),
            "retrying": _retrying(project.config.syncs, tx, now),
            "retry_later": _listed(tx, [DeliveryState.READY], due_after=now),
            "failing": _failing(tx, store.payloads),
            "issues": sum(opened.values()),
            "paused": _paused(tx, now),
            "api_calls": _calls(project, tx, now),
            "allowances": {
                name: allowances.shown(one) for name, one in sorted(allowances.every(tx).items())
            },
        }
    _without_false_times(content)
    content["idle"] = (
        not working and _at_head(known, sources, active) and not _spooled(project, position)
    )
    return content


def _failing(tx: Tx, payloads: Payloads) -> list[dict[str, Any]]:
    """The streams whose last read failed."""
    return [
        {
            "stream": feed.stream,
            "code": feed.code,
            "message": feed.message,
            "since": feed.since.isoformat(),
            "tries": feed.tries,
        }
        for feed in feeds.failing(tx, payloads)
    ]


def exit_code(content: Mapping[str, Any]) -> int:
    """1 when anything waits for somebody or something."""
    stopped = [sync["deliveries"]["issue"] for sync in content["syncs"].values()]
    wrong = (
        *stopped,
        content["waiting"],
        content["held"],
        content["in_doubt"],
        content["retry_later"],
        content["retrying"],
        content["issues"],
        content["paused"],
        content["failing"],
    )
    return EXIT_WRONG if any(wrong) else 0


def engine_state(project: Project, now: datetime) -> dict[str, Any]:
    """Whether an engine runs, and its last sign of life."""
    from engine.daemon import ENGINE_LOCK, ProjectLock

    last = HeartbeatFile(project.state, project.clock).last()
    held = ProjectLock(project.state / ENGINE_LOCK).held()
    age = None if last is None else last.age_seconds(now)
    return {
        "running": held,
        "heartbeat": None if last is None else _time(last.at),
        "silent": held and age is not None and age > STALE_AFTER.total_seconds(),
    }


def _sync_state(
    sync: SyncConfig, states: Mapping[str, int], known: Mapping[str, Any], now: datetime
) -> dict[str, Any]:
    stream = known.get(changes_stream(sync.source))
    past = known.get(backfill_stream(sync.name))
    last = stream.finished_at if stream is not None else None
    return {
        "from": str(sync.source),
        "to": str(sync.target),
        "enabled": sync.enabled.value,
        "deliveries": {name: states.get(name, 0) for name in OPEN_STATES},
        "last_synced": _time(last),
        "cursor_age_seconds": None if last is None else max(0.0, (now - last).total_seconds()),
        "backfill": "not begun" if past is None else ("done" if past.at_head else "reading"),
    }


def _time(value: datetime | None) -> str | None:
    return None if value is None else value.isoformat().replace("+00:00", "Z")


def _address(address: Address) -> dict[str, str]:
    return {"connection": address.connection, "object": address.object, "id": address.id}


def _row(item: operator_views.OpenDelivery) -> dict[str, Any]:
    return {
        "sync": item.sync,
        "source": _address(item.source),
        "reason": item.reason,
        "since": _time(item.opened_at),
        "due_at": _time(item.due_at),
        "tries": item.tries,
    }


def _in_doubt(tx: Tx) -> list[dict[str, Any]]:
    found = operator_views.listed(tx, [DeliveryState.IN_DOUBT], LISTED_MAX)
    return [_row(item) for item in found]


def _listed(
    tx: Tx, states: Sequence[DeliveryState], due_after: datetime | None = None
) -> list[dict[str, Any]]:
    found = operator_views.listed(tx, states, LISTED_MAX, due_after=due_after)
    return [_row(item) for item in found]


def _held(tx: Tx, payloads: Payloads) -> list[dict[str, Any]]:
    """Held records, each with what its gate says: what is missing, and where to put it right."""
    found = operator_views.listed(tx, [DeliveryState.HELD], LISTED_MAX)
    said = operator_views.sentences(tx, payloads, [item.number for item in found])
    return [{**_row(item), "says": said.get(item.number)} for item in found]


def _retrying(syncs: Mapping[str, SyncConfig], tx: Tx, now: datetime) -> list[dict[str, Any]]:
    """What is to be tried again, in groups, with when: at a time, or once a person resumes."""
    found = {(one.sync, one.reason): one for one in operator_views.retries(tx, now)}
    paused: dict[tuple[str, str], tuple[str, datetime | None]] = {}
    for name, state in _pauses(tx, now).items():
        code = state.paused_code or ""
        own = [
            sync.name
            for sync in syncs.values()
            if name in (sync.source.connection, sync.target.connection)
        ]
        for one in operator_views.put_off(tx, own, code):
            found[one.sync, code] = one
            paused[one.sync, code] = (name, state.paused_until)
    rows = []
    for key, one in sorted(found.items()):
        connection, ends_at = paused.get(key, (None, one.next_at))
        rows.append(
            {
                "sync": one.sync,
                "reason": one.reason or None,
                "count": one.count,
                "next_at": _time(ends_at),
                "paused": connection,
            }
        )
    return rows


def _without_false_times(content: Mapping[str, Any]) -> None:
    """What a pause put off is not tried when it falls due, but when the pause ends."""
    ends = {
        (group["sync"], group["reason"]): group["next_at"]
        for group in content["retrying"]
        if group["paused"] is not None
    }
    for row in content["retry_later"]:
        row["due_at"] = ends.get((row["sync"], row["reason"]), row["due_at"])


def _waiting(tx: Tx) -> list[dict[str, Any]]:
    """What waits, and for which record of the source, with that record's own state."""
    found = operator_views.listed(tx, [DeliveryState.WAITING], LISTED_MAX)
    waits = delivery_views.waits_of(tx, [item.number for item in found])
    rows = []
    for item in found:
        awaited = []
        for address, to_object in waits.get(item.number, ()):
            own = operator_views.deliveries_at(tx, address)
            awaited.append(
                {
                    **_address(address),
                    "to_object": to_object,
                    "state": {one.sync: one.state for one in own},
                }
            )
        rows.append({**_row(item), "for": awaited})
    return rows


def _paused(tx: Tx, now: datetime) -> dict[str, Any]:
    return {
        name: {"code": state.paused_code, "until": _time(state.paused_until)}
        for name, state in _pauses(tx, now).items()
    }


def _pauses(tx: Tx, now: datetime) -> dict[str, connections.ConnectionState]:
    return {
        name: state
        for name, state in sorted(connections.every(tx).items())
        if state.paused_code is not None and not state.usable(now)
    }


def _calls(project: Project, tx: Tx, now: datetime) -> dict[str, int]:
    """Calls made today (UTC), per connection."""
    counted = connections.calls_on(tx, now.date().isoformat())
    return {name: counted.get(name, 0) for name in project.config.connections}


def _at_head(
    known: Mapping[str, Any], sources: Sequence[Endpoint], active: Sequence[SyncConfig]
) -> bool:
    names = [changes_stream(endpoint) for endpoint in sources]
    names += [backfill_stream(sync.name) for sync in active]
    return all(
        (stream := known.get(name)) is not None and stream.finished_at is not None for name in names
    )


def _spooled(project: Project, position: int) -> bool:
    """Whether the receiver has kept something that is not taken in."""
    from engine.store.spool_reader import SpoolReader

    if not project.has_store:
        return False
    reader = SpoolReader(project.spool_place())
    try:
        return bool(reader.rows_after(position, 1))
    finally:
        reader.close()
