"""Payment intents and charges, on cards and from bank accounts."""

from __future__ import annotations

import pytest
import stripe

INTENTS = "/v1/payment_intents"


def charge_of(desk, intent: dict[str, object]) -> dict[str, object]:
    return desk.get(f"/v1/charges/{intent['latest_charge']}?expand[]=balance_transaction")


def test_a_card_is_charged_and_the_fee_taken(desk) -> None:
    paid = desk.paid(10_000, customer=desk.customer(), **{"metadata[revline_id]": "r-1"})
    assert (paid["status"], paid["amount_received"]) == ("succeeded", 10_000)
    charge = charge_of(desk, paid)
    assert charge["status"] == "succeeded"
    assert charge["metadata"] == {"revline_id": "r-1"}
    moved = charge["balance_transaction"]
    assert (moved["amount"], moved["fee"], moved["net"]) == (10_000, 320, 9680)
    assert moved["status"] == "pending"
    desk.pass_time(days=2)
    assert charge_of(desk, paid)["balance_transaction"]["status"] == "available"
    assert set(desk.event_types()) == {
        "customer.created",
        "payment_intent.created",
        "payment_intent.succeeded",
        "charge.succeeded",
    }
    assert desk.violations() == []


def test_amounts_are_what_the_currency_allows(desk) -> None:
    for amount, currency, code in (
        (49, "usd", "amount_too_small"),
        (49, "jpy", "amount_too_small"),
        (100_000_000, "usd", "amount_too_large"),
        (1234, "kwd", "parameter_invalid_integer"),
        (150, "isk", "parameter_invalid_integer"),
        (150, "ugx", "parameter_invalid_integer"),
        (0, "usd", "parameter_invalid_integer"),
        (1000, "xxx", "invalid_currency"),
    ):
        error = desk.refused("POST", INTENTS, {"amount": amount, "currency": currency})
        assert error["code"] == code, (amount, currency)
    for amount, currency in ((500, "jpy"), (1230, "KWD"), (100, "isk"), (2500, "mga")):
        assert desk.paid(amount, currency)["currency"] == currency.lower()


@pytest.mark.parametrize(
    ("method", "code", "decline_code"),
    [
        ("pm_card_chargeDeclined", "card_declined", "generic_decline"),
        ("pm_card_chargeDeclinedInsufficientFunds", "card_declined", "insufficient_funds"),
        ("pm_card_chargeDeclinedExpiredCard", "expired_card", None),
        ("pm_card_authenticationRequired", "authentication_required", "authentication_required"),
    ],
)
def test_a_decline_leaves_a_failed_charge_and_an_open_intent(desk, method, code, decline_code):
    with pytest.raises(stripe.CardError) as declined:
        desk.v1.payment_intents.create(
            {
                "amount": 1000,
                "currency": "usd",
                "payment_method": method,
                "confirm": True,
                "off_session": True,
            }
        )
    error = declined.value
    assert (error.http_status, error.code) == (402, code)
    assert error.error.to_dict().get("decline_code") == decline_code
    intent = desk.get(f"{INTENTS}/{error.error.payment_intent.id}")
    assert intent["status"] == "requires_payment_method"
    assert intent["last_payment_error"]["code"] == code
    charge = desk.get(f"/v1/charges/{intent['latest_charge']}")
    assert (charge["status"], charge["paid"], charge["failure_code"]) == ("failed", False, code)
    assert charge["balance_transaction"] is None
    assert desk.event_types() == [
        "payment_intent.created",
        "payment_intent.payment_failed",
        "charge.failed",
    ]
    confirmed = desk.post(
        f"{INTENTS}/{intent['id']}/confirm",
        {"payment_method": "pm_card_visa", "off_session": "true"},
    )
    assert (confirmed["status"], confirmed["last_payment_error"]) == ("succeeded", None)


def test_a_bank_debit_settles_days_later(desk) -> None:
    paying = desk.paid(method="pm_usBankAccount")
    assert paying["status"] == "processing"
    assert paying["latest_charge"].startswith("py_")
    assert charge_of(desk, paying)["status"] == "pending"
    desk.pass_time(days=3.9)
    assert desk.get(f"{INTENTS}/{paying['id']}")["status"] == "processing"
    desk.pass_time(days=0.2)
    settled = desk.get(f"{INTENTS}/{paying['id']}")
    assert (settled["status"], settled["amount_received"]) == ("succeeded", 10_000)
    charge = charge_of(desk, settled)
    assert charge["balance_transaction"]["type"] == "payment"
    newest = desk.get("/v1/events?limit=1")["data"][0]
    assert newest["created"] == paying["created"] + 4 * 86_400, "as of when it was due"


@pytest.mark.parametrize("by_hand", [False, True])
def test_a_bank_debit_can_come_back(desk, by_hand) -> None:
    method = "pm_usBankAccount" if by_hand else "pm_usBankAccount_accountClosed"
    paying = desk.paid(method=method)
    if by_hand:
        desk.mutate("payment_intents", "fail", paying["id"], reason="account_closed")
    desk.pass_time(days=5)
    failed = desk.get(f"{INTENTS}/{paying['id']}")
    assert failed["status"] == "requires_payment_method"
    charge = charge_of(desk, failed)
    assert (charge["status"], charge["failure_code"]) == ("failed", "account_closed")
    assert desk.get("/v1/balance_transactions")["data"] == []


def test_a_debit_that_was_settled_by_hand_settles_once(desk) -> None:
    paying = desk.paid(method="pm_usBankAccount")
    desk.mutate("payment_intents", "settle", paying["id"])
    desk.pass_time(days=5)
    assert desk.event_types().count("payment_intent.succeeded") == 1
    assert len(desk.get("/v1/balance_transactions")["data"]) == 1


def test_a_customer_pays_an_open_intent(desk) -> None:
    made = desk.post(INTENTS, {"amount": 5000, "currency": "eur"})
    assert made["status"] == "requires_payment_method"
    refused = desk.mutate(
        "payment_intents", "pay", made["id"], payment_method="pm_card_chargeDeclined"
    )
    assert refused["status"] == "requires_payment_method"
    assert desk.mutate("payment_intents", "pay", made["id"])["status"] == "succeeded"
    answer = desk.session.post(
        f"{desk.url}/__admin/mutate",
        json={"object": "payment_intents", "op": "pay", "id": made["id"], "fields": {}},
        timeout=10,
    )
    assert answer.status_code == 400


def test_authentication_is_the_customers_to_give(desk) -> None:
    form = {
        "amount": 5000,
        "currency": "eur",
        "payment_method": "pm_card_authenticationRequired",
        "confirm": "true",
        "return_url": "https://shop.example/",
    }
    waiting = desk.post(INTENTS, form)
    assert waiting["status"] == "requires_action"
    paid = desk.mutate("payment_intents", "pay", waiting["id"])
    assert (paid["status"], paid["next_action"]) == ("succeeded", None)


def test_a_confirmation_that_might_redirect_needs_an_address(desk) -> None:
    form = {"amount": 500, "currency": "usd", "payment_method": "pm_card_visa", "confirm": "true"}
    assert desk.refused("POST", INTENTS, form)["param"] == "return_url"
    never = {
        "automatic_payment_methods[enabled]": "true",
        "automatic_payment_methods[allow_redirects]": "never",
    }
    assert desk.post(INTENTS, {**form, **never})["status"] == "succeeded"
    assert len(desk.get(INTENTS)["data"]) == 1, "what was refused is not there"


def test_capture_takes_a_part_and_releases_the_rest(desk) -> None:
    held = desk.paid(8000, capture_method="manual")
    assert (held["status"], held["amount_capturable"]) == ("requires_capture", 8000)
    assert desk.get("/v1/balance_transactions")["data"] == []
    too_much = desk.refused("POST", f"{INTENTS}/{held['id']}/capture", {"amount_to_capture": 8001})
    assert too_much["param"] == "amount_to_capture"
    taken = desk.post(f"{INTENTS}/{held['id']}/capture", {"amount_to_capture": 6000})
    assert (taken["status"], taken["amount_received"]) == ("succeeded", 6000)
    charge = charge_of(desk, taken)
    assert (charge["amount_captured"], charge["amount_refunded"]) == (6000, 2000)
    assert charge["balance_transaction"]["amount"] == 6000
    assert desk.event_types()[-1] == "charge.captured"


def test_cancel_and_the_states_that_do_not_allow_it(desk) -> None:
    made = desk.post(INTENTS, {"amount": 5000, "currency": "eur"})
    path = f"{INTENTS}/{made['id']}/cancel"
    assert desk.post(path, {"cancellation_reason": "abandoned"})["status"] == "canceled"
    error = desk.refused("POST", path)
    assert error["code"] == "payment_intent_unexpected_state"
    assert error["payment_intent"]["status"] == "canceled"
    paid = desk.paid()
    assert desk.refused("POST", f"{INTENTS}/{paid['id']}/cancel")["type"] == "invalid_request_error"


def test_a_payment_method_belongs_to_one_customer(desk) -> None:
    one, two = desk.customer(), desk.customer()
    method = desk.post("/v1/payment_methods/pm_card_visa/attach", {"customer": one})["id"]
    assert method != "pm_card_visa"
    assert [m["id"] for m in desk.get(f"/v1/customers/{one}/payment_methods")["data"]] == [method]
    form = {"amount": 500, "currency": "usd", "payment_method": method, "customer": two}
    assert desk.refused("POST", INTENTS, form)["param"] == "payment_method"
    assert desk.refused("POST", f"/v1/payment_methods/{method}/attach", {"customer": two})
    assert desk.paid(500, method=method, customer=one)["status"] == "succeeded"


def test_a_charge_carries_no_invoice_and_an_intent_no_charges(desk) -> None:
    paid = desk.paid()
    assert {"invoice", "charges"}.isdisjoint(paid)
    assert {"invoice", "refunds"}.isdisjoint(charge_of(desk, paid))
