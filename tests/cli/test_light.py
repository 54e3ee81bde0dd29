"""A command imports only what it uses."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from tests.cli.cli_kit import ROOT, Cli

HEAVY = {
    "hubspot",
    "simple_salesforce",
    "requests",
    "urllib3",
    "alembic",
    "apscheduler",
    "uvicorn",
    "uvloop",
    "starlette",
    "prometheus_client",
    "sandbox",
}

SCRIPT = """
import json, sys
from engine.cli import cli
try:
    cli(sys.argv[1:], prog_name="revline")
except SystemExit as ended:
    assert not ended.code, ended.code
print()
print(json.dumps(sorted({name.partition(".")[0] for name in sys.modules})))
"""


def imported(project: Cli, *arguments: str) -> set[str]:
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT, "-c", str(project.folder), *arguments],
        cwd=ROOT,
        env={**project.environ, "PATH": "/usr/bin:/bin"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return set(json.loads(done.stdout.strip().splitlines()[-1]))


@pytest.mark.parametrize(
    "arguments", [("--help",), ("status",), ("syncs",), ("issues", "list"), ("mappings", "test")]
)
def test_looking_imports_nothing_heavy(project: Cli, arguments: tuple[str, ...]) -> None:
    assert not imported(project, *arguments) & HEAVY


def test_the_help_imports_no_store_either(project: Cli) -> None:
    assert "sqlalchemy" not in imported(project, "--help")


def test_what_is_heavy_is_seen(project: Cli) -> None:
    """The test above can fail: a command that needs Alembic shows it."""
    assert "alembic" in imported(project, "migrate")
