"""``revline init``: a project to begin with."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import click

from engine.commands.kit import CommandError, Surroundings, command

if TYPE_CHECKING:
    from engine.init.template import Template

LIST: Final = "?"


@command("init", example="revline init --template lead-to-cash --phases 1-2")
@click.option(
    "--sandbox", is_flag=True, help="For rehearsals: the simulators of `revline sandbox up`."
)
@click.option(
    "--template",
    "name",
    is_flag=False,
    flag_value=LIST,
    metavar="[NAME]",
    help="Begin with a whole line; without a name, list what there is.",
)
@click.option("--phases", metavar="N or N-M", help="Which phases of the template run; all others "
              "are written down, switched off.")  # fmt: skip
def init(
    surroundings: Surroundings, *, sandbox: bool, name: str | None, phases: str | None
) -> None:
    """Write revline.yaml, mappings/, .env.example and .gitignore into the working folder.

    Refuses to overwrite anything. With -c FOLDER it writes there.
    """
    from engine.init.project import contents, existing, write_project
    from engine.init.template import TEMPLATES, phases_of, template_contents

    if name == LIST:
        _list(surroundings, tuple(TEMPLATES.values()))
        return
    if name is None:
        if phases is not None:
            raise click.BadParameter("is for templates; name one with --template",
                                     param_hint="--phases")  # fmt: skip
        project = contents(sandbox=sandbox)
    else:
        template = _template(name)
        try:
            running = phases_of(template, phases)
        except ValueError as fault:
            raise click.BadParameter(str(fault), param_hint="--phases") from None
        project = template_contents(template, running, sandbox=sandbox)
    folder = surroundings.path
    if folder.suffix == ".yaml":
        raise CommandError("not_a_folder", "init takes a folder", "revline -c FOLDER init")
    held = existing(folder, project)
    if held:
        raise CommandError(
            "exists",
            f"{', '.join(held)} {'is' if len(held) == 1 else 'are'} there already in {folder}",
            "nothing was written; choose an empty folder with -c FOLDER",
            exit_code=2,
        )
    written = write_project(folder, project)
    if surroundings.as_json:
        surroundings.answer({"folder": str(folder), "files": written})
        return
    for file in written:
        surroundings.say(f"wrote {file}")
    surroundings.say()
    for line in _next(name, sandbox=sandbox):
        surroundings.say(line)


def _template(name: str) -> Template:
    from engine.init.template import TEMPLATES
    from engine.mapping.nearest import nearest

    if name not in TEMPLATES:
        hint = nearest(name, TEMPLATES) or f"there are: {', '.join(TEMPLATES)}"
        raise CommandError("unknown_template", f"there is no template {name!r}", hint, exit_code=2)
    return TEMPLATES[name]


def _list(surroundings: Surroundings, templates: tuple[Template, ...]) -> None:
    if surroundings.as_json:
        surroundings.answer(
            [
                {"name": one.name, "title": one.title, "phases": list(one.phases)}
                for one in templates
            ]
        )
        return
    for one in templates:
        surroundings.say(f"{one.name}: {one.title}.")
        for number, phase in enumerate(one.phases, start=1):
            surroundings.say(f"  {number}  {phase}")


def _next(template: str | None, *, sandbox: bool) -> tuple[str, ...]:
    if not sandbox:
        return (
            "Next: put your accounts into revline.yaml and the secrets into the",
            "environment (see .env.example), then: revline check --online",
        )
    if template is None:
        return (
            "Next: revline sandbox up --port hubspot=9101 --port salesforce=9102",
            "then, in a second terminal: set -a; . ./.env.example; set +a",
            "and: revline setup hubspot --apply; revline setup salesforce --apply",
            "and: revline run --until-idle",
        )
    return (
        f"Next: revline sandbox up --template {template}",
        "then, in a second terminal: install -m 600 .env.example .env",
        "and: revline setup hubspot --apply; the same for salesforce and cpq",
        "and: revline check --online; revline run --until-idle",
    )
