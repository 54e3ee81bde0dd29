"""The money line under real kills: four simulators here, `revline run` in a process of its own."""

from __future__ import annotations

import re
import threading
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any, NamedTuple

import requests

from engine.store.vault import KEY_VARIABLE, new_key
from tests.kills.child import KILLED, Child, Command, Zygote
from tests.kills.looking import left_over, made_twice
from tests.moneyline.money_back import charges, refund
from tests.moneyline.test_kills import picture
from tests.moneyline.world import MoneyLine

LOOK_SECONDS = 0.2
RUNS_MAX = 40
MONTHS_BEFORE = 2
TODAY = ("tranDate",)
"""What says on which day a test ran, which may end on another than it began."""


class Moment(NamedTuple):
    """A write that reaches a system: the how-manieth of its kind, before its effect or after it."""

    system: str
    method: str
    path: str
    nth: int
    phase: str


@dataclass(frozen=True, slots=True)
class Failpoint:
    """A point inside the engine, counted anew in every process."""

    name: str
    nth: int


class KilledMoneyLine(MoneyLine):
    """Real time, and no engine of ours: whoever works is a child that can be killed."""

    def __init__(self, folder: Path, zygote: Zygote) -> None:
        super().__init__(folder)
        self._key = new_key()
        self.command = Command(zygote, folder, {**self.environ, KEY_VARIABLE: self._key})
        self._child: Child | None = None
        self._over = threading.Event()
        self.killed: list[Moment | Failpoint] = []

    def begin(self) -> None:
        """The child has the machine's clock, and so have the systems; nobody waits for an index."""
        with requests.Session() as session:
            session.trust_env = False
            for system in ("zuora", "stripe"):
                url = f"{self.running.admin_url(system)}/options"
                answer = session.post(url, json={"index_delay_seconds": 0}, timeout=30)
                assert answer.ok, answer.text

    def boot(self) -> None:
        """The engine is the child's."""

    def close(self) -> None:
        self.running.stop()

    # -- work ------------------------------------------------------------------------------------

    def story(self, points: Sequence[Failpoint] = ()) -> None:
        """A deal is won and billed, months of it are posted; it is paid, a part is given back."""
        planned = list(points)
        deal = self.won(self.account("First Ltd"), [("PLT-001", 1_200)], some_months_ago())
        self.work(planned)
        self.pay()
        self.work(planned)
        refund(self, charges(self)[deal], "119.00", "requested_by_customer")
        self.work(planned)

    def work(self, planned: list[Failpoint]) -> None:
        """Run until a run writes nothing; after a kill, again. Uses up what is planned.

        A point that nobody died at is still to come: at once if the run died elsewhere, or after
        the others if it ended without reaching it.
        """
        for _ in range(RUNS_MAX):
            before, deaths = self.written(), len(self.killed)
            point = planned.pop(0) if planned else None
            code = self._run(point)
            if point and point not in self.killed[deaths:]:
                planned.insert(0 if code == KILLED else len(planned), point)
            if code == KILLED:
                continue
            said = (self.folder / "run.log").read_text()
            assert code == 0, said[-3000:]
            if self.written() == before:
                return
        raise AssertionError(f"still writing after {RUNS_MAX} runs; killed: {self.killed}")

    def _run(self, point: Failpoint | None) -> int:
        self._child = self.command.start(f"{point.name}:{point.nth}" if point else "")
        code = self._child.wait()
        if code == KILLED and point is not None and not self._holds():
            self.killed.append(point)
        self._let_go()
        return code

    def _holds(self) -> bool:
        return any(rule.waiting for _, rule in self._rules())

    def _let_go(self) -> None:
        """What stood still goes on, now that nobody waits for its answer."""
        for simulator, rule in self._rules():
            if rule.waiting:
                simulator.faults.clear(rule.id)

    def _rules(self) -> Iterator[tuple[Any, Any]]:
        for simulator in self.simulators.values():
            for rule in simulator.faults.rules():
                yield simulator, rule

    @contextmanager
    def killing(self, moments: Sequence[Moment]) -> Iterator[None]:
        """Whoever has sent such a request is killed while it stands still at the system."""
        threads = [threading.Thread(target=self._watch, args=(one,)) for one in moments]
        for thread in threads:
            thread.start()
        try:
            yield
        finally:
            self._over.set()
            for thread in threads:
                thread.join()

    def _watch(self, moment: Moment) -> None:
        faults = self.simulators[moment.system].faults
        match = {"method": moment.method, "path": moment.path, "nth": moment.nth}
        rule = faults.add({"action": "hold", "phase": moment.phase, "match": match})
        while not self._over.is_set():
            if faults.wait_until_held(rule.id, LOOK_SECONDS):
                if self._child is not None and self._child.code is None:
                    self._child.kill()
                    self.killed.append(moment)
                return

    # -- looking ---------------------------------------------------------------------------------

    def outcome(self) -> dict[str, Any]:
        """What the systems hold and which issues are open, after checking what always holds."""
        for system, simulator in self.simulators.items():
            assert simulator.journal.violations == [], system
            assert made_twice(simulator) == {}, system
        return {**picture(self, but=TODAY), "issues": left_over(self.folder, self._key)}

    def moments(self) -> list[Moment]:
        """Every write that took effect, as it can be met again, before and after its effect."""
        found: list[Moment] = []
        for system, simulator in self.simulators.items():
            seen: Counter[tuple[str, str]] = Counter()
            for entry in simulator.journal.entries:
                if not entry.applied or not entry.template:
                    continue
                kind = (entry.request.method, pattern(entry.template))
                seen[kind] += 1
                found += [Moment(system, *kind, seen[kind], phase) for phase in ("before", "after")]
        return found


def pattern(template: str) -> str:
    """A regular expression for the paths of a route."""
    parts = re.split(r"\{[^}]*\}", template)
    return "^" + "[^/]+".join(re.escape(part) for part in parts) + "$"


def some_months_ago() -> date:
    """The first of a month whose service is over by now, and that of the month after it."""
    today = datetime.now(UTC).date()
    month = today.year * 12 + today.month - 1 - MONTHS_BEFORE
    return date(month // 12, month % 12 + 1, 1)
