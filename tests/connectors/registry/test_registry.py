"""Finding connectors."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from importlib.metadata import EntryPoint
from pathlib import Path

import pytest

from connectors import registry
from connectors.base import Connector, ConnectorKind, Wiring
from connectors.memory import KIND


@pytest.fixture(autouse=True)
def afresh() -> Iterator[None]:
    registry.kinds.cache_clear()
    yield
    registry.kinds.cache_clear()


def test_folders_are_found() -> None:
    assert registry.kinds()["memory"] is KIND
    assert "testing" not in registry.kinds()


def test_every_kind_has_a_declaration() -> None:
    for name in registry.kinds():
        assert registry.spec(name).name == name
        assert callable(registry.receiver(name)) == registry.spec(name).webhooks


def test_a_near_miss_is_answered_with_the_name() -> None:
    with pytest.raises(registry.UnknownConnector, match="did you mean 'memory'"):
        registry.kind("memori")
    with pytest.raises(registry.UnknownConnector, match=r"there are: .*memory"):
        registry.kind("zzz")


def test_building_gives_a_connector(tmp_path: Path) -> None:
    wiring = Wiring(now=lambda: datetime(2026, 3, 1, tzinfo=UTC), observe=lambda _: None)
    built = registry.build("memory", {"path": str(tmp_path / "a.db")}, wiring)
    assert isinstance(built, Connector)
    assert built.check().environment == "sandbox"


def points(monkeypatch: pytest.MonkeyPatch, name: str, value: str) -> None:
    point = EntryPoint(name, value, registry.GROUP)
    monkeypatch.setattr(registry, "entry_points", lambda group: [point])


OTHER = ConnectorKind("other", "nowhere:SPEC", "nowhere:build")


def test_entry_points_add_connectors(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(EntryPoint, "load", lambda self: OTHER)
    points(monkeypatch, "other", "x:KIND")
    assert registry.kinds()["other"] is OTHER
    with pytest.raises(registry.BrokenConnector, match="other"):
        registry.spec("other")


def test_an_entry_point_that_lies_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(EntryPoint, "load", lambda self: OTHER)
    points(monkeypatch, "another", "x:KIND")
    with pytest.raises(registry.BrokenConnector, match="another"):
        registry.kinds()


def test_a_folder_wins_over_an_entry_point(monkeypatch: pytest.MonkeyPatch) -> None:
    points(monkeypatch, "memory", "nowhere:KIND")
    assert registry.kinds()["memory"] is KIND


def test_looking_imports_no_sdk() -> None:
    code = (
        "import sys; from connectors import registry\n"
        "for name in registry.kinds(): registry.spec(name); registry.receiver(name)\n"
        "print([m for m in ('requests', 'hubspot', 'simple_salesforce') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
