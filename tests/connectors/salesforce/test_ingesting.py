"""Writing by ingest job, against the simulated org, over HTTP."""

from __future__ import annotations

import csv
import io
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
import requests
from hypothesis import given
from hypothesis import strategies as st

from connectors.base import Collects, Confirmed, Failed, Outcome, Wiring
from connectors.errors import (
    DuplicateFound,
    Gone,
    MayExist,
    OutcomePending,
    OutcomeUnknown,
    Rejected,
    RetryLater,
)
from connectors.records import Change, Identity, Operation, Value
from connectors.salesforce import ingesting
from connectors.salesforce.connector import Salesforce, build
from connectors.salesforce.ingest_cells import csv_text, error_entry, ingest_row
from connectors.salesforce.objects import SPEC
from sandbox.salesforce.api.bulk_csv import body_of_row, parse
from sandbox.salesforce.simulator import CLIENT_ID, CLIENT_SECRET, SalesforceSimulator
from sandbox.server import serve
from sandbox.simulator import Mutation

IDENTITY = "Revline_Id__c"
MISSING = "001000000000ZZZAA2"


class World:
    """The org behind the connector's back."""

    def __init__(self, simulator: SalesforceSimulator, url: str) -> None:
        self.simulator = simulator
        self.url = url

    def do(self, object: str, word: str, id: str | None = None, **fields: Any) -> Any:
        with self.simulator.lock:
            return self.simulator.mutate(Mutation(object, word, id, fields))

    def admin(self, command: str, **body: Any) -> None:
        answer = requests.post(f"{self.url}/__admin/{command}", json=body, timeout=20)
        assert answer.ok, answer.text

    def row(self, id: str) -> Any:
        return self.simulator.org.row(id)

    def by_identity(self) -> dict[str, Any]:
        rows = [row for row in self.simulator.org.table("Account") if row.get(IDENTITY)]
        found = {row[IDENTITY]: row for row in rows}
        assert len(found) == len(rows), "one record was made twice"
        return found

    def calls(self) -> Counter[str]:
        entries = list(self.simulator.journal.entries)
        names = (f"{entry.request.method} {entry.template}" for entry in entries)
        shown = (name.replace("/services/data/{version}", "") for name in names)
        return Counter(name for name in shown if not name.endswith(("describe", "token")))

    def fail(self, method: str, path: str, **rule: Any) -> None:
        match = {"method": method, "path": path}
        self.admin("faults", match=match, times=1, **rule)


@pytest.fixture
def world() -> Iterator[World]:
    simulator = SalesforceSimulator(seed=7)
    simulator.add_external_id()
    with serve([simulator]) as running:
        world = World(simulator, running.urls["salesforce"])
        yield world
        assert simulator.journal.violations == []


def connect(world: World, write_from: int = 3) -> Salesforce:
    settings = {
        "login_url": world.url,
        "client_id": CLIENT_ID,
        "client_secret": CLIENT_SECRET,
        "bulk_write_from": str(write_from),
    }
    wiring = Wiring(now=world.simulator.now, observe=lambda call: None, allow_loopback=True)
    return build(settings, wiring)


def upsert(name: str, object: str = "Account", **fields: Value) -> Change:
    return Change(
        key=name,
        operation=Operation.UPSERT,
        object=object,
        fields=fields,
        identity=Identity(IDENTITY, f"revline-x-{name}"),
    )


def update(id: str, **fields: Value) -> Change:
    return Change(key="k", operation=Operation.UPDATE, object="Account", fields=fields, id=id)


def token_of(outcomes: tuple[Outcome, ...]) -> str:
    tokens = {pending(outcome).token for outcome in outcomes}
    assert len(tokens) == 1
    return tokens.pop()


def pending(outcome: Outcome) -> OutcomePending:
    assert isinstance(outcome, Failed)
    assert isinstance(outcome.error, OutcomePending), outcome.error
    return outcome.error


def error(outcome: Outcome) -> Any:
    assert isinstance(outcome, Failed), outcome
    return outcome.error


def finish(salesforce: Salesforce, token: str, changes: list[Change]) -> tuple[Outcome, ...]:
    for _ in range(4):
        outcomes = salesforce.collect(token, changes)
        if not any(isinstance(getattr(one, "error", None), OutcomePending) for one in outcomes):
            return outcomes
    raise AssertionError("the job does not end")


def written(salesforce: Salesforce, changes: list[Change]) -> tuple[Outcome, ...]:
    return finish(salesforce, token_of(salesforce.apply(changes)), changes)


def test_few_changes_are_written_at_once(world: World) -> None:
    outcomes = connect(world).apply([upsert("a", Name="A"), upsert("b", Name="B")])
    assert all(isinstance(outcome, Confirmed) for outcome in outcomes)
    assert list(world.calls()) == ["PATCH /composite/sobjects/{object}/{field}"]


def test_many_changes_are_one_job(world: World) -> None:
    salesforce = connect(world)
    assert isinstance(salesforce, Collects)
    changes = [upsert(f"a{n}", Name=f"N{n}") for n in range(401)]
    outcomes = salesforce.apply(changes)
    token = token_of(outcomes)
    assert pending(outcomes[0]).again_after == timedelta(seconds=5)
    assert world.by_identity() == {}
    done = finish(salesforce, token, changes)
    rows = world.by_identity()
    for change, outcome in zip(changes, done, strict=True):
        assert isinstance(outcome, Confirmed)
        assert outcome.created is True
        assert world.row(outcome.id)["Name"] == change.fields["Name"]
    assert len(rows) == 401
    assert world.calls() == {
        "POST /jobs/ingest": 1,
        "PUT /jobs/ingest/{job}/batches": 1,
        "PATCH /jobs/ingest/{job}": 1,
        "GET /jobs/ingest/{job}": 2,
        "GET /jobs/ingest/{job}/successfulResults": 1,
    }


def test_a_second_time_nothing_is_made(world: World) -> None:
    salesforce = connect(world)
    changes = [upsert(f"a{n}", Name=f"N{n}") for n in range(3)]
    first = written(salesforce, changes)
    again = written(salesforce, changes)
    assert [one.id for one in first if isinstance(one, Confirmed)] == [
        one.id for one in again if isinstance(one, Confirmed)
    ]
    assert [getattr(one, "created", None) for one in again] == [False] * 3


def test_every_row_has_its_own_outcome(world: World) -> None:
    world.do("Account", "create", Name="Old", **{IDENTITY: "revline-x-c"})
    world.admin(
        "validation_rules", object="Account", error_when="Name = 'bad'", message="No: 'bad'"
    )
    salesforce = connect(world)
    changes = [
        upsert("a", Name="A"),
        upsert("b"),
        upsert("c", Name="C"),
        upsert("d", Name="bad"),
        upsert("e", Name="E", OwnerId=MISSING),
        upsert("f", Name="F" * 300),
    ]
    a, b, c, d, e, f = written(salesforce, changes)
    assert isinstance(a, Confirmed)
    assert a.created is True
    assert isinstance(c, Confirmed)
    assert c.created is False
    assert (type(error(b)), error(b).code) == (Rejected, "REQUIRED_FIELD_MISSING")
    assert list(error(b).field_errors) == ["Name"]
    assert error(d).code == "FIELD_CUSTOM_VALIDATION_EXCEPTION"
    assert "No: 'bad'" in error(d).message
    assert error(e).field_errors
    assert error(f).code == "STRING_TOO_LONG"
    alone = salesforce.apply(changes[:2])
    assert type(error(alone[1])) is type(error(b))
    assert error(alone[1]).field_errors == error(b).field_errors


def test_updates_by_id(world: World) -> None:
    ids = [world.do("Account", "create", Name=f"N{n}", Industry="Energy")["Id"] for n in range(3)]
    world.do("Account", "delete", ids[2])
    changes = [
        update(ids[0], Name="new", Industry=None),
        update(ids[1], Description="said"),
        update(ids[2], Name="gone"),
    ]
    first, second, third = written(connect(world), changes)
    assert first == Confirmed(id=ids[0], created=False)
    assert second == Confirmed(id=ids[1], created=False)
    assert isinstance(error(third), Gone)
    rows = [world.row(id) for id in ids]
    assert (rows[0]["Name"], rows[0]["Industry"]) == ("new", None)
    assert (rows[1]["Name"], rows[1]["Industry"], rows[1]["Description"]) == (
        "N1",
        "Energy",
        "said",
    )


def test_values_arrive_as_they_would_one_by_one(world: World) -> None:
    kinds = {
        "Fee__c": "currency 18,2",
        "Since__c": "date",
        "At__c": "datetime",
        "Flag__c": "boolean",
        "Seats__c": "int 10",
    }
    for name, kind in kinds.items():
        world.do("Account", "add_field", name=name, line=kind)
    world.do("Account", "create", Name="Parent", **{IDENTITY: "revline-x-p"})
    values: dict[str, Value] = {
        "Name": 'né, "quoted" ☂',
        "Description": 'two\nlines\r\nand, ";" a tab\t#N/A',
        "Fee__c": Decimal("1234567890123456.70"),
        "Since__c": date(2026, 1, 31),
        "At__c": datetime(2026, 1, 31, 10, 20, 30, tzinfo=UTC),
        "Flag__c": True,
        "Seats__c": 7,
        "Industry": "",
        "Parent": {IDENTITY: "revline-x-p"},
    }
    salesforce = connect(world)
    written(salesforce, [upsert(name, **values) for name in "abc"])
    assert all(isinstance(one, Confirmed) for one in salesforce.apply([upsert("z", **values)]))
    rows = world.by_identity()
    for name in (*kinds, "Name", "Description", "Industry", "ParentId"):
        assert rows["revline-x-a"].get(name) == rows["revline-x-z"].get(name), name
    assert rows["revline-x-a"]["ParentId"] == rows["revline-x-p"]["Id"]


def test_what_csv_cannot_say_is_written_at_once(world: World) -> None:
    world.do("Account", "change_field", name="Description", length=100_000)
    salesforce = connect(world)
    changes = [
        upsert("a", Name=" #N/A "),
        upsert("b", Name="B", Description="x" * 32_001),
        *[upsert(f"c{n}", Name="C") for n in range(3)],
        upsert("d", Name="broken \ud800"),
    ]
    outcomes = salesforce.apply(changes)
    assert [isinstance(outcome, Confirmed) for outcome in outcomes[:2]] == [True, True]
    assert error(outcomes[5]).code == "VALUE_NOT_WRITABLE"
    finish(salesforce, token_of(outcomes[2:5]), changes[2:5])
    rows = world.by_identity()
    assert rows["revline-x-a"]["Name"] == "#N/A"
    assert len(rows["revline-x-b"]["Description"]) == 32_001
    assert len(rows) == 5


@pytest.mark.parametrize("text", [" ", "\t\n", "#n/a", " #N/A"])
def test_blanks_and_marks_are_not_said_in_csv(text: str) -> None:
    """A cell of blanks may be read as an empty one, which leaves the field as it is."""
    assert ingest_row(0, upsert("a", Site=text)).cells is None


def test_one_record_twice_goes_once(world: World) -> None:
    salesforce = connect(world)
    changes = [upsert("a", Name="1"), upsert("b", Name="2"), upsert("A", Name="3")]
    outcomes = salesforce.apply(changes)
    assert (type(error(outcomes[2])), error(outcomes[2]).code) == (RetryLater, "SAME_RECORD_TWICE")
    done = finish(salesforce, token_of(outcomes[:2]), changes[:2])
    assert all(isinstance(one, Confirmed) for one in done)
    assert world.by_identity()["revline-x-a"]["Name"] == "1"


def test_a_part_of_a_job_may_be_asked_for(world: World) -> None:
    salesforce = connect(world)
    changes = [upsert(name, Name=name) for name in "abcd"]
    token = token_of(salesforce.apply(changes))
    first = finish(salesforce, token, changes[2:])
    second = connect(world).collect(token, changes[:2])
    assert all(isinstance(one, Confirmed) for one in first + second)


def test_a_job_that_breaks_off(world: World) -> None:
    world.admin("bulk", fail_after=2)
    salesforce = connect(world)
    changes = [upsert("a", Name="A"), upsert("b"), upsert("c", Name="C"), upsert("d", Name="D")]
    a, b, c, d = written(salesforce, changes)
    assert isinstance(a, Confirmed)
    assert error(b).code == "REQUIRED_FIELD_MISSING"
    assert [(type(error(one)), error(one).code) for one in (c, d)] == [
        (RetryLater, "JOB_UNPROCESSED")
    ] * 2


def test_a_job_that_cannot_be_read_writes_nothing(world: World) -> None:
    salesforce = connect(world)
    changes = [upsert(name, Nope__c="x") for name in "abc"]
    outcomes = written(salesforce, changes)
    assert {error(one).code for one in outcomes} == {"JOB_UNPROCESSED"}
    assert "Nope__c" in error(outcomes[0]).message


def test_a_lock_held_for_long_is_tried_again_later(world: World) -> None:
    id = world.do("Account", "create", Name="A", **{IDENTITY: "revline-x-a"})["Id"]
    world.admin("row_locks", id=id, times=100)
    outcomes = written(connect(world), [upsert(name, Name=name) for name in "abc"])
    assert type(error(outcomes[0])) is RetryLater
    assert all(isinstance(one, Confirmed) for one in outcomes[1:])


def test_duplicates_that_a_rule_finds(world: World) -> None:
    world.do("Account", "create", Name="Same")
    world.admin("duplicate_rules", name="R", object="Account", fields=["Name"], others=["Account"])
    outcomes = written(connect(world), [upsert("a", Name="Same"), upsert("b"), upsert("c")])
    assert isinstance(error(outcomes[0]), DuplicateFound)


@pytest.mark.parametrize(
    ("object", "answer"),
    [("Nothing__c", 400), ("Account", 403)],
)
def test_without_a_job_it_is_written_at_once(world: World, object: str, answer: int) -> None:
    salesforce = connect(world)
    if answer == 403:
        body = [{"errorCode": "FEATURENOTENABLED", "message": "no"}]
        world.fail("POST", "/jobs/ingest", action="status", status=403, body=body)
    outcomes = salesforce.apply([upsert(name, object, Name=name) for name in "abc"])
    assert world.calls()["PATCH /composite/sobjects/{object}/{field}"] == 1
    if answer == 403:
        assert all(isinstance(one, Confirmed) for one in outcomes)
    else:
        assert all(isinstance(error(one), Rejected) for one in outcomes)


CLOSING = ("PATCH", "/jobs/ingest/")


@pytest.mark.parametrize(
    ("method", "path", "phase"),
    [
        ("POST", "/jobs/ingest", "before"),
        ("POST", "/jobs/ingest", "after"),
        ("PUT", "/batches", "before"),
        ("PUT", "/batches", "after"),
    ],
)
@pytest.mark.parametrize("how", [{"action": "reset"}, {"action": "status", "status": 503}])
def test_until_it_is_closed_nothing_has_happened(
    world: World, method: str, path: str, phase: str, how: dict[str, Any]
) -> None:
    salesforce = connect(world)
    changes = [upsert(name, Name=name) for name in "abc"]
    world.fail(method, path, phase=phase, **how)
    outcomes = salesforce.apply(changes)
    assert {type(error(one)) for one in outcomes} == {RetryLater}
    assert world.by_identity() == {}
    assert all(isinstance(one, Confirmed) for one in written(salesforce, changes))


@pytest.mark.parametrize("how", [{"action": "reset"}, {"action": "status", "status": 503}])
def test_a_closing_that_arrived_and_whose_answer_was_lost(
    world: World, how: dict[str, Any]
) -> None:
    salesforce = connect(world)
    changes = [upsert(name, Name=name) for name in "abc"]
    world.fail(*CLOSING, phase="after", **how)
    assert all(isinstance(one, Confirmed) for one in written(salesforce, changes))


def test_a_closing_that_never_arrived_does_not_arrive_late(world: World) -> None:
    salesforce = connect(world)
    changes = [upsert(name, Name=name) for name in "abc"]
    world.fail(*CLOSING, phase="before", action="reset")
    outcomes = written(salesforce, changes)
    assert {(type(error(one)), error(one).code) for one in outcomes} == {
        (RetryLater, "JOB_UNPROCESSED")
    }
    (job,) = world.simulator.jobs._jobs.values()
    assert job.state == "Aborted"
    assert world.by_identity() == {}


def test_a_job_that_is_gone_cannot_tell(world: World) -> None:
    salesforce = connect(world)
    changes = [upsert(name, Name=name) for name in "abc"]
    token = token_of(salesforce.apply(changes))
    world.admin("bulk", lose=True)
    for one in (token, "no id"):
        outcomes = salesforce.collect(one, changes)
        assert {type(error(outcome)) for outcome in outcomes} == {OutcomeUnknown}


def test_results_that_break_off_are_asked_for_again(world: World) -> None:
    salesforce = connect(world)
    changes = [upsert(name, Name=name) for name in "abc"]
    token = token_of(salesforce.apply(changes))
    salesforce.collect(token, changes)
    world.fail("GET", "/successfulResults", action="truncate", at=40)
    with pytest.raises(RetryLater):
        salesforce.collect(token, changes)
    assert all(isinstance(one, Confirmed) for one in salesforce.collect(token, changes))


def test_large_uploads_are_divided(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ingesting, "UPLOAD_MAX_BYTES", 130)
    salesforce = connect(world)
    changes = [upsert(f"a{n}", Name="x" * 30) for n in range(5)]
    outcomes = salesforce.apply(changes)
    tokens = [pending(one).token for one in outcomes]
    assert len(set(tokens)) == 3
    for token in dict.fromkeys(tokens):
        mine = [change for change, own in zip(changes, tokens, strict=True) if own == token]
        assert all(isinstance(one, Confirmed) for one in finish(salesforce, token, mine))
    assert len(world.by_identity()) == 5


def test_what_is_declared_follows_the_setting(world: World) -> None:
    spec = connect(world, 3).spec
    account, user = spec.object("Account"), spec.object("User")
    assert account is not None
    assert user is not None
    assert (account.job_write_from, account.job_write_most) == (3, 5_000)
    assert (user.job_write_from, user.job_write_most) == (0, 0)
    assert connect(world, 0).spec == SPEC


@pytest.mark.parametrize(
    ("text", "code", "message", "fields"),
    [
        (
            "REQUIRED_FIELD_MISSING:Required fields are missing: [Name]:Name --",
            "REQUIRED_FIELD_MISSING",
            "Required fields are missing: [Name]",
            ["Name"],
        ),
        ("DUPLICATE_VALUE:duplicate value found: a: b:--", "DUPLICATE_VALUE", None, []),
        ("A_CODE:said:One__c, Two__c --", "A_CODE", "said", ["One__c", "Two__c"]),
        ("A_CODE:said without an end", "A_CODE", "said without an end", []),
        ("nothing known: at all", "UNKNOWN", "nothing known: at all", []),
        ("", "UNKNOWN", "", []),
    ],
)
def test_what_a_refused_row_says(
    text: str, code: str, message: str | None, fields: list[str]
) -> None:
    entry = error_entry(text)
    assert (entry["statusCode"], entry["fields"]) == (code, fields)
    assert message is None or entry["message"] == message


def test_a_field_given_only_once(world: World) -> None:
    """A row refused for a field that an update may not touch may have met its own record."""
    book = world.do("Pricebook2", "create", Name="B", IsActive=True)["Id"]
    standard = world.simulator.org.table("Pricebook2").by_id()
    first = next(row["Id"] for row in standard if row["IsStandard"])
    ids = [world.do("Product2", "create", Name=f"P{n}", IsActive=True)["Id"] for n in range(3)]
    for id in ids:
        fields = {"Product2Id": id, "UnitPrice": 1, "IsActive": True}
        world.do("PricebookEntry", "create", Pricebook2Id=first, **fields)
    salesforce = connect(world)
    changes = [
        upsert(
            f"e{n}",
            "PricebookEntry",
            Product2Id=id,
            Pricebook2Id=book,
            UnitPrice=Decimal("9.50"),
            IsActive=True,
        )
        for n, id in enumerate(ids)
    ]
    assert all(isinstance(one, Confirmed) for one in written(salesforce, changes))
    assert {type(error(one)) for one in written(salesforce, changes)} == {MayExist}


TEXTS = st.text(st.characters(exclude_characters="\x00", exclude_categories=("Cs",)), max_size=12)
VALUES = st.one_of(
    TEXTS, st.none(), st.booleans(), st.integers(-(10**9), 10**9), st.dates(), st.decimals(-9, 9)
)


@given(st.lists(st.dictionaries(st.sampled_from(["A__c", "B__c", "C__c"]), VALUES), max_size=4))
def test_whatever_is_written_is_read_as_it_was(records: list[dict[str, Value]]) -> None:
    """The vendor's reading of our CSV is what we meant, or we do not say it in CSV."""
    rows = [ingest_row(n, upsert(f"r{n}", **fields)) for n, fields in enumerate(records)]
    rows = [row for row in rows if row.cells is not None]
    if not rows:
        return
    header, lines = parse(csv_text(rows), ",", "LF")
    for row, line in zip(rows, lines, strict=True):
        body = body_of_row(header, line)
        assert body.pop(IDENTITY) == f"revline-x-r{row.place}"
        assert body == {name: _told(value) for name, value in row.change.fields.items()}


def _told(value: Value) -> str | None:
    if value is None or value == "":
        return None
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, Decimal):
        return format(value, "f")
    return str(value)


def test_the_upload_is_csv_for_other_readers_too(world: World) -> None:
    rows = [ingest_row(0, upsert("a", Name='x"y\n,z')), ingest_row(1, upsert("b", Site="s"))]
    lines = list(csv.reader(io.StringIO(csv_text(rows).decode(), newline=""), strict=True))
    assert lines == [
        [IDENTITY, "Name", "Site"],
        ["revline-x-a", 'x"y\n,z', ""],
        ["revline-x-b", "", "s"],
    ]
