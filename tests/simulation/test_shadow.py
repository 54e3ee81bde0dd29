"""A sync in shadow touches nothing, not even links; going live makes up for all it held back."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

from tests.simulation.moments import (
    codes,
    companies_with,
    company,
    later,
    only,
    restart_as,
    rows,
)
from tests.simulation.world import World

LIVE = companies_with("on_delete: delete\n    guards: {deletes_max: 100}")
SHADOWED = LIVE.replace("enabled: true", "enabled: shadow", 1)
LINKS = "select state, reason from link order by number"


def test_a_shadow_sync_follows_no_removal_until_it_goes_live(tmp_path: Path) -> None:
    # given a company in both systems, and its sync in shadow from then on
    world = World(tmp_path, project=LIVE)
    id = company(world)
    world.settle()
    restart_as(world, SHADOWED)
    before, lines = world.writes(), len(world.lines())
    # when the company is deleted
    later(world)
    world.crm.delete("companies", id)
    world.clock.advance(timedelta(hours=2))
    world.settle()
    # then nothing was written, and its link stands as it was
    assert world.writes() == before
    assert rows(world, LINKS) == [("active", None)]
    told = {line["outcome"] for line in world.lines()[lines:]}
    assert told <= {"skipped"}
    # and when the sync goes live, the delete is made up for, with no new word from the source
    restart_as(world, LIVE)
    later(world)
    world.settle()
    assert world.live(world.sales, "Account") == {}
    assert rows(world, LINKS) == [("closed", "deleted in the target")]
    assert codes(world) == []
    world.close()


def test_a_shadow_sync_follows_no_merge_until_it_goes_live(tmp_path: Path) -> None:
    # given two companies in both systems, and their sync in shadow from then on
    world = World(tmp_path, project=LIVE)
    first, second = company(world, "A", "a.example"), company(world, "B", "b.example")
    world.settle()
    restart_as(world, SHADOWED)
    # when they are merged
    later(world)
    world.crm.merge("companies", first, second)
    world.settle()
    # then both links stand as they were, and nobody is asked anything
    assert rows(world, LINKS) == [("active", None), ("active", None)]
    assert codes(world) == []
    # and when the sync goes live, the merge is followed, and a person is asked
    restart_as(world, LIVE)
    later(world)
    world.settle()
    assert [state for (state, _reason) in rows(world, LINKS)] == ["active", "alias"]
    assert codes(world) == ["MERGED_TWO_TARGETS"]
    world.close()


def test_a_shadow_sync_takes_up_no_closed_link(tmp_path: Path) -> None:
    # given an archived company whose link is closed, and its sync in shadow from then on
    flagging = LIVE.replace("on_delete: delete", "on_delete: flag")
    world = World(tmp_path, project=flagging)
    id = company(world)
    world.settle()
    later(world)
    world.crm.archive("companies", id)
    world.clock.advance(timedelta(hours=2))
    world.settle()
    assert [state for (state, _reason) in rows(world, LINKS)] == ["closed"]
    restart_as(world, flagging.replace("enabled: true", "enabled: shadow", 1))
    # when the company is restored
    world.crm.restore("companies", id)
    world.crm.update("companies", id, {"name": "Back"})
    world.settle()
    # then its link stays closed
    assert [state for (state, _reason) in rows(world, LINKS)] == ["closed"]
    assert only(world, "Account").fields["Name"] == "A"
    # and when the sync goes live, the company takes up its link and its target again
    restart_as(world, flagging)
    later(world)
    world.settle()
    assert [state for (state, _reason) in rows(world, LINKS)] == ["active"]
    assert only(world, "Account").fields["Name"] == "Back"
    assert codes(world) == []
    world.close()


def test_the_last_of_many_edits_in_shadow_is_what_goes_live(tmp_path: Path) -> None:
    # given a company whose name went to and fro in shadow
    world = World(tmp_path, project=LIVE)
    id = company(world, "A")
    world.settle()
    restart_as(world, SHADOWED)
    for name in ("B", "A", "C"):
        later(world)
        world.crm.update("companies", id, {"name": name})
        world.settle()
    assert only(world, "Account").fields["Name"] == "A"
    before = world.writes()
    # when the sync goes live
    restart_as(world, LIVE)
    world.settle()
    # then the target has the last name, for one write
    assert only(world, "Account").fields["Name"] == "C"
    assert world.writes() == before + 1
    assert world.tally()["companies"] == {"done": 1}
    world.close()
