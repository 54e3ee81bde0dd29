"""Object query and Data Query."""

from __future__ import annotations

import json
from typing import Any

import pytest
import requests

from .conftest import create, plan

SINCE = "filter[]=updateddate.GE:2026-09-01T00:00:00Z"


def rows(tenant: Any, path: str) -> list[dict[str, Any]]:
    """All pages."""
    found: list[dict[str, Any]] = []
    cursor = ""
    while True:
        page = tenant.ok("GET", f"/object-query/{path}{cursor}")
        assert "success" not in page
        found += page["data"]
        if "nextPage" not in page:
            return found
        cursor = f"&cursor={page['nextPage']}"


def bad(tenant: Any, path: str, status: int = 400) -> None:
    answer = tenant.call("GET", f"/object-query/{path}")
    assert answer.status_code == status, answer.text
    assert set(answer.json()) == {"code", "message"}


def test_pages_are_complete_and_in_order(tenant: Any) -> None:
    for number in range(25):
        tenant.account(f"A-{number:02d}")
        if number % 7 == 3:
            tenant.shift(1)
    for size in (1, 4, 50):
        read = rows(tenant, f"accounts?{SINCE}&sort[]=updateddate.ASC&pageSize={size}")
        assert len({row["id"] for row in read}) == len(read) == 25
        stamps = [row["updatedDate"] for row in read]
        assert stamps == sorted(stamps)
    assert len(tenant.ok("GET", "/object-query/accounts")["data"]) == 10
    newest = rows(tenant, "accounts?pageSize=5")
    assert newest[0]["createdDate"] >= newest[-1]["createdDate"]


def test_a_write_moves_the_stamp(tenant: Any) -> None:
    tenant.account()
    [before] = rows(tenant, f"accounts?{SINCE}")
    tenant.shift(5)
    tenant.ok("PUT", "/v1/accounts/A-1", {"notes": "x"})
    assert rows(tenant, f"accounts?filter[]=updateddate.GT:{before['updatedDate']}") != []
    [after] = rows(tenant, "accounts?filter[]=accountnumber.EQ:A-1")
    assert (before["updatedDate"], after["updatedDate"]) == (
        "2026-09-01T08:00:00Z", "2026-09-01T08:00:05Z",
    )  # fmt: skip
    body = {"amount": 5, "currency": "USD", "type": "External", "paymentMethodType": "ACH"}
    tenant.ok("POST", "/v1/payments", {**body, "accountNumber": "A-1", "number": "P-1"})
    assert tenant.ok("GET", "/v1/payments/P-1")["updatedDate"] == "2026-09-01 08:00:05"
    tenant.admin("options", {"time_zone": "America/Los_Angeles"})
    assert tenant.ok("GET", "/v1/payments/P-1")["updatedDate"] == "2026-09-01 01:00:05"


def test_filters_are_anded(tenant: Any) -> None:
    tenant.account("A-1", crmId="001")
    tenant.account("A-2", currency="EUR", crmId="002")
    tenant.account("B-3", currency="EUR")

    def numbers(filters: str) -> list[str]:
        read = rows(tenant, f"accounts?{filters}&sort[]=accountnumber.ASC")
        return [row["accountNumber"] for row in read]

    assert numbers("filter[]=currency.EQ:EUR&filter[]=accountnumber.SW:A-") == ["A-2"]
    assert numbers("filter[]=accountnumber.IN:[A-1,B-3]") == ["A-1", "B-3"]
    assert numbers("filter[]=crmid.EQ:null") == ["B-3"]
    assert numbers("filter[]=crmid.NE:null") == ["A-1", "A-2"]
    assert numbers("filter[]=currency.NE:EUR") == ["A-1"]
    assert numbers("filter[]=balance.LE:0&filter[]=autopay.EQ:false") == ["A-1", "A-2", "B-3"]
    assert numbers("filter[]=billcycleday.GT:1") == []


@pytest.mark.parametrize(
    "query",
    [
        "filter[]=accountNumber.EQ:A-1",
        "filter[]=nothing.EQ:1",
        "filter[]=notes.EQ:x",
        "filter[]=accountnumber.HAS:x",
        "filter[]=accountnumber",
        "filter[]=updateddate.GE:yesterday",
        "sort[]=updateddate.UP",
        "sort[]=updateddate.ASC&sort[]=id.ASC",
        "pageSize=100",
        "pageSize=0",
        "cursor=nonsense",
        "expand[]=nothing",
    ],
)
def test_queries_that_make_no_sense(tenant: Any, query: str) -> None:
    tenant.account()
    bad(tenant, f"accounts?{query}")


def test_the_documented_page_size(tenant: Any) -> None:
    tenant.ok("GET", "/object-query/products?pageSize=50")
    assert tenant.violations() == set()
    tenant.ok("GET", "/object-query/products?pageSize=51")
    assert tenant.violations() == {"page_size"}
    bad(tenant, "journal-entries", 404)
    bad(tenant, "accounts/nobody", 404)


def test_names_differ_from_the_resources(tenant: Any) -> None:
    tenant.account(country="DE")
    tenant.order(create("2026-09-01", plan("PLT-001", "ANNUAL", 1000)))
    tenant.bill("2026-09-01")
    body = {"amount": 5, "currency": "USD", "type": "External", "paymentMethodType": "ACH"}
    tenant.ok("POST", "/v1/payments", {**body, "accountNumber": "A-1", "number": "P-1"})
    charge = {"chargeId": "PRPC-TRN-001-ONETIME-FEE", "amount": 20}
    memo = tenant.ok(
        "POST", "/v1/credit-memos", {"accountNumber": "A-1", "charges": [charge], "autoPost": True}
    )
    [subscription] = rows(tenant, "subscriptions?filter[]=name.EQ:S-1")
    assert subscription["isLatestVersion"] is True
    assert rows(tenant, "payments?filter[]=paymentnumber.EQ:P-1")[0]["amount"] == 5
    [found] = rows(tenant, f"credit-memos?filter[]=memonumber.EQ:{memo['number']}")
    assert found["totalAmount"] == memo["amount"]
    assert found["balance"] == memo["unappliedAmount"] == memo["amount"]
    [item] = rows(tenant, "invoice-items?pageSize=50")
    assert (item["sKU"], item["uOM"]) == ("PLT-001", "Each")
    [charge_row] = rows(tenant, "rate-plan-charges?pageSize=50")
    assert "mRR" in charge_row
    assert "tCV" in charge_row
    assert rows(tenant, "taxation-items")[0]["taxAmount"] == 190
    assert rows(tenant, "order-actions")[0]["type"] == "CreateSubscription"


def test_fields_nulls_and_expansion(tenant: Any) -> None:
    tenant.account()
    tenant.order(create("2026-09-01", plan("PLT-001", "ANNUAL", 10), plan("ANL-001", "ANNUAL", 5)))
    tenant.bill("2026-09-01")
    [invoice] = rows(tenant, "invoices?expand[]=invoiceItems&expand[]=account")
    assert len(invoice["invoiceItems"]) == 2
    assert invoice["account"]["accountNumber"] == "A-1"
    [cut] = tenant.ok("GET", "/object-query/invoices?expand[]=invoiceItems&pageSize=1")["data"]
    assert len(cut["invoiceItems"]) == 1
    one = tenant.ok("GET", f"/object-query/invoices/{invoice['invoiceNumber']}?fields[]=id,balance")
    assert one == {"id": invoice["id"], "balance": 15}
    assert "sourceId" not in invoice
    nulls = tenant.ok("GET", f"/object-query/invoices/{invoice['id']}?includeNullFields=true")
    assert nulls["sourceId"] is None
    deep = rows(tenant, "subscriptions?expand[]=ratePlans.ratePlanCharges&expand[]=ratePlans")
    assert deep[0]["ratePlans"][0]["ratePlanCharges"][0]["segment"] == 1


def test_the_index_lags(tenant: Any) -> None:
    tenant.admin("options", {"index_delay_seconds": 10})
    tenant.account()
    assert rows(tenant, "accounts?") == []
    bad(tenant, "accounts/A-1", 404)
    assert tenant.ok("GET", "/v1/accounts/A-1")
    tenant.shift(11)
    [row] = rows(tenant, "accounts?")
    tenant.ok("PUT", "/v1/accounts/A-1", {"name": "Later"})
    assert rows(tenant, "accounts?") == [row]
    tenant.shift(11)
    assert rows(tenant, "accounts?")[0]["name"] == "Later"


def test_a_stale_read(tenant: Any) -> None:
    tenant.account()
    tenant.ok("PUT", "/v1/accounts/A-1", {"name": "New"})
    tenant.admin("faults", {"match": {"path": "/object-query"}, "action": "stale_read"})
    assert rows(tenant, "accounts?")[0]["name"] == "Acme"
    assert rows(tenant, "accounts?")[0]["name"] == "New"


def submit(tenant: Any, sql: str) -> dict[str, Any]:
    body = {"query": sql, "outputFormat": "JSON", "compression": "NONE", "sourceData": "LIVE"}
    job: dict[str, Any] = tenant.ok("POST", "/query/jobs", {**body, "output": {"target": "S3"}})
    return job["data"]


def test_a_data_query_ends_in_a_signed_file(tenant: Any) -> None:
    tenant.account("A-1")
    tenant.account("A-2", currency="EUR")
    job = submit(
        tenant,
        "SELECT accountnumber, currency FROM account WHERE updateddate >= timestamp '2026-01-01'"
        " AND currency = 'EUR'",
    )
    assert job["queryStatus"] == "accepted"
    path = f"/query/jobs/{job['id']}"
    assert tenant.ok("GET", path)["data"]["queryStatus"] == "in_progress"
    done = tenant.ok("GET", path)["data"]
    assert (done["queryStatus"], done["outputRows"]) == ("completed", 1)
    lines = requests.get(done["dataFile"], timeout=5).text.splitlines()
    told = [json.loads(line) for line in lines]
    assert told == [{"accountnumber": "A-2", "currency": "EUR"}]
    with_token = tenant.http.get(done["dataFile"], timeout=5)
    assert with_token.status_code == 400
    assert tenant.violations() == {"authorization_on_signed_url"}
    forged = requests.get(done["dataFile"][:-1] + "x", timeout=5)
    assert forged.status_code == 403


def test_data_queries_that_fail(tenant: Any) -> None:
    broken = submit(tenant, "SELECT id FROM nowhere")
    tenant.ok("GET", f"/query/jobs/{broken['id']}")
    told = tenant.ok("GET", f"/query/jobs/{broken['id']}")["data"]
    assert told["queryStatus"] == "failed"
    assert "nowhere" in told["errorMessage"]
    cancelled = submit(tenant, "SELECT id FROM account")
    tenant.ok("DELETE", f"/query/jobs/{cancelled['id']}")
    assert tenant.ok("GET", f"/query/jobs/{cancelled['id']}")["data"]["queryStatus"] == "cancelled"
    body = {"query": "DELETE FROM account", "output": {"target": "S3"}}
    answer = tenant.call("POST", "/query/jobs", body)
    assert (answer.status_code, set(answer.json())) == (400, {"code", "message"})
    assert tenant.call("GET", "/query/jobs/nothing").status_code == 404
