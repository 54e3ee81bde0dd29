"""The reference connector: its own habits, faults and file mode. Its contract is tested apart."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from random import Random

import pytest

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
    Writes,
)
from connectors.errors import (
    DuplicateFound,
    Gone,
    MayExist,
    OutcomeUnknown,
    RateLimited,
    Rejected,
    RetryLater,
)
from connectors.memory.connector import Memory
from connectors.memory.faults import Fault, FaultKind, FaultPlan, Rule
from connectors.memory.objects import billing_objects, crm_objects, sales_objects
from connectors.memory.system import MemorySystem
from connectors.records import (
    Absent,
    Change,
    Found,
    Identity,
    Life,
    NoticeKind,
    NotYetKnowable,
    Operation,
    Ref,
    Selection,
)

START = datetime(2026, 3, 1, 12, tzinfo=UTC)
CONTACTS = Selection("contacts", ("email", "firstname"), ("companies",))
ACCOUNTS = Selection("Account", ("Name", "Website"))


class Clock:
    def __init__(self) -> None:
        self.now = START

    def __call__(self) -> datetime:
        return self.now

    def advance(self, **step: float) -> None:
        self.now += timedelta(**step)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def crm(clock: Clock) -> MemorySystem:
    return MemorySystem(crm_objects(), clock)


@pytest.fixture
def sales(clock: Clock) -> MemorySystem:
    return MemorySystem(sales_objects(), clock)


def upsert(object: str, key: str, identity: str, **fields: object) -> Change:
    field = "Revline_Id__c" if object[0].isupper() else "revline_id"
    return Change(key, Operation.UPSERT, object, fields, identity=Identity(field, identity))


def test_it_has_every_capability(crm: MemorySystem) -> None:
    memory = Memory(crm)
    for capability in (
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
        assert isinstance(memory, capability)


def test_an_upsert_twice_makes_one_record_and_is_counted(crm: MemorySystem) -> None:
    memory = Memory(crm)
    (first,) = memory.apply([upsert("contacts", "k1", "revline-1", email="A@x.example")])
    (second,) = memory.apply([upsert("contacts", "k1", "revline-1", email="A@x.example")])
    assert isinstance(first, Confirmed)
    assert isinstance(second, Confirmed)
    assert (first.created, second.created, first.id) == (True, False, second.id)
    assert first.fields == {"email": "a@x.example"}
    assert crm.counts()["contacts"] == {
        "revline-1": {
            "creates": 1,
            "changing_updates": 0,
            "unchanged_updates": 1,
            "deletes": 0,
            "ids": [first.id],
        }
    }
    assert crm.violations == ()


def test_an_unkeyed_create_twice_makes_two_records_and_is_held_against_us(
    sales: MemorySystem,
) -> None:
    memory = Memory(sales)
    change = Change("k1", Operation.CREATE, "Account", {"Name": "Acme"})
    outcomes = memory.apply([change]) + memory.apply([change])
    assert len({outcome.id for outcome in outcomes if isinstance(outcome, Confirmed)}) == 2
    assert [violation.code for violation in sales.violations] == ["CREATE_REPEATED"]


def test_an_idempotency_key_answers_again_until_it_expires(clock: Clock) -> None:
    system = MemorySystem(billing_objects(), clock)
    memory = Memory(system)
    fields = {"customer": "c1", "amount": Decimal("10.50"), "currency": "EUR"}
    change = Change("k1", Operation.CREATE, "charges", fields)
    (first,), (again,) = memory.apply([change]), memory.apply([change])
    assert first == again
    (other,) = memory.apply(
        [Change("k1", Operation.CREATE, "charges", {**fields, "customer": "c2"})]
    )
    assert isinstance(other, Failed)
    assert other.error.code == "KEY_REUSED"
    clock.advance(hours=25)
    (late,) = memory.apply([change])
    assert isinstance(late, Confirmed)
    assert isinstance(first, Confirmed)
    assert late.id != first.id


def test_one_bad_record_does_not_spoil_its_batch(crm: MemorySystem) -> None:
    memory = Memory(crm)
    outcomes = memory.apply(
        [
            upsert("contacts", "a", "revline-a", firstname="Ada"),
            upsert("contacts", "b", "revline-b", lifecyclestage="nonsense"),
            upsert("contacts", "c", "revline-c", firstname="Cy"),
        ]
    )
    assert [type(outcome) for outcome in outcomes] == [Confirmed, Failed, Confirmed]
    assert isinstance(outcomes[1], Failed)
    assert isinstance(outcomes[1].error, Rejected)
    assert set(outcomes[1].error.field_errors) == {"lifecyclestage"}


def test_all_or_nothing_takes_back_what_it_did(sales: MemorySystem) -> None:
    memory = Memory(sales)
    product = sales.create("Product2", {"Name": "Seat"}).ref.id
    good = {"Product2Id": product, "UnitPrice": Decimal(5)}
    outcomes = memory.apply(
        [
            upsert("PricebookEntry", "a", "revline-a", **good),
            upsert("PricebookEntry", "b", "revline-b", **{**good, "Product2Id": "none"}),
        ]
    )
    errors = [outcome.error for outcome in outcomes if isinstance(outcome, Failed)]
    assert [type(error) for error in errors] == [RetryLater, Rejected]
    assert sales.state()["PricebookEntry"] == {}
    assert sales.counts()["PricebookEntry"] == {}


def test_fields_given_at_creation_are_refused_ever_after(sales: MemorySystem) -> None:
    memory = Memory(sales)
    product = sales.create("Product2", {"Name": "Seat"}).ref.id
    entry = {"Product2Id": product, "UnitPrice": Decimal(5)}
    (made,) = memory.apply([upsert("PricebookEntry", "a", "revline-a", **entry)])
    assert isinstance(made, Confirmed)
    (again,) = memory.apply([upsert("PricebookEntry", "b", "revline-a", **entry)])
    assert isinstance(again, Failed)
    assert type(again.error) is MayExist
    assert set(again.error.field_errors) == {"Product2Id"}
    change = Change("c", Operation.UPDATE, "PricebookEntry", {"Product2Id": product}, id=made.id)
    (update,) = memory.apply([change])
    assert isinstance(update, Failed)
    assert type(update.error) is Rejected
    price = {"UnitPrice": Decimal(6)}
    (repriced,) = memory.apply([upsert("PricebookEntry", "d", "revline-a", **price)])
    assert isinstance(repriced, Confirmed)
    assert repriced.id == made.id


def test_a_taken_unique_value_names_who_holds_it(crm: MemorySystem) -> None:
    held = crm.create("contacts", {"email": "a@x.example"})
    (outcome,) = Memory(crm).apply([upsert("contacts", "k", "revline-9", email="A@X.example")])
    assert isinstance(outcome, Failed)
    assert isinstance(outcome.error, DuplicateFound)
    assert outcome.error.candidates == (held.ref,)


def test_fine_versions_order_edits_on_a_clock_that_stands_still(crm: MemorySystem) -> None:
    created = crm.create("contacts", {"firstname": "A"})
    versions = [crm.update("contacts", created.ref.id, {"firstname": n}).version for n in "BCD"]
    assert versions == sorted(set(versions))


def test_coarse_versions_hide_edits_within_a_second(sales: MemorySystem, clock: Clock) -> None:
    clock.advance(milliseconds=300)
    created = sales.create("Account", {"Name": "A"})
    assert created.version == START
    assert sales.update("Account", created.ref.id, {"Name": "B"}).version == START


def test_the_feed_trails_behind_and_loses_nothing(crm: MemorySystem, clock: Clock) -> None:
    memory = Memory(crm)
    cursor = memory.first_cursor(CONTACTS, START - timedelta(seconds=1))
    crm.create("contacts", {"firstname": "A"})
    page = memory.changes(CONTACTS, cursor, 100)
    assert (page.records, page.at_head) == ((), True)
    clock.advance(seconds=11)
    page = memory.changes(CONTACTS, page.cursor, 100)
    assert [record.fields["firstname"] for record in page.records] == ["A"]


def test_more_ties_than_a_page_are_all_reported(sales: MemorySystem) -> None:
    memory = Memory(sales)
    wanted = {sales.create("Account", {"Name": f"A{n}"}).ref.id for n in range(25)}
    cursor, seen, at_head = memory.first_cursor(ACCOUNTS, START), [], False
    while not at_head:
        page = memory.changes(ACCOUNTS, cursor, 7)
        cursor, at_head = page.cursor, page.at_head
        seen += [record.ref.id for record in page.records]
    assert sorted(seen) == sorted(wanted)


def test_a_merge_frees_the_loser_and_names_the_survivor(crm: MemorySystem) -> None:
    memory = Memory(crm)
    company = crm.create("companies", {"name": "Acme"}).ref
    kept = crm.create("contacts", {"firstname": "Ada"})
    lost = crm.create("contacts", {"email": "a@x.example"})
    crm.associate(lost.ref, company, primary=True)
    crm.merge("contacts", kept.ref.id, lost.ref.id)
    survivor, loser = memory.read(CONTACTS, [kept.ref.id, lost.ref.id])
    assert survivor.fields == {"email": "a@x.example", "firstname": "Ada"}
    assert survivor.absorbed == (lost.ref.id,)
    assert survivor.associations == {"companies": (company.id,)}
    assert (loser.life, loser.successor, loser.fields) == (Life.MERGED, kept.ref, {})
    change = Change("k", Operation.UPDATE, "contacts", {"firstname": "X"}, id=lost.ref.id)
    (outcome,) = memory.apply([change])
    assert isinstance(outcome, Failed)
    assert isinstance(outcome.error, Gone)
    assert outcome.error.successor == kept.ref
    notice = crm.notices_since()[-1][1]
    assert (notice.kind, notice.ref, notice.absorbed) == (
        NoticeKind.MERGED,
        kept.ref,
        (lost.ref.id,),
    )


def test_a_converted_lead_goes_on_as_its_contact(sales: MemorySystem) -> None:
    memory = Memory(sales)
    lead = sales.create("Lead", {"LastName": "Lovelace", "Company": "Engines"})
    account = sales.create("Account", {"Name": "Engines"}).ref
    contact = sales.create("Contact", {"LastName": "Lovelace", "AccountId": account.id}).ref
    sales.convert(lead.ref.id, "contact", {"contact": contact, "account": account})
    selection = Selection("Lead", ("LastName",))
    (read,) = memory.read(selection, [lead.ref.id])
    assert (read.life, read.successor) == (Life.CONVERTED, contact)
    assert read.edges == {"contact": contact, "account": account}
    page = memory.changes(selection, memory.first_cursor(selection, START), 10)
    assert [record.life for record in page.records] == [Life.CONVERTED]
    assert memory.search(selection, [{"LastName": "lovelace"}]) == ((),)


def test_removed_records_have_a_feed_of_their_own(crm: MemorySystem, clock: Clock) -> None:
    memory = Memory(crm)
    kept, put_away, gone = (crm.create("contacts", {}).ref.id for _ in range(3))
    crm.archive("contacts", put_away)
    crm.delete("contacts", gone)
    clock.advance(minutes=1)
    page = memory.removed(CONTACTS, None, 10)
    assert [(record.ref.id, record.life) for record in page.records] == [
        (put_away, Life.ARCHIVED),
        (gone, Life.DELETED),
    ]
    crm.restore("contacts", put_away)
    page = memory.list(CONTACTS, None, 10)
    assert [record.ref.id for record in page.records] == [kept, put_away]


def test_a_lost_answer_leaves_the_effect_and_a_lookup_finds_it(crm: MemorySystem) -> None:
    memory = Memory(crm)
    memory.faults.add(Rule(Fault(FaultKind.ANSWER_LOST, applied=1), "apply"))
    outcomes = memory.apply(
        [upsert("contacts", "a", "revline-a"), upsert("contacts", "b", "revline-b")]
    )
    assert [type(o.error) for o in outcomes if isinstance(o, Failed)] == [OutcomeUnknown] * 2
    identities = [Identity("revline_id", f"revline-{letter}") for letter in "ab"]
    found, absent = memory.lookup(CONTACTS, identities)
    assert isinstance(found, Found)
    assert isinstance(absent, Absent)


def test_a_lagging_lookup_says_from_when_it_can_tell(clock: Clock) -> None:
    lag = timedelta(seconds=30)
    lagging = tuple(
        replace(one, spec=replace(one.spec, lookup_lag=lag)) if one.name == "contacts" else one
        for one in crm_objects()
    )
    system = MemorySystem(lagging, clock)
    memory = Memory(system)
    identity = Identity("revline_id", "revline-1")
    assert memory.lookup(CONTACTS, [identity]) == (Absent(),)
    memory.apply([upsert("contacts", "k", "revline-1")])
    (answer,) = memory.lookup(CONTACTS, [identity])
    assert answer == NotYetKnowable(START + lag)
    clock.advance(seconds=31)
    (answer,) = memory.lookup(CONTACTS, [identity, Identity("revline_id", "revline-2")])[:1]
    assert isinstance(answer, Found)
    assert isinstance(memory.lookup(CONTACTS, [Identity("revline_id", "other")])[0], Absent)


def test_scripted_faults_hit_the_nth_call(crm: MemorySystem) -> None:
    wait = timedelta(seconds=42)
    plan = FaultPlan([Rule(Fault(FaultKind.RATE_LIMITED, wait=wait), "read", nth=2)])
    memory = Memory(crm, faults=plan)
    memory.read(CONTACTS, ["x"])
    with pytest.raises(RateLimited) as raised:
        memory.read(CONTACTS, ["x"])
    assert raised.value.wait == wait
    memory.read(CONTACTS, ["x"])


def test_faults_of_single_records(crm: MemorySystem) -> None:
    memory = Memory(crm)
    memory.faults.add(Rule(Fault(FaultKind.ROW_LOCKED, records=(0,)), "apply"))
    memory.faults.add(Rule(Fault(FaultKind.REFUSED, records=(2,)), "apply"))
    outcomes = memory.apply([upsert("contacts", n, f"revline-{n}") for n in "abc"])
    assert isinstance(outcomes[0], Failed)
    assert isinstance(outcomes[0].error, RetryLater)
    assert isinstance(outcomes[1], Confirmed)
    assert isinstance(outcomes[2], Failed)
    assert isinstance(outcomes[2].error, Rejected)


def test_stale_reads_and_odd_pages(crm: MemorySystem) -> None:
    memory = Memory(crm)
    ids = [crm.create("contacts", {"firstname": "old"}).ref.id for _ in range(4)]
    crm.update("contacts", ids[0], {"firstname": "new"})
    memory.faults.add(Rule(Fault(FaultKind.STALE_READ), "read"))
    assert memory.read(CONTACTS, ids[:1])[0].fields["firstname"] == "old"
    assert memory.read(CONTACTS, ids[:1])[0].fields["firstname"] == "new"
    memory.faults.add(Rule(Fault(FaultKind.DUPLICATE_PAGE), "list"))
    memory.faults.add(Rule(Fault(FaultKind.SHORT_PAGE), "list", nth=2))
    pages = []
    cursor = None
    for _ in range(3):
        page = memory.list(CONTACTS, cursor, 4)
        cursor = page.cursor
        pages.append([record.ref.id for record in page.records])
    assert pages == [ids, ids[:2], ids[2:]]


def test_seeded_faults_repeat(clock: Clock) -> None:
    def run() -> list[str]:
        plan = FaultPlan(chances={FaultKind.RETRY_LATER: 0.3}, random=Random(5))
        memory = Memory(MemorySystem(crm_objects(), clock), faults=plan)
        seen = []
        for _ in range(40):
            try:
                memory.check()
                seen.append("ok")
            except RetryLater as error:
                seen.append(error.code)
        return seen

    assert run() == run()
    assert set(run()) == {"ok", "UNAVAILABLE"}


def test_a_hook_may_change_the_account_or_crash(crm: MemorySystem) -> None:
    seen: list[tuple[str, str]] = []

    class Crash(BaseException):
        pass

    def hook(call: object, moment: str) -> None:
        seen.append((call.kind, moment))  # type: ignore[attr-defined]
        crm.create("companies", {"name": moment})
        if moment == "after":
            raise Crash

    memory = Memory(crm, on_call=hook)
    with pytest.raises(Crash):
        memory.apply([upsert("contacts", "a", "revline-a")])
    assert seen == [("apply", "before"), ("apply", "after")]
    assert len(crm.state()["companies"]) == 2
    assert len(crm.state()["contacts"]) == 1


def test_an_identity_field_can_be_missing_and_set_up(crm: MemorySystem) -> None:
    memory = Memory(crm)
    crm.drop_field("contacts", "revline_id")
    need = SetupNeed(SetupKind.IDENTITY_FIELD, "contacts", "revline_id")
    assert memory.inspect([need])[0].present is False
    assert "revline_id" not in memory.describe("contacts").fields
    (outcome,) = memory.apply([upsert("contacts", "a", "revline-a")])
    assert isinstance(outcome, Failed)
    memory.create(need)
    memory.create(need)
    assert memory.inspect([need])[0].present is True
    (outcome,) = memory.apply([upsert("contacts", "a", "revline-a")])
    assert isinstance(outcome, Confirmed)


def test_values_keep_their_type(sales: MemorySystem) -> None:
    product = sales.create("Product2", {"Name": "Seat", "IsActive": True}).ref.id
    price = sales.create(
        "PricebookEntry", {"Product2Id": product, "UnitPrice": Decimal("1234567890123456.785")}
    )
    assert price.fields["UnitPrice"] == Decimal("1234567890123456.79")
    fields = {"Name": "D", "StageName": "Proposal", "CloseDate": date(2026, 5, 1)}
    deal = sales.create("Opportunity", fields)
    assert deal.fields["CloseDate"] == date(2026, 5, 1)
    assert not isinstance(deal.fields["CloseDate"], datetime)
    lead = sales.create(
        "Lead",
        {
            "LastName": "  L ",
            "Company": "C",
            "ConsentedAt__c": START + timedelta(milliseconds=900),
            "Interests__c": ("billing", "quoting"),
        },
    )
    assert lead.fields["LastName"] == "L"
    assert lead.fields["ConsentedAt__c"] == START
    assert lead.fields["Interests__c"] == ("billing", "quoting")


WRITER = """
import sys
from datetime import UTC, datetime
from pathlib import Path
from connectors.memory.connector import Memory
from connectors.memory.objects import crm_objects
from connectors.memory.system import MemorySystem
from connectors.records import Change, Identity, Operation
system = MemorySystem.open(Path(sys.argv[1]), crm_objects(), lambda: datetime.now(UTC))
memory = Memory(system)
for n in range(1_000_000):
    memory.apply([
        Change(f"k{n}{c}", Operation.UPSERT, "contacts", {"firstname": c},
               identity=Identity("revline_id", f"revline-{n}{c}"))
        for c in "abc"
    ])
    print(n, flush=True)
"""


def test_the_file_survives_a_kill_and_is_shared(tmp_path: Path, clock: Clock) -> None:
    path = tmp_path / "account.db"
    system = MemorySystem.open(path, crm_objects(), clock)
    with subprocess.Popen(
        [sys.executable, "-c", WRITER, str(path)], stdout=subprocess.PIPE, text=True
    ) as writer:
        assert writer.stdout is not None
        for line in writer.stdout:
            if int(line) >= 20:
                os.kill(writer.pid, signal.SIGKILL)
                break
    counted = system.counts()["contacts"]
    assert len(counted) >= 63
    assert len(counted) % 3 == 0
    assert all(entry["creates"] == 1 and len(entry["ids"]) == 1 for entry in counted.values())
    assert system.calls["apply", "contacts"] >= len(counted) // 3
    assert isinstance(system.get("contacts", next(iter(counted.values()))["ids"][0]), object)
    system.close()


def test_threads_racing_for_one_identity_make_one_record(tmp_path: Path, clock: Clock) -> None:
    path = tmp_path / "new folder" / "account.db"
    systems = [MemorySystem.open(path, crm_objects(), clock) for _ in range(2)]
    start = threading.Barrier(8)
    outcomes: list[object] = []

    def work(number: int) -> None:
        memory = Memory(systems[number % 2])
        start.wait(10)
        for turn in range(5):
            change = upsert("contacts", f"k{number}-{turn}", "revline-1", firstname=str(number))
            outcomes.extend(memory.apply([change]))

    threads = [threading.Thread(target=work, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert len(outcomes) == 40
    assert all(isinstance(outcome, Confirmed) for outcome in outcomes)
    counted = systems[0].counts()["contacts"]["revline-1"]
    assert (counted["creates"], len(counted["ids"])) == (1, 1)
    assert counted["changing_updates"] + counted["unchanged_updates"] == 39
    for system in systems:
        system.close()


@pytest.mark.parametrize("text", ["seed=x", "nonsense=0.1", "answer_lost", "answer_lost=often"])
def test_a_fault_plan_that_makes_no_sense_is_quoted(text: str) -> None:
    with pytest.raises(ValueError, match="neither"):
        FaultPlan.parse(text)
    assert FaultPlan.parse("seed=7 answer_lost=0.05").chances == {FaultKind.ANSWER_LOST: 0.05}


def test_cursors_and_batches_that_are_not_ours_are_refused(crm: MemorySystem) -> None:
    memory = Memory(crm)
    for wrong in ("", "x", "[]", "[1,2]", '{"a":1}', "[null,1,1]"):
        with pytest.raises(Rejected):
            memory.changes(CONTACTS, wrong, 10)
    with pytest.raises(ValueError, match="at most"):
        memory.apply([upsert("contacts", f"k{n}", f"revline-{n}") for n in range(101)])
    assert crm.counts()["contacts"] == {}


def test_dead_children_and_stale_merges_do_not_linger(sales: MemorySystem) -> None:
    """A merge moves the children of the loser to the survivor."""
    kept, lost = (sales.create("Account", {"Name": name}).ref for name in ("A", "B"))
    contact = sales.create("Contact", {"LastName": "L", "AccountId": lost.id}).ref
    sales.merge("Account", kept.id, lost.id)
    below = Memory(sales).children(Selection("Contact", ()), "Account", [kept.id, lost.id])
    assert {id: [one.ref for one in records] for id, records in below.items()} == {
        kept.id: [contact],
        lost.id: [],
    }


def test_references_must_exist(sales: MemorySystem) -> None:
    with pytest.raises(Rejected) as raised:
        sales.create("Contact", {"LastName": "L", "AccountId": "001none"})
    assert set(raised.value.field_errors) == {"AccountId"}


def test_children_and_parents(sales: MemorySystem, crm: MemorySystem) -> None:
    account = sales.create("Account", {"Name": "A"}).ref
    contact = sales.create("Contact", {"LastName": "L", "AccountId": account.id}).ref
    memory = Memory(sales)
    assert memory.parents("Contact", [contact.id, "none"], "Account") == {
        contact.id: (account.id,),
        "none": (),
    }
    below = memory.children(Selection("Contact", ("LastName",)), "Account", [account.id])
    assert [record.ref for record in below[account.id]] == [contact]
    deal = crm.create("deals", {"dealname": "D"}).ref
    line = crm.create("line_items", {"name": "L"}).ref
    crm.associate(deal, line)
    other = Memory(crm)
    assert other.parents("line_items", [line.id], "deals") == {line.id: (deal.id,)}
    under = other.children(Selection("line_items", ("name",)), "deals", [deal.id])
    assert [record.ref for record in under[deal.id]] == [line]
    crm.archive("line_items", line.id)
    assert other.children(Selection("line_items", ("name",)), "deals", [deal.id])[deal.id] == ()
    assert Ref("deals", deal.id) == deal
