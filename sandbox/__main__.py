"""``python -m sandbox``: start the simulators."""

from __future__ import annotations

import click

from sandbox.app import SYSTEMS, up


@click.command()
@click.argument("systems", nargs=-1, type=click.Choice(list(SYSTEMS)))
@click.option("--port", "ports", multiple=True, metavar="SYSTEM=PORT", help="Fixed port.")
@click.option("--seed", default=0, show_default=True, help="Which data to make up.")
@click.option(
    "--size", "sizes", multiple=True, metavar="OBJECT=N", help="How many, e.g. deals=500."
)
@click.option("--json", "as_json", is_flag=True, help="One JSON line per system.")
def main(
    systems: tuple[str, ...],
    ports: tuple[str, ...],
    seed: int,
    sizes: tuple[str, ...],
    *,
    as_json: bool,
) -> None:
    """Start simulators on loopback. Example: python -m sandbox hubspot --port hubspot=8101"""
    up(
        systems or tuple(SYSTEMS),
        _numbers("--port", ports),
        seed,
        json=as_json,
        sizes=_numbers("--size", sizes),
        write=click.echo,
    )


def _numbers(option: str, pairs: tuple[str, ...]) -> dict[str, int]:
    numbers: dict[str, int] = {}
    for pair in pairs:
        name, _, number = pair.partition("=")
        if not (name and number.isascii() and number.isdigit()):
            raise click.BadParameter(f"{pair!r} is not NAME=NUMBER", param_hint=option)
        numbers[name] = int(number)
    return numbers


if __name__ == "__main__":
    main()
