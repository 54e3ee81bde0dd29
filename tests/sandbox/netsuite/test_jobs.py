"""Asynchronous requests: jobs, tasks, results per item, repeated keys."""

from __future__ import annotations

from typing import Any

ASYNC = {"Prefer": "respond-async"}
COLLECTION = {**ASYNC, "Content-Type": "application/vnd.oracle.resource+json; type=collection"}


def follow(account: Any, answer: Any) -> str:
    assert answer.status_code == 202, answer.text
    path: str = answer.headers["Location"].removeprefix(account.url)
    return path


def customer(name: str, **more: Any) -> dict[str, Any]:
    return {"companyName": name, "subsidiary": {"id": "1"}, **more}


def test_one_request_as_a_job(account: Any) -> None:
    account.admin("options", {"async_seconds": 30})
    job = follow(account, account.call("POST", "customer", customer("A"), headers=ASYNC))
    assert account.call("GET", job).json()["progress"] == "pending"
    assert account.call("GET", f"{job}/task/1/result").status_code == 404
    assert account.call("GET", "customer").json()["totalResults"] == 0
    account.shift(31)
    shown = account.call("GET", job).json()
    assert (shown["completed"], shown["progress"]) == (True, "succeeded")
    tasks = account.call("GET", shown["task"]["links"][0]["href"].removeprefix(account.url)).json()
    assert [task["id"] for task in tasks["items"]] == ["1"]
    result = account.call("GET", f"{job}/task/1/result")
    assert result.status_code == 204
    assert result.headers["Location"].endswith(
        "/customer/" + account.query("SELECT id FROM customer")[0]["id"]
    )


def test_a_batch_answers_for_each_item(account: Any) -> None:
    items = [
        customer("A", externalId="a"),
        {"companyName": "B", "externalId": "b"},
        customer("C", externalId="c", wrong=1),
    ]
    job = follow(account, account.call("PUT", "customer", {"items": items}, headers=COLLECTION))
    assert account.call("GET", job).json()["progress"] == "succeeded"
    results = [account.call("GET", f"{job}/task/{n}/result") for n in (1, 2, 3)]
    assert [one.status_code for one in results] == [204, 400, 400]
    assert results[1].json()["o:errorDetails"][0]["o:errorPath"] == "subsidiary"
    assert account.call("GET", f"{job}/task/2").json()["progress"] == "failed"
    assert account.call("GET", f"{job}/task/4").status_code == 404
    assert [row["externalid"] for row in account.query("SELECT externalid FROM customer")] == ["a"]
    counts = account.look("counts")["counts"]["customer"]
    assert counts["a"]["creates"] == 1


def test_create_update_and_delete_in_batches(account: Any) -> None:
    items = [customer("A"), customer("B")]
    follow(account, account.call("POST", "customer", {"items": items}, headers=COLLECTION))
    ids = [row["id"] for row in account.query("SELECT id FROM customer ORDER BY id")]
    changes = [{"id": id, "phone": "1"} for id in ids]
    follow(account, account.call("PATCH", "customer", {"items": changes}, headers=COLLECTION))
    assert [row["phone"] for row in account.query("SELECT phone FROM customer")] == ["1", "1"]
    gone = {"ids": ",".join(ids)}
    follow(account, account.call("DELETE", "customer", params=gone, headers=ASYNC))
    assert account.query("SELECT id FROM customer") == []


def test_a_repeated_key_leads_to_the_first_job(account: Any) -> None:
    headers = {**ASYNC, "X-NetSuite-Idempotency-Key": "k-1"}
    first = account.call("POST", "customer", customer("A"), headers=headers)
    again = account.call("POST", "customer", customer("A"), headers=headers)
    body = again.json()
    assert (again.status_code, body["title"]) == (400, "Conflict")
    assert body["o:errorDetails"][0]["o:errorCode"] == "IDEMPOTENCY_ERROR"
    assert again.headers["Location"] == first.headers["Location"]
    assert len(account.query("SELECT id FROM customer")) == 1


def test_the_key_does_nothing_without_a_job(account: Any) -> None:
    headers = {"X-NetSuite-Idempotency-Key": "k-1"}
    for _ in range(2):
        assert account.call("POST", "customer", customer("A"), headers=headers).status_code == 204
    assert len(account.query("SELECT id FROM customer")) == 2


def test_refused_batches(account: Any) -> None:
    at_once = {"Content-Type": COLLECTION["Content-Type"]}
    answer = account.call("POST", "customer", {"items": [customer("A")]}, headers=at_once)
    assert account.refused(answer)["o:errorHeader"] == "Prefer"
    for body in ({}, {"items": [1]}, {"items": []}, {"items": [customer("A")] * 101}):
        account.refused(account.call("POST", "customer", body, headers=COLLECTION))
    nameless = {"items": [customer("A")]}
    account.refused(account.call("PUT", "customer", nameless, headers=COLLECTION))
    assert account.call("GET", "/services/rest/async/v1/job/99").status_code == 404
    assert account.query("SELECT id FROM customer") == []
