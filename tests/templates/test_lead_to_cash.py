"""The template lead-to-cash: what it writes, phase by phase, and that it runs."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml

from engine.app import connector_specs
from engine.config.load import load
from engine.init import rehearsal
from engine.init.accounts import in_the_sandbox
from engine.init.project import write_project
from engine.init.template import LEAD_TO_CASH, phases_of, template_contents
from engine.mapping.examples import run_examples
from tests.cli.cli_kit import KEY, Cli
from tests.templates.conftest import Sandbox

PHASES = {
    1: ["owners", "companies", "leads", "contacts", "products", "calls", "nurture", "deals",
        "lead_status", "deal_stages", "quotes", "approvals", "signatures", "signed"],
    2: ["billing_accounts", "quoted", "orders", "amendments", "contracts", "subscriptions"],
    3: ["payers", "collections", "payments", "conceded_refunds", "cash_refunds",
        "failed_refunds", "disputes", "reversals"],
    4: ["customers", "invoices", "receipts", "credit_memos", "customer_refunds",
        "cancelled_refunds", "dispute_fees", "periods", "journals"],
    5: ["deal_money", "billing_status", "quote_status"],
    6: ["costs", "cost_journals"],
}  # fmt: skip
INSTEAD = [
    "qualified", "dealhub_quotes", "dealhub_approvals", "dealhub_signatures",
    "deal_accounts", "deal_orders",
]  # fmt: skip
SECRETS = {
    "SALESFORCE_CLIENT_ID", "SALESFORCE_CLIENT_SECRET", "ZUORA_CLIENT_ID", "ZUORA_CLIENT_SECRET",
}  # fmt: skip
"""Of phase 2."""
MEDDPICC = (
    "Metrics__c", "Economic_Buyer__c", "Decision_Criteria__c", "Decision_Process__c",
    "Paper_Process__c", "Identified_Pain__c", "Champion__c", "Competition__c",
)  # fmt: skip


def written(folder: Path, asked: str | None, *, sandbox: bool = False) -> Path:
    running = phases_of(LEAD_TO_CASH, asked)
    write_project(folder, template_contents(LEAD_TO_CASH, running, sandbox=sandbox))
    return folder


@pytest.mark.parametrize("asked", ["1", "2", "3", "4", "5", "6", None])
def test_the_phases_asked_for_run_and_the_others_are_there(
    tmp_path: Path, asked: str | None
) -> None:
    config = load(written(tmp_path, asked), rehearsal.credentials(), connector_specs())
    running = [name for name, sync in config.syncs.items() if sync.enabled.value == "true"]
    assert sorted(running) == sorted(
        name for number in phases_of(LEAD_TO_CASH, asked) for name in PHASES[number]
    )
    everything = [name for names in PHASES.values() for name in names]
    assert sorted(config.syncs) == sorted([*everything, *INSTEAD])


def test_only_running_phases_need_their_secrets(tmp_path: Path) -> None:
    found = rehearsal.credentials()
    config = load(
        written(tmp_path, "2"), {name: found[name] for name in SECRETS}, connector_specs()
    )
    lacking = {name for one in config.connections.values() for name in one.missing}
    assert lacking == set(found) - SECRETS


def test_the_file_is_written_for_people(tmp_path: Path) -> None:
    text = (written(tmp_path, "1-3") / "revline.yaml").read_text()
    syncs = yaml.safe_load(text)["syncs"]
    assert all("enabled" in sync for sync in syncs.values())
    assert [name for name in syncs if name not in INSTEAD] == [
        name for names in PHASES.values() for name in names
    ]
    headings = re.findall(r"^  # -- Phase (\d): ([A-Za-z -]+?) -*$", text, re.MULTILINE)
    assert headings == [(str(n), one) for n, one in enumerate(LEAD_TO_CASH.phases, start=1)]
    variables = set(re.findall(r"\$\{(\w+)\}", text))
    example = (tmp_path / ".env.example").read_text()
    assert set(re.findall(r"^([A-Z_]+)=$", example, re.MULTILINE)) == variables
    assert {path.stem for path in (tmp_path / "mappings").iterdir()} == {
        sync["mapping"] for sync in syncs.values()
    }


def test_its_examples_pass(tmp_path: Path) -> None:
    """For the sandbox `check` runs them, below."""
    config = load(written(tmp_path, None), rehearsal.credentials(), connector_specs())
    results = [
        (sync.name, result.name, result.passed)
        for sync in config.syncs.values()
        for result in run_examples(sync.mapping)  # type: ignore[arg-type]
    ]
    assert len(results) > 100
    assert not [one for one in results if not one[2]]


def test_for_rehearsals_every_connection_is_on_this_machine(tmp_path: Path) -> None:
    text = (written(tmp_path, None, sandbox=True) / "revline.yaml").read_text()
    connections = yaml.safe_load(text)["connections"]
    for name, one in connections.items():
        addresses = [value for key, value in one.items() if key.endswith("_url")]
        assert addresses, name
        assert all(value.startswith("http://127.0.0.1:91") for value in addresses), name
        assert one["allow_loopback"] is True
    for secret in rehearsal.credentials().values():
        assert secret not in text


def test_its_accounts_have_every_field_that_is_its_own() -> None:
    """A field of yours that a mapping of the template names is made in the sandbox."""
    text = str(in_the_sandbox(LEAD_TO_CASH))
    project = template_contents(LEAD_TO_CASH, range(1, 7), sandbox=False)
    named = {
        name
        for file, content in project.items()
        if file.startswith("mappings/") and "quote_to_envelope" not in file
        for name in re.findall(r"\b[A-Z][A-Za-z_]*__c\b", content.split("\nexamples:")[0])
        if not name.startswith(("SBQQ__", "sbaa__")) and name != "Revline_Id__c"
    }
    assert named
    assert not {name for name in named if f"'{name}'" not in text}


def test_the_line_runs_from_init_to_a_quote(project: Cli, sandbox: Sandbox) -> None:
    project.environ = {"REVLINE_KEY": KEY}
    project.run("init", "--template", "lead-to-cash", "--sandbox", "--phases", "1")
    file = project.folder / "revline.yaml"
    text = file.read_text()
    for system, url in sandbox.urls.items():
        text = text.replace(f"http://127.0.0.1:{rehearsal.PORTS[system]}", url)
    file.write_text(text)
    example = (project.folder / ".env.example").read_text()
    for later in ("ZUORA", "STRIPE", "NETSUITE", "DEALHUB"):  # nobody has these credentials yet
        example = re.sub(rf"^{later}_\w+=.*\n", "", example, flags=re.MULTILINE)
    (project.folder / ".env").write_text(example)
    (project.folder / ".env").chmod(0o600)
    for system in ("hubspot", "salesforce", "cpq"):
        project.run("setup", system, "--apply")
    assert project.json("check", "--online")["ok"] is True
    state = {one["name"]: one["state"] for one in project.json("connections", "list")}
    assert [name for name, one in state.items() if one == "not set up"] == [
        "dealhub", "zuora", "stripe", "netsuite"
    ]  # fmt: skip
    told = project.run("setup", "stripe", code=2).stderr
    assert "connection stripe: the environment variable STRIPE_KEY is not set" in told
    # Given one contact whose score is worth a call, and one whose is not
    sandbox.tell("hubspot", "options", {"rate_scale": 1000, "index_delay_seconds": 0})
    fields = {"country": "Germany", "lastname": "Sato"}
    for name, score in (("ada", "86"), ("bo", "20")):
        email = f"{name}@kite.example"
        sandbox.mutate(
            "hubspot", "contacts", "create", None, hubspotscore=score, email=email, **fields
        )
    project.run("run", "--until-idle", code=None)
    # Then they are called and nurtured, and every deal is an opportunity
    (task,) = sandbox.records("salesforce", "Task").values()
    assert task["Subject"] == "Call Sato: score 86"
    assert len(sandbox.records("salesforce", "CampaignMember")) == 1
    opportunities = sandbox.records("salesforce", "Opportunity")
    assert opportunities
    # When a rep has qualified one, it gets its quote
    fields = {**dict.fromkeys(MEDDPICC, "known"), "StageName": "Proposal/Price Quote"}
    sandbox.mutate("salesforce", "Opportunity", "update", next(iter(opportunities)), **fields)
    project.run("run", "--until-idle", code=None)
    (quote,) = sandbox.records("salesforce", "SBQQ__Quote__c").values()
    assert quote["SBQQ__Opportunity2__c"] == next(iter(opportunities))
