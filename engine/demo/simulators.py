"""The simulators of the demo: a process of their own, steered over HTTP like everything else."""

from __future__ import annotations

import contextlib
import json
import os
import queue
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, Final

import requests

CUSTOMERS: Final = ("hubspot", "salesforce")
MONEY: Final = ("zuora", "stripe", "netsuite")
SELLING: Final = ("docusign",)
SYSTEMS: Final = (*CUSTOMERS, *SELLING, *MONEY)
SEED: Final = 0
SIZES: Final[Mapping[str, int]] = {
    "companies": 110,
    "contacts": 330,
    "products": 40,
    "deals": 90,
    "contracts": 0,
}
START_SECONDS: Final = 30.0
STOP_SECONDS: Final = 5.0
ANSWER_SECONDS: Final = 30.0


class SimulatorProblem(Exception):
    """The simulators cannot be started, or refused a command; the message is a sentence."""


class Simulators:
    """What the demo does to the simulated systems, as their users and administrators would."""

    def __init__(self, urls: Mapping[str, str]) -> None:
        self.urls = dict(urls)
        self._session = requests.Session()
        self._session.trust_env = False

    def get(self, system: str, what: str, **query: str | int) -> Any:
        """Ask the admin surface."""
        return self._answer(system, "GET", what, params=query)

    def post(self, system: str, what: str, body: Mapping[str, Any]) -> Any:
        """Tell the admin surface."""
        return self._answer(system, "POST", what, json=body)

    def _answer(self, system: str, method: str, what: str, **given: Any) -> Any:
        url = f"{self.urls[system]}/__admin/{what}"
        try:
            answer = self._session.request(method, url, timeout=ANSWER_SECONDS, **given)
        except requests.RequestException as error:
            raise SimulatorProblem(f"the simulated {system} does not answer: {error}") from None
        if not answer.ok:
            raise SimulatorProblem(f"the simulated {system} refused {what}: {answer.text[:500]}")
        return answer.json()

    def state(self, system: str) -> dict[str, dict[str, Any]]:
        """Every record: object → id → record."""
        found: dict[str, dict[str, Any]] = self.get(system, "state")["objects"]
        return found

    def log(self, system: str, since: int = 0) -> list[dict[str, Any]]:
        """The calls made to a system, after call number ``since``."""
        found: list[dict[str, Any]] = self.get(system, "log", since=since)["entries"]
        return found

    def close(self) -> None:
        """Let go of the connections."""
        self._session.close()


@contextmanager
def started(
    ports: Mapping[str, int] | None = None,
    *,
    seed: int = SEED,
    sizes: Mapping[str, int] = SIZES,
) -> Iterator[Simulators]:
    """All simulators with made-up data, until the block ends. Raises :class:`SimulatorProblem`."""
    command = [sys.executable, "-m", "sandbox", *SYSTEMS, "--json", "--seed", str(seed)]
    for name, count in sizes.items():
        command += ["--size", f"{name}={count}"]
    for system, port in (ports or {}).items():
        command += ["--port", f"{system}={port}"]
    process = subprocess.Popen(  # noqa: S603 - the command is ours
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        process_group=0,  # the terminal's Ctrl-C reaches the demo, which then ends this in order
        env={name: value for name, value in os.environ.items() if not name.startswith("REVLINE_")},
    )
    try:
        simulators = Simulators(_addresses(process))
        try:
            yield simulators
        finally:
            simulators.close()
    finally:
        stop(process)


def _addresses(process: subprocess.Popen[str]) -> dict[str, str]:
    """Where each system listens, once it says so."""
    lines: queue.SimpleQueue[str] = queue.SimpleQueue()

    def read() -> None:
        if process.stdout is not None:
            for line in process.stdout:
                lines.put(line)
        lines.put("")

    threading.Thread(target=read, name="sandbox output", daemon=True).start()
    urls: dict[str, str] = {}
    while len(urls) < len(SYSTEMS):
        try:
            line = lines.get(timeout=START_SECONDS)
        except queue.Empty:
            raise SimulatorProblem("the simulators do not start") from None
        if not line:
            reason = process.stderr.read().strip() if process.stderr is not None else ""
            raise SimulatorProblem(f"the simulators do not start: {reason[-500:]}")
        told = json.loads(line)
        urls[told["system"]] = told["url"]
    return urls


def stop(process: subprocess.Popen[str], seconds: float = STOP_SECONDS) -> int:
    """End a child in order, or by force when it does not listen; returns its exit code."""
    if process.poll() is None:
        process.terminate()
    try:
        code = process.wait(seconds)
    except subprocess.TimeoutExpired:
        process.kill()
        code = process.wait()
    for stream in (process.stdin, process.stdout, process.stderr):
        if stream is not None:
            with contextlib.suppress(OSError):
                stream.close()
    return code


def live(records: Mapping[str, Mapping[str, Any]]) -> dict[str, Mapping[str, Any]]:
    """Of one object's records, those that are neither archived, deleted nor merged away."""
    return {
        id: record
        for id, record in records.items()
        if not (record.get("archived") or record.get("IsDeleted") or record.get("mergedInto"))
    }


def ids_of(records: Sequence[Mapping[str, Any]]) -> list[str]:
    """The ids of HubSpot records."""
    return [str(record["id"]) for record in records]
