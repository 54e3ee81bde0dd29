"""The simulators as ``revline sandbox up --template`` starts them, and a command line over them."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import requests

from tests.cli.cli_kit import ROOT, Cli

SYSTEMS = ("hubspot", "salesforce", "docusign")
SIZES = {"companies": 3, "contacts": 4, "products": 3, "deals": 2}


@dataclass(frozen=True, slots=True)
class Sandbox:
    """Running simulators: their addresses by name."""

    urls: Mapping[str, str]

    def tell(self, system: str, what: str, body: Mapping[str, Any]) -> Any:
        answer = requests.post(f"{self.urls[system]}/__admin/{what}", json=body, timeout=30)
        assert answer.ok, answer.text
        return answer.json()

    def mutate(self, system: str, object: str, op: str, id: str | None, **fields: Any) -> Any:
        body = {"object": object, "op": op, "id": id, "fields": fields}
        return self.tell(system, "mutate", body)

    def records(self, system: str, object: str) -> dict[str, Any]:
        answer = requests.get(f"{self.urls[system]}/__admin/state", timeout=30)
        return dict(answer.json()["objects"].get(object, {}))


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    command = [sys.executable, "-m", "engine.cli", "sandbox", "up", "--json", *SYSTEMS]
    command += ["--template", "lead-to-cash"]
    for system in SYSTEMS:
        command += ["--port", f"{system}=0"]  # any free one, in place of the template's
    for object, count in SIZES.items():
        command += ["--size", f"{object}={count}"]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            told = [json.loads(process.stdout.readline()) for _ in SYSTEMS]
            yield Sandbox({one["system"]: one["url"] for one in told})
        finally:
            process.terminate()


@pytest.fixture
def project(tmp_path: Path) -> Cli:
    return Cli(tmp_path / "acme", {})
