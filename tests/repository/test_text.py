"""Rules about every text in the repository: no addresses of package indexes, nothing local."""

from __future__ import annotations

import re
import subprocess
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
OURSELVES = "tests/repository/test_text.py"

LOCAL = re.compile(
    r"(?<![\w.])/(?:work|home/\w+|Users/\w+|root)/(?!path)|\.\./shared\b|/tmp/brief|/mnt/data\b"
)
"""Paths that mean something on one machine only."""

INDEX = re.compile(
    r"files\.pythonhosted\.org|pypi\.org/simple|--(?:extra-)?index-url[ =]\S|--find-links[ =]"
    r"|registry\.npmjs\.org|(?:index|proxy)\.[a-z.]*(?:pypi|golang)",
    re.IGNORECASE,
)
"""Where packages come from is the machine's affair."""

SECRET = re.compile(
    r"-----BEGIN (?:RSA |EC )?PRIVATE KEY-----\n[A-Za-z0-9+/=]{40}"
    r"|\bsk_live_\w{10}|\bAKIA[0-9A-Z]{16}\b"
)
CONFLICT = re.compile(r"^(?:<{7} |>{7} |={7}$)", re.MULTILINE)
UNFINISHED = re.compile(r"\b(?:TODO|FIXME|XXX)\b")

MAY_NAME_SPECS = {".ci/run"}
"""Hands descriptions that lie next to the checkout to the tests, if they do."""


@cache
def texts() -> dict[str, str]:
    """Every file of the repository that git knows or would take, if it is text."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        check=True,
        capture_output=True,
    ).stdout.decode()
    found = {}
    for name in listed.split("\0"):
        path = ROOT / name
        if name and name != OURSELVES and path.is_file():
            try:
                found[name] = path.read_text(encoding="utf-8")
            except UnicodeDecodeError:
                continue
    assert len(found) > 200, "git listed too few files"
    return found


def found(pattern: re.Pattern[str], *, without: frozenset[str] = frozenset()) -> list[str]:
    return [
        f"{name}:{text.count(chr(10), 0, match.start()) + 1}: {match.group()[:40]}"
        for name, text in texts().items()
        if name not in without
        for match in pattern.finditer(text)
    ]


def test_nothing_local() -> None:
    assert not found(LOCAL, without=frozenset(MAY_NAME_SPECS))


def test_no_package_index() -> None:
    assert not found(INDEX, without=frozenset({".ci/lock.py"}))


def test_no_secret() -> None:
    assert not found(SECRET)


def test_no_half_merged_text() -> None:
    assert not found(CONFLICT)


def test_nothing_left_for_later() -> None:
    assert not found(UNFINISHED)


@pytest.mark.parametrize(
    ("pattern", "text"),
    [
        (LOCAL, "see /work/main/x"),
        (LOCAL, "from ../shared/specs"),
        (INDEX, "--index-url https://x.example"),
        (INDEX, "https://files.pythonhosted.org/packages/x"),
        (SECRET, "sk_" + "live_1234567890ab"),
        (CONFLICT, "<<<<<<< HEAD"),
        (UNFINISHED, "# TODO later"),
    ],
)
def test_each_pattern_sees_its_fault(pattern: re.Pattern[str], text: str) -> None:
    assert pattern.search(text)


def test_the_lock_pins_every_dependency_by_hash() -> None:
    lock = texts()["requirements.lock"]
    entries = re.split(r"\n(?=\S)", lock.strip())
    unpinned = [entry.split("\n")[0] for entry in entries if "==" not in entry.split("\n")[0]]
    unhashed = [entry.split("\n")[0] for entry in entries if "--hash=sha256:" not in entry]
    assert not unpinned
    assert not unhashed


def test_the_lock_holds_every_declared_dependency() -> None:
    import tomllib

    project = tomllib.loads(texts()["pyproject.toml"])["project"]
    declared = [
        *project["dependencies"],
        *(one for extra in project["optional-dependencies"].values() for one in extra),
    ]
    names = {plain(re.split(r"[^A-Za-z0-9_.-]", one)[0]) for one in declared}
    locked = {plain(line.split("==")[0]) for line in texts()["requirements.lock"].splitlines()}
    assert not names - locked


def plain(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()
