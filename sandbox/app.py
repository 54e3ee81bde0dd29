"""Starts simulators with seeded data and keeps them up until told to stop."""

from __future__ import annotations

import importlib
import signal
import sys
import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Final, cast

import orjson

from sandbox.server import Running, serve
from sandbox.simulator import Mutation, Simulator

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
Told = Sequence[tuple[str, Mapping[str, Any]]]


def build(system: str, seed: int, sizes: Mapping[str, int] | None = None) -> Simulator:
    """A simulator with seeded data. ``ValueError`` for a system we do not simulate."""
    if system not in SYSTEMS:
        raise ValueError(f"no simulator for {system!r}; there are: {', '.join(SYSTEMS)}")
    module = importlib.import_module(SYSTEMS[system])
    factory = cast("Callable[[int, Mapping[str, int] | None], Simulator]", module.build)
    return factory(seed, sizes)


def tell(simulator: Simulator, told: Told) -> None:
    """Have administrators do what they are told: ``mutate`` and ``load``, as over HTTP."""
    with simulator.lock:
        for what, body in told:
            if what == "load":
                simulator.load(body)
            else:
                fields = body.get("fields", {})
                simulator.mutate(Mutation(body["object"], body["op"], body.get("id"), fields))


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
    told: Mapping[str, Told] | None = None,
) -> None:
    """Serve the systems until SIGTERM or SIGINT. Call it from the main thread.

    ``told``: what each one's administrators have done before anybody comes.
    """
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    try:
        built = {system: build(system, seed, sizes) for system in systems}
        for system, simulator in built.items():
            tell(simulator, (told or {}).get(system, ()))
        running = serve(list(built.values()), ports)
    except OSError as error:
        sys.exit(f"cannot listen: {error}; choose another port, or 0 to let the system choose")
    with running:
        announce(running, json=json, write=write)
        stop.wait()
