"""``revline check``: is the configuration right, by itself and against the accounts?"""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from engine.commands.kit import EXIT_CONFIGURATION, EXIT_WRONG, Surroundings, command

if TYPE_CHECKING:
    from engine.app import Project
    from engine.store.outdated import Outdated


@command("check", example="revline check --online")
@click.option("--online", is_flag=True, help="Ask the accounts too: credentials, fields, values.")
def check(surroundings: Surroundings, *, online: bool) -> None:
    """Check revline.yaml and every mapping; report all faults at once, each with its place.

    --online also proves the credentials, says which accounts answer, and compares the mappings with
    the fields and values that these accounts have. Exit code 2 for faults of the configuration, 1
    for what is wrong in an account.
    """
    from engine.app import outside, unobserved
    from engine.commands.outdated import content as told_of
    from engine.commands.outdated import sentence

    project = surroundings.project  # raises every fault of the files

    for name, connection in outside(project.config).items():
        if not connection.missing:
            project.connector(name, unobserved)  # settings that only the connector understands
    failed = _failed_examples(project)
    findings = []
    if online:
        from engine.commands.online import Online

        findings = Online(project).findings()
    wrong = [one for one in findings if one.severity == "fault"]
    config = project.config
    older = _outdated(project)
    if surroundings.as_json:
        surroundings.answer(
            {
                "ok": not wrong and not failed,
                "faults": [],
                "failed_examples": failed,
                "findings": [one.content() for one in findings],
                "outdated": {name: told_of(left) for name, left in older.items()},
                "digest": config.digest,
            }
        )
    else:
        for text in failed:
            surroundings.say(f"{text}; see revline mappings test")
        for one in findings:
            surroundings.say(f"{one.severity}: {one.place}{one.message}")
            if one.hint:
                surroundings.say(f"  {one.hint}")
        for name, left in older.items():
            surroundings.say(sentence(name, left))
        active = sum(1 for sync in config.syncs.values() if sync.enabled.value != "false")
        surroundings.say(
            f"{_result(len(failed), len(wrong))}: {len(outside(config))} connections, "
            f"{len(config.syncs)} syncs ({active} running)."
        )
        if online and not wrong:
            surroundings.say("The accounts have what the syncs need.")
    if failed:
        raise click.exceptions.Exit(EXIT_CONFIGURATION)
    if wrong:
        raise click.exceptions.Exit(EXIT_WRONG)


def _failed_examples(project: Project) -> list[str]:
    """Examples run with the value maps of their own file, whatever the project puts in their
    place: they are about the mapping, not about the accounts of one company."""
    from engine.config.mappings import load_mapping
    from engine.mapping.examples import run_examples

    names = dict.fromkeys(sync.mapping.name for sync in project.config.syncs.values())
    return [
        f"{name}: example {result.name!r} fails"
        for name in names
        for result in run_examples(load_mapping(project.config.folder, name))
        if not result.passed
    ]


def _outdated(project: Project) -> dict[str, Outdated]:
    """What a changed mapping leaves behind; a store that cannot be looked at is not checked."""
    from engine.commands.outdated import found
    from engine.errors import RevlineError

    if not project.has_store:
        return {}
    try:
        return found(project)
    except RevlineError:
        return {}


def _result(failed: int, wrong: int) -> str:
    if failed:
        return f"The files can be read, but {_counted(failed, 'example')} of the mappings failed"
    if wrong:
        return f"The files are sound, but {_counted(wrong, 'fault')} came up in the accounts"
    return "The configuration is sound"


def _counted(count: int, noun: str) -> str:
    return f"{count} {noun}{'s' if count != 1 else ''}"
