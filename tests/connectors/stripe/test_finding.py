"""Finding records: by value, and by our identity whatever search knows by then."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import pytest
from stripe_desk import Desk, paid

from connectors.base import Confirmed
from connectors.errors import Rejected
from connectors.records import Absent, Found, Identity, NotYetKnowable, Selection
from connectors.stripe import finding
from sandbox.simulator import Mutation

CUSTOMERS = Selection("customers", ("email", "name"))
IDENTITY = "metadata.revline_id"


def test_a_new_record_is_found_before_search_knows_it(desk: Desk) -> None:
    made = desk.create("customers", "c1", name="A")
    assert isinstance(made, Confirmed)
    asked = [Identity(IDENTITY, "revline-customers-c1"), Identity(IDENTITY, "revline-other")]
    found, absent = desk.connector.lookup(CUSTOMERS, asked)
    assert isinstance(found, Found)
    assert found.record.ref.id == made.id
    assert found.record.fields["name"] == "A"
    assert isinstance(absent, Absent)


def test_an_old_record_is_found_by_one_search(desk: Desk) -> None:
    for number in range(9):
        desk.create("customers", f"c{number}", name="A")
    desk.simulator.clock.shift(timedelta(days=3))
    asked = [Identity(IDENTITY, f"revline-customers-c{number}") for number in range(9)]
    found: list[object] = []
    calls = desk.paths(lambda: found.extend(desk.connector.lookup(CUSTOMERS, asked)))
    assert calls == ["GET /v1/customers/search"]
    assert all(isinstance(one, Found) for one in found)


def test_what_cannot_be_gone_through_is_not_yet_knowable(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(finding, "_RECENT_PAGES_MAX", 1)
    with desk.simulator.lock:
        for _ in range(101):
            desk.simulator.mutate(Mutation("customers", "create", None, {"name": "n"}))
    asked = [Identity(IDENTITY, "revline-customers-none")]
    (unknown,) = desk.connector.lookup(CUSTOMERS, asked)
    assert isinstance(unknown, NotYetKnowable)
    assert unknown.until > desk.now()
    desk.simulator.clock.shift(timedelta(hours=1, minutes=1))
    (absent,) = desk.connector.lookup(CUSTOMERS, asked)
    assert isinstance(absent, Absent)


def test_a_deleted_record_is_not_found(desk: Desk) -> None:
    made = desk.create("customers", "c1", name="A")
    assert isinstance(made, Confirmed)
    with desk.simulator.lock:
        desk.simulator.mutate(Mutation("customers", "delete", made.id, {}))
    desk.simulator.clock.shift(timedelta(seconds=61))
    asked = [Identity(IDENTITY, "revline-customers-c1")]
    assert isinstance(desk.connector.lookup(CUSTOMERS, asked)[0], Absent)


def test_an_object_without_search_is_found_in_its_list(desk: Desk) -> None:
    refund = desk.create("refunds", "r1", payment_intent=paid(desk), amount=Decimal(1))
    assert isinstance(refund, Confirmed)
    asked = [Identity(IDENTITY, "revline-refunds-r1"), Identity(IDENTITY, "no")]
    desk.simulator.clock.shift(timedelta(days=25))
    found, absent = desk.connector.lookup(Selection("refunds", ("amount",)), asked)
    assert isinstance(found, Found)
    assert found.record.fields["amount"] == Decimal(1)
    assert isinstance(absent, Absent)


def test_another_identity_is_refused(desk: Desk) -> None:
    with pytest.raises(Rejected) as raised:
        desk.connector.lookup(CUSTOMERS, [Identity("email", "a@b.example")])
    assert raised.value.code == "UNKNOWN_IDENTITY"


def test_an_address_is_found_at_once_as_written_and_later_in_any_case(desk: Desk) -> None:
    made = desk.create("customers", "c1", email="Ann@Acme.example")
    assert isinstance(made, Confirmed)
    at_once, nothing = desk.connector.search(
        CUSTOMERS, [{"email": "Ann@Acme.example"}, {"email": "nobody@acme.example"}]
    )
    assert [record.ref.id for record in at_once] == [made.id]
    assert nothing == ()
    desk.simulator.clock.shift(timedelta(seconds=61))
    (later,) = desk.connector.search(CUSTOMERS, [{"email": "ann@ACME.example"}])
    assert [record.ref.id for record in later] == [made.id]


def test_any_metadata_can_be_searched(desk: Desk) -> None:
    made = desk.create("customers", "c1", **{"metadata.sku": 'say "hi" \\ there'})
    assert isinstance(made, Confirmed)
    desk.simulator.clock.shift(timedelta(seconds=61))
    (found,) = desk.connector.search(CUSTOMERS, [{"metadata.sku": 'say "hi" \\ there'}])
    assert [record.ref.id for record in found] == [made.id]


def test_ten_queries_are_one_search(desk: Desk) -> None:
    for number in range(12):
        desk.create("customers", f"c{number}", name=f"n{number}")
    desk.simulator.clock.shift(timedelta(seconds=61))
    queries = [{"name": f"N{number}"} for number in range(12)]
    found: list[tuple[object, ...]] = []
    calls = desk.paths(lambda: found.extend(desk.connector.search(CUSTOMERS, queries)))
    assert calls == ["GET /v1/customers/search"] * 2
    assert [len(records) for records in found] == [1] * 12


def test_what_cannot_be_asked_for_is_said(desk: Desk) -> None:
    with pytest.raises(Rejected) as raised:
        desk.connector.search(Selection("refunds", ("amount",)), [{"reason": "duplicate"}])
    assert raised.value.code == "NOT_SEARCHABLE"
    assert "payment_intent" in raised.value.message


def test_a_list_that_can_ask_is_used_alone(desk: Desk) -> None:
    id = paid(desk)
    refund = desk.create("refunds", "r1", payment_intent=id, amount=Decimal(1))
    assert isinstance(refund, Confirmed)
    selection = Selection("refunds", ("amount",))
    found: list[object] = []
    calls = desk.paths(
        lambda: found.extend(desk.connector.search(selection, [{"payment_intent": id}])[0])
    )
    assert calls == ["GET /v1/refunds"]
    assert len(found) == 1
