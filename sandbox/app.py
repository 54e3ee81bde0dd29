"""Starts simulators with seeded data and keeps them up until told to stop."""

from __future__ import annotations

import importlib
import signal
import sys
import threading
from collections.abc import Callable, Iterable, Mapping
from typing import Final, cast

import orjson

from sandbox.server import Running, serve
from sandbox.simulator import Simulator

# Each module offers ``build(seed: int, sizes: Mapping[str, int] | None) -> Simulator``, loaded.
SYSTEMS: Final[Mapping[str, str]] = {
    "docusign": "sandbox.docusign",
    "hubspot": "sandbox.hubspot",
    "salesforce": "sandbox.salesforce",
    "netsuite": "sandbox.netsuite",
    "stripe": "sandbox.stripe",
    "dealhub": "sandbox.dealhub",
    "zuora": "sandbox.zuora",
}


def build(system: str, seed: int, sizes: Mapping[str, int] | None = None) -> Simulator:
    """A simulator with seeded data. ``ValueError`` for a system we do not simulate."""
    if system not in SYSTEMS:
        raise ValueError(f"no simulator for {system!r}; there are: {', '.join(SYSTEMS)}")
    module = importlib.import_module(SYSTEMS[system])
    factory = cast("Callable[[int, Mapping[str, int] | None], Simulator]", module.build)
    return factory(seed, sizes)


def announce(running: Running, *, json: bool, write: Callable[[str], object]) -> None:
    """Say where each system is: one JSON line per system, or a line for people."""
    for system, url in running.urls.items():
        line = {"system": system, "url": url, "admin": running.admin_url(system)}
        write(orjson.dumps(line).decode() if json else f"{system:12} {url}   admin {line['admin']}")


def up(
    systems: Iterable[str] = tuple(SYSTEMS),
    ports: Mapping[str, int] | None = None,
    seed: int = 0,
    *,
    json: bool = False,
    sizes: Mapping[str, int] | None = None,
    write: Callable[[str], object] = lambda line: print(line, flush=True),
) -> None:
    """Serve the systems until SIGTERM or SIGINT. Call it from the main thread."""
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    try:
        running = serve([build(system, seed, sizes) for system in systems], ports)
    except OSError as error:
        sys.exit(f"cannot listen: {error}; choose another port, or 0 to let the system choose")
    with running:
        announce(running, json=json, write=write)
        stop.wait()
