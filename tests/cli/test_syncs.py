"""``revline syncs --explain``: prose and a picture, for people and for programs."""

from __future__ import annotations

from tests.cli.cli_kit import Cli


def test_syncs_are_told_in_sentences_with_a_picture(project: Cli) -> None:
    shown = project.run("syncs", "--explain").stdout
    assert "companies: When a company in Memory (crm) is new or changes, create" in shown
    drawn = shown.split("```mermaid\n")[1].split("```")[0]
    assert drawn.startswith("flowchart LR\n")
    assert 'c_crm -->|"companies: companies → Account"| c_sales' in drawn


def test_programs_get_both(project: Cli) -> None:
    plain, whole = project.json("syncs"), project.json("syncs", "--explain")
    assert whole["syncs"] == plain
    assert whole["picture"].startswith("flowchart LR\n")
    assert plain[0]["explained"].startswith("When a company in Memory (crm)")


def test_syncs_in_a_table(project: Cli) -> None:
    names = ["companies", "contacts", "products", "deals", "opportunities"]
    assert [one["name"] for one in project.json("syncs")] == names
    assert "company_to_account" in project.run("syncs").stdout
