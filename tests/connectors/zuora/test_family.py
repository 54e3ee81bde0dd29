"""Roots and children, searches over what is versioned, and following changes."""

from __future__ import annotations

from decimal import Decimal

from zuora_desk import Desk

from connectors.records import Life, Operation, Selection


def test_children_of_an_account_and_their_root(desk: Desk) -> None:
    desk.account("A-1")
    desk.account("A-2")
    invoices = {desk.invoice("O-1"), desk.invoice("O-2")}
    selection = Selection("invoices", ("balance",))
    found = desk.connector.children(selection, "accounts", ["A-1", "A-2", "A-none"])
    assert {one.ref.id for one in found["A-1"]} == invoices
    assert (found["A-2"], found["A-none"]) == ((), ())
    first = min(invoices)
    assert desk.connector.parents("invoices", [first, "INV-none"], "accounts") == {
        first: ("A-1",),
        "INV-none": (),
    }


def test_items_and_charges_find_their_roots(desk: Desk) -> None:
    desk.account()
    invoice = desk.invoice()
    items = desk.connector.children(
        Selection("invoice_items", ("chargeNumber",)), "invoices", [invoice]
    )[invoice]
    (item,) = items
    assert desk.connector.parents("invoice_items", [item.ref.id], "invoices") == {
        item.ref.id: (invoice,)
    }
    (charge,) = desk.connector.children(
        Selection("rate_plan_charges", ("quantity",)), "subscriptions", ["S-1"]
    )["S-1"]
    assert charge.ref.id == item.get("chargeNumber")


def test_a_changed_subscription_is_one_record(desk: Desk) -> None:
    desk.account()
    desk.done(desk.order())
    selection = Selection("subscriptions", ("status", "version"))
    cursor = desk.connector.first_cursor(selection, desk.simulator.now())
    desk.wait(minutes=1)
    renew = {
        "orderDate": desk.simulator.now().date(),
        "existingAccountNumber": "A-1",
        "subscriptions": (
            {
                "subscriptionNumber": "S-1",
                "orderActions": (
                    {
                        "type": "CancelSubscription",
                        "triggerDates": tuple(
                            {"name": name, "triggerDate": desk.simulator.now().date()}
                            for name in (
                                "ContractEffective",
                                "ServiceActivation",
                                "CustomerAcceptance",
                            )
                        ),
                        "cancelSubscription": {"cancellationPolicy": "EndOfCurrentTerm"},
                    },
                ),
            },
        ),
        "processingOptions": {"runBilling": False},
    }
    desk.done(desk.change(Operation.CREATE, "orders", fields=renew))
    assert len(desk.rows("subscriptions")) == 2
    (record,) = desk.connector.read(selection, ["S-1"])
    assert record.get("version") == 2
    page = desk.connector.changes(selection, cursor, 50)
    assert [(one.ref.id, one.get("version")) for one in page.records] == [("S-1", 2)]
    (found,) = desk.connector.search(selection, [{"subscriptionNumber": "s-1"}])
    assert [one.get("version") for one in found] == [2]
    (charge,) = desk.connector.children(
        Selection("rate_plan_charges", ("quantity",)), "subscriptions", ["S-1"]
    )["S-1"]
    assert charge.get("quantity") == Decimal(10)


def test_charges_and_invoices_are_followed(desk: Desk) -> None:
    desk.account()
    wanted = {
        "rate_plan_charges": ("quantity", "segments", "subscriptionNumber"),
        "invoices": ("accountNumber", "balance", "items"),
        "orders": ("accountNumber", "status", "subscriptions"),
    }
    cursors = {
        object: desk.connector.first_cursor(Selection(object, fields), desk.simulator.now())
        for object, fields in wanted.items()
    }
    invoice = desk.invoice()
    desk.wait(minutes=1)
    seen = {
        object: desk.connector.changes(Selection(object, fields), cursors[object], 50).records
        for object, fields in wanted.items()
    }
    (charge,) = seen["rate_plan_charges"]
    assert charge.get("subscriptionNumber") == "S-1"
    (record,) = seen["invoices"]
    assert (record.ref.id, record.get("accountNumber")) == (invoice, "A-1")
    assert len(record.fields["items"]) == 1
    (order,) = seen["orders"]
    # Only the v1 resource shows these: not read is not the same as blank.
    assert "subscriptions" not in order.fields
    assert order.version is not None


def test_products_are_found_by_sku(desk: Desk) -> None:
    sku = desk.rows("products")[0]["sKU"]
    (found,) = desk.connector.search(Selection("products", ("name", "sku")), [{"sku": sku}])
    assert [one.get("sku") for one in found] == [sku]
    plans = desk.connector.children(
        Selection("product_rate_plans", ("name",)), "products", [found[0].ref.id]
    )[found[0].ref.id]
    assert plans


def test_without_a_record_any_custom_field_may_be_there(desk: Desk) -> None:
    fields = desk.connector.describe("credit_memos").fields
    assert fields["Anything__c"].name == "Anything__c"
    assert "Anything__c" not in set(fields)
    assert "anything" not in fields


def test_custom_fields_are_described_and_read(desk: Desk) -> None:
    desk.account("A-1", Subsidiary__NS="2")
    assert desk.read("accounts", "A-1", "Subsidiary__NS").get("Subsidiary__NS") == "2"
    invoice = desk.invoice()
    account = desk.read("invoices", invoice, "account.Subsidiary__NS").fields["account"]
    assert (account["accountNumber"], account["Subsidiary__NS"]) == ("A-1", "2")
    charges = desk.read("subscriptions", "S-1", "charges").fields["charges"]
    assert [one["quantity"] for one in charges] == [Decimal(10)]
    described = desk.connector.describe("accounts")
    assert described.fields["Subsidiary__NS"].writable
    assert described.fields["billToContact"].required_on_create
    assert {"account", "accountNumber", "items"} <= set(desk.connector.describe("invoices").fields)


def test_deep_fields_are_read_from_the_resource(desk: Desk) -> None:
    desk.account()
    record = desk.read("accounts", "A-1", "billToContact.country", "name", "contractedMrr")
    contact = record.fields["billToContact"]
    assert contact["country"] == "United States"
    assert record.version is not None
    assert record.life is Life.LIVE
