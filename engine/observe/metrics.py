"""Metrics and the law of their names.

``revline_{part}_{what}[_{unit}][_total]``: counters end in ``_total``, times in ``_seconds``, sizes
in ``_bytes``; labels are connections, syncs and fixed words, never ids, so that their number stays
bounded. Each process has a registry of its own; the receiver's page also shows the engine's.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path
from typing import Final

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

from engine.files import replace_file

METRICS_MAX_BYTES: Final = 4 * 1024 * 1024
CONTENT_TYPE: Final = "text/plain; version=0.0.4; charset=utf-8"

_NAME: Final = re.compile(r"revline_(engine|receiver)_[a-z][a-z0-9]*(_[a-z0-9]+)*")
_ABBREVIATED_UNITS: Final = re.compile(
    r"_(ms|secs?|millis|milliseconds|kb|mb|count|num|duration)\b"
)
_LATENCY_SECONDS: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0)
_LAG_SECONDS: Final = (1, 2, 5, 10, 30, 60, 300, 900, 3600, 21600, 86400)


class EngineMetrics:
    """What the pipeline reports. Thread-safe."""

    def __init__(self, registry: CollectorRegistry | None = None) -> None:
        self.registry = registry or CollectorRegistry()
        self._records = Counter(
            "revline_engine_records_total",
            "Records that reached an outcome, by sync.",
            ("sync", "outcome"),
            registry=self.registry,
        )
        self._calls = Counter(
            "revline_engine_api_calls_total",
            "HTTP calls to a system, by class of the answer's status.",
            ("connection", "status"),
            registry=self.registry,
        )
        self._call_seconds = Histogram(
            "revline_engine_api_call_seconds",
            "How long calls to a system took.",
            ("connection",),
            buckets=(*_LATENCY_SECONDS, 10.0, 30.0, 60.0),
            registry=self.registry,
        )
        self._lag = Histogram(
            "revline_engine_lag_seconds",
            "From a change in the source to its confirmed write in the target.",
            ("sync",),
            buckets=_LAG_SECONDS,
            registry=self.registry,
        )
        self._cursor_age = Gauge(
            "revline_engine_cursor_age_seconds",
            "How far a sync's poll is behind the present.",
            ("sync",),
            registry=self.registry,
        )
        self._deliveries = Gauge(
            "revline_engine_open_deliveries",
            "Deliveries that are not done, by state.",
            ("sync", "state"),
            registry=self.registry,
        )
        self._issues = Gauge(
            "revline_engine_open_issues",
            "Issues that wait for a person, by sync.",
            ("sync",),
            registry=self.registry,
        )
        self._spool_rows = Gauge(
            "revline_engine_spool_backlog_rows",
            "Kept webhook requests that are not taken in yet.",
            registry=self.registry,
        )
        self._heartbeat = Gauge(
            "revline_engine_heartbeat_timestamp_seconds",
            "When the engine last showed that it works, as seconds since 1970.",
            registry=self.registry,
        )

    def records(self, sync: str, outcome: str, count: int = 1) -> None:
        """``count`` records ended as ``outcome``: routed, confirmed, refused, unknown …"""
        self._records.labels(sync, outcome).inc(count)

    def api_call(self, connection: str, status: int | None, seconds: float) -> None:
        """One HTTP call; ``status`` is None when no answer came."""
        self._calls.labels(connection, status_class(status)).inc()
        self._call_seconds.labels(connection).observe(seconds)

    def lag(self, sync: str, seconds: float) -> None:
        """A change took ``seconds`` to its target."""
        self._lag.labels(sync).observe(max(0.0, seconds))

    def cursor_age(self, sync: str, seconds: float) -> None:
        """A sync's poll is ``seconds`` behind."""
        self._cursor_age.labels(sync).set(seconds)

    def deliveries(self, sync: str, state: str, count: int) -> None:
        """So many deliveries of a sync are in ``state``."""
        self._deliveries.labels(sync, state).set(count)

    def issues(self, sync: str, count: int) -> None:
        """So many issues of a sync are open."""
        self._issues.labels(sync).set(count)

    def spool_backlog(self, rows: int) -> None:
        """So many spool rows are not taken in yet."""
        self._spool_rows.set(rows)

    def heartbeat(self, seconds_since_1970: float) -> None:
        """The engine is alive at this instant."""
        self._heartbeat.set(seconds_since_1970)


class ReceiverMetrics:
    """What the receiver reports. Thread-safe."""

    def __init__(self, registry: CollectorRegistry | None = None) -> None:
        self.registry = registry or CollectorRegistry()
        self._requests = Counter(
            "revline_receiver_requests_total",
            "Webhook requests, by what became of them; connection is empty when unknown.",
            ("connection", "outcome"),
            registry=self.registry,
        )
        self._notices = Counter(
            "revline_receiver_notices_total",
            "Events in accepted webhook requests.",
            ("connection",),
            registry=self.registry,
        )
        self._answer_seconds = Histogram(
            "revline_receiver_answer_seconds",
            "From the end of a request's headers to its answer.",
            buckets=_LATENCY_SECONDS,
            registry=self.registry,
        )
        self._connections_refused = Counter(
            "revline_receiver_connections_refused_total",
            "Connections closed before a request was complete, by reason.",
            ("reason",),
            registry=self.registry,
        )
        self._commits = Histogram(
            "revline_receiver_spool_commit_seconds",
            "How long a commit to the spool took.",
            buckets=_LATENCY_SECONDS,
            registry=self.registry,
        )
        self._spool_failures = Counter(
            "revline_receiver_spool_failures_total",
            "Commits to the spool that failed.",
            registry=self.registry,
        )
        self._pruned = Counter(
            "revline_receiver_spool_pruned_rows_total",
            "Spool rows deleted after they were consumed and old.",
            registry=self.registry,
        )
        self._rows = Gauge(
            "revline_receiver_spool_rows", "Rows kept in the spool.", registry=self.registry
        )
        self._bytes = Gauge(
            "revline_receiver_spool_bytes", "Bytes kept in the spool.", registry=self.registry
        )
        self._engine_age = Gauge(
            "revline_receiver_engine_heartbeat_age_seconds",
            "Age of the engine's last sign of life; -1 when there is none.",
            registry=self.registry,
        )
        self._engine_stale = Gauge(
            "revline_receiver_engine_stale",
            "1 when the engine's heartbeat is old or missing: alert on it.",
            registry=self.registry,
        )

    def request(self, connection: str, outcome: str, seconds: float | None = None) -> None:
        """A webhook request ended as ``outcome``."""
        self._requests.labels(connection, outcome).inc()
        if seconds is not None:
            self._answer_seconds.observe(seconds)

    def notices(self, connection: str, count: int) -> None:
        """So many events were accepted."""
        self._notices.labels(connection).inc(count)

    def connection_refused(self, reason: str) -> None:
        """A connection was closed early."""
        self._connections_refused.labels(reason).inc()

    def spool_committed(self, seconds: float) -> None:
        """A commit took ``seconds``."""
        self._commits.observe(seconds)

    def spool_failed(self) -> None:
        """A commit failed."""
        self._spool_failures.inc()

    def spool_pruned(self, rows: int) -> None:
        """So many rows were deleted."""
        self._pruned.inc(rows)

    def spool_figures(self, rows: int, size_bytes: int) -> None:
        """How full the spool is."""
        self._rows.set(rows)
        self._bytes.set(size_bytes)

    def engine_heartbeat(self, age_seconds: float | None, *, stale: bool) -> None:
        """How old the engine's heartbeat is."""
        self._engine_age.set(-1 if age_seconds is None else age_seconds)
        self._engine_stale.set(1 if stale else 0)


def status_class(status: int | None) -> str:
    """``2xx`` … ``5xx``, or ``none`` when no answer came."""
    return "none" if status is None else f"{status // 100}xx"


def exposition(registry: CollectorRegistry) -> bytes:
    """The registry as Prometheus reads it."""
    return generate_latest(registry)


def write_exposition(registry: CollectorRegistry, path: Path) -> None:
    """Leave the registry in a file for another process to show. Raises ``OSError``."""
    replace_file(path, exposition(registry))


def read_exposition(path: Path) -> bytes:
    """What another process left; empty when there is nothing."""
    try:
        with path.open("rb") as file:
            return file.read(METRICS_MAX_BYTES)
    except OSError:
        return b""


def unlawful_names(registry: CollectorRegistry) -> list[str]:
    """Names that break the law; none, if the tests have their way."""
    return [reason for family in registry.collect() for reason in _faults(family.name, family.type)]


def _faults(name: str, kind: str) -> Iterable[str]:
    # The client strips ``_total`` from a counter's family name and adds it to every sample.
    if not _NAME.fullmatch(name):
        yield f"{name}: not revline_{{part}}_{{what}}"
    if _ABBREVIATED_UNITS.search(name):
        yield f"{name}: base units only, spelled out"
    if kind != "counter" and name.endswith("_total"):
        yield f"{name}: only counters end in _total"
    if kind == "histogram" and not name.endswith(("_seconds", "_bytes")):
        yield f"{name}: a histogram says its unit"
