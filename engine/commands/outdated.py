"""What a changed mapping leaves behind: which records, and what bringing them up to date costs."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from math import ceil
from typing import TYPE_CHECKING, Any, Final

from engine.store import outdated
from engine.store.outdated import Outdated

if TYPE_CHECKING:
    from connectors.base import ObjectSpec
    from engine.app import Project
    from engine.config.model import Endpoint, SyncConfig
    from engine.store.sql import Tx

NONE: Final = Outdated()


def digests(syncs: Iterable[SyncConfig]) -> dict[str, str]:
    """The digest of the mapping of every sync that runs."""
    return {sync.name: sync.mapping.digest for sync in syncs if sync.enabled != "false"}


def found(project: Project) -> dict[str, Outdated]:
    """By sync, what is in the store; nothing where nothing has run yet."""
    with project.reading() as store, store.read() as tx:
        return outdated.every(tx, digests(project.config.syncs.values()))


def content(one: Outdated) -> dict[str, Any]:
    """As ``--json`` shows it."""
    since = None if one.since is None else one.since.isoformat().replace("+00:00", "Z")
    return {"records": one.records, "since": since}


def sentence(sync: str, one: Outdated) -> str:
    """How many, how to look at them, and how to bring them up to date."""
    noun = "record was" if one.records == 1 else "records were"
    since = f" --since {one.since.date()}" if one.since else ""
    return (
        f"{sync}: {one.records} {noun} delivered with an older mapping. "
        f"Look: revline plan {sync} --outdated. "
        f"What it costs: revline backfill {sync}{since} --estimate"
    )


def estimate(project: Project, sync: SyncConfig, since: datetime | None) -> dict[str, Any]:
    """What a backfill would read and deliver again, and about how many API calls it takes.

    Made of what the store knows and of the connectors' page and batch sizes; calls nobody. Sources
    that cannot list by date are read whole. Not in it: records that are new, look-ups in
    catalogues, steps, and tries after refusals.
    """
    with project.reading() as store, store.read() as tx:
        reach = outdated.reach(tx, sync.name, sync.mapping.digest, since)
        whole = outdated.reach(tx, sync.name, sync.mapping.digest, None)
        calls = {sync.source.connection: _source(project, tx, sync, whole.known, reach.known)}
        if not sync.mapping.observes:
            calls[sync.target.connection] = _target(project, tx, sync, reach.owed)
    return {"records": reach.known, "owed": reach.owed, "calls": calls}


def _source(
    project: Project, tx: Tx, sync: SyncConfig, known: int, reached: int
) -> Mapping[str, int]:
    """Pages of the list; associations and included children of what is reached."""
    facts = _facts(project, sync.source)
    reading = max(1, ceil(known / facts.page_list))
    reading += len(sync.mapping.selection.associations) * ceil(reached / facts.batch_read)
    for selection in sync.mapping.includes.values():
        kind = project.spec(sync.source.connection).object(selection.object)
        near = (sync.source.connection, selection.object)
        there = max(reached, _children(tx, sync, near))
        reading += ceil(there / (kind or facts).batch_read) + ceil(reached / facts.batch_read)
    return {"reading": reading, "writing": 0}


def _children(tx: Tx, sync: SyncConfig, near: tuple[str, str]) -> int:
    return sum(
        outdated.linked(tx, near, (sync.target.connection, kind.target_object))
        for kind in sync.mapping.children
        if kind.source_object == near[1]
    )


def _target(project: Project, tx: Tx, sync: SyncConfig, owed: int) -> Mapping[str, int]:
    """Each record that is owed is compared, and written if it differs; so are its children."""
    facts, page = _facts(project, sync.target), _facts(project, sync.source).page_list
    reading = _calls(owed, facts.batch_read, page)
    writing = 0 if sync.mode == "link_only" else _calls(owed, facts.batch_write, page)
    for kind in sync.mapping.children:
        its = project.spec(sync.target.connection).object(kind.target_object) or facts
        near = (sync.source.connection, kind.source_object or sync.source.object)
        count = min(1, owed) * outdated.linked(
            tx, near, (sync.target.connection, kind.target_object)
        )
        reading += _calls(count, its.batch_read, page)
        writing += _calls(count, its.batch_write, page)
    return {"reading": reading, "writing": writing}


def _calls(count: int, batch: int, page: int) -> int:
    """Batches of what arrives page by page: a page does not wait for the next to fill a batch."""
    whole, rest = divmod(count, page)
    return whole * ceil(page / batch) + ceil(rest / batch)


def _facts(project: Project, end: Endpoint) -> ObjectSpec:
    found = project.spec(end.connection).object(end.object)
    if found is None:
        raise LookupError(f"{end} is not an object of its connector")
    return found


def told(found: Mapping[str, Any]) -> str:
    """An estimate as a sentence."""
    calls = ", ".join(
        f"{name} {one['reading']} reading"
        + (f" and at most {one['writing']} writing" if one["writing"] else "")
        for name, one in found["calls"].items()
    )
    return (
        f"{found['records']} known records are read, {found['owed']} of them delivered again. "
        f"API calls, about: {calls}."
    )
