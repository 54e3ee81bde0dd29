"""Systems that work on much at once in their own time: exports, and writes that answer later."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any, Final

import pytest

from connectors.base import Confirmed, Failed, Outcome
from connectors.errors import CallError, OutcomePending, OutcomeUnknown, Rejected
from connectors.memory import codec
from connectors.memory.connector import Memory
from connectors.records import Change, Operation, Page, Record, Selection
from tests.simulation import world as world_module
from tests.simulation.conftest import ON_BOTH
from tests.simulation.moments import acts, deal
from tests.simulation.world import Crash, World

PAGE: Final = 2
WORK: Final = timedelta(seconds=25)
LOOK: Final = timedelta(seconds=10)
FROM: Final = 3
BAD: Final = "bad"


@dataclass
class Job:
    """What a system works on until ``ready_at``."""

    ready_at: datetime
    records: tuple[Record, ...] = ()
    asked_at: datetime | None = None
    changes: tuple[Change, ...] = ()
    outcomes: dict[str, Outcome] | None = None


@dataclass
class Jobs:
    """The system's side: it survives a crash of ours."""

    made: list[Job] = field(default_factory=list)
    sizes: list[tuple[str, int]] = field(default_factory=list)
    looks: list[datetime] = field(default_factory=list)
    silent: bool = False


class Working(Memory):
    """A memory system with jobs for both ways, kept beside the system itself."""

    def __init__(self, system: Any, *more: Any, **options: Any) -> None:
        super().__init__(system, *more, **options)
        if not hasattr(system, "jobs"):
            system.jobs = Jobs()
        self.jobs: Jobs = system.jobs
        objects = [
            replace(one, job_write_from=FROM, job_write_most=50) for one in self.spec.objects
        ]
        self.spec = replace(self.spec, objects=tuple(objects))

    def export(
        self, selection: Selection, cursor: str | None, limit: int, since: datetime | None = None
    ) -> Page:
        if cursor is None:
            page = self.list(selection, None, PAGE, since)
            return page if page.at_head else replace(page, cursor=f"after {page.cursor}")
        if cursor.startswith("after "):
            return self._begun(selection, cursor.removeprefix("after "), since)
        number, taken = map(int, cursor.split())
        job, now = self.jobs.made[number], codec.instant(self.system.now())
        self.jobs.looks.append(now)
        if now < job.ready_at:
            return Page((), cursor, at_head=False, again_after=LOOK)
        records = job.records[taken : taken + PAGE]
        at_head = taken + PAGE >= len(job.records)
        return Page(records, f"{number} {taken + PAGE}", at_head, asked_at=job.asked_at)

    def _begun(self, selection: Selection, cursor: str, since: datetime | None) -> Page:
        now, records = codec.instant(self.system.now()), []
        page = Page((), cursor, at_head=False)
        while not page.at_head:
            page = self.list(selection, page.cursor, 100, since)
            records += page.records
        self.jobs.made.append(Job(now + WORK, tuple(records), asked_at=now))
        return Page((), f"{len(self.jobs.made) - 1} 0", at_head=False, again_after=LOOK)

    def apply(self, changes: Sequence[Change]) -> tuple[Outcome, ...]:
        self.jobs.sizes.append((changes[0].operation.value, len(changes)))
        if len(changes) < FROM or changes[0].operation is Operation.ACT:
            return self._made(changes)
        now = codec.instant(self.system.now())
        self.jobs.made.append(Job(now + WORK, changes=tuple(changes)))
        pending = OutcomePending("at work", token=str(len(self.jobs.made) - 1), again_after=LOOK)
        return tuple(Failed(pending) for _ in changes)

    def collect(self, token: str, changes: Sequence[Change]) -> tuple[Outcome, ...]:
        job, now = self.jobs.made[int(token)], codec.instant(self.system.now())
        if self.jobs.silent:
            return tuple(Failed(OutcomeUnknown("gone", code="GONE_JOB")) for _ in changes)
        if now < job.ready_at:
            return tuple(Failed(_at_work(token)) for _ in changes)
        if job.outcomes is None:
            told = self._made(job.changes)
            pairs = zip(job.changes, told, strict=True)
            job.outcomes = {change.key: outcome for change, outcome in pairs}
        return tuple(job.outcomes[change.key] for change in changes)

    def _made(self, changes: Sequence[Change]) -> tuple[Outcome, ...]:
        good = [change for change in changes if change.fields.get("Name") != BAD]
        size = self.system.declared(changes[0].object).spec.batch_write
        told: dict[str, Outcome] = {}
        for start in range(0, len(good), size):
            part = good[start : start + size]
            # As many systems do, it does not say which version its answer is about.
            mute = [_versionless(outcome) for outcome in super().apply(part)]
            told |= dict(zip([one.key for one in part], mute, strict=True))
        refused = Failed(_refused())
        return tuple(told.get(change.key, refused) for change in changes)


def _versionless(outcome: Outcome) -> Outcome:
    return replace(outcome, version=None) if isinstance(outcome, Confirmed) else outcome


def _at_work(token: str) -> OutcomePending:
    return OutcomePending("at work", token=token, again_after=LOOK)


def _refused() -> CallError:
    return Rejected("no such name", code="BAD_NAME", field_errors={"Name": "no"})


@pytest.fixture
def world(
    tmp_path: Path, store_url: str | None, monkeypatch: pytest.MonkeyPatch
) -> Iterator[World]:
    monkeypatch.setattr(world_module, "Memory", Working)
    made = World(tmp_path, store_url=store_url)
    yield made
    made.close()


def companies(world: World, count: int) -> list[str]:
    return [
        world.crm.create("companies", {"name": f"N{n}", "domain": f"n{n}.example"}).ref.id
        for n in range(count)
    ]


def names(world: World) -> dict[str, str]:
    """The accounts by our identity; no identity twice."""
    found = world.by_identity("Account")
    assert all(len(records) == 1 for records in found.values())
    return {key: str(records[0].fields["Name"]) for key, records in found.items()}


def expected(ids: Sequence[str]) -> dict[str, str]:
    return {f"revline-companies-{id}": f"N{n}" for n, id in enumerate(ids)}


def exports(world: World) -> list[Job]:
    return [job for job in world.crm.jobs.made if not job.changes]


@ON_BOTH
def test_a_backfill_comes_through_jobs_on_both_sides(world: World) -> None:
    ids = companies(world, 13)
    world.settle()
    world.verify()
    assert world.issues() == []
    assert names(world) == expected(ids)
    assert len([job for job in exports(world) if job.records]) == 1
    made = [size for operation, size in world.sales.jobs.sizes if operation == "upsert"]
    assert sum(made) == 13
    assert min(made) >= FROM
    outcomes = {line["outcome"] for line in world.lines() if line["operation"] == "create"}
    assert outcomes == {"confirmed"}


def test_a_job_is_left_alone_for_as_long_as_it_says(world: World) -> None:
    companies(world, 5)
    world.settle()
    looks = world.crm.jobs.looks
    while_at_work = [
        after - before for before, after in pairwise(looks) if before < exports(world)[0].ready_at
    ]
    assert while_at_work
    assert min(while_at_work) >= LOOK


def test_afterwards_nothing_is_written(world: World) -> None:
    companies(world, 7)
    world.settle()
    before = list(world.sales.jobs.sizes)
    world.clock.advance(timedelta(hours=2))
    world.settle()
    assert world.sales.jobs.sizes == before


def test_killed_at_any_moment_nothing_is_missing_and_nothing_is_made_twice(
    tmp_path: Path, store_url: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Ever later in the same backfill the engine is killed, until it comes through."""
    monkeypatch.setattr(world_module, "Memory", Working)
    world = World(tmp_path, store_url=store_url)
    ids = companies(world, 9)
    left, kills = [1], 0

    def kill(_point: str) -> None:
        left[0] -= 1
        if left[0] == 0:
            raise Crash

    world.failpoint = kill
    try:
        while True:
            try:
                world.settle()
                break
            except Crash:
                kills += 1
                left[0] = 3 * kills + 1
                world.crash()
        world.verify()
        assert kills > 5
        assert world.issues() == []
        assert names(world) == expected(ids)
        # A job is asked for again only by who died before it was noted.
        assert len([job for job in exports(world) if job.records]) <= 3
    finally:
        world.close()


def test_what_changes_while_an_export_is_made_is_not_undone(world: World) -> None:
    ids = companies(world, 6)
    for _ in range(50):
        world.runner.round()
        if exports(world):
            break
        world.clock.advance(timedelta(seconds=1))
    assert exports(world)
    world.crm.update("companies", ids[5], {"name": "newer"})
    world.settle()
    assert names(world) == expected(ids) | {f"revline-companies-{ids[5]}": "newer"}
    world.verify()


def test_a_copy_from_before_our_own_write_is_not_taken_for_what_came_of_it(world: World) -> None:
    """The export shows deals as they were when it was made; what we wrote since stays."""
    deals = [deal(world, dealname=f"D{n}") for n in range(6)]
    world.settle()
    before = len(exports(world))
    acts(world).backfill({"sync": "deals"})
    for _ in range(50):
        world.runner.round()
        if len(exports(world)) > before:
            break
        world.clock.advance(timedelta(seconds=1))
    (opportunity,) = [
        record
        for record in world.live(world.sales, "Opportunity").values()
        if record.fields["Revline_Id__c"] == f"revline-deals-{deals[5].id}"
    ]
    world.sales.update("Opportunity", opportunity.ref.id, {"StageName": "Closed Won"})
    world.settle()
    # Nobody else has touched the opportunity: not even for a while did it go back.
    touched = [line for line in world.lines() if line["operation"] == "update"]
    assert {line["target"]["object"] for line in touched} == {"deals"}
    stored = world.live(world.crm, "deals")[deals[5].id]
    assert stored.fields["dealstage"] == "closedwon"
    assert world.live(world.sales, "Opportunity")[opportunity.ref.id].fields["StageName"] == (
        "Closed Won"
    )
    world.verify()


def test_one_record_that_a_job_refuses_becomes_an_issue(world: World) -> None:
    ids = companies(world, 8)
    world.crm.update("companies", ids[3], {"name": BAD})
    world.settle()
    (issue,) = world.issues()
    assert (issue.code, issue.parameters["vendor_code"]) == ("REFUSED", "BAD_NAME")
    wanted = expected(ids)
    del wanted[f"revline-companies-{ids[3]}"]
    assert names(world) == wanted
    world.verify()
    world.crm.update("companies", ids[3], {"name": "N3"})
    world.settle()
    assert world.issues() == []
    assert names(world) == expected(ids)


def test_of_a_job_that_cannot_tell_everything_is_looked_up_and_sent_by_itself(
    world: World,
) -> None:
    ids = companies(world, 8)
    world.sales.jobs.silent = True
    world.settle()
    assert world.issues() == []
    assert names(world) == expected(ids)
    jobs = [size for _operation, size in world.sales.jobs.sizes if size >= FROM]
    assert len(jobs) <= 2 + 2
    world.verify()


def test_a_change_made_while_a_job_is_under_way_follows(world: World) -> None:
    ids = companies(world, 6)
    for _ in range(200):
        world.runner.round()
        if any(job.changes for job in world.sales.jobs.made):
            break
        world.clock.advance(timedelta(seconds=1))
    world.crm.update("companies", ids[2], {"name": "later"})
    world.settle()
    assert names(world) == expected(ids) | {f"revline-companies-{ids[2]}": "later"}
    world.verify()


def test_many_changes_to_what_is_there_are_a_job_too(world: World) -> None:
    ids = companies(world, 6)
    world.settle()
    for id in ids:
        world.crm.update("companies", id, {"name": "all new"})
    world.settle()
    assert set(names(world).values()) == {"all new"}
    assert ("update", 6) in world.sales.jobs.sizes
    updates = [line for line in world.lines() if line["operation"] == "update"]
    assert [line["outcome"] for line in updates] == ["confirmed"] * 6
    assert isinstance(next(iter(world.sales.jobs.made[-1].outcomes.values())), Confirmed)
    world.verify()
