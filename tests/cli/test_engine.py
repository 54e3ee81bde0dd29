"""The daemon as real processes: it works, obeys, survives a kill, and ends in order."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path
from urllib.request import urlopen

import pytest

from connectors.memory.webhooks import webhook_request
from engine.clock import SystemClock
from engine.control import SOCKET_FILE, ControlClient
from engine.observe.heartbeat import HeartbeatFile
from engine.receiver import read_address
from tests.cli.cli_kit import CEILING_SECONDS, Cli, create, make_project, until


@pytest.fixture
def running(tmp_path: Path) -> Iterator[Cli]:
    """A project whose daemon runs."""
    project = make_project(tmp_path / "acme")
    process = project.process("run")
    try:
        await_engine(project)
        yield project
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            said = process.communicate(timeout=CEILING_SECONDS)[0]
        except subprocess.TimeoutExpired:
            process.kill()
            raise
    assert process.returncode == 0, said
    assert "Traceback" not in said


def await_engine(project: Cli) -> int:
    client = ControlClient(project.state / SOCKET_FILE)
    until(client.reachable, "an engine that listens")
    return int(client.call("ping")["pid"])


def names(project: Cli) -> set[object]:
    return {one.fields["Name"] for one in project.accounts().values()}


def test_changes_arrive_and_commands_reach_the_engine(running: Cli) -> None:
    first = running.company("Acme", "acme.example")
    until(lambda: "Acme" in names(running), "the first company on the other side")
    found = running.json("status")
    assert found["engine"]["running"] is True
    assert found["engine"]["heartbeat"] is not None

    running.run("connections", "pause", "sales")
    system = running.crm()
    system.update("companies", first, {"name": "Acme Inc"})
    system.close()
    until(
        lambda: running.json("status", code=None)["syncs"]["companies"]["deliveries"]["ready"],
        "a delivery that is kept back",
    )
    assert names(running) == {"Acme"}
    assert running.json("connections", "resume", "sales")["resumed"] is True
    until(lambda: names(running) == {"Acme Inc"}, "the change after the pause")

    assert running.json("poll", "companies") == {"sync": "companies", "asked": True}
    digest = running.json("plan", "companies")["digest"]
    assert running.json("plan", "companies", "--apply", digest)["records"] == 0
    running.run("backfill", "companies")
    until(lambda: running.json("status", code=None)["idle"], "nothing left to do")
    refused = running.run("run", "--until-idle", code=2)
    assert "already running" in refused.stderr
    assert running.json("ledger", "verify")["ok"] is True
    done = [line["operation"] for line in running.json("ledger", "list")]
    assert [one for one in done if one in ("pause", "resume", "apply_plan", "backfill")] == [
        "pause",
        "resume",
        "apply_plan",
        "backfill",
    ]


def test_an_engine_that_is_killed_goes_on_where_it_was(running: Cli) -> None:
    until(lambda: running.json("status", code=None)["idle"], "the empty beginning")
    for number in range(40):
        running.company(f"C{number}", f"c{number}.example")
    until(lambda: len(running.accounts()) >= 1, "the first records")
    killed = await_engine(running)
    os.kill(killed, signal.SIGKILL)
    until(lambda: len(running.accounts()) == 40, "every record after the kill")
    until(lambda: running.json("status", code=None)["idle"], "nothing left to do")
    assert await_engine(running) != killed
    assert len(running.accounts()) == 40, "none twice"
    assert running.json("ledger", "verify")["ok"] is True


def test_the_receiver_answers_and_its_webhooks_are_taken_in(tmp_path: Path) -> None:
    project = make_project(tmp_path / "acme")
    project.environ["CRM_WEBHOOK"] = "a-secret-of-the-webhooks"
    file = project.folder / "revline.yaml"
    text = file.read_text().replace("poll_every: 1s", "poll_every: 1h")
    text = text.replace("objects: crm,", "objects: crm, webhook_secret: '${CRM_WEBHOOK}',")
    url = "http://hooks.example"
    file.write_text(
        text.replace("port: 0}", f"port: 0, public_url: '{url}'}}").replace(
            f"'{url}'", "https://hooks.example"
        )
    )
    process = project.process("run")
    try:
        await_engine(project)
        until(lambda: project.json("status", code=None)["idle"], "the empty beginning")
        address = until(lambda: read_address(project.state), "a receiver that listens")
        until(lambda: b"revline_engine" in urlopen(f"{address.url}/metrics").read(), "figures")
        create(project.crm, "companies", {"name": "Hooked", "domain": "hooked.example"})
        system = project.crm()
        request = webhook_request(
            system.notices_since(),
            url="https://hooks.example/webhooks/crm",
            secret=project.environ["CRM_WEBHOOK"],
            at=SystemClock().now(),
        )
        system.close()
        answer = _post(f"{address.url}/webhooks/crm", request)
        assert answer == 200
        until(lambda: names(project) == {"Hooked"}, "what the webhook told of")
    finally:
        process.send_signal(signal.SIGTERM)
        said = process.communicate(timeout=CEILING_SECONDS)[0]
    assert process.returncode == 0, said
    heartbeat = HeartbeatFile(project.state, SystemClock())
    assert heartbeat.last() is None, "an orderly end takes the sign of life away"
    for log in project.state.glob("*.log"):
        assert project.environ["CRM_WEBHOOK"] not in log.read_text()


def _post(url: str, request: object) -> int:
    from urllib.request import Request

    headers = dict(request.headers)  # type: ignore[attr-defined]
    sent = Request(url, data=request.body, headers=headers, method="POST")  # type: ignore[attr-defined]
    with urlopen(sent) as answer:
        return int(answer.status)


def test_a_daemon_that_cannot_start_says_why_and_ends_with_two(project: Cli) -> None:
    project.run("run", "--until-idle")
    file = project.folder / "revline.yaml"
    file.write_text(file.read_text().replace("host: 127.0.0.1", "host: 203.0.113.1"))
    process = project.process("run")
    said = process.communicate(timeout=CEILING_SECONDS)[0]
    assert process.returncode == 2, said
    assert "change receiver.host or receiver.port" in said
    assert "Traceback" not in said
