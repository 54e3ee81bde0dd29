"""The client's side of the zygote: a command that runs in a process which can be killed."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
KILLED = -signal.SIGKILL
RUNS_MAX = 60


class Zygote:
    """The process that forks. One child at a time."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.kills.zygote"],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env={name: value for name, value in os.environ.items() if "REVLINE" not in name},
        )

    def start(self, arguments: Sequence[str], environ: Mapping[str, str], folder: Path) -> Child:
        """A command begins, in a project's folder."""
        asked = {
            "arguments": [*arguments],
            "environ": {**environ},
            "folder": str(folder),
            "output": str(folder / "run.log"),
        }
        self._process.stdin.write(json.dumps(asked) + "\n")
        self._process.stdin.flush()
        return Child(self, self.answer()["pid"])

    def answer(self) -> dict[str, Any]:
        line = self._process.stdout.readline()
        assert line, "the zygote is gone"
        return json.loads(line)

    def close(self) -> None:
        self._process.stdin.close()
        self._process.stdout.close()
        self._process.wait(30)


@dataclass
class Child:
    """A command under way."""

    zygote: Zygote
    pid: int
    code: int | None = None

    def kill(self) -> None:
        """As the power cut would; nothing if it has ended already."""
        if self.code is None:
            os.kill(self.pid, signal.SIGKILL)  # a zombie until waited for: never another's pid

    def wait(self) -> int:
        """The exit code; negative for a signal."""
        if self.code is None:
            self.code = int(self.zygote.answer()["code"])
        return self.code


@dataclass
class Command:
    """``revline run --until-idle`` on a project, as often as it takes."""

    zygote: Zygote
    folder: Path
    environ: Mapping[str, str]
    kills: int = field(default=0)

    def start(self, failpoint: str = "") -> Child:
        environ = {**self.environ, "REVLINE_FAILPOINT": failpoint}
        return self.zygote.start(["run", "--until-idle", "--json"], environ, self.folder)

    def run(self, failpoint: str = "") -> int:
        code = self.start(failpoint).wait()
        self.kills += code == KILLED
        return code

    def finish(self, code: int = 0) -> None:
        """Without a kill, to the end: nothing is left to do."""
        ended = self.run()
        said = (self.folder / "run.log").read_text()
        assert ended == code, said[-3000:]
        assert json.loads(said.splitlines()[-1])["idle"], said[-3000:]


def differences(one: Mapping[str, Any], other: Mapping[str, Any]) -> dict[str, Any]:
    """What two outcomes do not share, field by field: (in the first, in the second)."""
    found: dict[str, Any] = {}
    for name in sorted({*one, *other}):
        left, right = one.get(name), other.get(name)
        if left == right:
            continue
        if isinstance(left, dict) and isinstance(right, dict):
            fields = {*left, *right}
            found[name] = {
                field: (left.get(field), right.get(field))
                for field in fields
                if left.get(field) != right.get(field)
            }
        else:
            found[name] = (left, right)
    return found
