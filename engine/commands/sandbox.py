"""``revline sandbox up``: the vendors on your own machine, for rehearsals."""

from __future__ import annotations

from typing import Any

import click

from engine.commands.kit import Surroundings, command


@click.group("sandbox", epilog="Example: revline sandbox up")
def sandbox() -> None:
    """Rehearse on simulated systems, without credentials."""


@command("up", example="revline sandbox up --port hubspot=9101 --port salesforce=9102",
         group=sandbox)  # fmt: skip
@click.argument("systems", nargs=-1, metavar="[SYSTEM]...")
@click.option("--seed", default=0, show_default=True, help="Which data to make up.")
@click.option(
    "--port", "--ports", "ports", multiple=True, metavar="SYSTEM=PORT", help="A fixed port."
)
@click.option(
    "--size", "sizes", multiple=True, metavar="OBJECT=N", help="How many, e.g. deals=500."
)
def up(
    surroundings: Surroundings,
    *,
    systems: tuple[str, ...],
    seed: int,
    ports: tuple[str, ...],
    sizes: tuple[str, ...],
) -> None:
    """Start simulators of HubSpot and Salesforce on this machine, until stopped.

    Says where each one is when it is ready. Without --port the system chooses free ports.
    """
    import importlib

    # Found by name: nothing in the engine depends on the simulators.
    app: Any = importlib.import_module("sandbox.app")
    for system in systems:
        if system not in app.SYSTEMS:
            raise click.BadParameter(
                f"no simulator for {system!r}; there are: {', '.join(app.SYSTEMS)}"
            )
    app.up(
        systems or tuple(app.SYSTEMS),
        _numbers("--port", _split(ports)),
        seed,
        json=surroundings.as_json,
        sizes=_numbers("--size", sizes),
        write=click.echo,
    )


def _split(pairs: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(part for pair in pairs for part in pair.split(",") if part)


def _numbers(option: str, pairs: tuple[str, ...]) -> dict[str, int]:
    numbers: dict[str, int] = {}
    for pair in pairs:
        name, _, number = pair.partition("=")
        if not (name and number.isascii() and number.isdigit()):
            raise click.BadParameter(f"{pair!r} is not NAME=NUMBER", param_hint=option)
        numbers[name] = int(number)
    return numbers
