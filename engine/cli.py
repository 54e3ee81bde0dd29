"""``revline``: the command line. Exit codes: 0 fine, 1 something needs a look, 2 configuration.

Commands are loaded when they are named; the list below is all that ``--help`` of the whole needs.
"""

from __future__ import annotations

import importlib
import os
import sys
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, Final

import click

from engine.commands.faults import explain
from engine.commands.kit import Surroundings

# In the order in which a person meets them.
COMMANDS: Final = {
    "init": "engine.commands.init:init",
    "check": "engine.commands.check:check",
    "setup": "engine.commands.setup:setup",
    "run": "engine.commands.run:run",
    "poll": "engine.commands.reading:poll",
    "backfill": "engine.commands.reading:backfill",
    "plan": "engine.commands.plan:plan",
    "status": "engine.commands.status:status",
    "syncs": "engine.commands.syncs:syncs",
    "connections": "engine.commands.connections:connections",
    "issues": "engine.commands.issues:issues",
    "links": "engine.commands.links:links",
    "ledger": "engine.commands.ledger:ledger",
    "forget": "engine.commands.forget:forget",
    "mappings": "engine.commands.mappings:mappings",
    "sandbox": "engine.commands.sandbox:sandbox",
    "demo": "engine.commands.demo:demo",
    "migrate": "engine.commands.migrate:migrate",
}


class Commands(click.Group):
    """Loads a command when it is named, and turns every failure into a sentence."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        where = COMMANDS.get(cmd_name)
        if where is None:
            return None
        module, _, attribute = where.partition(":")
        found: click.Command = getattr(importlib.import_module(module), attribute)
        return found

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except (click.ClickException, click.exceptions.Exit, click.Abort):
            raise
        except BrokenPipeError:
            # Whoever read our output has seen enough.
            sys.stdout = open(os.devnull, "w")  # noqa: SIM115, PTH123
            ctx.exit(1)
        except Exception as error:  # noqa: BLE001 - a person reads what comes next
            ctx.exit(explain(error, ctx.obj))


def _show_version(ctx: click.Context, _option: click.Parameter, asked: bool) -> None:  # noqa: FBT001
    if not asked or ctx.resilient_parsing:
        return
    try:
        number = version("revline")
    except PackageNotFoundError:
        number = "from a source folder"  # run without being installed
    click.echo(f"revline {number}")
    ctx.exit()


@click.group(
    cls=Commands,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog="Example: revline init && revline check && revline run",
)
@click.option(
    "-c",
    "--config",
    "config",
    type=click.Path(path_type=Path),
    metavar="CONFIG",
    help="The project: revline.yaml or its folder. Default: the working folder.",
)
@click.option(
    "--version",
    is_flag=True,
    is_eager=True,
    expose_value=False,
    callback=_show_version,
    help="Show the version and exit.",
)
@click.pass_context
def cli(ctx: click.Context, config: Path | None) -> None:
    """Keeps HubSpot, Salesforce and the rest of the lead-to-cash line in step, and proves it.

    A folder is a project: revline.yaml, mappings/ and state/. Exit codes: 0 all is well, 1
    something needs a look, 2 the configuration must be changed.
    """
    ctx.obj = Surroundings(path=(config or Path()).absolute(), environ=os.environ)


def main() -> None:
    """The console script."""
    cli(prog_name="revline")


if __name__ == "__main__":
    main()
