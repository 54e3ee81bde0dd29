"""A child for the supervisor's tests: says that it lives, then does as it is told."""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))

from engine.daemon import LockHeld, ProjectLock, follow_supervisor


def main() -> int:
    name, folder, behaviour = sys.argv[1], Path(sys.argv[2]), sys.argv[3]
    stopped = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: None)  # threads below look for it themselves
    if behaviour != "deaf":
        signal.signal(signal.SIGTERM, lambda *_: os.write(writer, b"x") and None)
    reader, writer = os.pipe()
    threading.Thread(target=lambda: os.read(reader, 1) and stopped.set(), daemon=True).start()
    follow_supervisor(lambda: os.kill(os.getpid(), signal.SIGTERM), grace_seconds=0.5)
    if behaviour == "locked":
        try:
            ProjectLock(folder / "engine.lock").acquire(wait_seconds=0.0)
        except LockHeld as held:
            sys.stderr.write(f"{held}\n")
            return 2
    with (folder / f"{name}.starts").open("a") as starts:
        starts.write(f"{os.getpid()}\n")
    if behaviour == "dies":
        return 3
    if behaviour == "refuses":
        return 2
    while not stopped.wait(0.05):
        pass
    time.sleep(0)
    (folder / f"{name}.stopped").write_text(str(os.getpid()))
    return 0


if __name__ == "__main__":
    sys.exit(main())
