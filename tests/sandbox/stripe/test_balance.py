"""Refunds, disputes and payouts: what each does to the balance."""

from __future__ import annotations

import pytest


def moves(desk, **filters: str) -> list[tuple[str, int, int]]:
    page = desk.get("/v1/balance_transactions?limit=100", params=filters)
    return [(row["reporting_category"], row["amount"], row["fee"]) for row in page["data"]][::-1]


def charge(desk, intent) -> dict[str, object]:
    return desk.get(f"/v1/charges/{intent['latest_charge']}")


def test_refunds_in_parts_until_nothing_is_left(desk) -> None:
    paid = desk.paid(10_000)
    form = {"payment_intent": paid["id"], "amount": 3000, "metadata[revline_id]": "f-1"}
    part = desk.post("/v1/refunds", form)
    assert (part["status"], part["charge"]) == ("succeeded", paid["latest_charge"])
    assert charge(desk, paid)["refunded"] is False
    too_much = {"charge": paid["latest_charge"], "amount": 7001}
    assert desk.refused("POST", "/v1/refunds", too_much)["param"] == "amount"
    rest = desk.post("/v1/refunds", {"charge": paid["latest_charge"]})
    assert rest["amount"] == 7000
    assert charge(desk, paid)["refunded"] is True
    again = desk.refused("POST", "/v1/refunds", {"charge": paid["latest_charge"]})
    assert again["code"] == "charge_already_refunded"
    assert moves(desk) == [("charge", 10_000, 320), ("refund", -3000, 0), ("refund", -7000, 0)]
    assert desk.event_types()[-4:] == ["refund.created", "charge.refunded"] * 2


def test_a_pending_refund_succeeds_later_or_by_hand(desk) -> None:
    desk.admin("options", {"card_refunds": "pending"})
    paid = desk.paid()
    first = desk.post("/v1/refunds", {"payment_intent": paid["id"], "amount": 100})
    assert first["status"] == "pending"
    assert desk.mutate("refunds", "succeed", first["id"])["status"] == "succeeded"
    second = desk.post("/v1/refunds", {"payment_intent": paid["id"], "amount": 100})
    desk.pass_time(days=3)
    assert desk.get(f"/v1/refunds/{second['id']}")["status"] == "succeeded"
    assert desk.event_types().count("refund.updated") == 2


@pytest.mark.parametrize("method", ["pm_card_visa", "pm_card_refundFail"])
def test_a_failed_refund_brings_the_money_back(desk, method) -> None:
    paid = desk.paid(method=method)
    made = desk.post("/v1/refunds", {"payment_intent": paid["id"]})
    if method == "pm_card_visa":
        desk.mutate("refunds", "fail", made["id"])
    desk.pass_time(days=3)
    failed = desk.get(f"/v1/refunds/{made['id']}?expand[]=failure_balance_transaction")
    assert failed["status"] == "failed"
    assert failed["failure_balance_transaction"]["amount"] == 10_000
    assert charge(desk, paid)["amount_refunded"] == 0
    assert sum(amount for _, amount, _ in moves(desk)) == 10_000
    assert "refund.failed" in desk.event_types()


def test_there_is_nothing_to_refund_on_an_open_payment(desk) -> None:
    intent = desk.post("/v1/payment_intents", {"amount": 500, "currency": "usd"})["id"]
    desk.refused("POST", "/v1/refunds", {"payment_intent": intent})
    assert desk.refused("POST", "/v1/refunds", {"amount": 5})["code"] == "parameter_missing"
    desk.refused("POST", "/v1/refunds", {"charge": "ch_no"})


def test_a_dispute_takes_the_money_and_a_fee_and_may_bring_it_back(desk) -> None:
    paid = desk.paid()
    made = desk.mutate("charges", "dispute", paid["latest_charge"], reason="duplicate")
    assert (made["object"], made["status"]) == ("dispute", "needs_response")
    assert charge(desk, paid)["disputed"] is True
    blocked = desk.refused("POST", "/v1/refunds", {"charge": paid["latest_charge"]})
    assert blocked["code"] == "charge_disputed"
    won = desk.mutate("disputes", "win", made["id"])
    assert (won["status"], len(won["balance_transactions"])) == ("won", 2)
    assert moves(desk) == [
        ("charge", 10_000, 320),
        ("dispute", -10_000, 1500),
        ("dispute_reversal", 10_000, 0),
    ]
    told = [name for name in desk.event_types() if "dispute" in name]
    assert told == [
        "charge.dispute.created",
        "charge.dispute.funds_withdrawn",
        "charge.dispute.updated",
        "charge.dispute.funds_reinstated",
        "charge.dispute.closed",
    ]


def test_a_lost_dispute_keeps_the_money(desk) -> None:
    paid = desk.paid()
    made = desk.mutate("charges", "dispute", paid["latest_charge"], amount=4000)
    lost = desk.post(f"/v1/disputes/{made['id']}/close")
    assert lost["status"] == "lost"
    assert moves(desk)[-1] == ("dispute", -4000, 1500)
    assert desk.event_types()[-1] == "charge.dispute.closed"
    desk.refused("POST", f"/v1/disputes/{made['id']}/close")


@pytest.mark.parametrize(
    ("text", "status"), [("winning_evidence", "won"), ("losing_evidence", "lost")]
)
def test_evidence_decides(desk, text, status) -> None:
    desk.paid(method="pm_card_createDispute")
    made = desk.get("/v1/disputes")["data"][0]
    form = {"evidence[uncategorized_text]": text}
    assert desk.post(f"/v1/disputes/{made['id']}", form)["status"] == "under_review"
    assert desk.get(f"/v1/disputes/{made['id']}")["status"] == status


def test_a_payout_is_the_sum_of_its_parts(desk) -> None:
    one, _ = desk.paid(10_000), desk.paid(7000, "eur")
    desk.post("/v1/refunds", {"payment_intent": one["id"], "amount": 1000})
    made = desk.mutate("payouts", "payout_now", currency="usd")
    assert (made["amount"], made["status"]) == (10_000 - 320 - 1000, "pending")
    page = desk.get(f"/v1/balance_transactions?payout={made['id']}")["data"]
    assert sum(row["net"] for row in page) == 0, "the parts and the payout itself"
    assert sorted(row["reporting_category"] for row in page) == ["charge", "payout", "refund"]
    desk.pass_time(days=2)
    arrived = desk.get(f"/v1/payouts/{made['id']}")
    assert (arrived["status"], arrived["reconciliation_status"]) == ("paid", "completed")
    failed = desk.mutate("payouts", "fail", made["id"])
    assert failed["status"] == "failed"
    assert moves(desk)[-1] == ("payout_failure", made["amount"], 0)


def test_the_daily_payout_takes_what_is_available(desk) -> None:
    desk.admin("options", {"payouts": "daily"})
    desk.paid(10_000)
    desk.pass_time(days=1)
    assert desk.get("/v1/payouts")["data"] == []
    desk.pass_time(days=3)
    (made,) = desk.get("/v1/payouts")["data"]
    assert made["amount"] == 9680
    assert made["created"] % 86_400 == 0
    desk.paid(10_000)
    desk.admin("options", {"payouts": "manual"})
    desk.pass_time(days=9)
    assert len(desk.get("/v1/payouts")["data"]) == 1


def test_the_balance_adds_up(desk) -> None:
    desk.paid(10_000)
    desk.pass_time(hours=1)
    desk.paid(500, "jpy")
    shown = desk.get("/v1/balance")
    assert {row["currency"]: row["amount"] for row in shown["pending"]} == {"jpy": 455, "usd": 9680}
    desk.pass_time(hours=47)
    assert desk.get("/v1/balance")["available"][1]["amount"] == 9680
