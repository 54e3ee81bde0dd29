"""The records of lead to cash, written and read over HTTP on the simulated account."""

from __future__ import annotations

import threading
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest
from netsuite_account import Account, oauth2, token_based

from connectors.base import Confirmed, Failed, SetupKind, SetupNeed
from connectors.errors import (
    AuthFailed,
    CallError,
    OutcomeUnknown,
    RateLimited,
    Rejected,
)
from connectors.records import (
    Absent,
    Change,
    Found,
    Identity,
    Life,
    Operation,
    Selection,
)
from sandbox.netsuite import credentials

SUBSIDIARY = USD = {"id": "1"}
MONEY = Decimal("10000.10")


@pytest.fixture
def netsuite(account: Account):
    account.simulator.load({"seed": 3, "sizes": {"products": 8, "companies": 2, "deals": 2}})
    yield account.connector()
    assert account.simulator.journal.violations == []


def put(object: str, key: str, /, **fields) -> Change:
    return Change(
        f"key-{object}-{key}"[:64],
        Operation.UPSERT,
        object,
        {name.replace("__", "."): value for name, value in fields.items()},
        identity=Identity("externalId", f"revline-{object}-{key}"),
    )


def done(connector, change: Change) -> str:
    (outcome,) = connector.apply([change])
    assert isinstance(outcome, Confirmed), getattr(outcome, "error", outcome)
    return outcome.id


def refused(connector, change: Change) -> CallError:
    (outcome,) = connector.apply([change])
    assert isinstance(outcome, Failed)
    return outcome.error


def read(connector, object: str, id: str, *names: str):
    (record,) = connector.read(Selection(object, tuple(sorted(names))), [id])
    assert record.life is Life.LIVE
    return record.fields


def customer(connector, name: str = "acme") -> str:
    return done(
        connector,
        put("customer", name, companyName="Acme", subsidiary=SUBSIDIARY, currency=USD),
    )


def an_item(connector) -> str:
    page = connector.list(Selection("item", ("itemId",)), None, 1000)
    return next(
        record.ref.id for record in page.records if str(record.fields["itemId"]).startswith("PLT")
    )


def invoice(connector, item: str, name: str = "1", amount: Decimal = MONEY, **more) -> str:
    line = {"item": {"id": item}, "quantity": 1, "rate": amount, "amount": amount}
    fields = {
        "entity__externalId": "revline-customer-acme",
        "subsidiary": SUBSIDIARY,
        "currency__id": "1",
        "tranDate": date(2026, 9, 1),
        "item": {"items": (line,)},
        **more,
    }
    return done(connector, put("invoice", name, **fields))


def journal(name: str, debit: str, credit: str, **more) -> Change:
    lines = (
        {"account": {"id": "230"}, "debit": Decimal(debit), "memo": "INV-1 line 1"},
        {"account": {"id": "401"}, "credit": Decimal(credit), "memo": "INV-1 line 1"},
    )
    fields = {
        "subsidiary": SUBSIDIARY,
        "currency": USD,
        "tranDate": date(2026, 9, 30),
        "line": {"items": lines},
        **more,
    }
    return put("journalEntry", name, **fields)


def test_from_order_to_refund(account: Account, netsuite) -> None:
    buyer, item = customer(netsuite), an_item(netsuite)
    line = {"item": {"id": item}, "quantity": 1, "rate": MONEY, "amount": MONEY}
    done(netsuite, put("salesOrder", "1", entity={"id": buyer}, subsidiary=SUBSIDIARY,
                       tranDate=date(2026, 9, 1), item=(line,)))  # fmt: skip
    bill = invoice(netsuite, item)
    seen = read(netsuite, "invoice", bill, "total", "amountRemaining", "entity.id", "item",
                "currency.refName", "tranDate")  # fmt: skip
    assert seen["total"] == seen["amountRemaining"] == MONEY
    assert seen["entity.id"] == buyer
    assert seen["tranDate"] == date(2026, 9, 1)
    assert seen["currency.refName"] == "US Dollar"
    (shown,) = seen["item"]["items"]
    assert shown["amount"] == MONEY
    assert shown["item"]["id"] == item
    assert "links" not in shown
    apply = {"items": ({"doc": {"id": bill}, "apply": True, "amount": Decimal("4000")},)}
    paid = done(netsuite, put("customerPayment", "1", customer={"id": buyer}, payment=Decimal(5000),
                              currency=USD, tranDate=date(2026, 9, 2), apply=apply))  # fmt: skip
    seen = read(netsuite, "customerPayment", paid, "unapplied", "applied", "apply")
    assert (seen["applied"], seen["unapplied"]) == (Decimal(4000), Decimal(1000))
    apply = {"items": ({"doc": {"id": bill}, "apply": True, "amount": Decimal("6000.10")},)}
    memo_line = {"item": {"id": item}, "quantity": 1, "amount": Decimal("7000")}
    memo = done(netsuite, put("creditMemo", "1", entity={"id": buyer}, subsidiary=SUBSIDIARY,
                              tranDate=date(2026, 9, 3), item=(memo_line,),
                              apply=apply))  # fmt: skip
    assert read(netsuite, "invoice", bill, "amountRemaining")["amountRemaining"] == 0
    apply = ({"doc": {"id": memo}, "apply": True, "amount": Decimal("999.90")},)
    done(netsuite, put("customerRefund", "1", customer={"id": buyer}, account={"id": "111"},
                       tranDate=date(2026, 9, 4), apply=apply))  # fmt: skip
    assert read(netsuite, "creditMemo", memo, "amountRemaining")["amountRemaining"] == 0


def test_a_repeated_write_is_the_same_record_with_the_same_lines(netsuite, account) -> None:
    customer(netsuite)
    item = an_item(netsuite)
    first = invoice(netsuite, item)
    assert invoice(netsuite, item) == first
    assert read(netsuite, "invoice", first, "total", "item")["total"] == MONEY
    assert len(read(netsuite, "invoice", first, "item")["item"]["items"]) == 1
    assert account.count("invoice") == 1


def test_a_journal_balances_and_comes_back(netsuite) -> None:
    id = done(netsuite, journal("2026-09-1-USD", "833.33", "833.33"))
    seen = read(netsuite, "journalEntry", id, "line", "subsidiary.id", "postingPeriod.refName")
    lines = seen["line"]["items"]
    assert [(one.get("debit"), one.get("credit")) for one in lines] == [
        (Decimal("833.33"), None),
        (None, Decimal("833.33")),
    ]
    assert seen["subsidiary.id"] == "1"
    assert seen["postingPeriod.refName"] == "Sep 2026"
    error = refused(netsuite, journal("odd", "833.33", "833.34"))
    assert isinstance(error, Rejected)
    assert error.code == "UNBALANCED"


def test_closed_periods_locks_and_misspelt_fields_have_names(netsuite, account) -> None:
    buyer = customer(netsuite)
    account.do("accountingPeriod", "close", "Sep 2026")
    assert refused(netsuite, journal("late", "1", "1")).code == "PERIOD_CLOSED"
    account.do("accountingPeriod", "reopen", "Sep 2026")
    account.do("accountingPeriod", "lock", "Sep 2026")
    assert refused(netsuite, journal("late", "1", "1")).code == "PERIOD_CLOSED"
    account.do("customer", "lock", buyer)
    change = Change("k", Operation.UPDATE, "customer", {"phone": "1"}, id=buyer)
    assert refused(netsuite, change).code == "RECORD_LOCKED"
    misspelt = refused(netsuite, put("customer", "new", compnyName="Acme", subsidiary=SUBSIDIARY))
    assert isinstance(misspelt, Rejected)
    assert "compnyName" in misspelt.field_errors
    missing = put("invoice", "x", entity__externalId="revline-customer-nobody", item=())
    assert isinstance(refused(netsuite, missing), Rejected)


def test_an_answer_lost_after_the_commit_is_settled_by_a_lookup(netsuite, account) -> None:
    account.simulator.faults.add(
        {"match": {"method": "PUT"}, "action": "status", "status": 500, "phase": "after",
         "times": 1}
    )  # fmt: skip
    change = journal("lost", "5", "5")
    assert isinstance(refused(netsuite, change), OutcomeUnknown)
    here = Identity("externalId", "revline-journalEntry-lost")
    nowhere = Identity("externalId", "revline-journalEntry-none")
    selection = Selection("journalEntry", ("line", "memo"))
    found, absent = netsuite.lookup(selection, [here, nowhere])
    assert isinstance(found, Found)
    assert isinstance(absent, Absent)
    assert done(netsuite, change) == found.record.ref.id
    assert account.count("journalEntry") == 1


def test_what_a_lookup_finds_is_what_was_sent(netsuite) -> None:
    buyer, item = customer(netsuite), an_item(netsuite)
    line = {"item": {"id": item}, "quantity": Decimal(1), "rate": MONEY, "amount": MONEY,
            "description": "Annual fee", "revRecStartDate": date(2026, 9, 1),
            "revRecEndDate": date(2027, 8, 31)}  # fmt: skip
    bill = put("invoice", "1", tranId="INV-1", entity={"id": buyer}, subsidiary=SUBSIDIARY,
               currency=USD, tranDate=date(2026, 9, 1), dueDate=date(2026, 10, 1), memo="m",
               item={"items": (line,)})  # fmt: skip
    id = done(netsuite, bill)
    applied = {"doc": {"id": id}, "apply": True, "amount": Decimal("10.10")}
    paid = put("customerPayment", "1", customer={"id": buyer}, currency=USD, payment=Decimal(50),
               tranDate=date(2026, 9, 2), undepFunds=True, apply={"items": (applied,)})  # fmt: skip
    entry = journal("2026-09-1-USD-1", "833.33", "833.33", memo="Revenue 2026-09")
    done(netsuite, paid)
    done(netsuite, entry)
    for change in (bill, paid, entry):
        assert change.identity is not None
        selection = Selection(change.object, tuple(sorted(change.fields)))
        (found,) = netsuite.lookup(selection, [change.identity])
        assert isinstance(found, Found)
        assert dict(found.record.fields) == dict(change.fields)


def test_reference_records(netsuite, account) -> None:
    names = ("acctName", "acctNumber", "acctType.id", "id")
    (accounts,) = netsuite.search(Selection("account", names), [{"acctNumber": "2500"}])
    assert dict(accounts[0].fields) == {
        "acctName": "Deferred Revenue",
        "acctNumber": "2500",
        "acctType.id": "DeferRevenue",
        "id": "230",
    }
    (found,) = netsuite.search(
        Selection("currency", ("isBaseCurrency", "symbol")), [{"symbol": "kwd"}]
    )
    assert [record.ref.id for record in found] == ["5"]
    subsidiaries = netsuite.read(Selection("subsidiary", ("currency", "name")), ["2", "9", "3"])
    assert [record.life for record in subsidiaries] == [Life.LIVE, Life.DELETED, Life.LIVE]
    assert subsidiaries[0].fields["currency"] == {"id": "2", "refName": "British Pound"}
    rates = netsuite.list(Selection("currencyRate", ("effectiveDate", "exchangeRate")), None, 1000)
    assert rates.records
    assert all(isinstance(one.fields["exchangeRate"], Decimal) for one in rates.records)
    assert all(type(one.fields["effectiveDate"]) is date for one in rates.records)
    names = ("averageRate", "fromCurrency.id", "postingPeriod.id")
    page = netsuite.list(Selection("consolidatedExchangeRate", names), None, 10)
    assert page.records
    assert all(isinstance(one.fields["averageRate"], Decimal) for one in page.records)


def test_periods_say_whether_they_are_open(netsuite, account) -> None:
    account.do("accountingPeriod", "close", "Oct 2026")
    names = ("allLocked", "arLocked", "closed", "endDate", "isAdjust", "isPosting", "isQuarter",
             "isYear", "periodName", "startDate")  # fmt: skip
    selection = Selection("accountingPeriod", names)
    cursor = netsuite.first_cursor(selection, account.now())
    before = account.calls()
    page = netsuite.changes(selection, cursor, 1000)
    assert account.calls() - before <= 2
    assert page.at_head
    by_name = {record.fields["periodName"]: record.fields for record in page.records}
    october, quarter = by_name["Oct 2026"], by_name["Q4 2026"]
    assert (october["closed"], october["isPosting"]) == (True, True)
    assert (october["startDate"], october["endDate"]) == (date(2026, 10, 1), date(2026, 10, 31))
    assert (quarter["isQuarter"], quarter["isPosting"]) == (True, False)
    again = netsuite.changes(selection, page.cursor, 1000)
    assert len(again.records) == len(page.records), "without modified times all is read again"


def test_a_walk_through_small_records_comes_in_pages(netsuite) -> None:
    selection = Selection("accountingPeriod", ("periodName",))
    cursor, seen = netsuite.first_cursor(selection, datetime(2026, 1, 1, tzinfo=UTC)), []
    for _ in range(20):
        page = netsuite.changes(selection, cursor, 10)
        seen += [record.ref.id for record in page.records]
        cursor = page.cursor
        if page.at_head:
            break
    assert len(seen) == len(set(seen)) == len(netsuite.list(selection, None, 1000).records)


@pytest.mark.parametrize("zone", ["UTC", "America/Los_Angeles", "Asia/Kolkata"])
def test_transactions_are_followed_in_any_zone(account, netsuite, zone) -> None:
    account.simulator.set_options({"query_zone": zone})
    connector = account.connector(oauth2(account.url, time_zone=zone))
    customer(connector)
    item = an_item(connector)
    invoice(connector, item, "old")
    account.simulator.clock.shift(timedelta(hours=1))
    selection = Selection("invoice", ("lastModifiedDate", "total"))
    cursor = connector.first_cursor(selection, account.now())
    new = invoice(connector, item, "new")
    done(connector, journal("other", "1", "1"))
    page = connector.changes(selection, cursor, 10)
    assert [record.ref.id for record in page.records] == [new]
    (record,) = page.records
    assert record.version == record.fields["lastModifiedDate"]
    assert record.version is not None
    assert abs(record.version - account.now()) < timedelta(minutes=1)


def test_a_locked_record_is_read_as_soon_as_it_can_be(netsuite, account) -> None:
    selection = Selection("customer", ("companyName",))
    cursor = netsuite.first_cursor(selection, account.now() - timedelta(minutes=1))
    first, second = customer(netsuite, "a"), customer(netsuite, "b")
    account.do("customer", "lock", first)
    for _ in range(3):
        page = netsuite.changes(selection, cursor, 10)
        assert [record.ref.id for record in page.records] == [second]
        assert page.at_head
        cursor = page.cursor
        account.simulator.clock.shift(timedelta(minutes=20))
        account.do("customer", "update", second, phone="1")
    account.do("customer", "unlock", first)
    page = netsuite.changes(selection, cursor, 10)
    assert {record.ref.id for record in page.records} == {first, second}
    again = netsuite.changes(selection, page.cursor, 10)
    assert first not in {record.ref.id for record in again.records}, "owed no longer"


def test_a_walk_does_not_end_without_the_locked_ones(netsuite, account) -> None:
    selection = Selection("customer", ("companyName",))
    ids = [customer(netsuite, str(number)) for number in range(4)]
    account.do("customer", "lock", ids[1])
    seen, cursor = [], None
    for _ in range(2):
        page = netsuite.list(selection, cursor, 2)
        seen += [record.ref.id for record in page.records]
        cursor = page.cursor
        assert not page.at_head
    assert seen == [ids[0], ids[2], ids[3]]
    for read in (
        lambda: netsuite.list(selection, cursor, 2),
        lambda: netsuite.read(selection, ids),
    ):
        with pytest.raises(Rejected) as raised:
            read()
        assert raised.value.code == "RECORD_LOCKED"
    account.do("customer", "unlock", ids[1])
    page = netsuite.list(selection, cursor, 2)
    assert [record.ref.id for record in page.records] == [ids[1]]
    assert page.at_head


def test_deleted_transactions_are_told_by_type(netsuite, account) -> None:
    customer(netsuite)
    item = an_item(netsuite)
    bill, entry = invoice(netsuite, item), done(netsuite, journal("x", "1", "1"))
    account.remove("invoice", bill)
    account.remove("journalEntry", entry)
    for object, id in (("invoice", bill), ("journalEntry", entry)):
        page = netsuite.removed(Selection(object, ()), None, 100)
        assert [(one.ref.id, one.life) for one in page.records] == [(id, Life.DELETED)]
        assert page.at_head


def test_the_same_over_signed_calls(account, netsuite) -> None:
    connector = account.connector(token_based(account.url))
    assert connector.check().id == credentials.ACCOUNT_ID
    buyer = customer(connector)
    (found,) = connector.search(Selection("customer", ("entityId",)), [{"companyName": "ACME"}])
    assert [record.ref.id for record in found] == [buyer]


def test_a_token_that_ends_is_replaced(netsuite, account) -> None:
    netsuite.check()
    account.simulator.access.revoke_all()
    assert netsuite.check().environment == "sandbox"
    account.simulator.clock.shift(timedelta(hours=2))
    before = account.calls()
    netsuite.check()
    assert account.calls() - before == 2


def test_wrong_credentials_say_what_to_check(account) -> None:
    wrong = account.connector({**oauth2(account.url), "certificate_id": "another"})
    with pytest.raises(AuthFailed, match="certificate id"):
        wrong.check()
    signed = account.connector({**token_based(account.url), "token_secret": "another"})
    before = account.calls()
    with pytest.raises(AuthFailed):
        signed.check()
    assert account.calls() - before == 2


def test_no_more_calls_are_out_than_allowed(netsuite, account) -> None:
    connector = account.connector(oauth2(account.url, concurrency="2"))
    ids = [customer(connector, str(number)) for number in range(6)]
    account.simulator.set_options({"concurrency_max": 2})
    found, selection = [], Selection("customer", ("companyName",))

    def reading() -> None:
        found.append(connector.read(selection, ids))

    threads = [threading.Thread(target=reading) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=30)
    assert len(found) == 6


def test_over_the_limit_is_a_short_wait(account) -> None:
    connector = account.connector()
    connector.check()
    account.simulator.set_options({"concurrency_max": 0})
    with pytest.raises(RateLimited) as raised:
        connector.check()
    assert raised.value.limit_class == "concurrency"
    assert timedelta(seconds=1) <= raised.value.wait <= timedelta(seconds=5)


def test_other_record_types_by_name(netsuite, account) -> None:
    described = netsuite.describe("department")
    assert "custrecord_x" in described.fields
    id = done(netsuite, put("department", "1", name="Revenue"))
    assert read(netsuite, "department", id, "name")["name"] == "Revenue"
    (found,) = netsuite.lookup(
        Selection("department", ("name",)), [Identity("externalId", "revline-department-1")]
    )
    assert isinstance(found, Found)


def test_describe_answers_for_parts_and_custom_fields(netsuite) -> None:
    fields = netsuite.describe("invoice").fields
    assert fields["entity.externalId"].writable
    assert not fields["entity.refName"].writable
    assert not fields["amountRemaining"].writable
    assert fields["custbody_contract"].readable
    assert fields["item"].required_on_create
    assert fields["externalId"].unique
    assert "item.items" in fields
    for unknown in ("entty", "entity.nme", "tranDate.id", "custom"):
        assert unknown not in fields
    assert not netsuite.describe("accountingPeriod").creatable


def test_steps_for_the_account(account) -> None:
    soon = (account.now() + timedelta(days=20)).date().isoformat()
    connector = account.connector(oauth2(account.url, certificate_expires_on=soon))
    needs = [
        SetupNeed(SetupKind.IDENTITY_FIELD, "invoice", "externalId"),
        SetupNeed(SetupKind.PERMISSION, "invoice", "write"),
        SetupNeed(SetupKind.WEBHOOK, "invoice", "change"),
    ]
    identity, permission, webhook = connector.inspect(needs)
    assert identity.present is True
    text = " ".join(permission.instructions)
    assert "Transactions > Invoice: Full" in text
    assert f"ends on {soon}" in text
    assert "NOTIFICATIONS.md" in " ".join(webhook.instructions)
    connector.create(needs[0])
    with pytest.raises(Rejected):
        connector.create(needs[1])


def test_associations_are_refused_in_words(netsuite) -> None:
    with pytest.raises(Rejected, match="associations"):
        netsuite.read(Selection("customer", ("companyName",), ("invoice",)), ["1"])
