"""Forgetting from the command line, with an engine and without."""

from __future__ import annotations

import pytest

from tests.cli.cli_kit import Cli


@pytest.fixture
def ada(project: Cli) -> str:
    """A contact that has become a contact on the other side."""
    company = project.company("Acme", "acme.example")
    id = project.contact("Ada", "ada@acme.example", company)
    project.run("run", "--until-idle")
    return id


def test_the_places_are_printed_and_the_ledger_still_verifies(project: Cli, ada: str) -> None:
    answer = project.json("forget", f"crm.contacts/{ada}", "--yes")
    assert answer["records"][0] == {"connection": "crm", "object": "contacts", "id": ada}
    assert [one["connection"] for one in answer["records"]] == ["crm", "sales"]
    assert answer["erased"]["keys"] == 1
    assert answer["erased"]["digests of fields"] == 2
    assert project.json("ledger", "verify")["ok"] is True
    (shown,) = project.json("links", "show", ada)
    assert {one["reason"] for one in shown["links"]} == {"forgotten"}
    said = project.run("forget", f"crm.contacts/{ada}", "--yes").stdout
    assert "Forgotten: crm contacts" in said
    assert "delete them there" in said
    project.run("run", "--until-idle")


def test_it_asks_first(project: Cli, ada: str) -> None:
    refused = project.run("forget", f"crm.contacts/{ada}", code=1)  # nobody answers
    assert "Erase everything" in refused.stdout
    (shown,) = project.json("links", "show", ada)
    assert {one["state"] for one in shown["links"]} == {"active"}
    unasked = project.run("forget", f"crm.contacts/{ada}", "--json", code=2)
    assert "--yes" in unasked.output


def test_a_record_that_nobody_knows_or_that_is_not_written_as_one(project: Cli, ada: str) -> None:
    assert ada
    answer = project.json("forget", "crm.contacts/nobody", "--yes", code=1)
    assert answer["error"]["code"] == "unknown_record"
    answer = project.json("forget", ada, "--yes", code=1)
    assert answer["error"]["code"] == "malformed_record"
    assert "CONNECTION.OBJECT/ID" in answer["error"]["hint"]
