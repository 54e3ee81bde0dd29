"""Runs the test suites, several at a time, and says how many seconds each took.

A suite is a few folders under ``tests/``. A folder that no suite names is a suite of its own, so
that none is ever left out. ``suites.py [--torture] [NAME …]`` runs the named ones only.
"""

from __future__ import annotations

import os
import secrets
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor, as_completed
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


# The longest first, so that none is left alone at the end.
SUITES = (
    Suite("money line", ("moneyline",)),
    Suite("simulation", ("simulation",), seeded=True, whole_files=False),
    Suite("end to end", ("endtoend", "selling")),
    Suite("demo", ("demo",), parallel=False),
    Suite("connectors", ("connectors",)),
    Suite("sandbox", ("sandbox",)),
    Suite("store", ("store", "spool", "postgres", "books"), whole_files=False),
    Suite("command line", ("cli", "templates")),
    Suite("kills", ("kills",)),
    Suite("receiver and daemon", ("receiver", "daemon"), parallel=False),
    Suite("unit", ("unit", "mapping", "config", "pipeline", "money", "explaining")),
)
ELSEWHERE = frozenset({"repository"})  # run by make check


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a suite ended. ``output`` is empty where it was shown while the suite ran."""

    name: str
    code: int
    seconds: float
    output: str = ""


def every_suite() -> list[Suite]:
    """The suites above, then a suite for each folder that none of them names."""
    named = {folder for suite in SUITES for folder in suite.folders} | ELSEWHERE
    others = sorted(
        entry.name
        for entry in TESTS.iterdir()
        if entry.is_dir() and entry.name not in named and any(entry.rglob("test_*.py"))
    )
    return [*SUITES, *(Suite(name, (name,), parallel=False) for name in others)]


def run(suite: Suite, *, torture: bool, spread: bool, environ: dict[str, str]) -> Outcome:
    """Run one suite: its exit code, its seconds, and what it printed unless that was shown.

    ``spread`` over every worker, for a suite that has the machine to itself.
    """
    command = [sys.executable, "-m", "pytest", "-q"]
    if torture:
        command += ["-m", "" if suite.seeded else "torture", "--timeout", "3600"]
        environ = {"REVLINE_RUNS": TORTURE_RUNS, **environ}
    else:
        command += ["-m", "not torture"]
    if spread and suite.parallel and WORKERS > 1:
        by = "loadfile" if suite.whole_files else "load"
        command += ["-n", str(WORKERS), "--dist", by]
    elif not spread:
        command += ["-p", "no:xdist", "-p", "no:cacheprovider"]
    started = time.monotonic()
    done = subprocess.run(
        [*command, *suite.paths],
        cwd=ROOT,
        env=environ,
        check=False,
        text=True,
        stdout=None if spread else subprocess.PIPE,
        stderr=None if spread else subprocess.STDOUT,
    )
    code = 0 if torture and done.returncode == NO_TESTS else done.returncode
    return Outcome(suite.name, code, time.monotonic() - started, done.stdout or "")


def in_turn(suites: list[Suite], *, torture: bool, environ: dict[str, str]) -> list[Outcome]:
    """Each suite over every worker, shown while it runs."""
    found = []
    for suite in suites:
        print(f"\n== {suite.name}", flush=True)
        found.append(run(suite, torture=torture, spread=True, environ=environ))
    return found


def in_lanes(suites: list[Suite], environ: dict[str, str]) -> list[Outcome]:
    """Several suites at a time, each in one process, shown when it has ended.

    One lane more than there are cores: a good part of the tests' time is waiting.
    """
    found = []
    with ThreadPoolExecutor(max_workers=WORKERS + 1) as lanes:
        begun = [
            lanes.submit(run, suite, torture=False, spread=False, environ=environ)
            for suite in suites
        ]
        for ended in as_completed(begun):
            outcome = ended.result()
            print(f"\n== {outcome.name}\n{outcome.output}", flush=True)
            found.append(outcome)
    return found


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
    environ["REVLINE_SEED"] = seed
    started = time.monotonic()
    if torture or len(suites) == 1 or WORKERS == 1:
        outcomes = in_turn(suites, torture=torture, environ=environ)
    else:
        outcomes = in_lanes(suites, environ)
    print(f"\nREVLINE_SEED={seed}")
    for one in outcomes:
        print(f"{one.name:22} {one.seconds:6.0f} s  {'ok' if one.code == 0 else 'FAILED'}")
    print(f"{'all of them took':22} {time.monotonic() - started:6.0f} s")
    return int(any(one.code for one in outcomes))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
