"""How large an order is, and which way it is sent."""

from __future__ import annotations

from connectors.zuora.orders import asynchronous, charges_of, order_fields


def plan(charges: int) -> dict[str, object]:
    overrides = tuple({"productRatePlanChargeId": f"c{n}"} for n in range(charges))
    return {"productRatePlanId": "p", "chargeOverrides": overrides}


def order(*plans: dict[str, object], **more: object) -> dict[str, object]:
    create = {"type": "CreateSubscription", "createSubscription": {"subscribeToRatePlans": plans}}
    return {"orderDate": "2026-01-01", "subscriptions": ({"orderActions": (create,)},), **more}


def test_charges_are_counted_and_a_plan_without_names_counts_once() -> None:
    assert charges_of({}) == 0
    assert charges_of(order(plan(3), plan(2))) == 5
    assert charges_of(order({"productRatePlanId": "p"})) == 1
    update = {"updateProduct": {"ratePlanId": "r", "chargeUpdates": ({}, {})}}
    assert charges_of({"subscriptions": ({"orderActions": (update,)},)}) == 2
    add = {"addProduct": plan(4)}
    assert charges_of({"subscriptions": ({"orderActions": (add,)},)}) == 4
    assert charges_of({"orderLineItems": ({"itemName": "a"}, {"itemName": "b"})}) == 2


def test_large_orders_are_jobs_but_drafts_cannot_be() -> None:
    assert not asynchronous(order(plan(50)), 50)
    assert asynchronous(order(plan(51)), 50)
    assert not asynchronous(order(plan(51), status="Draft"), 50)


def test_both_shapes_of_the_answer_name_the_subscriptions() -> None:
    old = {"subscriptions": [{"subscriptionNumber": "S-1", "status": "Active"}]}
    new = {"subscriptionNumbers": ["S-1"], "invoiceNumbers": ["INV-1"]}
    assert order_fields(old)["subscriptionNumbers"] == ("S-1",)
    assert order_fields(new) == {
        "subscriptionNumbers": ("S-1",),
        "invoiceNumbers": ("INV-1",),
        "creditMemoNumbers": (),
    }
