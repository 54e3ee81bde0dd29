"""From an empty folder to records in step, by commands alone."""

from __future__ import annotations

import signal
import sqlite3
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from connectors.memory.objects import crm_objects
from connectors.memory.system import MemorySystem
from tests.cli.cli_kit import CEILING_SECONDS, Cli, create


def test_nothing_has_run_yet(project: Cli) -> None:
    found = project.json("status")
    assert found["idle"] is False
    assert found["engine"] == {"running": False, "heartbeat": None, "silent": False}
    assert set(found["syncs"]) >= {"companies", "contacts"}
    assert project.json("issues", "list") == []
    assert project.json("ledger", "verify")["ok"] is True
    assert "No open issues" in project.run("issues", "list").stdout
    assert not project.state.exists(), "looking makes nothing"


def test_until_idle_brings_everything_over(project: Cli) -> None:
    acme = project.company("Acme", "acme.example")
    project.contact("Ada", "ada@acme.example", acme)
    found = project.json("run", "--until-idle")
    assert found["idle"] is True
    assert found["syncs"]["companies"]["deliveries"]["done"] == 1
    assert found["syncs"]["contacts"]["deliveries"]["done"] == 1
    (account,) = project.accounts().values()
    (contact,) = project.live(project.sales, "Contact").values()
    assert account.fields["Name"] == "Acme"
    assert contact.fields["AccountId"] == account.ref.id


def test_a_second_run_writes_nothing(project: Cli) -> None:
    project.company("Acme", "acme.example")
    project.run("run", "--until-idle")
    before = project.accounts()
    lines = project.json("ledger", "verify")["lines"]
    shown = project.run("run", "--until-idle").stdout
    assert project.accounts() == before
    assert project.json("ledger", "verify")["lines"] == lines
    assert "companies" in shown


def test_once_reads_and_delivers_what_is_ready(project: Cli) -> None:
    project.run("run", "--until-idle")
    project.company("Late", "late.example")
    project.run("run", "--once")
    assert [one.fields["Name"] for one in project.accounts().values()] == ["Late"]


def test_what_waits_is_shown_and_is_exit_code_one(project: Cli) -> None:
    company = project.company("Acme", "acme.example")
    project.account("One", "acme.example")
    project.account("Two", "acme.example")
    project.contact("Ada", "ada@acme.example", company)
    found = project.json("run", "--until-idle", code=1)
    assert found["issues"] == 1
    (waiting,) = found["waiting"]
    assert waiting["sync"] == "contacts"
    assert waiting["for"] == [
        {
            "connection": "crm",
            "object": "companies",
            "id": company,
            "to_object": "Account",
            "state": {"companies": "issue"},
        }
    ]
    shown = project.run("status", code=1).stdout
    assert f"waits for crm companies {company} (companies: issue)" in shown
    assert "1 open issue:" in shown


def test_poll_reads_one_sync(project: Cli) -> None:
    project.run("run", "--until-idle")
    project.company("Fresh", "fresh.example")
    create(project.crm, "products", {"name": "Seat", "hs_sku": "S-1"})
    answer = project.json("poll", "companies")
    assert answer == {"sync": "companies", "changes": 1, "deliveries": 1}
    assert len(project.accounts()) == 1
    assert not project.live(project.sales, "Product2")


def test_backfill_reads_the_past_again(project: Cli) -> None:
    for number in range(3):
        project.company(f"C{number}", f"c{number}.example")
    project.run("run", "--until-idle")
    before = project.accounts()
    assert project.json("status")["syncs"]["companies"]["backfill"] == "done"
    answer = project.json("backfill", "companies")
    assert (answer["sync"], answer["since"]) == ("companies", None)
    found = project.json("status")
    assert found["syncs"]["companies"]["backfill"] == "reading"
    assert found["idle"] is False
    project.run("run", "--until-idle")
    assert project.json("status")["syncs"]["companies"]["backfill"] == "done"
    assert project.accounts() == before, "what is right already is not written again"


def test_backfill_reaches_back_as_far_as_asked(project: Cli) -> None:
    file = project.folder / "revline.yaml"
    file.write_text(file.read_text().replace("start_from: everything", "start_from: now"))
    for name, days in (("Ancient", 30), ("Old", 2)):
        then = datetime.now(UTC) - timedelta(days=days)
        system = MemorySystem.open(project.folder / "crm.db", crm_objects(), lambda at=then: at)
        system.create("companies", {"name": name, "domain": f"{name.lower()}.example"})
        system.close()
    project.run("run", "--until-idle")
    assert not project.accounts(), "it started from now"
    day = (datetime.now(UTC) - timedelta(days=7)).date().isoformat()
    project.run("backfill", "companies", "--since", day)
    project.run("run", "--until-idle")
    assert {one.fields["Name"] for one in project.accounts().values()} == {"Old"}
    project.run("backfill", "companies")
    project.run("run", "--until-idle")
    assert {one.fields["Name"] for one in project.accounts().values()} == {"Old", "Ancient"}
    told = [one for one in project.json("ledger", "list") if one["operation"] == "backfill"]
    assert [(one["sync"], one["outcome"]) for one in told] == [("companies", "operator")] * 2


def test_plan_shows_and_applies_exactly_that(project: Cli) -> None:
    project.run("run", "--until-idle")
    company = project.company("Acme", "acme.example")
    plan = project.json("plan", "companies")
    (record,) = plan["records"]
    assert record["action"] == "create"
    assert record["source"] == {"connection": "crm", "object": "companies", "id": company}
    assert {"Name": "Acme"}.items() <= {f["name"]: f["after"] for f in record["fields"]}.items()
    assert plan["calls"] == {"Account create": 1}
    assert not project.accounts(), "a plan writes nothing"
    shown = project.run("plan", "companies").stdout
    assert plan["digest"] in shown
    project.run("plan", "companies", "--apply", plan["digest"])
    (account,) = project.accounts().values()
    assert account.fields["Name"] == "Acme"
    assert project.json("plan", "companies")["counts"] == {"unchanged": 1}


def test_a_plan_is_refused_when_the_world_has_moved(project: Cli) -> None:
    project.run("run", "--until-idle")
    project.company("Acme", "acme.example")
    digest = project.json("plan", "companies")["digest"]
    project.company("Beta", "beta.example")
    answer = project.json("plan", "companies", "--apply", digest, code=1)
    assert answer["error"]["code"] == "plan_changed"
    assert not project.accounts()


def test_links_are_shown_from_either_side(project: Cli) -> None:
    company = project.company("Acme", "acme.example")
    project.run("run", "--until-idle")
    (account,) = project.accounts()
    (near,) = project.json("links", "show", company)
    (far,) = project.json("links", "show", f"sales.Account/{account}")
    assert near["links"][0]["record"] == far["record"]
    assert near["deliveries"] == [{"sync": "companies", "state": "done", "reason": None}]
    assert "link to sales Account" in project.run("links", "show", company).stdout
    project.run("links", "show", "nobody", code=1)


def test_links_are_rebuilt_from_the_target(project: Cli) -> None:
    company = project.company("Acme", "acme.example")
    project.run("run", "--until-idle")
    (account,) = project.accounts()
    for file in project.state.glob("revline.db*"):
        file.unlink()
    (project.state / "ledger.head").unlink()
    answer = project.json("links", "rebuild", "companies")
    assert answer == {"sync": "companies", "made": 1, "already_there": 0, "conflicting": 0}
    (near,) = project.json("links", "show", company)
    assert near["links"][0]["record"]["id"] == account
    assert project.json("links", "rebuild", "companies")["already_there"] == 1


def test_the_ledger_is_exported_and_an_altered_line_is_named(project: Cli) -> None:
    project.company("Acme", "acme.example")
    project.run("run", "--until-idle")
    file = project.folder / "out.jsonl"
    count = project.json("ledger", "export", "--output", str(file))["lines"]
    assert count == len(file.read_text().splitlines())
    printed = project.run("ledger", "export").stdout
    assert printed == file.read_text()
    with sqlite3.connect(project.state / "revline.db") as database:
        database.execute("UPDATE ledger SET line = replace(line, 'create', 'update')")
    answer = project.json("ledger", "verify", code=1)
    assert answer["ok"] is False
    assert answer["fault_seq"] == 1


def test_a_sync_that_is_off_is_not_acted_on(project: Cli) -> None:
    text = (project.folder / "revline.yaml").read_text()
    (project.folder / "revline.yaml").write_text(text.replace("enabled: true", "enabled: false"))
    for command in (("poll",), ("backfill",), ("plan",), ("links", "rebuild")):
        answer = project.json(*command, "companies", code=1)
        assert answer["error"]["code"] == "sync_off"


@pytest.mark.parametrize(
    "point", ["poll.rows.partial:1", "intent.after_commit:2", "claim.after_commit:1", "*:40"]
)
def test_the_same_command_goes_on_after_a_kill(project: Cli, point: str) -> None:
    acme = project.company("Acme", "acme.example")
    project.company("Beta", "beta.example")
    project.contact("Ada", "ada@acme.example", acme)
    process = project.process("run", "--until-idle", REVLINE_FAILPOINT=point)
    process.communicate(timeout=CEILING_SECONDS)
    assert process.returncode == -signal.SIGKILL
    project.run("run", "--until-idle")
    assert sorted(str(one.fields["Name"]) for one in project.accounts().values()) == [
        "Acme",
        "Beta",
    ]
    assert len(project.live(project.sales, "Contact")) == 1
    assert project.json("ledger", "verify")["ok"] is True


def test_the_store_can_be_postgres(project: Cli, postgres: Any) -> None:
    project.environ["REVLINE_STORE"] = postgres.empty()
    file = project.folder / "revline.yaml"
    file.write_text(file.read_text() + "store: ${REVLINE_STORE}\n")
    assert "revline migrate" in project.run("status", code=1).stderr
    project.run("migrate")
    assert project.json("status")["idle"] is False
    company = project.company("Acme", "acme.example")
    assert project.json("run", "--until-idle")["idle"] is True
    assert len(project.accounts()) == 1
    assert project.json("links", "show", company)[0]["links"]
    assert project.json("ledger", "verify")["ok"] is True
    assert not (project.state / "revline.db").exists()
