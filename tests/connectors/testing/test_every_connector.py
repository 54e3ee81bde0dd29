"""Every connector that the registry finds keeps the contract: none is left out by forgetting."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from connectors import registry

TESTS = Path(__file__).parents[1]


def folders() -> list[str]:
    """Connectors that live in this repository; others are tested where they live."""
    return [name for name, kind in registry.kinds().items() if kind.spec.startswith("connectors.")]


@pytest.mark.parametrize("name", folders())
def test_the_connector_has_a_contract_test(name: str) -> None:
    test = TESTS / name.replace("-", "_") / "test_contract.py"
    assert test.exists(), f"{name} does not inherit the contract: {test} is missing"
    classes = [
        node for node in ast.walk(ast.parse(test.read_text())) if isinstance(node, ast.ClassDef)
    ]
    heirs = {
        node.name
        for node in classes
        if any(isinstance(base, ast.Name) and base.id == "ConnectorContract" for base in node.bases)
    }
    assert heirs, f"{test} inherits no contract"
    kinds = {
        ast.literal_eval(statement.value)
        for node in classes
        if node.name in heirs
        for statement in node.body
        if isinstance(statement, ast.Assign) and ast.unparse(statement.targets[0]) == "kind"
    }
    assert kinds == {name}


def test_there_is_something_to_hold() -> None:
    assert "memory" in folders()
