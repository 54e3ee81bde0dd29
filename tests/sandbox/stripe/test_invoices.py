"""Invoices, their items, taxes and payments, and credit notes."""

from __future__ import annotations

import pytest

INVOICES = "/v1/invoices"


def draft(desk, amount: int = 10_000, currency: str = "usd", **more: str) -> dict[str, object]:
    customer = more.pop("customer", None) or desk.customer()
    form = {"customer": customer, "currency": currency, **more}
    if "collection_method" not in more:
        form |= {"collection_method": "send_invoice", "days_until_due": "30"}
    made = desk.post(INVOICES, form)
    item = {"invoice": made["id"], "customer": customer, "amount": amount, "currency": currency}
    desk.post("/v1/invoiceitems", {**item, "description": "Seats"})
    return desk.get(f"{INVOICES}/{made['id']}")


def opened(desk, amount: int = 10_000, **more: str) -> dict[str, object]:
    return desk.post(f"{INVOICES}/{draft(desk, amount, **more)['id']}/finalize")


def payments(desk, invoice: str) -> list[dict[str, object]]:
    return desk.get(f"/v1/invoice_payments?invoice={invoice}")["data"]


def test_a_draft_is_numbered_and_due_when_finalized(desk) -> None:
    made = draft(desk)
    assert (made["status"], made["number"], made["total"]) == ("draft", None, 10_000)
    line = made["lines"]["data"][0]
    assert line["parent"]["type"] == "invoice_item_details"
    assert line["pricing"]["unit_amount_decimal"] == "10000"
    final = desk.post(f"{INVOICES}/{made['id']}/finalize")
    assert final["status"] == "open"
    assert final["number"].endswith("-0001")
    assert final["due_date"] == final["status_transitions"]["finalized_at"] + 30 * 86_400
    assert (final["amount_due"], final["amount_remaining"]) == (10_000, 10_000)
    gone = {"payment_intent", "charge", "paid", "subscription", "tax"}
    assert gone.isdisjoint(final), "fields of old API versions"
    desk.refused("POST", f"{INVOICES}/{made['id']}/finalize")
    late = {"invoice": made["id"], "amount": 5, "currency": "usd"}
    assert desk.refused("POST", "/v1/invoiceitems", late)["code"] == "invoice_not_editable"
    assert desk.violations() == []


def test_the_customer_pays_and_one_fact_fires_many_events(desk) -> None:
    made = opened(desk)
    before = len(desk.event_types())
    paid = desk.mutate("invoices", "pay", made["id"])
    assert (paid["status"], paid["amount_paid"], paid["amount_remaining"]) == ("paid", 10_000, 0)
    assert set(desk.event_types()[before:]) == {
        "payment_intent.succeeded",
        "charge.succeeded",
        "invoice.updated",
        "invoice.paid",
        "invoice.payment_succeeded",
        "invoice_payment.paid",
    }
    (payment,) = payments(desk, made["id"])
    assert (payment["status"], payment["amount_paid"]) == ("paid", 10_000)
    intent = payment["payment"]["payment_intent"]
    query = f"payment[type]=payment_intent&payment[payment_intent]={intent}"
    assert desk.get(f"/v1/invoice_payments?{query}")["data"] == [payment]
    shown = desk.get(
        f"{INVOICES}/{made['id']}?expand[]=payments.data.payment.payment_intent.latest_charge"[:-14]
    )
    inner = shown["payments"]["data"][0]["payment"]["payment_intent"]
    assert inner["status"] == "succeeded"


def test_paying_the_intent_of_an_invoice_pays_the_invoice(desk) -> None:
    made = opened(desk)
    (payment,) = payments(desk, made["id"])
    intent = payment["payment"]["payment_intent"]
    assert desk.refused("POST", f"/v1/payment_intents/{intent}/cancel")
    desk.mutate("payment_intents", "pay", intent, payment_method="pm_usBankAccount")
    desk.mutate("payment_intents", "settle", intent)
    assert desk.get(f"{INVOICES}/{made['id']}")["status"] == "paid"


def test_a_deleted_draft_is_not_found_by_search(desk) -> None:
    made = draft(desk, **{"metadata[revline_id]": "i-1"})
    query = {"query": "metadata['revline_id']:'i-1'"}
    assert len(desk.get(f"{INVOICES}/search", params=query)["data"]) == 1
    desk.delete(f"{INVOICES}/{made['id']}")
    assert desk.get(f"{INVOICES}/search", params=query)["data"] == []


def test_a_failed_attempt_leaves_the_invoice_open(desk) -> None:
    made = opened(desk)
    declined = desk.refused(
        "POST", f"{INVOICES}/{made['id']}/pay", {"payment_method": "pm_card_chargeDeclined"}, 402
    )
    assert declined["code"] == "card_declined"
    now = desk.get(f"{INVOICES}/{made['id']}")
    assert (now["status"], now["attempted"], now["attempt_count"]) == ("open", True, 1)
    assert "invoice.payment_failed" in desk.event_types()
    paid = desk.post(f"{INVOICES}/{made['id']}/pay", {"payment_method": "pm_card_visa"})
    assert paid["status"] == "paid"
    desk.refused("POST", f"{INVOICES}/{made['id']}/pay")


def test_paid_out_of_band_makes_no_charge(desk) -> None:
    made = opened(desk)
    paid = desk.post(f"{INVOICES}/{made['id']}/pay", {"paid_out_of_band": "true"})
    assert (paid["status"], paid["amount_remaining"]) == ("paid", 0)
    assert desk.get("/v1/charges")["data"] == []
    assert payments(desk, made["id"])[0]["status"] == "canceled"
    assert "invoice.paid" in desk.event_types()


def test_a_bank_debit_pays_when_it_settles(desk) -> None:
    made = opened(desk)
    waiting = desk.mutate("invoices", "pay", made["id"], payment_method="pm_usBankAccount")
    assert waiting["status"] == "open"
    desk.pass_time(days=4)
    assert desk.get(f"{INVOICES}/{made['id']}")["status"] == "paid"


def test_partial_payments_and_an_overpayment(desk) -> None:
    made = opened(desk)
    path = f"{INVOICES}/{made['id']}/attach_payment"
    part = desk.paid(4000, customer=made["customer"])
    now = desk.post(path, {"payment_intent": part["id"]})
    assert (now["status"], now["amount_paid"], now["amount_remaining"]) == ("open", 4000, 6000)
    desk.refused("POST", path, {"payment_intent": part["id"]})
    much = desk.paid(7000, customer=made["customer"])
    done = desk.post(path, {"payment_intent": much["id"]})
    assert (done["status"], done["amount_paid"], done["amount_overpaid"]) == ("paid", 10_000, 1000)
    states = {row["amount_requested"]: row["status"] for row in payments(desk, made["id"])}
    assert states == {4000: "paid", 7000: "paid", 6000: "canceled"}


@pytest.mark.parametrize(
    ("inclusive", "total", "net"), [("false", 11_900, 10_000), ("true", 10_000, 8403)]
)
def test_tax_rates(desk, inclusive, total, net) -> None:
    rate = {"display_name": "VAT", "percentage": "19", "inclusive": inclusive}
    id = desk.post("/v1/tax_rates", rate)["id"]
    made = draft(desk, **{"default_tax_rates[0]": id})
    assert (made["total"], made["total_excluding_tax"]) == (total, net)
    (tax,) = made["total_taxes"]
    assert tax["amount"] == total - net
    assert tax["taxable_amount"] == net
    assert tax["tax_rate_details"] == {"tax_rate": id}
    assert made["lines"]["data"][0]["taxes"][0]["amount"] == total - net


def test_waiting_items_join_an_invoice_that_asks_for_them(desk) -> None:
    customer = desk.customer()
    desk.post("/v1/invoiceitems", {"customer": customer, "amount": 700, "currency": "usd"})
    plain = desk.post(INVOICES, {"customer": customer})
    assert plain["lines"]["data"] == []
    form = {"customer": customer, "pending_invoice_items_behavior": "include"}
    assert desk.post(INVOICES, form)["total"] == 700
    assert desk.get(f"/v1/invoiceitems?customer={customer}&pending=true")["data"] == []


def test_only_ten_lines_are_printed_inside(desk) -> None:
    made = draft(desk, 100)
    item = {"invoice": made["id"], "customer": made["customer"], "amount": 1, "currency": "usd"}
    for _ in range(11):
        desk.post("/v1/invoiceitems", item)
    shown = desk.get(f"{INVOICES}/{made['id']}")
    assert (len(shown["lines"]["data"]), shown["lines"]["has_more"]) == (10, True)
    assert shown["total"] == 111
    listed = desk.get(f"{INVOICES}/{made['id']}/lines?limit=100")["data"]
    assert sum(line["amount"] for line in listed) == 111


def test_void_write_off_and_delete(desk) -> None:
    first, second, third = opened(desk), opened(desk), draft(desk)
    assert desk.post(f"{INVOICES}/{first['id']}/void")["status"] == "void"
    assert payments(desk, first["id"])[0]["status"] == "canceled"
    bad = desk.post(f"{INVOICES}/{second['id']}/mark_uncollectible")
    assert bad["status"] == "uncollectible"
    assert desk.mutate("invoices", "pay", second["id"])["status"] == "paid"
    desk.refused("POST", f"{INVOICES}/{second['id']}/void")
    desk.refused("DELETE", f"{INVOICES}/{first['id']}")
    assert desk.delete(f"{INVOICES}/{third['id']}")["deleted"]
    desk.refused("GET", f"{INVOICES}/{third['id']}", status=404)


def test_a_credit_balance_pays_first(desk) -> None:
    customer = desk.customer(balance="-2500")
    made = opened(desk, customer=customer)
    assert (made["amount_due"], made["starting_balance"], made["ending_balance"]) == (
        7500,
        -2500,
        0,
    )
    other = opened(desk, 1000, customer=desk.customer(balance="-2500"))
    assert (other["status"], other["ending_balance"]) == ("paid", -1500)


def test_overdue_is_told_once_the_day_has_passed(desk) -> None:
    opened(desk)
    desk.pass_time(days=30)
    assert desk.event_types().count("invoice.overdue") == 1


def test_a_credit_note_lowers_what_is_due(desk) -> None:
    made = opened(desk)
    note = desk.post("/v1/credit_notes", {"invoice": made["id"], "amount": 4000})
    assert (note["type"], note["number"]) == ("pre_payment", f"{made['number']}-CN-01")
    now = desk.get(f"{INVOICES}/{made['id']}")
    assert (now["amount_remaining"], now["pre_payment_credit_notes_amount"]) == (6000, 4000)
    assert payments(desk, made["id"])[0]["amount_requested"] == 6000
    assert desk.post(f"/v1/credit_notes/{note['id']}/void")["status"] == "void"
    assert desk.get(f"{INVOICES}/{made['id']}")["amount_remaining"] == 10_000
    desk.post("/v1/credit_notes", {"invoice": made["id"], "amount": 10_000})
    assert desk.get(f"{INVOICES}/{made['id']}")["status"] == "paid"


def test_a_credit_note_of_a_paid_invoice_says_where_the_money_goes(desk) -> None:
    made = opened(desk)
    desk.mutate("invoices", "pay", made["id"])
    form = {"invoice": made["id"], "amount": 5000}
    assert desk.refused("POST", "/v1/credit_notes", form)["param"] == "amount"
    means = {"refund_amount": 3000, "credit_amount": 1500, "out_of_band_amount": 500}
    note = desk.post("/v1/credit_notes", {**form, **means})
    assert (note["type"], note["post_payment_amount"]) == ("post_payment", 5000)
    refund = desk.get(f"/v1/refunds/{note['refunds'][0]['refund']}")
    assert (refund["amount"], refund["status"]) == (3000, "succeeded")
    assert desk.get(f"/v1/customers/{made['customer']}")["balance"] == -1500
    now = desk.get(f"{INVOICES}/{made['id']}")
    assert (now["status"], now["post_payment_credit_notes_amount"]) == ("paid", 5000)
    too_much = {"invoice": made["id"], "amount": 5001, "out_of_band_amount": 5001}
    desk.refused("POST", "/v1/credit_notes", too_much)


def test_a_credit_note_by_line_carries_its_tax(desk) -> None:
    rate = {"display_name": "VAT", "percentage": "19", "inclusive": "false"}
    id = desk.post("/v1/tax_rates", rate)["id"]
    made = opened(desk, **{"default_tax_rates[0]": id})
    line = made["lines"]["data"][0]["id"]
    form = {
        "invoice": made["id"],
        "lines[0][type]": "invoice_line_item",
        "lines[0][invoice_line_item]": line,
        "lines[0][amount]": 5000,
    }
    note = desk.post("/v1/credit_notes", form)
    assert (note["total"], note["total_excluding_tax"]) == (5950, 5000)
    assert note["total_taxes"][0]["amount"] == 950
