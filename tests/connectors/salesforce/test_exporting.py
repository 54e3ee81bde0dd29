"""Exports by query job, against the simulated org, over HTTP."""

from __future__ import annotations

import gzip
import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
import requests
from hypothesis import given
from hypothesis import strategies as st

from connectors.base import Exports, Wiring
from connectors.errors import Rejected, RetryLater, UnexpectedAnswer
from connectors.records import Page, Record, Selection
from connectors.salesforce.bulk import table, wait_after
from connectors.salesforce.bulk_results import Part
from connectors.salesforce.connector import Salesforce, build
from connectors.salesforce.exporting import Export, parse_export
from connectors.salesforce.rest import TextAnswer
from connectors.salesforce.settings import parse_settings
from sandbox.salesforce.api.bulk_csv import written
from sandbox.salesforce.simulator import CLIENT_ID, CLIENT_SECRET, SalesforceSimulator
from sandbox.server import serve
from sandbox.simulator import Mutation

NAMES = Selection("Account", ("Name",))
CUSTOM = {
    "Fee__c": "currency 18,2",
    "Since__c": "date",
    "At__c": "datetime",
    "Flag__c": "boolean",
    "Seats__c": "int 10",
}


class World:
    """The org behind the connector's back."""

    def __init__(self, simulator: SalesforceSimulator, url: str) -> None:
        self.simulator = simulator
        self.url = url

    def do(self, object: str, word: str, id: str | None = None, **fields: Any) -> Any:
        with self.simulator.lock:
            return self.simulator.mutate(Mutation(object, word, id, fields))

    def accounts(self, count: int) -> list[str]:
        return [self.do("Account", "create", Name=f"N{n}")["Id"] for n in range(count)]

    def bulk(self, **body: Any) -> Any:
        answer = requests.post(f"{self.url}/__admin/bulk", json=body, timeout=20)
        assert answer.ok, answer.text
        return answer.json()["bulk"]

    def calls(self) -> Counter[str]:
        entries = list(self.simulator.journal.entries)
        names = (f"{entry.request.method} {entry.template}" for entry in entries)
        shown = (name.replace("/services/data/{version}", "") for name in names)
        return Counter(name for name in shown if not name.endswith(("describe", "token", "bulk")))


@pytest.fixture
def world() -> Iterator[World]:
    simulator = SalesforceSimulator(seed=7)
    simulator.add_external_id()
    with serve([simulator]) as running:
        world = World(simulator, running.urls["salesforce"])
        yield world
        assert simulator.journal.violations == []


def connect(world: World, **more: str) -> Salesforce:
    settings = {"login_url": world.url, "client_id": CLIENT_ID, "client_secret": CLIENT_SECRET}
    wiring = Wiring(now=world.simulator.now, observe=lambda call: None, allow_loopback=True)
    return build({"bulk_from": "5", **settings, **more}, wiring)


def walk(
    salesforce: Salesforce,
    selection: Selection = NAMES,
    *,
    limit: int = 2,
    cursor: str | None = None,
    since: datetime | None = None,
) -> list[Page]:
    """Every page from a cursor on."""
    pages: list[Page] = []
    while not pages or not pages[-1].at_head:
        pages.append(salesforce.export(selection, cursor, limit, since))
        cursor = pages[-1].cursor
        assert len(pages) < 60
    return pages


def ids(pages: list[Page]) -> list[str]:
    return [record.ref.id for page in pages for record in page.records]


def test_few_records_are_read_without_a_job(world: World) -> None:
    wanted = world.accounts(4)
    assert ids(walk(connect(world))) == wanted
    assert world.calls() == {"GET /query": 2}


def test_many_records_are_read_by_one_job(world: World) -> None:
    wanted = world.accounts(9)
    salesforce = connect(world)
    assert isinstance(salesforce, Exports)
    pages = walk(salesforce)
    assert ids(pages) == wanted
    assert all(len(page.records) <= 2 for page in pages)
    assert world.calls() == {
        "GET /query": 1,
        "POST /jobs/query": 1,
        "GET /jobs/query/{job}": 2,
        "GET /jobs/query/{job}/results": 1,
    }
    waits = [page.again_after for page in pages if page.again_after]
    assert waits == [timedelta(seconds=5), timedelta(seconds=10)]


def test_calls_for_fifty_thousand_rows(world: World) -> None:
    """A query page holds 2,000 rows: reading by query would take 25 calls."""
    with world.simulator.lock:
        world.simulator.load({"objects": {"Account": [{"Name": f"N{n}"} for n in range(50_000)]}})
    pages = walk(connect(world, bulk_from="10000"), limit=2_000)
    found = ids(pages)
    assert len(found) == len(set(found)) == 50_000
    assert sum(world.calls().values()) == 5


def test_the_job_is_taken_up_again_at_any_page_by_another_process(world: World) -> None:
    wanted = world.accounts(9)
    first = walk(connect(world))
    for taken, page in enumerate(first[:-1], start=1):
        rest = walk(connect(world), cursor=page.cursor)
        assert ids(first[:taken]) + ids(rest) == wanted
    assert world.calls()["POST /jobs/query"] == 2  # the second from before the first was made


def test_what_was_asked_for_before_says_when(world: World) -> None:
    id = world.accounts(9)[-1]
    salesforce = connect(world)
    page = salesforce.export(NAMES, None, 2)
    asked_at = world.simulator.now()
    page = salesforce.export(NAMES, page.cursor, 2)
    world.simulator.clock.shift(timedelta(minutes=3))
    world.do("Account", "update", id, Name="after the job")
    pages = walk(salesforce, cursor=page.cursor)
    assert pages[-1].records[-1].fields == {"Name": "N8"}
    told = {page.asked_at for page in pages if page.records}
    assert len(told) == 1
    (moment,) = told
    assert moment is not None
    assert asked_at <= moment < asked_at + timedelta(minutes=1)


def test_values_are_those_that_a_query_shows(world: World) -> None:
    for name, kind in CUSTOM.items():
        world.do("Account", "add_field", name=name, line=kind)
    world.accounts(6)
    owner = world.do("User", "create", Username="u@x.example", LastName="O", Email="u@x.example")
    world.do(
        "Account",
        "create",
        Name=' "quoted", and\nbroken; né ☂ #N/A',
        OwnerId=owner["Id"],
        Fee__c="1234567890123456.78",
        Since__c="2026-01-31",
        At__c="2026-01-31T10:20:30.000Z",
        Flag__c=True,
        Seats__c=7,
    )
    fields = (*CUSTOM, "CreatedDate", "Name", "Owner.LastName", "OwnerId", "Parent.Name")
    selection = Selection("Account", tuple(sorted(fields)))
    salesforce = connect(world)
    exported = [record for page in walk(salesforce, selection) for record in page.records]
    assert exported == list(salesforce.read(selection, [one.ref.id for one in exported]))
    last = exported[-1].fields
    assert (last["Fee__c"], last["Since__c"], last["Flag__c"], last["Seats__c"]) == (
        Decimal("1234567890123456.78"),
        date(2026, 1, 31),
        True,
        7,
    )
    assert last["At__c"] == datetime(2026, 1, 31, 10, 20, 30, tzinfo=UTC)
    assert (last["Owner.LastName"], last["Parent.Name"]) == ("O", None)


def test_converted_and_deleted_leads_are_left_out(world: World) -> None:
    leads = [world.do("Lead", "create", LastName=f"L{n}", Company="C")["Id"] for n in range(8)]
    world.do("Lead", "delete", leads[5])
    world.do("Lead", "convert", leads[6])
    pages = walk(connect(world), Selection("Lead", ("LastName",)))
    assert ids(pages) == [id for id in leads if id not in (leads[5], leads[6])]


def test_since_leaves_out_what_is_older(world: World) -> None:
    world.accounts(5)
    world.simulator.clock.shift(timedelta(days=2))
    since = world.simulator.now() - timedelta(days=1)
    wanted = world.accounts(7)
    assert ids(walk(connect(world), since=since)) == wanted
    assert world.calls()["POST /jobs/query"] == 1


def test_a_compound_field_is_read_by_query(world: World) -> None:
    wanted = world.accounts(7)
    pages = walk(connect(world), Selection("Account", ("BillingAddress",)))
    assert ids(pages) == wanted
    assert set(world.calls()) == {"GET /query"}


def test_nought_turns_jobs_off(world: World) -> None:
    wanted = world.accounts(7)
    assert ids(walk(connect(world, bulk_from="0"))) == wanted
    assert set(world.calls()) == {"GET /query"}


@pytest.mark.parametrize("trouble", [{"fail_after": 3}, {"query_jobs": 0}])
def test_without_a_job_the_walk_goes_on(world: World, trouble: dict[str, int]) -> None:
    wanted = world.accounts(9)
    world.bulk(**trouble)
    assert ids(walk(connect(world))) == wanted


def test_an_aborted_job_is_left(world: World) -> None:
    wanted = world.accounts(9)
    salesforce = connect(world)
    pages = [salesforce.export(NAMES, None, 2)]
    pages.append(salesforce.export(NAMES, pages[-1].cursor, 2))
    for job in world.simulator.jobs._jobs.values():
        job.move("Aborted", world.simulator.now())
    assert ids(pages + walk(salesforce, cursor=pages[-1].cursor)) == wanted


def test_a_lost_job_is_made_again_and_nothing_is_missing(world: World) -> None:
    wanted = world.accounts(9)
    salesforce = connect(world)
    pages = [salesforce.export(NAMES, None, 2)]
    while len(ids(pages)) < 6:
        pages.append(salesforce.export(NAMES, pages[-1].cursor, 2))
    world.bulk(lose=True)
    rest = walk(connect(world), cursor=pages[-1].cursor)
    assert set(ids(pages) + ids(rest)) == set(wanted)
    assert world.calls()["POST /jobs/query"] == 2


def test_results_that_are_seven_days_old_are_asked_for_anew(world: World) -> None:
    wanted = world.accounts(9)
    salesforce = connect(world)
    pages = walk(salesforce)[:4]
    world.simulator.clock.shift(timedelta(days=8))
    rest = walk(connect(world), cursor=pages[-1].cursor)
    assert set(ids(pages) + ids(rest)) == set(wanted)


def test_jobs_that_are_lost_again_and_again_are_given_up(world: World) -> None:
    wanted = world.accounts(9)
    salesforce = connect(world)
    pages = [salesforce.export(NAMES, None, 2)]
    while not pages[-1].at_head:
        world.bulk(lose=True)
        pages.append(salesforce.export(NAMES, pages[-1].cursor, 2))
        assert len(pages) < 30
    assert ids(pages) == wanted
    assert world.calls()["POST /jobs/query"] == 3


def test_fields_wanted_since_the_job_was_made_make_another(world: World) -> None:
    wanted = world.accounts(9)
    salesforce = connect(world)
    first = walk(salesforce)
    cursor = next(page.cursor for page in first if page.again_after)
    wider = Selection("Account", ("Industry", "Name"))
    records = [one for page in walk(salesforce, wider, cursor=cursor) for one in page.records]
    assert {one.ref.id for one in records} == set(wanted[2:])
    assert all(set(one.fields) == {"Industry", "Name"} for one in records)


def test_a_walk_begun_before_goes_on_as_one(world: World) -> None:
    wanted = world.accounts(9)
    salesforce = connect(world)
    page = salesforce.list(NAMES, None, 2)
    assert ids([page, *walk(salesforce, cursor=page.cursor)]) == wanted
    assert set(world.calls()) == {"GET /query"}


def test_parts_too_large_for_one_answer_are_halved(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    wanted = world.accounts(60)
    salesforce = connect(world)
    fetch, sizes = salesforce._rest.get_text, []

    def small(path: str, *, object: str = "") -> TextAnswer:
        sizes.append(int(path.partition("maxRecords=")[2].partition("&")[0]))
        if sizes[-1] > 20_000:
            raise RetryLater("the answer is larger than 9 bytes", code="BAD_BODY")
        return fetch(path, object=object)

    monkeypatch.setattr(salesforce._rest, "get_text", small)
    assert ids(walk(salesforce, limit=20)) == wanted
    assert sizes == [50_000, 25_000, 12_500]


@pytest.mark.parametrize("content", ["{}", "[]", '{"export":"x"}', '{"export":1}', "x", "[" * 9999])
def test_a_cursor_of_somebody_elses_is_refused(world: World, content: str) -> None:
    with pytest.raises(Rejected) as refused:
        connect(world).export(NAMES, content, 2)
    assert refused.value.code == "BAD_CURSOR"


EXPORTS = st.builds(
    Export,
    after=st.just("001000000000001AAA"),
    job=st.just("750000000000001AAA"),
    asked_at=st.datetimes(timezones=st.just(UTC)),
    jobs=st.integers(0, 3),
    looks=st.integers(0, 99),
    locator=st.sampled_from(["", "MjAwMA"]),
    taken=st.integers(0, 10**6),
    rows=st.integers(1, 50_000),
)


@given(EXPORTS)
def test_cursors_are_read_as_they_were_written(at: Export) -> None:
    assert parse_export(at.text()) == at
    begun = replace(at, job=None, asked_at=None)
    assert parse_export(begun.text()) == begun


CELLS = st.text(st.characters(exclude_characters="\x00", exclude_categories=("Cs",)), max_size=8)


@given(st.lists(st.tuples(CELLS, CELLS), max_size=8), st.integers(0, 9), st.integers(1, 9))
def test_cells_come_through_whatever_is_in_them(
    rows: list[tuple[str, str]], start: int, count: int
) -> None:
    answer = TextAnswer(written(("a", "b"), rows, ",", "\n"), {})
    part = Part(table(answer), None)
    for at in (start, 0, start):
        assert [tuple(row) for row in part.rows(at, count)] == rows[at : at + count]


@pytest.mark.parametrize(
    "content",
    [b'"a","b"\n"1"\n', b'"a"\n"1\n', b'"a"\n"\xff"\n', b'"a"\n"1"\n"2"\n', b'"a"\n"1" x\n'],
)
def test_results_that_are_not_whole_are_refused(content: bytes) -> None:
    with pytest.raises(UnexpectedAnswer):
        table(TextAnswer(content, {"sforce-numberofrecords": "1"}))


def test_waits_grow_to_a_minute() -> None:
    assert [wait_after(n).total_seconds() for n in (0, 1, 2, 3, 4, 500)] == [5, 10, 20, 40, 60, 60]


@pytest.mark.parametrize("text", ["-1", "ten", "1e4", "10.0"])
def test_the_setting_is_a_number_of_records(text: str) -> None:
    given = {"login_url": "https://a.my.salesforce.com", "client_id": "i", "client_secret": "s"}
    with pytest.raises(ValueError, match="bulk_from"):
        parse_settings({**given, "bulk_from": text}, allow_loopback=False)


def test_compressed_results_are_read(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """The vendor always compresses them."""
    from sandbox.salesforce.api import bulk_query

    plain = bulk_query.csv_reply

    def compressed(content: bytes, headers: dict[str, str]) -> Any:
        return plain(gzip.compress(content), {**headers, "Content-Encoding": "gzip"})

    monkeypatch.setattr(bulk_query, "csv_reply", compressed)
    wanted = world.accounts(9)
    assert ids(walk(connect(world))) == wanted
    assert json.loads(walk(connect(world))[-1].cursor)["taken"] == 7


def test_records_say_when_they_were_changed(world: World) -> None:
    world.accounts(6)
    records: list[Record] = [one for page in walk(connect(world)) for one in page.records]
    assert all(one.version is not None for one in records)
