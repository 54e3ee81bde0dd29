"""Single records: checks on writing, external ids, feeds, paging, describe."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from urllib.parse import quote

import pytest

GOOD = {"LastName": "Curie", "Company": "Radium"}


@pytest.mark.parametrize(
    ("object", "body", "code", "fields"),
    [
        ("Account", {}, "REQUIRED_FIELD_MISSING", ["Name"]),
        ("Account", {"Name": "   "}, "REQUIRED_FIELD_MISSING", ["Name"]),
        ("Lead", {"FirstName": "M"}, "REQUIRED_FIELD_MISSING", ["LastName", "Company"]),
        ("Account", {"Name": "a", "Foo__c": 1}, "INVALID_FIELD", None),
        ("Account", {"Name": "a", "Id": "001000000000001AAA"}, "INVALID_FIELD_FOR_INSERT_UPDATE",
         ["Id"]),
        ("Lead", {**GOOD, "IsConverted": True}, "INVALID_FIELD_FOR_INSERT_UPDATE", ["IsConverted"]),
        ("Account", {"Name": "a" * 256}, "STRING_TOO_LONG", ["Name"]),
        ("Account", {"Name": 5}, "JSON_PARSER_ERROR", ["Name"]),
        ("Account", {"Name": "a\x00b"}, "JSON_PARSER_ERROR", ["Name"]),
        ("Account", {"Name": "\ud800"}, "JSON_PARSER_ERROR", None),
        ("Account", {"Name": "a", "\ud800": 1}, "JSON_PARSER_ERROR", None),
        ("Account", {"Name": "a", "AnnualRevenue": "much"}, "JSON_PARSER_ERROR", ["AnnualRevenue"]),
        ("Account", {"Name": "a", "NumberOfEmployees": 1.5}, "JSON_PARSER_ERROR",
         ["NumberOfEmployees"]),
        ("Account", {"Name": "a", "NumberOfEmployees": 10**9}, "NUMBER_OUTSIDE_VALID_RANGE",
         ["NumberOfEmployees"]),
        ("Lead", {**GOOD, "Email": "not an address"}, "INVALID_EMAIL_ADDRESS", ["Email"]),
        ("Lead", {**GOOD, "HasOptedOutOfEmail": None}, "JSON_PARSER_ERROR", ["HasOptedOutOfEmail"]),
        ("Lead", {**GOOD, "Status": "Nurture"}, "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST",
         ["Status"]),
        ("Opportunity", {"Name": "d", "StageName": "Prospecting", "CloseDate": "31.12.2026"},
         "JSON_PARSER_ERROR", ["CloseDate"]),
        ("Contact", {"LastName": "a", "AccountId": "xyz"}, "MALFORMED_ID", ["AccountId"]),
        ("Contact", {"LastName": "a", "AccountId": "003000000000001AAA"},
         "FIELD_INTEGRITY_EXCEPTION", ["AccountId"]),
        ("Contact", {"LastName": "a", "AccountId": "001000000000001AAA"},
         "INVALID_CROSS_REFERENCE_KEY", ["AccountId"]),
        ("Contact", {"LastName": "a", "Account": {"Revline_Id__c": "none"}}, "INVALID_FIELD", None),
        ("Account", {"Name": "a", "CurrencyIsoCode": "XTS"},
         "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST", ["CurrencyIsoCode"]),
        ("User", {"LastName": "a"}, "CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY", None),
        ("Contract", {"AccountId": None}, "REQUIRED_FIELD_MISSING", ["AccountId"]),
    ],
)  # fmt: skip
def test_refused_creates(
    org: Any, object: str, body: dict[str, Any], code: str, fields: list[str] | None
) -> None:
    answer = org.call("POST", f"/sobjects/{object}", body)
    (error,) = answer.json()
    assert (answer.status_code, error["errorCode"], error.get("fields")) == (400, code, fields)
    assert org.look("counts")["counts"] == {}


def test_create_read_update_delete(org: Any) -> None:
    id = org.create("Account", Name="  Acme ", AnnualRevenue=1234567890123456, Website="")
    before = org.read("Account", id)
    assert len(id) == 18
    assert (before["Name"], before["Website"]) == ("Acme", None)
    assert before["AnnualRevenue"] == 1234567890123456
    org.shift(5)
    assert (
        org.call("PATCH", f"/sobjects/Account/{id[:15]}", {"BillingCity": "Bonn"}).status_code
        == 204
    )
    after = org.read("Account", id[:15])
    assert after["BillingAddress"]["city"] == "Bonn"
    assert after["SystemModstamp"] > before["SystemModstamp"]
    assert after["CreatedDate"] == before["CreatedDate"]
    assert org.call("DELETE", f"/sobjects/Account/{id}").status_code == 204
    for method, body in (("GET", None), ("PATCH", {"Name": "b"}), ("DELETE", None)):
        gone = org.call(method, f"/sobjects/Account/{id}", body)
        assert (gone.status_code, gone.json()[0]["errorCode"]) == (404, "ENTITY_IS_DELETED")
    missing = org.call("GET", "/sobjects/Account/001000000000009AAA")
    assert (missing.status_code, missing.json()[0]["errorCode"]) == (404, "NOT_FOUND")
    assert org.call("GET", "/sobjects/Account/!!").json()[0]["errorCode"] == "MALFORMED_ID"


def test_amounts_are_exact_and_rounded_to_the_fields_scale(org: Any) -> None:
    id = org.opportunity(Amount=0.1)
    body = b'{"Amount": 1234567890123456.785}'
    headers = {"Content-Type": "application/json"}
    answer = org.call("PATCH", f"/sobjects/Opportunity/{id}", data=body, headers=headers)
    assert answer.status_code == 204
    text = org.call("GET", f"/sobjects/Opportunity/{id}", params={"fields": "Amount"}).text
    assert '"Amount":1234567890123456.79' in text


def test_an_unchanged_write_moves_the_modified_time_and_is_counted_apart(org: Any) -> None:
    id = org.create("Account", Name="Acme", Revline_Id__c="a-1")
    first = org.read("Account", id)["SystemModstamp"]
    org.shift(2)
    org.call("PATCH", f"/sobjects/Account/{id}", {"Name": "Acme"})
    assert org.read("Account", id)["SystemModstamp"] > first
    org.call("PATCH", f"/sobjects/Account/{id}", {"Name": "Acme 2"})
    org.call("DELETE", f"/sobjects/Account/{id}")
    assert org.look("counts")["counts"]["Account"]["a-1"] == {
        "creates": 1,
        "changing_updates": 1,
        "unchanged_updates": 1,
        "deletes": 1,
        "ids": [],
    }


def test_wrong_content_type_method_and_path(org: Any) -> None:
    plain = org.call(
        "POST", "/sobjects/Account", data=b"{}", headers={"Content-Type": "text/plain"}
    )
    assert (plain.status_code, plain.json()[0]["errorCode"]) == (415, "UNSUPPORTED_MEDIA_TYPE")
    assert org.call("PUT", "/sobjects/Account", {}).status_code == 405
    assert org.call("GET", "/sobjects/Nothing/describe").status_code == 404
    assert org.call("GET", "/nowhere").status_code == 404
    broken = org.call(
        "POST", "/sobjects/Account", data=b"{", headers={"Content-Type": "application/json"}
    )
    assert broken.json()[0]["errorCode"] == "JSON_PARSER_ERROR"


def test_upsert_by_external_id(org: Any) -> None:
    value = quote("a/b c", safe="")
    path = f"/sobjects/Account/Revline_Id__c/{value}"
    created = org.call("PATCH", path, {"Name": "Acme"})
    assert (created.status_code, created.json()["created"]) == (201, True)
    updated = org.call("PATCH", path.replace("b%20c", "B%20C"), {"Name": "Acme 2"})
    assert (updated.status_code, updated.json()["created"]) == (200, False)
    assert updated.json()["id"] == created.json()["id"]
    assert org.call("GET", path).json()["Name"] == "Acme 2"
    repeated = org.call("PATCH", path, {"Name": "x", "Revline_Id__c": "a/b c"})
    assert repeated.json()[0]["errorCode"] == "INVALID_FIELD"
    assert org.call("PATCH", "/sobjects/Account/Name/Acme", {}).status_code == 404
    absent = org.call(
        "PATCH", "/sobjects/Account/Revline_Id__c/none?updateOnly=true", {"Name": "x"}
    )
    assert absent.status_code == 404


def test_an_external_id_that_is_not_unique_answers_300(org: Any) -> None:
    org.mutate("Account", "add_field", name="Legacy__c", line="string 40 external_id")
    ids = [org.create("Account", Name=name, Legacy__c="twice") for name in ("a", "b")]
    answer = org.call("PATCH", "/sobjects/Account/Legacy__c/twice", {"Name": "c"})
    assert answer.status_code == 300
    assert answer.json() == [f"/services/data/v67.0/sobjects/Account/{id}" for id in ids]
    assert org.call("GET", "/sobjects/Account/Legacy__c/twice").status_code == 300


def test_unique_values_ignore_case_and_name_the_holder(org: Any) -> None:
    holder = org.create("Account", Name="a", Revline_Id__c="Key-1")
    answer = org.call("POST", "/sobjects/Account", {"Name": "b", "Revline_Id__c": "KEY-1"})
    (error,) = answer.json()
    assert (error["errorCode"], error["fields"]) == ("DUPLICATE_VALUE", [])
    assert error["message"] == (
        "duplicate value found: Revline_Id__c duplicates value on record with id: " + holder
    )
    org.call("DELETE", f"/sobjects/Account/{holder}")
    org.create("Account", Name="b", Revline_Id__c="KEY-1")


def test_references_by_external_id(org: Any) -> None:
    account = org.create("Account", Name="a", Revline_Id__c="k")
    contact = org.create("Contact", LastName="c", Account={"Revline_Id__c": "K"})
    assert org.read("Contact", contact)["AccountId"] == account


def test_inactive_owner_and_deleted_parent(org: Any) -> None:
    user = org.mutate("User", "create", Username="u@x.example", LastName="u", Alias="u",
                      Email="u@x.example", IsActive=False)["Id"]  # fmt: skip
    answer = org.call("POST", "/sobjects/Account", {"Name": "a", "OwnerId": user})
    assert answer.json()[0]["errorCode"] == "INACTIVE_OWNER_OR_USER"
    account = org.create("Account", Name="a")
    org.call("DELETE", f"/sobjects/Account/{account}")
    answer = org.call("POST", "/sobjects/Contact", {"LastName": "c", "AccountId": account})
    assert (answer.status_code, answer.json()[0]["errorCode"]) == (404, "ENTITY_IS_DELETED")


def test_validation_rules(org: Any) -> None:
    rule = {
        "object": "Opportunity",
        "error_when": "Amount > 1000 AND NextStep = null",
        "message": "Large deals need a next step",
        "field": "NextStep",
    }
    org.admin("validation_rules", rule)
    id = org.opportunity(Amount=1000)
    answer = org.call("PATCH", f"/sobjects/Opportunity/{id}", {"Amount": 1000.01})
    (error,) = answer.json()
    assert error["errorCode"] == "FIELD_CUSTOM_VALIDATION_EXCEPTION"
    assert (error["message"], error["fields"]) == ("Large deals need a next step", ["NextStep"])
    patch = {"Amount": 1001, "NextStep": "call"}
    assert org.call("PATCH", f"/sobjects/Opportunity/{id}", patch).status_code == 204


def test_duplicate_rules_and_the_header_that_overrides_them(org: Any) -> None:
    org.admin("duplicate_rules", {"object": "Lead", "fields": ["Email"],
                                  "against": ["Lead", "Contact"]})  # fmt: skip
    contact = org.create("Contact", LastName="Curie", Email="marie@radium.example")
    body = {**GOOD, "Email": "MARIE@radium.example"}
    answer = org.call("POST", "/sobjects/Lead", body)
    (error,) = answer.json()
    assert (answer.status_code, error["errorCode"]) == (400, "DUPLICATES_DETECTED")
    (match,) = error["duplicateResut"]["matchResults"]
    assert match["matchRecords"][0]["record"]["Id"] == contact
    headers = {"Sforce-Duplicate-Rule-Header": "allowSave=true"}
    assert org.call("POST", "/sobjects/Lead", body, headers=headers).status_code == 201


def test_updated_and_deleted_feeds(org: Any) -> None:
    kept = org.create("Account", Name="kept")
    gone = org.create("Account", Name="gone")
    erased = org.create("Account", Name="erased")
    org.call("DELETE", f"/sobjects/Account/{gone}")
    org.mutate("Account", "erase", erased)
    start = org.simulator.now() - timedelta(minutes=2)
    org.shift(90)
    end = org.simulator.now() + timedelta(minutes=5)

    def feed(name: str, first: Any = start, last: Any = end) -> Any:
        window = {"start": first.isoformat(), "end": last.isoformat()}
        return org.call("GET", f"/sobjects/Account/{name}/", params=window).json()

    changed = feed("updated")
    assert changed["ids"] == [kept]
    assert changed["latestDateCovered"].endswith(":00.000+0000")
    assert {entry["id"] for entry in feed("deleted")["deletedRecords"]} == {gone, erased}
    assert feed("updated", end, start)[0]["errorCode"] == "INVALID_REPLICATION_DATE"
    old = start - timedelta(days=31)
    assert feed("updated", old)[0]["errorCode"] == "INVALID_REPLICATION_DATE"
    assert org.query("SELECT Id FROM Account WHERE Id = '" + erased + "'", all=True) == []


def test_the_recycle_bin_is_emptied_after_fifteen_days(org: Any) -> None:
    id = org.create("Account", Name="a")
    org.call("DELETE", f"/sobjects/Account/{id}")
    assert org.query("SELECT Id FROM Account") == []
    (row,) = org.query("SELECT Id, IsDeleted FROM Account", all=True)
    assert row["IsDeleted"] is True
    org.shift(16 * 86_400)
    org.sign_in()
    assert org.query("SELECT Id FROM Account", all=True) == []


def test_query_pages_have_locators_that_live_two_days(org: Any) -> None:
    rows = [{"Name": f"a{number}"} for number in range(450)]
    org.admin("load", {"objects": {"Account": rows}})
    headers = {"Sforce-Query-Options": "batchSize=200"}
    page = org.call("GET", "/query", params={"q": "SELECT Id FROM Account"}, headers=headers).json()
    found = [row["Id"] for row in page["records"]]
    assert (page["totalSize"], page["done"], len(found)) == (450, False, 200)
    following = page["nextRecordsUrl"]
    assert following.startswith("/services/data/v67.0/query/01g")
    assert following.endswith("-200")
    org.call("DELETE", f"/sobjects/Account/{found[0]}")  # the result was fixed when it was opened
    while not page["done"]:
        page = org.call("GET", page["nextRecordsUrl"]).json()
        found += [row["Id"] for row in page["records"]]
    assert len(set(found)) == 450
    assert "nextRecordsUrl" not in page
    org.shift(2 * 86_400 + 1)
    org.sign_in()
    lost = org.call("GET", following)
    assert (lost.status_code, lost.json()[0]["errorCode"]) == (400, "INVALID_QUERY_LOCATOR")


def test_a_fault_that_drops_a_page(org: Any) -> None:
    org.admin("load", {"objects": {"Account": [{"Name": f"a{number}"} for number in range(600)]}})
    headers = {"Sforce-Query-Options": "batchSize=200"}

    def pages() -> list[str]:
        answer = org.call("GET", "/query", params={"q": "SELECT Id FROM Account"}, headers=headers)
        page, starts = answer.json(), []
        for _ in range(4):
            starts.append(page["records"][0]["Id"])
            if page["done"]:
                break
            page = org.call("GET", page["nextRecordsUrl"]).json()
        return starts

    usual = pages()
    assert len(set(usual)) == 3
    org.admin("faults", {"match": {"path": "/query"}, "action": "drop_page"})
    assert pages() == usual[1:]


def test_parents_children_and_counts(org: Any) -> None:
    account = org.create("Account", Name="Acme")
    contact = org.create("Contact", LastName="c", AccountId=account)
    org.create("Contact", LastName="d")
    soql = "SELECT Id, Account.Name, Account.Owner.Email FROM Contact ORDER BY LastName"
    first, second = org.query(soql)
    assert first["Account"]["Name"] == "Acme"
    assert first["Account"]["Owner"]["Email"] == "integration@revline.example"
    assert second["Account"] is None
    (row,) = org.query("SELECT Name, (SELECT LastName FROM Contacts) FROM Account")
    assert [child["LastName"] for child in row["Contacts"]["records"]] == ["c"]
    joined = (
        "SELECT Id FROM Contact WHERE AccountId IN (SELECT Id FROM Account WHERE Name = 'acme')"
    )
    assert [row["Id"] for row in org.query(joined)] == [contact]
    counted = org.call("GET", "/query", params={"q": "SELECT COUNT() FROM Contact"}).json()
    assert counted == {"totalSize": 2, "done": True, "records": []}
    totals = org.call("GET", "/limits/recordCount", params={"sObjects": "Contact"}).json()
    assert totals == {"sObjects": [{"count": 2, "name": "Contact"}]}
    assert org.refused("SELECT Id FROM Contact WHERE") == "MALFORMED_QUERY"
    assert org.kinds_of_violation() == {"malformed_query"}


def test_describe(org: Any) -> None:
    described = org.call("GET", "/sobjects/opportunity/describe").json()
    fields = {field["name"]: field for field in described["fields"]}
    assert described["name"] == "Opportunity"
    assert fields["Amount"]["type"] == "currency"
    assert (fields["Amount"]["precision"], fields["Amount"]["scale"]) == (18, 2)
    assert fields["IsWon"]["updateable"] is False
    assert fields["AccountId"]["referenceTo"] == ["Account"]
    assert fields["AccountId"]["relationshipName"] == "Account"
    assert fields["Revline_Id__c"]["externalId"] is True
    assert fields["Revline_Id__c"]["unique"] is True
    assert "Closed Won" in {entry["value"] for entry in fields["StageName"]["picklistValues"]}
    lines = [child for child in described["childRelationships"]
             if child["relationshipName"] == "OpportunityLineItems"]  # fmt: skip
    assert lines[0]["field"] == "OpportunityId"
    org.shift(60)
    stamp = org.simulator.now().strftime("%a, %d %b %Y %H:%M:%S GMT")
    headers = {"If-Modified-Since": stamp}
    assert org.call("GET", "/sobjects/Opportunity/describe", headers=headers).status_code == 304
    names = {entry["name"] for entry in org.call("GET", "/sobjects").json()["sobjects"]}
    assert {"Account", "Lead", "Quote", "OrderItem"} <= names


FIELD = {
    "FullName": "Lead.Score__c",
    "Metadata": {
        "type": "Text",
        "label": "Score",
        "length": 40,
        "externalId": True,
        "unique": True,
    },
}


def test_custom_fields_through_the_tooling_api(org: Any) -> None:
    path = "/tooling/sobjects/CustomField"
    created = org.call("POST", path, FIELD)
    assert (created.status_code, created.json()["success"]) == (201, True)
    org.create("Lead", **GOOD, Score__c="a")
    again = org.call("POST", path, FIELD)
    assert (again.status_code, again.json()[0]["errorCode"]) == (400, "DUPLICATE_DEVELOPER_NAME")
    unknown_length = {"FullName": "Lead.B__c", "Metadata": {"type": "Text", "label": "B"}}
    for change in ({"FullName": "Lead.Score"}, {"FullName": "Nothing.A__c"}, unknown_length):
        assert org.call("POST", path, {**FIELD, **change}).status_code == 400


def test_new_fields_may_wait_for_a_permission(org: Any) -> None:
    org.admin("options", {"field_permissions": "manual"})
    org.call("POST", "/tooling/sobjects/CustomField", FIELD)
    assert org.refused("SELECT Score__c FROM Lead") == "INVALID_FIELD"
    org.admin("grant_fields")
    assert org.query("SELECT Score__c FROM Lead") == []


def test_schema_drift(org: Any) -> None:
    org.mutate("Account", "change_field", name="Site", required=True)
    answer = org.call("POST", "/sobjects/Account", {"Name": "a"})
    assert answer.json()[0]["fields"] == ["Site"]
    org.mutate("Account", "drop_field", name="Site")
    org.create("Account", Name="a")
    assert org.refused("SELECT Site FROM Account") == "INVALID_FIELD"


def test_a_stale_replica_shows_the_time_before_the_last_write(org: Any) -> None:
    id = org.create("Account", Name="old")
    org.call("PATCH", f"/sobjects/Account/{id}", {"Name": "new"})
    org.admin("faults", {"match": {"method": "GET", "path": "/query"}, "action": "stale_read"})
    assert org.query("SELECT Name FROM Account")[0]["Name"] == "old"
    assert org.query("SELECT Name FROM Account")[0]["Name"] == "new"


def test_apex_rest(org: Any) -> None:
    org.simulator.register_apex("Quote/save", lambda request, _: (200, {"got": request.json()}))
    answer = org.call("POST", "/services/apexrest/Quote/save", {"a": 1})
    assert answer.json() == {"got": {"a": 1}}
    assert "Sforce-Limit-Info" in answer.headers
    assert org.call("GET", "/services/apexrest/Quote/none").status_code == 404
