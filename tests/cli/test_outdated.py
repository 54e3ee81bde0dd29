"""A changed mapping: which records it leaves behind, and what a backfill of them costs."""

from __future__ import annotations

from tests.cli.cli_kit import Cli

MAPPING = "mappings/company_to_account.yaml"


def change(project: Cli, old: str = "BillingCity: city", new: str = "BillingCity: name") -> None:
    file = project.folder / MAPPING
    text = file.read_text()
    assert old in text
    file.write_text(text.replace(old, new))


def companies(project: Cli, count: int) -> None:
    system = project.crm()
    for number in range(count):
        domain = f"c{number}.example"
        system.create("companies", {"name": f"C{number}", "domain": domain, "city": "Ulm"})
    system.close()


def test_a_changed_mapping_tells_whom_it_concerns(project: Cli) -> None:
    companies(project, 3)
    project.run("run", "--until-idle")
    assert project.json("status")["syncs"]["companies"]["outdated"] == {"records": 0, "since": None}
    change(project)
    left = project.json("status")["syncs"]["companies"]["outdated"]
    assert left["records"] == 3
    assert left["since"] is not None
    assert project.json("check")["outdated"] == {"companies": left}
    day = left["since"][:10]
    for command in ("status", "check"):
        told = " ".join(project.run(command).stdout.split())
        assert "companies: 3 records were delivered with an older mapping." in told
        assert f"revline backfill companies --since {day} --estimate" in told


def test_the_plan_of_those_shows_and_applies_the_change(project: Cli) -> None:
    companies(project, 2)
    project.run("run", "--until-idle")
    change(project)
    companies_later = project.company("Later", "later.example")
    plan = project.json("plan", "companies", "--outdated")
    assert plan["counts"] == {"update": 2}
    assert plan["outdated"]["records"] == 2
    assert companies_later not in {one["source"]["id"] for one in plan["records"]}
    project.run("plan", "companies", "--outdated", "--apply", plan["digest"])
    cities = {one.fields.get("BillingCity") for one in project.accounts().values()}
    assert cities == {"C0", "C1"}
    assert project.json("status")["syncs"]["companies"]["outdated"]["records"] == 0
    assert project.json("plan", "companies", "--outdated")["records"] == []
    project.run("plan", "companies", "--outdated", "--id", companies_later, code=2)


def test_a_backfill_says_what_it_costs_and_costs_it(project: Cli) -> None:
    file = project.folder / "revline.yaml"
    file.write_text(file.read_text().replace("poll_every: 1s", "poll_every: 1h"))
    companies(project, 120)
    project.run("run", "--until-idle")

    def spent() -> int:
        """The calls of a run, beside those that every run makes."""
        before = project.json("status")["api_calls"]
        project.run("run", "--until-idle")
        after = project.json("status")["api_calls"]
        return sum(after.values()) - sum(before.values())

    idle = spent()
    change(project)
    cost = project.json("backfill", "companies", "--estimate")
    assert (cost["records"], cost["owed"]) == (120, 120)
    assert cost["calls"] == {
        "crm": {"reading": 2, "writing": 0},
        "sales": {"reading": 2, "writing": 2},
    }
    assert project.json("status")["syncs"]["companies"]["backfill"] == "done", "nothing was begun"
    answer = project.json("backfill", "companies")
    assert {name: answer[name] for name in cost} == cost
    assert spent() - idle == 6
    assert project.json("status")["syncs"]["companies"]["outdated"]["records"] == 0
    # Then nothing is owed: the pages are read, and nothing is compared or written
    again = project.json("backfill", "companies", "--estimate")
    assert (again["owed"], again["calls"]["sales"]) == (0, {"reading": 0, "writing": 0})
    told = project.run("backfill", "companies", "--since", "2100-01-01", "--estimate").stdout
    assert "0 known records are read, 0 of them delivered again" in " ".join(told.split())


def test_what_a_shadow_computed_is_not_outdated(project: Cli) -> None:
    file = project.folder / "revline.yaml"
    file.write_text(file.read_text().replace("enabled: true", "enabled: shadow", 1))
    companies(project, 1)
    project.run("run", "--until-idle")
    change(project)
    assert project.json("status")["syncs"]["companies"]["outdated"]["records"] == 0
