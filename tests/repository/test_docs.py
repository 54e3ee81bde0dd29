"""The documents agree with the code they are about."""

from __future__ import annotations

import re
from itertools import pairwise
from pathlib import Path

import pytest

from connectors import registry
from connectors.docs import pages
from engine.config.load import load
from engine.mapping.compiled import MappingProgram
from engine.mapping.examples import run_examples
from engine.model import DeliveryState

ROOT = Path(__file__).resolve().parents[2]
DOCS = ROOT / "docs"


@pytest.mark.parametrize("name", sorted(pages()))
def test_connector_pages_are_fresh(name: str) -> None:
    written = (DOCS / "connectors" / name).read_text(encoding="utf-8")
    assert written == pages()[name], "run: python -m connectors.docs docs/connectors"


def test_there_is_no_page_of_a_connector_that_went() -> None:
    assert {path.name for path in (DOCS / "connectors").iterdir()} == set(pages())


def chart() -> set[tuple[str, str]]:
    text = (DOCS / "delivery-states.md").read_text(encoding="utf-8")
    drawn = text.split("```mermaid")[1].split("```")[0]
    return set(re.findall(r"^\s*(\w+|\[\*\]) --> (\w+)", drawn, re.MULTILINE))


def transitions() -> set[tuple[str, str]]:
    text = (DOCS / "delivery-states.md").read_text(encoding="utf-8")
    return set(re.findall(r"^\| `(\w+)` \| `(\w+)` \|", text, re.MULTILINE))


def test_the_chart_has_every_delivery_state() -> None:
    drawn = {state for pair in chart() for state in pair} - {"[*]"}
    assert drawn == {state.value for state in DeliveryState}


def test_the_chart_and_the_table_have_the_same_transitions() -> None:
    assert {pair for pair in chart() if pair[0] != "[*]"} == transitions()


def test_every_state_but_done_can_be_left() -> None:
    assert {state.value for state in DeliveryState} == {one for one, _ in transitions()}


def test_every_state_is_explained() -> None:
    text = (DOCS / "delivery-states.md").read_text(encoding="utf-8")
    told = set(re.findall(r"^\| \*\*(\w+)\*\* \|", text, re.MULTILINE))
    assert told == {state.value for state in DeliveryState}


def test_links_between_documents_lead_somewhere() -> None:
    pages = [*ROOT.glob("*.md"), *DOCS.rglob("*.md"), *ROOT.glob("connectors/*/README.md")]
    broken = [
        f"{path.relative_to(ROOT)} -> {target}"
        for path in pages
        for target in re.findall(r"\]\(([^)#\s]+)", path.read_text(encoding="utf-8"))
        if "://" not in target and not (path.parent / target).exists()
    ]
    assert not broken


def test_decisions_are_numbered_without_gaps_and_indexed() -> None:
    folder = DOCS / "decisions"
    names = sorted(path.name for path in folder.glob("0*.md"))
    numbers = [int(name[:4]) for name in names]
    assert numbers[0] == 1
    assert all(after == before + 1 for before, after in pairwise(numbers)), numbers
    index = (folder / "README.md").read_text(encoding="utf-8")
    assert not [name for name in names if name not in index]


def test_make_prints_what_it_can_do() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    promised = set(re.findall(r"^([a-z]+):.*## ", makefile, re.MULTILINE))
    assert {"help", "demo", "test", "check", "bench", "torture", "lock", "clean"} <= promised


def test_the_licence_is_the_one_declared() -> None:
    text = (ROOT / "LICENSE").read_text(encoding="utf-8")
    assert "Apache License" in text.splitlines()[0]
    assert "Version 2.0, January 2004" in text
    assert 'license = "Apache-2.0"' in (ROOT / "pyproject.toml").read_text(encoding="utf-8")


def test_the_changelog_tells_of_this_version() -> None:
    import tomllib

    version = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
    assert f"## [{version}]" in (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")


def test_the_project_of_the_readme_is_sound(tmp_path: Path) -> None:
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    project, mapping = re.findall(r"```yaml\n(.*?)```", text, re.DOTALL)
    (tmp_path / "mappings").mkdir()
    (tmp_path / "revline.yaml").write_text(project, encoding="utf-8")
    (tmp_path / "mappings" / "company_to_account.yaml").write_text(mapping, encoding="utf-8")
    environ = dict.fromkeys(re.findall(r"\$\{(\w+)\}", project), "x")
    specs = {name: registry.spec(name) for name in registry.kinds()}
    program = load(tmp_path, environ, specs).syncs["companies"].mapping
    assert isinstance(program, MappingProgram)
    results = run_examples(program)
    assert results
    assert not [result for result in results if result.passed]


def test_the_readme_names_only_targets_that_exist() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    targets = set(re.findall(r"^([a-z]+):", makefile, re.MULTILINE))
    for name in ("README.md", "CONTRIBUTING.md"):
        text = (ROOT / name).read_text(encoding="utf-8")
        named = set(re.findall(r"(?:^|`)make ([a-z]+)", text, re.MULTILINE))
        assert named <= targets, name
