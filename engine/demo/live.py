"""The live part: real processes, real webhooks, real polls, and a stop watch."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from engine.app import Project
from engine.clock import Clock, SystemClock
from engine.control import SOCKET_FILE, ControlClient, ControlError
from engine.demo.edits import POLL, WEBHOOK, Arrival, Edit, Pairs
from engine.demo.project import DemoFault
from engine.demo.simulators import Simulators, stop
from engine.receiver import read_address
from engine.store import links
from engine.store.store import Store

RUN_LOG: Final = "run.log"
START_SECONDS: Final = 30.0
ARRIVAL_SECONDS_MAX: Final = 45.0
EDIT_PAUSE_SECONDS: Final = 0.06
LOOK_SECONDS: Final = 0.1
WRITING: Final = frozenset({"PATCH", "POST"})


@dataclass(slots=True)
class Seconds:
    """Measured seconds from an edit to its write at the other side, per channel."""

    measured: dict[str, list[float]] = field(default_factory=lambda: {WEBHOOK: [], POLL: []})

    def add(self, channel: str, seconds: float) -> None:
        """One more edit arrived."""
        self.measured[channel].append(seconds)


@dataclass(slots=True)
class History:
    """What the demo did to the systems, in order, so that it can be done again."""

    edits: list[dict[str, Any]] = field(default_factory=list)

    def note(self, at: datetime, system: str, admin: str, body: Mapping[str, Any]) -> None:
        """One command to a system's admin surface, about to be given."""
        told = {"at": at.timestamp(), "system": system, "admin": admin, "body": dict(body)}
        self.edits.append(told)


@contextmanager
def running(project: Project, environ: Mapping[str, str]) -> Iterator[None]:
    """``revline run`` on the project, its receiver and engine answering, until the block ends."""
    state = project.make_state()
    config = str(project.config.file)
    command = [sys.executable, "-m", "engine.cli", "-c", config, "run", "--json"]
    with (state / RUN_LOG).open("w", encoding="utf-8") as output:
        process = subprocess.Popen(  # noqa: S603 - the command is ours
            command,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            text=True,
            process_group=0,
            env={**os.environ, **environ},
        )
        try:
            _await_start(process, state)
            yield
        finally:
            stop(process, START_SECONDS)


def _await_start(process: subprocess.Popen[str], state: Path) -> None:
    client = ControlClient(state / SOCKET_FILE)

    def ready() -> bool:
        if process.poll() is not None:
            raise DemoFault(f"the engine does not start; see {state / RUN_LOG}")
        address = read_address(state)
        if address is None:
            return False
        with contextlib.suppress(ControlError):
            client.call("ping", timeout_seconds=2)
            return True
        return False

    until(ready, "the engine and the receiver to start", START_SECONDS)


def until(holds: Callable[[], bool], what: str, seconds: float = ARRIVAL_SECONDS_MAX) -> float:
    """Wait until something holds; seconds it took. Raises :class:`DemoFault` naming ``what``."""
    begun = time.monotonic()
    while not holds():
        if time.monotonic() - begun > seconds:
            raise DemoFault(f"waited {seconds:.0f} seconds for {what}")
        time.sleep(LOOK_SECONDS)
    return time.monotonic() - begun


class Hands:
    """Makes edits, and watches the calls at the other side for them to arrive."""

    def __init__(
        self, simulators: Simulators, history: History, clock: Clock | None = None
    ) -> None:
        self.simulators = simulators
        self._clock = clock or SystemClock()
        self.seconds = Seconds()
        self._history = history
        self._seen = {system: _calls(simulators, system) for system in simulators.urls}
        self._open: list[tuple[Edit, Arrival, float]] = []
        self.made = 0

    def do(self, edit: Edit) -> dict[str, Any]:
        """Make an edit; returns the record afterwards."""
        now = self._clock.now()
        at, command = now.timestamp(), edit.command()
        found: dict[str, Any] = self.simulators.post(edit.system, "mutate", command)["record"]
        self._history.note(now, edit.system, "mutate", command)
        self.made += 1
        if edit.arrival is not None:
            self._open.append((edit, edit.arrival, at))
        return found

    def all_arrived(self) -> bool:
        """Whether every measured edit has arrived by now."""
        if not self._open:
            return True
        for system in self.simulators.urls:
            for entry in self.simulators.log(system, self._seen[system]):
                if entry["status"] is None:
                    break  # under way: looked at next time, with its answer
                self._seen[system] = entry["seq"]
                if entry["method"] in WRITING:
                    self._match(system, entry)
        return not self._open

    def awaited(self) -> int:
        """How many edits are still on their way."""
        return len(self._open)

    def _match(self, system: str, entry: Mapping[str, Any]) -> None:
        records = written(entry)
        if not records:
            return
        at = datetime.fromisoformat(entry["time"]).astimezone(UTC).timestamp()
        left = []
        for edit, arrival, begun in self._open:
            if arrival.system == system and any(_is(arrival, one) for one in records):
                self.seconds.add(edit.channel, max(0.0, at - begun))
            else:
                left.append((edit, arrival, begun))
        self._open = left


def _calls(simulators: Simulators, system: str) -> int:
    entries = simulators.log(system)
    return int(entries[-1]["seq"]) if entries else 0


def written(entry: Mapping[str, Any]) -> list[dict[str, str]]:
    """The records in the body of a call, each as field → text, its id under ``id``."""
    try:
        body = json.loads(entry["body"])
    except ValueError:
        return []
    if not isinstance(body, dict):
        return []
    found = []
    for record in [*body.get("records", ()), *body.get("inputs", ())]:
        values = {**record, **record.get("properties", {})}
        found.append({name: str(value) for name, value in values.items()})
    return found


def _is(arrival: Arrival, record: Mapping[str, str]) -> bool:
    names = (record.get(name, "") for name in ("id", "Id", "Revline_Id__c"))
    if not any(_same_id(name, id) for name in names for id in arrival.ids):
        return False
    if arrival.field not in record:
        return False
    return arrival.value is None or record[arrival.field] == arrival.value


def _same_id(one: str, other: str) -> bool:
    """Salesforce ids come with 15 or 18 characters."""
    if len(one) == 15 and len(other) == 18:
        return other.startswith(one)
    return one == other


def make(hands: Hands, edits: Sequence[Edit], tell: Callable[[int, int], None]) -> None:
    """Make edits one after another, as people do, and wait until all have arrived."""
    for number, edit in enumerate(edits, start=1):
        hands.do(edit)
        time.sleep(EDIT_PAUSE_SECONDS)
        if number % 8 == 0:
            hands.all_arrived()
            tell(number, number - hands.awaited())

    def arrived() -> bool:
        done = hands.all_arrived()
        tell(len(edits), len(edits) - hands.awaited())
        return done

    until(arrived, "edits to arrive at the other side")


def linked(store: Store) -> Pairs:
    """Every linked pair, per objects, in the order in which they were linked."""
    pairs = Pairs()
    after = 0
    while True:
        with store.read() as tx:
            found = links.all_links(tx, after)
        if not found:
            return pairs
        for link, _ in found:
            after = link.number
            near, far = link.near, link.far
            if near.connection != "hubspot":
                near, far = far, near
            if link.state.value == "active" and link.parent is None:
                pool = pairs.pools.setdefault((near.object, far.object), [])
                pool.append((near.id, far.id))
