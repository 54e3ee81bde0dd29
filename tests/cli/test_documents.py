"""Every command is documented, every documented command exists, every help has an example."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import click
from click.testing import CliRunner

from engine.cli import cli

COMMANDS = Path(__file__).parents[2] / "docs" / "commands.md"


def tree(
    group: click.Group = cli, path: tuple[str, ...] = ()
) -> Iterator[tuple[tuple[str, ...], click.Command]]:
    context = click.Context(group)
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        assert command is not None
        if isinstance(command, click.Group):
            yield from tree(command, (*path, name))
        else:
            yield (*path, name), command


def sections() -> dict[str, str]:
    parts = re.split(r"^### `revline ([^`]*)`$", COMMANDS.read_text(), flags=re.MULTILINE)
    return dict(zip((one.strip() for one in parts[1::2]), parts[2::2], strict=True))


def test_every_command_is_documented_and_no_other() -> None:
    documented = {_words(heading) for heading in sections()}
    assert documented == {" ".join(path) for path, _command in tree()}


def test_every_option_is_documented() -> None:
    by_words = {_words(heading): heading + text for heading, text in sections().items()}
    for path, command in tree():
        text = by_words[" ".join(path)]
        for option in command.params:
            if isinstance(option, click.Option) and option.name != "as_json":
                assert any(name in text for name in option.opts), f"{path}: {option.opts}"


def test_every_help_has_an_example_and_json() -> None:
    for path, command in tree():
        shown = CliRunner().invoke(cli, [*path, "--help"])
        assert shown.exit_code == 0, shown.output
        assert "Example: revline " + " ".join(path) in shown.output, path
        assert "--json" in shown.output, path
        assert command.help, path


def test_the_commands_are_those_that_others_drive() -> None:
    assert {" ".join(path) for path, _command in tree()} >= {
        "init", "check", "setup", "run", "poll", "backfill", "plan", "status", "syncs",
        "connections list", "connections check", "connections pause", "connections resume",
        "issues list", "issues show", "issues retry", "issues resync", "issues resolve",
        "links show", "links rebuild", "ledger list", "ledger export", "ledger verify",
        "mappings test", "sandbox up", "demo", "migrate",
    }  # fmt: skip


def _words(heading: str) -> str:
    """The words of a command without its arguments and options."""
    words = []
    for word in heading.split():
        if not word.isalpha() or word.isupper():
            break
        words.append(word)
    return " ".join(words)
