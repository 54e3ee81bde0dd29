"""What every stage is given: configuration, store, gateway, clock, ids, chance, crash points."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from random import Random

from connectors.base import ObjectSpec
from connectors.records import Selection
from engine.clock import Clock
from engine.config.model import Config, Enabled, Endpoint, SyncConfig
from engine.ids import Ids
from engine.pipeline.gateway import Gateway
from engine.store.store import Store


def _pass(_point: str) -> None:
    """No crash point is armed."""


@dataclass(frozen=True, slots=True)
class Services:
    """The surroundings of the pipeline. ``failpoint`` is called at every named crash point."""

    config: Config
    store: Store
    gateway: Gateway
    clock: Clock
    ids: Ids
    random: Random
    failpoint: Callable[[str], None] = field(default=_pass)

    def active_syncs(self) -> tuple[SyncConfig, ...]:
        """The syncs that run, shadows included, in the order of the configuration."""
        return tuple(sync for sync in self.config.syncs.values() if sync.enabled is not Enabled.OFF)

    def syncs_from(self, endpoint: Endpoint) -> tuple[SyncConfig, ...]:
        """The running syncs whose root object this is."""
        return tuple(sync for sync in self.active_syncs() if sync.source == endpoint)

    def syncs_including(self, endpoint: Endpoint) -> tuple[SyncConfig, ...]:
        """The running syncs that read this object along as children of their roots."""
        return tuple(
            sync
            for sync in self.active_syncs()
            if sync.source.connection == endpoint.connection
            and any(
                selection.object == endpoint.object for selection in sync.mapping.includes.values()
            )
        )

    def facing(self, sync: SyncConfig) -> SyncConfig | None:
        """The running sync in the other direction between the same two objects."""
        for other in self.active_syncs():
            if other.source == sync.target and other.target == sync.source:
                return other
        return None

    def sources(self) -> tuple[Endpoint, ...]:
        """Every object whose changes are followed: roots first, then included children."""
        found = dict.fromkeys(sync.source for sync in self.active_syncs())
        for sync in self.active_syncs():
            for selection in sync.mapping.includes.values():
                found.setdefault(Endpoint(sync.source.connection, selection.object))
        return tuple(found)

    def selection(self, endpoint: Endpoint) -> Selection:
        """What to read of an object: all that any running sync asks for, so that hashes compare."""
        fields: set[str] = set()
        associations: set[str] = set()
        for sync in self.active_syncs():
            mapping = sync.mapping
            if sync.source == endpoint:
                fields.update(mapping.selection.fields)
                associations.update(mapping.selection.associations)
            if sync.source.connection == endpoint.connection:
                for child in mapping.includes.values():
                    if child.object == endpoint.object:
                        fields.update(child.fields)
                        associations.update(child.associations)
        return Selection(endpoint.object, tuple(sorted(fields)), tuple(sorted(associations)))

    def object_spec(self, endpoint: Endpoint) -> ObjectSpec:
        """The declared facts of an object. Configuration has made sure that there are some."""
        spec = self.gateway.connector(endpoint.connection).spec.object(endpoint.object)
        if spec is None:
            raise LookupError(f"{endpoint} is not an object of its connector")
        return spec
