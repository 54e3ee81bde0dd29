"""An order takes effect and nobody hears of it; what comes after is as if all had been well."""

from __future__ import annotations

from datetime import date, timedelta

from tests.moneyline.mishaps import fault, keys, killed, look_again, outcomes, requests
from tests.moneyline.world import MoneyLine

START = date(2026, 1, 1)
ORDERS = "/v1/orders"


def won(line: MoneyLine) -> str:
    """A deal is won; returns the number of its order."""
    return "O-" + line.won(line.account(), [("PLT-001", 1_200)], START)


def killed_with_the_order_sent(line: MoneyLine) -> None:
    """The engine dies after the order was sent, before it wrote down what became of it."""
    killed(line, "send.applied", lambda: bool(requests(line, "zuora", "POST", ORDERS)))


def billed_once(line: MoneyLine) -> None:
    """One order, one subscription, one invoice, one of everything that follows."""
    for system, object in (
        ("zuora", "orders"),
        ("zuora", "subscriptions"),
        ("zuora", "invoices"),
        ("netsuite", "invoice"),
        ("stripe", "payment_intents"),
    ):
        assert len(line.records(system, object)) == 1, object


def rests(line: MoneyLine) -> None:
    """Nothing is open, and an engine that starts anew writes nothing."""
    assert line.codes() == []
    before = line.written()
    line.restart()
    line.rest(hours=1)
    assert line.written() == before


def test_an_order_whose_answer_was_lost_is_found_after_a_day(line: MoneyLine) -> None:
    # given an order that takes effect, its answer cut off, and an engine killed at once
    won(line)
    fault(line, "zuora", "POST", ORDERS)
    killed_with_the_order_sent(line)
    assert len(line.records("zuora", "orders")) == 1
    # when it starts again 25 hours later, past what the vendor remembers of keys
    line.clock.shift(timedelta(hours=25))
    line.boot()
    line.settle()
    # then the order is found by its number and linked, and never sent again
    assert len(requests(line, "zuora", "POST", ORDERS)) == 1
    assert outcomes(line, "orders") == ["resolved"]
    billed_once(line)
    rests(line)


def test_an_order_that_never_arrived_is_sent_again_under_its_number(line: MoneyLine) -> None:
    # given an order that is cut off before it takes effect, and an engine killed at once
    number = won(line)
    fault(line, "zuora", "POST", ORDERS, phase="before")
    killed_with_the_order_sent(line)
    assert not line.records("zuora", "orders")
    # when it starts again 25 hours later
    line.clock.shift(timedelta(hours=25))
    line.boot()
    line.settle()
    # then it is looked for, and sent under another key and the same number
    first, second = keys(line, "zuora", ORDERS)
    assert first != second
    (order,) = line.records("zuora", "orders").values()
    assert order["orderNumber"] == number
    assert outcomes(line, "orders") == ["absent", "confirmed"]
    billed_once(line)
    rests(line)


def test_an_order_is_asked_for_again_by_its_key_within_the_hour(line: MoneyLine) -> None:
    # given an order whose answer was lost, and an engine killed at once
    won(line)
    fault(line, "zuora", "POST", ORDERS)
    killed_with_the_order_sent(line)
    # when it starts again while the vendor remembers the key
    line.clock.shift(timedelta(minutes=50))
    line.boot()
    line.settle()
    # then the same key and the same bytes tell what became of it
    first, second = requests(line, "zuora", "POST", ORDERS)
    assert len(set(keys(line, "zuora", ORDERS))) == 1
    assert first.request.body == second.request.body
    assert outcomes(line, "orders") == ["resolved"]
    billed_once(line)
    rests(line)


def test_an_order_that_is_another_than_was_sent_is_a_persons_business(line: MoneyLine) -> None:
    # given an order whose answer was lost, and that somebody has changed since
    won(line)
    fault(line, "zuora", "POST", ORDERS)
    killed_with_the_order_sent(line)
    (id,) = line.records("zuora", "orders")
    zuora = line.simulators["zuora"]
    with zuora.lock:
        zuora.tenant.update("orders", id, {"orderDate": "2026-02-02"})
    # when it is found 25 hours later
    line.clock.shift(timedelta(hours=25))
    line.boot()
    line.settle()
    # then it is neither linked nor made again: a person is told which field is another
    assert line.codes() == ["RESOLVED_DIFFERS"]
    (issue,) = line.issues()
    assert issue.parameters["fields"] == "orderDate"
    assert len(requests(line, "zuora", "POST", ORDERS)) == 1
    # and once it is as it was sent, it is linked after all
    with zuora.lock:
        zuora.tenant.update("orders", id, {"orderDate": START.isoformat()})
    (deal,) = line.records("salesforce", "Opportunity")
    look_again(line, "orders", deal)
    line.rest(minutes=10)
    assert len(requests(line, "zuora", "POST", ORDERS)) == 1
    billed_once(line)
    rests(line)
