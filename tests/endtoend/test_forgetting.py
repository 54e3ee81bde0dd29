"""Forgetting a person: nothing of what was stored about them can be found or read again."""

from __future__ import annotations

import pytest

from engine.commands.acts import Acts
from engine.control import ControlError
from engine.model import Address
from engine.store import inbox, links
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
