"""The dispatcher: threads that find their work, and outlive its failures."""

from __future__ import annotations

import io
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from engine.dispatch import Dispatcher, Pace
from engine.observe.logs import stream_logger
from engine.rounds import NoSpool
from tests.cli.cli_kit import until
from tests.simulation.world import World

PAST_THE_LAG = timedelta(minutes=1)
PACE = Pace(look_seconds=0.02, sweep_seconds=0.1, tidy_seconds=0.05, pause_min_seconds=0.01)


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    found = World(tmp_path)
    yield found
    found.store.close()


class Started:
    """A dispatcher over a world, and what it said."""

    def __init__(self, world: World) -> None:
        self.said = io.StringIO()
        self.beats = 0
        self.dispatcher = Dispatcher(
            world.runner,
            NoSpool(),
            stream_logger(self.said, part="engine"),
            beat=self._beat,
            pace=PACE,
        )
        self.dispatcher.start()

    def _beat(self) -> None:
        self.beats += 1


def add(world: World, name: str) -> None:
    world.crm.create("companies", {"name": name, "domain": f"{name.lower()}.example"})


def names(world: World) -> set[object]:
    return {one.fields["Name"] for one in world.live(world.sales, "Account").values()}


def test_work_is_found_without_a_hint(world: World) -> None:
    add(world, "Acme")
    world.clock.advance(PAST_THE_LAG)
    started = Started(world)
    until(lambda: names(world) == {"Acme"}, "what was there before the start")
    add(world, "Beta")
    world.clock.advance(PAST_THE_LAG)
    started.dispatcher.poll_now(world.services.sources())
    until(lambda: names(world) == {"Acme", "Beta"}, "what came later")
    until(lambda: started.beats, "a sign of life")
    assert started.dispatcher.stop(30)
    assert started.said.getvalue() == ""


def test_a_batch_that_breaks_is_taken_back_and_done(world: World) -> None:
    add(world, "Acme")
    world.clock.advance(PAST_THE_LAG)
    broken = []

    def fail_once(point: str) -> None:
        if point == "claim.after_commit" and not broken:
            broken.append(point)
            raise ValueError("no stage of ours expects this")

    world.failpoint = fail_once
    started = Started(world)
    until(lambda: names(world) == {"Acme"}, "the record, in spite of the failure")
    assert started.dispatcher.stop(30)
    assert broken
    assert '"event": "delivering failed"' in started.said.getvalue()
    world.verify()


def test_a_reader_that_breaks_goes_on(world: World) -> None:
    add(world, "Acme")
    world.clock.advance(PAST_THE_LAG)
    broken = []

    def fail_once(point: str) -> None:
        if point == "poll.before_page" and not broken:
            broken.append(point)
            raise ValueError("no stage of ours expects this")

    world.failpoint = fail_once
    started = Started(world)
    until(lambda: names(world) == {"Acme"}, "the record, in spite of the failure")
    assert started.dispatcher.stop(30)
    assert broken
    assert '"event": "reading failed"' in started.said.getvalue()
