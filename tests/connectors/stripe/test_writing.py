"""Writing: keys, money, declines, doubt."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from stripe_desk import CARD, Desk, paid

from connectors.base import Confirmed, Failed
from connectors.errors import (
    AccessDenied,
    AuthFailed,
    CallError,
    OutcomeUnknown,
    RateLimited,
    Rejected,
    RetryLater,
)
from connectors.records import Change, Identity, Operation, Selection
from sandbox.stripe import Stripe as Simulator

IDENTITY = "metadata.revline_id"


def error_of(outcome: object) -> CallError:
    assert isinstance(outcome, Failed), outcome
    return outcome.error


def customers(desk: Desk) -> int:
    with desk.simulator.lock:
        return len(desk.simulator.snapshot().get("customers", {}))


def test_the_changes_key_is_sent_and_a_repeat_is_answered_anew(desk: Desk) -> None:
    first = desk.create("customers", "k1", name="A")
    again = desk.create("customers", "k1", name="A")
    assert isinstance(first, Confirmed)
    assert isinstance(again, Confirmed)
    assert first.id == again.id
    assert customers(desk) == 1
    (entry, _) = [one for one in desk.simulator.journal.entries if one.request.method == "POST"]
    assert entry.request.headers["idempotency-key"] == "k1"


def test_a_key_with_another_body_is_refused(desk: Desk) -> None:
    desk.create("customers", "k1", name="A")
    error = error_of(desk.create("customers", "k1", name="B"))
    assert (type(error), error.code) == (Rejected, "KEY_REUSED")
    assert customers(desk) == 1


def test_upserts_look_together_and_never_make_a_second(desk: Desk) -> None:
    def upserts(turn: int) -> list[Change]:
        return [
            Change(f"t{turn}-{number}", Operation.UPSERT, "customers", {"name": f"{turn}"},
                   identity=Identity(IDENTITY, f"revline-{number}"))
            for number in range(10)
        ]  # fmt: skip

    first = desk.paths(lambda: desk.connector.apply(upserts(1)))
    assert first[:2] == ["GET /v1/customers/search", "GET /v1/customers"]
    assert first[2:] == ["POST /v1/customers"] * 10
    desk.connector.apply(upserts(2))
    desk.connector.apply(upserts(2))
    assert customers(desk) == 10


def upsert(key: str, object: str, known_as: str, **fields: Any) -> Change:
    identity = Identity(IDENTITY, f"revline-{known_as}")
    return Change(key, Operation.UPSERT, object, fields, identity=identity)


def test_an_upsert_of_a_payment_whose_answer_was_lost_pays_once(desk: Desk) -> None:
    rule = {"match": {"method": "POST", "path": "/v1/payment_intents"}, "action": "reset",
            "phase": "after", "times": 1}  # fmt: skip
    desk.simulator.faults.add(rule)
    change = upsert("k1", "payment_intents", "p", amount=Decimal(5), currency="eur", **CARD)
    (lost,) = desk.connector.apply([change])
    assert isinstance(error_of(lost), OutcomeUnknown)
    (again,) = desk.connector.apply([change])
    assert isinstance(again, Confirmed)
    assert again.fields["status"] == "succeeded"
    with desk.simulator.lock:
        assert len(desk.simulator.snapshot()["payment_intents"]) == 1
        assert len(desk.simulator.snapshot()["charges"]) == 1


def test_an_upsert_of_what_is_there_repeats_what_is_fixed_and_cannot_change_it(desk: Desk) -> None:
    id = paid(desk)
    first = upsert("k1", "refunds", "r", payment_intent=id, amount=Decimal(5), currency="usd")
    (made,) = desk.connector.apply([first])
    assert isinstance(made, Confirmed)
    same = upsert("k2", "refunds", "r", payment_intent=id, amount=Decimal("5.00"), currency="USD",
                  **{"metadata.note": "x"})  # fmt: skip
    (kept,) = desk.connector.apply([same])
    assert isinstance(kept, Confirmed)
    assert (kept.id, kept.created) == (made.id, False)
    (record,) = desk.connector.read(Selection("refunds", ("metadata.note",)), [made.id])
    assert record.fields["metadata.note"] == "x"
    other = upsert("k3", "refunds", "r", payment_intent=id, amount=Decimal(6), currency="usd")
    error = error_of(desk.connector.apply([other])[0])
    assert (type(error), error.code) == (Rejected, "FIXED_AT_CREATION")
    assert isinstance(error, Rejected)
    assert set(error.field_errors) == {"amount"}
    with desk.simulator.lock:
        assert len(desk.simulator.snapshot()["refunds"]) == 1


def test_two_upserts_of_one_record_in_a_batch_make_one(desk: Desk) -> None:
    first, second = desk.connector.apply(
        [upsert("k1", "customers", "c", name="A"), upsert("k2", "customers", "c", name="B")]
    )
    assert isinstance(first, Confirmed)
    assert isinstance(second, Confirmed)
    assert first.id == second.id
    (record,) = desk.connector.read(Selection("customers", ("name",)), [first.id])
    assert record.fields["name"] == "B"


def test_a_declined_payment_leaves_an_intent_that_says_so(desk: Desk) -> None:
    card = {**CARD, "payment_method": "pm_card_chargeDeclinedInsufficientFunds"}
    made = desk.create("payment_intents", "k1", amount=Decimal(5), currency="eur", **card)
    assert isinstance(made, Confirmed)
    assert made.fields["status"] == "requires_payment_method"
    failure: Any = made.fields["last_payment_error"]
    assert failure["code"] == "card_declined"
    again = desk.act("payment_intents", made.id, "confirm", "k2", payment_method=card[
        "payment_method"])  # fmt: skip
    error = error_of(again)
    assert (type(error), error.code) == (Rejected, "INSUFFICIENT_FUNDS")
    paid_at_last = desk.act(
        "payment_intents", made.id, "confirm", "k3", payment_method="pm_card_visa"
    )
    assert isinstance(paid_at_last, Confirmed)
    assert paid_at_last.fields["status"] == "succeeded"


def test_capture_and_cancel(desk: Desk) -> None:
    held = desk.create(
        "payment_intents", "k1", amount=Decimal("10.00"), currency="usd",
        capture_method="manual", **CARD,
    )  # fmt: skip
    assert isinstance(held, Confirmed)
    assert held.fields["status"] == "requires_capture"
    taken = desk.act("payment_intents", held.id, "capture", "k2", amount_to_capture=Decimal("7.50"))
    assert isinstance(taken, Confirmed)
    (record,) = desk.connector.read(
        Selection("payment_intents", ("amount_received", "status")), [held.id]
    )
    assert record.fields == {"amount_received": Decimal("7.50"), "status": "succeeded"}
    error = error_of(desk.act("payment_intents", held.id, "cancel", "k3"))
    assert isinstance(error, Rejected)


def test_a_refund_is_in_its_charges_currency(desk: Desk) -> None:
    id = paid(desk, "1500", "jpy")
    made = desk.create("refunds", "r1", payment_intent=id, amount=Decimal(500))
    assert isinstance(made, Confirmed)
    with desk.simulator.lock:
        row: Any = desk.simulator.snapshot()["refunds"][made.id]
    assert row["amount"] == 500
    wrong = error_of(
        desk.create("refunds", "r2", payment_intent=id, amount=Decimal(5), currency="USD")
    )
    assert (type(wrong), wrong.code) == (Rejected, "CURRENCY_MISMATCH")
    fine = desk.create("refunds", "r3", payment_intent=id, amount=Decimal(5), currency="JPY")
    assert isinstance(fine, Confirmed)
    too_fine = error_of(desk.create("refunds", "r4", payment_intent=id, amount=Decimal("0.5")))
    assert too_fine.code == "AMOUNT_NOT_EXACT"


def test_a_refund_of_everything_needs_no_amount_and_no_look(desk: Desk) -> None:
    id = paid(desk)
    calls = desk.paths(lambda: desk.create("refunds", "r1", payment_intent=id, currency="usd"))
    assert calls == ["POST /v1/refunds"]


def test_an_amount_without_a_currency_is_refused(desk: Desk) -> None:
    error = error_of(desk.create("payment_intents", "k1", amount=Decimal(5)))
    assert (type(error), error.code) == (Rejected, "CURRENCY_MISSING")
    assert desk.observed == []


def test_an_update_of_an_amount_is_in_the_records_currency(desk: Desk) -> None:
    made = desk.create("payment_intents", "k1", amount=Decimal("1.230"), currency="kwd")
    assert isinstance(made, Confirmed)
    changed = desk.update("payment_intents", made.id, "k2", amount=Decimal("4.560"))
    assert isinstance(changed, Confirmed)
    assert changed.fields["amount"] == Decimal("4.560")
    with desk.simulator.lock:
        row: Any = desk.simulator.snapshot()["payment_intents"][made.id]
    assert row["amount"] == 4560


def test_a_stored_failure_says_so_when_it_is_repeated(desk: Desk) -> None:
    desk.simulator.set_options({"internal_errors": 1})
    first = error_of(desk.create("customers", "k1", name="A"))
    second = error_of(desk.create("customers", "k1", name="A"))
    assert (type(first), type(second)) == (OutcomeUnknown, OutcomeUnknown)
    assert second.code == "STORED_FAILURE"
    assert str(second.request_id).startswith("req_")
    assert isinstance(desk.create("customers", "k2", name="A"), Confirmed)


def test_a_locked_record_is_tried_later_under_the_same_key(desk: Desk) -> None:
    desk.simulator.set_options({"lock_timeouts": 1})
    error = error_of(desk.create("customers", "k1", name="A"))
    assert (type(error), error.code) == (RetryLater, "LOCK_TIMEOUT")
    assert isinstance(desk.create("customers", "k1", name="A"), Confirmed)


def test_too_fast_is_a_wait_and_the_rest_is_not_sent(desk: Desk, simulator: Simulator) -> None:
    simulator.set_options({"rate_scale": 0.08})
    simulator.clock.freeze()
    changes = [
        Change(f"k{number}", Operation.CREATE, "customers", {"name": "n"}) for number in range(8)
    ]
    outcomes = desk.connector.apply(changes)
    failed = [one.error for one in outcomes if isinstance(one, Failed)]
    assert failed
    assert all(isinstance(one, RateLimited) for one in failed)
    refused = [call for call in desk.observed if call.status == 429]
    assert len(refused) == 1
    assert customers(desk) == len(outcomes) - len(failed)


def test_a_missing_permission_is_named(desk: Desk) -> None:
    desk.simulator.set_options({"permissions": {"customer": "read"}})
    error = error_of(desk.create("customers", "k1", name="A"))
    assert isinstance(error, AccessDenied)
    assert "rak_customer_write" in error.message
    assert "revlineSandbox" not in error.message


def test_after_a_broken_connection_the_rest_is_not_sent(desk: Desk) -> None:
    rule = {"match": {"path": "/v1/customers"}, "action": "reset", "phase": "after", "times": 1}
    desk.simulator.faults.add(rule)
    changes = [
        Change(f"k{number}", Operation.CREATE, "customers", {"name": "n"}) for number in range(4)
    ]
    outcomes = desk.connector.apply(changes)
    kinds = [type(error_of(outcome)) for outcome in outcomes]
    assert kinds == [OutcomeUnknown, RetryLater, RetryLater, RetryLater]
    assert customers(desk) == 1
    assert all(isinstance(one, Confirmed) for one in desk.connector.apply(changes))
    assert customers(desk) == 4, "the first is answered from what Stripe stored"


@pytest.mark.parametrize(
    ("change", "code"),
    [
        (Change("k", Operation.ACT, "customers", {}, id="cus_1", action="merge"), "UNKNOWN_ACTION"),
        (Change("k", Operation.CREATE, "charges", {"amount": Decimal(1)}), "NOT_CREATABLE"),
        (Change("k", Operation.UPDATE, "payouts", {"metadata.a": "b"}, id="po_1"), "NOT_UPDATABLE"),
        (Change("k", Operation.DELETE, "payment_intents", {}, id="pi_1"), "NOT_DELETABLE"),
        (Change("k", Operation.UPDATE, "customers", {"name": "x"}, id=""), "MALFORMED_ID"),
        (Change("k", Operation.UPDATE, "customers", {"headers": "x"}, id="cus_1"), "UNKNOWN_FIELD"),
        (Change("k", Operation.CREATE, "customers", {"api_key": "x"}), "UNKNOWN_FIELD"),
    ],
)
def test_what_cannot_be_done_is_refused_without_a_call(
    desk: Desk, change: Change, code: str
) -> None:
    (outcome,) = desk.connector.apply([change])
    error = error_of(outcome)
    assert (type(error), error.code) == (Rejected, code)
    assert desk.observed == []


def test_a_wrong_key_pauses_the_connection(desk: Desk) -> None:
    connector = desk.build(api_key="rk_test_another_key_altogether")
    with pytest.raises(AuthFailed) as raised:
        connector.check()
    assert "another_key_altogether" not in f"{raised.value} {raised.value!r}"
    (outcome,) = connector.apply([Change("k", Operation.CREATE, "customers", {"name": "A"})])
    assert isinstance(error_of(outcome), AuthFailed)


def test_a_refund_of_nothing_is_refused_and_not_gone(desk: Desk) -> None:
    error = error_of(desk.create("refunds", "r1", charge="ch_missing"))
    assert type(error) is Rejected
    assert error.code == "RESOURCE_MISSING"


def test_a_deletion_is_a_deletion(desk: Desk) -> None:
    made = desk.create("customers", "k1", name="A")
    assert isinstance(made, Confirmed)
    (outcome,) = desk.connector.apply([Change("k2", Operation.DELETE, "customers", {}, id=made.id)])
    assert isinstance(outcome, Confirmed)
    assert desk.simulator.journal.violations == []
