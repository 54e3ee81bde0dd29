"""The engine's process: lock, store, recovery, threads, schedules, commands; until told to stop.

Exit code 0 after an orderly stop, 2 when it must not start (configuration, key, or another engine
of the same project), 1 when it was stopped while something hung.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

from engine.accounts import identify_all
from engine.app import Project, closing, configured, open_project
from engine.clock import SystemClock, microseconds
from engine.commands.acts import Acts, poll_endpoints
from engine.commands.planning import apply_plan
from engine.control import SOCKET_FILE, ControlError, ControlServer
from engine.daemon import ENGINE_LOCK, LockHeld, ProjectLock, follow_supervisor
from engine.dispatch import Dispatcher
from engine.errors import RevlineError
from engine.log_files import prepare_log
from engine.observe.heartbeat import HeartbeatFile
from engine.observe.logs import LogSettings, set_up_logging
from engine.observe.metrics import EngineMetrics, write_exposition
from engine.pipeline.poll import changes_stream, overdue
from engine.pipeline.services import Services
from engine.runner import Runner
from engine.store import delivery_views, retention, streams
from engine.store.store import NewerSchemaError, Store

LOG_FILE: Final = "engine.log"
METRICS_FILE: Final = "engine.prom"
GRACE_SECONDS: Final = 25.0
LOCK_WAIT_SECONDS: Final = 5.0
SLOT_SECONDS: Final = 60
PURGE_EVERY: Final = timedelta(hours=1)
IDENTIFY_EVERY: Final = timedelta(minutes=1)
METRICS_EVERY: Final = timedelta(seconds=10)


class Engine:
    """Everything that runs in the process, put together and taken apart in order."""

    def __init__(self, project: Project, store: Store, logger: Any) -> None:
        self.project = project
        self.metrics = EngineMetrics()
        self.services: Services = project.services(store, self.metrics)
        self._store = store
        self._logger = logger
        spool = project.spool()
        self._spool = spool
        self.runner = Runner(self.services, spool)
        self.heartbeat = HeartbeatFile(project.state, project.clock)
        self.dispatcher = Dispatcher(self.runner, spool, logger, beat=self._beat)
        self._acts = Acts(self.services, self.dispatcher.wake, project.spool_eraser())
        self._unknown: list[str] = list(configured(project.config))
        self._scheduler: Any = None
        self._control: ControlServer | None = None

    def start(self) -> None:
        """Recover what a last engine left, then open every door. Raises ``ControlError``."""
        recovered = self.runner.recover()
        self._identify()
        self._control = ControlServer(
            self.project.state / SOCKET_FILE, self._handlers(), self._logger
        )
        self._control.start()
        self.dispatcher.start()
        self._scheduler = self._schedules()
        self._scheduler.start()
        self._beat()
        self._logger.info("engine started", recovered=recovered, config=self.project.config.digest)

    def stop(self) -> bool:
        """Finish what is in hand; false if something hung."""
        if self._scheduler is not None:
            self._scheduler.shutdown(wait=False)
        if self._control is not None:
            self._control.close()
        done = self.dispatcher.stop(GRACE_SECONDS)
        self.services.gateway.flush_calls()
        self._store.seal()
        self._spool.close()
        self.heartbeat.stop()
        self._logger.info("engine stopped", finished=done)
        return done

    # -- commands --------------------------------------------------------------------------------

    def _handlers(self) -> dict[str, Any]:
        return {
            "ping": lambda _given: {"pid": os.getpid()},
            "poll": self._poll,
            "apply": self._apply,
            **self._acts.handlers(),
        }

    def _poll(self, given: Mapping[str, Any]) -> object:
        name = str(given.get("sync"))
        sync = self.project.config.syncs.get(name)
        if sync is None:
            raise ControlError("unknown_sync", f"there is no sync {name!r}")
        self.dispatcher.poll_now(poll_endpoints(sync))
        return {"sync": name, "asked": True}

    def _apply(self, given: Mapping[str, Any]) -> object:
        answer = apply_plan(self.services, given)
        self.dispatcher.wake()
        return answer

    # -- schedules -------------------------------------------------------------------------------

    def _schedules(self) -> Any:
        """Schedules say "now" and nothing else; a slot in the store decides which node acts."""
        from apscheduler.schedulers.background import BackgroundScheduler

        scheduler = BackgroundScheduler(
            timezone=UTC,
            job_defaults={"coalesce": True, "max_instances": 1, "misfire_grace_time": None},
        )

        def every(period: timedelta, name: str, act: Any, *arguments: Any) -> None:
            scheduler.add_job(
                self._guarded,
                "interval",
                seconds=max(1.0, period.total_seconds()),
                args=[name, act, *arguments],
                id=name,
                next_run_time=SystemClock(timedelta(0)).now() + timedelta(seconds=1),
            )

        for endpoint in self.services.sources():
            every(self._poll_every(endpoint), f"poll:{endpoint}", self._poll_due, endpoint)
        every(PURGE_EVERY, "purge", self._purge)
        every(IDENTIFY_EVERY, "identify", self._identify)
        every(METRICS_EVERY, "metrics", self._measure)
        return scheduler

    def _guarded(self, name: str, act: Any, *arguments: Any) -> None:
        try:
            act(*arguments)
        except Exception as error:  # the next slot tries again
            self._logger.error("schedule failed", schedule=name, exc_info=error)  # noqa: TRY400

    def _poll_every(self, endpoint: Any) -> timedelta:
        own = [sync.poll_every for sync in self.services.syncs_from(endpoint)]
        return min(own, default=self.project.config.connections[endpoint.connection].poll_every)

    def _poll_due(self, endpoint: Any) -> None:
        """Poll now, if no other node does, and nobody has just done it."""
        every = self._poll_every(endpoint)
        now = self.project.clock.now()
        with self._store.read() as tx:
            stream = streams.get(tx, changes_stream(endpoint))
        if overdue(stream, every, now) and self._slot(f"poll:{endpoint}", every, now):
            self.dispatcher.poll_now([endpoint])

    def _slot(self, schedule: str, every: timedelta, now: datetime) -> bool:
        length = max(timedelta(seconds=1), every)
        with self._store.write() as tx:
            return streams.take_slot(tx, schedule, microseconds(now) // (length // _TICK), now)

    def _purge(self) -> None:
        """Forget what is settled and older than the configuration keeps it."""
        now = self.project.clock.now()
        if not self._slot("purge", PURGE_EVERY, now):
            return
        with self._store.write() as tx:
            streams.forget_slots(tx, now - timedelta(days=1))
        removed = dict.fromkeys(retention.EVERYTHING, 0)
        for name, purge in retention.EVERYTHING.items():
            before = now - timedelta(days=self.project.config.kept_days(name))
            count = -1
            while count:
                with self._store.write() as tx:
                    count = purge(tx, before)
                removed[name] += count
        self._logger.info("purged", **removed)

    def _identify(self) -> None:
        """Ask accounts who they are, until each has answered once."""
        if self._unknown:
            self._unknown = identify_all(self.services, self._unknown)

    def _measure(self) -> None:
        """Leave the figures for the receiver to show."""
        now = self.project.clock.now()
        with self._store.read() as tx:
            tally, known = delivery_views.tally(tx), streams.every(tx)
        for sync in self.services.active_syncs():
            for state, count in tally.get(sync.name, {}).items():
                if state != "done":
                    self.metrics.deliveries(sync.name, state, count)
            self.metrics.issues(sync.name, tally.get(sync.name, {}).get("issue", 0))
            stream = known.get(changes_stream(sync.source))
            if stream is not None and stream.finished_at is not None:
                age = (now - stream.finished_at).total_seconds()
                self.metrics.cursor_age(sync.name, age)
        write_exposition(self.metrics.registry, self.project.state / METRICS_FILE)

    def _beat(self) -> None:
        self.heartbeat.beat({"config": self.project.config.digest})
        self.metrics.heartbeat(self.project.clock.now().timestamp())


_TICK: Final = timedelta(microseconds=1)


@contextmanager
def _stopping() -> Iterator[threading.Event]:
    """An event that SIGTERM, SIGINT, or the supervisor's end sets."""
    stop = threading.Event()
    previous = {
        number: signal.signal(number, lambda *_: stop.set())
        for number in (signal.SIGTERM, signal.SIGINT)
    }
    follow_supervisor(stop.set, grace_seconds=GRACE_SECONDS + 5)
    try:
        yield stop
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)


def run_engine(project: Project) -> int:
    """Run until told to stop; returns the exit code. Called from the main thread."""
    import structlog

    state = project.make_state()
    log = prepare_log(state / LOG_FILE)
    handler = set_up_logging(LogSettings("engine", file=log, secrets=project.secrets()))
    logger = structlog.get_logger("engine")
    try:
        lock = ProjectLock(state / ENGINE_LOCK)
        lock.acquire(LOCK_WAIT_SECONDS)
        try:
            with closing(project.open_store()) as store, _stopping() as stop:
                return _run_until(stop, Engine(project, store, logger))
        finally:
            lock.release()
    finally:
        handler.close()


def _run_until(stop: threading.Event, engine: Engine) -> int:
    try:
        engine.start()
        stop.wait()
    except BaseException:
        engine.stop()
        raise
    return 0 if engine.stop() else 1


def main(arguments: list[str]) -> int:
    """``python -m engine.engine_process CONFIG``."""

    def warn(text: str) -> None:
        sys.stderr.write(f"note: {text}\n")

    try:
        project = open_project(Path(arguments[0]), os.environ, SystemClock(), warn)
        return run_engine(project)
    except (RevlineError, LockHeld, ControlError, NewerSchemaError) as error:
        sys.stderr.write(f"error: {error}\n")
        return 2


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
