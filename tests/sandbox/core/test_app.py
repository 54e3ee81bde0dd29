"""The simulators as a process of their own: ready line, admin, orderly end, clear errors."""

from __future__ import annotations

import json
import signal
import socket
import subprocess
import sys

import pytest
import requests
from click.testing import CliRunner

from sandbox.__main__ import main
from sandbox.app import build

COMMAND = [sys.executable, "-m", "sandbox", "hubspot", "--json", "--size", "contacts=5"]


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGINT])
def test_one_json_line_per_system_and_an_orderly_end(how) -> None:
    with subprocess.Popen(COMMAND, stdout=subprocess.PIPE, text=True) as process:
        line = json.loads(process.stdout.readline())
        assert set(line) == {"system", "url", "admin"}
        assert line["system"] == "hubspot"
        assert line["url"].startswith("http://127.0.0.1:")
        state = requests.get(f"{line['admin']}/state", timeout=10).json()
        assert len(state["objects"]["contacts"]) == 5
        process.send_signal(how)
        assert process.wait(20) == 0


def test_a_taken_port_is_one_clear_line() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        command = [*COMMAND, "--port", f"hubspot={port}"]
        ended = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert ended.returncode == 1
    assert "cannot listen" in ended.stderr
    assert "Traceback" not in ended.stderr


@pytest.mark.parametrize(
    ("arguments", "part"),
    [
        (["hubspt"], "hubspt"),
        (["hubspot", "--port", "8101"], "NAME=NUMBER"),
        (["hubspot", "--size", "contacts=many"], "NAME=NUMBER"),
    ],
)
def test_wrong_arguments_are_explained(arguments, part) -> None:
    result = CliRunner().invoke(main, arguments)
    assert result.exit_code == 2
    assert part in result.output


def test_an_unknown_system_is_refused() -> None:
    with pytest.raises(ValueError, match="no simulator for 'zoho'"):
        build("zoho", 0)
