"""Whatever goes wrong ends in a sentence and an exit code."""

from __future__ import annotations

import sqlite3

import pytest
from click.testing import CliRunner

from engine.cli import cli
from engine.daemon import ProjectLock
from tests.cli.cli_kit import Cli


def test_names_that_are_not_there_bring_the_nearest(project: Cli) -> None:
    result = project.run("poll", "compnies", code=1)
    assert "there is no sync 'compnies'" in result.stderr
    assert "did you mean `companies`?" in result.stderr
    assert project.json("setup", "cmr", code=1)["error"]["code"] == "unknown_connection"


def test_a_second_engine_refuses(project: Cli) -> None:
    project.run("run", "--until-idle")
    with ProjectLock(project.state / "engine.lock"):
        result = project.run("run", "--until-idle", code=2)
    assert "already running" in result.stderr


def test_a_key_that_is_gone_is_not_replaced(project: Cli) -> None:
    project.run("run", "--until-idle")
    del project.environ["REVLINE_KEY"]
    result = project.run("status", code=2)
    assert "the key to the store is missing" in result.stderr
    assert not (project.folder / ".revline.key").exists()


def test_a_key_is_made_once_with_a_warning(project: Cli) -> None:
    del project.environ["REVLINE_KEY"]
    result = project.run("run", "--until-idle")
    assert "a key was made" in result.stderr
    key = (project.folder / ".revline.key").read_text()
    assert key.strip() not in result.output
    assert (project.folder / ".revline.key").stat().st_mode & 0o077 == 0
    assert "a key was made" not in project.run("run", "--until-idle").stderr


@pytest.mark.parametrize("key", ["short", "!!", "a" * 44])
def test_a_key_that_is_none_is_refused_without_being_shown(project: Cli, key: str) -> None:
    project.environ["REVLINE_KEY"] = key
    result = project.run("run", "--until-idle", code=2)
    assert "REVLINE_KEY" in result.stderr
    if len(key) > 5:
        assert key not in result.output


def test_another_key_cannot_read_the_store(project: Cli) -> None:
    project.company("Acme", "acme.example")
    project.account("One", "acme.example")
    project.account("Two", "acme.example")
    project.run("run", "--until-idle", code=1)
    project.environ["REVLINE_KEY"] = "b" * 43 + "="
    result = project.run("issues", "list", code=2)
    assert "REVLINE_KEY" in result.stderr


def test_a_newer_store_is_refused(project: Cli) -> None:
    project.run("run", "--until-idle")
    with sqlite3.connect(project.state / "revline.db") as database:
        database.execute("UPDATE meta SET value = '99' WHERE key = 'schema'")
    for command in (("run", "--until-idle"), ("migrate",)):
        assert "install the newer Revline" in project.run(*command, code=2).stderr


def test_a_broken_store_is_a_sentence(project: Cli) -> None:
    project.state.mkdir()
    (project.state / "revline.db").write_bytes(b"this is no database, whatever it may be" * 200)
    result = project.run("status", code=1)
    assert "the store cannot be used" in result.stderr


def test_the_unexpected_is_one_line_and_a_place_to_look(
    project: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    project.run("run", "--until-idle")

    def broken(*_: object) -> None:
        raise ZeroDivisionError("canary-value")

    monkeypatch.setattr("engine.commands.state.state_of", broken)
    result = project.run("status", code=1)
    log = project.state / "revline.log"
    said = f"error: something unexpected: ZeroDivisionError; the log is {log}"
    assert result.stderr.strip() == said
    assert "broken" in log.read_text()
    assert "canary-value" not in log.read_text()
    assert project.json("status", code=1)["error"]["code"] == "unexpected"


def test_debugging_shows_where_it_happened(project: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> None:
        raise ZeroDivisionError("here")

    monkeypatch.setattr("engine.commands.state.state_of", broken)
    project.environ["REVLINE_DEBUG"] = "1"
    shown = CliRunner().invoke(cli, ["-c", str(project.folder), "status"], env=project.environ)
    assert shown.exit_code == 1
    assert "Traceback" in shown.stderr


def test_options_that_exclude_each_other(project: Cli) -> None:
    project.run("run", "--once", "--until-idle", code=2)
    project.run("issues", "resolve", "x", "--link", "a", "--note", "b", code=2)
    project.run("backfill", "companies", "--since", "yesterday", code=2)
    project.run("sandbox", "up", "sap", code=2)
    project.run("sandbox", "up", "--port", "hubspot", code=2)
    project.run("nonsense", code=2)


def test_the_version(project: Cli) -> None:
    assert project.run("--version").stdout.startswith("revline ")
