"""The real SDK against the simulator: https to http by an adapter, as the connector does it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import requests
from requests.adapters import HTTPAdapter
from simple_salesforce import Salesforce
from simple_salesforce.exceptions import (
    SalesforceExpiredSession,
    SalesforceMalformedRequest,
    SalesforceMoreThanOneRecord,
    SalesforceRefusedRequest,
    SalesforceResourceNotFound,
)


class ToLoopback(HTTPAdapter):
    def send(self, request: requests.PreparedRequest, **more: Any) -> requests.Response:  # type: ignore[override]
        assert request.url is not None
        request.url = request.url.replace("https://", "http://", 1)
        return super().send(request, **more)


@pytest.fixture
def sf(org: Any) -> Any:
    host = org.url.removeprefix("http://")
    session = requests.Session()
    session.mount(f"https://{host}", ToLoopback())
    with session:
        yield Salesforce(
            instance_url=f"https://{host}",
            session_id=org.sign_in(),
            session=session,
            version="67.0",
        )


def test_records_and_queries(org: Any, sf: Any) -> None:
    org.admin("load", {"objects": {"Contact": [{"LastName": f"c{n}"} for n in range(2100)]}})
    made = sf.Account.create({"Name": "Acme"})
    assert made["success"] is True
    assert sf.Account.get(made["id"])["Name"] == "Acme"
    assert sf.Account.update(made["id"], {"Name": "Acme 2"}) == 204
    assert sf.Account.upsert("Revline_Id__c/k", {"Name": "B"}) == 201
    assert sf.Account.upsert("Revline_Id__c/k", {"Name": "C"}) == 200
    assert sf.Account.get_by_custom_id("Revline_Id__c", "k")["Name"] == "C"
    result = sf.query_all("SELECT Id FROM Contact")
    assert (result["totalSize"], len(result["records"])) == (2100, 2100)
    assert sf.Account.delete(made["id"]) == 204
    end = datetime.now(UTC) + timedelta(minutes=2)
    org.shift(120)
    deleted = sf.Account.deleted(end - timedelta(minutes=10), end)
    assert [row["id"] for row in deleted["deletedRecords"]] == [made["id"]]
    in_bin = sf.query_all("SELECT Id FROM Account WHERE IsDeleted = true", include_deleted=True)
    assert in_bin["totalSize"] == 1
    assert sf.api_usage["api-usage"].total == 100_000
    assert sf.limits()["DailyApiRequests"]["Max"] == 100_000
    assert "Name" in {field["name"] for field in sf.Account.describe()["fields"]}
    assert len(sf.describe()["sobjects"]) > 10
    assert org.kinds_of_violation() == set()


def test_collections_and_apex(org: Any, sf: Any) -> None:
    records = [{"attributes": {"type": "Account"}, "Revline_Id__c": "k", "Name": "a"}]
    answer = sf.restful(
        "composite/sobjects/Account/Revline_Id__c", method="PATCH", json={"records": records}
    )
    assert answer[0]["created"] is True
    org.simulator.register_apex("Ping", lambda _, __: (200, {"pong": True}))
    assert sf.apexecute("Ping", method="POST", data={}) == {"pong": True}


def test_every_status_becomes_the_sdks_exception(org: Any, sf: Any) -> None:
    with pytest.raises(SalesforceMalformedRequest):
        sf.query("SELECT")
    with pytest.raises(SalesforceResourceNotFound):
        sf.Account.get("001000000000009AAA")
    org.mutate("Account", "add_field", name="Old__c", line="string 40 external_id")
    for name in ("a", "b"):
        sf.Account.create({"Name": name, "Old__c": "x"})
    with pytest.raises(SalesforceMoreThanOneRecord):
        sf.Account.get_by_custom_id("Old__c", "x")
    org.admin("options", {"calls_used": 100_000})
    with pytest.raises(SalesforceRefusedRequest):
        sf.query("SELECT Id FROM Account")
    org.shift(3 * 3600)
    with pytest.raises(SalesforceExpiredSession):
        sf.query("SELECT Id FROM Account")
