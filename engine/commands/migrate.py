"""``revline migrate``: brings the store to this Revline's schema."""

from __future__ import annotations

from engine.commands.kit import Surroundings, command


@command("migrate", example="revline migrate")
def migrate(surroundings: Surroundings) -> None:
    """Bring the store to the schema of this Revline. Doing it twice is harmless.

    Stop the engine first: the command takes its lock. A store of a newer Revline is refused.
    """
    from engine.daemon import ENGINE_LOCK, ProjectLock
    from engine.store.migrating import migrate_store

    project = surroundings.project
    state = project.make_state()
    with ProjectLock(state / ENGINE_LOCK):
        before, after = migrate_store(project.config.store, state)
    if surroundings.as_json:
        surroundings.answer({"before": before, "after": after})
    elif before == after:
        surroundings.say(f"The store has schema {after} already.")
    else:
        surroundings.say(f"The store went from schema {before or 'none'} to {after}.")
