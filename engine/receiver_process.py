"""The receiver's process, put together: ``python -m engine.receiver_process CONFIG``.

Exit code 2 when it must not start: configuration, port, or another receiver of the same project.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Final

from engine.app import Project, open_project
from engine.clock import SystemClock
from engine.daemon import LockHeld
from engine.errors import RevlineError
from engine.log_files import prepare_log
from engine.observe.logs import LogSettings, set_up_logging
from engine.receiver import ReceiverError, address_of, listen, serve, write_address

LOG_FILE: Final = "receiver.log"


def run_receiver(project: Project) -> int:
    """Serve until told to stop; returns the exit code. Called from the main thread."""
    state = project.make_state()
    log = prepare_log(state / LOG_FILE)
    handler = set_up_logging(LogSettings("receiver", file=log, secrets=project.secrets()))
    try:
        listening = listen(project.config.receiver.host, project.config.receiver.port)
        parts = project.receiver_parts(lambda: write_address(state, address_of(listening)))
        return serve(parts, listening)
    finally:
        handler.close()


def main(arguments: list[str]) -> int:
    """Run the receiver of the project at the given path."""
    try:
        project = open_project(Path(arguments[0]), os.environ, SystemClock())
        return run_receiver(project)
    except (RevlineError, LockHeld, ReceiverError) as error:
        sys.stderr.write(f"error: {error}\n")
        return 2


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
