"""``revline demo``: the whole line on simulated systems, in a minute or two."""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import Any

import click

from engine.commands.kit import CommandError, Surroundings, command


@command("demo", example="revline demo --folder demo")
@click.option(
    "--folder",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path("demo"),
    show_default=True,
    help="Where the demo's project is made; it stays there to look around in.",
)
@click.option(
    "--again",
    is_flag=True,
    help="Start the simulators of an earlier demo as it left them, to go on with its project.",
)
def demo(surroundings: Surroundings, *, folder: Path, again: bool) -> None:
    """Play the whole line on simulated systems, from the first score to the posted journal.

    Contacts, companies and deals come from HubSpot to Salesforce and edits go both ways; people are
    called, quoted and sign; what is won is ordered, billed, paid and posted. Two tables tell how
    many deals and how much money came through each step, and why it got less.
    """
    try:
        module: Any = importlib.import_module("engine.demo")
    except ModuleNotFoundError as missing:
        if missing.name != "engine.demo":
            raise
        raise CommandError("no_demo", "this installation has no demo") from None
    code = module.run(folder, as_json=surroundings.as_json, again=again)
    if code:
        raise click.exceptions.Exit(int(code))
