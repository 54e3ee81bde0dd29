"""Carrying out an act: through the running engine, or, where none runs, by taking its lock."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final

from engine.commands.kit import CommandError, Surroundings

if TYPE_CHECKING:
    from engine.pipeline.services import Services

ACT_SECONDS: Final = 3600.0
STARTING_SECONDS: Final = 10.0
LOOK_SECONDS: Final = 0.1


def act(surroundings: Surroundings, name: str, given: Mapping[str, object], *, calls: bool) -> Any:
    """Do an act of :mod:`engine.commands.acts`; returns its answer.

    ``calls`` says that the act itself calls a system, so that connectors are needed.
    """
    answer = through_engine(surroundings, name, given)
    if answer is not None:
        return answer
    from engine.commands.acts import Acts

    with alone(surroundings, connected=calls) as services:
        acts = Acts(services, eraser=surroundings.project.spool_eraser())
        answer = acts.handlers()[name](given)
        services.gateway.flush_calls()
        return answer


def through_engine(surroundings: Surroundings, name: str, given: Mapping[str, object]) -> Any:
    """The running engine's answer, or ``None`` if no engine runs."""
    import time

    from engine.control import SOCKET_FILE, ControlClient, EngineNotRunning
    from engine.daemon import ENGINE_LOCK, ProjectLock

    state = surroundings.project.state
    client = ControlClient(state / SOCKET_FILE)
    lock = ProjectLock(state / ENGINE_LOCK)
    until = time.monotonic() + STARTING_SECONDS
    while True:
        try:
            return client.call(name, given, timeout_seconds=ACT_SECONDS)
        except EngineNotRunning:
            if not lock.held():
                return None
            if time.monotonic() >= until:
                raise CommandError(
                    "engine_busy",
                    f"process {lock.holder()} works on this project and takes no commands now",
                    "a foreground `revline run` or another command: wait until it ends",
                ) from None
            time.sleep(LOOK_SECONDS)  # an engine that is starting opens its socket last


@contextmanager
def alone(surroundings: Surroundings, *, connected: bool) -> Iterator[Services]:
    """The services of a project whose lock is ours. Raises ``LockHeld``."""
    from engine.app import closing
    from engine.daemon import ENGINE_LOCK, ProjectLock

    project = surroundings.project
    with (
        ProjectLock(project.make_state() / ENGINE_LOCK),
        closing(project.open_store()) as store,
    ):
        yield project.services(store, connected=connected)
