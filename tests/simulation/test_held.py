"""What is held goes on by itself once its cause is gone, wherever it was put right."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from connectors.records import Ref
from engine.model import DeliveryState
from engine.store import operator_views
from tests.simulation.moments import company, deal, later, line_of, only, rows
from tests.simulation.project import MAPPINGS, PROJECT
from tests.simulation.world import World

GATED = (
    MAPPINGS["deal_to_opportunity"]
    + """
field_groups:
  terms: {title: The order, fill_in: the CRM on the deal, fields: {name: dealname, close_date: closedate}}
gates:
  - {name: terms, complete: terms}
  - name: sku
    hold_unless: = all(l.hs_sku is not None for l in children.line_items)
    say: "= text(count([l for l in children.line_items if l.hs_sku is None])) + ' lines have no product.'"
"""  # noqa: E501
)
HELD = "select reason from delivery where state = 'held'"


@pytest.fixture
def make(tmp_path: Path) -> Iterator[Callable[..., World]]:
    made: list[World] = []

    def build(project: str = PROJECT, **mappings: str) -> World:
        made.append(World(tmp_path, project=project, mappings=mappings))
        return made[0]

    yield build
    for world in made:
        world.verify()
        world.close()


def told(world: World, outcome: str) -> list[str]:
    return [line["code"] for line in world.lines() if line["outcome"] == outcome]


def said(world: World) -> list[str]:
    with world.store.read() as tx:
        held = operator_views.listed(tx, [DeliveryState.HELD], 10)
        return [
            *operator_views.sentences(tx, world.store.payloads, [h.number for h in held]).values()
        ]


def sold(world: World, **fields: Any) -> Ref:
    """A deal of a company that is there on both sides."""
    ref = deal(world, **fields)
    world.crm.associate(ref, Ref("companies", company(world)), primary=True)
    return ref


def test_a_record_goes_on_when_its_own_fields_are_filled(make: Callable[..., World]) -> None:
    world = make(deal_to_opportunity=GATED)
    ref = sold(world, closedate=None, dealname="Secret name")
    world.settle()
    assert rows(world, HELD) == [("terms",)]
    assert said(world) == [
        "The order is incomplete: Close date is blank. Fill it in the CRM on the deal."
    ]
    assert world.live(world.sales, "Opportunity") == {}
    world.crm.update("deals", ref.id, {"closedate": date(2026, 6, 1)})
    world.settle()
    assert rows(world, HELD) == []
    assert only(world, "Opportunity").fields["Name"] == "Secret name"
    assert told(world, "held") == ["terms"]


def test_a_record_goes_on_when_a_child_is_put_right(make: Callable[..., World]) -> None:
    world = make(deal_to_opportunity=GATED)
    line = line_of(world, sold(world))
    world.crm.update("line_items", line.id, {"hs_sku": None})
    world.settle()
    assert rows(world, HELD) == [("sku",)]
    assert said(world) == ["1 lines have no product."]
    assert "lines have no product" not in str(world.lines())
    world.crm.update("line_items", line.id, {"hs_sku": "SEAT"})
    world.settle()
    assert rows(world, HELD) == []
    assert only(world, "OpportunityLineItem").fields["Quantity"] == 3


def test_a_record_goes_on_when_what_it_hangs_on_is_put_right_elsewhere(
    make: Callable[..., World],
) -> None:
    """Associating a company gives a deal no new version, and nobody sends a notice."""
    gate = "{name: company, hold_unless: = count(associations.companies) > 0, say: Add one.}"
    world = make(deal_to_opportunity=f"{MAPPINGS['deal_to_opportunity']}gates: [{gate}]\n")
    ref, owner = deal(world), company(world)
    world.settle()
    assert rows(world, HELD) == [("company",)]
    world.crm.associate(ref, Ref("companies", owner), primary=True)
    calls = world.crm.calls.copy()
    world.settle()
    assert rows(world, HELD) == [("company",)]
    later(world, 20)
    world.settle()
    assert rows(world, HELD) == []
    assert only(world, "Opportunity").fields["Name"] == "D"
    assert calls != world.crm.calls


def test_looking_again_is_told_once_and_costs_one_read_in_fifteen_minutes(
    make: Callable[..., World],
) -> None:
    world = make(deal_to_opportunity=GATED)
    for _ in range(3):
        sold(world, closedate=None)
    world.settle()
    before = world.crm.calls["read", "deals"]
    for _ in range(3):
        later(world, 20)
        world.settle()
    assert world.crm.calls["read", "deals"] - before == 3
    assert rows(world, HELD) == [("terms",)] * 3
    assert told(world, "held") == ["terms"] * 3


def test_what_could_not_be_mapped_is_looked_at_again_too(make: Callable[..., World]) -> None:
    fault = "  Probe: {from: \"= required(first(associations.contacts), 'Add a contact.')\"}\n"
    text = MAPPINGS["deal_to_opportunity"].replace(
        "  Amount: {from", fault.replace("Probe", "CurrencyIsoCode") + "  Amount: {from"
    )
    text = text.replace("  CurrencyIsoCode: {from: deal_currency_code, on_create_only: true}\n", "")
    world = make(deal_to_opportunity=text.replace("[companies]}", "[companies, contacts]}"))
    ref = sold(world)
    world.settle()
    assert [one.code for one in world.issues()] == ["MAPPING"]
    contact = world.crm.create("contacts", {"email": "a@b.example", "lastname": "B"}, id="EUR").ref
    world.crm.associate(ref, contact)
    later(world, 20)
    world.settle()
    assert world.issues() == []
    assert only(world, "Opportunity").fields["CurrencyIsoCode"] == "EUR"
    assert told(world, "issue") == ["MAPPING"]
