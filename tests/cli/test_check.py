"""Faults of the configuration and of accounts, each told once, with its place and what to do."""

from __future__ import annotations

from pathlib import Path

import pytest

from engine.init.project import SANDBOX_CREDENTIALS, contents
from tests.cli.cli_kit import KEY, Cli

SECRETS = {
    "REVLINE_KEY": KEY,
    "HUBSPOT_TOKEN": SANDBOX_CREDENTIALS["token"],
    "HUBSPOT_CLIENT_SECRET": SANDBOX_CREDENTIALS["hubspot_secret"],
    "SALESFORCE_CLIENT_ID": SANDBOX_CREDENTIALS["client_id"],
    "SALESFORCE_CLIENT_SECRET": SANDBOX_CREDENTIALS["client_secret"],
}


def change(project: Cli, name: str, old: str, new: str) -> None:
    file = project.folder / name
    text = file.read_text()
    assert old in text
    file.write_text(text.replace(old, new))


def test_a_sound_project(project: Cli) -> None:
    assert project.json("check")["ok"] is True
    assert "2 connections, 5 syncs (5 running)" in project.run("check").stdout


def test_every_fault_at_once_with_its_place(project: Cli) -> None:
    change(project, "revline.yaml", "from: crm.deals", "from: crn.deals")
    change(project, "revline.yaml", "after: [companies]", "after: [compnies]")
    change(project, "mappings/company_to_account.yaml", "Website: domain\n  B", "Website: = (\n  B")
    result = project.run("check", code=2)
    faults = project.json("check", code=2)["faults"]
    assert len(faults) >= 2
    assert all(one["line"] > 0 and one["column"] > 0 for one in faults)
    for one in faults:
        place = f"{one['file']}:{one['line']}:{one['column']}: {one['message']}"
        assert place in result.stderr
    assert f"{len(faults)} faults in the configuration." in result.stderr


@pytest.mark.parametrize("command", ["status", "run", "plan", "issues", "migrate", "setup"])
def test_no_command_goes_on_with_a_faulty_configuration(project: Cli, command: str) -> None:
    change(project, "revline.yaml", "version: 1", "version: 9")
    words = {"plan": ["companies"], "issues": ["list"], "setup": ["crm"]}
    result = project.run(command, *words.get(command, []), code=2)
    assert "version" in result.stderr
    assert not project.state.exists()


def test_no_project_here(tmp_path: Path) -> None:
    result = Cli(tmp_path).run("status", code=2)
    assert "revline init" in result.stderr


def test_an_example_that_fails_is_told(project: Cli) -> None:
    file = project.folder / "mappings" / "company_to_account.yaml"
    file.write_text(
        file.read_text()
        + "examples:\n"
        + "  - {name: wrong, given: {id: '1', fields: {name: Acme}},"
        + " expect: {fields: {Name: Other}}}\n"
    )
    assert "wrong" in project.run("check", code=2).stdout
    (failed,) = [one for one in project.json("mappings", "test", code=1) if not one["passed"]]
    assert (failed["mapping"], failed["example"]) == ("company_to_account", "wrong")
    shown = project.run("mappings", "test", "company_to_account", code=1).stdout
    assert "0 of 1 examples pass" in shown


def test_online_compares_fields_and_values_on_both_sides(project: Cli) -> None:
    assert project.json("check", "--online")["findings"] == []
    change(project, "mappings/company_to_account.yaml", "BillingCity: city", "BillingCit: town")
    change(project, "mappings/deal_to_opportunity.yaml", "proposal: Proposal", "proposal: Proposed")
    found = project.json("check", "--online", code=1)["findings"]
    by_code = {one["code"]: one for one in found if one["severity"] == "fault"}
    unknown = [one["message"] for one in found if one["code"] == "UNKNOWN_FIELD"]
    assert unknown == ["crm.companies has no field town", "sales.Account has no field BillingCit"]
    assert "mappings/company_to_account.yaml:" in by_code["UNKNOWN_FIELD"]["place"]
    assert "'Proposed'" in by_code["UNKNOWN_VALUE"]["message"]
    shown = project.run("check", "--online", code=1).stdout
    assert "The files are sound, but 3 faults came up in the accounts:" in shown
    assert "The configuration is sound" not in shown
    assert "The configuration is sound" in project.run("check").stdout


def test_online_compares_value_maps_with_both_sets_of_choices(project: Cli) -> None:
    name = "mappings/deal_to_opportunity.yaml"
    change(project, name, "proposal: Proposal", "negotiation: Proposal")
    found = project.json("check", "--online")["findings"]
    told = {one["code"]: one["message"] for one in found}
    assert told == {
        "UNMAPPED_CHOICE": "crm.deals dealstage: the value map stage does not list 'proposal': "
        "a record with such a value becomes an issue",
        "UNKNOWN_CHOICE": "the value map stage lists 'negotiation', "
        "which crm.deals dealstage does not have",
    }
    assert {one["severity"] for one in found} == {"warning"}
    change(project, name, "unmapped: reject", "unmapped: pass")
    (passed, _strange) = project.json("check", "--online")["findings"]
    assert "passes 'proposal' as it is, which StageName does not take" in passed["message"]
    change(project, name, "unmapped: pass", "unmapped: default\n    default: Proposal")
    assert [one["code"] for one in project.json("check", "--online")["findings"]] == [
        "UNKNOWN_CHOICE"
    ]


def test_what_an_account_lacks_is_found_and_set_up(project: Cli) -> None:
    system = project.sales()
    system.drop_field("Account", "Revline_Id__c")
    system.close()
    (finding,) = project.json("check", "--online", code=1)["findings"]
    assert (finding["code"], finding["hint"]) == ("NO_IDENTITY_FIELD", "run revline setup sales")
    steps = project.json("setup", "sales", code=1)["steps"]
    assert [one["object"] for one in steps if one["present"] is False] == ["Account"]
    shown = project.run("setup", "sales", code=1).stdout
    assert "MISSING" in shown
    assert "--apply" in shown
    steps = project.json("setup", "sales", "--apply")["steps"]
    assert [one["object"] for one in steps if one["created"]] == ["Account"]
    assert not any(one["created"] for one in project.json("setup", "sales", "--apply")["steps"])
    assert project.json("check", "--online")["ok"] is True


def test_a_closed_door_is_a_sentence(project: Cli) -> None:
    change(project, "revline.yaml", "objects: crm,", "objects: crm, faults: 'auth_failed=1',")
    found = project.json("check", "--online", code=1)["findings"]
    assert any("crm does not let us in" in one["message"] for one in found)


@pytest.mark.parametrize("sandbox", [False, True])
def test_init_writes_a_project_that_is_sound(tmp_path: Path, *, sandbox: bool) -> None:
    project = Cli(tmp_path / "new", SECRETS)
    answer = project.json("init", *(["--sandbox"] if sandbox else []))
    assert answer["files"] == list(contents(sandbox=sandbox))
    assert {".gitignore", ".env.example", "revline.yaml"} <= set(answer["files"])
    ignored = (project.folder / ".gitignore").read_text().splitlines()
    assert {".revline.key", "state/", ".env"} <= set(ignored)
    assert project.json("check")["ok"] is True
    assert project.run("mappings", "test").exit_code == 0
    for secret in SANDBOX_CREDENTIALS.values():
        assert secret not in (project.folder / "revline.yaml").read_text()


def test_init_overwrites_nothing(tmp_path: Path) -> None:
    project = Cli(tmp_path, SECRETS)
    (tmp_path / "revline.yaml").write_text("mine")
    result = project.run("init", code=2)
    assert "revline.yaml is there already" in result.stderr
    assert sorted(path.name for path in tmp_path.iterdir()) == ["revline.yaml"]
    assert (tmp_path / "revline.yaml").read_text() == "mine"


INDUSTRY = """  Industry: {from: industry, value_map: industry}
value_maps: {industry: {values: {SOFTWARE: Technology}, unmapped: reject}}
examples:
  - name: mapped
    given: {fields: {name: Arc, industry: SOFTWARE}}
    expect: {fields: {Name: Arc, Industry: Technology}}
"""


def test_the_value_maps_of_the_project_fail_no_examples(project: Cli) -> None:
    file = project.folder / "mappings" / "company_to_account.yaml"
    file.write_text(file.read_text().rstrip() + "\n" + INDUSTRY)
    own = "value_maps: {industry: {values: {SOFTWARE: Software}, unmapped: reject}}\n"
    change(project, "revline.yaml", "syncs:\n", own + "syncs:\n")
    assert project.json("check")["failed_examples"] == []
    # an example that is wrong by the file itself is told
    file.write_text(file.read_text().replace("Industry: Technology", "Industry: Software"))
    told = project.json("check", code=2)["failed_examples"]
    assert told == ["company_to_account: example 'mapped' fails"]
