"""Good requests: kept exactly as they came, answered exactly as the connector says."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from engine.clock import ManualClock, SystemClock
from engine.observe.heartbeat import HeartbeatFile
from engine.observe.metrics import EngineMetrics, ReceiverMetrics, write_exposition
from engine.observe.notify import Notification, Severity
from engine.receiver import ReceiverError, SpoolReports, listen, read_address
from engine.receiving.health import ENGINE_METRICS_FILE, EngineWatch
from engine.store.vault import Vault
from tests.receiver.receiver_kit import (
    KEY,
    PUBLIC_URL,
    Running,
    events,
    raw_post,
    running,
    signed_headers,
    status,
)


def get(path: str) -> bytes:
    return f"GET {path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n".encode()


def body_of(answer: bytes) -> bytes:
    return answer.split(b"\r\n\r\n", 1)[1]


def test_kept_and_answered_as_the_connector_says(receiver: Running) -> None:
    body = events("first", "second")
    path = "/webhooks/hub?account=7&x=%2F"
    answer = receiver.exchange(raw_post(body, path=path))
    lines = answer.split(b"\r\n")
    assert lines[0] == b"HTTP/1.1 200 OK"
    assert b"x-kept: 2" in lines
    assert body_of(answer) == b"kept"
    row = receiver.rows()[-1]
    assert [notice.event_key for notice in row.notices] == ["first", "second"]
    request = row.request(Vault(KEY))
    assert request.url == f"{PUBLIC_URL}{path}"  # not the Host header's address
    assert request.body == body
    assert ("content-length", str(len(body))) in request.headers
    assert abs(request.received_at - datetime.now(UTC)) < timedelta(minutes=5)


def test_a_redelivery_is_accepted_again_with_the_same_keys(receiver: Running) -> None:
    before = len(receiver.rows())
    data = raw_post(events("again"))
    assert [status(receiver.exchange(data)) for _ in range(2)] == [200, 200]
    added = receiver.rows()[before:]
    assert [[notice.event_key for notice in row.notices] for row in added] == [["again"]] * 2


def test_chunked_at_once_kept_alive_and_pipelined(receiver: Running) -> None:
    before = len(receiver.rows())
    chunky = events("chunked")
    signed = "".join(f"{name}: {value}\r\n" for name, value in signed_headers(chunky)).encode()
    first = (
        b"POST /webhooks/hub HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n"
        + signed
        + b"\r\n"
        + b"".join(b"1\r\n%c\r\n" % mark for mark in chunky)
        + b"0\r\n\r\n"
    )
    answer = receiver.exchange(
        first + raw_post(events("second"), close=False) + raw_post(events("third"))
    )
    assert answer.count(b"HTTP/1.1 200 OK") == 3
    keys = [row.notices[0].event_key for row in receiver.rows()[before:]]
    assert keys == ["chunked", "second", "third"]


def test_a_sender_that_asks_first_is_told_to_continue(receiver: Running) -> None:
    body = events("asked")
    head, _, _ = raw_post(body).partition(b"\r\n\r\n")
    with receiver.connect() as client:
        client.sendall(head + b"\r\nexpect: 100-continue\r\n\r\n")
        assert client.recv(1000).startswith(b"HTTP/1.1 100 ")
        client.sendall(body)
        assert client.recv(1000).startswith(b"HTTP/1.1 200 ")


def test_a_body_as_large_as_allowed_is_kept(receiver: Running) -> None:
    body = events("large")
    body += b" " * (65_536 - len(body))
    assert status(receiver.exchange(raw_post(body))) == 200
    assert status(receiver.exchange(raw_post(body + b" "))) == 413
    assert receiver.rows()[-1].request(Vault(KEY)).body == body


def test_health_readiness_and_metrics(receiver: Running) -> None:
    health = json.loads(body_of(receiver.exchange(get("/healthz"))))
    assert health["status"] == "degraded"
    assert health["engine"] == {"running": False, "heartbeat_age_seconds": None}
    assert health["spool"]["rows"] == len(receiver.rows())
    HeartbeatFile(receiver.state, SystemClock()).beat({"syncs": 2})
    engine = EngineMetrics()
    engine.records("companies", "confirmed", 7)
    write_exposition(engine.registry, receiver.state / ENGINE_METRICS_FILE)
    health = json.loads(body_of(receiver.exchange(get("/healthz"))))
    assert health["status"] == "ok"
    assert health["engine"]["running"] is True
    assert status(receiver.exchange(get("/readyz"))) == 200
    text = body_of(receiver.exchange(get("/metrics"))).decode()
    assert 'revline_engine_records_total{outcome="confirmed",sync="companies"} 7.0' in text
    assert 'revline_receiver_requests_total{connection="hub",outcome="accepted"}' in text
    assert "revline_receiver_engine_stale 0.0" in text
    names = [line.split()[2] for line in text.splitlines() if line.startswith("# TYPE")]
    assert len(names) == len(set(names))


def test_the_address_can_be_found_and_a_taken_port_is_named(receiver: Running) -> None:
    address = read_address(receiver.state)
    assert address is not None
    assert (address.pid, address.port) == (receiver.process.pid, receiver.port)
    with pytest.raises(ReceiverError, match=rf"port {receiver.port}.*receiver\.port"):
        listen("127.0.0.1", receiver.port)
    assert read_address(receiver.state / "nowhere") is None


def test_at_its_size_the_spool_sheds_with_503(tmp_path: Path) -> None:
    with running(tmp_path, spool={"spool_max_bytes": 700}) as receiver:
        assert status(receiver.exchange(raw_post(events("kept")))) == 200
        answer = receiver.exchange(raw_post(events("shed")))
        assert status(answer) == 503
        assert b"retry-after: " in answer
        assert b"spool_full" in answer
        assert [row.notices[0].event_key for row in receiver.rows()] == ["kept"]
        assert status(receiver.exchange(get("/healthz"))) == 200


def test_a_locked_store_sheds_with_503_and_service_resumes(tmp_path: Path) -> None:
    with running(tmp_path, busy_seconds=0.2) as receiver:
        assert status(receiver.exchange(raw_post(events("before")))) == 200
        path = tmp_path / "spool.db"
        with closing(sqlite3.connect(path, isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            assert status(receiver.exchange(raw_post(events("locked out")))) == 503
            assert status(receiver.exchange(get("/readyz"))) == 503
            assert status(receiver.exchange(get("/healthz"))) == 200
        assert status(receiver.exchange(raw_post(events("after")))) == 200
        assert [row.notices[0].event_key for row in receiver.rows()] == ["before", "after"]
        assert "SPOOL_FAILED" in receiver.log()
        assert "locked out" not in receiver.log()


def test_forgeries_are_refused_even_when_nothing_could_be_kept(tmp_path: Path) -> None:
    with running(tmp_path, pages_max=1) as receiver:
        assert status(receiver.exchange(raw_post(events("a")))) == 503
        assert status(receiver.exchange(raw_post(events("a"), headers=[]))) == 401


class Told:
    def __init__(self) -> None:
        self.found: list[Notification] = []

    def notify(self, notification: Notification) -> None:
        self.found.append(notification)


def test_a_silent_engine_is_reported_once_and_its_return_too(tmp_path: Path) -> None:
    clock, told = ManualClock(datetime(2026, 11, 1, tzinfo=UTC)), Told()
    watch = EngineWatch(tmp_path, clock, ReceiverMetrics(), told)
    assert watch.look() == {"running": False, "heartbeat_age_seconds": None}
    assert told.found == []  # it may be starting
    clock.advance(timedelta(seconds=31))
    watch.look()
    watch.look()
    HeartbeatFile(tmp_path, clock).beat()
    assert watch.look() == {"running": True, "heartbeat_age_seconds": 0.0}
    clock.advance(timedelta(seconds=31))
    assert watch.look()["running"] is False
    found = [(note.severity, note.code) for note in told.found]
    assert found == [
        (Severity.ALARM, "ENGINE_SILENT"),
        (Severity.RECOVERED, "ENGINE_SILENT"),
        (Severity.ALARM, "ENGINE_SILENT"),
    ]


def test_a_failing_spool_is_reported_once_and_its_return_too() -> None:
    told = Told()
    reports = SpoolReports(ReceiverMetrics(), told)
    reports.spool_committed(1, 0.1)
    for _ in range(3):
        reports.spool_failed(5, "OperationalError: disk I/O error")
    reports.spool_committed(1, 0.1)
    assert [note.severity for note in told.found] == [Severity.ALARM, Severity.RECOVERED]
