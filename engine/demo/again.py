"""Starting the demo's simulators again as they were left: the same data, the same calls, in order.

The simulators keep everything in memory. What they were told is kept in a file beside the project:
every call that changed something and every edit, with its time. Told again, under a clock set to
those times, they give out the same ids and come to the same records.
"""

from __future__ import annotations

import hashlib
import signal
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import orjson
import requests
from rich.console import Console

from engine.demo import folder
from engine.demo.cost import is_write
from engine.demo.live import History
from engine.demo.simulators import (
    ANSWER_SECONDS,
    SEED,
    SIZES,
    SimulatorProblem,
    Simulators,
    started,
)

COMMAND: Final = "revline demo --again"
KEPT_FILE: Final = "simulators.json"
POLL_SECONDS: Final = 2.5
"""Longer than the time between two polls of Salesforce."""
TOKEN_SECONDS: Final = 1800.0
KEPT_HEADERS: Final = frozenset(
    {"content-type", "idempotency-key", "prefer", "stripe-version", "zuora-version"}
)


class NothingKept(Exception):
    """There is no earlier demo in the folder, or it did not come to its end."""


@contextmanager
def kept(place: Path, simulators: Simulators, history: History) -> Iterator[None]:
    """Keep what the simulators were told, once the block has ended well."""
    yield
    events = [*history.edits]
    for system in simulators.urls:
        for entry in simulators.log(system):
            if is_write(system, entry) and entry["status"] is not None and entry["status"] < 300:
                at = datetime.fromisoformat(entry["time"]).timestamp()
                call = {
                    name: entry[name] for name in ("method", "path", "query", "headers", "body")
                }
                events.append({"at": at, "system": system, "call": call})
    content = {
        "seed": SEED,
        "sizes": dict(SIZES),
        "ports": folder.ports(simulators.urls),
        "events": sorted(events, key=lambda event: float(event["at"])),
        "ids": {system: _ids(simulators, system) for system in simulators.urls},
    }
    (place / KEPT_FILE).write_bytes(orjson.dumps(content))


def _ids(simulators: Simulators, system: str) -> str:
    """A digest over the ids of all records, for seeing whether two states agree."""
    state = simulators.state(system)
    listed = sorted(f"{object} {id}" for object, records in state.items() for id in records)
    return hashlib.sha256("\n".join(listed).encode()).hexdigest()


def stay(place: Path, *, json: bool, console: Console) -> int:
    """Serve what an earlier demo left until told to stop; returns the exit code."""
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    try:
        with as_left(place) as simulators:
            for system, url in simulators.urls.items():
                told = {"system": system, "url": url, "admin": f"{url}/__admin"}
                line = orjson.dumps(told).decode() if json else f"{system:12} {url}"
                console.file.write(line + "\n")
                console.file.flush()
            stop.wait()
    except (NothingKept, SimulatorProblem) as problem:
        console.print(f"The simulators cannot be started again: {problem}", highlight=False)
        return 1
    return 0


@contextmanager
def as_left(place: Path) -> Iterator[Simulators]:
    """The simulators of an earlier demo, as it left them, on the same ports."""
    try:
        content: dict[str, Any] = orjson.loads((place / KEPT_FILE).read_bytes())
    except FileNotFoundError:
        raise NothingKept(f"no demo has come to its end in {place}; run revline demo") from None
    environ = folder.environment(place)
    with started(content["ports"], seed=content["seed"], sizes=content["sizes"]) as simulators:
        _tell(simulators, content["events"], environ)
        for system, digest in content["ids"].items():
            if _ids(simulators, system) != digest:
                raise SimulatorProblem(f"{system} did not come out as it was left")
        yield simulators


def _tell(simulators: Simulators, events: list[dict[str, Any]], environ: Mapping[str, str]) -> None:
    """Everything once more, at the times at which it was told first."""
    with requests.Session() as session:
        session.trust_env = False
        keys = SignedIn(simulators, session, environ)
        for event in events:
            system, at = str(event["system"]), float(event["at"])
            moment = datetime.fromtimestamp(at, UTC).isoformat()
            simulators.post(system, "clock", {"set": moment, "freeze": True})
            if "admin" in event:
                simulators.post(system, event["admin"], event["body"])
            else:
                _call(session, simulators.urls[system], event["call"], keys.token(system, at))
        for system in simulators.urls:
            simulators.post(system, "clock", {"reset": True})


def _call(session: requests.Session, url: str, call: Mapping[str, Any], token: str) -> None:
    sent = {name: value for name, value in call["headers"].items() if name in KEPT_HEADERS}
    answer = session.request(
        call["method"],
        f"{url}{call['path']}",
        params=[(name, value) for name, value in call["query"]],
        data=call["body"].encode(),
        headers={**sent, "Authorization": f"Bearer {token}"},
        timeout=ANSWER_SECONDS,
    )
    if answer.status_code >= 300:
        raise SimulatorProblem(f"{call['path']} was answered {answer.status_code} this time")


class SignedIn:
    """Tokens of the systems, each used for as long as it is good."""

    def __init__(
        self, simulators: Simulators, session: requests.Session, environ: Mapping[str, str]
    ) -> None:
        self._simulators = simulators
        self._session = session
        self._environ = environ
        self._tokens: dict[str, tuple[str, float]] = {}

    def token(self, system: str, at: float) -> str:
        """A token that is good at a time, in seconds since 1970."""
        held = self._tokens.get(system)
        if held is None or at - held[1] > TOKEN_SECONDS:
            held = self._tokens[system] = (self._new(system), at)
        return held[0]

    def _new(self, system: str) -> str:
        if system == "hubspot":
            return self._environ["HUBSPOT_TOKEN"]
        if system == "stripe":
            return self._environ["STRIPE_KEY"]
        if system in ("netsuite", "docusign"):
            return str(self._simulators.post(system, "sign_in", {})["sign_in"])
        path = {"salesforce": "/services/oauth2/token", "zuora": "/oauth/token"}[system]
        answer = self._session.post(
            f"{self._simulators.urls[system]}{path}",
            data={
                "grant_type": "client_credentials",
                "client_id": self._environ[f"{system.upper()}_CLIENT_ID"],
                "client_secret": self._environ[f"{system.upper()}_CLIENT_SECRET"],
            },
            timeout=ANSWER_SECONDS,
        )
        if not answer.ok:
            raise SimulatorProblem(f"{system} gives out no token this time")
        return str(answer.json()["access_token"])
