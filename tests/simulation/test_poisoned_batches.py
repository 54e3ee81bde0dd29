"""One record that makes its whole batch fail is found, and the others do not pay for it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from connectors.errors import CallError, Rejected, RetryLater
from connectors.memory.connector import Memory
from connectors.memory.faults import FaultKind
from connectors.records import Ref
from engine.pipeline.drain import claim_size
from tests.simulation.moments import (
    ALWAYS,
    codes,
    company,
    deal,
    drain,
    fault,
    hear,
    hear_notice,
    later,
    line_of,
    only,
    rows,
)
from tests.simulation.world import World

SERVER_ERROR = RetryLater("internal error", code="INTERNAL", status=500)
REFUSED = Rejected("a value cannot be understood", code="VALIDATION_ERROR", status=400)
MANY = 20
POISON = "poison"


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    made = World(tmp_path)
    yield made
    made.close()


class Poison:
    """Makes every call of one kind fail that carries a poisoned record; keeps the calls' sizes."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, kind: str, error: CallError) -> None:
        self.id = ""
        self.sizes: list[int] = []
        self.failed: list[int] = []
        genuine = getattr(Memory, kind)

        def call(memory: Memory, *arguments: Any) -> Any:
            batch = self._batch(kind, arguments)
            self.sizes.append(len(batch))
            if any(self._poisoned(one) for one in batch):
                self.failed.append(len(batch))
                raise error
            return genuine(memory, *arguments)

        monkeypatch.setattr(Memory, kind, call)

    @staticmethod
    def _batch(kind: str, arguments: Sequence[Any]) -> Sequence[Any]:
        return arguments[0] if kind == "apply" else arguments[1]

    def _poisoned(self, one: Any) -> bool:
        if isinstance(one, str):
            return one == self.id
        values = one.fields if hasattr(one, "fields") else one
        return any(POISON in str(value) for value in values.values())


def many_and_one(world: World) -> str:
    """Good companies, and amid them one that is not; returns its id."""
    bad = ""
    for number in range(MANY + 1):
        if number == MANY // 2:
            bad = company(world, POISON, f"{POISON}.example")
        else:
            company(world, f"C{number}", f"c{number}.example")
    return bad


def listen(world: World) -> None:
    """Hear of everything: past the lag of the feed, and the past after the present."""
    world.clock.advance(timedelta(seconds=15))
    hear(world)
    hear(world)


def fares(world: World, bad: str, poison: Poison) -> int:
    """Two days pass, and none but the bad one ever uses up a try; nobody else writes or asks.

    Returns how many batches of several records failed.
    """
    others = f"select count(*) from delivery where tries > 0 and id <> '{bad}'"
    failures = 0
    for _ in range(48):
        before = len(poison.failed)
        drain(world, "companies")
        failures += any(size > 1 for size in poison.failed[before:])
        later(world, 60)
        assert rows(world, others) == [(0,)]
    return failures


def refused_alone(world: World, bad: str, code: str) -> None:
    """The others have arrived; about the bad one a person is asked."""
    assert world.tally()["companies"] == {"done": MANY, "issue": 1}
    (issue,) = world.issues()
    assert (issue.code, issue.source.id) == (code, bad)


@pytest.mark.parametrize("kind", ["apply", "search"])
def test_a_record_that_the_target_stumbles_over_is_found(
    world: World, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    # given a target that answers a server error to every call with one of the records
    poison = Poison(monkeypatch, kind, SERVER_ERROR)
    bad = many_and_one(world)
    # when time passes
    listen(world)
    failures = fares(world, bad, poison)
    # then the others are there, and that one has used up its tries, alone
    assert len(world.live(world.sales, "Account")) == MANY
    refused_alone(world, bad, "RETRIES_SPENT")
    # and it was found because batches that failed made the next ones smaller, down to one
    assert (poison.failed[0], min(poison.failed)) == (MANY + 1, 1)
    assert failures < 20


def test_a_record_that_the_source_stumbles_over_is_found(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    # given linked companies, and a source that answers a server error when one of them is read
    poison = Poison(monkeypatch, "read", SERVER_ERROR)
    bad = many_and_one(world)
    world.settle()
    poison.id = bad
    # when notices come that name them all
    notices(world)
    fares(world, bad, poison)
    # then the others have their edits
    arrived(world, bad)
    refused_alone(world, bad, "RETRIES_SPENT")


def notices(world: World) -> None:
    """Every company is edited, and a webhook says so: each has to be read."""
    later(world)
    for number, id in enumerate(sorted(world.live(world.crm, "companies"))):
        world.crm.update("companies", id, {"city": "Lund"})
        hear_notice(world, "crm", Ref("companies", id), key=f"e{number}")


def arrived(world: World, bad: str) -> None:
    """All edits but one are in the target."""
    found = {
        str(account.fields["Revline_Id__c"]): account.fields.get("BillingCity")
        for account in world.live(world.sales, "Account").values()
    }
    assert found.pop(f"revline-companies-{bad}") is None
    assert set(found.values()) == {"Lund"}
    assert len(found) == MANY


def halving(sizes: Sequence[int]) -> None:
    """Each failed call is at most half as large as the one before, down to one record."""
    assert sizes[0] == MANY + 1
    assert sizes[-1] == 1
    assert all(small <= large // 2 + 1 for large, small in pairwise(sizes))
    assert len(sizes) <= 6


def test_a_search_that_is_refused_is_halved_at_once(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    # given a target that refuses every search with one of the values
    poison = Poison(monkeypatch, "search", REFUSED)
    bad = many_and_one(world)
    # when they are delivered, and no time passes
    listen(world)
    drain(world, "companies")
    # then the one was found by halves, and the others are there
    halving(poison.failed)
    assert len(world.live(world.sales, "Account")) == MANY
    refused_alone(world, bad, "SOURCE_UNREADABLE")
    assert rows(world, "select max(tries) from delivery") == [(0,)]


def test_a_read_that_is_refused_is_halved_at_once(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    # given linked companies, and a source that refuses to read one of them
    poison = Poison(monkeypatch, "read", REFUSED)
    bad = many_and_one(world)
    world.settle()
    poison.id = bad
    notices(world)
    # when they are delivered, and no time passes
    drain(world, "companies")
    # then the one was found by halves, and the others have their edits
    halving(poison.failed)
    arrived(world, bad)
    refused_alone(world, bad, "SOURCE_UNREADABLE")


def test_claims_shrink_with_failures_and_grow_again(world: World) -> None:
    # given a target that does not answer searches
    sync = world.config.syncs["companies"]
    full = claim_size(world.services, sync)
    assert full == 800
    fault(world, "sales", FaultKind.RETRY_LATER, "search", "Account", ALWAYS)
    for number in range(3):
        company(world, f"C{number}", f"c{number}.example")
    listen(world)
    # when batches fail, one after the other
    sizes = [full]
    for _ in range(5):
        later(world, 30)
        drain(world, "companies")
        sizes.append(claim_size(world.services, sync))
    # then each claim is a quarter of the one before, and never less than one
    assert sizes == [800, 200, 50, 12, 3, 1]
    # and the other syncs go on as they were
    assert claim_size(world.services, world.config.syncs["contacts"]) == 800
    # and when the target answers again, every batch that goes through makes the next one larger
    world.plans["sales"].clear()
    for _ in range(5):
        later(world, 30)
        company(world, f"N{len(sizes)}", f"n{len(sizes)}.example")
        listen(world)
        drain(world, "companies")
        sizes.append(claim_size(world.services, sync))
    assert sizes[6:] == [3, 12, 50, 200, 800]
    world.settle()
    assert len(world.live(world.sales, "Account")) == 8
    assert codes(world) == []


def test_a_child_id_that_is_refused_does_not_keep_the_others_from_their_roots(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    # given a source that refuses to say the roots of one odd id
    ref = deal(world)
    line_of(world, ref)
    world.settle()
    later(world)
    poison = Poison(monkeypatch, "parents", REFUSED)
    poison.id = "odd id"
    # when a new line item comes, in one batch with a notice of that id
    values = {"name": "More", "hs_sku": "SEAT", "quantity": 8, "price": 10}
    world.crm.associate(ref, world.crm.create("line_items", values).ref)
    world.clock.advance(timedelta(seconds=15))
    world.runner.poll_now()
    world.runner.read_due()
    hear_notice(world, "crm", Ref("line_items", poison.id))
    # then they were asked for together, then one by one, and nothing waits
    assert poison.sizes[0] == 2
    assert poison.sizes[1:] == [1, 1]
    assert rows(world, "select count(*) from inbox where state in ('new', 'postponed')") == [(0,)]
    world.settle()
    # and the line item is there
    found = world.live(world.sales, "OpportunityLineItem").values()
    assert sorted(str(line.fields["Quantity"]) for line in found) == ["3", "8"]
    assert only(world, "Opportunity").fields["Name"] == "D"
    assert codes(world) == []
