"""The connector against a simulated org, over HTTP: every capability, call by call."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
import requests
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from connectors.base import (
    Children,
    Confirmed,
    Connector,
    Describes,
    Failed,
    Lists,
    Parents,
    Polls,
    Removals,
    Resolves,
    Searches,
    SetsUp,
    SetupKind,
    SetupNeed,
    Wiring,
    Writes,
)
from connectors.errors import (
    AuthFailed,
    DuplicateFound,
    Gone,
    OutcomeUnknown,
    QuotaSpent,
    Rejected,
    RetryLater,
)
from connectors.records import (
    Absent,
    Change,
    Found,
    Identity,
    Life,
    Operation,
    Record,
    Ref,
    Selection,
)
from connectors.salesforce.connector import Salesforce, build
from sandbox.salesforce.simulator import CLIENT_ID, CLIENT_SECRET, SalesforceSimulator
from sandbox.server import serve
from sandbox.simulator import Mutation

ACCOUNTS = Selection("Account", ("Name", "Website"))
MISSING = "001000000000ZZZAA2"


class World:
    """The org behind the connector's back."""

    def __init__(self, simulator: SalesforceSimulator, url: str) -> None:
        self.simulator = simulator
        self.url = url
        self.start = simulator.now()

    def do(self, object: str, word: str, id: str | None = None, **fields: Any) -> Any:
        with self.simulator.lock:
            return self.simulator.mutate(Mutation(object, word, id, fields))

    def create(self, object: str, **fields: Any) -> str:
        id: str = self.do(object, "create", **fields)["Id"]
        return id

    def admin(self, name: str, **body: Any) -> None:
        answer = requests.post(f"{self.url}/__admin/{name}", json=body, timeout=20)
        assert answer.ok, answer.text

    def asked(self) -> list[str]:
        """The calls so far, in order: method and resource."""
        entries = list(self.simulator.journal.entries)
        names = (f"{entry.request.method} {entry.template}" for entry in entries)
        return [name.replace("/services/data/{version}", "") for name in names]

    def calls(self) -> dict[str, int]:
        """How many data calls of each kind, describes and tokens apart."""
        return dict(
            Counter(name for name in self.asked() if not name.endswith(("describe", "token")))
        )

    def described(self) -> int:
        return sum(name.endswith("describe") for name in self.asked())

    def tokens(self) -> int:
        return sum(name.endswith("token") for name in self.asked())

    def shift(self, **by: int) -> None:
        self.simulator.clock.shift(timedelta(**by))


@pytest.fixture
def world() -> Iterator[World]:
    simulator = SalesforceSimulator(seed=7)
    simulator.add_external_id()
    with serve([simulator]) as running:
        world = World(simulator, running.urls["salesforce"])
        yield world
        assert simulator.journal.violations == []


@pytest.fixture
def salesforce(world: World) -> Salesforce:
    return connect(world)


def connect(world: World, **more: str) -> Salesforce:
    settings = {"login_url": world.url, "client_id": CLIENT_ID, "client_secret": CLIENT_SECRET}
    wiring = Wiring(now=world.simulator.now, observe=lambda call: None, allow_loopback=True)
    return build(settings | more, wiring)


def upsert(source: str, object: str = "Account", **fields: Any) -> Change:
    return Change(
        key=source,
        operation=Operation.UPSERT,
        object=object,
        fields=fields,
        identity=Identity("Revline_Id__c", f"revline-x-{source}"),
    )


def change(operation: Operation, id: str, object: str = "Account", **fields: Any) -> Change:
    return Change(key="k", operation=operation, object=object, fields=fields, id=id)


def confirmed(outcome: object) -> Confirmed:
    assert isinstance(outcome, Confirmed), outcome
    return outcome


def error(outcome: object) -> Exception:
    assert isinstance(outcome, Failed), outcome
    return outcome.error


# -- who ---------------------------------------------------------------------------------------


def test_what_it_is(salesforce: Salesforce) -> None:
    for protocol in (
        Connector,
        Describes,
        Polls,
        Lists,
        Removals,
        Searches,
        Parents,
        Children,
        Resolves,
        Writes,
        SetsUp,
    ):
        assert isinstance(salesforce, protocol)


def test_the_account(world: World, salesforce: Salesforce) -> None:
    account = salesforce.check()
    assert account.id == world.simulator.sessions.org_id
    assert (account.name, account.environment) == ("Revline Sandbox Org", "sandbox")
    assert world.calls() == {"GET /query": 1}
    assert salesforce.usage() == (1, 100_000)


def test_a_key_pair(world: World) -> None:
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    public = key.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    private = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    world.admin("apps", client_id="pair", public_key=public.decode())
    settings = {
        "auth": "jwt",
        "client_id": "pair",
        "username": "integration@revline.example",
        "private_key": private.decode(),
    }
    assert connect(world, **settings).check().environment == "sandbox"
    other = rsa.generate_private_key(public_exponent=65537, key_size=2048).private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    with pytest.raises(AuthFailed):
        connect(world, **settings | {"private_key": other.decode()}).check()


def test_a_wrong_secret(world: World) -> None:
    with pytest.raises(AuthFailed) as caught:
        connect(world, client_secret="wrong-secret").check()
    assert "wrong-secret" not in str(caught.value)


def test_a_session_that_ran_out(world: World, salesforce: Salesforce) -> None:
    salesforce.check()
    world.shift(hours=3)
    salesforce.check()
    assert world.tokens() == 2


def test_the_daily_limit(world: World, salesforce: Salesforce) -> None:
    salesforce.check()
    world.admin("options", daily_limit=1)
    with pytest.raises(QuotaSpent):
        salesforce.check()
    assert isinstance(error(salesforce.apply([upsert("1", Name="x")])[0]), QuotaSpent)


# -- reading -----------------------------------------------------------------------------------


def test_reading_in_the_order_asked(world: World, salesforce: Salesforce) -> None:
    ids = [world.create("Account", Name=f"A{number}") for number in range(3)]
    world.do("Account", "delete", ids[1])
    world.do("Account", "erase", world_id := world.create("Account", Name="erased"))
    asked = [ids[2], MISSING, ids[0][:15], ids[1], "//evil/x", world_id, ids[2]]
    records = salesforce.read(ACCOUNTS, asked)
    assert [record.fields.get("Name") for record in records] == [
        "A2",
        None,
        "A0",
        None,
        None,
        None,
        "A2",
    ]
    assert [record.life for record in records] == [
        Life.LIVE,
        Life.DELETED,
        Life.LIVE,
        Life.DELETED,
        Life.DELETED,
        Life.DELETED,
        Life.LIVE,
    ]
    assert records[2].ref == Ref("Account", ids[0])
    assert world.calls() == {"GET /queryAll": 1}
    assert world.described() == 1


def test_reading_many_takes_a_call_per_400(world: World, salesforce: Salesforce) -> None:
    names = [f"A{number}" for number in range(801)]
    world.simulator.load({"objects": {"Account": [{"Name": name} for name in names]}})
    ids = sorted(world.simulator.org.table("Account").rows)
    records = salesforce.read(ACCOUNTS, ids)
    assert [record.ref.id for record in records] == ids
    assert {record.fields["Name"] for record in records} == set(names)
    assert world.calls() == {"GET /queryAll": 3}
    assert salesforce.read(ACCOUNTS, []) == ()


def test_types_and_parents_over_the_wire(world: World, salesforce: Salesforce) -> None:
    world.do("Account", "add_field", name="Fee__c", line="currency 18,2")
    account = world.create("Account", Name="Åcme 'n' \"Co\" \\ 東京", Fee__c=12.5)
    deal = world.create(
        "Opportunity",
        Name="Deal",
        AccountId=account,
        StageName="Prospecting",
        CloseDate="2026-02-28",
        Amount=0.1,
    )
    (record,) = salesforce.read(
        Selection(
            "Opportunity",
            (
                "Account.Fee__c",
                "Account.Name",
                "AccountId",
                "Amount",
                "CloseDate",
                "IsClosed",
                "NextStep",
                "Owner.Email",
                "StageName",
            ),
        ),
        [deal],
    )
    assert dict(record.fields) == {
        "Account.Fee__c": Decimal("12.5"),
        "Account.Name": "Åcme 'n' \"Co\" \\ 東京",
        "AccountId": account,
        "Amount": Decimal("0.1"),
        "CloseDate": date(2026, 2, 28),
        "IsClosed": False,
        "NextStep": None,
        "Owner.Email": "integration@revline.example",
        "StageName": "Prospecting",
    }
    assert record.version is not None
    assert record.version.tzinfo is UTC


def test_amounts_go_out_and_come_back_exact(world: World, salesforce: Salesforce) -> None:
    world.do("Account", "add_field", name="Fee__c", line="currency 18,2")
    amount = Decimal("1234567890123456.78")
    (outcome,) = salesforce.apply([upsert("1", Name="x", Fee__c=amount)])
    selection = Selection("Account", ("Fee__c",))
    (record,) = salesforce.read(selection, [confirmed(outcome).id])
    assert record.fields["Fee__c"] == amount


def test_an_unknown_field_or_object(world: World, salesforce: Salesforce) -> None:
    with pytest.raises(Rejected) as caught:
        salesforce.read(Selection("Account", ("Nope__c",)), [MISSING])
    assert "Nope__c" in caught.value.field_errors
    with pytest.raises(Rejected):
        salesforce.describe("Nope__c")
    with pytest.raises(Rejected):
        salesforce.read(Selection("Account", ("Name",), ("Contact",)), [MISSING])


def test_a_field_that_disappears_is_noticed(world: World, salesforce: Salesforce) -> None:
    world.do("Account", "add_field", name="Tier__c", line="string 20")
    id = world.create("Account", Name="x", Tier__c="gold")
    selection = Selection("Account", ("Tier__c",))
    assert salesforce.read(selection, [id])[0].fields["Tier__c"] == "gold"
    world.do("Account", "drop_field", name="Tier__c")
    with pytest.raises(Rejected):
        salesforce.read(selection, [id])
    world.do("Account", "add_field", name="Tier__c", line="double 18,2")
    world.do("Account", "update", id, Tier__c=5)
    assert salesforce.read(selection, [id])[0].fields["Tier__c"] == Decimal(5)


# -- following ---------------------------------------------------------------------------------


def sweep(
    salesforce: Salesforce, selection: Selection, cursor: str, limit: int = 2000
) -> tuple[list[Record], str]:
    records: list[Record] = []
    for _ in range(100):
        page = salesforce.changes(selection, cursor, limit)
        assert len(page.records) <= limit
        records += page.records
        cursor = page.cursor
        if page.at_head:
            return records, cursor
    raise AssertionError("never at the head")


def test_changes_with_ties_over_page_borders(world: World, salesforce: Salesforce) -> None:
    world.simulator.clock.freeze()
    ids = [world.create("Account", Name=f"A{number}") for number in range(10)]
    cursor = salesforce.first_cursor(ACCOUNTS, world.start)
    records, cursor = sweep(salesforce, ACCOUNTS, cursor, 3)
    assert sorted(record.ref.id for record in records) == sorted(ids)
    assert world.calls() == {"GET /queryAll": 4}
    world.shift(minutes=10)
    world.do("Account", "update", ids[4], Name="new")
    records, _ = sweep(connect(world), ACCOUNTS, cursor)
    assert [r.fields["Name"] for r in records if r.ref.id == ids[4]] == ["new"]


def test_a_page_that_is_exactly_full_costs_no_further_call(
    world: World, salesforce: Salesforce
) -> None:
    for number in range(4):
        world.create("Account", Name=f"A{number}")
    page = salesforce.changes(ACCOUNTS, salesforce.first_cursor(ACCOUNTS, world.start), 4)
    assert page.at_head
    walked = salesforce.list(ACCOUNTS, None, 4)
    assert walked.at_head
    assert world.calls() == {"GET /queryAll": 1, "GET /query": 1}


def test_a_row_that_becomes_visible_late(world: World, salesforce: Salesforce) -> None:
    world.shift(minutes=30)
    world.create("Account", Name="first")
    cursor = salesforce.first_cursor(ACCOUNTS, world.start)
    cursor = sweep(salesforce, ACCOUNTS, cursor)[1]
    stamp = (world.simulator.now() - timedelta(minutes=4)).strftime("%Y-%m-%dT%H:%M:%S.000+0000")
    late = world.create("Account", Name="late", SystemModstamp=stamp)
    records, _ = sweep(salesforce, ACCOUNTS, cursor)
    assert late in {record.ref.id for record in records}


def test_deleted_merged_and_converted(world: World, salesforce: Salesforce) -> None:
    deleted = world.create("Account", Name="deleted")
    loser = world.create("Account", Name="loser")
    winner = world.create("Account", Name="winner")
    lead = world.create("Lead", LastName="Lead", Company="Co", Email="lead@co.example")
    world.do("Account", "delete", deleted)
    world.do("Account", "merge", winner, loser=loser)
    converted = world.do("Lead", "convert", lead, opportunity=True)
    by_id = {
        record.ref.id: record
        for record in sweep(salesforce, ACCOUNTS, salesforce.first_cursor(ACCOUNTS, world.start))[0]
    }
    assert by_id[deleted].life is Life.DELETED
    assert not by_id[deleted].fields
    assert by_id[loser].life is Life.MERGED
    assert by_id[loser].successor == Ref("Account", winner)
    assert by_id[winner].life is Life.LIVE
    leads = Selection("Lead", ("Email",))
    for record in (
        sweep(salesforce, leads, salesforce.first_cursor(leads, world.start))[0][0],
        salesforce.read(leads, [lead])[0],
    ):
        assert record.life is Life.CONVERTED
        assert record.successor == Ref("Contact", converted["ConvertedContactId"])
        assert dict(record.edges) == {
            "account": Ref("Account", converted["ConvertedAccountId"]),
            "opportunity": Ref("Opportunity", converted["ConvertedOpportunityId"]),
        }
        assert record.fields["Email"] == "lead@co.example"
    assert salesforce.read(ACCOUNTS, [loser])[0].successor == Ref("Account", winner)
    assert salesforce.list(leads, None, 10).records == ()
    assert salesforce.search(leads, [{"Email": "lead@co.example"}]) == ((),)
    (outcome,) = salesforce.apply([change(Operation.UPDATE, lead, "Lead", Company="New")])
    assert isinstance(error(outcome), Gone)


def test_walking_through_all(world: World, salesforce: Salesforce) -> None:
    ids = sorted(world.create("Account", Name=f"A{number}") for number in range(7))
    world.do("Account", "delete", ids[3])
    seen: list[str] = []
    cursor, at_head = None, False
    while not at_head:
        page = salesforce.list(ACCOUNTS, cursor, 2)
        seen += [record.ref.id for record in page.records]
        cursor, at_head = page.cursor, page.at_head
    assert seen == [id for id in ids if id != ids[3]]
    assert world.calls() == {"GET /query": 3}
    world.shift(minutes=5)
    newest = world.create("Account", Name="newest")
    page = salesforce.list(ACCOUNTS, None, 2000, world.simulator.now() - timedelta(minutes=1))
    assert [record.ref.id for record in page.records] == [newest]


def test_a_backfill_of_5000_takes_three_pages(world: World, salesforce: Salesforce) -> None:
    rows = [{"Name": f"A{number}"} for number in range(5000)]
    world.simulator.load({"objects": {"Account": rows}})
    count, cursor, at_head = 0, None, False
    while not at_head:
        page = salesforce.list(ACCOUNTS, cursor, 2000)
        count, cursor, at_head = count + len(page.records), page.cursor, page.at_head
    assert count == 5000
    assert world.calls() == {"GET /query": 3}


def test_the_deleted_feed(world: World, salesforce: Salesforce) -> None:
    names = ("binned", "erased", "restored", "loser", "winner")
    ids = {name: world.create("Account", Name=name) for name in names}
    for name in ("binned", "erased", "restored"):
        world.do("Account", "delete", ids[name])
    world.do("Account", "erase", ids["erased"])
    world.do("Account", "merge", ids["winner"], loser=ids["loser"])
    world.shift(minutes=2)
    page = salesforce.removed(ACCOUNTS, None, 100)
    lives = {record.ref.id: record for record in page.records}
    assert lives[ids["erased"]].life is Life.DELETED
    assert lives[ids["loser"]].successor == Ref("Account", ids["winner"])
    assert ids["winner"] not in lives
    assert not any(record.fields for record in page.records)
    assert page.at_head
    world.do("Account", "delete", ids["winner"])
    world.shift(minutes=2)
    later = salesforce.removed(ACCOUNTS, page.cursor, 100)
    assert ids["winner"] in {record.ref.id for record in later.records}
    assert ids["binned"] not in {record.ref.id for record in later.records}


def test_the_deleted_feed_page_by_page(world: World, salesforce: Salesforce) -> None:
    ids = [world.create("Account", Name=f"A{number}") for number in range(5)]
    for id in ids:
        world.do("Account", "delete", id)
    world.shift(minutes=2)
    seen: list[str] = []
    cursor, at_head = None, False
    while not at_head:
        page = salesforce.removed(ACCOUNTS, cursor, 2)
        seen += [record.ref.id for record in page.records]
        cursor, at_head = page.cursor, page.at_head
    assert sorted(seen) == sorted(ids)


# -- finding -----------------------------------------------------------------------------------


def test_searching_by_mail(world: World, salesforce: Salesforce) -> None:
    naughty = "o'brien+%_\\@x.example"
    one = world.create("Contact", LastName="One", Email="One@X.example")
    two = [world.create("Contact", LastName="Two", Email="two@x.example") for _ in range(7)]
    three = world.create("Contact", LastName="Three", Email=naughty.replace("\\", ""))
    gone = world.create("Contact", LastName="Gone", Email="gone@x.example")
    world.do("Contact", "delete", gone)
    found = salesforce.search(
        Selection("Contact", ("LastName",)),
        [
            {"Email": "two@x.example"},
            {"Email": "ONE@x.example"},
            {"Email": "nobody@x.example"},
            {"Email": "' OR Name != '"},
            {"Email": "gone@x.example"},
            {"Email": naughty.replace("\\", "")},
            {"Email": "two@x.example"},
        ],
    )
    assert [[record.ref.id for record in records] for records in found] == [
        sorted(two)[:5],
        [one],
        [],
        [],
        [],
        [three],
        sorted(two)[:5],
    ]
    assert set(found[0][0].fields) == {"LastName"}
    assert world.calls() == {"GET /query": 1}


def test_searching_by_several_fields(world: World, salesforce: Salesforce) -> None:
    account = world.create("Account", Name="A")
    right = world.create("Contact", LastName="Doe", FirstName="Ada", AccountId=account)
    world.create("Contact", LastName="Doe", FirstName="Bob", AccountId=account)
    found = salesforce.search(
        Selection("Contact", ()),
        [
            {"LastName": "doe", "FirstName": "ADA", "AccountId": account[:15]},
            {"LastName": "doe", "FirstName": "Cy", "AccountId": account},
            {"LastName": "doe", "FirstName": "Bob", "AccountId": "not an id"},
        ],
    )
    assert [[record.ref.id for record in records] for records in found] == [[right], [], []]


@pytest.mark.parametrize(
    "stored",
    ["acme.example", "www.acme.example", "https://www.Acme.example/", "http://acme.example"],
)
def test_searching_by_domain(world: World, salesforce: Salesforce, stored: str) -> None:
    id = world.create("Account", Name="A", Website=stored)
    world.create("Account", Name="B", Website="notacme.example")
    queries = [{"Website": f"other{number}.example"} for number in range(34)]
    found = salesforce.search(ACCOUNTS, [*queries, {"Website": "acme.example"}])
    assert [[record.ref.id for record in records] for records in found] == [[]] * 34 + [[id]]
    assert world.calls() == {"GET /query": 1}


def test_a_hot_value_does_not_hide_the_others(world: World, salesforce: Salesforce) -> None:
    rows = [{"LastName": "Hot", "Email": "hot@x.example"} for _ in range(2100)]
    world.simulator.load({"objects": {"Contact": rows}})
    cold = world.create("Contact", LastName="Cold", Email="cold@x.example")
    found = salesforce.search(
        Selection("Contact", ("Email",)), [{"Email": "hot@x.example"}, {"Email": "cold@x.example"}]
    )
    assert len(found[0]) == 5
    assert [record.ref.id for record in found[1]] == [cold]
    assert world.calls() == {"GET /query": 2}


def test_a_hundred_addresses_in_one_call(world: World, salesforce: Salesforce) -> None:
    queries = [{"Email": f"someone.with.a.long.name.{n}@corporation.example"} for n in range(250)]
    salesforce.search(Selection("Contact", ()), queries)
    assert world.calls() == {"GET /query": 3}


def test_looking_up_identities(world: World, salesforce: Salesforce) -> None:
    outcomes = salesforce.apply([upsert(str(number), Name=f"A{number}") for number in range(3)])
    ids = [confirmed(outcome).id for outcome in outcomes]
    world.do("Account", "delete", ids[2])
    answers = salesforce.lookup(
        ACCOUNTS,
        [
            Identity("Revline_Id__c", "revline-x-1"),
            Identity("Revline_Id__c", "nothing"),
            Identity("Revline_Id__c", "revline-x-0"),
            Identity("Revline_Id__c", "revline-x-2"),
        ],
    )
    assert [getattr(getattr(one, "record", None), "ref", None) for one in answers] == [
        Ref("Account", ids[1]),
        None,
        Ref("Account", ids[0]),
        None,
    ]
    assert isinstance(answers[1], Absent)
    assert isinstance(answers[0], Found)
    assert set(answers[0].record.fields) == {"Name", "Website"}
    assert world.calls()["GET /query"] == 1


def test_an_identity_that_several_records_hold(world: World, salesforce: Salesforce) -> None:
    world.do("Account", "add_field", name="Old__c", line="string 20 external_id")
    ids = {world.create("Account", Name="A", Old__c="x") for _ in range(2)}
    with pytest.raises(DuplicateFound) as caught:
        salesforce.lookup(ACCOUNTS, [Identity("Old__c", "x")])
    assert {ref.id for ref in caught.value.candidates} == ids
    (outcome,) = salesforce.apply(
        [
            Change(
                key="k",
                operation=Operation.UPSERT,
                object="Account",
                fields={"Name": "B"},
                identity=Identity("Old__c", "x"),
            )
        ]
    )
    assert isinstance(error(outcome), DuplicateFound)


def test_children_and_parents(world: World, salesforce: Salesforce) -> None:
    accounts = [world.create("Account", Name=f"A{number}") for number in range(3)]
    contacts = [
        world.create("Contact", LastName=f"C{number}", AccountId=accounts[number % 2])
        for number in range(4)
    ]
    lonely = world.create("Contact", LastName="Lonely")
    world.do("Contact", "delete", contacts[3])
    asked = [accounts[2], accounts[0][:15], accounts[1], MISSING]
    children = salesforce.children(Selection("Contact", ("LastName",)), "Account", asked)
    assert {
        root: [record.fields["LastName"] for record in records]
        for root, records in children.items()
    } == {accounts[2]: [], accounts[0][:15]: ["C0", "C2"], accounts[1]: ["C1"], MISSING: []}
    parents = salesforce.parents("Contact", [*contacts, lonely, "003" + MISSING[3:15]], "Account")
    assert [parents[id] for id in contacts] == [
        (accounts[0],),
        (accounts[1],),
        (accounts[0],),
        (accounts[1],),
    ]
    assert parents[lonely] == ()
    assert world.calls() == {"GET /query": 1, "GET /queryAll": 1}


def test_more_children_than_a_page(world: World, salesforce: Salesforce) -> None:
    account = world.create("Account", Name="A")
    rows = [{"LastName": f"C{number}", "AccountId": account} for number in range(2500)]
    world.simulator.load({"objects": {"Contact": rows}})
    children = salesforce.children(Selection("Contact", ("LastName",)), "Account", [account])
    assert len(children[account]) == 2500
    assert world.calls() == {"GET /query": 1, "GET /query/{locator}": 1}


# -- writing -----------------------------------------------------------------------------------


def counts(world: World, object: str = "Account") -> dict[str, Any]:
    return dict(world.simulator.grouped_counts().get(object, {}))


def test_upserting_twice_makes_one_record(world: World, salesforce: Salesforce) -> None:
    changes = [upsert(str(number), Name=f"A{number}") for number in range(200)]
    first = [confirmed(outcome) for outcome in salesforce.apply(changes)]
    again = [confirmed(outcome) for outcome in salesforce.apply(changes)]
    assert [one.id for one in first] == [one.id for one in again]
    assert {one.created for one in first} == {True}
    assert {one.created for one in again} == {False}
    assert all(len(one["ids"]) == 1 and one["creates"] == 1 for one in counts(world).values())
    assert world.calls() == {"PATCH /composite/sobjects/{object}/{field}": 2}


def test_create_update_clear_delete(world: World, salesforce: Salesforce) -> None:
    create = Change(
        key="k",
        operation=Operation.CREATE,
        object="Account",
        fields={"Name": "New", "Website": "a.example"},
        identity=Identity("Revline_Id__c", "revline-x-1"),
    )
    made = confirmed(salesforce.apply([create])[0])
    assert made.created is True
    salesforce.apply([change(Operation.UPDATE, made.id, Website=None)])
    (record,) = salesforce.read(ACCOUNTS, [made.id])
    assert dict(record.fields) == {"Name": "New", "Website": None}
    duplicate = error(salesforce.apply([create])[0])
    assert isinstance(duplicate, DuplicateFound)
    assert duplicate.candidates == (Ref("Account", made.id),)
    assert confirmed(salesforce.apply([change(Operation.DELETE, made.id)])[0]).id == made.id
    assert salesforce.read(ACCOUNTS, [made.id])[0].life is Life.DELETED
    for operation in (Operation.UPDATE, Operation.DELETE):
        for id in (made.id, MISSING):
            assert isinstance(error(salesforce.apply([change(operation, id)])[0]), Gone)


def test_one_bad_record_of_a_hundred(world: World, salesforce: Salesforce) -> None:
    changes = [upsert(str(number), Name=f"A{number}") for number in range(100)]
    changes[41] = upsert("41", Name="x" * 300)
    outcomes = salesforce.apply(changes)
    assert [number for number, one in enumerate(outcomes) if isinstance(one, Failed)] == [41]
    refused = error(outcomes[41])
    assert isinstance(refused, Rejected)
    assert refused.field_errors.keys() == {"Name"}
    assert len(counts(world)) == 99


def test_a_locked_row_is_tried_later(world: World, salesforce: Salesforce) -> None:
    account = world.create("Account", Name="A")
    world.admin("row_locks", id=account, times=1)
    changes = [
        upsert("1", "Contact", LastName="One", AccountId=account),
        upsert("2", "Contact", LastName="Two"),
    ]
    locked, free = salesforce.apply(changes)
    assert type(error(locked)) is RetryLater
    confirmed(free)
    confirmed(salesforce.apply(changes[:1])[0])


def test_a_duplicate_rule(world: World, salesforce: Salesforce) -> None:
    known = world.create("Contact", LastName="Known", Email="a@x.example")
    world.admin("duplicate_rules", object="Contact", fields=["Email"])
    (outcome,) = salesforce.apply([upsert("1", "Contact", LastName="New", Email="A@x.example")])
    refused = error(outcome)
    assert isinstance(refused, DuplicateFound)
    assert refused.candidates == (Ref("Contact", known),)


def test_an_answer_that_is_lost_is_looked_up(world: World, salesforce: Salesforce) -> None:
    salesforce.check()
    match = {"method": "PATCH", "path": "/composite/sobjects"}
    world.admin("faults", match=match, phase="after", action="reset", times=1)
    changes = [upsert(str(number), Name=f"A{number}") for number in range(3)]
    outcomes = salesforce.apply(changes)
    assert all(isinstance(error(outcome), OutcomeUnknown) for outcome in outcomes)
    identities = [one.identity for one in changes if one.identity is not None]
    assert all(isinstance(one, Found) for one in salesforce.lookup(ACCOUNTS, identities))
    assert all(confirmed(outcome).created is False for outcome in salesforce.apply(changes))
    assert all(one["creates"] == 1 for one in counts(world).values())


# -- setting up --------------------------------------------------------------------------------


def test_setting_up_the_identity_field(world: World, salesforce: Salesforce) -> None:
    needs = [
        SetupNeed(SetupKind.IDENTITY_FIELD, "Campaign", "Revline_Id__c"),
        SetupNeed(SetupKind.IDENTITY_FIELD, "Account", "Revline_Id__c"),
        SetupNeed(SetupKind.PERMISSION, "Account", "edit"),
    ]
    before = salesforce.inspect(needs)
    assert [step.present for step in before] == [False, True, None]
    assert [step.creatable for step in before] == [True, True, False]
    assert all(step.instructions for step in before)
    salesforce.create(needs[0])
    salesforce.create(needs[0])
    assert world.calls() == {"POST /tooling/sobjects/CustomField": 1}
    assert salesforce.inspect(needs)[0].present is True
    (outcome,) = salesforce.apply([upsert("1", "Campaign", Name="C")])
    assert confirmed(outcome).created is True
    with pytest.raises(Rejected):
        salesforce.create(needs[2])


def test_the_description(salesforce: Salesforce, world: World) -> None:
    described = salesforce.describe("Opportunity")
    assert described.creatable
    assert described.fields["StageName"].required_on_create
    assert "Prospecting" in described.fields["StageName"].options
    assert described.fields["AccountId"].references == ("Account",)
    assert not described.fields["IsWon"].writable
    salesforce.describe("Opportunity")
    assert world.described() == 1


def test_start_time_is_a_whole_second(world: World, salesforce: Salesforce) -> None:
    since = datetime(2026, 1, 1, 10, 0, 0, 900_000, tzinfo=UTC)
    stamp = "2026-01-01T10:00:00.000+0000"
    id = world.create("Account", Name="x", SystemModstamp=stamp, CreatedDate=stamp)
    page = salesforce.changes(ACCOUNTS, salesforce.first_cursor(ACCOUNTS, since), 10)
    assert [record.ref.id for record in page.records] == [id]
