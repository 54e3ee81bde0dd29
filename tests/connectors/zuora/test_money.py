"""From an order to a settled invoice, through the connector alone."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest
from zuora_desk import Desk

from connectors.errors import DuplicateFound, Gone, Rejected
from connectors.records import Identity, Operation, Selection

THOUSAND = Decimal(1000)


@pytest.fixture
def invoice(desk: Desk) -> str:
    desk.account()
    return desk.invoice()


def test_an_order_makes_a_subscription_and_an_invoice(desk: Desk) -> None:
    desk.account()
    made = desk.done(desk.order())
    assert made.id == "O-1"
    assert made.created is True
    assert made.fields["subscriptionNumbers"] == ("S-1",)
    (invoice,) = made.fields["invoiceNumbers"]
    order = desk.read("orders", "O-1", "status", "orderDate", "existingAccountNumber")
    assert order.fields == {
        "status": "Completed",
        "orderDate": date(2026, 9, 1),
        "existingAccountNumber": "A-1",
    }
    subscription = desk.read(
        "subscriptions", "S-1", "status", "accountNumber", "termEndDate", "ratePlans", "version"
    )
    assert subscription.get("status") == "Active"
    assert subscription.get("accountNumber") == "A-1"
    (plan,) = subscription.fields["ratePlans"]
    (charge,) = plan["ratePlanCharges"]
    assert charge["quantity"] == Decimal(10)
    assert (
        desk.read("invoices", str(invoice), "amountWithoutTax").get("amountWithoutTax") == THOUSAND
    )


def test_an_invoice_comes_with_its_items(desk: Desk, invoice: str) -> None:
    record = desk.read(
        "invoices",
        invoice,
        "accountNumber",
        "amount",
        "amountWithoutTax",
        "balance",
        "invoiceDate",
        "items.chargeAmount",
        "items.chargeNumber",
        "postedDate",
        "status",
        "taxAmount",
    )
    assert record.get("status") == "Posted"
    assert record.get("accountNumber") == "A-1"
    assert record.get("amountWithoutTax") == THOUSAND
    assert type(record.get("balance")) is Decimal
    assert record.get("balance") == record.get("amount")
    assert isinstance(record.get("invoiceDate"), date)
    (item,) = record.fields["items"]
    expected = {
        "subscriptionNumber": "S-1",
        "chargeAmount": THOUSAND,
        "serviceStartDate": date(2026, 9, 1),
        "serviceEndDate": date(2027, 8, 31),
    }
    assert {name: item[name] for name in expected} == expected
    assert item["chargeNumber"]
    assert item["sku"]
    assert type(item["taxAmount"]) is Decimal
    assert "revRecTriggerCondition" in item


def test_charges_are_read_by_number_with_their_segments(desk: Desk, invoice: str) -> None:
    (item,) = desk.read("invoices", invoice, "items").fields["items"]
    number = str(item["chargeNumber"])
    charge = desk.read(
        "rate_plan_charges", number, "quantity", "segments", "subscriptionNumber", "mrr"
    )
    assert charge.ref.id == number
    assert charge.get("quantity") == Decimal(10)
    assert charge.get("subscriptionNumber") == "S-1"
    assert len(charge.fields["segments"]) == 1


def test_a_payment_over_two_invoices_is_applied_unapplied_and_refunded(desk: Desk) -> None:
    desk.account()
    first, second = desk.invoice("O-1"), desk.invoice("O-2")
    paid = desk.make(
        "payments",
        Identity("number", "PAY-1"),
        accountNumber="A-1",
        amount=Decimal("1500.00"),
        currency="USD",
        effectiveDate=date(2026, 9, 1),
        type="External",
        paymentMethodType="WireTransfer",
        referenceId="ch_1",
        invoices=(
            {"invoiceNumber": first, "amount": THOUSAND},
            {"invoiceNumber": second, "amount": Decimal("250.50")},
        ),
    )
    assert paid.id == "PAY-1"
    assert paid.fields["appliedAmount"] == Decimal("1250.50")
    payment = desk.read("payments", "PAY-1", "unappliedAmount", "applications", "referenceId")
    assert payment.get("unappliedAmount") == Decimal("249.50")
    applications = {one["invoiceNumber"]: one["amount"] for one in payment.fields["applications"]}
    assert applications == {first: THOUSAND, second: Decimal("250.50")}
    part = ({"invoiceNumber": second, "amount": Decimal("249.50")},)
    desk.act("payments", "PAY-1", "apply", invoices=part)
    assert desk.read("invoices", second, "balance").get("balance") == Decimal("500.00")
    desk.act("payments", "PAY-1", "unapply", invoices=part)
    refunded = desk.act(
        "payments",
        "PAY-1",
        "refund",
        totalAmount=Decimal("100.00"),
        type="External",
        methodType="WireTransfer",
        refundDate=date(2026, 9, 1),
    )
    assert refunded.id == "PAY-1"
    number = str(refunded.fields["refundNumber"])
    refund = desk.read("refunds", number, "amount", "invoiceNumber", "paymentNumber", "status")
    assert refund.fields == {
        "amount": Decimal("100.00"),
        "invoiceNumber": first,
        "paymentNumber": "PAY-1",
        "status": "Processed",
    }
    desk.act("refunds", number, "cancel")
    assert desk.read("refunds", number, "status").get("status") == "Canceled"


def test_a_chargeback_opens_the_invoice_again(desk: Desk, invoice: str) -> None:
    desk.make(
        "payments",
        Identity("number", "PAY-1"),
        accountNumber="A-1",
        amount=THOUSAND,
        currency="USD",
        type="External",
        paymentMethodType="CreditCard",
        invoices=({"invoiceNumber": invoice, "amount": THOUSAND},),
    )
    before = desk.read("invoices", invoice, "balance").get("balance")
    back = desk.act("payments", "PAY-1", "chargeback", amount=THOUSAND, referenceId="dp_1")
    assert str(back.fields["refundNumber"]).startswith("R-")
    after = desk.read("invoices", invoice, "balance").get("balance")
    assert isinstance(before, Decimal)
    assert after == before + THOUSAND


def test_a_credit_memo_is_made_posted_applied_and_found_again(desk: Desk, invoice: str) -> None:
    (item,) = desk.read("invoices", invoice, "items").fields["items"]
    ours = Identity("Revline_Id__c", "revline-case-1")
    made = desk.make(
        "credit_memos",
        ours,
        invoiceNumber=invoice,
        items=({"invoiceItemId": item["id"], "amount": Decimal("100.00")},),
        reasonCode="Correcting invoice error",
    )
    memo = made.id
    desk.act("credit_memos", memo, "post")
    desk.act(
        "credit_memos",
        memo,
        "apply",
        invoices=({"invoiceNumber": invoice, "amount": Decimal("60.00")},),
    )
    record = desk.read(
        "credit_memos", memo, "amount", "unappliedAmount", "status", "invoiceNumber", "items"
    )
    assert record.get("status") == "Posted"
    assert record.get("invoiceNumber") == invoice
    amount, left = record.get("amount"), record.get("unappliedAmount")
    assert isinstance(amount, Decimal)
    assert left == amount - Decimal("60.00")
    (line,) = record.fields["items"]
    assert line["amount"] == Decimal("100.00")
    (found,) = desk.connector.lookup(Selection("credit_memos", ("number",)), [ours])
    assert found.record.ref.id == memo
    desk.act(
        "credit_memos",
        memo,
        "unapply",
        invoices=({"invoiceNumber": invoice, "amount": Decimal("60.00")},),
    )
    back = desk.act("credit_memos", memo, "refund", totalAmount=Decimal("10.00"), type="External")
    number = str(back.fields["refundNumber"])
    assert desk.read("refunds", number, "invoiceNumber").get("invoiceNumber") == invoice


def test_a_memo_from_an_invoice_takes_no_number_of_ours(desk: Desk, invoice: str) -> None:
    change = desk.change(
        Operation.CREATE,
        "credit_memos",
        fields={"invoiceNumber": invoice, "items": ()},
        identity=Identity("number", "CM-OURS"),
    )
    error = desk.apply(change)
    assert isinstance(error, Rejected)
    assert error.code == "NUMBER_NOT_TAKEN"
    assert "Revline_Id__c" in error.message


def test_what_is_left_is_written_off(desk: Desk, invoice: str) -> None:
    desk.act("invoices", invoice, "write_off", comment="uncollectable")
    assert desk.read("invoices", invoice, "balance").get("balance") == 0


def test_an_action_twice_is_refused_by_the_state(desk: Desk, invoice: str) -> None:
    change = desk.change(Operation.ACT, "invoices", id=invoice, action="post", fields={})
    error = desk.apply(change)
    assert isinstance(error, Rejected)
    assert not isinstance(error, Gone)


def test_the_flag_for_the_ledger_is_set_by_an_update(desk: Desk, invoice: str) -> None:
    fields = {"transferredToAccounting": "Yes"}
    desk.done(desk.change(Operation.UPDATE, "invoices", id=invoice, fields=fields))
    assert desk.read("invoices", invoice, *fields).fields == fields


def test_custom_fields_of_a_subscription_make_no_new_version(desk: Desk, invoice: str) -> None:
    before = desk.read("subscriptions", "S-1", "version", "id").fields
    fields = {"SalesforceQuote__c": "Q-100"}
    desk.done(desk.change(Operation.UPDATE, "subscriptions", id="S-1", fields=fields))
    after = desk.read("subscriptions", "S-1", "version", "id", *fields).fields
    assert after == {**before, **fields}


def test_numbers_taken_are_duplicates_with_their_holder(desk: Desk) -> None:
    desk.account()
    desk.done(desk.order())
    error = desk.apply(desk.order())
    assert isinstance(error, DuplicateFound)
    assert [str(one) for one in error.candidates] == ["orders O-1"]


def test_usage_is_recorded_once_per_key(desk: Desk) -> None:
    desk.account()
    change = desk.change(
        Operation.CREATE,
        "usage",
        fields={
            "accountNumber": "A-1",
            "unitOfMeasure": "API call",
            "quantity": Decimal("12.5"),
            "startDateTime": desk.simulator.now().replace(microsecond=0),
        },
    )
    units = {row["uOM"] for row in desk.rows("product-rate-plan-charges") if row.get("uOM")}
    change = desk.change(
        Operation.CREATE, "usage", fields={**change.fields, "unitOfMeasure": min(units)}
    )
    first, again = desk.done(change), desk.done(change)
    assert first.id == again.id
    assert len(desk.rows("usages")) == 1
    record = desk.read("usage", first.id, "quantity", "startDateTime")
    assert record.get("quantity") == Decimal("12.5")
    assert record.get("startDateTime") == change.fields["startDateTime"]


def test_what_does_not_exist_is_gone(desk: Desk) -> None:
    post = desk.change(Operation.ACT, "invoices", id="INV-none", action="post", fields={})
    assert isinstance(desk.apply(post), Gone)
    pay = desk.change(Operation.UPDATE, "payments", id="P-none", fields={"comment": "x"})
    assert isinstance(desk.apply(pay), Gone)


def test_a_payments_comment_is_updated_by_its_number(desk: Desk) -> None:
    desk.account()
    fields = {"accountNumber": "A-1", "amount": Decimal(5), "currency": "USD"}
    more = {"type": "External", "paymentMethodType": "Cash"}
    desk.make("payments", Identity("number", "PAY-9"), **fields, **more)
    desk.done(desk.change(Operation.UPDATE, "payments", id="PAY-9", fields={"comment": "late"}))
    assert desk.read("payments", "PAY-9", "comment").get("comment") == "late"


def test_finance_is_read_and_listed(desk: Desk) -> None:
    wanted = Selection("accounting_periods", ("endDate", "name", "startDate", "status"))
    page = desk.connector.list(wanted, None, 40)
    assert page.records
    first = page.records[0]
    assert isinstance(first.get("startDate"), date)
    (again,) = desk.connector.read(wanted, [first.ref.id])
    assert again.fields == first.fields
    codes = desk.connector.list(
        Selection("accounting_codes", ("glAccountNumber", "type")), None, 40
    )
    assert any(one.get("type") == "DeferredRevenue" for one in codes.records)


def test_unknown_actions_and_objects_are_refused_in_words(desk: Desk) -> None:
    error = desk.apply(desk.change(Operation.ACT, "invoices", id="x", action="burn", fields={}))
    assert isinstance(error, Rejected)
    assert "write_off" in error.message
    nothing = desk.apply(desk.change(Operation.CREATE, "products", fields={"name": "x"}))
    assert isinstance(nothing, Rejected)
    assert nothing.code == "NOT_WRITABLE"


def test_what_must_be_fresh_is_not_read_from_the_index(desk: Desk, invoice: str) -> None:
    desk.simulator.set_options({"index_delay_seconds": 60})
    made = desk.make("credit_memos", None, invoiceNumber=invoice, amount=Decimal("10.00"))
    desk.wait(minutes=2)
    assert desk.read("credit_memos", made.id, "status").get("status") == "Draft"
    desk.act("credit_memos", made.id, "post")
    lagging, fresh = (
        desk.connector.read(Selection("credit_memos", ("number", "status"), fresh=one), [made.id])
        for one in (False, True)
    )
    assert lagging[0].get("status") == "Draft"
    assert fresh[0].fields == {"number": made.id, "status": "Posted"}
