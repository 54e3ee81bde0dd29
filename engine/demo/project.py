"""The demo's engine in the foreground: both sides set up, the past read, and read again."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final

from connectors.base import ApiCall, SetsUp
from engine.app import Project, closing, configured
from engine.commands.acts import Acts
from engine.commands.setup import needs_of
from engine.daemon import ENGINE_LOCK, ProjectLock
from engine.pipeline.services import Services
from engine.runner import Runner
from engine.store import delivery_views

IDLE_SECONDS_MAX: Final = 180.0
REST_SECONDS: Final = 0.02
SHOW_SECONDS: Final = 0.2

Tally = dict[str, dict[str, int]]
Watch = Callable[[Tally], None]


class DemoFault(Exception):
    """The demo cannot go on: something went wrong that should not; the message says what."""


@dataclass(frozen=True, slots=True)
class Prepared:
    """What was created on one side, and what a person would still have to look at."""

    connection: str
    created: tuple[str, ...]
    missing: tuple[str, ...]


def prepare(project: Project, connection: str) -> Prepared:
    """Create what the syncs need on one side, as ``revline setup CONNECTION --apply`` does."""

    def unobserved(call: ApiCall) -> None:
        """Setting up is not counted."""

    connector = project.connector(connection, unobserved)
    if not isinstance(connector, SetsUp):
        return Prepared(connection, (), ())
    needs = needs_of(project, connection)
    created = []
    for step in connector.inspect(needs):
        if step.present is False and step.creatable:
            connector.create(step.need)
            created.append(f"{step.need.object}.{step.need.name}")
    rest = [step.need for step in connector.inspect(needs) if step.present is False]
    missing = tuple(f"{need.kind.value} {need.name} on {need.object}" for need in rest)
    return Prepared(connection, tuple(created), missing)


@contextmanager
def working(project: Project) -> Iterator[Services]:
    """The project's services, its lock held and its store open for the length of the block."""
    with (
        ProjectLock(project.make_state() / ENGINE_LOCK),
        closing(project.open_store()) as store,
    ):
        services = project.services(store)
        yield services
        services.gateway.flush_calls()


def until_idle(services: Services, runner: Runner, watch: Watch) -> float:
    """Work until nothing is left to do; seconds it took. Raises :class:`DemoFault`."""
    begun = time.monotonic()
    shown = 0.0
    while not runner.idle():
        busy = runner.round().busy
        now = time.monotonic()
        if now - shown >= SHOW_SECONDS:
            shown = now
            watch(tally(services))
        if not busy and not runner.idle():
            services.clock.sleep(REST_SECONDS)
        if now - begun > IDLE_SECONDS_MAX:
            streams = ", ".join(runner.failing_streams()) or "deliveries that do not end"
            raise DemoFault(f"the backfill does not come to an end: {streams}")
    watch(tally(services))
    return time.monotonic() - begun


def begin(project: Project, services: Services) -> Runner:
    """A runner that has taken back what an earlier one left."""
    from engine.accounts import identify_all

    runner = Runner(services, project.spool())
    runner.recover()
    identify_all(services, configured(project.config))
    return runner


def ask_again(services: Services) -> list[str]:
    """Ask for the whole past of every sync that has one to be read again; returns their names."""
    names = [sync.name for sync in services.active_syncs() if not sync.start_from.now]
    backfill = Acts(services).handlers()["backfill"]
    for name in names:
        backfill({"sync": name})
    return names


def tally(services: Services) -> Tally:
    """Deliveries per sync and state."""
    with services.store.read() as tx:
        return delivery_views.tally(tx)
