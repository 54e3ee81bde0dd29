"""An operator settles what needs a person, and the ledger says so."""

from __future__ import annotations

import pytest

from tests.cli.cli_kit import Cli


@pytest.fixture
def ambiguous(project: Cli) -> Cli:
    """One company that matches two accounts, and a contact that waits for it."""
    company = project.company("Acme", "acme.example")
    project.account("One", "acme.example")
    project.account("Two", "acme.example")
    project.contact("Ada", "ada@acme.example", company)
    project.run("run", "--until-idle", code=1)
    return project


def operator_lines(project: Cli) -> list[tuple[str, str]]:
    return [
        (line["operation"], line["sync"])
        for line in project.json("ledger", "list")
        if line["outcome"] == "operator"
    ]


def test_an_issue_says_cause_fix_and_candidates(ambiguous: Cli) -> None:
    (issue,) = ambiguous.json("issues", "list")
    assert issue["code"] == "MATCH_AMBIGUOUS"
    assert {one["id"] for one in issue["candidates"]} == set(ambiguous.accounts())
    assert f"revline issues resolve {issue['id']} --link" in issue["fix"]
    shown = ambiguous.run("issues", "show", issue["id"]).stdout
    assert issue["cause"] in shown
    assert ambiguous.json("issues", "list", "--sync", "contacts") == []
    ambiguous.run("issues", "show", "nobody", code=1)


def test_the_link_a_person_chooses_is_made_and_wakes_what_waits(ambiguous: Cli) -> None:
    (issue,) = ambiguous.json("issues", "list")
    chosen = issue["candidates"][1]["id"]
    other = issue["candidates"][0]["id"]
    answer = ambiguous.json("issues", "resolve", issue["id"], "--link", chosen)
    assert answer["linked"]["target"]["id"] == chosen
    assert ambiguous.json("issues", "list") == []
    ambiguous.run("run", "--until-idle")
    accounts = ambiguous.accounts()
    assert accounts[chosen].fields["Name"] == "Acme"
    assert accounts[other].fields["Name"] != "Acme"
    (contact,) = ambiguous.live(ambiguous.sales, "Contact").values()
    assert contact.fields["AccountId"] == chosen
    assert operator_lines(ambiguous) == [("link", "companies")]
    (closed,) = ambiguous.json("issues", "list", "--all")
    assert closed["state"] == "resolved"


@pytest.mark.parametrize(("target", "code"), [("nobody", "no_record"), ("taken", "already_linked")])
def test_a_link_to_the_wrong_record_is_refused(ambiguous: Cli, target: str, code: str) -> None:
    if target == "taken":
        ambiguous.company("Beta", "beta.example")
        ambiguous.run("run", "--until-idle", code=1)
        by_name = {one.fields["Name"]: id for id, one in ambiguous.accounts().items()}
        target = by_name["Beta"]
    (issue,) = ambiguous.json("issues", "list")
    answer = ambiguous.json("issues", "resolve", issue["id"], "--link", target, code=1)
    assert answer["error"]["code"] == code
    assert len(ambiguous.json("issues", "list")) == 1
    assert operator_lines(ambiguous) == []


def test_resolving_with_a_note_leaves_the_record_until_its_next_change(ambiguous: Cli) -> None:
    (issue,) = ambiguous.json("issues", "list")
    ambiguous.run("issues", "resolve", issue["id"], "--note", "a test account")
    assert ambiguous.json("issues", "list") == []
    found = ambiguous.json("run", "--until-idle", code=1)
    assert found["issues"] == 0
    assert found["syncs"]["companies"]["deliveries"]["done"] == 1
    system = ambiguous.crm()
    system.update("companies", issue["source"]["id"], {"name": "Acme Inc"})
    system.close()
    ambiguous.run("run", "--until-idle", code=1)
    (again,) = ambiguous.json("issues", "list")
    assert again["id"] != issue["id"]
    assert operator_lines(ambiguous) == [("resolve", "companies")]
    answer = ambiguous.json("issues", "resolve", issue["id"], code=1)
    assert answer["error"]["code"] == "not_open"


@pytest.mark.parametrize("verb", ["retry", "resync"])
def test_retry_and_resync_deliver_once_the_cause_is_gone(ambiguous: Cli, verb: str) -> None:
    (issue,) = ambiguous.json("issues", "list")
    one, other = issue["candidates"]
    system = ambiguous.sales()
    system.delete("Account", other["id"])
    system.close()
    ambiguous.run("issues", verb, issue["id"])
    ambiguous.run("run", "--until-idle")
    (account,) = ambiguous.accounts().values()
    assert account.ref.id == one["id"]
    assert account.fields["Name"] == "Acme"
    assert ambiguous.json("issues", "list") == []
    assert operator_lines(ambiguous) == [(verb, "companies")]


def test_all_issues_at_once(ambiguous: Cli) -> None:
    (issue,) = ambiguous.json("issues", "list")
    assert ambiguous.json("issues", "retry", "--all") == {"retried": [issue["id"]]}
    ambiguous.run("issues", "retry", code=2)
    ambiguous.run("issues", "retry", issue["id"], "--all", code=2)
    answer = ambiguous.json("issues", "resync", "nobody", code=1)
    assert answer["error"]["code"] == "unknown_issue"


def test_a_paused_connection_is_not_used(project: Cli) -> None:
    project.run("run", "--until-idle")
    project.run("connections", "pause", "sales", "--reason", "release weekend")
    (_crm, sales) = project.json("connections", "list")
    assert (sales["state"], sales["reason"]) == ("paused (OPERATOR)", "release weekend")
    project.company("Acme", "acme.example")
    found = project.json("run", "--until-idle", code=1)
    assert found["paused"] == {"sales": {"code": "OPERATOR", "until": None}}
    assert not project.accounts()
    assert project.json("connections", "resume", "sales")["resumed"] is True
    project.run("run", "--until-idle")
    assert len(project.accounts()) == 1
    assert [one for one, _sync in operator_lines(project)] == ["pause", "resume"]
    project.run("connections", "pause", "nobody", code=1)


def test_another_account_behind_a_connection_stops_it(project: Cli) -> None:
    import sqlite3

    project.run("run", "--until-idle")
    with sqlite3.connect(project.state / "revline.db") as database:
        database.execute("UPDATE connection_state SET account_id = 'other' WHERE name = 'sales'")
    project.company("Acme", "acme.example")
    found = project.json("run", "--until-idle", code=1)
    assert found["paused"]["sales"]["code"] == "ACCOUNT_CHANGED"
    assert not project.accounts(), "nothing is written into a stranger's account"
    rows = project.json("connections", "check", code=1)
    assert {row["name"]: row["ok"] for row in rows} == {"crm": True, "sales": False}
    (finding,) = [
        one
        for one in project.json("check", "--online", code=1)["findings"]
        if one["code"] == "ACCOUNT_CHANGED"
    ]
    assert finding["severity"] == "fault"
