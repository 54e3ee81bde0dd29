"""``revline run``: the daemon, or one pass in the foreground."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final

import click

from engine.commands.kit import EXIT_WRONG, CommandError, Surroundings, command

if TYPE_CHECKING:
    from engine.rounds import Round
    from engine.runner import Runner

STUCK_SECONDS: Final = 300.0
REST_SECONDS: Final = 0.1


@command("run", example="revline run --until-idle")
@click.option("--once", is_flag=True, help="Read what changed, deliver what is ready, then end.")
@click.option(
    "--until-idle", is_flag=True, help="Go on until nothing is left to do, backfills included."
)
def run(surroundings: Surroundings, *, once: bool, until_idle: bool) -> None:
    """Keep everything in step: the daemon with its webhook receiver, until stopped.

    With --once or --until-idle it works in the foreground and then ends: exit code 0 when all
    records are delivered, 1 when something waits, is held, in doubt, to be retried or an issue.
    """
    if once and until_idle:
        raise click.UsageError("--once and --until-idle exclude each other")
    if once or until_idle:
        code = foreground(surroundings, until_idle=until_idle)
    else:
        code = _supervise(surroundings)
    if code:
        raise click.exceptions.Exit(code)


def _supervise(surroundings: Surroundings) -> int:
    from engine.daemon import Supervisor, python_part

    project = surroundings.project
    project.key()  # made here, once, rather than by two children at the same time
    path = str(project.config.file)
    parts = [
        python_part("receiver", "engine.receiver_process", path),
        python_part("engine", "engine.engine_process", path),
    ]

    def report(event: str, **facts: object) -> None:
        if surroundings.as_json:
            surroundings.answer({"event": event, **facts})
        else:
            shown = ", ".join(f"{name.replace('_', ' ')} {value}" for name, value in facts.items())
            surroundings.say(f"{event.replace('_', ' ')}: {shown}")

    surroundings.say(f"Revline keeps {project.config.folder.name or 'the project'} in step.")
    surroundings.say(f"Logs: {project.state}. See revline status. Stop with Ctrl-C.")
    return Supervisor(parts, report).run()


def foreground(surroundings: Surroundings, *, until_idle: bool) -> int:
    """One pass with its progress shown; returns the exit code."""
    from engine.accounts import identify_all
    from engine.app import configured
    from engine.commands.acting import alone
    from engine.commands.state import exit_code, state_of
    from engine.runner import Runner

    project = surroundings.project
    with (
        contextlib.closing(project.spool()) as spool,
        alone(surroundings, connected=True) as services,
    ):
        runner = Runner(services, spool)
        runner.recover()
        identify_all(services, configured(project.config))
        runner.poll_now()
        with _progress(surroundings) as advance:
            stuck = _work(runner, advance, until_idle=until_idle)
        services.gateway.flush_calls()
        services.store.seal()
        found = state_of(project, services.store)
    if surroundings.as_json:
        surroundings.answer(found)
    else:
        from engine.commands.status import show_outcome

        show_outcome(surroundings, found)
    if stuck:
        surroundings.warn(stuck)
        return EXIT_WRONG
    return exit_code(found)


def _work(runner: Runner, advance: Callable[[Round], None], *, until_idle: bool) -> str | None:
    """Rounds until there is nothing to do; says what stands in the way, if anything does."""
    clock = runner.services.clock
    last_work = time.monotonic()
    while True:
        done = runner.round()
        advance(done)
        if done.busy:
            last_work = time.monotonic()
            continue
        if runner.idle() and not (until_idle and runner.look_again()):
            return None
        blocked = _blocked(runner)
        if blocked is not None:
            return blocked
        if not until_idle:
            return "not everything could be read now" if runner.failing_streams() else None
        if time.monotonic() - last_work > STUCK_SECONDS:
            names = ", ".join(runner.failing_streams()) or "deliveries in doubt"
            return f"nothing has moved for {STUCK_SECONDS:.0f} seconds: {names}"
        clock.sleep(REST_SECONDS)


def _blocked(runner: Runner) -> str | None:
    """A connection that only a person can bring back, if work waits for it."""
    from engine.app import configured
    from engine.store import connections

    services = runner.services
    now = services.clock.now()
    with services.store.read() as tx:
        states = connections.every(tx)
    for name in configured(services.config):
        state = states.get(name)
        if state is None or state.paused_code is None or state.usable(now):
            continue
        return f"{name} is paused ({state.paused_code}): {state.paused_reason or ''}"
    return None


class _Progress:
    """A line that tells how far the work is; plain lines where nobody watches."""

    def __init__(self, surroundings: Surroundings) -> None:
        self._surroundings = surroundings
        self._read = self._delivered = 0
        self._shown_at = 0.0
        self._status: Any = None

    def __enter__(self) -> Callable[[Round], None]:
        if not self._surroundings.as_json and self._surroundings.screen.is_terminal:
            self._status = self._surroundings.screen.status("reading …")
            self._status.__enter__()
        return self._advance

    def __exit__(self, *why: object) -> None:
        if self._status is not None:
            self._status.__exit__(*why)
        elif self._read or self._delivered:
            self._surroundings.say(self._text())

    def _advance(self, done: Round) -> None:
        self._read += done.records + done.requests
        self._delivered += done.delivered
        now = time.monotonic()
        if now - self._shown_at < 1.0:
            return
        self._shown_at = now
        if self._status is not None:
            self._status.update(self._text())
        elif self._read or self._delivered:
            self._surroundings.say(self._text())

    def _text(self) -> str:
        return f"{self._read} changes read, {self._delivered} deliveries worked on"


def _progress(surroundings: Surroundings) -> _Progress:
    return _Progress(surroundings)


def must_be_active(sync: Any) -> None:
    """An error for a sync that is switched off."""
    if sync.enabled == "false":
        raise CommandError(
            "sync_off", f"the sync {sync.name} is off", "set `enabled: true` or `shadow` first"
        )
