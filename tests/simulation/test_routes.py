"""Routing: a record goes to its side once per crossing, whatever is repeated, lost or killed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import timedelta
from decimal import Decimal
from itertools import pairwise
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, TypeAlias

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from engine.model import Address, NewRow, Origin
from engine.pipeline.plan import make_plan
from engine.pipeline.references import Catalogues
from engine.store import forgetting, inbox, routes
from tests.simulation.conftest import ON_BOTH
from tests.simulation.moments import acts, drain, hear, hear_notice, only, restart_as
from tests.simulation.project import PROJECT
from tests.simulation.world import Crash, World

History: TypeAlias = list[tuple[tuple[str, int | None], int | None]]
HEAD = PROJECT.split("syncs:")[0]
ROUTE = """
routes:
  mql: {from: crm.companies, by: annualrevenue, operator: ">=", threshold: 80, hysteresis: 5,
        above: sdr, below: nurture}
"""
SYNCS = """
syncs:
  to_sdr: {from: crm.companies, to: sales.Account, mapping: to_sdr, start_from: everything,
           route: {rule: mql, side: sdr}}
  to_nurture: {from: crm.companies, to: sales.Account, mapping: to_nurture, start_from: everything,
               route: {rule: mql, side: nurture}}
"""
TWO = HEAD + ROUTE + SYNCS
SDR = """
mapping: to_sdr
source: {object: companies}
target: {object: Account, identity: Revline_Id__c}
fields: {Name: name, BillingCity: {const: SDR}}
"""
MAPPINGS = {
    "to_sdr": SDR,
    "to_nurture": SDR.replace("to_sdr", "to_nurture").replace("SDR", "Nurture"),
}


@pytest.fixture
def make(tmp_path: Path, store_url: str | None) -> Iterator[Callable[..., World]]:
    made: list[World] = []

    def build(project: str = TWO, **mappings: str) -> World:
        made.append(
            World(tmp_path, project=project, mappings=MAPPINGS | mappings, store_url=store_url)
        )
        return made[0]

    yield build
    for world in made:
        world.verify()
        world.close()


def scored(world: World, score: int | str | None, name: str = "A") -> str:
    value = None if score is None else Decimal(score)
    return world.crm.create("companies", {"name": name, "annualrevenue": value}).ref.id


def score(world: World, id: str, value: int | str | None) -> None:
    fields = {"annualrevenue": None if value is None else Decimal(value)}
    world.crm.update("companies", id, fields)
    world.settle()


def city(world: World) -> Any:
    return only(world, "Account").fields["BillingCity"]


def works_on(world: World) -> None:
    """Somebody takes the account in hand, in the sales system."""
    world.sales.update("Account", only(world, "Account").ref.id, {"BillingCity": "In hand"})
    world.settle()


def told(world: World, outcome: str = "routed") -> list[str]:
    return [str(line["code"]) for line in world.lines() if line["outcome"] == outcome]


def test_a_record_goes_once_per_crossing(make: Callable[..., World]) -> None:
    world = make()
    id = scored(world, "79.99")
    world.settle()
    assert city(world) == "Nurture"
    score(world, id, 80)  # the operator says that 80 is above
    assert city(world) == "SDR"
    works_on(world)
    for value in (95, 75):  # within 5 of the threshold it stays
        score(world, id, value)
        assert city(world) == "In hand"
    world.crm.update("companies", id, {"name": "B"})
    world.settle()
    assert (city(world), only(world, "Account").fields["Name"]) == ("In hand", "A")
    score(world, id, "74.99")
    assert city(world) == "Nurture"
    score(world, id, 79)
    assert city(world) == "Nurture"
    score(world, id, "81.25")
    assert city(world) == "SDR"  # as it was at the last crossing, and written all the same
    assert told(world) == ["mql:nurture", "mql:sdr", "mql:nurture", "mql:sdr"]
    assert "81.25" not in str(world.lines())


@pytest.mark.parametrize(("operator", "expected"), [(">=", "SDR"), (">", "Nurture")])
def test_the_operator_says_where_the_threshold_itself_belongs(
    make: Callable[..., World], operator: str, expected: str
) -> None:
    world = make(TWO.replace(">=", operator))
    scored(world, 80)
    world.settle()
    assert city(world) == expected


@ON_BOTH
def test_a_crossing_missed_by_one_sync_is_no_crossing_of_its_own(
    make: Callable[..., World],
) -> None:
    """To SDR sees 82 and then 77; to nurture sees only 77, which alone would be below."""
    world = make()
    id = scored(world, 82)
    world.clock.advance(timedelta(minutes=1))
    hear(world)
    world.runner.read_due()
    world.runner.route_all()
    drain(world, "to_sdr")
    world.clock.advance(timedelta(minutes=1))
    score(world, id, 77)
    assert city(world) == "SDR"
    assert told(world) == ["mql:sdr"]


def test_a_held_crossing_is_delivered_when_its_gate_opens(make: Callable[..., World]) -> None:
    gate = "gates: [{name: city, hold_unless: = city is not None, say: Set the city.}]\n"
    world = make(to_sdr=SDR + gate)
    id = scored(world, 90)
    world.settle()
    assert world.live(world.sales, "Account") == {}
    world.crm.update("companies", id, {"city": "Rome"})
    world.settle()
    assert city(world) == "SDR"
    works_on(world)
    world.crm.update("companies", id, {"city": "Oslo"})
    world.settle()
    assert city(world) == "In hand"


def test_what_crossed_back_before_it_was_delivered_goes_only_where_it_is(
    make: Callable[..., World],
) -> None:
    gate = "gates: [{name: city, hold_unless: = city is not None, say: Set the city.}]\n"
    world = make(to_sdr=SDR + gate)
    id = scored(world, 90)
    world.settle()
    score(world, id, 10)
    assert city(world) == "Nurture"
    world.crm.update("companies", id, {"city": "Rome"})
    world.settle()
    assert city(world) == "Nurture"


@pytest.mark.parametrize(("if_blank", "state"), [("leave_out", "done"), ("hold", "held")])
def test_a_record_without_a_number_is_on_no_side(
    make: Callable[..., World], if_blank: str, state: str
) -> None:
    world = make(TWO.replace("below: nurture", f"below: nurture, if_blank: {if_blank}"))
    id = scored(world, None)
    world.settle()
    assert world.live(world.sales, "Account") == {}
    assert world.tally() == {"to_sdr": {state: 1}, "to_nurture": {state: 1}}
    assert told(world) == []
    score(world, id, 90)
    assert city(world) == "SDR"
    works_on(world)
    score(world, id, None)
    score(world, id, 91)
    assert city(world) == "In hand"  # a gap in the numbers is no crossing
    assert told(world) == ["mql:sdr"]


def test_what_is_no_number_is_an_issue(make: Callable[..., World]) -> None:
    world = make(TWO.replace("by: annualrevenue", "by: name"))
    scored(world, 1, name="many")
    world.settle()
    found = [(one.code, one.parameters["fault"]) for one in world.issues()]
    assert found == [("MAPPING", "NOT_A_NUMBER")] * 2
    assert world.live(world.sales, "Account") == {}


def test_a_plan_shows_the_side_and_takes_none(make: Callable[..., World]) -> None:
    world = make()
    first, second = scored(world, 90, "A"), scored(world, 10, "B")
    world.clock.advance(timedelta(minutes=1))

    def plan(sync: str) -> dict[str, tuple[str, str | None]]:
        made = make_plan(world.services, Catalogues(world.services), world.config.syncs[sync])
        return {one.source.id: (one.action, one.why) for one in made.records}

    assert plan("to_sdr") == {
        first: ("create", "route mql: sdr, seen for the first time"),
        second: ("skipped", "route mql: nurture, seen for the first time; on the other side"),
    }
    assert told(world) == []
    world.settle()
    assert plan("to_sdr")[first] == ("skipped", "route mql: sdr; routed before")
    world.crm.update("companies", first, {"annualrevenue": Decimal(1)})
    assert plan("to_nurture")[first] == ("update", "route mql: nurture, comes from sdr")


def test_an_operator_can_have_a_record_delivered_again(make: Callable[..., World]) -> None:
    world = make()
    id = scored(world, 90)
    world.settle()
    works_on(world)
    row = NewRow(Address("crm", "companies", id), "changed", Origin.OPERATOR, world.clock.now())
    with world.store.write() as tx:
        inbox.add(tx, [row])
    world.settle()
    assert city(world) == "SDR"
    assert told(world) == ["mql:sdr"]


def test_a_shadow_hands_nothing_over(make: Callable[..., World]) -> None:
    side = "route: {rule: mql, side: sdr}"
    world = make(TWO.replace(side, f"{side}, enabled: shadow"))
    scored(world, 90)
    world.settle()
    assert world.live(world.sales, "Account") == {}
    restart_as(world, TWO)
    world.settle()
    assert city(world) == "SDR"


def test_a_moved_threshold_moves_those_between(make: Callable[..., World]) -> None:
    world = make()
    scored(world, 70, "A")
    world.settle()
    assert city(world) == "Nurture"
    restart_as(world, TWO.replace("threshold: 80", "threshold: 60"))
    for sync in ("to_sdr", "to_nurture"):
        acts(world).backfill({"sync": sync})
    world.settle()
    assert city(world) == "SDR"


def test_under_another_rule_a_record_is_new(make: Callable[..., World]) -> None:
    """What a sync took by the old rule says nothing of the new one, however often it crossed."""
    world = make()
    id = scored(world, 90)
    world.settle()
    score(world, id, 10)
    assert city(world) == "Nurture"
    lower = TWO.replace("mql:", "lower:").replace("rule: mql", "rule: lower")
    restart_as(world, lower.replace("threshold: 80", "threshold: 5"))
    for sync in ("to_sdr", "to_nurture"):
        acts(world).backfill({"sync": sync})
    world.settle()
    assert told(world)[-1] == "lower:sdr"
    assert city(world) == "SDR"


PERSONS = (
    HEAD
    + """
routes:
  mql: {from: crm.contacts, by: phone, operator: ">", threshold: 80, above: sdr, below: nurture}
syncs:
  companies: {from: crm.companies, to: sales.Account, mapping: company_to_account, start_from: now}
  to_sdr: {from: crm.contacts, to: sales.Contact, mapping: to_sdr, start_from: everything,
           route: {rule: mql, side: sdr}}
"""
)
PERSON = """
mapping: to_sdr
source: {object: contacts, associations: [companies]}
target: {object: Contact, identity: Revline_Id__c}
fields:
  LastName: lastname
  AccountId: {ref: companies, from: = first(associations.companies), to: Account, on_missing: later}
"""


def test_a_reference_that_comes_later_still_comes(make: Callable[..., World]) -> None:
    """The crossing is delivered, but not finished, until what it refers to is there."""
    world = make(PERSONS, to_sdr=PERSON)
    company = world.crm.create("companies", {"name": "x" * 300, "domain": "a.example"}).ref
    person = world.crm.create("contacts", {"lastname": "B", "phone": "90", "email": "b@a.example"})
    world.crm.associate(person.ref, company, primary=True)
    world.settle()
    assert only(world, "Contact").fields["AccountId"] is None
    world.crm.update("companies", company.id, {"name": "Right"})
    world.settle()
    assert only(world, "Contact").fields["AccountId"] == only(world, "Account").ref.id
    world.sales.update("Contact", only(world, "Contact").ref.id, {"LastName": "Changed"})
    world.crm.update("contacts", person.ref.id, {"lastname": "C"})
    world.settle()
    assert only(world, "Contact").fields["LastName"] == "Changed"


def test_who_is_forgotten_is_on_no_side(make: Callable[..., World]) -> None:
    world = make()
    person = Address("crm", "companies", scored(world, 90))
    world.settle()
    with world.store.write() as tx:
        erased = forgetting.erase(tx, world.store.payloads, [person], world.clock.now())
        assert routes.standings(tx, "mql", [person]) == {}
        assert routes.handed_over(tx, "to_sdr", [person]) == {}
    assert erased["sides of routes"] == 2


SCORES = (70, 74, 75, 79, 80, 81, 95, None)
OTHER_ACTS = ("name", "notice", "work", "round", "sdr", "nurture")
ACTS = st.sampled_from([*(("score", n) for n in SCORES), *((act, 0) for act in OTHER_ACTS)])


@contextmanager
def killed_at(world: World, point: int | None, kills: list[int]) -> Iterator[None]:
    """The engine dies at the n-th point it comes to, and is started again."""
    left = point

    def passed(_name: str) -> None:
        nonlocal left
        if left is not None:
            left -= 1
            if left < 0:
                left = None
                raise Crash

    world.failpoint = passed
    with suppress(Crash):
        yield
    if left is None and point is not None:
        kills.append(point)
        world.crash()
    world.failpoint = lambda _point: None


HISTORIES = st.lists(st.tuples(ACTS, st.none() | st.integers(0, 25)), min_size=1, max_size=14)
NO_SHRINKING = (Phase.explicit, Phase.reuse, Phase.generate)


@settings(max_examples=3, deadline=None, phases=NO_SHRINKING)
@given(HISTORIES)
def test_crossings_and_deliveries_agree(history: History) -> None:
    """Back and forth, repeated, killed in between: every crossing is written at most once."""
    _try(history)


@pytest.mark.torture
@settings(max_examples=300, deadline=None, phases=NO_SHRINKING)
@given(HISTORIES)
@pytest.mark.timeout(3600)
def test_crossings_and_deliveries_agree_for_long(history: History) -> None:
    _try(history)


def _try(history: History) -> None:
    with TemporaryDirectory() as folder:
        world = World(Path(folder), project=TWO, mappings=MAPPINGS)
        try:
            _play(world, history)
        finally:
            world.close()


def _play(world: World, history: History) -> None:
    ref = world.crm.create("companies", {"name": "A", "annualrevenue": Decimal(50)}).ref
    notices, kills = 0, list[int]()
    for (act, value), kill in history:
        world.clock.advance(timedelta(seconds=20))
        with killed_at(world, kill, kills):
            if act == "score":
                fields = {"annualrevenue": None if value is None else Decimal(value)}
                world.crm.update("companies", ref.id, fields)
            elif act == "name":
                world.crm.update("companies", ref.id, {"name": f"A{notices}"})
            elif act == "notice":
                notices += 1
                hear_notice(world, "crm", ref, f"e{notices}")
            elif act == "work" and world.live(world.sales, "Account"):
                account = only(world, "Account").ref.id
                world.sales.update("Account", account, {"BillingCity": "In hand"})
            elif act in ("sdr", "nurture"):
                hear(world)
                drain(world, f"to_{act}")
            world.runner.round()
    world.settle(hours_max=48)
    _check(world, ref.id, len(kills))


def _check(world: World, id: str, kills: int) -> None:
    world.verify()
    crossed = [code.removeprefix("mql:") for code in told(world)]
    assert all(one != other for one, other in pairwise(crossed)), crossed
    number = world.crm.state()["companies"][id].fields["annualrevenue"]
    if not crossed:
        assert number is None
        assert world.live(world.sales, "Account") == {}
        return
    if number is not None:
        assert crossed[-1] == "sdr" if number >= 80 else number >= 75 or crossed[-1] == "nurture"
    written = Counter(
        str(line["sync"]).removeprefix("to_")
        for line in world.lines()
        if line["operation"] in ("create", "update")
        and line["outcome"] in ("confirmed", "resolved")
    )
    # What a kill interrupted is finished with what the record is by then.
    most = {side: crossed.count(side) + kills for side in written}
    assert all(written[side] <= most[side] for side in written), (written, crossed)
    assert city(world) in ({"sdr": "SDR", "nurture": "Nurture"}[crossed[-1]], "In hand")
    before = world.writes()
    world.crm.update("companies", id, {"name": "again"})
    world.settle()
    assert world.writes() == before
