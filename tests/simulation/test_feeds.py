"""A feed that cannot be read is told, with its cause, until it can be read again."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

from connectors.memory.faults import Fault, FaultKind, Rule
from engine.store import feeds
from engine.store.feeds import FailingFeed
from tests.simulation.world import World


def failing(world: World) -> list[FailingFeed]:
    with world.store.read() as tx:
        return feeds.failing(tx, world.store.payloads)


def rounds(world: World, count: int) -> None:
    for _ in range(count):
        world.runner.poll_now()
        world.runner.round()
        world.clock.advance(timedelta(minutes=5))


def test_a_feed_that_fails_is_told_until_it_is_read_again(tmp_path: Path) -> None:
    # given a feed of changes that answers nonsense
    world = World(tmp_path)
    world.settle()
    fault = Fault(FaultKind.UNEXPECTED_ANSWER)
    world.plans["crm"].add(Rule(fault, kind="changes", object="companies", times=10**6))
    # when the engine has tried for a while, and was started anew in between
    rounds(world, 3)
    world.crash()
    rounds(world, 3)
    # then it is told, with its cause and its beginning, and the others are read
    (feed,) = failing(world)
    assert feed.stream == "changes:crm.companies"
    assert feed.code == "NONSENSE"
    assert feed.tries > 1
    assert world.clock.now() - feed.since > timedelta(minutes=20)
    assert not world.runner.idle()
    # and when it answers again, nothing is told any more
    world.plans["crm"].clear()
    rounds(world, 6)
    assert failing(world) == []
