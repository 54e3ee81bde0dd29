"""What the vendor says of the whole account's calls is shown where ours are."""

from __future__ import annotations

import sqlite3

from tests.cli.cli_kit import Cli


def test_the_accounts_own_count_is_shown(project: Cli) -> None:
    project.run("run", "--until-idle", code=None)
    heard = '[1234, 15000, "2026-03-01T09:00:00+00:00"]'
    with sqlite3.connect(project.state / "revline.db") as database:
        database.execute("INSERT INTO meta VALUES ('allowance:sales', ?)", (heard,))
    told = {"used": 1234, "limit": 15000, "heard_at": "2026-03-01T09:00:00Z"}
    assert project.json("status", code=None)["allowances"] == {"sales": told}
    rows = {row["name"]: row["allowance"] for row in project.json("connections", "list")}
    assert rows == {"crm": None, "sales": told}
    said = project.run("status", code=None).stdout
    assert "The whole account of sales has used 1,234 of 15,000 API calls." in said
    assert "1,234 of 15,000" in project.run("connections", "list").stdout
