"""One field edited on both sides at once: every order of the two deliveries ends in one write."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from decimal import Decimal
from itertools import combinations
from pathlib import Path
from threading import Event, Thread

import pytest

from tests.simulation.test_lives import deal
from tests.simulation.world import World

POINTS = (
    "claim.after_commit",
    "intent.before_commit",
    "intent.after_commit",
    "send.before",
    "send.applied",
    "outcome.after_commit",
    "close.after_commit",
)
# A store transaction cannot be shared, so the steps between commits are what can be interleaved.
STEPS = tuple(point for point in POINTS if point != "intent.before_commit")


def orders(first: int, second: int) -> Iterator[tuple[int, ...]]:
    """Every way to shuffle ``first`` steps of delivery 0 with ``second`` steps of delivery 1."""
    for places in combinations(range(first + second), first):
        yield tuple(0 if place in places else 1 for place in range(first + second))


class Conductor:
    """Lets two threads take their steps in a given order."""

    def __init__(self, order: tuple[int, ...]) -> None:
        self.order = list(order)
        self.done = [False, False]
        self.turn = [Event(), Event()]
        self.who: dict[int, int] = {}
        self._next()

    def _next(self) -> None:
        while self.order and self.done[self.order[0]]:
            self.order.pop(0)
        if self.order:
            self.turn[self.order.pop(0)].set()
        else:
            for event in self.turn:
                event.set()

    def step(self, player: int) -> None:
        """Hand over, and wait for the next turn."""
        if not self.order:
            return
        self.turn[player].clear()
        self._next()
        assert self.turn[player].wait(60)

    def finish(self, player: int) -> None:
        self.done[player] = True
        self._next()


def play(world: World, order: tuple[int, ...]) -> None:
    conductor = Conductor(order)
    names = ("deals", "opportunities")
    import threading

    def failpoint(point: str) -> None:
        player = conductor.who.get(threading.get_ident())
        if player is not None and point in STEPS:
            conductor.step(player)

    world.failpoint = failpoint
    failures: list[BaseException] = []

    def work(player: int) -> None:
        conductor.who[threading.get_ident()] = player
        try:
            assert conductor.turn[player].wait(60)
            world.runner.drain(world.config.syncs[names[player]])
        except BaseException as failure:
            failures.append(failure)
        finally:
            conductor.finish(player)

    threads = [Thread(target=work, args=(player,)) for player in (0, 1)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    world.failpoint = lambda _point: None
    assert failures == []


# Up to four steps each: claim, intent, send, outcome. 70 orders, thinned to a spread of them.
ORDERS = list(orders(4, 4))


@pytest.mark.parametrize("part", range(7))
def test_every_interleaving_ends_in_one_write(tmp_path: Path, part: int) -> None:
    world = World(tmp_path)
    id = deal(world, amount=Decimal(100))
    world.settle()
    (opportunity,) = world.live(world.sales, "Opportunity")
    for number, order in enumerate(ORDERS[part::7]):
        world.clock.advance(timedelta(hours=2))
        mine, theirs = Decimal(1000 + number), Decimal(2000 + number)
        world.crm.update("deals", id, {"amount": mine})
        world.sales.update("Opportunity", opportunity, {"Amount": theirs})
        world.clock.advance(timedelta(minutes=2))
        world.runner.poll_now()
        world.runner.read_due()
        world.runner.route_all()
        before = world.writes()
        play(world, order)
        world.settle()
        assert world.writes() == before + 1, order
        assert world.crm.get("deals", id).fields["amount"] == mine, order
        assert world.sales.get("Opportunity", opportunity).fields["Amount"] == mine, order
    assert world.issues() == []
    world.verify()
