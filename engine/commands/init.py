"""``revline init``: a project to begin with."""

from __future__ import annotations

import click

from engine.commands.kit import CommandError, Surroundings, command


@command("init", example="revline init --sandbox")
@click.option(
    "--sandbox", is_flag=True, help="For rehearsals: the simulators of `revline sandbox up`."
)
def init(surroundings: Surroundings, *, sandbox: bool) -> None:
    """Write revline.yaml, mappings/, .env.example and .gitignore into the working folder.

    Refuses to overwrite anything. With -c FOLDER it writes there.
    """
    from engine.init.project import existing, write_project

    folder = surroundings.path
    if folder.suffix == ".yaml":
        raise CommandError("not_a_folder", "init takes a folder", "revline -c FOLDER init")
    held = existing(folder)
    if held:
        raise CommandError(
            "exists",
            f"{', '.join(held)} {'is' if len(held) == 1 else 'are'} there already in {folder}",
            "nothing was written; choose an empty folder with -c FOLDER",
            exit_code=2,
        )
    written = write_project(folder, sandbox=sandbox)
    if surroundings.as_json:
        surroundings.answer({"folder": str(folder), "files": written})
        return
    for name in written:
        surroundings.say(f"wrote {name}")
    surroundings.say()
    if sandbox:
        surroundings.say("Next: revline sandbox up --port hubspot=9101 --port salesforce=9102")
        surroundings.say("then, in a second terminal: set -a; . ./.env.example; set +a")
        surroundings.say("and: revline setup hubspot --apply; revline setup salesforce --apply")
        surroundings.say("and: revline run --until-idle")
    else:
        surroundings.say("Next: put your accounts into revline.yaml and the secrets into the")
        surroundings.say("environment (see .env.example), then: revline check --online")
