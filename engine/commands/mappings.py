"""``revline mappings test``: runs the examples at the end of mapping files."""

from __future__ import annotations

from pathlib import Path

import click

from engine.commands.kit import EXIT_WRONG, CommandError, Surroundings, command


@click.group("mappings", epilog="Example: revline mappings test")
def mappings() -> None:
    """Work on mapping files."""


@command("test", example="revline mappings test mappings/company_to_account.yaml", group=mappings)
@click.argument("files", nargs=-1, metavar="[FILE]...")
def test(surroundings: Surroundings, *, files: tuple[str, ...]) -> None:
    """Run the examples of mapping FILES, or of every file in mappings/.

    Needs no connection, no credentials and no store.
    """
    from engine.config.mappings import load_mapping, mapping_names
    from engine.mapping.examples import run_examples

    path = surroundings.path
    folder = path if path.is_dir() else path.parent
    names = [_name(file) for file in files] or mapping_names(folder)
    if not names:
        raise CommandError("no_mappings", f"there are no mapping files in {folder / 'mappings'}")
    results: list[dict[str, object]] = []
    for name in names:
        results += [
            {
                "mapping": name,
                "example": one.name,
                "passed": one.passed,
                "difference": one.difference,
            }
            for one in run_examples(load_mapping(folder, name))
        ]
    failed = [result for result in results if not result["passed"]]
    if surroundings.as_json:
        surroundings.answer(results)
    else:
        for result in failed:
            surroundings.say(f"{result['mapping']}: {result['example']}")
            for line in str(result["difference"]).splitlines():
                surroundings.say(f"  {line}")
        surroundings.say(
            f"{len(results) - len(failed)} of {len(results)} examples pass, "
            f"in {len(names)} mapping files."
        )
    if failed:
        raise click.exceptions.Exit(EXIT_WRONG)


def _name(file: str) -> str:
    """A mapping by its name or its file."""
    return Path(file).stem if file.endswith(".yaml") else file
