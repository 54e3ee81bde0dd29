"""Starts the command line in processes of its own, quickly: imported once, then forked.

Run as ``python -m tests.kills.zygote``. One JSON line per request, ``{"arguments", "environ",
"folder", "output"}``; it answers ``{"pid"}`` at once and ``{"code"}`` (negative: a signal) at the
end.
"""

from __future__ import annotations

import contextlib
import importlib
import json
import os
import sys
import tempfile
from pathlib import Path
from typing import Any

from tests.simulation.project import write_project

PRELOADED = (
    "connectors.hubspot.connector",
    "connectors.memory.connector",
    "connectors.netsuite.connector",
    "connectors.salesforce.connector",
    "connectors.stripe.connector",
    "connectors.zuora.connector",
    "engine.accounts",
    "engine.cli",
    "engine.commands.acting",
    "engine.commands.run",
    "engine.commands.state",
    "engine.commands.status",
    "engine.pipeline.services",
    "engine.runner",
    "engine.spool_feed",
    "hubspot",
    "simple_salesforce",
    "stripe",
)


def serve() -> None:
    """Until the standard input ends."""
    for line in sys.stdin:
        asked = json.loads(line)
        pid = os.fork()
        if pid == 0:
            child(asked)
        say({"pid": pid})
        _, status = os.waitpid(pid, 0)
        say({"code": os.waitstatus_to_exitcode(status)})


def rehearse() -> None:
    """Run an empty project once, so that whatever is imported on the way is there already."""
    cli = importlib.import_module("engine.cli").cli
    before = Path.cwd()
    with tempfile.TemporaryDirectory() as folder, Path(os.devnull).open("w") as silence:
        os.chdir(write_project(Path(folder)))
        with contextlib.redirect_stdout(silence), contextlib.redirect_stderr(silence):
            cli.main(["run", "--until-idle", "--json"], standalone_mode=False)
        os.chdir(before)


def child(asked: dict[str, Any]) -> None:
    """The command, in the forked process; does not return."""
    code = 70
    try:
        output = os.open(asked["output"], os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        silence = os.open(os.devnull, os.O_RDONLY)
        for descriptor, source in ((0, silence), (1, output), (2, output)):
            os.dup2(source, descriptor)
        os.environ.update(asked["environ"])
        os.chdir(asked["folder"])
        cli = importlib.import_module("engine.cli").cli
        cli.main(asked["arguments"], prog_name="revline", standalone_mode=True)
        code = 0
    except SystemExit as ended:
        code = ended.code if isinstance(ended.code, int) else 1
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


def say(answer: dict[str, int]) -> None:
    print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    for name in PRELOADED:
        importlib.import_module(name)
    rehearse()
    serve()
