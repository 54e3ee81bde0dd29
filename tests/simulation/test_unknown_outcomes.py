"""Writes whose answer never came: found out about, never guessed at, never sent for ever."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

import tests.simulation.world as simulated
from connectors.memory.faults import FaultKind
from connectors.memory.objects import billing_objects, sales_objects
from tests.simulation.moments import (
    ALWAYS,
    acts,
    codes,
    company,
    deal,
    drain,
    fault,
    hear,
    later,
    only,
    rounds,
    rows,
    settle_twice,
)
from tests.simulation.project import PROJECT
from tests.simulation.world import World

CHARGES = (
    PROJECT
    + """
  charges:
    from: crm.companies
    to: sales.charges
    mapping: company_to_charge
    start_from: everything
    enabled: true
"""
)
COMPANY_TO_CHARGE = """
mapping: company_to_charge
source: {object: companies}
target: {object: charges}
fields:
  customer: {from: name, default: Unnamed}
  amount: {from: numberofemployees, default: 1}
  currency: {const: USD}
"""
MATCHED = COMPANY_TO_CHARGE.replace(
    "fields:\n", "match:\n  - {name: Customer, by: {customer: name}}\nfields:\n"
)


def charging(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, mapping: str, *, forgets: bool = True
) -> World:
    """A world whose target also has charges, on which nothing can be looked up.

    A vendor that does not forget its keys answers a repeated create with what became of the first.
    """
    charges = billing_objects()
    if forgets:
        charges = tuple(
            replace(one, spec=replace(one.spec, replay_horizon=None)) for one in charges
        )
    everything = (*sales_objects(), *charges)
    monkeypatch.setattr(simulated, "sales_objects", lambda: everything)
    return World(tmp_path, project=CHARGES, mappings={"company_to_charge": mapping})


def test_a_write_that_is_never_understood_ends_as_an_issue_after_its_tries(tmp_path: Path) -> None:
    # given a target that answers every write with nonsense
    world = World(tmp_path)
    fault(world, "sales", FaultKind.UNEXPECTED_ANSWER, "apply", "Account", ALWAYS)
    company(world)
    # when ten minutes of rounds have passed
    world.runner.poll_now()
    rounds(world, 60, seconds=10)
    # then it was sent once and three times more, each told apart, and a person is asked
    assert world.sales.calls[("apply", "Account")] == 4
    assert codes(world) == ["RETRIES_SPENT"]
    assert world.tally()["companies"] == {"issue": 1}
    assert rows(world, "select count(*) from intent where ended_at is null") == [(0,)]
    assert len(world.lines()) == 9


def test_a_create_that_cannot_be_looked_up_is_parked_and_made_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # given a charge whose answer was lost
    world = charging(tmp_path, monkeypatch, COMPANY_TO_CHARGE)
    fault(world, "sales", FaultKind.ANSWER_LOST, "apply", "charges")
    id = company(world)
    world.settle()
    assert len(world.live(world.sales, "charges")) == 1
    before = codes(world)
    # when its source is edited, and nobody has looked at the issue
    later(world)
    world.crm.update("companies", id, {"city": "Lund"})
    settle_twice(world)
    # then there is still one charge, and the question stands if it was not answered
    assert len(world.live(world.sales, "charges")) == 1
    assert before == ["IN_DOUBT"]
    assert codes(world) == before


def test_a_create_is_asked_for_again_by_its_key(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # given a charge whose answer was lost, twice, at a vendor that keeps its answers for a day
    world = charging(tmp_path, monkeypatch, COMPANY_TO_CHARGE, forgets=False)
    fault(world, "sales", FaultKind.ANSWER_LOST, "apply", "charges", 2)
    company(world)
    # when it is asked again with the same key and the same bytes
    world.settle()
    # then there is one charge, linked, and nobody was asked
    assert len(world.live(world.sales, "charges")) == 1
    assert codes(world) == []
    assert rows(world, "select max(number) from attempt") == [(3,)]
    assert rows(
        world,
        "select count(distinct key) from attempt a join intent i on i.id = a.intent"
        " where i.object = 'charges'",
    ) == [(1,)]


def test_a_key_that_is_too_old_is_never_sent_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # given a charge that arrived, its answer lost, and an engine that was away for a day
    world = charging(tmp_path, monkeypatch, COMPANY_TO_CHARGE, forgets=False)
    fault(world, "sales", FaultKind.ANSWER_LOST, "apply", "charges")
    company(world)
    world.clock.advance(timedelta(seconds=15))
    hear(world)
    drain(world, "charges")
    world.clock.advance(timedelta(hours=23, minutes=1))
    # when it comes back
    world.settle()
    # then it does not trust the vendor's memory any more, and a person is asked
    assert len(world.live(world.sales, "charges")) == 1
    assert codes(world) == ["IN_DOUBT"]


def test_an_edit_after_a_lost_answer_is_the_last_word(tmp_path: Path) -> None:
    # given a stage whose answer was lost
    world = World(tmp_path)
    ref = deal(world, dealstage="appointment")
    world.settle()
    later(world)
    fault(world, "sales", FaultKind.ANSWER_LOST, "apply", "Opportunity")
    world.crm.update("deals", ref.id, {"dealstage": "proposal"})
    world.clock.advance(timedelta(seconds=15))
    hear(world)
    drain(world, "deals")
    assert world.tally()["deals"] == {"in_doubt": 1}
    # when the same user edits it again on the same side
    world.crm.update("deals", ref.id, {"dealstage": "closedwon"})
    world.clock.advance(timedelta(seconds=15))
    settle_twice(world)
    # then the other side, though it owns the field, does not answer with our own first write
    assert world.crm.get("deals", ref.id).fields["dealstage"] == "closedwon"
    assert only(world, "Opportunity").fields["StageName"] == "Closed Won"
    assert codes(world) == []


def test_who_waits_for_a_create_in_doubt_is_told_when_a_person_links_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # given two records that match by one value: the create of the first was lost, the other waits
    world = charging(tmp_path, monkeypatch, MATCHED)
    fault(world, "sales", FaultKind.ANSWER_LOST, "apply", "charges")
    first = world.crm.create("companies", {"name": "A"}).ref.id
    second = world.crm.create("companies", {"name": "A"}).ref.id
    world.settle()
    assert world.tally()["charges"] == {"issue": 1, "waiting": 1}
    (issue,) = world.issues()
    assert (issue.code, issue.source.id) == ("IN_DOUBT", first)
    # when the operator links the first with what was made
    acts(world).resolve({"issue": issue.id, "link": only(world, "charges").ref.id})
    before = world.sales.calls[("search", "charges")]
    rounds(world, 80)
    # then the other one has its answer, once, and nothing goes round in circles
    found = {issue.source.id: issue.code for issue in world.issues()}
    assert found[second] == "MATCH_ALREADY_LINKED"
    assert len(world.live(world.sales, "charges")) == 1
    assert world.runner.idle()
    assert world.sales.calls[("search", "charges")] <= before + 2
    leases = rows(world, f"select lease from delivery where sync = 'charges' and id = '{second}'")
    assert leases[0][0] < 10
