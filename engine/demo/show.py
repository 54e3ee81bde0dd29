"""The demo from its first line to its last."""

from __future__ import annotations

import signal
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Any, Final

from rich.console import Console

from engine.app import Project, open_project
from engine.clock import SystemClock
from engine.daemon import LockHeld
from engine.demo import again, calls, cost, findings, folder
from engine.demo.edits import morning
from engine.demo.episodes import Episodes, shared_domains
from engine.demo.folder import FolderProblem
from engine.demo.live import Hands, History, linked, make, running, until
from engine.demo.money import MoneyLine
from engine.demo.pace import SharedClock
from engine.demo.project import DemoFault, ask_again, begin, prepare, until_idle, working
from engine.demo.screen import Screen
from engine.demo.selling import SellingLine
from engine.demo.simulators import CUSTOMERS, SimulatorProblem, Simulators, live, started
from engine.demo.summary import Facts, as_json, counted, show
from engine.errors import RevlineError
from engine.pipeline.services import Services
from engine.pipeline.take_in import POSITION
from engine.store import delivery_states, inbox, streams
from engine.store.store import Store

SETTLE_SECONDS: Final = 30.0
COUNTED: Final = ("companies", "contacts", "products", "deals", "line_items")


def run_demo(place: Path, *, json: bool, console: Console) -> int:
    """Show everything once; 0 when all went as it should, 1 when anything did not."""
    screen = Screen(console, silent=json)
    place = place.absolute()
    try:
        with _orderly_end():
            facts = _play(place, screen)
    except (FolderProblem, SimulatorProblem, DemoFault, RevlineError, LockHeld) as problem:
        print(f"The demo stopped: {problem}", file=sys.stderr)
        return 1
    if json:
        print(as_json(facts))
    else:
        show(facts, screen, place)
    return 1 if facts.unexpected else 0


@contextmanager
def _orderly_end() -> Iterator[None]:
    """Being told to end is an exception, so that every process of the demo ends with it."""

    def end(_number: int, _frame: FrameType | None) -> None:
        raise DemoFault("it was told to end")

    before = signal.signal(signal.SIGTERM, end)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def _play(place: Path, screen: Screen) -> Facts:
    begun = time.monotonic()
    facts = Facts()
    if folder.clear(place):
        screen.say(f"Cleared what an earlier demo left in {place.name}/; this one begins anew.")
    with started() as simulators:
        environ, project = _project(place, simulators, screen)
        history = History()
        with again.kept(place, simulators, history):
            _backfill(project, simulators, screen, facts)
            _live(project, environ, simulators, history, screen, facts)
            clock = SharedClock(simulators)
            screen.heading("4. From MQL to Closed Won: scores, quotes, approvals, signatures")
            facts.selling = SellingLine(place, simulators, clock, history, screen).play()
            screen.heading("5. From Closed Won to the general ledger: Zuora, Stripe, NetSuite")
            facts.money = MoneyLine(place, simulators, clock, history, screen).play(facts.selling)
            project = open_project(
                place / folder.PROJECT_FILE, folder.environment(place), SystemClock()
            )
            _look(project, simulators, facts)
            calls.keep(place, simulators)
    facts.seconds = time.monotonic() - begun
    return facts


def _project(place: Path, simulators: Simulators, screen: Screen) -> tuple[dict[str, str], Project]:
    """The project written, and both accounts prepared for it."""
    screen.heading("1. Six systems and a project")
    held = simulators.state("hubspot")
    counts = ", ".join(f"{len(live(held[name]))} {name.replace('_', ' ')}" for name in COUNTED)
    screen.say(f"  A HubSpot account with {counts}, and a Salesforce org that hardly knows them.")
    environ = folder.write(place, simulators.urls, folder.free_port(), again.COMMAND)
    project = open_project(place / folder.PROJECT_FILE, environ, SystemClock())
    screen.say(f"  Project written to {place.name}/: revline.yaml, mappings/, .env")
    for connection in CUSTOMERS:
        done = prepare(project, connection)
        if done.missing:
            raise DemoFault(f"{connection} lacks {', '.join(done.missing)}")
        made = ", ".join(done.created) or "nothing needed"
        screen.say(f"  revline setup {connection} --apply: {made}")
    return environ, project


def _marks(simulators: Simulators) -> dict[str, int]:
    return {system: len(simulators.log(system)) for system in simulators.urls}


def _since(simulators: Simulators, marks: Mapping[str, int]) -> dict[str, list[dict[str, Any]]]:
    return {system: simulators.log(system, mark) for system, mark in marks.items()}


def _backfill(project: Project, simulators: Simulators, screen: Screen, facts: Facts) -> None:
    """Everything there is, brought over once, and then once more to no effect."""
    screen.heading("2. Backfill: everything in HubSpot into Salesforce")
    source = simulators.state("hubspot")
    totals = {
        name: len(live(source[project.config.syncs[name].source.object]))
        for name in cost.STAGES
        if name != "owners"  # a handful of people, some of whom have left
    }
    marks = _marks(simulators)
    with working(project) as services:
        runner = begin(project, services)
        with screen.backfill(totals) as watch:
            facts.backfill_seconds = until_idle(services, runner, watch)
            backfilled = cost.counted(_since(simulators, marks))
            runner.poll_now()  # the way back hears of the new records, and has nothing more to say
            facts.backfill_seconds += until_idle(services, runner, watch)
        calls = cost.with_way_back(backfilled, cost.counted(_since(simulators, marks)))
        facts.sizes = findings.sizes(services, source)
        facts.cost = cost.compare(project, calls, facts.sizes)
        written = findings.written_records(services.store)
        screen.say(f"  {written} records written in {facts.backfill_seconds:.1f} seconds.")
        screen.say("  And everything once more, as if by mistake:")
        marks = _marks(simulators)
        ask_again(services)
        facts.again_seconds = until_idle(services, runner, lambda _tally: None)
        logs = _since(simulators, marks)
        facts.again_calls = sum(len(entries) for entries in logs.values())
        facts.again_writes = sum(
            cost.is_write(system, entry) for system, entries in logs.items() for entry in entries
        )
        screen.say(
            f"  {counted(facts.again_writes, 'write')}, {facts.again_calls} calls,"
            f" {facts.again_seconds:.1f} seconds."
        )


def _live(
    project: Project,
    environ: Mapping[str, str],
    simulators: Simulators,
    history: History,
    screen: Screen,
    facts: Facts,
) -> None:
    """The daemon at work while people edit on both sides."""
    screen.heading("3. Live: revline run, edits on both sides")
    with running(project, environ), project.reading() as store:
        url = f"{project.config.receiver.public_url}/webhooks/hubspot"
        secret = environ["HUBSPOT_CLIENT_SECRET"]
        simulators.post("hubspot", "webhooks", {"url": url, "secret": secret})
        hands = Hands(simulators, history)
        pairs = linked(store)
        hubspot, salesforce = simulators.state("hubspot"), simulators.state("salesforce")
        edits = morning(pairs, hubspot, salesforce)
        with screen.counting("arrived", len(edits)) as count:
            make(hands, edits, lambda _made, arrived: count(arrived))
        measured = hands.seconds.measured
        screen.say(
            f"  {len(edits)} edits arrived at the other side:"
            f" {len(measured['webhook'])} by webhook, {len(measured['poll'])} by poll."
        )
        episodes = Episodes(hands, store, pairs)
        for episode in episodes.play(hubspot):
            facts.episodes.append(episode)
            screen.say(f"  • {episode.title}:")
            screen.say(f"    {episode.outcome} ({episode.seconds:.1f} s).")
        until(_settled(project, store), "everything to be delivered", SETTLE_SECONDS)
        facts.planted, facts.agreed = tuple(episodes.planted), dict(episodes.agreed)
        facts.seconds_to_target = {name: list(values) for name, values in measured.items()}
    simulators.post("hubspot", "webhooks", {})


def _settled(project: Project, store: Store) -> Callable[[], bool]:
    """Whether nothing is on its way any more: twice in a row, a poll apart."""
    names = list(project.config.syncs)
    spool = project.spool()
    quiet_since: list[float] = []

    def holds() -> bool:
        with store.read() as tx:
            busy = inbox.unrouted(tx, 1) or delivery_states.unsettled(
                tx, names, project.clock.now()
            )
            position = int(streams.get_meta(tx, POSITION) or 0)
        if busy or spool.after(position, 1):
            quiet_since.clear()
            return False
        quiet_since.append(time.monotonic())
        return quiet_since[-1] - quiet_since[0] >= again.POLL_SECONDS

    return holds


def _look(project: Project, simulators: Simulators, facts: Facts) -> None:
    """Both systems and the store, looked at afresh."""
    hubspot, salesforce = simulators.state("hubspot"), simulators.state("salesforce")
    with project.reading() as store:
        services: Services = project.services(store, connected=False)
        shared = shared_domains(hubspot, salesforce)
        facts.syncs = findings.counts(services)
        facts.issues = findings.open_issues(store, shared, hubspot, salesforce, facts.planted)
        facts.ledger = findings.verified(store)
        facts.unexpected = findings.unexpected(store, simulators, hubspot, facts.issues)
    for (deal, opportunity), (property, stage) in facts.agreed.items():
        shown = hubspot["deals"][deal]["properties"]["dealstage"]
        held = salesforce["Opportunity"][opportunity]["StageName"]
        if (shown, held) != (property, stage):
            facts.unexpected.append(
                f"deal {deal}, edited on both sides, ended as {shown} and {held}"
            )
    if facts.ledger.fault is not None:
        facts.unexpected.append(f"the ledger does not verify: {facts.ledger.fault}")
    facts.unexpected += facts.selling.unexplained + facts.money.unexplained
    facts.unexpected += [f"written the second time: {one}" for one in facts.money.again_writes]
    if facts.again_writes:
        facts.unexpected.append(f"the second backfill made {counted(facts.again_writes, 'write')}")
