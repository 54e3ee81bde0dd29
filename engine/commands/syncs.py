"""``revline syncs``: what is configured, in a table or in plain sentences."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from engine.commands.kit import Surroundings, command

if TYPE_CHECKING:
    from engine.explaining.systems import Systems


@command("syncs", example="revline syncs --explain")
@click.option("--explain", is_flag=True, help="Say in plain sentences what each sync does.")
def syncs(surroundings: Surroundings, *, explain: bool) -> None:
    """List the syncs of the project.

    --explain ends with a picture of the line, which pages that know Mermaid draw.
    """
    found = surroundings.project.config.syncs.values()
    if surroundings.as_json:
        told = _explained(surroundings)
        shown = [{**_content(sync), "explained": told.get(sync.name)} for sync in found]
        whole = {"syncs": shown, "picture": _picture(surroundings)}
        surroundings.answer(whole if explain else shown)
    elif explain:
        for name, text in _explained(surroundings).items():
            surroundings.say(f"{name}: {text}")
            surroundings.say()
        surroundings.say(f"```mermaid\n{_picture(surroundings)}```")
    else:
        surroundings.table(
            "",
            ("Sync", "From", "To", "Mapping", "Runs", "Mode", "Starts from", "After"),
            [
                (
                    sync.name,
                    sync.source,
                    sync.target,
                    sync.mapping.name,
                    _runs(sync),
                    sync.mode.value,
                    _start(sync),
                    ", ".join(sync.after),
                )
                for sync in found
            ],
        )


def _content(sync: Any) -> dict[str, object]:
    return {
        "name": sync.name,
        "from": str(sync.source),
        "to": str(sync.target),
        "mapping": sync.mapping.name,
        "enabled": sync.enabled.value,
        "mode": sync.mode.value,
        "start_from": _start(sync),
        "after": list(sync.after),
    }


def _runs(sync: Any) -> str:
    return {"true": "on", "false": "off", "shadow": "shadow"}[sync.enabled.value]


def _start(sync: Any) -> str:
    start = sync.start_from
    if start.now:
        return "now"
    return "everything" if start.since is None else str(start.since.isoformat())


def _explained(surroundings: Surroundings) -> dict[str, str]:
    """Each sync as prose, by name."""
    from engine.explaining.prose import explain
    from engine.mapping.compiled import MappingProgram

    systems = _systems(surroundings)
    return {
        sync.name: explain(sync, sync.mapping, systems).text
        for sync in surroundings.project.config.syncs.values()
        if isinstance(sync.mapping, MappingProgram)
    }


def _picture(surroundings: Surroundings) -> str:
    from engine.explaining.picture import picture

    return picture(surroundings.project.config.syncs.values(), _systems(surroundings))


def _systems(surroundings: Surroundings) -> Systems:
    from engine.explaining.systems import Systems

    project = surroundings.project
    return Systems({name: project.spec(name) for name in project.config.connections})
