"""One bad record, one system down, one account shut: the rest goes on, and nothing is lost."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from tests.endtoend.world import Line, load_hubspot

TOO_LONG = "x" * 300
BAD = 50


def hundred_companies(line: Line) -> list[str]:
    rows = [
        {"name": TOO_LONG if n == BAD else f"Company {n}", "domain": f"c{n}.example"}
        for n in range(100)
    ]
    load_hubspot(line, {"companies": rows})
    line.shift(hours=1)
    return list(line.live("hubspot", "companies"))


def test_one_bad_record_of_a_hundred_is_one_issue_and_ninety_nine_land(line: Line) -> None:
    ids = hundred_companies(line)
    with line.spent() as spent:
        line.settle()
    assert len(line.live("salesforce", "Account")) == 99
    (issue,) = line.issues()
    assert (issue.code, issue.sync, issue.source.id) == ("REFUSED", "companies", ids[BAD])
    assert "Name" in issue.parameters["fields"]
    assert issue.parameters["message"]
    assert spent.of("salesforce", "PATCH", ".") == 1  # one call carried all hundred
    line.verify()


def test_an_issue_says_what_caused_it_and_what_to_do(line: Line) -> None:
    from engine.issues import cause, fix

    hundred_companies(line)
    line.settle()
    (issue,) = line.issues()
    assert "Name" in cause(issue.code, issue.parameters)
    assert fix(issue.code, issue.parameters, issue.id)


def test_fixing_the_source_closes_the_issue(line: Line) -> None:
    ids = hundred_companies(line)
    line.settle()
    assert line.codes() == ["REFUSED"]
    line.update("hubspot", "companies", ids[BAD], name="Short")
    with line.spent() as spent:
        line.rest()
    assert line.codes() == []
    assert len(line.live("salesforce", "Account")) == 100
    assert spent.of("salesforce", "PATCH", ".") == 1
    line.verify()


def test_two_companies_with_one_domain_in_one_batch_make_one_account(line: Line) -> None:
    load_hubspot(
        line,
        {"companies": [{"name": name, "domain": "same.example"} for name in ("One", "Two")]},
    )
    line.calm()
    (account,) = line.live("salesforce", "Account")
    (issue,) = line.issues()
    assert issue.code == "MATCH_ALREADY_LINKED"
    assert [one.target.id for one in issue.candidates] == [account]


def test_a_record_that_matches_two_targets_is_never_written(line: Line) -> None:
    found = [
        line.create("salesforce", "Account", Name=name, Website=site)
        for name, site in (("A", "https://www.dup.example/"), ("B", "dup.example"))
    ]
    load_hubspot(line, {"companies": [{"name": "Dup", "domain": "dup.example"}]})
    with line.spent() as spent:
        line.calm()
    (issue,) = line.issues()
    assert issue.code == "MATCH_AMBIGUOUS"
    assert sorted(one.target.id for one in issue.candidates) == sorted(found)
    assert not spent.writes


def down(line: Line, system: str) -> None:
    body = "<html><body>down for maintenance</body></html>"
    line.fault(system, match={}, action="status", status=503, body=body, times=None)


def test_with_salesforce_down_hubspot_is_still_read_and_nothing_is_lost(line: Line) -> None:
    # Given both at rest, and Salesforce gone
    contact = line.create("hubspot", "contacts", lastname="Sato", email="sato@kite.example")
    line.calm()
    line.rest()
    down(line, "salesforce")
    # When people go on working in HubSpot
    line.update("hubspot", "contacts", contact, jobtitle="CFO")
    line.create("hubspot", "companies", name="Arc", domain="arc.example")
    line.shift(minutes=10)
    line.runner.poll_now()
    with line.spent() as spent:
        for _ in range(5):
            line.runner.round()
            line.shift(seconds=1)
    # Then HubSpot has been read, and the work waits
    assert spent.of("hubspot", "POST", "/search$") >= 5
    open_states = [set(states) - {"done"} for states in line.tally().values()]
    assert any(open_states)
    # And when it is back, all of it lands
    line.clear_faults()
    line.rest(minutes=20)
    line.rest(minutes=20)
    assert line.one("salesforce", "Lead")["Title"] == "CFO"
    assert line.one("salesforce", "Account")["Name"] == "Arc"
    assert line.codes() == []


def test_with_hubspot_down_what_is_known_already_is_still_delivered(line: Line) -> None:
    contact = line.create("hubspot", "contacts", lastname="Sato", email="sato@kite.example")
    line.calm()
    line.rest()
    (lead,) = line.live("salesforce", "Lead")
    down(line, "hubspot")
    line.update("salesforce", "Lead", lead, Status="Working - Contacted")
    line.shift(minutes=10)
    line.runner.poll_now()
    for _ in range(5):
        line.runner.round()
        line.shift(seconds=1)
    assert line.live("hubspot", "contacts")[contact]["hs_lead_status"] == "NEW"
    line.clear_faults()
    line.rest(minutes=20)
    line.rest(minutes=20)
    assert line.live("hubspot", "contacts")[contact]["hs_lead_status"] == "IN_PROGRESS"
    assert line.codes() == []


@pytest.mark.parametrize("system", ["hubspot", "salesforce"])
def test_revoked_credentials_pause_the_connection_until_it_is_resumed(
    line: Line, system: str
) -> None:
    line.create("hubspot", "contacts", lastname="Sato", email="sato@kite.example")
    line.calm()
    line.rest()
    revoke(line, system)
    line.create("hubspot", "companies", name="Arc", domain="arc.example")
    line.shift(minutes=10)
    line.runner.poll_now()
    for _ in range(5):
        line.runner.round()
        line.shift(seconds=1)
    # Paused, with a reason a person understands, and no further call
    state = line.connection(system)
    assert state is not None
    assert state.paused_code
    assert state.paused_reason
    line.shift(hours=1)
    line.runner.poll_now()
    with line.spent() as spent:
        for _ in range(3):
            line.runner.round()
    assert [call for call in spent.calls if call[0] == system] == []
    # Resumed, all of it lands
    restore(line, system)
    line.resume(system)
    line.rest()
    assert line.one("salesforce", "Account")["Name"] == "Arc"
    assert line.codes() == []


def revoke(line: Line, system: str) -> None:
    if system == "hubspot":
        status, body = 401, '{"status": "error", "category": "INVALID_AUTHENTICATION"}'
    else:
        line.post("salesforce", "revoke_sessions", {})
        status, body = 400, '{"error": "invalid_client", "error_description": "revoked"}'
    path = "oauth2/token" if system == "salesforce" else "."
    json = {"Content-Type": "application/json"}
    line.fault(
        system,
        match={"path": path},
        action="status",
        status=status,
        body=body,
        headers=json,
        times=None,
    )


def restore(line: Line, system: str) -> None:
    line.simulator(system).faults.clear()


def test_a_spent_daily_limit_pauses_salesforce_and_it_goes_on_by_itself(line: Line) -> None:
    line.create("hubspot", "contacts", lastname="Sato", email="sato@kite.example")
    line.calm()
    line.rest()
    line.options("salesforce", daily_limit=1000, calls_used=1000)
    line.create("hubspot", "companies", name="Arc", domain="arc.example")
    line.shift(minutes=10)
    line.runner.poll_now()
    for _ in range(5):
        line.runner.round()
        line.shift(seconds=1)
    state = line.connection("salesforce")
    assert state is not None
    assert state.paused_code
    assert state.paused_until is not None
    assert line.live("salesforce", "Account") == {}
    line.options("salesforce", daily_limit=100_000, calls_used=0)
    line.rest(hours=2)
    line.rest()
    assert line.one("salesforce", "Account")["Name"] == "Arc"
    assert line.codes() == []


def test_a_limit_is_waited_out_without_a_call_and_costs_no_try(line: Line) -> None:
    line.create("hubspot", "companies", name="Arc", domain="arc.example")
    line.fault(
        "salesforce",
        match={"method": "PATCH"},
        action="status",
        status=429,
        headers={"Retry-After": "30"},
        times=6,  # more often than a delivery has tries
    )
    line.calm(20)
    assert line.one("salesforce", "Account")["Name"] == "Arc"
    assert line.codes() == []
    kinds = [one["kind"] for one in line.salesforce.journal.violations]
    assert kinds == []


def test_a_short_limit_on_a_read_is_waited_out_as_told(line: Line) -> None:
    line.create("hubspot", "companies", name="Arc", domain="arc.example")
    line.fault(
        "hubspot",
        match={"path": "companies/search"},
        action="status",
        status=429,
        headers={"Retry-After": "4"},
    )
    with line.spent() as spent:
        line.calm()
    searches = [e for e in spent.entries["hubspot"] if "companies/search" in e.request.path]
    refused, again = (datetime.fromisoformat(entry.time) for entry in searches[:2])
    assert searches[0].status == 429
    assert again - refused >= timedelta(seconds=4)
    assert line.one("salesforce", "Account")["Name"] == "Arc"
    assert line.codes() == []


def test_a_redirect_is_never_followed(line: Line) -> None:
    line.create("hubspot", "companies", name="Arc", domain="arc.example")
    line.settle()
    elsewhere = f"{line.urls['salesforce']}/services/data/elsewhere"
    line.fault("hubspot", match={"path": "companies/search"}, action="redirect", location=elsewhere)
    line.shift(minutes=10)
    with line.spent() as spent:
        line.rest()
    assert spent.on("salesforce", "GET", "elsewhere") == 0
    assert spent.on("salesforce", "POST", "elsewhere") == 0
