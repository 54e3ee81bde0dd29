"""Schedules: what follows from the facts of each contract, version by version.

A contract whose facts nobody foresaw must not keep the others from being posted: what goes wrong
with one is undone alone and told. Its plan is dropped, because it no longer holds, so that no line
of it is posted until the next look at it goes well.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import Path
from traceback import extract_tb
from typing import Final

from engine.books.amounts import amount
from engine.books.lacking import look_for_rates
from engine.books.spec import BOOKS, CONNECTION, CONTRACTS
from engine.issues import owner
from engine.model import Address, IssueReport
from engine.money.calendar import Period
from engine.money.lines import plan_lines
from engine.money.model import UnearnableError
from engine.money.scheduling import Plan, plans
from engine.pipeline.services import Services
from engine.store import books, facts, issues, ledger, streams, stuck
from engine.store.books import Promise, Version
from engine.store.ledger import Line
from engine.store.sql import Tx, contained

CONTRACTS_PER_ROUND: Final = 50
STUCK_AGAIN: Final = timedelta(minutes=15)
NOT_SCHEDULED: Final = "NOT_SCHEDULED"
RULES: Final = "books_rules"
EVERY: Final = 1_000_000_000


def schedule(services: Services) -> int:
    """Let the schedules of some contracts follow from their facts. Returns how many there were."""
    now, rules = services.clock.now(), _rules(services)
    with services.store.read() as tx:
        same = streams.get_meta(tx, RULES) == rules
        if same and not books.any_dirty(tx) and not stuck.since(tx, now - STUCK_AGAIN):
            return 0
    with services.store.write() as tx:
        if not same:
            # Other rules make other schedules and sums of the same facts.
            facts.mark(tx, books.contracts(tx, "", EVERY), now)
            streams.put_meta(tx, RULES, rules)
        facts.mark(tx, stuck.since(tx, now - STUCK_AGAIN), now)
        names = books.take_dirty(tx, CONTRACTS_PER_ROUND, now)
        closed = books.closed_periods(tx)
        before = stuck.among(tx, names)
        for name in names:
            fault = contained(tx, Contract(services, tx, name, closed, now).follow)
            if fault is not None:
                _stop(services, tx, name, fault, now)
            elif name in before:
                stuck.over(tx, _issue(name), name, now)
            look_for_rates(services, tx, name, now)
        services.failpoint("books.before_commit")
    services.failpoint("books.after_commit")
    return len(names)


def _rules(services: Services) -> str:
    """What of the configuration schedules, and what is told of contracts, follow from."""
    rules = services.config.books
    methods = sorted((family, method.value) for family, method in rules.methods.items())
    reports = rules.reporting and (rules.reporting.currency, rules.reporting.rate_max_days)
    return repr((rules.method.value, methods, sorted(rules.at_invoice), reports))


def _issue(name: str) -> tuple[str, Address]:
    return BOOKS, Address(CONNECTION, CONTRACTS, name)


def _stop(services: Services, tx: Tx, name: str, fault: Exception, now: datetime) -> None:
    """Nothing of this contract is posted until its schedules can be worked out again."""
    stuck.stop(tx, name, now)
    sync, source = _issue(name)
    report = IssueReport(NOT_SCHEDULED, sync, source, parameters={"message": _told(fault)})
    told = [(report, None, owner(report.code))]
    issues.open_many(tx, services.store.payloads, services.ids, told, now)
    line = Line(
        time=now,
        sync=sync,
        operation="schedule",
        outcome="issue",
        config=services.config.digest,
        source=source,
        code=NOT_SCHEDULED,
    )
    ledger.append(tx, [line])


def _told(fault: Exception) -> str:
    """What went wrong: in words if they are ours, else only where, without any value."""
    if isinstance(fault, UnearnableError):
        return str(fault)
    frames = extract_tb(fault.__traceback__)
    place = f" ({Path(frames[-1].filename).name}:{frames[-1].lineno})" if frames else ""
    return f"{type(fault).__name__}{place}"


class Contract:
    """The schedules of one contract, within a transaction."""

    def __init__(
        self,
        services: Services,
        tx: Tx,
        name: str,
        closed: frozenset[Period],
        now: datetime,
    ) -> None:
        self._services = services
        self._tx = tx
        self._name = name
        self._closed = closed
        self._now = now

    def follow(self) -> None:
        own = facts.versions(self._tx, self._name)
        rules = self._services.config.books
        promised = plans(own, rules.method_of, rules.at_invoice)
        wanted = {plan.key.name: plan for plan in promised}
        lines = books.lines_of(self._tx, [self._name])
        for name, plan in wanted.items():
            key = plan.key
            promise = Promise(
                self._name, name, key.kind, key.family, key.entity, key.currency, key.exponent
            )
            self._promise(promise, plan, lines)
        # A promise that no fact speaks of any more is taken back.
        for line in {line.promise: line for line in lines if line.promise not in wanted}.values():
            promise = Promise(
                self._name,
                line.promise,
                line.kind,
                line.family,
                line.entity,
                line.currency,
                line.exponent,
            )
            self._promise(promise, None, lines)

    def _promise(self, promise: Promise, plan: Plan | None, lines: Sequence[books.Line]) -> None:
        version = self._version(promise, plan)
        posted = [
            (line.service, line.amount_minor)
            for line in lines
            if line.promise == promise.name and line.batch is not None
        ]
        desired = plan.by_period if plan else {}
        planned = plan_lines(desired, posted, self._closed.__contains__)
        books.replace_lines(self._tx, promise, version, planned, self._now)

    def _version(self, promise: Promise, plan: Plan | None) -> int:
        """The number of the schedule's version; a new one is opened where the plan is another."""
        last = books.latest_version(self._tx, promise)
        digest = plan.digest if plan else ""
        if last is not None and (last.digest == digest or plan is None):
            return last.number
        if plan is None:
            return 0
        number = last.number + 1 if last else 1
        version = Version(
            number, plan.method.value, digest, plan.amount_minor, plan.first, plan.last
        )
        books.put_version(self._tx, promise, version, self._now)
        line = Line(
            time=self._now,
            sync=BOOKS,
            operation="schedule",
            outcome="confirmed",
            config=self._services.config.digest,
            source=Address(CONNECTION, CONTRACTS, self._name),
            business_key=f"{self._name}:{promise.name}:{number}",
            code=f"METHOD_{plan.method.value.upper()}",
            amount=str(amount(plan.amount_minor, promise.exponent)),
            currency=promise.currency,
        )
        ledger.append(self._tx, [line])
        return number
