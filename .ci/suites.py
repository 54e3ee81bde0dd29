"""Runs the test suites one after the other and says how many seconds each took.

A suite is a few folders under ``tests/``. A folder that no suite names is a suite of its own, so
that none is ever left out. ``suites.py [--torture] [NAME …]`` runs the named ones only.
"""

from __future__ import annotations

import os
import secrets
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
TESTS = ROOT / "tests"
NO_TESTS = 5  # pytest's exit code when every test of the folders was left out
TORTURE_RUNS = "300"  # seeds of a torture run, unless REVLINE_RUNS says otherwise
WORKERS = min(2, os.cpu_count() or 1)


@dataclass(frozen=True, slots=True)
class Suite:
    """Folders under ``tests/`` that run together; ``parallel`` says they do not disturb another.

    With ``whole_files`` the tests of one file stay together, for what they share is dear to make.
    ``seeded`` suites live on chance: a torture run plays all of them with ``REVLINE_RUNS`` seeds.
    """

    name: str
    folders: tuple[str, ...]
    parallel: bool = True
    seeded: bool = False
    whole_files: bool = True

    @property
    def paths(self) -> list[str]:
        """Those folders that hold tests."""
        found = [TESTS / folder for folder in self.folders]
        return [str(path) for path in found if any(path.rglob("test_*.py"))]


SUITES = (
    Suite("unit", ("unit", "mapping", "config", "pipeline", "money", "explaining")),
    Suite("connectors", ("connectors",)),
    Suite("store", ("store", "spool", "postgres", "books"), whole_files=False),
    Suite("simulation", ("simulation",), seeded=True, whole_files=False),
    Suite("kills", ("kills",)),
    Suite("receiver and daemon", ("receiver", "daemon"), parallel=False),
    Suite("command line", ("cli",)),
    Suite("sandbox", ("sandbox",)),
    Suite("end to end", ("endtoend",)),
    Suite("money line", ("moneyline",)),
)
ELSEWHERE = frozenset({"repository"})  # run by make check


def every_suite() -> list[Suite]:
    """The suites above, then a suite for each folder that none of them names."""
    named = {folder for suite in SUITES for folder in suite.folders} | ELSEWHERE
    others = sorted(
        entry.name
        for entry in TESTS.iterdir()
        if entry.is_dir() and entry.name not in named and any(entry.rglob("test_*.py"))
    )
    return [*SUITES, *(Suite(name, (name,), parallel=False) for name in others)]


def run(suite: Suite, *, torture: bool, environ: dict[str, str]) -> int:
    """Run one suite; its exit code."""
    command = [sys.executable, "-m", "pytest", "-q"]
    if torture:
        command += ["-m", "" if suite.seeded else "torture", "--timeout", "3600"]
        environ = {"REVLINE_RUNS": TORTURE_RUNS, **environ}
    else:
        command += ["-m", "not torture"]
    if suite.parallel and WORKERS > 1:
        spread = "loadfile" if suite.whole_files else "load"
        command += ["-n", str(WORKERS), "--dist", spread]
    code = subprocess.run([*command, *suite.paths], cwd=ROOT, env=environ, check=False).returncode
    return 0 if torture and code == NO_TESTS else code


def main(arguments: list[str]) -> int:
    """Run the suites asked for, all of them by default; 1 when one failed."""
    torture = "--torture" in arguments
    asked = [word for word in arguments if not word.startswith("-")]
    suites = [suite for suite in every_suite() if suite.paths]
    unknown = set(asked) - {word for suite in suites for word in (suite.name, *suite.folders)}
    if unknown:
        print(f"no suite {', '.join(sorted(unknown))}; there are:", file=sys.stderr)
        print("\n".join(f"  {suite.name}" for suite in suites), file=sys.stderr)
        return 2
    if asked:
        suites = [suite for suite in suites if {suite.name, *suite.folders} & set(asked)]
    seed = os.environ.get("REVLINE_SEED") or str(1 + secrets.randbelow(10**9))
    print(f"REVLINE_SEED={seed}", flush=True)
    # Every suite, worker and child imports the same modules: compiled once, they are kept.
    unkept = {"PYTHONDONTWRITEBYTECODE"}
    environ = {name: value for name, value in os.environ.items() if name not in unkept}
    took: list[tuple[str, float, int]] = []
    for suite in suites:
        print(f"\n== {suite.name}", flush=True)
        started = time.monotonic()
        code = run(suite, torture=torture, environ={**environ, "REVLINE_SEED": seed})
        took.append((suite.name, time.monotonic() - started, code))
    print(f"\nREVLINE_SEED={seed}")
    for name, seconds, code in took:
        print(f"{name:22} {seconds:6.0f} s  {'ok' if code == 0 else 'FAILED'}")
    print(f"{'total':22} {sum(seconds for _, seconds, _ in took):6.0f} s")
    return int(any(code for _, _, code in took))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
