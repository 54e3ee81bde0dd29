"""A pause of one class of calls holds back those calls and no others, and outlives a restart."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from connectors.memory.faults import Fault, FaultKind, Rule
from connectors.records import AccountIdentity
from engine.pipeline.gateway import UnavailableError
from engine.store import connections
from tests.simulation.conftest import ON_BOTH
from tests.simulation.world import World

WAIT = timedelta(minutes=10)
DEAL = {
    "dealname": "Rollout",
    "amount": Decimal(10),
    "deal_currency_code": "USD",
    "dealstage": "appointment",
    "closedate": date(2026, 6, 1),
}


@pytest.fixture
def world(tmp_path: Path, store_url: str | None) -> Iterator[World]:
    made = World(tmp_path, store_url=store_url)
    yield made
    made.close()


def limited(system: str, world: World, kind: str, object: str, limit_class: str) -> None:
    """The next such call is answered: come back in ten minutes."""
    fault = Fault(FaultKind.RATE_LIMITED, wait=WAIT, limit_class=limit_class)
    world.plans[system].add(Rule(fault, kind, object))


def rounds(world: World, seconds: int) -> None:
    for _ in range(seconds):
        world.runner.round()
        world.clock.advance(timedelta(seconds=1))


@ON_BOTH
def test_a_limit_of_searches_leaves_writes_alone(world: World) -> None:
    """Accounts are searched for before they are made; opportunities are not."""
    world.settle()
    limited("sales", world, "search", "Account", "search")
    world.crm.create("companies", {"name": "Arc", "domain": "arc.example"})
    world.crm.create("deals", DEAL)
    rounds(world, 100)
    assert len(world.live(world.sales, "Opportunity")) == 1
    assert world.live(world.sales, "Account") == {}
    assert world.sales.calls["search", "Account"] == 1
    assert world.tally()["companies"] == {"ready": 1}
    # An engine that starts meanwhile keeps to it.
    world.crash()
    rounds(world, 60)
    assert world.sales.calls["search", "Account"] == 1
    world.clock.advance(WAIT)
    world.settle()
    assert len(world.live(world.sales, "Account")) == 1
    assert world.issues() == []


@ON_BOTH
def test_a_limit_that_names_no_operations_holds_everything_back(world: World) -> None:
    limited("sales", world, "search", "Account", "default")
    world.crm.create("companies", {"name": "Arc", "domain": "arc.example"})
    rounds(world, 10)
    world.crm.create("deals", DEAL)
    calls = dict(world.sales.calls)
    rounds(world, 60)
    world.crash()
    rounds(world, 60)
    assert dict(world.sales.calls) == calls
    world.clock.advance(WAIT)
    world.settle()
    assert len(world.live(world.sales, "Opportunity")) == 1


def test_a_feed_that_is_limited_waits_while_its_system_is_written_to(world: World) -> None:
    limited("crm", world, "changes", "deals", "search")
    world.crm.create("deals", DEAL)
    rounds(world, 20)
    changes = {key: n for key, n in world.crm.calls.items() if key[0] == "changes"}
    assert not world.services.gateway.usable("crm", "changes")
    assert world.services.gateway.usable("crm")
    assert world.services.gateway.usable("crm", "apply")
    assert world.services.gateway.usable("sales", "changes")
    world.runner.poll_now()
    rounds(world, 120)
    assert {key: n for key, n in world.crm.calls.items() if key[0] == "changes"} == changes
    world.clock.advance(WAIT)
    world.settle()
    assert len(world.live(world.sales, "Opportunity")) == 1


@pytest.mark.parametrize("limit_class", ["search", ""])
def test_waiting_for_a_limit_takes_a_look_a_second(
    world: World, limit_class: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    limited("crm", world, "changes", "deals", limit_class)
    looks, once = [], world.runner.round
    monkeypatch.setattr(world.runner, "round", lambda: (looks.append(1), once())[1])
    assert world.runner.until_idle(3600)
    assert len(looks) < WAIT.total_seconds() + 20


def test_what_is_limited_says_until_when(world: World) -> None:
    limited("crm", world, "changes", "companies", "search")
    world.runner.round()
    gateway, now = world.services.gateway, world.clock.now()
    assert gateway.until("crm", "changes") == now + WAIT
    assert gateway.until("crm", "read") == now
    with pytest.raises(UnavailableError) as caught:
        gateway.read("crm", lambda _: None, "changes")
    assert (caught.value.code, caught.value.until) == ("RATE_LIMITED", now + WAIT)
    assert gateway.read("crm", lambda _: "answer", "read") == "answer"


def test_connections_to_one_account_share_its_limits(world: World) -> None:
    """Both are pinned to the same account: what one is told holds for the other."""
    account = AccountIdentity("17", "Ours", "sandbox")
    with world.store.write() as tx:
        connections.pin(tx, "crm", account)
        connections.pin(tx, "sales", account)
    world.services.gateway.refresh()
    limited("crm", world, "changes", "companies", "search")
    world.runner.round()
    gateway = world.services.gateway
    assert not gateway.usable("sales", "search")
    assert gateway.usable("sales", "apply")
