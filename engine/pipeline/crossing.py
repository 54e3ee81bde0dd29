"""Crossing: on which side of a route each record of a batch is, and whether it has just come there.

A record is handed to the sync of a side once each time it comes over, not at every change. Where it
stands is remembered per rule, not per sync: two syncs that look at different moments agree.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from engine.clock import microseconds
from engine.config.model import SyncConfig
from engine.mapping.faults import DataFault
from engine.mapping.model import Unmappable
from engine.mapping.operators import Number
from engine.mapping.routing import RouteRule, SyncRoute
from engine.model import Address
from engine.pipeline import children
from engine.pipeline.batch import HeldBack, Result, Skipped, Work
from engine.pipeline.services import Services
from engine.store import ledger, routes
from engine.store.ledger import Line
from engine.store.routes import HandOver, Standing

UNKNOWN: Final = "ROUTE_UNKNOWN"
NO_FIGURE: Final = "route unknown"
OTHER_SIDE: Final = "on the other side"
HANDED_OVER: Final = "routed before"


@dataclass(frozen=True, slots=True)
class Crossing:
    """A record that is to be delivered because it came over to the sync's side.

    ``begun``: its root was written for this crossing already; what the target changed since stays.
    """

    number: int
    begun: bool


@dataclass(slots=True)
class Sides:
    """By delivery: what goes on for which crossing, what ends here, and what to tell of each."""

    going: dict[int, Crossing] = field(default_factory=dict)
    ended: dict[int, Result] = field(default_factory=dict)
    told: dict[int, str] = field(default_factory=dict)


def take_sides(
    services: Services, sync: SyncConfig, works: Sequence[Work], *, acting: bool = True
) -> Sides:
    """Tell the side of each record. ``acting``: remember it; otherwise nothing is written.

    A sync without a route has nothing to tell: its result is empty.
    """
    sides = Sides()
    route = sync.route
    if route is None or not works:
        return sides
    figures = _figures(sync, route.rule, works, sides)
    addresses = [work.delivery.source for work in works]
    if acting:
        with services.store.write() as tx:
            before = routes.standings(tx, route.rule.name, addresses)
            standing = _standings(route.rule, works, figures, before)
            moved = {a: one for a, one in standing.items() if before.get(a) != one}
            routes.stand(tx, route.rule.name, moved)
            crossed = {a: one for a, one in moved.items() if _crossed(before.get(a), one)}
            ledger.append(tx, _lines(services, sync, route.rule, crossed))
            handed = routes.handed_over(tx, sync.name, addresses)
    else:
        with services.store.read() as tx:
            before = routes.standings(tx, route.rule.name, addresses)
            handed = routes.handed_over(tx, sync.name, addresses)
        standing = _standings(route.rule, works, figures, before)
    for work in works:
        if work.delivery.number in figures:
            source = work.delivery.source
            again = acting and work.delivery.recheck
            _tell(sides, route, work, standing[source], handed.get(source), again=again)
            sides.told[work.delivery.number] = _told(route, standing[source], before.get(source))
    return sides


def _figures(
    sync: SyncConfig, rule: RouteRule, works: Sequence[Work], sides: Sides
) -> dict[int, Number]:
    """The number that decides, of each record that has one; the others end here."""
    figures: dict[int, Number] = {}
    for work in works:
        number, source = work.delivery.number, work.delivery.source
        try:
            figure = rule.figure(work.view)
        except DataFault as fault:
            unmappable = Unmappable(((fault.code, "route", fault.message),))
            sides.ended[number] = children.stopped(sync, source, unmappable)
            continue
        if figure is not None:
            figures[number] = figure
        elif rule.holds_blanks:
            said = f"{rule.by.source} is blank, so the side of {rule.name} is unknown. Fill it in."
            sides.ended[number] = HeldBack(UNKNOWN, said)
        else:
            sides.ended[number] = Skipped(NO_FIGURE)
    return figures


def _standings(
    rule: RouteRule,
    works: Sequence[Work],
    figures: Mapping[int, Number],
    before: Mapping[Address, Standing],
) -> dict[Address, Standing]:
    """Where each record stands now."""
    return {
        work.delivery.source: _standing(
            rule, figures[work.delivery.number], before.get(work.delivery.source), work.asked_at
        )
        for work in works
        if work.delivery.number in figures
    }


def _standing(
    rule: RouteRule, figure: Number, before: Standing | None, asked_at: datetime
) -> Standing:
    if before is None:
        above = rule.is_above(figure, was_above=False)
        # No two rules number alike: what a sync took by another rule is not taken for this one's.
        return Standing(above, microseconds(asked_at), asked_at, asked_at)
    if asked_at < before.asked_at:
        return before  # another sync has seen the record later than this
    above = rule.is_above(figure, was_above=before.above)
    if above is before.above:
        return Standing(above, before.crossing, asked_at, before.crossed_at)
    return Standing(above, before.crossing + 1, asked_at, asked_at)


def _crossed(before: Standing | None, now: Standing) -> bool:
    return before is None or before.crossing != now.crossing


def _tell(
    sides: Sides,
    route: SyncRoute,
    work: Work,
    standing: Standing,
    handed: HandOver | None,
    *,
    again: bool,
) -> None:
    """Whether the record goes on. ``again``: an operator wants it delivered once more."""
    number = work.delivery.number
    same = handed is not None and handed.crossing == standing.crossing
    if standing.above is not route.above:
        sides.ended[number] = Skipped(OTHER_SIDE)
    elif same and handed is not None and handed.finished and not again:
        sides.ended[number] = Skipped(HANDED_OVER)
    else:
        sides.going[number] = Crossing(standing.crossing, begun=same and not again)


def _told(route: SyncRoute, now: Standing, before: Standing | None) -> str:
    """The side in words, for a plan."""
    rule = route.rule
    side = rule.side(above=now.above)
    if before is None:
        return f"route {rule.name}: {side}, seen for the first time"
    if _crossed(before, now):
        return f"route {rule.name}: {side}, comes from {rule.side(above=before.above)}"
    return f"route {rule.name}: {side}"


def _lines(
    services: Services, sync: SyncConfig, rule: RouteRule, crossed: Mapping[Address, Standing]
) -> list[Line]:
    """One line per crossing: the rule and the side, never the number."""
    return [
        Line(
            time=services.clock.now(),
            sync=sync.name,
            operation="route",
            outcome="routed",
            config=services.config.digest,
            source=source,
            code=f"{rule.name}:{rule.side(above=standing.above)}",
        )
        for source, standing in crossed.items()
    ]
