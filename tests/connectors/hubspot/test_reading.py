"""Reading, against the simulated account: right, and with no call more than needed."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest

from connectors.errors import AccessDenied, AuthFailed, RateLimited, Rejected, RetryLater
from connectors.records import MISSING, Absent, Found, Identity, Life, Ref, Selection

CONTACTS = Selection("contacts", ("email", "firstname", "hs_buying_role"), ("companies", "deals"))


def test_check_names_the_account(connector, world):
    account = connector.check()
    assert account.environment == "sandbox"
    assert account.id.isdigit()
    assert account.id in account.name
    assert world.violations() == []


def test_values_have_the_types_of_their_properties(connector, world):
    id = world.create(
        "deals",
        dealname="Ünïcode 🚀",
        amount="1234567890123456.78",
        closedate="2026-03-31T22:00:00Z",
    )
    contact = world.create(
        "contacts",
        email="a@b.example",
        hs_buying_role="CHAMPION;BLOCKER",
        hs_email_optout="true",
        date_of_birth="1990-02-03",
    )
    (deal,) = connector.read(Selection("deals", ("amount", "closedate", "dealname", "nope")), [id])
    assert deal.fields == {
        "dealname": "Ünïcode 🚀",
        "amount": Decimal("1234567890123456.78"),
        "closedate": datetime(2026, 3, 31, 22, tzinfo=UTC),
    }
    assert deal.get("nope") is MISSING
    assert deal.version is not None
    fields = ("date_of_birth", "email", "firstname", "hs_buying_role", "hs_email_optout")
    (person,) = connector.read(Selection("contacts", fields), [contact])
    assert person.fields == {
        "email": "a@b.example",
        "hs_buying_role": ("BLOCKER", "CHAMPION"),
        "hs_email_optout": True,
        "date_of_birth": date(1990, 2, 3),
        "firstname": None,
    }
    assert world.violations() == []


def test_ids_come_back_one_for_one_whatever_became_of_them(connector, world, deals):
    live, archived, loser = (world.create("deals", dealname=n) for n in ("a", "b", "c"))
    world.mutate("deals", "archive", archived)
    world.mutate("deals", "merge", live, loser=loser)
    asked = [loser, "999", archived, live, "not-an-id", live, "../x"]
    got = connector.read(deals, asked)
    assert [r.ref for r in got] == [Ref("deals", id) for id in asked]
    assert [r.life for r in got] == [
        Life.MERGED,
        Life.DELETED,
        Life.ARCHIVED,
        Life.LIVE,
        Life.DELETED,
        Life.LIVE,
        Life.DELETED,
    ]
    assert got[0].successor == Ref("deals", live)
    assert got[3].absorbed == (loser,)
    assert all(not r.fields for r in got if r.life is not Life.LIVE)


def test_reading_by_id_costs_a_call_per_hundred(connector, world, deals):
    ids = [world.create("deals", dealname=str(n)) for n in range(205)]
    world.mark()
    connector.read(deals, ids)
    assert world.calls() == {"properties": 1, "read": 3}
    world.mark()
    connector.read(deals, ids[:100])
    assert world.calls() == {"read": 1}
    world.mark()
    connector.read(deals, [*ids[:100], "1"])
    assert world.calls() == {"read": 3}  # the second look at the missing one


def test_an_unknown_property_refreshes_the_definitions_once(connector, world):
    id = world.create("deals", dealname="x")
    wanted = Selection("deals", ("dealname", "later"))
    connector.read(wanted, [id])
    connector.read(wanted, [id])
    world.mark()
    connector.read(wanted, [id])
    assert world.calls() == {"read": 1}
    world.mutate(
        "deals",
        "add_property",
        name="later",
        label="Later",
        type="number",
        fieldType="number",
        groupName="dealinformation",
    )
    world.mutate("deals", "update", id, later="5")
    world.shift(601)
    (record,) = connector.read(wanted, [id])
    assert record.get("later") == Decimal(5)


def test_associations_come_primary_first(connector, world):
    person = world.create("contacts", email="p@q.example")
    first, second, third = (world.create("companies", name=n) for n in "abc")
    for company in (first, second, third):
        world.associate("contacts", person, "companies", company)
    world.api(
        "PUT",
        f"/crm/v4/objects/contacts/{person}/associations/companies/{third}",
        [{"associationCategory": "HUBSPOT_DEFINED", "associationTypeId": 1}],
    )
    (read,) = connector.read(CONTACTS, [person])
    (listed,) = connector.list(CONTACTS, None, 100).records
    page = connector.changes(
        CONTACTS, connector.first_cursor(CONTACTS, datetime(2000, 1, 1, tzinfo=UTC)), 100
    )
    for record in (read, listed, *page.records):
        assert record.associations == {"companies": (third, first, second), "deals": ()}
    assert world.violations() == []


def walk(connector, selection, limit=100, since=None):
    records, cursor, pages = [], None, 0
    while True:
        page = connector.list(selection, cursor, limit, since)
        records += page.records
        cursor, pages = page.cursor, pages + 1
        if page.at_head:
            return records, pages


def test_the_list_shows_everything_once_at_the_vendors_minimum(connector, world):
    world.admin(
        "load", {"seed": 3, "sizes": {"companies": 20, "contacts": 230, "deals": 10, "products": 5}}
    )
    wanted = Selection("contacts", ("email",), ("companies", "deals"))
    records, pages = walk(connector, wanted)
    total = len(records)
    assert total == len({r.ref.id for r in records}) > 200
    assert [int(r.ref.id) for r in records] == sorted(int(r.ref.id) for r in records)
    world.mark()
    walk(connector, wanted)
    assert world.calls() == {"list": pages}
    assert pages == -(-total // 100)
    live = {
        id
        for id, record in world.admin("state")["objects"]["contacts"].items()
        if not record.get("archived")
    }
    assert {r.ref.id for r in records} == live
    by_batch = {
        r.ref.id: r.associations for r in connector.read(wanted, [r.ref.id for r in records])
    }
    assert {r.ref.id: r.associations for r in records} == by_batch
    assert world.violations() == []


def test_association_lists_that_are_cut_are_completed_in_one_call(connector, world):
    world.options(inline_association_max=3)
    deal = world.create("deals", dealname="many")
    other = world.create("deals", dealname="none")
    items = [world.create("line_items", name=str(n), price="1", quantity="1") for n in range(8)]
    for item in items:
        world.associate("deals", deal, "line_items", item)
    wanted = Selection("deals", ("dealname",), ("line_items",))
    connector.list(wanted, None, 100)
    world.mark()
    page = connector.list(wanted, None, 100)
    found = {r.ref.id: r.associations["line_items"] for r in page.records}
    assert found == {deal: tuple(items), other: ()}
    assert world.calls() == {"list": 1, "associations": 1}


def test_a_property_list_too_long_for_a_url_is_batch_read(connector, world):
    names = [f"a_rather_long_property_name_{n:04d}_{'x' * 40}" for n in range(120)]
    for name in names:
        world.mutate(
            "deals",
            "add_property",
            name=name,
            label=name,
            type="string",
            fieldType="text",
            groupName="dealinformation",
        )
    id = world.create("deals", dealname="wide", **{names[7]: "seven"})
    wide = Selection("deals", ("dealname", *names))
    world.mark()
    (listed,) = connector.list(wide, None, 100).records
    assert world.calls() == {"properties": 1, "list": 1, "read": 1}
    world.mark()
    page = connector.changes(
        wide, connector.first_cursor(wide, datetime(2000, 1, 1, tzinfo=UTC)), 200
    )
    assert world.calls() == {"search": 1, "read": 1}
    (found,) = connector.search(wide, [{"dealname": "WIDE"}])
    for record in (listed, *page.records, *found):
        assert (record.ref.id, record.get(names[7])) == (id, "seven")
    assert world.violations() == []


def test_since_leaves_out_what_is_older(connector, world):
    world.create("deals", dealname="old")
    world.shift(3600)
    new = world.create("deals", dealname="new")
    since = world.simulator.clock.now() - timedelta(minutes=1)
    records, _ = walk(connector, Selection("deals", ("dealname",)), since=since)
    assert [r.ref.id for r in records] == [new]


def test_children_and_parents(connector, world):
    one, two, bare = (world.create("deals", dealname=n) for n in ("one", "two", "bare"))
    items = [world.create("line_items", name=f"i{n}", price="5", quantity="2") for n in range(4)]
    for deal, item in ((one, items[0]), (one, items[1]), (two, items[2]), (two, items[3])):
        world.associate("deals", deal, "line_items", item)
    world.mutate("line_items", "archive", items[3])
    wanted = Selection("line_items", ("name", "price"))
    connector.read(wanted, items[:1])
    world.mark()
    held = connector.children(wanted, "deals", [one, two, bare])
    assert world.calls() == {"associations": 1, "read": 1}
    assert {id: [r.get("name") for r in records] for id, records in held.items()} == {
        one: ["i0", "i1"],
        two: ["i2"],
        bare: [],
    }
    assert connector.parents("line_items", [*items[:3], "12"], "deals") == {
        items[0]: (one,),
        items[1]: (one,),
        items[2]: (two,),
        "12": (),
    }
    assert world.violations() == []


def test_lookups_do_not_lag_and_do_not_search(connector, world):
    world.options(index_delay_seconds=3600)
    id = world.create("contacts", email="Ada@Example.com", firstname="Ada")
    wanted = Selection("contacts", ("firstname",))
    connector.lookup(wanted, [])
    asked = [
        Identity("email", "ada@example.com"),
        Identity("email", "nobody@example.com"),
        Identity("email", "ADA@example.com"),
        Identity("email", ""),
    ]
    answers = connector.lookup(wanted, asked)
    assert [type(a) for a in answers] == [Found, Absent, Found, Absent]
    assert answers[0].record.ref.id == id
    assert answers[0].record.fields == {"firstname": "Ada"}
    world.mark()
    connector.lookup(wanted, [Identity("email", f"n{n}@example.com") for n in range(150)])
    assert world.calls() == {"read": 2}


def test_search_sees_ambiguity_and_tells_the_queries_apart(connector, world):
    for name in ("one", "two", "three"):
        world.create("companies", name=name, domain="acme.example")
    lone = world.create("companies", name="Lone", domain="Lone.example", city="Oslo")
    wanted = Selection("companies", ("domain", "name"))
    connector.describe("companies")
    world.mark()
    queries = [
        {"domain": "ACME.example"},
        {"domain": "lone.EXAMPLE"},
        {"domain": "none.example"},
        {"domain": " "},
    ]
    acme, found, none, blank = connector.search(wanted, queries, 2)
    assert world.calls() == {"search": 1}
    assert [r.get("name") for r in acme] == ["one", "two"]
    assert [r.ref.id for r in found] == [lone]
    assert none == blank == ()
    ((both,), ()) = connector.search(
        wanted, [{"name": "lone", "city": "oslo"}, {"name": "lone", "city": "rome"}]
    )
    assert both.ref.id == lone
    assert world.violations() == []


def test_search_by_the_records_own_id(connector, world):
    id = world.create("companies", name="x")
    wanted = Selection("companies", ("name",))
    found = connector.search(wanted, [{"hs_object_id": id}, {"hs_object_id": "77"}])
    assert [[r.ref.id for r in records] for records in found] == [[id], []]
    assert isinstance(connector.lookup(wanted, [Identity("hs_object_id", "x/y")])[0], Absent)


def test_search_by_email_is_a_batch_read(connector, world):
    ids = [world.create("contacts", email=f"c{n}@example.com") for n in range(120)]
    wanted = Selection("contacts", ("email",))
    connector.describe("contacts")
    world.mark()
    found = connector.search(wanted, [{"email": f"C{n}@example.com"} for n in range(121)])
    assert [r[0].ref.id for r in found[:-1]] == ids
    assert found[-1] == ()
    assert world.calls() == {"read": 2}


@pytest.mark.parametrize(
    "value", ['"', "\\", "'; drop", "*", "%", "a,b;c", "🚀", "x\u2028y", "null"]
)
def test_a_searched_value_stays_a_value(connector, world, value):
    mine = world.create("companies", name=value)
    world.create("companies", name="other")
    (found,) = connector.search(Selection("companies", ("name",)), [{"name": value}])
    assert [r.ref.id for r in found] == [mine]


def test_custom_objects_by_name(connector, world):
    properties = [
        {"name": "mileage", "type": "number", "field": "number"},
        {"name": "plate", "type": "string", "field": "text"},
    ]
    world.admin("load", {"custom_objects": [{"name": "cars", "properties": properties}]})
    car = world.create("cars", plate="RX-1", mileage="12.5")
    owner = world.create("contacts", email="driver@example.com")
    world.associate("cars", car, "contacts", owner)
    wanted = Selection("cars", ("mileage", "plate"), ("contacts",))
    start = connector.first_cursor(wanted, datetime(2000, 1, 1, tzinfo=UTC))
    (found,) = connector.search(wanted, [{"plate": "rx-1"}])
    pages = (connector.list(wanted, None, 10), connector.changes(wanted, start, 10))
    for record in (*found, *(r for page in pages for r in page.records)):
        assert record.ref == Ref("cars", car)
        assert record.fields == {"mileage": Decimal("12.5"), "plate": "RX-1"}
        assert record.associations == {"contacts": (owner,)}
    people = Selection("contacts", ("email",), ("cars",))
    assert connector.list(people, None, 10).records[0].associations == {"cars": (car,)}
    assert world.violations() == []
    with pytest.raises(Rejected):
        connector.describe("no_such_object")
    with pytest.raises(Rejected):
        connector.read(Selection("no/such", ("a",)), ["1"])


@pytest.mark.parametrize(
    ("fault", "kind"),
    [
        ({"action": "status", "status": 429}, RateLimited),
        ({"action": "status", "status": 477}, RateLimited),
        ({"action": "status", "status": 423}, RetryLater),
        ({"action": "status", "status": 503, "body": "<html>"}, RetryLater),
        ({"action": "reset"}, RetryLater),
        ({"action": "truncate", "at": 10}, RetryLater),
    ],
)
def test_a_read_that_fails_says_what_is_next(connector, world, deals, fault, kind):
    id = world.create("deals", dealname="x")
    connector.describe("deals")
    world.fault(match={"path": "/batch/read"}, **fault)
    world.mark()
    with pytest.raises(kind):
        connector.read(deals, [id])
    assert len(connector.read(deals, [id])) == 1  # one attempt failed, nothing else happened


def test_the_search_limit_is_its_own(connector, world):
    world.options(rate_scale=1)
    world.admin("clock", {"freeze": True})
    wanted = Selection("companies", ("name",))
    for _ in range(5):
        connector.search(wanted, [{"name": "x"}])
    with pytest.raises(RateLimited) as caught:
        connector.search(wanted, [{"name": "x"}])
    assert caught.value.limit_class == "search"
    assert caught.value.wait == timedelta(seconds=1)
    connector.list(wanted, None, 10)  # other calls go on
    world.shift(1)
    connector.search(wanted, [{"name": "x"}])


def test_a_missing_scope_is_named(connector, world, deals):
    world.options(missing_scopes=["crm.objects.deals.read"])
    with pytest.raises(AccessDenied, match=r"crm\.objects\.deals\.read"):
        connector.list(deals, None, 10)


def test_a_wrong_token_pauses_and_is_not_shown(world, wiring):
    from connectors.hubspot.connector import build

    connector = build({"access_token": "pat-wrong-canary", "base_url": world.url}, wiring)
    with pytest.raises(AuthFailed) as caught:
        connector.check()
    assert "canary" not in str(caught.value) + repr(caught.value) + repr(connector)
    connector.close()


def test_calls_are_observed_by_their_limit_class(connector, world, deals):
    id = world.create("deals", dealname="x")
    connector.changes(
        Selection("deals", ("amount",), ("contacts",)),
        connector.first_cursor(deals, datetime(2000, 1, 1, tzinfo=UTC)),
        10,
    )
    connector.read(deals, [id])
    assert [call.limit_class for call in world.observed] == [
        "burst",
        "search",
        "associations",
        "burst",
    ]


def test_every_limit_class_names_the_operations_it_counts(connector, world, deals):
    """What a call counts against, as the transport saw it, holds exactly such calls back."""
    id = world.create("deals", dealname="x")
    connector.describe("deals")  # definitions are read once, with whatever comes first
    named = Selection("deals", ("amount",), ("contacts",))
    since = connector.first_cursor(deals, datetime(2000, 1, 1, tzinfo=UTC))
    calls = {
        ("changes",): lambda: connector.changes(deals, since, 10),
        ("changes", "associations"): lambda: connector.changes(named, since, 10),
        ("search",): lambda: connector.search(deals, [{"dealname": "x"}]),
        ("read",): lambda: connector.read(deals, [id]),
        ("list",): lambda: connector.list(deals, None, 10),
        ("removed",): lambda: connector.removed(deals, None, 10),
        ("parents",): lambda: connector.parents("line_items", ["1"], "deals"),
        ("lookup",): lambda: connector.lookup(deals, [Identity("hs_object_id", id)]),
    }
    for operations, call in calls.items():
        before = len(world.observed)
        call()
        seen = {one.limit_class for one in world.observed[before:]}
        assert seen, operations
        for limit_class in seen:
            assert connector.spec.holds_back(limit_class, operations), (operations, limit_class)
    assert not connector.spec.holds_back("search", ("read", "list", "apply", "associations"))
    assert not connector.spec.holds_back("burst", ("search", "changes"))
    assert not connector.spec.holds_back("search", ())
    assert connector.spec.holds_back("daily", ())
    assert connector.spec.holds_back("a class nobody declared", ("search",))
