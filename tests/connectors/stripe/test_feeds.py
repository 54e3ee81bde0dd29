"""Following changes: events as addresses, each record read once, nothing lost."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

from stripe_desk import Desk, paid

from connectors.base import Confirmed
from connectors.records import Life, Page, Selection
from sandbox.simulator import Mutation

CUSTOMERS = Selection("customers", ("name",))


def made(desk: Desk, name: str) -> str:
    with desk.simulator.lock:
        row = desk.simulator.mutate(Mutation("customers", "create", None, {"name": name}))
    assert isinstance(row, dict)
    return str(row["id"])


def test_several_events_of_a_record_are_one_read(desk: Desk) -> None:
    cursor = desk.connector.first_cursor(CUSTOMERS, desk.now())
    id = made(desk, "a")
    for name in "bcd":
        with desk.simulator.lock:
            desk.simulator.mutate(Mutation("customers", "update", id, {"name": name}))
    pages: list[Page] = []
    calls = desk.paths(lambda: pages.append(desk.connector.changes(CUSTOMERS, cursor, 50)))
    assert calls == ["GET /v1/events", f"GET /v1/customers/{id}"]
    assert [record.fields["name"] for record in pages[0].records] == ["d"]
    assert pages[0].at_head
    idle = desk.paths(lambda: desk.connector.changes(CUSTOMERS, pages[0].cursor, 50))
    assert idle == ["GET /v1/events"], "nothing new costs one call"


def test_a_deleted_record_is_reported(desk: Desk) -> None:
    id = made(desk, "a")
    desk.simulator.clock.shift(timedelta(minutes=10))
    cursor = desk.connector.first_cursor(CUSTOMERS, desk.now())
    with desk.simulator.lock:
        desk.simulator.mutate(Mutation("customers", "delete", id, {}))
    (record,) = desk.connector.changes(CUSTOMERS, cursor, 50).records
    assert (record.ref.id, record.life) == (id, Life.DELETED)


def test_one_object_alone_is_asked_for(desk: Desk) -> None:
    since = desk.now()
    made(desk, "a")
    id = paid(desk)
    for object in ("payment_intents", "charges"):
        selection = Selection(object, ("amount",))
        page = desk.connector.changes(selection, desk.connector.first_cursor(selection, since), 50)
        assert [record.fields["amount"] for record in page.records] == [Decimal("12.34")]
        if object == "payment_intents":
            assert page.records[0].ref.id == id


def test_balance_transactions_come_from_their_list(desk: Desk) -> None:
    selection = Selection("balance_transactions", ("fee", "net", "type"))
    cursor = desk.connector.first_cursor(selection, desk.now())
    for number in range(4):
        paid(desk, key=f"p{number}")
    found = []
    for _ in range(20):
        page = desk.connector.changes(selection, cursor, 3)
        cursor = page.cursor
        found += page.records
        if page.at_head:
            break
    assert len(found) == len({record.ref for record in found}) == 4
    assert {record.fields["net"] for record in found} == {Decimal("11.68")}
    assert all("balance_transactions/" not in call.path for call in desk.observed)


def test_after_more_than_thirty_days_everything_is_walked_once(desk: Desk) -> None:
    old = made(desk, "old")
    cursor = desk.connector.first_cursor(CUSTOMERS, desk.now())
    edited = made(desk, "edited")
    desk.simulator.clock.shift(timedelta(days=31))
    page = desk.connector.changes(CUSTOMERS, cursor, 1)
    assert not page.at_head
    seen = [record.ref.id for record in page.records]
    later = made(desk, "later")
    desk.simulator.clock.shift(timedelta(seconds=2))
    for _ in range(20):
        page = desk.connector.changes(CUSTOMERS, page.cursor, 1)
        seen += [record.ref.id for record in page.records]
        if page.at_head:
            break
    assert page.at_head
    assert {old, edited, later} <= set(seen)
    after = made(desk, "after")
    page = desk.connector.changes(CUSTOMERS, page.cursor, 50)
    assert after in {record.ref.id for record in page.records}


def test_a_quiet_account_never_falls_behind(desk: Desk) -> None:
    cursor = desk.connector.first_cursor(CUSTOMERS, desk.now())
    for _ in range(5):
        desk.simulator.clock.shift(timedelta(days=20))
        page = desk.connector.changes(CUSTOMERS, cursor, 50)
        assert page.at_head
        cursor = page.cursor
    id = made(desk, "a")
    (record,) = desk.connector.changes(CUSTOMERS, cursor, 50).records
    assert record.ref.id == id


def test_refunds_are_followed(desk: Desk) -> None:
    selection = Selection("refunds", ("amount", "status"))
    cursor = desk.connector.first_cursor(selection, desk.now())
    refund = desk.create(
        "refunds", "r1", payment_intent=paid(desk), amount=Decimal("2.34"), currency="usd"
    )
    assert isinstance(refund, Confirmed)
    (record,) = desk.connector.changes(selection, cursor, 50).records
    assert record.ref.id == refund.id
    assert record.fields["amount"] == Decimal("2.34")
