"""The admin surface: log, calls, counts, state, violations, clock, mutate, load, reset."""

from __future__ import annotations

import pytest
import requests


def test_log_shows_each_call_with_secrets_hashed(toy) -> None:
    toy.post("/notes", {"key": "revline-1", "client_secret": "canary"})
    toy.get("/notes?after=3")
    entries = toy.admin("log?since=0")["entries"]
    assert [(e["method"], e["path"], e["status"], e["applied"]) for e in entries] == [
        ("POST", "/notes", 201, True),
        ("GET", "/notes", 200, False),
    ]
    assert entries[1]["query"] == [["after", "3"]]
    assert "revline-1" in entries[0]["body"]
    assert "canary" not in str(entries)
    assert "Bearer t" not in str(entries)
    assert set(entries[0]) >= {"seq", "time", "headers", "body", "fault"}
    assert [e["seq"] for e in toy.admin("log?since=1")["entries"]] == [2]


def test_form_secrets_are_hashed_in_the_log(toy) -> None:
    requests.post(f"{toy.url}/token", data={"client_secret": "canary", "user": "a"}, timeout=5)
    (entry,) = toy.admin("log")["entries"]
    assert "canary" not in entry["body"]
    assert "user=a" in entry["body"]


def test_calls_are_totalled_by_template_and_status(toy) -> None:
    for number in (1, 2, 3):
        toy.get(f"/notes/{number}")
    toy.get("/nowhere")
    calls = {(c["path"], c["status"]): c["count"] for c in toy.admin("calls")["calls"]}
    assert calls == {("/notes/{id}", 200): 3, ("/nowhere", 404): 1}
    assert toy.admin("calls")["total"] == 4


def test_counts_group_by_external_id_and_fall_back_to_the_record_id(toy) -> None:
    for fields in ({"key": "a"}, {"key": "a"}, {"text": "no key"}):
        toy.post("/notes", fields)
    counts = toy.admin("counts?by=external_id")["counts"]["notes"]
    assert counts["a"]["creates"] == 2
    assert counts["a"]["ids"] == ["1", "2"]
    assert counts["id:3"] == {
        "creates": 1,
        "changing_updates": 0,
        "unchanged_updates": 0,
        "deletes": 0,
        "ids": ["3"],
    }


def test_edits_behind_the_back_are_not_counted_as_writes(toy) -> None:
    body = {"object": "notes", "op": "update", "id": "7", "fields": {"key": "b"}}
    assert toy.admin("mutate", body)["record"] == {"id": "7", "key": "b"}
    assert toy.admin("counts")["counts"]["notes"]["b"]["creates"] == 0
    assert toy.admin("state")["objects"] == {"notes": {"7": {"key": "b"}}}


def test_load_and_reset(toy) -> None:
    assert toy.admin("load", {"objects": {"notes": {"1": {}}}})["loaded"] == {"notes": 1}
    toy.get("/nowhere")
    toy.admin("clock", {"shift_seconds": 3600, "freeze": True})
    toy.admin("reset", {})
    assert toy.admin("state")["objects"] == {"notes": {}}
    assert toy.admin("log")["entries"] == []
    assert toy.admin("violations")["violations"] == []
    assert toy.admin("clock")["frozen"] is False


def test_clock_is_set_shifted_and_frozen(toy) -> None:
    shown = toy.admin("clock", {"set": "2030-01-01T00:00:00+00:00", "freeze": True})
    assert shown["frozen"]
    assert shown["now"].startswith("2030-01-01T00:00:0")
    assert toy.admin("clock", {"shift_seconds": 86400})["now"].startswith("2030-01-02")


@pytest.mark.parametrize(
    ("call", "kind"),
    [
        (lambda toy: toy.get("/nowhere"), "unknown_route"),
        (lambda toy: toy.get("/notes?afetr=1"), "unknown_query"),
        (lambda toy: toy.get("/notes?access_token=x"), "token_in_url"),
        (lambda toy: requests.get(toy.url + "/notes", timeout=5), "unauthorized"),
    ],
)
def test_violations(toy, call, kind) -> None:
    call(toy)
    assert [v["kind"] for v in toy.admin("violations")["violations"]] == [kind]


def test_a_call_inside_retry_after_is_a_violation_and_one_after_it_is_not(toy) -> None:
    toy.admin("clock", {"freeze": True})
    toy.admin("faults", {"action": "status", "status": 429, "headers": {"Retry-After": "10"}})
    assert toy.get("/notes").status_code == 429
    toy.get("/notes")
    toy.admin("clock", {"shift_seconds": 11})
    toy.get("/notes")
    kinds = [v["kind"] for v in toy.admin("violations")["violations"]]
    assert kinds == ["inside_retry_after"]


def test_a_bug_in_a_handler_is_a_500_and_a_violation(toy, capsys) -> None:
    assert toy.get("/broken").status_code == 500
    (violation,) = toy.admin("violations")["violations"]
    assert violation["kind"] == "simulator_fault"
    assert "a bug of ours" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("method", "path", "body", "status"),
    [
        ("GET", "nothing", None, 404),
        ("POST", "mutate", {"object": "notes"}, 400),
        ("POST", "clock", {"move": 1}, 400),
        ("POST", "clock", {"set": "2030-01-01T00:00:00"}, 400),
        ("POST", "faults", {"action": "explode"}, 400),
        ("POST", "faults", {"action": "reset", "match": {"pth": "x"}}, 400),
        ("POST", "faults", {"action": "reset", "match": {"path": "("}}, 400),
        ("POST", "options", {"speed": 1}, 400),
        ("POST", "webhooks", {"url": "http://127.0.0.1:1"}, 400),
        ("POST", "emit", {"events": []}, 400),
        ("GET", "counts?by=colour", None, 400),
    ],
)
def test_admin_refuses_nonsense_with_a_reason(toy, method, path, body, status) -> None:
    answer = requests.request(method, f"{toy.url}/__admin/{path}", json=body, timeout=5)
    assert answer.status_code == status
    assert answer.json()["error"]


def test_a_chunked_body_is_refused(toy) -> None:
    answer = requests.post(toy.url + "/notes", data=iter([b"{}"]), headers=toy.headers, timeout=5)
    assert answer.status_code == 411
