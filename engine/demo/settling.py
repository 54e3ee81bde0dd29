"""Polling and working until nobody writes any more, and what was written on the way."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Final

from engine.demo import cost
from engine.demo.pace import SharedClock
from engine.demo.project import DemoFault, until_idle
from engine.demo.simulators import Simulators
from engine.pipeline.services import Services
from engine.runner import Runner
from engine.store import delivery_views

ROUNDS_MAX: Final = 12
BETWEEN: Final = timedelta(minutes=6)
"""Longer than any index of theirs lags behind, and than any poll looks back."""

SOON: Final = timedelta(hours=1)
"""What falls due later than this is no business of the present day: a month that has to end."""
A_MOMENT: Final = timedelta(seconds=30)
MOMENTS_MAX: Final = 240


def marks(simulators: Simulators) -> dict[str, int]:
    """How many calls each system has had."""
    return {name: len(simulators.log(name)) for name in simulators.urls}


def since(simulators: Simulators, before: Mapping[str, int]) -> tuple[list[str], int]:
    """The writes since the marks, and how many calls there were in all."""
    logs = {name: simulators.log(name, mark) for name, mark in before.items()}
    writes = [
        f"{name} {one['method']} {one['path']}"
        for name, log in logs.items()
        for one in log
        if one["applied"] and cost.is_write(name, one)
    ]
    return writes, sum(map(len, logs.values()))


def work_off(clock: SharedClock, services: Services, runner: Runner) -> None:
    """Work until nothing is left, what waits for a limit or a next try included.

    An engine has nothing to do while an account's limit holds it back; here that is no end.
    Raises :class:`DemoFault`.
    """
    for _ in range(MOMENTS_MAX):
        until_idle(services, runner, lambda _tally: None)
        if not _held_back(services, runner):
            return
        clock.shift(A_MOMENT)
    raise DemoFault("what waits for a limit or a next try does not come to an end")


def _held_back(services: Services, runner: Runner) -> bool:
    names = [sync.name for sync in services.active_syncs()]
    if not all(map(services.gateway.usable, services.config.connections)) or not runner.idle():
        return True
    with services.store.read() as tx:
        due = delivery_views.next_due(tx, names)
    return due is not None and due <= services.clock.now() + SOON


def settle(simulators: Simulators, clock: SharedClock, services: Services, runner: Runner) -> None:
    """Poll and work until there is nothing more to write anywhere. Raises :class:`DemoFault`."""
    for _ in range(ROUNDS_MAX):
        before = marks(simulators)
        runner.poll_now()
        work_off(clock, services, runner)
        if not since(simulators, before)[0]:
            return
        clock.shift(BETWEEN)
    raise DemoFault(f"the systems are still written to after {ROUNDS_MAX} rounds")
