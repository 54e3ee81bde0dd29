"""Asking for a template: what there is, what there is not, and nothing is overwritten."""

from __future__ import annotations

import pytest

from tests.cli.cli_kit import Cli


def test_without_a_name_the_templates_are_listed(project: Cli) -> None:
    (one,) = project.json("init", "--template")
    assert (one["name"], len(one["phases"])) == ("lead-to-cash", 6)
    assert "4  ERP" in project.run("init", "--template").stdout
    assert not project.folder.exists()


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        (["--template", "lead-to-chas"], "did you mean `lead-to-cash`"),
        (["--template", "lead-to-cash", "--phases", "0"], "'0' is not a phase"),
        (["--template", "lead-to-cash", "--phases", "3-2"], "'3-2' is not a phase"),
        (["--template", "lead-to-cash", "--phases", "1-7"], "several such as 1-6"),
        (["--phases", "1"], "name one with --template"),
    ],
)
def test_what_there_is_not(project: Cli, asked: list[str], said: str) -> None:
    assert said in project.run("init", *asked, code=2).stderr
    assert not project.folder.exists()


def test_a_template_overwrites_nothing(project: Cli) -> None:
    project.folder.mkdir()
    (project.folder / ".gitignore").write_text("mine")
    result = project.run("init", "--template", "lead-to-cash", code=2)
    assert ".gitignore is there already" in result.stderr
    assert [path.name for path in project.folder.iterdir()] == [".gitignore"]


def test_the_sandbox_knows_the_templates(project: Cli) -> None:
    said = project.run("sandbox", "up", "--template", "cash", code=2).stderr
    assert "there are: lead-to-cash" in said
