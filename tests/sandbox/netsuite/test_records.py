"""Records one at a time: create, read, change, upsert, delete; validation; lists."""

from __future__ import annotations

from typing import Any


def test_create_answers_204_and_where_the_record_is(account: Any) -> None:
    answer = account.call("POST", "customer", {"companyName": "Acme", "subsidiary": {"id": "2"}})
    assert answer.status_code == 204
    assert answer.content == b""
    location = answer.headers["Location"]
    assert location.startswith(f"{account.url}/services/rest/record/v1/customer/")
    record = account.read("customer", location.rpartition("/")[2])
    assert record["companyName"] == "Acme"
    assert record["subsidiary"]["refName"] == "Revline UK Ltd"
    assert record["currency"]["refName"] == "British Pound"
    assert record["subsidiary"]["links"][0]["href"].endswith("/record/v1/subsidiary/2")


def test_a_whole_sale(account: Any) -> None:
    customer = account.customer()
    invoice = account.invoice(customer, account.line("PLT-001", 10_000))
    payment = account.pay(customer, 10_000, (invoice, 10_000))
    assert account.read("invoice", invoice)["status"] == {
        "id": "Paid In Full",
        "refName": "Paid In Full",
    }
    assert account.read("customerPayment", payment)["unapplied"] == 0
    assert account.sum_of("1100") == 0
    assert account.sum_of("2500") == -10_000
    assert account.sum_of("1090") == 10_000
