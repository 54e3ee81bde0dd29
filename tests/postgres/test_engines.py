"""Several engines share one PostgreSQL: nothing is done twice, nothing is left lying."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from decimal import Decimal
from pathlib import Path

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from engine.model import Closing, DeliveryState
from engine.pipeline.drain import LEASE
from engine.runner import Runner
from engine.store import deliveries, delivery_states, ledger, postgres, streams
from engine.store.deliveries import LeaseLostError
from engine.store.store import Store
from tests.postgres.conftest import KEY, Node
from tests.simulation.test_line import seed
from tests.simulation.world import World
from tests.store.conftest import NOW
from tests.store.store_kit import SYNC, ask, claim, one, states, want

CEILING_SECONDS = 60


@pytest.fixture
def world(tmp_path: Path, postgres_url: str) -> Iterator[World]:
    made = World(tmp_path / "project", store_url=postgres_url)
    yield made
    made.close()


@pytest.fixture
def second(world: World) -> Iterator[Callable[[], Runner]]:
    """Starts another engine beside the world's own, which goes on."""
    stores: list[Store] = []

    def start() -> Runner:
        first_store, first_services = world.store, world.services
        runner = world.boot()
        stores.append(world.store)
        world.store, world.services = first_store, first_services
        return runner

    yield start
    for store in stores:
        store.close()


def created_once(world: World) -> None:
    for object, by_key in world.sales.counts().items():
        for key, count in by_key.items():
            assert count["creates"] <= 1, (object, key, count)


def test_claims_never_overlap(node: Node) -> None:
    stores = [node() for _ in range(4)]
    ask(stores[0], *(want(number) for number in range(400)))
    start = threading.Barrier(4)

    def work(store: Store) -> list[int]:
        start.wait(CEILING_SECONDS)
        numbers: list[int] = []
        while claimed := claim(store, limit=7):
            numbers += [item.number for item in claimed]
        return numbers

    with ThreadPoolExecutor(4) as pool:
        won = list(pool.map(work, stores))
    numbers = [number for own in won for number in own]
    assert len(numbers) == len(set(numbers)) == 400
    assert sum(1 for own in won if own) > 1  # it was a race


def test_claims_pass_over_what_another_transaction_holds(node: Node, postgres_url: str) -> None:
    store = node()
    ask(store, want(1), want(2))
    with postgres.main_engine(postgres_url, read_only=False).connect() as other, other.begin():
        other.execute(text("SELECT * FROM delivery WHERE id = '1' FOR UPDATE"))
        assert [item.source.id for item in claim(store)] == ["2"]
    other.engine.dispose()
    assert [item.source.id for item in claim(store)] == ["1"]


def test_a_paused_worker_cannot_commit_what_was_taken_over(node: Node) -> None:
    paused, other = node(), node()
    ask(paused, want(1))
    (stale,) = claim(paused)
    after = NOW + LEASE + timedelta(seconds=1)
    with other.write() as tx:
        assert deliveries.recover(tx, NOW + LEASE, all_leases=False) == 0
        assert deliveries.recover(tx, after, all_leases=False) == 1
    (taken,) = claim(other, now=after)

    def commit_late() -> None:
        with paused.write() as tx:
            streams.put_meta(tx, "written by", "a zombie")
            deliveries.close(tx, [Closing(stale, DeliveryState.DONE, after)], after)

    with pytest.raises(LeaseLostError):
        commit_late()
    with other.read() as tx:
        assert streams.get_meta(tx, "written by") is None
    assert states(other) == {"1": "leased"}
    assert one(other, 1).lease == taken.lease
    with other.write() as tx:
        deliveries.close(tx, [Closing(taken, DeliveryState.DONE, after)], after)
    assert states(paused) == {"1": "done"}


@pytest.mark.parametrize(
    "point",
    [
        "claim.after_commit",
        "intent.after_commit",
        "send.before",
        "send.applied",
        "close.after_commit",
    ],
)
def test_an_engine_that_wakes_after_its_lease_does_no_harm(
    world: World, second: Callable[[], Runner], point: str
) -> None:
    seed(world)
    other = second()
    asleep: list[str] = []

    def sleep_here(name: str) -> None:
        if name == point and not asleep:
            asleep.append(name)
            world.clock.advance(LEASE + timedelta(minutes=1))
            while other.round().busy:
                world.clock.advance(timedelta(seconds=31))

    world.failpoint = sleep_here
    world.settle()
    assert asleep == [point]
    world.verify()
    assert world.issues() == []
    created_once(world)
    assert len(world.live(world.sales, "Opportunity")) == 1
    assert len(world.live(world.sales, "OpportunityLineItem")) == 1


def test_a_dead_engines_leases_are_swept_by_the_others(
    world: World, second: Callable[[], Runner]
) -> None:
    other = second()
    with world.store.write() as tx:
        deliveries.want(tx, [want(1, sync="deals", at=world.clock.now())])
        deliveries.claim(tx, "deals", 1, world.clock.now(), LEASE)
    assert other.sweep_leases() == 0
    world.clock.advance(LEASE - timedelta(seconds=1))
    assert other.sweep_leases() == 0
    world.clock.advance(timedelta(seconds=2))
    assert other.sweep_leases() == 0  # it has just looked
    world.clock.advance(timedelta(seconds=28))
    assert other.sweep_leases() == 1
    assert states(world.store) == {"1": "ready"}


def test_two_engines_at_once_do_everything_once(world: World, second: Callable[[], Runner]) -> None:
    for number in range(40):
        company = {"name": f"Company {number}", "domain": f"c{number}.example"}
        world.crm.create("companies", company)
    ids = seed(world)
    runners = [world.runner, second()]
    failures: list[BaseException] = []
    start = threading.Barrier(2)

    def work(runner: Runner) -> None:
        try:
            start.wait(CEILING_SECONDS)
            for turn in range(12):
                if runner is world.runner:
                    world.crm.update("deals", ids["deal"], {"amount": Decimal(turn)})
                    world.clock.advance(timedelta(seconds=40))
                runner.poll_now()
                runner.round()
        except BaseException as failure:
            failures.append(failure)

    threads = [threading.Thread(target=work, args=(runner,)) for runner in runners]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(CEILING_SECONDS)
    assert failures == []
    world.settle()
    world.verify()
    assert world.issues() == []
    created_once(world)
    assert len(world.live(world.sales, "Account")) == 41
    (opportunity,) = world.live(world.sales, "Opportunity").values()
    assert opportunity.fields["Amount"] == Decimal(11)
    with world.store.read() as tx:
        assert ledger.verify(tx, world.store.vault, None).unsealed == 0
        assert delivery_states.busy(tx, list(world.config.syncs)) == 0


def test_a_lone_engine_starts_again_at_once(world: World) -> None:
    with world.store.write() as tx:
        deliveries.want(tx, [want(1, sync=SYNC, at=world.clock.now())])
        deliveries.claim(tx, SYNC, 1, world.clock.now(), LEASE)
    world.crash()
    assert states(world.store) == {"1": "ready"}


def test_engines_know_whether_they_are_alone(node: Node) -> None:
    def alone(store: Store) -> bool:
        with store.database.arriving() as answer:
            return answer

    first, second, third = node(), node(), node()
    assert alone(first)
    assert alone(first)
    assert not alone(second)
    assert not alone(first)
    first.close()
    assert alone(second)
    with second.database.write() as tx:
        lost = "SELECT pg_terminate_backend(pid) FROM pg_locks WHERE objid = :key AND granted"
        tx.execute(text(lost), {"key": postgres.PRESENCE_LOCK})
    second.database.keep_place()
    assert not alone(third)


def test_who_stops_amid_a_transaction_loses_it(node: Node, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(postgres, "IDLE_MILLISECONDS", 200)
    asleep, other = node(), node()

    def oversleep() -> None:
        with asleep.write() as tx:
            streams.put_meta(tx, "by", "who slept")
            with ThreadPoolExecutor(1) as pool:
                pool.submit(write, other).result(CEILING_SECONDS)

    def write(store: Store) -> None:
        with store.write() as tx:
            streams.put_meta(tx, "by", "who was awake")

    with pytest.raises(DBAPIError):
        oversleep()
    assert not asleep.database.writing()
    with asleep.read() as tx:
        assert streams.get_meta(tx, "by") == "who was awake"
    write(asleep)


def test_engines_that_start_at_once_make_one_schema(postgres: object, tmp_path: Path) -> None:
    url = postgres.empty()  # type: ignore[attr-defined]

    def start(place: int) -> None:
        Store.open(url, tmp_path / str(place), KEY).close()

    with ThreadPoolExecutor(3) as pool:
        list(pool.map(start, range(3)))
    store = Store.open(url, tmp_path / "last", KEY)
    ask(store, want(1))
    assert states(store) == {"1": "ready"}
    store.close()
