"""A command imports only what it uses."""

from __future__ import annotations

import json
import subprocess
import sys

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
for arguments in json.loads(sys.argv[1]):
    try:
        cli(arguments, prog_name="revline")
    except SystemExit as ended:
        assert not ended.code, ended.code
print()
print(json.dumps(sorted({name.partition(".")[0] for name in sys.modules})))
"""


def imported(project: Cli, *commands: str) -> set[str]:
    """What one process imports for these commands, one after another."""
    asked = [["-c", str(project.folder), *command.split()] for command in commands]
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT, json.dumps(asked)],
        cwd=ROOT,
        env={**project.environ, "PATH": "/usr/bin:/bin"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return set(json.loads(done.stdout.strip().splitlines()[-1]))


def test_looking_imports_nothing_heavy(project: Cli) -> None:
    looking = ("status", "syncs", "issues list", "ledger verify", "mappings test", "--help")
    assert not imported(project, *looking) & HEAVY


def test_the_help_imports_no_store_either(project: Cli) -> None:
    assert not imported(project, "--help") & {*HEAVY, "sqlalchemy", "rich", "pydantic"}


def test_what_is_heavy_is_seen(project: Cli) -> None:
    """The tests above can fail: a command that needs Alembic shows it."""
    assert "alembic" in imported(project, "migrate")
