"""How a sync is told to work: shadow, create_only, business keys, records left out."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.simulation.moments import (
    acts,
    codes,
    companies_with,
    company,
    later,
    mapping_with,
    only,
    restart_as,
    rows,
    settle_twice,
)
from tests.simulation.project import PROJECT
from tests.simulation.world import World

SHADOWED = PROJECT.replace("enabled: true", "enabled: shadow", 1)
ONE_KEY = mapping_with(
    "company_to_account",
    **{
        "match:\n  - {name: Website, by: {Website: domain}}\n": "",
        "mapping: company_to_account\n": "mapping: company_to_account\nbusiness_key: = domain\n",
    },
)
WITHOUT_NO = mapping_with("company_to_account", **{"fields:\n": "when: = name != 'No'\nfields:\n"})


def test_what_a_shadow_sync_computed_is_sent_when_it_goes_live(tmp_path: Path) -> None:
    # given a sync in shadow that has seen a company and written nothing
    world = World(tmp_path, project=SHADOWED)
    company(world)
    world.settle()
    assert world.live(world.sales, "Account") == {}
    assert world.tally()["companies"] == {"done": 1}
    # when it is switched on, with no edit and no backfill
    restart_as(world, PROJECT)
    later(world)
    world.settle()
    # then the company is in the target
    assert only(world, "Account").fields["Name"] == "A"
    # and a backfill has nothing to add
    before = world.writes()
    acts(world).backfill({"sync": "companies"})
    world.settle()
    assert world.writes() == before
    world.close()


def test_create_only_leaves_a_matching_target_as_it_is(tmp_path: Path) -> None:
    # given a target that the sales team keeps
    world = World(tmp_path, project=companies_with("mode: create_only"))
    world.sales.create("Account", {"Name": "Kept by sales", "Website": "a.example"})
    # when a company that matches it comes, and is edited later
    id = company(world, name="From marketing")
    world.settle()
    later(world)
    world.crm.update("companies", id, {"name": "Again", "city": "Lund"})
    settle_twice(world)
    # then none of its values were written
    account = only(world, "Account")
    assert account.fields["Name"] == "Kept by sales"
    assert account.fields.get("BillingCity") is None
    # and what has no target yet is created
    company(world, name="New", domain="new.example")
    world.settle()
    assert len(world.live(world.sales, "Account")) == 2
    world.close()


def test_one_business_key_makes_one_target_however_late_the_second_comes(tmp_path: Path) -> None:
    # given a company whose business key was used for a create
    world = World(tmp_path, mappings=ONE_KEY)
    company(world, name="A", domain="same.example")
    world.settle()
    later(world)
    # when another with the same key comes
    second = company(world, name="B", domain="same.example")
    world.settle()
    # then a person is asked, and there is still one
    (issue,) = world.issues()
    assert issue.source.id == second
    assert only(world, "Account").fields["Name"] == "A"
    world.close()


@pytest.mark.parametrize("crash", [False, True])
def test_one_business_key_in_one_batch_makes_one_target_and_stops_nobody(
    tmp_path: Path, *, crash: bool
) -> None:
    # given three companies in one batch, two of them with one business key
    world = World(tmp_path, mappings=ONE_KEY)
    for name, domain in (("A", "same"), ("B", "same"), ("C", "other")):
        company(world, name, f"{domain}.example")
    # when they are delivered, with or without a restart
    world.settle()
    if crash:
        world.crash()
        world.settle()
    # then one of the two is made, the other is an issue, and the third is not held up
    accounts = world.live(world.sales, "Account").values()
    assert sorted(str(one.fields["Website"]) for one in accounts) == [
        "other.example",
        "same.example",
    ]
    assert world.tally()["companies"] == {"done": 2, "issue": 1}
    assert len(world.issues()) == 1
    world.verify()
    world.close()


def test_a_record_left_out_by_a_rule_says_so_in_the_ledger(tmp_path: Path) -> None:
    # given a mapping that leaves some records out
    world = World(tmp_path, mappings=WITHOUT_NO)
    # when one of them comes
    id = company(world, name="No")
    world.settle()
    # then the ledger says that and why, once, and nothing was written
    (line,) = world.lines()
    assert (line["outcome"], line["code"]) == ("skipped", "NOT_INCLUDED")
    assert line["source"]["id"] == id
    assert world.writes() == 0
    (first, *_rest) = rows(world, "select state, reason from inbox order by seq")
    assert first == ("skipped", "not included")
    # and when it is let in by an edit, it is written
    later(world)
    world.crm.update("companies", id, {"name": "Yes"})
    world.settle()
    assert only(world, "Account").fields["Name"] == "Yes"
    assert codes(world) == []
    world.close()
