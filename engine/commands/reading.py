"""``revline poll`` and ``revline backfill``: reading one sync's source, now or anew."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Any

import click

from engine.commands.kit import Surroundings, command, sync_of
from engine.commands.run import must_be_active

if TYPE_CHECKING:
    from zoneinfo import ZoneInfo

    from engine.app import Project

ROUNDS_MAX = 10_000


@command("poll", example="revline poll companies")
@click.argument("sync")
def poll(surroundings: Surroundings, *, sync: str) -> None:
    """Read what changed for SYNC now, instead of when its time comes."""
    from engine.commands.acting import through_engine

    found = sync_of(surroundings, sync)
    must_be_active(found)
    answer = through_engine(surroundings, "poll", {"sync": sync})
    if answer is not None:
        if surroundings.as_json:
            surroundings.answer(answer)
        surroundings.say(f"The engine reads the changes of {found.source} now.")
        return
    answer = _poll_alone(surroundings, found)
    if surroundings.as_json:
        surroundings.answer(answer)
    surroundings.say(
        f"{answer['changes']} changes read from {found.source}, "
        f"{answer['deliveries']} deliveries worked on."
    )


def _poll_alone(surroundings: Surroundings, sync: Any) -> dict[str, object]:
    """Read and deliver without an engine, until nothing more comes."""
    from engine.commands.acting import alone
    from engine.commands.acts import poll_endpoints
    from engine.pipeline.poll import poll_changes
    from engine.runner import Runner

    with alone(surroundings, connected=True) as services:
        runner = Runner(services)
        runner.recover()
        changes = deliveries = 0
        for endpoint in poll_endpoints(sync):
            for _ in range(ROUNDS_MAX):
                page = poll_changes(services, endpoint)
                changes += page.news
                if page.at_head:
                    break
        runner.route_all()
        for _ in range(ROUNDS_MAX):
            claimed = runner.drain(sync)
            deliveries += claimed
            if not claimed:
                break
        services.gateway.flush_calls()
    return {"sync": sync.name, "changes": changes, "deliveries": deliveries}


@command("backfill", example="revline backfill companies --since 2026-01-01")
@click.argument("sync")
@click.option(
    "--since",
    metavar="DATE",
    help="Only records modified since this day or instant (in the source connection's zone).",
)
@click.option("--estimate", "only_estimate", is_flag=True, help="Say what it would cost, in API "
              "calls; read nothing.")  # fmt: skip
def backfill(
    surroundings: Surroundings, *, sync: str, since: str | None, only_estimate: bool
) -> None:
    """Read the past of SYNC again: every record, or those modified since a day.

    What is in the target already as it should be is not written again. A running engine begins at
    once; otherwise the next `revline run` does. Says first about how many API calls it takes.
    """
    from engine.commands.acting import act
    from engine.commands.outdated import estimate, told

    found = sync_of(surroundings, sync)
    must_be_active(found)
    project = surroundings.project
    begin = None if since is None else _instant(project, found, since)
    cost = estimate(project, found, begin)
    if not surroundings.as_json:
        surroundings.say(f"{sync}: {told(cost)}")
    if only_estimate:
        if surroundings.as_json:
            surroundings.answer({"sync": sync, **cost})
        return
    given: dict[str, object] = {"sync": sync}
    if begin is not None:
        given["since"] = begin.isoformat()
    answer = act(surroundings, "backfill", given, calls=False)
    if surroundings.as_json:
        surroundings.answer({**answer, **cost})
    else:
        reach = f"since {since}" if since else "from the beginning"
        surroundings.say(f"{sync}: {found.source} is read again {reach}.")


def _instant(project: Project, sync: Any, text: str) -> datetime:
    """A day begins at midnight in the zone of the source; an instant says its own zone."""
    zone: ZoneInfo = project.config.connections[sync.source.connection].zone
    try:
        if len(text) == len("2026-01-01"):
            day = date.fromisoformat(text)
            return datetime(day.year, day.month, day.day, tzinfo=zone).astimezone(UTC)
        found = datetime.fromisoformat(text)
    except ValueError:
        raise click.BadParameter(
            f"{text!r} is neither a day such as 2026-01-01 nor an instant", param_hint="--since"
        ) from None
    return (found if found.tzinfo else found.replace(tzinfo=zone)).astimezone(UTC)
