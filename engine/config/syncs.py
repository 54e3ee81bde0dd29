"""Syncs: from their block in the file to their frozen form, each checked on its own."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Any, Final

from connectors.base import ConnectorSpec, CreateIdentity, ObjectSpec
from engine.books.spec import CONNECTION, FACTS, GROUPS, LINE_OBJECTS
from engine.config.mappings import Mappings
from engine.config.model import (
    ConnectionConfig,
    Endpoint,
    Guards,
    Mode,
    Recheck,
    StartFrom,
    SyncConfig,
)
from engine.config.problems import Problems
from engine.config.routes import Routes, with_route
from engine.config.schema import DefaultsBlock, SyncBlock
from engine.config.yaml import Document, KeyPath
from engine.mapping.compile import digest_of
from engine.mapping.compiled import MappingProgram
from engine.mapping.nearest import nearest

_DATE: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_START_HINT: Final = "write everything, now, a date (2026-01-31) or a time (2026-01-31T08:00:00Z)"


class SyncBuilder:
    """Builds the syncs of one project; faults go to ``problems``."""

    def __init__(
        self,
        document: Document,
        connections: Mapping[str, ConnectionConfig],
        specs: Mapping[str, ConnectorSpec],
        mappings: Mappings,
        routes: Routes,
        problems: Problems,
    ) -> None:
        self._routes = routes
        self._document = document
        self._connections = connections
        self._specs = specs
        self._mappings = mappings
        self._problems = problems
        declared = document.value.get("connections") if isinstance(document.value, dict) else None
        self._declared = set(declared) if isinstance(declared, dict) else set()

    def build(self, name: str, block: SyncBlock, defaults: DefaultsBlock) -> SyncConfig | None:
        """One sync, or ``None`` if something it needs is faulty."""
        path: KeyPath = ("syncs", name)
        source = self._endpoint((*path, "from"), block.from_)
        target = self._target(path, block)
        mapping = self._mappings.get(block.mapping, self._document, (*path, "mapping"))
        zone = self._connections[source.connection].zone if source else UTC
        start = self._start_from((*path, "start_from"), block.start_from, zone)
        if source is None or target is None or mapping is None or start is None:
            return None
        mode = Mode.OBSERVE if block.observe else block.mode
        if not self._books_fit(path, block, source, mapping):
            return None
        if not self._fits(path, source, target, mapping, mode):
            return None
        route = self._routes.of(path, block)
        if route is None and block.route is not None:
            return None
        mark = self._document.mark(path, key=True)
        connection = self._connections[source.connection]
        poll_every = block.poll_every or connection.poll_every
        sync = SyncConfig(
            name=name,
            source=source,
            target=target,
            mapping=with_route(mapping, route),
            enabled=block.enabled,
            start_from=start,
            digest="",
            mode=mode,
            after=tuple(block.after),
            poll_every=poll_every,
            webhooks=block.webhooks,
            write_order=block.write_order,
            on_delete=block.on_delete,
            retries=defaults.retries if block.retries is None else block.retries,
            recheck=Recheck(block.recheck.every, block.recheck.window) if block.recheck else None,
            guards=Guards(block.guards.creates_max, block.guards.deletes_max),
            group_by=tuple(block.group_by),
            period_end=block.trigger.period_end if block.trigger else None,
            route=route,
            recheck_held=defaults.recheck_held,
            description=block.description,
            place=f"{self._document.file}:{mark.line}:{mark.column}",
        )
        return replace(sync, digest=digest_of(sync_content(sync)))

    def _target(self, path: KeyPath, block: SyncBlock) -> Endpoint | None:
        if block.observe:
            if block.to is not None:
                self._problems.at(
                    self._document,
                    (*path, "to"),
                    "a sync that observes writes nowhere",
                    "leave it out",
                )
            return Endpoint(CONNECTION, FACTS)
        if block.to is None:
            self._problems.at(
                self._document, path, "`to` is missing", "name a target, or write observe: true"
            )
            return None
        return self._endpoint((*path, "to"), block.to)

    def _books_fit(
        self, path: KeyPath, block: SyncBlock, source: Endpoint, mapping: MappingProgram
    ) -> bool:
        """Whether grouping and trigger belong to schedule lines, and observing to its mapping."""
        before = len(self._problems)
        if block.mode is Mode.OBSERVE or mapping.observes is not block.observe:
            self._problems.at(
                self._document,
                (*path, "mapping"),
                f"`observe: true` and a mapping without target belong together: {mapping.file}",
            )
        of_lines = source.connection == CONNECTION and source.object in LINE_OBJECTS
        if of_lines is not bool(block.group_by) or of_lines is not (block.trigger is not None):
            self._problems.at(
                self._document,
                path,
                "`group_by` and `trigger: {period_end: …}` belong to schedule lines",
                "a sync from revline.schedule_lines needs both, no other has them",
            )
        for position, name in enumerate(block.group_by):
            if name not in GROUPS:
                place = (*path, "group_by", position)
                self._problems.at(
                    self._document,
                    place,
                    f"lines cannot be grouped by `{name}`",
                    nearest(name, GROUPS),
                )
        if of_lines and not {"period", "currency"} <= set(block.group_by):
            self._problems.at(
                self._document, (*path, "group_by"), "a journal has one period and one currency"
            )
        return len(self._problems) == before

    def _endpoint(self, path: KeyPath, written: str) -> Endpoint | None:
        connection, dot, object_name = written.partition(".")
        if not dot or not connection or not object_name:
            self._problems.at(
                self._document,
                path,
                f"`{written}` does not name a connection and an object",
                "write connection.object, e.g. hubspot.companies",
            )
            return None
        if connection not in self._connections:
            if connection not in self._declared:
                self._problems.at(
                    self._document,
                    path,
                    f"there is no connection `{connection}`",
                    nearest(connection, self._declared),
                )
            return None
        spec = self._specs[self._connections[connection].connector]
        if spec.object(object_name) is None:
            self._problems.at(
                self._document,
                path,
                f"{spec.title} has no object `{object_name}`",
                nearest(object_name, (one.name for one in spec.objects)),
            )
            return None
        return Endpoint(connection, object_name)

    def _facts(self, endpoint: Endpoint, object_name: str) -> ObjectSpec | None:
        return self._specs[self._connections[endpoint.connection].connector].object(object_name)

    def _fits(
        self,
        path: KeyPath,
        source: Endpoint,
        target: Endpoint,
        mapping: MappingProgram,
        mode: Mode,
    ) -> bool:
        before = len(self._problems)
        if source.connection == target.connection:
            self._problems.at(
                self._document, (*path, "to"), "a sync needs two different connections"
            )
            return False
        sides = [("from", source, mapping.source_object)]
        if mode is not Mode.OBSERVE and not mapping.observes:
            sides.append(("to", target, mapping.target_object))
        for side, endpoint, wanted in sides:
            if endpoint.object != wanted:
                self._problems.at(
                    self._document,
                    (*path, side),
                    f"this names {endpoint.object}, but the mapping {mapping.name} is for {wanted}",
                    f"write {endpoint.connection}.{wanted} or use another mapping",
                )
        self._fits_source(path, source, mapping)
        if mode is not Mode.OBSERVE:
            self._fits_target(path, target, mapping, mode)
        return len(self._problems) == before

    def _fits_source(self, path: KeyPath, source: Endpoint, mapping: MappingProgram) -> None:
        facts = self._facts(source, source.object)
        if facts is None or facts.name == "*":
            return
        for word, names, known in (
            ("association", mapping.selection.associations, facts.associations),
            ("child object", tuple(mapping.includes), (*facts.children, *facts.associations)),
        ):
            for name in names:
                if name not in known:
                    self._problems.at(
                        self._document,
                        (*path, "mapping"),
                        f"{source.object} has no {word} `{name}`, which {mapping.file} reads",
                        nearest(name, known),
                    )

    def _fits_target(
        self, path: KeyPath, target: Endpoint, mapping: MappingProgram, mode: Mode
    ) -> None:
        wanted = [(mapping.target_object, mapping.identity_field)]
        if mode is not Mode.LINK_ONLY:
            wanted += [(kind.target_object, kind.identity_field) for kind in mapping.kinds]
        for position, (object_name, identity) in enumerate(wanted):
            facts = self._facts(target, object_name)
            if facts is None:
                self._problems.at(
                    self._document,
                    (*path, "mapping"),
                    f"the target has no object `{object_name}`, which {mapping.file} writes",
                )
                continue
            if not facts.writable and mode is not Mode.LINK_ONLY:
                self._problems.at(
                    self._document,
                    (*path, "mode"),
                    f"{object_name} records cannot be written",
                    "use `mode: link_only`",
                )
            if position == 0:
                self._fits_actions(path, facts, mapping)
            creates = mode in (Mode.UPSERT, Mode.CREATE_ONLY) or (
                position > 0 and mode is Mode.UPDATE_ONLY
            )
            if creates and _needs_identity(facts) and identity is None:
                example = facts.identity_field or "Revline_Id__c"
                self._problems.at(
                    self._document,
                    (*path, "mapping"),
                    f"{mapping.file} names no identity field for {object_name}: a repeated create "
                    "could make a second record",
                    f"add `identity: {example}` there",
                )

    def _fits_actions(self, path: KeyPath, facts: ObjectSpec, mapping: MappingProgram) -> None:
        known = [action.name for action in facts.actions]
        for name in mapping.actions:
            if name not in known:
                self._problems.at(
                    self._document,
                    (*path, "mapping"),
                    f"{facts.name} has no action `{name}`, which a step of {mapping.file} takes",
                    nearest(name, known),
                )

    def _start_from(self, path: KeyPath, written: str, zone: Any) -> StartFrom | None:
        if written == "everything":
            return StartFrom()
        if written == "now":
            return StartFrom(now=True)
        try:
            if _DATE.fullmatch(written):
                day = date.fromisoformat(written)
                midnight = datetime(day.year, day.month, day.day, tzinfo=zone)
                return StartFrom(since=midnight.astimezone(UTC))
            instant = datetime.fromisoformat(written)
        except (ValueError, OverflowError):
            instant = None
        if instant is None or instant.tzinfo is None:
            self._problems.at(self._document, path, f"`{written}` is not a start", _START_HINT)
            return None
        return StartFrom(since=instant.astimezone(UTC))


def _needs_identity(facts: ObjectSpec) -> bool:
    """Whether records of this object can be found again only by an identity of ours.

    An idempotency key is forgotten after a day, and a store that was lost has none: where the
    object has a place for an identity, it is used.
    """
    by_value = (CreateIdentity.EXTERNAL_ID, CreateIdentity.UNIQUE_PROPERTY)
    named = facts.create_identity is not CreateIdentity.NONE and facts.identity_field is not None
    return facts.create_identity in by_value or named


def sync_content(sync: SyncConfig) -> dict[str, Any]:
    """Everything that decides what a sync does, as plain data."""
    return {
        "name": sync.name,
        "source": str(sync.source),
        "target": str(sync.target),
        "mapping": sync.mapping.digest,
        "enabled": sync.enabled.value,
        "start_from": [sync.start_from.now, str(sync.start_from.since)],
        "mode": sync.mode.value,
        "after": list(sync.after),
        "poll_every": sync.poll_every.total_seconds(),
        "webhooks": sync.webhooks,
        "write_order": sync.write_order.value,
        "on_delete": sync.on_delete.value,
        "retries": sync.retries,
        "recheck": [str(sync.recheck.every), str(sync.recheck.window)] if sync.recheck else None,
        "guards": [sync.guards.creates_max, sync.guards.deletes_max],
        "group_by": list(sync.group_by),
        "period_end": str(sync.period_end),
        "route": [*sync.route.rule.content(), sync.route.side] if sync.route else None,
        "recheck_held": str(sync.recheck_held),
    }
