"""The shared surface: loading, state, counts, determinism."""

from __future__ import annotations

from typing import Any

import pytest

from sandbox.app import build
from sandbox.simulator import BadCommand, Mutation
from sandbox.zuora import ZuoraSimulator

from .conftest import create, plan


def test_products_carry_the_skus_of_the_world() -> None:
    simulator = build("zuora", 3, {"products": 6, "deals": 0, "contacts": 0, "companies": 0})
    other = build("zuora", 4, {"products": 6, "deals": 0, "contacts": 0, "companies": 0})
    first, second = (one.snapshot()["products"] for one in (simulator, other))
    skus = {row["sKU"] for row in first.values()}
    assert skus == {"PLT-001", "ANL-001", "SUP-001", "API-001", "ONB-001", "TRN-001"}
    assert set(first) == set(second)  # the ids are the same in every tenant
    simulator.close()
    other.close()


def test_what_is_loaded_is_what_the_api_would_make(tenant: Any) -> None:
    contact = {"firstName": "A", "lastName": "B", "country": "FR"}
    row = {"name": "A", "currency": "USD", "accountNumber": "A-7", "billToContact": contact}
    assert tenant.admin("load", {"objects": {"accounts": [row]}})["loaded"]["accounts"] == 1
    assert tenant.ok("GET", "/v1/accounts/A-7")["basicInfo"]["name"] == "A"
    counts = tenant.look("counts?by=external_id")["counts"]["accounts"]["A-7"]
    assert counts["creates"] == 0


def test_writes_are_counted_by_our_numbers(tenant: Any) -> None:
    tenant.account()
    tenant.order(create("2026-09-01", plan("PLT-001", "ANNUAL", 10)), orderNumber="O-1")
    tenant.bill("2026-09-01")
    body = {"amount": 5, "currency": "USD", "type": "External", "paymentMethodType": "ACH"}
    body |= {"accountNumber": "A-1", "number": "P-1"}
    tenant.ok("POST", "/v1/payments", body)
    tenant.ok("PUT", "/v1/payments/P-1", {"comment": None})
    counts = tenant.look("counts?by=external_id")["counts"]
    told = {
        (object, key): (row["creates"], row["changing_updates"], row["unchanged_updates"])
        for object, keys in counts.items() for key, row in keys.items()
        if object in {"accounts", "orders", "subscriptions", "payments", "invoices"}
    }  # fmt: skip
    assert told == {
        ("accounts", "A-1"): (1, 0, 0),
        ("orders", "O-1"): (1, 0, 0),
        ("subscriptions", "S-1"): (1, 0, 0),
        ("payments", "P-1"): (1, 0, 1),
        ("invoices", "INV00000001"): (0, 0, 0),
    }


def test_a_refused_request_applied_nothing(tenant: Any) -> None:
    tenant.call("POST", "/v1/accounts", {"name": "x"})
    entry = tenant.look("log")["entries"][-1]
    assert entry["applied"] is False


def test_reset_is_a_clean_start(tenant: Any) -> None:
    tenant.account()
    tenant.admin("reset")
    assert tenant.look("state")["objects"]["accounts"] == {}
    assert tenant.call("GET", "/v1/orders").status_code == 401


@pytest.mark.parametrize(
    ("object", "word", "id", "fields"),
    [
        ("nothing", "create", None, {}),
        ("accounts", "update", None, {}),
        ("accounts", "update", "A-9", {}),
        ("accounts", "frobnicate", "A-1", {}),
        ("invoices", "create", None, {}),
        ("invoices", "bill", None, {"until": "soon"}),
    ],
)
def test_commands_that_make_no_sense(object: str, word: str, id: str | None, fields: Any) -> None:
    simulator = ZuoraSimulator()
    contact = {"firstName": "A", "lastName": "B", "country": "FR"}
    row = {"name": "A", "currency": "USD", "accountNumber": "A-1", "billToContact": contact}
    simulator.mutate(Mutation("accounts", "create", None, row))
    with pytest.raises((BadCommand, ValueError)):
        simulator.mutate(Mutation(object, word, id, fields))
    simulator.close()
