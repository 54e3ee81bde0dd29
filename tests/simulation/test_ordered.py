"""``write_order: ordered`` sends every version that was seen, oldest first."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

from connectors.memory.faults import MemoryCall
from tests.simulation.project import PROJECT
from tests.simulation.world import World


def test_ordered_writes_send_every_version_seen(tmp_path: Path) -> None:
    # given a sync that says write_order: ordered, and a target that is away
    project = PROJECT.replace(
        "    mapping: company_to_account\n",
        "    mapping: company_to_account\n    write_order: ordered\n",
    )
    world = World(tmp_path, project=project)
    company = world.crm.create("companies", {"name": "A", "domain": "a.example"}).ref.id
    world.settle()
    seen: list[object] = []

    def watch(call: MemoryCall, moment: str) -> None:
        if call.kind == "apply" and call.object == "Account" and moment == "after":
            (account,) = world.live(world.sales, "Account").values()
            seen.append(account.fields["BillingCity"])

    world.on_call = watch
    # when three versions are polled one after the other before any of them is delivered
    for city in ("One", "Two", "Three"):
        world.clock.advance(timedelta(minutes=10))
        world.crm.update("companies", company, {"city": city})
        world.clock.advance(timedelta(minutes=1))
        world.runner.poll_now()
        world.runner.read_due()
        world.runner.route_all()
    world.settle()
    # then each of them was written, in order
    assert seen == ["One", "Two", "Three"]
