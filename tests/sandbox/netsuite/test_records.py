"""Records one at a time: create, read, change, upsert, delete; validation; lists."""

from __future__ import annotations

from typing import Any

import pytest

WARNING = {"X-NetSuite-PropertyNameValidation": "Warning"}
ACME = {"companyName": "Acme", "subsidiary": {"id": "1"}}


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


def test_put_by_external_id_creates_and_then_updates(account: Any) -> None:
    first = account.put("customer", "revline-c-1", **ACME)
    second = account.put("customer", "revline-c-1", phone="1", externalId="revline-c-1")
    assert first == second
    assert account.read("customer", "eid:revline-c-1")["phone"] == "1"
    account.patch("customer", "eid:revline-c-1", phone=None)
    assert "phone" not in account.read("customer", first)
    counts = account.look("counts?by=external_id")["counts"]["customer"]["revline-c-1"]
    assert (counts["creates"], counts["changing_updates"], counts["ids"]) == (1, 2, [first])
    other = account.call("PUT", "customer/eid:revline-c-1", {**ACME, "externalId": "x"})
    assert account.refused(other)["o:errorPath"] == "externalId"
    by_id = account.call("PUT", f"customer/{first}", ACME)
    assert account.refused(by_id)["o:errorCode"] == "INVALID_REQUEST"


def test_external_ids_are_unique_per_record_type(account: Any) -> None:
    account.make("customer", externalId="same", **ACME)
    again = account.call("POST", "customer", {**ACME, "externalId": "same"})
    assert account.refused(again)["o:errorCode"] == "USER_ERROR"
    account.make("department", externalId="same", name="Support")


def test_misspelt_names_are_passed_over_unless_errors_are_asked_for(account: Any) -> None:
    body = {**ACME, "compnyName": "x"}
    strict = account.call("POST", "customer", body)
    assert account.refused(strict)["o:errorPath"] == "compnyName"
    lax = account.call("POST", "customer", body, headers=WARNING)
    assert lax.status_code == 204
    assert "unknown_field" in account.kinds_of_violation()
    silent = account.http.post(
        f"{account.url}/services/rest/record/v1/customer", json=body, timeout=5
    )
    assert silent.status_code == 204, "Warning is what a caller gets who asks for nothing"
    odd = account.call(
        "POST", "customer", ACME, headers={"X-NetSuite-PropertyNameValidation": "Strict"}
    )
    assert account.refused(odd)["o:errorHeader"] == "X-NetSuite-PropertyNameValidation"


@pytest.mark.parametrize(
    ("fields", "path"),
    [
        ({"companyName": "x" * 84}, "companyName"),
        ({"companyName": 7}, "companyName"),
        ({"companyName": None}, "companyName"),
        ({"subsidiary": {"id": "9"}}, "subsidiary"),
        ({"subsidiary": "1"}, "subsidiary"),
        ({"subsidiary": None}, "subsidiary"),
        ({"email": "nobody"}, "email"),
        ({"isInactive": "yes"}, "isInactive"),
        ({"creditLimit": "7"}, "creditLimit"),
        ({"balance": 7}, "balance"),
        ({"addressBook": {"items": {}}}, "addressBook"),
        ({"addressBook": {"items": [{"labl": "x"}]}}, "addressBook.items[0].labl"),
        ({"terms": {"externalId": "none"}}, "terms"),
    ],
)
def test_refused_values(account: Any, fields: dict[str, Any], path: str) -> None:
    answer = account.call("POST", "customer", {**ACME, **fields})
    detail = account.refused(answer)
    assert (detail["o:errorCode"], detail["o:errorPath"]) == ("INVALID_CONTENT", path)
    assert account.call("GET", "customer").json()["totalResults"] == 0


def test_addresses_are_matched_by_their_id(account: Any) -> None:
    address = {"addr1": "Main 1", "city": "Austin", "country": {"id": "US"}}
    home = {"label": "Home", "defaultBilling": True, "addressBookAddress": address}
    id = account.customer(addressBook={"items": [home]})
    lines = account.read("customer", id)["addressBook"]["items"]
    assert lines[0]["addressBookAddress"]["country"] == {"id": "US", "refName": "US"}
    account.patch("customer", id, addressBook={"items": [{"id": 1, "label": "Office"}]})
    account.patch("customer", id, addressBook={"items": [{"label": "Plant"}]})
    lines = account.read("customer", id)["addressBook"]["items"]
    assert [line["label"] for line in lines] == ["Office", "Plant"]
    account.patch("customer", id, "addressBook", addressBook={"items": [{"label": "Only"}]})
    lines = account.read("customer", id)["addressBook"]["items"]
    assert [line["label"] for line in lines] == ["Only"]
    gone = account.call("PATCH", f"customer/{id}", {"addressBook": {"items": [{"id": 9}]}})
    assert account.refused(gone)["o:errorPath"] == "addressBook.items[0].id"


def test_fields_and_sublists_are_shown_as_asked(account: Any) -> None:
    id = account.customer(phone="1")
    whole = account.call("GET", f"customer/{id}").json()
    assert set(whole["addressBook"]) == {"links"}
    some = account.call("GET", f"customer/{id}", params={"fields": "phone,subsidiary"}).json()
    assert set(some) == {"id", "links", "phone", "subsidiary"}
    unknown = account.call("GET", f"customer/{id}", params={"fields": "fone"})
    assert account.refused(unknown)["o:errorQueryParam"] == "fields"
    simple = account.read("currency", "5", simpleEnumFormat="true")
    assert simple["currencyPrecision"] == "3"


def test_sublists_have_addresses_of_their_own(account: Any) -> None:
    invoice = account.invoice(account.customer(), account.line("PLT-001", 5))
    links = account.call("GET", f"invoice/{invoice}/item").json()["items"]
    href = links[0]["links"][0]["href"].removeprefix(account.url)
    assert account.call("GET", href).json()["amount"] == 5.0
    assert account.call("GET", f"invoice/{invoice}/item/9").status_code == 404
    assert account.call("GET", f"invoice/{invoice}/nothing").status_code == 404


def test_lists_hold_ids_only(account: Any) -> None:
    ids = [account.customer(companyName=f"C{n}") for n in range(3)]
    page = account.call("GET", "customer", params={"limit": "2"}).json()
    assert [set(item) for item in page["items"]] == [{"links", "id"}] * 2
    assert (page["count"], page["hasMore"], page["totalResults"]) == (2, True, 3)
    rest = account.call("GET", "customer", params={"limit": "2", "offset": "2"}).json()
    assert [item["id"] for item in page["items"] + rest["items"]] == ids
    assert not rest["hasMore"]
    for params in ({"limit": "2", "offset": "1"}, {"limit": "1001"}, {"limit": "x"}):
        answer = account.call("GET", "customer", params=params)
        assert account.refused(answer)["o:errorCode"] == "INVALID_REQUEST"


def test_several_whole_records(account: Any) -> None:
    one = account.customer(companyName="One", externalId="e-1")
    two = account.customer(companyName="Two")
    params = {"expandRecords": "true", "ids": f"{two},eid:e-1,999"}
    items = account.call("GET", "customer", params=params).json()["items"]
    assert [(item["id"], item["companyName"]) for item in items] == [(two, "Two"), (one, "One")]


@pytest.mark.parametrize(
    ("q", "found"),
    [
        ('companyName START_WITH "a"', {"Acme", "Alpha"}),
        ('companyName START_WITH "a" AND isInactive IS false', {"Acme"}),
        ('companyName IS "Zeta" OR companyName CONTAIN "cm"', {"Acme", "Zeta"}),
        ('(companyName IS "Zeta" OR isInactive IS true) AND email EMPTY', {"Alpha"}),
        ("email EMPTY_NOT", {"Zeta"}),
        ("creditLimit GREATER_OR_EQUAL 10", {"Zeta"}),
        ("creditLimit BETWEEN [1, 20]", {"Acme", "Zeta"}),
        ("subsidiary ANY_OF [2, 3]", {"Zeta"}),
        ("lastModifiedDate ON_OR_AFTER 1/1/2026", {"Acme", "Alpha", "Zeta"}),
        ("lastModifiedDate BEFORE 1/1/2026", set()),
    ],
)
def test_filtered_lists(account: Any, q: str, found: set[str]) -> None:
    names = {
        account.customer(creditLimit=5): "Acme",
        account.customer(companyName="Alpha", isInactive=True): "Alpha",
        account.customer(
            companyName="Zeta", subsidiary={"id": "3"}, email="z@z.example", creditLimit=10
        ): "Zeta",
    }
    page = account.call("GET", "customer", params={"q": q}).json()
    assert {names[item["id"]] for item in page["items"]} == found


@pytest.mark.parametrize(
    "q", ["phone", "fone IS 1", "phone GREATER 1", '"', "phone IS", "(phone IS 1", "phone IS 1 2"]
)
def test_filters_that_make_no_sense(account: Any, q: str) -> None:
    answer = account.call("GET", "customer", params={"q": q})
    assert account.refused(answer)["o:errorQueryParam"] == "q"


def test_deleted_records_leave_a_note(account: Any) -> None:
    id = account.customer(externalId="gone")
    assert account.call("DELETE", f"customer/{id}").status_code == 204
    detail = account.refused(account.call("GET", f"customer/{id}"), 404)
    assert detail["o:errorCode"] == "NONEXISTENT_ID"
    rows = account.query("SELECT recordid, type FROM deletedrecord")
    assert rows == [{"recordid": id, "type": "customer"}]
    assert account.query("SELECT id FROM customer") == []
    assert account.look("counts")["counts"]["customer"]["gone"]["deletes"] == 1
    assert account.customer(externalId="gone") != id


def test_a_customer_with_transactions_stays(account: Any) -> None:
    id = account.customer()
    account.invoice(id, account.line("PLT-001", 5))
    assert account.refused(account.call("DELETE", f"customer/{id}"))["o:errorCode"] == "USER_ERROR"
    moved = account.call("PATCH", f"customer/{id}", {"subsidiary": {"id": "2"}})
    assert account.refused(moved)["o:errorCode"] == "USER_ERROR"


def test_locked_records_can_be_queried_only(account: Any) -> None:
    id = account.customer()
    account.mutate("customer", "lock", id)
    for method, body in (("GET", None), ("PATCH", {"phone": "1"}), ("DELETE", None)):
        detail = account.refused(account.call(method, f"customer/{id}", body))
        assert detail["o:errorCode"] == "USER_ERROR"
        assert "locked by a user defined workflow" in detail["detail"]
    assert account.query("SELECT id FROM customer") == [{"id": id}]
    account.mutate("customer", "unlock", id)
    assert account.call("GET", f"customer/{id}").status_code == 200


def test_paths_methods_and_bodies_that_are_not_there(account: Any) -> None:
    assert account.call("GET", "unicorn").status_code == 404
    assert account.call("GET", "/services/rest/nothing").status_code == 404
    assert account.call("POST", "currency", {"name": "x"}).status_code == 405
    text = account.call("POST", "customer", data="{}", headers={"Content-Type": "text/plain"})
    assert account.refused(text, 415)["o:errorCode"] == "UNSUPPORTED_MEDIA_TYPE"
    broken = account.call(
        "POST", "customer", data="{", headers={"Content-Type": "application/json"}
    )
    assert account.refused(broken)["o:errorCode"] == "INVALID_CONTENT"


def test_the_catalogue_describes_records(account: Any) -> None:
    names = {one["name"] for one in account.call("GET", "metadata-catalog").json()["items"]}
    assert {"customer", "invoice", "journalEntry"} <= names
    account.mutate("customer", "add_field", name="custentity_seats", line="integer")
    schema = account.call("GET", "metadata-catalog/customer").json()["properties"]
    assert schema["custentity_seats"]["type"] == "integer"
    assert schema["companyName"]["maxLength"] == 83
    assert schema["subsidiary"]["x-ns-target"] == "subsidiary"


def test_custom_fields_are_fields(account: Any) -> None:
    account.mutate("customer", "add_field", name="custentity_fee", line="number")
    id = account.customer(custentity_fee=10.25)
    assert account.query("SELECT custentity_fee FROM customer") == [{"custentity_fee": "10.25"}]
    account.mutate("customer", "drop_field", name="custentity_fee")
    assert "custentity_fee" not in account.read("customer", id)
    gone = account.call("PATCH", f"customer/{id}", {"custentity_fee": 1})
    assert account.refused(gone)["o:errorPath"] == "custentity_fee"


def test_a_stale_read_shows_what_was_before_the_last_write(account: Any) -> None:
    id = account.customer(phone="1")
    account.patch("customer", id, phone="2")
    account.admin("faults", {"match": {"method": "GET"}, "action": "stale_read"})
    assert account.read("customer", id)["phone"] == "1"
    assert account.read("customer", id)["phone"] == "2"
