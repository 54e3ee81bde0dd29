"""Many clients at once: nothing lost, one request at a time has an effect, excess is noted."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

from sandbox.server import serve


def test_parallel_writes_are_all_counted(toy) -> None:
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda n: toy.post("/notes", {"key": str(n)}), range(80)))
    assert {answer.status_code for answer in answers} == {201}
    ids = [answer.json()["id"] for answer in answers]
    assert sorted(ids, key=int) == [str(number) for number in range(1, 81)]
    assert [e["seq"] for e in toy.admin("log")["entries"]] == list(range(1, 81))


def test_more_than_the_allowed_concurrency_is_a_violation(toy) -> None:
    toy.simulator.concurrency_max = 1
    hold = toy.admin("hold", {"match": {"method": "POST"}})["hold"]
    with ThreadPoolExecutor(1) as pool:
        held = pool.submit(toy.post, "/notes", {})
        toy.admin(f"hold?id={hold}&wait_seconds=20")
        toy.get("/notes")
        toy.admin("release", {})
        assert held.result(20).status_code == 201
    assert [v["kind"] for v in toy.admin("violations")["violations"]] == ["over_concurrency"]


def test_stopping_ends_kept_connections_and_held_requests(toy_class) -> None:
    import requests

    with serve([toy_class()]) as running, requests.Session() as session:
        session.headers["Authorization"] = "Bearer t"
        url = running.urls["toy"]
        assert session.get(url + "/notes", timeout=5).status_code == 200
        running.simulators["toy"].faults.add({"action": "hang"})
        with ThreadPoolExecutor(1) as pool:
            hanging = pool.submit(requests.get, url + "/notes", timeout=20)
            running.simulators["toy"].faults.wait_until_held("f1", 20)
            running.stop()
            assert isinstance(hanging.exception(20), requests.ConnectionError)
