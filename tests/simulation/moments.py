"""Short ways to what tests of the simulation tell: moments, notices, edits, acts."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from sqlalchemy import text

from connectors.memory.declarations import SPEC
from connectors.memory.faults import Fault, FaultKind, MemoryCall, Rule
from connectors.records import Record, Ref, Value
from engine.commands.acts import Acts
from engine.config.load import load
from engine.model import Address, NewRow, Origin
from engine.store import inbox
from tests.simulation.project import MAPPINGS, PROJECT, write_project
from tests.simulation.world import World

ALWAYS = 10**9

TWO_FROM_CONTACTS = (
    PROJECT
    + """
  leads:
    from: crm.contacts
    to: sales.Lead
    mapping: contact_to_lead
    start_from: everything
    enabled: true
"""
)
CONTACT_TO_LEAD = {
    "contact_to_lead": """
mapping: contact_to_lead
source: {object: contacts}
target: {object: Lead, identity: Revline_Id__c}
fields:
  LastName: {from: lastname, default: Unknown}
  Company: {const: X}
  Email: email
"""
}


def later(world: World, minutes: float = 10) -> None:
    world.clock.advance(timedelta(minutes=minutes))


def settle_twice(world: World) -> None:
    """Settle, and again hours later: nothing may hang on a moment."""
    world.settle()
    world.clock.advance(timedelta(hours=2))
    world.settle()


def company(world: World, name: str = "A", domain: str = "a.example") -> str:
    return world.crm.create("companies", {"name": name, "domain": domain}).ref.id


def deal(world: World, **fields: Value) -> Ref:
    values: dict[str, Value] = {
        "dealname": "D",
        "amount": Decimal(100),
        "deal_currency_code": "USD",
        "dealstage": "appointment",
        "closedate": date(2026, 6, 1),
        **fields,
    }
    return world.crm.create("deals", values).ref


def line_of(world: World, *deals: Ref) -> Ref:
    """A product in the catalogue and a line item of it on these deals."""
    product: dict[str, Value] = {"name": "Seat", "hs_sku": "SEAT", "price": Decimal(10)}
    world.crm.create("products", product, id="SEAT")
    values: dict[str, Value] = {
        "name": "Seat",
        "hs_sku": "SEAT",
        "quantity": 3,
        "price": Decimal(10),
    }
    line = world.crm.create("line_items", values).ref
    for one in deals:
        world.crm.associate(one, line)
    return line


def only(world: World, object: str) -> Record:
    """The one live record of an object in the sales system."""
    (found,) = world.live(world.sales, object).values()
    return found


def codes(world: World) -> list[str]:
    return [issue.code for issue in world.issues()]


def rows(world: World, query: str) -> list[tuple[Any, ...]]:
    with world.store.read() as tx:
        return [tuple(row) for row in tx.execute(text(query))]


def hear(world: World) -> None:
    """Poll and route, and deliver nothing yet."""
    world.runner.poll_now()
    world.runner.read_due()
    world.runner.route_all()


def hear_notice(world: World, connection: str, ref: Ref, key: str = "e1") -> None:
    """A webhook names the record: a delivery without a snapshot, which has to read."""
    address = Address(connection, ref.object, ref.id)
    row = NewRow(address, "changed", Origin.WEBHOOK, world.clock.now(), event_key=key)
    with world.store.write() as tx:
        inbox.add(tx, [row])
    world.runner.route_all()


def drain(world: World, *syncs: str) -> None:
    for sync in syncs:
        world.runner.drain(world.config.syncs[sync])


def rounds(world: World, count: int, seconds: float = 2) -> None:
    for _ in range(count):
        world.runner.round()
        world.clock.advance(timedelta(seconds=seconds))


def acts(world: World) -> Acts:
    """What an operator may do."""
    return Acts(world.services)


def at_point(world: World, point: str, do: Callable[[], None]) -> Callable[[], bool]:
    """Do something the first time the engine passes a point. Returns whether it has."""
    done: list[bool] = []

    def passed(name: str) -> None:
        if name == point and not done:
            done.append(True)
            do()

    world.failpoint = passed
    return lambda: bool(done)


def at_call(
    world: World, moment: str, kind: str, object: str, do: Callable[[], None]
) -> Callable[[], bool]:
    """Do something ``before`` or ``after`` the first such call. Returns whether it was made."""
    done: list[bool] = []

    def called(call: MemoryCall, when: str) -> None:
        if (call.kind, call.object, when) == (kind, object, moment) and not done:
            done.append(True)
            do()

    world.on_call = called
    return lambda: bool(done)


def fault(
    world: World, system: str, kind: FaultKind, call: str, object: str = "*", times: int = 1
) -> None:
    """From now on such calls go wrong, so many times."""
    world.plans[system].add(Rule(Fault(kind), kind=call, object=object, times=times))


def companies_with(line: str) -> str:
    """The project, with more said of its sync of companies."""
    named = "    mapping: company_to_account\n"
    assert named in PROJECT
    return PROJECT.replace(named, f"{named}    {line}\n")


def restart_as(world: World, project: str) -> None:
    """Change the project and start the engine anew."""
    write_project(world.folder, project)
    world.config = load(world.folder, {}, {"memory": SPEC})
    world.crash()


def mapping_with(name: str, **swaps: str) -> dict[str, str]:
    """A mapping of the project with pieces of its text replaced."""
    changed = MAPPINGS[name]
    for old, new in swaps.items():
        assert old in changed
        changed = changed.replace(old, new)
    return {name: changed}
