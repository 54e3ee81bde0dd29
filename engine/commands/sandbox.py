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
@click.option("--template", "template", metavar="NAME", help="As this template of `revline init` "
              "expects them: at its ports, with the fields it writes to.")  # fmt: skip
def up(
    surroundings: Surroundings,
    *,
    systems: tuple[str, ...],
    seed: int,
    ports: tuple[str, ...],
    sizes: tuple[str, ...],
    template: str | None,
) -> None:
    """Start simulators of the vendors on this machine, until stopped.

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
    fixed = _numbers("--port", _split(ports))
    told: dict[str, Any] = {}
    if template is not None:
        usual, told = _expected(template)
        fixed = {**usual, **fixed}
    wanted = systems or tuple(app.SYSTEMS)
    app.up(
        wanted,
        {system: port for system, port in fixed.items() if system in wanted or not template},
        seed,
        json=surroundings.as_json,
        sizes=_numbers("--size", sizes),
        write=click.echo,
        told=told,
    )


def _expected(name: str) -> tuple[dict[str, int], dict[str, Any]]:
    """The ports that a template's project names, and what administrators make beforehand."""
    from engine.init.accounts import in_the_sandbox
    from engine.init.rehearsal import PORTS
    from engine.init.template import TEMPLATES

    if name not in TEMPLATES:
        raise click.BadParameter(f"there are: {', '.join(TEMPLATES)}", param_hint="--template")
    return dict(PORTS), in_the_sandbox(TEMPLATES[name])


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
