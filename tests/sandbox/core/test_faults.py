"""Fault rules over real sockets: what the client sees, and whether the effect took place."""

from __future__ import annotations

import threading

import pytest
import requests


def _notes(toy) -> int:
    return len(toy.admin("state")["objects"]["notes"])


@pytest.mark.parametrize("phase", ["before", "after"])
def test_reset_before_leaves_no_effect_and_after_does(toy, phase) -> None:
    toy.admin("faults", {"match": {"method": "POST"}, "phase": phase, "action": "reset"})
    with pytest.raises(requests.ConnectionError, match="reset"):
        toy.post("/notes", {})
    assert _notes(toy) == (1 if phase == "after" else 0)
    (entry,) = toy.admin("log")["entries"]
    assert entry["applied"] is (phase == "after")
    assert entry["status"] is None
    assert entry["fault"].endswith(f"{phase}:reset")
    assert toy.post("/notes", {}).status_code == 201, "the rule fires once"


@pytest.mark.parametrize("phase", ["before", "after"])
def test_status_in_the_vendors_shape(toy, phase) -> None:
    toy.admin("faults", {"phase": phase, "action": "status", "status": 503})
    answer = toy.post("/notes", {})
    assert (answer.status_code, answer.json()) == (503, {"vendor_error": 503})
    assert _notes(toy) == (1 if phase == "after" else 0)


def test_status_with_its_own_body_headers_and_type(toy) -> None:
    rule = {
        "action": "status",
        "status": 502,
        "body": "<html>bad gateway</html>",
        "content_type": "text/html",
        "headers": {"Retry-After": "7"},
    }
    toy.admin("faults", rule)
    answer = toy.get("/notes")
    assert answer.text == "<html>bad gateway</html>"
    assert answer.headers["Retry-After"] == "7"
    assert answer.headers["Content-Type"] == "text/html"


def test_truncate_keeps_the_effect_and_cuts_the_answer(toy) -> None:
    toy.admin("faults", {"action": "truncate", "at": 3})
    with pytest.raises(requests.exceptions.ChunkedEncodingError, match="IncompleteRead"):
        toy.post("/notes", {})
    assert _notes(toy) == 1
    assert toy.admin("log")["entries"][0]["bytes_sent"] == 3


def test_content_type_and_redirect(toy) -> None:
    toy.admin("faults", {"action": "content_type"})
    assert toy.get("/notes").headers["Content-Type"] == "text/html"
    toy.admin("faults", {"action": "redirect", "location": "http://127.0.0.1:9/x", "status": 307})
    answer = toy.get("/notes", allow_redirects=False)
    assert (answer.status_code, answer.headers["Location"]) == (307, "http://127.0.0.1:9/x")


def test_delay_is_felt(toy) -> None:
    toy.admin("faults", {"action": "delay", "seconds": 5})
    with pytest.raises(requests.Timeout):
        requests.get(toy.url + "/notes", headers=toy.headers, timeout=0.2)


def test_pages_are_duplicated_dropped_and_stale(toy) -> None:
    toy.admin("faults", {"match": {"nth": 2, "path": "^/notes$"}, "action": "duplicate_page"})
    assert toy.get("/notes").json()["items"] == [0]
    assert toy.get("/notes?after=1").json()["items"] == [0]
    toy.admin("faults", {"action": "drop_page"})
    assert toy.get("/notes?after=1").json()["items"] == [2]
    toy.admin("faults", {"action": "stale_read"})
    assert toy.get("/notes/1").json()["stale"] is True
    assert toy.get("/notes/1").json()["stale"] is False


def test_matching_by_body_nth_times_and_for_ever(toy) -> None:
    toy.admin("faults", {"match": {"body_contains": "bad"}, "action": "status", "times": None})
    assert [toy.post("/notes", {"x": x}).status_code for x in ("ok", "bad", "bad")] == [
        201,
        503,
        503,
    ]
    requests.delete(f"{toy.url}/__admin/faults", timeout=5)
    assert toy.post("/notes", {"x": "bad"}).status_code == 201


def test_probability_is_the_same_for_the_same_seed(toy) -> None:
    def draw(seed: int) -> list[int]:
        match = {"probability": 0.5, "seed": seed}
        toy.admin("faults", {"match": match, "action": "status", "times": None})
        statuses = [toy.get("/notes").status_code for _ in range(20)]
        requests.delete(f"{toy.url}/__admin/faults", timeout=5)
        return statuses

    first = draw(1)
    assert first == draw(1)
    assert set(first) == {200, 503}
    assert first != draw(2)


@pytest.mark.parametrize("phase", ["before", "after"])
def test_hold_stops_the_request_until_released(toy, phase) -> None:
    hold = toy.admin("hold", {"match": {"method": "POST"}, "phase": phase})["hold"]
    answers: list[int] = []
    caller = threading.Thread(target=lambda: answers.append(toy.post("/notes", {}).status_code))
    caller.start()
    (shown,) = toy.admin(f"hold?id={hold}&wait_seconds=20")["holds"]
    assert shown["waiting"] == 1
    assert answers == []
    assert _notes(toy) == (1 if phase == "after" else 0)
    toy.admin("release", {"hold": hold})
    caller.join(20)
    assert answers == [201]


def test_hang_ends_when_the_rules_are_cleared(toy) -> None:
    toy.admin("faults", {"action": "hang"})
    with pytest.raises(requests.Timeout):
        requests.get(toy.url + "/notes", headers=toy.headers, timeout=0.2)
    requests.delete(f"{toy.url}/__admin/faults", timeout=5)
    assert toy.get("/notes").status_code == 200
