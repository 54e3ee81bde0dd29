"""``revline run``: a supervisor with two children, and the lock that keeps an engine single.

The children are the receiver and the engine. One that dies is started again, with growing pauses;
the other goes on meanwhile. A child that ends with exit code 2 has refused to start (its
configuration, or another process holds its lock): starting it again would not help, so everything
stops with that code.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import queue
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import Any, Final, Protocol, TypeAlias

SUPERVISED_VARIABLE: Final = "REVLINE_SUPERVISED"
ENGINE_LOCK: Final = "engine.lock"
RECEIVER_LOCK: Final = "receiver.lock"
LOCK_POLL_SECONDS: Final = 0.05
LOOK_SECONDS: Final = 0.3  # :meth:`ProjectLock.held` takes the lock for a moment to look

EXIT_ORDERLY: Final = 0
EXIT_KILLED: Final = 1
EXIT_REFUSED: Final = 2


class LockHeld(Exception):
    """Another process does this work for the project; ``pid`` is 0 when it does not say."""

    def __init__(self, path: Path, pid: int) -> None:
        holder = f"process {pid}" if pid else "another process"
        part = path.stem
        super().__init__(
            f"this project's {part} is already running as {holder}; "
            f"stop it first, or use the commands that talk to it (lock: {path})"
        )
        self.pid = pid


class ProjectLock:
    """An exclusive lock on a file, freed by the system when its process ends, however it ends.

    The file stays; its text is the holder's process id, for people.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._descriptor: int | None = None

    def acquire(self, wait_seconds: float = LOOK_SECONDS) -> None:
        """Take the lock, waiting a while for a holder that is ending. Raises :class:`LockHeld`."""
        descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        until = time.monotonic() + wait_seconds
        while True:
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if time.monotonic() >= until:
                    os.close(descriptor)
                    raise LockHeld(self._path, self.holder()) from None
                time.sleep(LOCK_POLL_SECONDS)
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, f"{os.getpid()}\n".encode(), 0)
        self._descriptor = descriptor

    def release(self) -> None:
        """Give the lock back; doing it twice is harmless."""
        descriptor, self._descriptor = self._descriptor, None
        if descriptor is not None:
            os.ftruncate(descriptor, 0)
            os.close(descriptor)

    def holder(self) -> int:
        """The process id in the file; 0 when there is none."""
        try:
            return int(self._path.read_text(encoding="ascii"))
        except (OSError, ValueError):
            return 0

    def held(self) -> bool:
        """Whether any process holds the lock now."""
        try:
            descriptor = os.open(self._path, os.O_RDONLY | os.O_CLOEXEC)
        except FileNotFoundError:
            return False
        try:
            fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
        finally:
            os.close(descriptor)
        return False

    def __enter__(self) -> ProjectLock:
        self.acquire()
        return self

    def __exit__(self, *_: object) -> None:
        self.release()


@dataclass(frozen=True, slots=True)
class Part:
    """A child: its name and its command line."""

    name: str
    command: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Patience:
    """Times in seconds. ``steady`` is how long a child must run for its pauses to start anew."""

    grace_seconds: float = 30.0
    pause_min_seconds: float = 0.2
    pause_max_seconds: float = 30.0
    steady_seconds: float = 60.0


class Reporter(Protocol):
    """Told what happens to the children. ``event`` is a fixed word, ``facts`` plain values."""

    def __call__(self, event: str, **facts: object) -> None: ...


@dataclass(frozen=True, slots=True)
class _Ended:
    name: str
    process: subprocess.Popen[bytes]
    code: int


@dataclass(frozen=True, slots=True)
class _Signalled:
    number: int


_Event: TypeAlias = _Ended | _Signalled


class _Child:
    """One part's present process, and when to start the next."""

    def __init__(self, part: Part, patience: Patience) -> None:
        self.part = part
        self.process: subprocess.Popen[bytes] | None = None
        self.due: float | None = 0.0
        self._patience = patience
        self._started = 0.0
        self._failures = 0

    def start(self, environment: Mapping[str, str], events: queue.SimpleQueue[_Event]) -> int:
        process = subprocess.Popen(  # noqa: S603 - the command is ours
            self.part.command,
            env={**environment, SUPERVISED_VARIABLE: "1"},
            stdin=subprocess.PIPE,  # closes when the supervisor ends, however it ends
            process_group=0,  # the terminal's Ctrl-C reaches only the supervisor
        )
        self.process, self.due, self._started = process, None, time.monotonic()
        name = self.part.name

        def wait() -> None:
            events.put(_Ended(name, process, process.wait()))

        threading.Thread(target=wait, name=f"wait {name}", daemon=True).start()
        return process.pid

    def ended(self) -> float:
        """Plan the next start; returns the pause in seconds."""
        self._close_pipe()
        self.process = None
        now = time.monotonic()
        if now - self._started >= self._patience.steady_seconds:
            self._failures = 0
        pause = min(
            self._patience.pause_min_seconds * 2.0**self._failures,
            self._patience.pause_max_seconds,
        )
        self._failures = min(self._failures + 1, 30)
        self.due = now + pause
        return pause

    def signal(self, number: int) -> None:
        if self.process is not None:
            with contextlib.suppress(ProcessLookupError):
                self.process.send_signal(number)

    def _close_pipe(self) -> None:
        if self.process is not None and self.process.stdin is not None:
            with contextlib.suppress(OSError):
                self.process.stdin.close()


class Supervisor:
    """Runs parts until a signal, then stops them in order. Used once, from the main thread."""

    def __init__(
        self,
        parts: Sequence[Part],
        report: Reporter,
        *,
        patience: Patience | None = None,
        environment: Mapping[str, str] | None = None,
    ) -> None:
        self._patience = patience or Patience()
        self._children = {part.name: _Child(part, self._patience) for part in parts}
        self._report = report
        self._environment = dict(os.environ if environment is None else environment)
        self._events: queue.SimpleQueue[_Event] = queue.SimpleQueue()

    def run(self) -> int:
        """Run until SIGTERM or SIGINT: 0 after an orderly stop, 1 if a part had to be killed.

        2 when a part refused to start.
        """
        with self._signals():
            return self._stop(self._supervise())

    def _supervise(self) -> int:
        while True:
            if not self._start_due():
                return EXIT_REFUSED
            try:
                event = self._events.get(timeout=self._wait_seconds())
            except queue.Empty:
                continue
            if isinstance(event, _Signalled):
                self._report("stopping", signal=signal.Signals(event.number).name)
                return EXIT_ORDERLY
            child = self._children[event.name]
            if event.process is not child.process:
                continue
            pause = child.ended()
            if event.code == EXIT_REFUSED:
                self._report("part_refused", part=event.name, pid=event.process.pid)
                return EXIT_REFUSED
            self._report(
                "part_died",
                part=event.name,
                pid=event.process.pid,
                exit_code=event.code,
                restart_in_seconds=round(pause, 3),
            )

    def _start_due(self) -> bool:
        """Start what is due; false when a part has no program to run."""
        now = time.monotonic()
        for child in self._children.values():
            if child.due is not None and child.due <= now:
                try:
                    pid = child.start(self._environment, self._events)
                except OSError as error:
                    self._report("part_refused", part=child.part.name, reason=str(error))
                    return False
                self._report("part_started", part=child.part.name, pid=pid)
        return True

    def _wait_seconds(self) -> float | None:
        due = [child.due for child in self._children.values() if child.due is not None]
        return max(0.0, min(due) - time.monotonic()) if due else None

    def _stop(self, code: int) -> int:
        """Ask every part to end, and insist after the grace period or at a second signal."""
        running = {name for name, child in self._children.items() if child.process is not None}
        for name in running:
            self._children[name].signal(signal.SIGTERM)
        until = time.monotonic() + self._patience.grace_seconds
        killed = False
        while running:
            try:
                event = self._events.get(timeout=max(0.0, until - time.monotonic()))
            except queue.Empty:
                event = _Signalled(signal.SIGKILL)
            if isinstance(event, _Ended):
                if event.process is self._children[event.name].process:
                    self._children[event.name].ended()
                    running.discard(event.name)
                    self._report("part_stopped", part=event.name, exit_code=event.code)
                continue
            for name in running:
                self._report("part_killed", part=name)
                self._children[name].signal(signal.SIGKILL)
            killed, until = True, float("inf")
            self._reap(running)
        return EXIT_KILLED if killed and code == EXIT_ORDERLY else code

    def _reap(self, running: set[str]) -> None:
        for name in list(running):
            process = self._children[name].process
            if process is not None:
                process.wait()
            self._children[name].ended()
            running.discard(name)

    @contextlib.contextmanager
    def _signals(self) -> Iterator[None]:
        def note(number: int, _frame: FrameType | None) -> None:
            self._events.put(_Signalled(number))  # SimpleQueue.put is safe inside a handler

        previous: dict[int, Any] = {
            number: signal.signal(number, note) for number in (signal.SIGTERM, signal.SIGINT)
        }
        try:
            yield
        finally:
            for number, handler in previous.items():
                signal.signal(number, handler)


def python_part(name: str, module: str, *arguments: str) -> Part:
    """A part that is a module of ours, run by this same Python."""
    return Part(name, (sys.executable, "-m", module, *arguments))


def follow_supervisor(stop: Callable[[], None], *, grace_seconds: float = 15.0) -> None:
    """In a child: call ``stop`` when the supervisor is gone, and end by force if that takes long.

    Without a supervisor it does nothing. A supervisor that was killed leaves no orphans this way,
    so that the same command can be given again at once.
    """
    if os.environ.get(SUPERVISED_VARIABLE) != "1":
        return

    def follow() -> None:
        with contextlib.suppress(OSError):
            while os.read(0, 1024):
                pass
        stop()
        time.sleep(grace_seconds)
        os._exit(EXIT_KILLED)

    threading.Thread(target=follow, name="supervisor", daemon=True).start()
