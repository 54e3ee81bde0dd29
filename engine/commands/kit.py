"""What every command uses: the project, the screen, and errors that are sentences."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TypeVar

import click

if TYPE_CHECKING:
    from rich.console import Console

    from engine.app import Project
    from engine.clock import Clock

EXIT_WRONG: Final = 1
EXIT_CONFIGURATION: Final = 2
PLAIN_WIDTH: Final = 140

Function = TypeVar("Function", bound=Callable[..., Any])


class CommandError(Exception):
    """A command that cannot do what was asked. ``hint`` says what to do about it."""

    def __init__(
        self, code: str, message: str, hint: str = "", *, exit_code: int = EXIT_WRONG
    ) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.hint = hint
        self.exit_code = exit_code


@dataclass
class Surroundings:
    """Where a command runs: which configuration, which environment, which clock."""

    path: Path
    environ: Mapping[str, str] = field(repr=False)
    as_json: bool = False

    @cached_property
    def clock(self) -> Clock:
        from engine.clock import SystemClock

        return SystemClock()

    @cached_property
    def project(self) -> Project:
        """The project; raises what :func:`engine.app.open_project` raises."""
        from engine.app import open_project

        return open_project(self.path, self.environ, self.clock, self.warn)

    @cached_property
    def screen(self) -> Console:
        """Where answers go."""
        return console(sys.stdout)

    def say(self, text: str = "") -> None:
        """A line for people; silent with ``--json``."""
        if not self.as_json:
            self.screen.print(text, highlight=False)

    def warn(self, text: str) -> None:
        """A sentence that a person should read, apart from the answer."""
        console(sys.stderr).print(f"note: {text}", highlight=False, markup=False, soft_wrap=True)

    def answer(self, content: object) -> None:
        """The command's answer as one JSON document on one line."""
        click.echo(to_json(content))

    def table(self, title: str, columns: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
        """A table for people. Cells are shown as they are, never read as markup."""
        from rich.box import SIMPLE_HEAD
        from rich.table import Table
        from rich.text import Text

        shown = Table(title=title or None, title_justify="left", box=SIMPLE_HEAD, pad_edge=False)
        for name in columns:
            right = name.endswith("#")
            shown.add_column(
                name.removesuffix("#"), justify="right" if right else "left", overflow="fold"
            )
        for row in rows:
            shown.add_row(*(Text(visible("" if cell is None else str(cell))) for cell in row))
        self.screen.print(shown)


def console(stream: Any) -> Console:
    """A console on a stream; colours and width only where a person is looking."""
    from rich.console import Console

    terminal = stream.isatty()
    return Console(file=stream, width=None if terminal else PLAIN_WIDTH, markup=False)


def visible(text: str) -> str:
    """The text without characters that could move a cursor or forge a line."""
    return "".join(mark if mark.isprintable() or mark == "\n" else "\ufffd" for mark in text)


def to_json(content: object) -> str:
    """JSON with instants as RFC 3339 in UTC."""
    import orjson

    return orjson.dumps(content, default=str, option=orjson.OPT_UTC_Z).decode()


def command(
    name: str, *, example: str, group: click.Group | None = None
) -> Callable[[Callable[..., Any]], click.Command]:
    """A command with ``--json``, an example in its help, and the surroundings as first argument."""

    def decorate(function: Callable[..., Any]) -> click.Command:
        wrapped = click.pass_obj(_with_json(function))
        wrapped = click.option(
            "--json", "as_json", is_flag=True, help="Answer in JSON, for programs."
        )(wrapped)
        make = group.command if group is not None else click.command
        return make(name, epilog=f"Example: {example}")(wrapped)

    return decorate


def _with_json(function: Callable[..., Any]) -> Callable[..., Any]:
    def run(surroundings: Surroundings, *, as_json: bool, **given: Any) -> Any:
        surroundings.as_json = as_json
        return function(surroundings, **given)

    run.__name__ = function.__name__
    run.__doc__ = function.__doc__
    if hasattr(function, "__click_params__"):
        run.__click_params__ = function.__click_params__  # type: ignore[attr-defined]
    return run


def sync_of(surroundings: Surroundings, name: str) -> Any:
    """A sync by name, or an error with the nearest names."""
    from engine.mapping.nearest import nearest

    syncs = surroundings.project.config.syncs
    if name not in syncs:
        raise CommandError("unknown_sync", f"there is no sync {name!r}", nearest(name, syncs) or "")
    return syncs[name]


def connection_of(surroundings: Surroundings, name: str) -> Any:
    """A connection to another system by name, or an error with the nearest names."""
    from engine.app import outside
    from engine.mapping.nearest import nearest

    connections = outside(surroundings.project.config)
    if name not in connections:
        raise CommandError(
            "unknown_connection",
            f"there is no connection {name!r}",
            nearest(name, connections) or "",
        )
    return connections[name]
