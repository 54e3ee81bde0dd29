"""Many records in one call: collections, composite, batch, tree, graph."""

from __future__ import annotations

from typing import Any

import pytest

ALL = "/composite/sobjects"


def account(name: str | None, **more: Any) -> dict[str, Any]:
    fields = {} if name is None else {"Name": name}
    return {"attributes": {"type": "Account"}, **fields, **more}


def codes(outcomes: list[dict[str, Any]]) -> list[str | None]:
    return [None if row["success"] else row["errors"][0]["statusCode"] for row in outcomes]


def test_one_bad_row_does_not_hurt_the_others(org: Any) -> None:
    records = [account(f"a{number}", Revline_Id__c=f"k{number}") for number in range(200)]
    records[57] = account(None, Revline_Id__c="k57")
    answer = org.call("PATCH", f"{ALL}/Account/Revline_Id__c", {"records": records})
    outcomes = answer.json()
    assert answer.status_code == 200
    assert len(outcomes) == 200
    assert [place for place, row in enumerate(outcomes) if not row["success"]] == [57]
    assert outcomes[57] == {
        "success": False,
        "errors": [
            {
                "statusCode": "REQUIRED_FIELD_MISSING",
                "message": "Required fields are missing: [Name]",
                "fields": ["Name"],
            }
        ],
    }
    names = {row["Id"]: row["Name"] for row in org.query("SELECT Id, Name FROM Account")}
    good = [(place, row) for place, row in enumerate(outcomes) if row["success"]]
    assert all(names[row["id"]] == f"a{place}" for place, row in good)  # input order
    assert all(row["created"] for _, row in good)
    again = org.call("PATCH", f"{ALL}/Account/Revline_Id__c", {"records": records[:3]}).json()
    assert [row["created"] for row in again] == [False, False, False]


def test_all_or_none_rolls_everything_back(org: Any) -> None:
    body = {"allOrNone": True, "records": [account("a"), account(None), account("c")]}
    answer = org.call("POST", ALL, body)
    rolled_back = "ALL_OR_NONE_OPERATION_ROLLED_BACK"
    assert answer.status_code == 200
    assert codes(answer.json()) == [rolled_back, "REQUIRED_FIELD_MISSING", rolled_back]
    assert org.query("SELECT Id FROM Account") == []
    assert org.look("counts")["counts"] == {}


def test_more_than_200_records_are_refused_as_a_whole(org: Any) -> None:
    answer = org.call("POST", ALL, {"records": [account("a")] * 201})
    assert answer.status_code == 400
    assert org.query("SELECT Id FROM Account") == []


def test_one_key_twice_in_one_call(org: Any) -> None:
    records = [account("a", Revline_Id__c="k"), account("b", Revline_Id__c="K"), account("c")]
    outcomes = org.call("PATCH", f"{ALL}/Account/Revline_Id__c", {"records": records}).json()
    assert codes(outcomes) == [None, "DUPLICATE_VALUE", "MISSING_ARGUMENT"]


def test_update_read_and_delete(org: Any) -> None:
    first, second = (org.create("Account", Name=name) for name in ("a", "b"))
    records = [
        account("A", Id=first),
        account("B"),
        account("C", Id="xyz"),
        account("D", Id="001000000000009AAA"),
        account("E", id=first),
    ]
    outcomes = org.call("PATCH", ALL, {"records": records}).json()
    assert codes(outcomes) == [
        None,
        "MISSING_ARGUMENT",
        "MALFORMED_ID",
        "NOT_FOUND",
        "DUPLICATE_VALUE",
    ]
    ids = f"{second},001000000000009AAA,{first[:15]}"
    read = org.call("GET", f"{ALL}/Account", params={"ids": ids, "fields": "Id,Name"}).json()
    assert [row and row["Name"] for row in read] == ["b", None, "A"]
    posted = {"ids": [first], "fields": ["Name", "Owner.Name"]}
    (row,) = org.call("POST", f"{ALL}/Account", posted).json()
    assert row["Owner"]["Name"] == "Revline Integration"
    gone = org.call("DELETE", ALL, params={"ids": f"{first},{second}", "allOrNone": "false"}).json()
    assert codes(gone) == [None, None]
    again = org.call("DELETE", ALL, params={"ids": first}).json()
    assert codes(again) == ["ENTITY_IS_DELETED"]


def test_unknown_keys_are_violations(org: Any) -> None:
    org.call("POST", ALL, {"records": [account("a")], "allorNone": False})
    assert org.kinds_of_violation() == {"unknown_field"}


def test_row_locks_hit_single_rows_of_a_locked_parent(org: Any) -> None:
    held, free = (org.create("Account", Name=name) for name in ("held", "free"))
    org.admin("row_locks", {"id": held, "times": 2})

    def contact(account_id: str) -> dict[str, Any]:
        return {"attributes": {"type": "Contact"}, "LastName": "c", "AccountId": account_id}

    records = [contact(held), contact(free), contact(held), contact(held)]
    outcomes = org.call("POST", ALL, {"records": records}).json()
    assert codes(outcomes) == ["UNABLE_TO_LOCK_ROW", None, "UNABLE_TO_LOCK_ROW", None]


def part(method: str, url: str, name: str, body: Any = None) -> dict[str, Any]:
    url = f"/services/data/v67.0{url}"
    return {"method": method, "url": url, "referenceId": name, "body": body}


def test_composite_with_references(org: Any) -> None:
    soql = "SELECT+Id+FROM+Contact+WHERE+AccountId+=+'@{acme.id}'"
    parts = [
        part("POST", "/sobjects/Account", "acme", {"Name": "Acme"}),
        part("POST", "/sobjects/Contact", "c", {"LastName": "c", "AccountId": "@{acme.id}"}),
        part("GET", f"/query?q={soql}", "q"),
        part("GET", "/sobjects/Contact/@{q.records[0].Id}?fields=LastName", "read"),
    ]
    answer = org.call("POST", "/composite", {"compositeRequest": parts}).json()
    statuses = [entry["httpStatusCode"] for entry in answer["compositeResponse"]]
    assert statuses == [201, 201, 200, 200]
    assert answer["compositeResponse"][3]["body"]["LastName"] == "c"
    assert org.simulator.calls_used() == 1


@pytest.mark.parametrize(("all_or_none", "left"), [(True, 0), (False, 2)])
def test_composite_all_or_none(org: Any, all_or_none: bool, left: int) -> None:
    parts = [
        part("POST", "/sobjects/Account", "a", {"Name": "a"}),
        part("POST", "/sobjects/Account", "b", {}),
        part("POST", "/sobjects/Account", "c", {"Name": "c"}),
        part("PATCH", "/sobjects/Account/@{b.id}", "d", {"Name": "d"}),
    ]
    body = {"allOrNone": all_or_none, "compositeRequest": parts}
    entries = org.call("POST", "/composite", body).json()["compositeResponse"]
    found = [(e["httpStatusCode"], (e["body"] or [{}])[0].get("errorCode"))
             if isinstance(e["body"], list) else (e["httpStatusCode"], None)
             for e in entries]  # fmt: skip
    halted, missing = (400, "PROCESSING_HALTED"), (400, "REQUIRED_FIELD_MISSING")
    good = (201, None)
    assert found == ([halted, missing, halted, halted] if all_or_none
                     else [good, missing, good, halted])  # fmt: skip
    assert len(org.query("SELECT Id FROM Account")) == left


def test_composite_limits(org: Any) -> None:
    many = [part("GET", "/limits", f"r{number}") for number in range(26)]
    queries = [part("GET", "/query?q=x", f"r{number}") for number in range(6)]
    same = [part("GET", "/limits", "r"), part("GET", "/limits", "r")]
    for parts in (many, queries, same, []):
        assert org.call("POST", "/composite", {"compositeRequest": parts}).status_code == 400


def test_batch_tree_and_graph(org: Any) -> None:
    requests = [
        {"method": "GET", "url": "v67.0/limits"},
        {"method": "GET", "url": "v67.0/sobjects/Account/001000000000009AAA"},
    ]
    batch = org.call("POST", "/composite/batch", {"batchRequests": requests}).json()
    assert [entry["statusCode"] for entry in batch["results"]] == [200, 404]
    assert batch["hasErrors"] is True
    contact = {"attributes": {"type": "Contact", "referenceId": "c"}, "LastName": "c"}
    root = {
        "attributes": {"type": "Account", "referenceId": "a"},
        "Name": "a",
        "Contacts": {"records": [contact]},
    }
    planted = org.call("POST", "/composite/tree/Account", {"records": [root]})
    assert planted.status_code == 201
    assert len(org.query("SELECT Id FROM Contact WHERE Account.Name = 'a'")) == 1
    bad = {**root, "Contacts": {"records": [{**contact, "LastName": None}]}}
    assert org.call("POST", "/composite/tree/Account", {"records": [bad]}).status_code == 400
    assert len(org.query("SELECT Id FROM Account")) == 1
    good_parts = [part("POST", "/sobjects/Account", "g", {"Name": "g"})]
    bad_parts = [*good_parts, part("POST", "/sobjects/Account", "h", {})]
    graphs = [{"graphId": "1", "compositeRequest": good_parts},
              {"graphId": "2", "compositeRequest": bad_parts}]  # fmt: skip
    answer = org.call("POST", "/composite/graph", {"graphs": graphs}).json()
    assert [graph["isSuccessful"] for graph in answer["graphs"]] == [True, False]
    assert len(org.query("SELECT Id FROM Account")) == 2


def test_the_log_tells_which_calls_took_effect(org: Any) -> None:
    org.call(
        "PATCH", f"{ALL}/Account/Revline_Id__c", {"records": [account("A", Revline_Id__c="k")]}
    )
    org.query("SELECT Id FROM Account")
    written, read = org.simulator.journal.entries[-2:]
    assert (written.request.method, written.applied) == ("PATCH", True)
    assert (read.request.method, read.applied) == ("GET", False)
