"""Logs cannot be forged and carry no secret; metric names keep their law."""

from __future__ import annotations

import base64
import io
import json
import logging
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import quote

import pytest
import structlog
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from engine.clock import ManualClock
from engine.observe.heartbeat import HeartbeatFile
from engine.observe.logs import LogSettings, set_up_logging, stream_logger
from engine.observe.metrics import (
    EngineMetrics,
    ReceiverMetrics,
    read_exposition,
    status_class,
    unlawful_names,
    write_exposition,
)
from engine.observe.notify import (
    ConsoleNotifier,
    LogNotifier,
    Notification,
    NotifyAll,
    Severity,
)
from engine.observe.redaction import REDACTED, Redactor

NOW = datetime(2026, 11, 1, 12, tzinfo=UTC)
SECRET = "s3cr/t+ü'value=="
ANY_TEXT = st.text(max_size=60)


def lines_of(stream: io.StringIO) -> list[dict[str, object]]:
    return [json.loads(line) for line in stream.getvalue().splitlines()]


@given(event=ANY_TEXT, key=st.text(min_size=1, max_size=20), value=ANY_TEXT)
def test_one_event_is_one_line_of_plain_ascii(event: str, key: str, value: str) -> None:
    stream = io.StringIO()
    logger = stream_logger(stream, part="engine", clock=ManualClock(NOW))
    logger.info("fixed", facts={key: value}, text=event)
    text = stream.getvalue()
    assert text.endswith("\n")
    assert all(32 <= ord(mark) < 127 for mark in text[:-1])
    (line,) = lines_of(stream)
    assert (line["event"], line["level"], line["part"]) == ("fixed", "info", "engine")
    assert line["time"] == "2026-11-01T12:00:00.000+00:00"


def test_fields_cannot_pose_as_ours() -> None:
    stream = io.StringIO()
    logger = stream_logger(stream, part="engine", clock=ManualClock(NOW))
    logger.info("fixed", part="forged", time="forged")
    (line,) = lines_of(stream)
    assert (line["part"], line["part_"], line["time_"]) == ("engine", "forged", "forged")


@pytest.mark.parametrize(
    "text",
    [
        SECRET,
        f"GET /x?key={quote(SECRET, safe='')}",
        json.dumps({"a": SECRET}, ensure_ascii=False),
        repr(SECRET),
        "Basic " + base64.b64encode(f"user:{SECRET}".encode()).decode(),
        "Basic " + base64.b64encode(f"u:{SECRET}".encode()).decode(),
        "Basic " + base64.b64encode(f"us:{SECRET}:x".encode()).decode(),
        "x" * 50 + SECRET + "y" * 50,
    ],
)
def test_secrets_are_removed_however_they_are_written(text: str) -> None:
    stream = io.StringIO()
    logger = stream_logger(stream, part="engine", secrets=[SECRET])
    logger.warning(text, other=text, nested={"list": [text], text: 1}, error=ValueError(text))
    try:
        raise RuntimeError(text)
    except RuntimeError:
        logger.exception("failed")
    found = stream.getvalue()
    assert "s3cr" not in found
    assert base64.b64encode(SECRET.encode()).decode()[4:14] not in found
    assert base64.b64encode(b"ab" + SECRET.encode()).decode()[8:16] not in found
    assert base64.b64encode(b"a" + SECRET.encode()).decode()[8:16] not in found
    assert REDACTED in found


def test_telling_names_are_enough() -> None:
    redactor = Redactor()
    found = redactor.value(
        {
            "Authorization": "Bearer x",
            "client_secret": "x",
            "headers": {"X-HubSpot-Signature-v3": "x", "set-cookie": "x", "apiKey": "x"},
            "access_token": "x",
            "password": "",
            "event_key": "e-1",
            "key": "x",
            "monkey": "x",
        }
    )
    assert found == {
        "Authorization": REDACTED,
        "client_secret": REDACTED,
        "headers": {"X-HubSpot-Signature-v3": REDACTED, "set-cookie": REDACTED, "apiKey": REDACTED},
        "access_token": REDACTED,
        "password": "",
        "event_key": "e-1",
        "key": REDACTED,
        "monkey": "x",
    }


def test_short_secrets_do_not_blank_out_words_and_bytes_are_not_shown() -> None:
    redactor = Redactor(["a", "", "key"])
    assert redactor.text("a key that matters") == "a key that matters"
    assert redactor.value(b"payload") == "<7 bytes>"
    assert "…" in str(redactor.value([[[[[[[["deep"]]]]]]]]))
    assert SECRET not in repr(Redactor([SECRET])) + repr(LogSettings(secrets=(SECRET,)))


@pytest.fixture
def _logging_restored() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level = list(root.handlers), root.level
    yield
    for handler in list(root.handlers):
        if handler not in handlers:
            root.removeHandler(handler)
            handler.close()
    for handler in handlers:
        if handler not in root.handlers:
            root.addHandler(handler)
    root.setLevel(level)
    structlog.reset_defaults()


@pytest.mark.usefixtures("_logging_restored")
def test_everybodys_records_take_the_same_road(tmp_path: Path) -> None:
    file = tmp_path / "engine.log"
    settings = LogSettings(part="engine", file=file, secrets=(SECRET,))
    handler = set_up_logging(settings, ManualClock(NOW))
    logging.getLogger("somebody.else").warning("hello %s\n%s", "\x1b[31mred", SECRET)
    structlog.get_logger("ours").info("taken in", rows=3)
    structlog.get_logger("ours").debug("too fine")
    logging.getLogger("urllib3").info("chatter")
    try:
        raise KeyError(SECRET)
    except KeyError:
        logging.getLogger("somebody.else").exception("broken")
    handler.close()
    raw = file.read_text()
    lines = [json.loads(line) for line in raw.splitlines()]
    assert [line["event"] for line in lines] == [
        f"hello \x1b[31mred\n{REDACTED}",
        "taken in",
        "broken",
    ]
    assert [line["level"] for line in lines] == ["warning", "info", "error"]
    assert lines[0]["logger"] == "somebody.else"
    assert lines[1]["rows"] == 3
    assert "KeyError" in lines[2]["exception"]
    assert "\x1b" not in raw
    assert "s3cr" not in raw


def test_names_of_metrics_keep_the_law() -> None:
    engine, receiver = EngineMetrics(), ReceiverMetrics()
    assert unlawful_names(engine.registry) == []
    assert unlawful_names(receiver.registry) == []
    ours = {family.name for family in engine.registry.collect()}
    theirs = {family.name for family in receiver.registry.collect()}
    assert ours
    assert not ours & theirs


def test_the_law_finds_offenders() -> None:
    registry = CollectorRegistry()
    Counter("requests_total", "no prefix", registry=registry)
    Gauge("revline_engine_wait_ms", "abbreviated", registry=registry)
    Gauge("revline_engine_rows_total", "a gauge that counts", registry=registry)
    Histogram("revline_engine_wait", "no unit", registry=registry)
    assert len(unlawful_names(registry)) == 4


def test_what_the_pipeline_reports_can_be_read_elsewhere(tmp_path: Path) -> None:
    metrics = EngineMetrics()
    metrics.records("companies", "routed", 5)
    metrics.api_call("hub", 207, 0.2)
    metrics.api_call("hub", None, 10)
    metrics.lag("companies", 1.5)
    metrics.cursor_age("companies", 12)
    metrics.deliveries("companies", "waiting", 3)
    metrics.issues("companies", 1)
    metrics.spool_backlog(9)
    metrics.heartbeat(NOW.timestamp())
    path = tmp_path / "engine.prom"
    assert read_exposition(path) == b""
    write_exposition(metrics.registry, path)
    text = read_exposition(path).decode()
    assert 'revline_engine_api_calls_total{connection="hub",status="none"} 1.0' in text
    assert 'revline_engine_api_calls_total{connection="hub",status="2xx"} 1.0' in text
    assert 'revline_engine_lag_seconds_sum{sync="companies"} 1.5' in text
    assert 'revline_engine_open_deliveries{state="waiting",sync="companies"} 3.0' in text
    assert status_class(503) == "5xx"


def test_notifiers() -> None:
    log, console = io.StringIO(), io.StringIO()
    notifier = NotifyAll([LogNotifier(stream_logger(log, part="x")), ConsoleNotifier(console)])
    for severity in Severity:
        notifier.notify(
            Notification(
                severity, "CODE", "text\x1b[2J\nforged", "do this", {"event": 1, "rows": 2}
            )
        )
    assert [line["level"] for line in lines_of(log)] == ["info", "warning", "error"]
    assert lines_of(log)[0]["fact_rows"] == 2
    assert len(console.getvalue().splitlines()) == 3
    assert "\x1b" not in console.getvalue()


def test_heartbeat(tmp_path: Path) -> None:
    clock = ManualClock(NOW)
    heartbeat = HeartbeatFile(tmp_path, clock)
    assert heartbeat.last() is None
    heartbeat.beat({"syncs": 2})
    last = heartbeat.last()
    assert last is not None
    assert (last.at, last.details) == (NOW, {"syncs": 2})
    assert last.age_seconds(NOW) == 0.0
    for rubbish in (b"", b"{}", b"[]", b"\xff", b'{"pid":1,"at":1e99,"details":{}}'):
        (tmp_path / "heartbeat.json").write_bytes(rubbish)
        assert heartbeat.last() is None
    heartbeat.stop()
    heartbeat.stop()
    assert heartbeat.last() is None
