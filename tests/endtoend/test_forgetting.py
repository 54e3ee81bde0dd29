"""Forgetting a person: nothing of what was stored about them can be found or read again."""

from __future__ import annotations

import sqlite3

import pytest

from engine.commands.acts import Acts
from engine.commands.rebuilding import rebuild_links
from engine.control import ControlError
from engine.model import Address
from engine.pipeline.plan import make_plan
from engine.pipeline.references import Catalogues
from engine.store import database, inbox, links, records
from engine.store.person_tables import person_key
from engine.store.spool_reader import SpoolReader
from engine.store.store import MAIN_FILE
from engine.store.tables import issue
from tests.endtoend.world import Line

NAME, MAIL = "Zerafina", "zerafina@mail.example"


def forget(line: Line, id: str) -> dict[str, int]:
    acts = Acts(line.services, eraser=line.project.spool_eraser())
    given = {"connection": "hubspot", "object": "contacts", "id": id}
    answer = acts.forget(given)
    assert isinstance(answer, dict)
    erased: dict[str, int] = answer["erased"]
    return erased


def sealed_and_digested(line: Line) -> bytes:
    """Every byte of the store's files."""
    return b"".join(
        file.read_bytes() for file in line.project.state.iterdir() if file.suffix != ".sock"
    )


def person(line: Line) -> str:
    return line.create("hubspot", "contacts", lastname=NAME, email=MAIL)


def test_a_person_is_forgotten_on_both_sides_and_stays_so(line: Line) -> None:
    # Given a contact that became a lead
    contact = person(line)
    other = line.create("hubspot", "contacts", lastname="Stays", email="stays@mail.example")
    line.calm()
    here = Address("hubspot", "contacts", contact)
    with line.store.read() as tx:
        (link,) = links.at(tx, here)
    # When an operator has them forgotten
    erased = forget(line, contact)
    # Then keys, digests, claims and links of both records go
    assert erased["keys"] >= 1
    assert erased["digests of fields"] == 2
    assert erased["links"] >= 1
    assert erased["create claims"] >= 1
    with line.store.read() as tx:
        assert links.at(tx, here) == []
    # and when the person is edited on either side, nothing is taken in, written or held
    line.update("hubspot", "contacts", contact, jobtitle="CFO")
    line.update("salesforce", "Lead", link.far.id, Company="Elsewhere")
    line.backfill()
    with line.spent() as spent:
        line.rest()
    assert not spent.writes
    with line.store.read() as tx:
        assert links.at(tx, here) == []
        assert inbox.counts(tx).get("new", 0) == 0
    # while others go on
    line.update("hubspot", "contacts", other, jobtitle="CTO")
    line.rest()
    assert "CTO" in {row.get("Title") for row in line.live("salesforce", "Lead").values()}
    line.verify()
    assert [one["operation"] for one in line.lines()].count("forget") == 2


def test_forgetting_again_finishes_what_was_interrupted(line: Line) -> None:
    contact = person(line)
    line.calm()
    forget(line, contact)
    again = forget(line, contact)
    assert again["keys"] == 0
    line.verify()


def test_a_webhook_that_comes_later_is_only_an_address(line: Line) -> None:
    contact = person(line)
    line.calm()
    forget(line, contact)
    line.recheck("leads", contact)
    line.settle()
    with line.store.read() as tx:
        assert inbox.counts(tx).get("skipped", 0) >= 1
    assert line.codes() == []


def test_a_person_in_an_issue_is_shown_to_nobody(line: Line) -> None:
    # Given a contact that matches two leads of that person, so that an issue shows their names
    for company in ("One", "Two"):
        line.create("salesforce", "Lead", LastName=NAME, Email=MAIL, Company=company)
    contact = person(line)
    line.calm()
    (open_issue,) = line.issues()
    assert any(MAIL in one.shown for one in open_issue.candidates)
    lead = open_issue.candidates[0].target
    # When one of the leads is forgotten, the issue no longer shows it
    acts = Acts(line.services, eraser=line.project.spool_eraser())
    acts.forget({"connection": "salesforce", "object": "Lead", "id": lead.id})
    (still,) = line.issues()
    assert {one.target: one.shown for one in still.candidates}[lead] == "forgotten"
    # and when the contact is, the issue goes
    forget(line, contact)
    assert line.issues() == []
    with line.store.read() as tx:
        assert tx.execute(issue.select()).all() == []


def test_a_write_in_doubt_must_be_settled_first(line: Line) -> None:
    # Given a lead that was created, and an answer that was lost; nothing can be looked up either
    contact = person(line)
    line.fault("salesforce", match={"method": "PATCH"}, phase="after", action="reset", times=None)
    line.runner.poll_now()
    while not line.live("salesforce", "Lead"):
        line.runner.round()
    assert "in_doubt" in line.tally()["leads"]
    # Then the person cannot be forgotten yet
    with pytest.raises(ControlError, match="in doubt"):
        forget(line, contact)
    # and can be once it is known what became of the write
    line.clear_faults()
    line.rest()
    assert forget(line, contact)["keys"] >= 1
    line.verify()


def test_what_nobody_knows_cannot_be_forgotten(line: Line) -> None:
    with pytest.raises(ControlError, match="nothing is stored"):
        forget(line, "4711")


def test_no_plain_word_of_a_person_is_ever_in_the_files(line: Line) -> None:
    contact = person(line)
    line.calm()
    assert NAME.encode() not in sealed_and_digested(line)
    forget(line, contact)
    assert NAME.encode() not in sealed_and_digested(line)


def test_links_that_are_made_anew_leave_out_who_was_forgotten(line: Line) -> None:
    """The lead still carries our identity, which names the contact."""
    contact = person(line)
    other = line.create("hubspot", "contacts", lastname="Stays", email="stays@mail.example")
    line.calm()
    with line.store.read() as tx:
        (kept,) = links.at(tx, Address("hubspot", "contacts", other))
    forget(line, contact)
    assert rebuild_links(line.services, line.config.syncs["leads"]) == (0, 1, 1)
    line.rest()
    with line.store.read() as tx:
        assert links.at(tx, Address("hubspot", "contacts", contact)) == []
        assert links.at(tx, Address("hubspot", "contacts", other)) == [kept]


def test_a_plan_says_nothing_of_who_was_forgotten(line: Line) -> None:
    contact = person(line)
    line.calm()
    forget(line, contact)
    for ids in (None, [contact]):
        made = make_plan(line.services, Catalogues(line.services), line.config.syncs["leads"], ids)
        (record,) = made.records
        assert (record.action, record.why) == ("skipped", "forgotten")
        assert (record.target_id, record.fields, record.candidates) == (None, (), ())


def test_what_is_merged_into_a_forgotten_record_is_let_go(line: Line) -> None:
    """The merged record's counterpart is not linked to the one that was forgotten."""
    contact = person(line)
    other = line.create("hubspot", "contacts", lastname="Merged", email="merged@mail.example")
    line.calm()
    forget(line, contact)
    line.mutate("hubspot", "contacts", "merge", contact, loser=other)
    line.recheck("leads", other)  # as the webhook of a merge would
    line.rest()
    here = Address("hubspot", "contacts", contact)
    with line.store.read() as tx:
        assert links.at(tx, here) == []
        assert records.known(tx, [here]) == {}
    line.verify()


def test_nobody_links_to_a_forgotten_record_by_hand(line: Line) -> None:
    for company in ("One", "Two"):
        line.create("salesforce", "Lead", LastName=NAME, Email=MAIL, Company=company)
    person(line)
    line.calm()
    (open_issue,) = line.issues()
    lead = open_issue.candidates[0].target
    acts = Acts(line.services, eraser=line.project.spool_eraser())
    acts.forget({"connection": "salesforce", "object": "Lead", "id": lead.id})
    with pytest.raises(ControlError, match="was forgotten"):
        acts.resolve({"issue": open_issue.id, "link": lead.id})
    with line.store.read() as tx:
        assert links.at(tx, lead) == []


def test_a_request_that_names_who_was_forgotten_is_erased_when_it_is_taken_in(line: Line) -> None:
    """HubSpot's events carry the new values of properties."""
    contact = person(line)
    other = line.create("hubspot", "contacts", lastname="Stays", email="stays@mail.example")
    line.calm()
    forget(line, contact)
    with line.receiving():
        for id in (contact, other):
            line.update("hubspot", "contacts", id, jobtitle="CFO")
            line.delivered()
        line.settle()
    with line.receiving():  # the receiver, whose file it is, erases
        pass
    reader = SpoolReader(line.project.spool_place())
    rows = reader.rows_after(0, 100)
    reader.close()
    assert {row.sealed == b"" for row in rows} == {True, False}
    for row in rows:
        named = {notice.ref.id for notice in row.notices}
        assert (row.sealed == b"") is (contact in named)


def test_a_reader_that_keeps_the_log_is_told_of(
    line: Line, monkeypatch: pytest.MonkeyPatch
) -> None:
    """SQLite cannot clear its log while somebody reads what was there before."""
    contact = person(line)
    line.calm()
    monkeypatch.setattr(database, "BUSY_MILLISECONDS", 100)
    line.restart()
    reader = sqlite3.connect(line.project.state / MAIN_FILE, isolation_level=None)
    reader.execute("BEGIN")
    before = {bytes(key) for (key,) in reader.execute("SELECT sealed FROM person_key")}
    with pytest.raises(ControlError, match="traces are left"):
        forget(line, contact)
    with line.store.read() as tx:
        gone = before - set(tx.execute(person_key.select()).scalars("sealed"))
    assert gone
    assert any(key in sealed_and_digested(line) for key in gone)
    reader.close()
    forget(line, contact)
    assert not any(key in sealed_and_digested(line) for key in gone)
    line.verify()
