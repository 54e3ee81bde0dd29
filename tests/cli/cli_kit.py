"""A project on two memory systems that live in files, and the command line over it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from click.testing import CliRunner, Result

from connectors.memory.objects import crm_objects, sales_objects
from connectors.memory.system import MemorySystem
from connectors.records import Record, Ref
from engine.cli import cli
from tests.simulation.project import write_project

ROOT = Path(__file__).parents[2]
KEY = "a2tra2tra2tra2tra2tra2tra2tra2tra2tra2tra2s="
CEILING_SECONDS = 60.0


def _now() -> datetime:
    """Long enough ago that the systems' search indexes have caught up."""
    return datetime.now(UTC) - timedelta(seconds=10)


@dataclass
class Cli:
    """One project and its two systems."""

    folder: Path
    environ: dict[str, str] = field(default_factory=lambda: {"REVLINE_KEY": KEY})

    @property
    def state(self) -> Path:
        return self.folder / "state"

    def run(self, *arguments: str, code: int | None = 0) -> Result:
        """Run a command here; its exit code must be ``code``, unless that is None."""
        blank = {name: None for name in ("REVLINE_KEY", "REVLINE_DEBUG") if name in os.environ}
        result = CliRunner().invoke(
            cli, ["-c", str(self.folder), *arguments], env={**blank, **self.environ}
        )
        said = result.output
        if code is not None:
            assert result.exit_code == code, f"{result.exit_code}: {said} {result.exception!r}"
        assert "Traceback" not in said
        return result

    def json(self, *arguments: str, code: int | None = 0) -> Any:
        """A command's answer."""
        return json.loads(self.run(*arguments, "--json", code=code).stdout)

    def process(self, *arguments: str, **environ: str) -> subprocess.Popen[str]:
        """A command as a process of its own."""
        return subprocess.Popen(
            [sys.executable, "-m", "engine.cli", "-c", str(self.folder), *arguments],
            cwd=ROOT,
            env={**os.environ, **self.environ, **environ, "PYTHONPATH": str(ROOT)},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def crm(self) -> MemorySystem:
        return MemorySystem.open(self.folder / "crm.db", crm_objects(), _now)

    def sales(self) -> MemorySystem:
        return MemorySystem.open(self.folder / "sales.db", sales_objects(), _now)

    def company(self, name: str, domain: str) -> str:
        return create(self.crm, "companies", {"name": name, "domain": domain})

    def account(self, name: str, website: str) -> str:
        return create(self.sales, "Account", {"Name": name, "Website": website})

    def contact(self, name: str, email: str, company: str) -> str:
        system = self.crm()
        try:
            record = system.create("contacts", {"lastname": name, "email": email})
            system.associate(record.ref, Ref("companies", company))
            return record.ref.id
        finally:
            system.close()

    def live(self, open_system: Callable[[], MemorySystem], object: str) -> dict[str, Record]:
        system = open_system()
        try:
            return {
                id: record
                for id, record in system.state().get(object, {}).items()
                if record.life.value == "live"
            }
        finally:
            system.close()

    def accounts(self) -> dict[str, Record]:
        return self.live(self.sales, "Account")


def create(open_system: Callable[[], MemorySystem], object: str, fields: Mapping[str, Any]) -> str:
    system = open_system()
    try:
        return system.create(object, fields).ref.id
    finally:
        system.close()


def make_project(folder: Path, *, port: int = 0) -> Cli:
    """The simulations' project, its systems in files beside it."""
    write_project(folder)
    file = folder / "revline.yaml"
    text = file.read_text()
    for name in ("crm.db", "sales.db"):
        text = text.replace(f"path: {name}", f"path: {folder / name}")
    text = text.replace("poll_every: 1m", "poll_every: 1s")
    text += f"receiver: {{host: 127.0.0.1, port: {port}}}\n"
    file.write_text(text)
    return Cli(folder)


def until(condition: Callable[[], Any], what: str) -> Any:
    """Wait for a condition, with a ceiling."""
    end = time.monotonic() + CEILING_SECONDS
    while True:
        found = condition()
        if found:
            return found
        assert time.monotonic() < end, f"never came about: {what}"
        time.sleep(0.05)
