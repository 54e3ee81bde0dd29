"""``revline plan``: what a sync would do now, field by field; and doing exactly that."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import click

from engine.commands.kit import CommandError, Surroundings, command, sync_of
from engine.commands.run import must_be_active

if TYPE_CHECKING:
    from engine.pipeline.plan import Plan, PlannedRecord

SHOWN_MAX: Final = 200
ROUNDS_MAX: Final = 10_000
QUIET: Final = ("unchanged", "skipped")


@command("plan", example="revline plan companies")
@click.argument("sync")
@click.option("--apply", "digest", metavar="DIGEST", help="Do it, if it is still the same plan.")
@click.option("--id", "ids", multiple=True, metavar="ID", help="Only these source records.")
@click.option("--outdated", "outdated", is_flag=True,
              help="Only records that were delivered with an older mapping.")  # fmt: skip
@click.option("--all", "every", is_flag=True, help="Show records that stay unchanged too.")
@click.option("--limit", default=10_000, show_default=True, type=click.IntRange(1))
def plan(
    surroundings: Surroundings,
    *,
    sync: str,
    digest: str | None,
    ids: tuple[str, ...],
    outdated: bool,
    every: bool,
    limit: int,
) -> None:
    """Show what SYNC would write now, compared with the live target. Writes nothing.

    The digest at the end names this plan: --apply DIGEST does it, and refuses when source, target
    or configuration have changed meanwhile.
    """
    found = sync_of(surroundings, sync)
    must_be_active(found)
    if found.mapping.observes:
        raise CommandError(
            "nothing_to_plan", f"{sync} only watches its source: it writes nothing, ever"
        )
    from engine.commands.outdated import NONE
    from engine.commands.outdated import content as told
    from engine.commands.outdated import found as found_outdated

    chosen: list[str] | None = list(ids) or None
    if outdated:
        chosen = _outdated(surroundings, found, ids, limit)
    given = {"sync": sync, "digest": digest, "ids": chosen, "limit": limit}
    if digest is not None:
        _apply(surroundings, given)
        return
    from engine.commands.outdated import sentence
    from engine.commands.planning import plan_now

    with surroundings.project.reading() as store:
        made = plan_now(surroundings.project.services(store), found, chosen, limit)
    older = found_outdated(surroundings.project).get(sync, NONE)
    if surroundings.as_json:
        surroundings.answer({**content(made), "outdated": told(older)})
    else:
        _show(surroundings, made, every=every)
        if older.records:
            surroundings.say(sentence(sync, older))


def _outdated(surroundings: Surroundings, sync: Any, ids: tuple[str, ...], limit: int) -> list[str]:
    from engine.store import outdated

    if ids:
        raise click.BadParameter("does not go with --id", param_hint="--outdated")
    with surroundings.project.reading() as store, store.read() as tx:
        return outdated.ids(tx, sync.name, sync.mapping.digest, limit)


def _apply(surroundings: Surroundings, given: dict[str, Any]) -> None:
    from engine.commands.acting import alone, through_engine
    from engine.commands.planning import apply_plan
    from engine.runner import Runner

    answer = through_engine(surroundings, "apply", given)
    if answer is None:
        with alone(surroundings, connected=True) as services:
            answer = apply_plan(services, given)
            runner = Runner(services)
            runner.recover()
            runner.route_all()
            sync = services.config.syncs[str(given["sync"])]
            for _ in range(ROUNDS_MAX):
                if not runner.drain(sync):
                    break
            services.gateway.flush_calls()
    if surroundings.as_json:
        surroundings.answer(answer)
    surroundings.say(f"{answer['records']} records are delivered by the plan {given['digest']}.")


def content(made: Plan) -> dict[str, Any]:
    """A plan as ``--json`` shows it; see docs/interfaces.md."""
    return {
        "sync": made.sync,
        "made_at": made.made_at.isoformat(),
        "digest": made.digest,
        "counts": made.counts(),
        "calls": dict(made.calls),
        "records": [_record(record) for record in made.records],
    }


def _record(record: PlannedRecord) -> dict[str, Any]:
    return {
        "source": {
            "connection": record.source.connection,
            "object": record.source.object,
            "id": record.source.id,
        },
        "object": record.object,
        "action": record.action,
        "target_id": record.target_id,
        "why": record.why,
        "candidates": list(record.candidates),
        "fields": [
            {
                "name": one.name,
                "before": None if one.before is None else str(one.before),
                "after": None if one.after is None else str(one.after),
                "owner": one.owner,
                "reason": one.reason,
            }
            for one in record.fields
        ],
    }


def _show(surroundings: Surroundings, made: Plan, *, every: bool) -> None:
    rows: list[tuple[object, ...]] = []
    shown = [one for one in made.records if every or one.action not in QUIET]
    for record in shown[:SHOWN_MAX]:
        source = f"{record.source.object} {record.source.id}"
        target = f"{record.object} {record.target_id or '(new)'}"
        if record.action not in ("create", "update", "link", "delete", "unchanged"):
            target = record.object
        why = "; ".join([*([record.why] if record.why else []), *record.candidates])
        rows.append((record.action, source, target, _fields(record), why))
    if rows:
        surroundings.table("", ("What", "Source", "Target", "Fields", "Why"), rows)
    if len(shown) > SHOWN_MAX:
        surroundings.say(f"… and {len(shown) - SHOWN_MAX} more; --json lists them.")
    counts = ", ".join(f"{count} {action}" for action, count in sorted(made.counts().items()))
    calls = ", ".join(f"{count} for {name}" for name, count in made.calls.items())
    surroundings.say(f"{made.sync}: {counts or 'no records'}.")
    surroundings.say(f"Writing calls it will cost: {calls or 'none'}.")
    surroundings.say(f"Digest: {made.digest}")


def _fields(record: PlannedRecord) -> str:
    lines = []
    for one in record.fields:
        before = "" if record.action == "create" else f"{_value(one.before)} → "
        owner = f" ({one.owner} owns it)" if one.owner else ""
        lines.append(f"{one.name}: {before}{_value(one.after)}{owner}")
    return "\n".join(lines)


def _value(value: object) -> str:
    return "blank" if value is None or value == "" else str(value)
