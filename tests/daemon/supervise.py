"""A supervisor in a process of its own: ``supervise.py FOLDER NAME=BEHAVIOUR …``."""

from __future__ import annotations

import json
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))

from engine.daemon import Part, Patience, Supervisor


def main() -> int:
    folder = Path(sys.argv[1])
    child = str(Path(__file__).with_name("part.py"))
    parts = []
    for given in sys.argv[2:]:
        name, behaviour = given.split("=")
        command = (sys.executable, child, name, str(folder), behaviour)
        parts.append(Part(name, ("/no/such/program",) if behaviour == "absent" else command))

    def report(event: str, **facts: object) -> None:
        with (folder / "events").open("a") as events:
            events.write(json.dumps({"event": event, **facts}) + "\n")

    patience = Patience(grace_seconds=2.0, pause_min_seconds=0.02, pause_max_seconds=0.1)
    return Supervisor(parts, report, patience=patience).run()


if __name__ == "__main__":
    sys.exit(main())
