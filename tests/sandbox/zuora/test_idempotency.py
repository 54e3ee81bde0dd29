"""Idempotency keys: 24 hours, failures included, POST alone."""

from __future__ import annotations

import threading
from typing import Any

from .conftest import create, order, plan


def key(value: str) -> dict[str, dict[str, str]]:
    return {"headers": {"Idempotency-Key": value}}


def test_an_order_is_placed_once_under_a_key(tenant: Any) -> None:
    tenant.account()
    body = order(create("2026-09-01", plan("PLT-001", "ANNUAL")), subscription=None)
    first = tenant.call("POST", "/v1/orders", body, **key("k"))
    again = tenant.call("POST", "/v1/orders", body, **key("k"))
    assert first.content == again.content
    assert len(tenant.look("state")["objects"]["orders"]) == 1
    tenant.call("POST", "/v1/orders", body)
    assert len(tenant.look("state")["objects"]["orders"]) == 2
    tenant.shift(24 * 3600 + 1)
    tenant.sign_in()
    tenant.call("POST", "/v1/orders", body, **key("k"))
    assert len(tenant.look("state")["objects"]["orders"]) == 3


def test_a_failure_is_replayed_until_a_new_key(tenant: Any) -> None:
    body = order(create("2026-09-01", plan("PLT-001", "ANNUAL")))
    first = tenant.refused("POST", "/v1/orders", body, **key("k"))
    tenant.account()
    assert tenant.refused("POST", "/v1/orders", body, **key("k")) == first
    assert tenant.ok("POST", "/v1/orders", body, **key("k2"))["status"] == "Completed"


def test_a_key_is_bound_to_its_request(tenant: Any) -> None:
    tenant.account()
    contact = {"firstName": "A", "lastName": "B", "country": "FR", "accountNumber": "A-1"}
    assert tenant.call("POST", "/v1/contacts", contact, **key("k")).status_code == 200
    assert tenant.call("POST", "/v1/payments", {}, **key("k")).status_code == 422
    other = tenant.call("POST", "/v1/contacts", {**contact, "lastName": "C"}, **key("k"))
    assert other.status_code == 422
    assert tenant.violations() == {"idempotency_key_reused"}


def test_put_refuses_a_key(tenant: Any) -> None:
    tenant.account()
    answer = tenant.call("PUT", "/v1/accounts/A-1", {"notes": "x"}, **key("k"))
    assert answer.status_code == 400
    message = "Request method 'PUT' not supported with Idempotency-Key header"
    assert answer.json()["message"] == message
    assert tenant.violations() == {"idempotency_key_on_put"}


def test_a_key_in_progress_is_a_conflict(tenant: Any) -> None:
    tenant.account()
    body = order(create("2026-09-01", plan("PLT-001", "ANNUAL")))
    hold = tenant.admin("hold", {"match": {"path": "/v1/orders"}})["hold"]
    answers: list[int] = []

    def send() -> None:
        answers.append(tenant.call("POST", "/v1/orders", body, **key("k")).status_code)

    held = threading.Thread(target=send)
    held.start()
    tenant.look(f"hold?id={hold}&wait_seconds=10")
    assert tenant.call("POST", "/v1/orders", body, **key("k")).status_code == 409
    tenant.admin("release", {"hold": hold})
    held.join(10)
    assert answers == [200]
    assert tenant.call("POST", "/v1/orders", body, **key("k")).status_code == 200
    assert len(tenant.look("state")["objects"]["orders"]) == 1


def test_a_cut_off_order_is_placed_all_the_same(tenant: Any) -> None:
    """What a gateway does after 120 seconds."""
    tenant.account()
    body = order(create("2026-09-01", plan("PLT-001", "ANNUAL")), orderNumber="O-1")
    tenant.admin(
        "faults",
        {"match": {"path": "/v1/orders"}, "phase": "after", "action": "status", "status": 504},
    )
    assert tenant.call("POST", "/v1/orders", body, **key("k")).status_code == 504
    assert tenant.ok("GET", "/v1/orders/O-1")["order"]["status"] == "Completed"
    assert tenant.ok("POST", "/v1/orders", body, **key("k"))["orderNumber"] == "O-1"
    assert tenant.refused("POST", "/v1/orders", body) == 58490020
