"""Lost answers, stored failures, jobs, tokens, limits: what the connector says of each."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import pytest
from zuora_desk import BILL_TO, Desk, order_body

from connectors.base import Confirmed, Failed
from connectors.errors import (
    AuthFailed,
    OutcomeUnknown,
    RateLimited,
    Rejected,
    RetryLater,
)
from connectors.records import (
    Absent,
    Found,
    Identity,
    Life,
    NotYetKnowable,
    Operation,
    Ref,
    Selection,
)

ORDER = Selection("orders", ("invoiceNumbers", "orderNumber", "status", "subscriptionNumbers"))


def fault(desk: Desk, method: str, path: str, action: str, **more: object) -> None:
    rule = {"match": {"method": method, "path": path}, "action": action, "times": 1, **more}
    desk.simulator.faults.add(rule)


def test_an_order_whose_answer_is_lost_is_found_with_what_it_made(desk: Desk) -> None:
    desk.account()
    change = desk.order()
    fault(desk, "POST", "/v1/orders", "reset", phase="after")
    assert isinstance(desk.apply(change), OutcomeUnknown)
    asked = [Identity("orderNumber", "O-1"), Identity("orderNumber", "O-2")]
    # What it made may not show yet: an answer without its invoices would be wrong.
    early, _ = desk.connector.lookup(ORDER, asked)
    assert isinstance(early, NotYetKnowable)
    desk.wait(minutes=1)
    found, absent = desk.connector.lookup(ORDER, asked)
    assert isinstance(found, Found)
    assert isinstance(absent, Absent)
    again = desk.done(change)
    for name in ("subscriptionNumbers", "invoiceNumbers"):
        assert found.record.fields[name] == again.fields[name]
        assert again.fields[name]
    assert len(desk.rows("orders")) == 1
    assert len(desk.rows("invoices")) == 1


def test_a_long_identity_is_shortened_and_found_again(desk: Desk) -> None:
    desk.account()
    ours = Identity("number", "revline-payment_intents-pi_3QxYzABCDEFGHIJKLMNOPQRS")
    fields = {
        "accountNumber": "A-1",
        "amount": Decimal("5.00"),
        "currency": "USD",
        "type": "External",
        "paymentMethodType": "Cash",
        "invoices": (),
    }
    made = desk.make("payments", ours, **fields)
    assert len(made.id) == 32
    selection = Selection("payments", tuple(sorted({*fields, "number"})))
    (found,) = desk.connector.lookup(selection, [ours])
    assert isinstance(found, Found)
    assert found.record.ref.id == made.id
    shared = {name: found.record.fields[name] for name in fields if name in found.record.fields}
    assert shared == {name: fields[name] for name in shared}
    assert {"accountNumber", "amount", "currency", "type"} <= set(shared)
    assert set(made.fields) <= set(found.record.fields)


def test_what_a_lookup_shows_of_an_order_does_not_differ_from_what_was_sent(desk: Desk) -> None:
    desk.account()
    change = desk.order()
    made = desk.done(change)
    selection = Selection("orders", tuple(sorted(change.fields)))
    desk.wait(minutes=1)
    (found,) = desk.connector.lookup(selection, [change.identity])
    assert isinstance(found, Found)
    for fields in (found.record.fields, made.fields):
        sent = {name: change.fields[name] for name in fields if name in change.fields}
        assert {name: fields[name] for name in sent} == sent
    for name in ("subscriptionNumbers", "invoiceNumbers", "creditMemoNumbers"):
        assert found.record.fields[name] == made.fields[name]


def test_a_gateway_that_gives_up_leaves_a_write_in_doubt_and_a_read_for_later(desk: Desk) -> None:
    desk.account()
    fault(desk, "POST", "/v1/orders", "status", status=504, phase="after")
    assert isinstance(desk.apply(desk.order()), OutcomeUnknown)
    fault(desk, "GET", "/object-query/accounts", "status", status=504)
    with pytest.raises(RetryLater):
        desk.read("accounts", "A-1", "name")


def test_a_stored_failure_is_replayed_until_the_key_is_new(desk: Desk) -> None:
    change = desk.order()
    error = desk.apply(change)
    assert isinstance(error, Rejected)
    desk.account()
    assert isinstance(desk.apply(change), Rejected)
    fresh = desk.change(Operation.CREATE, "orders", fields=change.fields, identity=change.identity)
    assert isinstance(desk.apply(fresh), Confirmed)


def test_a_key_is_good_for_a_day(desk: Desk) -> None:
    desk.account()
    change = desk.order()
    desk.done(change)
    assert isinstance(desk.apply(change), Confirmed)
    desk.wait(hours=25)
    assert desk.apply(change).code == "NUMBER_TAKEN"


def big_order(desk: Desk, number: str, account: str = "A-1") -> object:
    plan, charge = desk.plan()
    return desk.change(
        Operation.CREATE,
        "orders",
        fields=order_body(plan, charge, "S-big", account, bill=False, overrides=4),
        identity=Identity("orderNumber", number),
    )


def test_a_large_order_is_a_job_that_is_looked_up(desk: Desk) -> None:
    desk.more["async_charges"] = "3"
    desk.connector = desk.build()
    desk.account()
    change = big_order(desk, "O-big")
    running = desk.apply(change)
    assert isinstance(running, OutcomeUnknown)
    assert running.code == "ORDER_RUNNING"
    assert any(call.path == "/v1/async/orders" for call in desk.observed)
    desk.wait(minutes=1)
    (found,) = desk.connector.lookup(ORDER, [Identity("orderNumber", "O-big")])
    assert isinstance(found, Found)
    assert found.record.get("subscriptionNumbers") == ("S-big",)
    # The same key is the same job, which is done by now.
    done = desk.done(change)
    assert done.id == "O-big"
    assert done.fields["subscriptionNumbers"] == ("S-big",)
    assert len(desk.rows("orders")) == 1


def test_a_job_that_failed_is_a_refusal(desk: Desk) -> None:
    desk.more["async_charges"] = "3"
    desk.connector = desk.build()
    change = big_order(desk, "O-big", account="A-none")
    outcomes = [desk.apply(change) for _ in range(2)]
    assert any(isinstance(one, Rejected) for one in outcomes), outcomes
    assert desk.rows("orders") == []


@pytest.mark.parametrize(
    ("status", "expected"), [("Executing", NotYetKnowable), ("Completed", Found), ("Draft", Found)]
)
def test_an_order_still_being_made_is_not_yet_knowable(
    desk: Desk, status: str, expected: type[object]
) -> None:
    desk.account()
    desk.done(desk.order())
    (row,) = desk.rows("orders")
    with desk.simulator.lock:
        desk.simulator.tenant.update("orders", row["id"], {"status": status})
    desk.wait(minutes=1)
    (answer,) = desk.connector.lookup(ORDER, [Identity("orderNumber", "O-1")])
    assert isinstance(answer, expected)


def test_an_order_that_failed_behind_our_back_is_said_so(desk: Desk) -> None:
    desk.account()
    desk.done(desk.order())
    (row,) = desk.rows("orders")
    with desk.simulator.lock:
        desk.simulator.tenant.update("orders", row["id"], {"status": "Failed"})
    desk.wait(minutes=1)
    with pytest.raises(Rejected, match="O-1"):
        desk.connector.lookup(ORDER, [Identity("orderNumber", "O-1")])


def test_after_a_lost_connection_the_rest_is_not_sent(desk: Desk) -> None:
    changes = [
        desk.change(
            Operation.CREATE,
            "accounts",
            fields={"name": "Acme", "currency": "USD", "billToContact": BILL_TO},
            identity=Identity("accountNumber", f"A-{number}"),
        )
        for number in range(4)
    ]
    desk.connector.check()
    match = {"method": "POST", "path": "/v1/accounts", "nth": 2}
    desk.simulator.faults.add({"match": match, "action": "reset", "phase": "after"})
    outcomes = desk.connector.apply(changes)
    assert isinstance(outcomes[0], Confirmed)
    errors = [one.error for one in outcomes[1:] if isinstance(one, Failed)]
    assert isinstance(errors[0], OutcomeUnknown)
    assert [(type(one), one.code) for one in errors[1:]] == [(RetryLater, "NOT_SENT")] * 2
    assert len(desk.rows("accounts")) == 2


def test_a_token_is_renewed_once(desk: Desk) -> None:
    desk.provoked.add("unauthorized")
    desk.account()
    desk.simulator.tokens.given[-1].revoked = True
    assert desk.read("accounts", "A-1", "name").get("name") == "Acme"
    desk.wait(hours=2)
    assert desk.read("accounts", "A-1", "name").get("name") == "Acme"
    assert len([call for call in desk.observed if call.path == "/oauth/token"]) == 3


def test_a_second_refusal_of_a_token_is_final(desk: Desk) -> None:
    desk.connector.check()
    rule = {"match": {"path": "/object-query/accounts"}, "action": "status", "status": 401}
    desk.simulator.faults.add({**rule, "times": 2})
    with pytest.raises(AuthFailed):
        desk.read("accounts", "A-1", "name")


def test_wrong_credentials_are_said_in_words(desk: Desk) -> None:
    desk.more["client_secret"] = "wrong-secret"
    with pytest.raises(AuthFailed, match="client_secret") as raised:
        desk.build().check()
    assert "wrong-secret" not in str(raised.value)


def test_limits_are_waits(desk: Desk) -> None:
    desk.connector.check()
    desk.simulator.set_options({"requests_per_minute": 1})
    change = desk.change(Operation.UPDATE, "accounts", id="A-1", fields={"name": "x"})
    limited = desk.apply(change)
    assert isinstance(limited, RateLimited)
    assert timedelta(0) < limited.wait <= timedelta(minutes=2)


def test_a_locked_record_is_tried_later(desk: Desk) -> None:
    from sandbox.zuora.tenant import Lock

    desk.account()
    desk.simulator.tenant.locks.append(Lock("A-1", 1))
    change = desk.change(Operation.UPDATE, "accounts", id="A-1", fields={"name": "New"})
    assert isinstance(desk.apply(change), RetryLater)
    assert isinstance(desk.apply(change), Confirmed)


def test_what_the_index_does_not_know_yet_is_not_gone(desk: Desk) -> None:
    desk.simulator.set_options({"index_delay_seconds": 30})
    desk.account()
    record = desk.read("accounts", "A-1", "name", "crmId")
    assert record.life is Life.LIVE
    assert record.get("name") == "Acme"
    selection = Selection("accounts", ("name",))
    (found,) = desk.connector.lookup(selection, [Identity("accountNumber", "A-1")])
    assert isinstance(found, Found)


def test_what_cannot_be_seen_yet_is_not_read_rather_than_blank(desk: Desk) -> None:
    desk.account()
    desk.wait(minutes=1)
    desk.simulator.set_options({"index_delay_seconds": 30})
    change = desk.order()
    (invoice,) = desk.done(change).fields["invoiceNumbers"]
    names = ("accountNumber", "amount", "balance", "isSplit", "items", "reversed", "status")
    early = desk.read("invoices", str(invoice), *names)
    assert early.life is Life.LIVE
    assert early.get("accountNumber") == "A-1"
    assert "items" not in early.fields
    account = desk.read("accounts", "A-1", "createdDate", "name")
    assert account.get("createdDate") is not None
    desk.wait(minutes=1)
    late = desk.read("invoices", str(invoice), *names)
    assert len(late.fields["items"]) == 1


def test_a_new_account_leaves_unread_what_its_resource_does_not_show(desk: Desk) -> None:
    desk.simulator.set_options({"index_delay_seconds": 30})
    desk.account()
    record = desk.read("accounts", "A-1", "createdDate", "name")
    assert record.fields == {"name": "Acme"}


def test_a_closed_period_is_named(desk: Desk) -> None:
    desk.account()
    periods = desk.connector.list(Selection("accounting_periods", ("name", "startDate")), None, 40)
    first = min(periods.records, key=lambda one: str(one.get("startDate")))
    with desk.simulator.lock:
        desk.simulator.tenant.update("accounting-periods", first.ref.id, {"status": "Closed"})
    day = first.get("startDate")
    change = desk.change(
        Operation.CREATE,
        "payments",
        fields={
            "accountNumber": "A-1",
            "amount": Decimal(5),
            "currency": "USD",
            "effectiveDate": day,
            "type": "External",
            "paymentMethodType": "Cash",
        },
        identity=Identity("number", "PAY-1"),
    )
    error = desk.apply(change)
    assert isinstance(error, Rejected)
    assert error.code == "PERIOD_CLOSED"


def test_reading_by_number_is_exact(desk: Desk) -> None:
    desk.account("A-1")
    id = str(desk.read("accounts", "A-1", "id").get("id"))
    by_id = desk.read("accounts", id, "name")
    assert (by_id.life, by_id.successor) == (Life.MERGED, Ref("accounts", "A-1"))
    assert not by_id.fields
    for other in ("a-1", "f" * 32, "A-1 ", "A-1,A-2", "[A-1]", "A/1", "../A-1", ""):
        assert desk.read("accounts", other, "name").life is Life.DELETED


def test_keys_and_pins_are_sent(desk: Desk) -> None:
    desk.account()
    change = desk.order()
    desk.done(change)
    entries = [one for one in desk.simulator.journal.entries if one.request.path == "/v1/orders"]
    headers = entries[-1].request.headers
    assert headers["idempotency-key"] == change.key
    assert headers["zuora-track-id"] == change.key
    assert headers["zuora-version"] == "2025-08-12"
