"""``revline setup``: what the syncs need on one side, made or explained."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from engine.commands.kit import EXIT_WRONG, CommandError, Surroundings, command, connection_of

if TYPE_CHECKING:
    from connectors.base import SetupNeed, SetupStep
    from engine.app import Project
    from engine.config.model import SyncConfig


@command("setup", example="revline setup salesforce --apply")
@click.argument("connection")
@click.option("--apply", "create", is_flag=True, help="Create what the API lets us create.")
def setup(surroundings: Surroundings, *, connection: str, create: bool) -> None:
    """List what the configured syncs need in the account of CONNECTION.

    Fields for our identity values, permissions, webhook subscriptions. With --apply, what the
    account's API can create is created; doing it twice is harmless. For the rest the steps are
    printed. Exit code 1 while something is known to be missing.
    """
    from connectors.base import SetsUp
    from engine.app import unobserved

    connection_of(surroundings, connection)
    project = surroundings.project

    connector = project.connector(connection, unobserved)
    if not isinstance(connector, SetsUp):
        raise CommandError("no_setup", f"{connection} needs nothing set up")
    needs = needs_of(project, connection)
    steps = connector.inspect(needs)
    created = []
    if create:
        for step in steps:
            if step.present is False and step.creatable:
                connector.create(step.need)
                created.append(step.need)
        if created:
            steps = connector.inspect(needs)
    missing = [step for step in steps if step.present is False]
    if surroundings.as_json:
        surroundings.answer(
            {"connection": connection, "steps": [_content(step, created) for step in steps]}
        )
    else:
        _show(surroundings, connection, steps, created, applied=create)
    if missing:
        raise click.exceptions.Exit(EXIT_WRONG)


def needs_of(project: Project, connection: str) -> list[SetupNeed]:
    """What the running syncs need on this connection's side, each once."""
    needs = _Needs(project, connection)
    for sync in project.config.syncs.values():
        if sync.enabled.value == "false":
            continue
        if sync.target.connection == connection:
            needs.as_target(sync)
        if sync.source.connection == connection:
            needs.as_source(sync)
    return list(needs.found)


class _Needs:
    """Collects the needs of syncs, in the order in which they come up."""

    def __init__(self, project: Project, connection: str) -> None:
        self.found: dict[SetupNeed, None] = {}
        self._spec = project.spec(connection)
        self._reachable = project.config.receiver.public_url is not None

    def as_target(self, sync: SyncConfig) -> None:
        """Identity fields where records are created, and the permission to write."""
        for rules in (sync.mapping, *sync.mapping.children):
            creates = sync.mode.value in ("upsert", "create_only")
            if creates and rules.identity_field:
                self._need("identity_field", rules.target_object, rules.identity_field)
            self._permission(rules.target_object, write=False)
            if sync.mode.value != "link_only":
                self._permission(rules.target_object, write=True)

    def as_source(self, sync: SyncConfig) -> None:
        """The permission to read, and webhooks where they can arrive."""
        for selection in (sync.mapping.selection, *sync.mapping.includes.values()):
            self._permission(selection.object, write=False)
            facts = self._spec.object(selection.object)
            told = self._spec.webhooks and facts is not None and facts.webhooks
            if told and sync.webhooks and self._reachable:
                for event in _events(selection):
                    self._need("webhook", selection.object, event)

    def _permission(self, object: str, *, write: bool) -> None:
        facts = self._spec.object(object)
        if facts is None:
            return
        name = facts.write_permission if write else facts.read_permission
        if name:
            self._need("permission", object, name.format(object=object))

    def _need(self, kind: str, object: str, name: str) -> None:
        from connectors.base import SetupKind, SetupNeed

        self.found.setdefault(SetupNeed(SetupKind(kind), object, name))


def _events(selection: Any) -> tuple[str, ...]:
    """The kinds of webhook events that matter for what is read of an object."""
    events = ("creation", "change", "deletion", "merge", "restore")
    return (*events, "association") if selection.associations else events


def _content(step: SetupStep, created: list[SetupNeed]) -> dict[str, Any]:
    return {
        "kind": step.need.kind.value,
        "object": step.need.object,
        "name": step.need.name,
        "present": step.present,
        "creatable": step.creatable,
        "created": step.need in created,
        "instructions": list(step.instructions),
    }


def _show(
    surroundings: Surroundings,
    connection: str,
    steps: tuple[SetupStep, ...],
    created: list[SetupNeed],
    *,
    applied: bool,
) -> None:
    words = {True: "there", False: "MISSING", None: "please check"}
    told: set[str] = set()
    for step in steps:
        state = "created" if step.need in created else words[step.present]
        kind = step.need.kind.value.replace("_", " ")
        surroundings.say(f"{state:12} {kind} {step.need.name} on {step.need.object}")
        by_hand = not step.creatable or applied
        if step.present is not True and by_hand:
            for number, line in enumerate(step.instructions, start=1):
                if line not in told:  # what was said above holds here too
                    surroundings.say(f"             {number}. {line}")
                told.add(line)
    creatable = [step for step in steps if step.present is False and step.creatable]
    if not steps:
        surroundings.say(f"The syncs need nothing set up in {connection}.")
    if creatable and not applied:
        surroundings.say(f"Create what is missing with: revline setup {connection} --apply")
