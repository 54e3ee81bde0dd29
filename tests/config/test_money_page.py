"""The page about the books, held to the code: kinds, statuses, objects and their fields."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest

from engine.books import records
from engine.books.spec import GROUPS, LINE_OBJECTS, SPEC
from engine.config.mappings import load_mapping, mapping_names
from engine.model import Address
from engine.money.calendar import Period
from engine.money.lines import Reason
from engine.money.model import Fact, FactKind
from engine.money.reporting import Reporting
from engine.money.scheduling import COST, REVENUE
from engine.money.spread import Method
from engine.money.summary import Status
from engine.store import facts
from engine.store.books import Batch, Line
from engine.store.store import Store

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "money.md").read_text(encoding="utf-8")
NOW = datetime(2026, 3, 1, tzinfo=UTC)


def section(heading: str) -> str:
    return re.split(r"(?m)^#+ ", PAGE.split(f"# {heading}\n", 1)[1])[0]


def first_column(heading: str) -> list[str]:
    return re.findall(r"(?m)^\| `([^`]+)` \|", section(heading))


def line(kind: str = REVENUE, reason: Reason = Reason.RELEASE) -> Line:
    month = Period("2026-01")
    family, entity = "subscription", "1"
    return Line(
        1, "S-1", "p", kind, family, entity, "USD", 2, month, month, 83333, reason, "b"
    )  # fmt: skip


def batch(*lines: Line) -> dict[str, Any]:
    keys = {name: "2026-01" if name == "period" else "x" for name in GROUPS}
    return dict(records.batch_record("schedule_lines", Batch("b", keys, 1, NOW, lines)).fields)


@pytest.fixture
def store(tmp_path: Path) -> Store:
    made = Store.open(None, tmp_path, b"k" * 32)
    fact = Fact(
        FactKind.BILLED, "1", 100, "USD", 2, date(2026, 1, 1), contract="S-1", deal="D-1",
        obligation="C-1",
    )  # fmt: skip
    with made.write() as tx:
        facts.settle(tx, {Address("zuora", "invoices", "1"): ((fact,), NOW)}, FactKind, NOW)
    return made


def test_every_kind_of_fact_has_its_line() -> None:
    assert first_column("Facts") == [kind.value for kind in FactKind]


def test_every_kind_names_the_mappings_that_tell_it() -> None:
    told = dict(re.findall(r"(?m)^\| `([a-z_]+)` \|.*\| ([^|]+) \|$", section("Facts")))
    proved = {name: load_mapping(ROOT, name).fact_kinds for name in mapping_names(ROOT)}
    for kind in FactKind:
        mappings = [name for name, kinds in proved.items() if kind in kinds]
        assert re.findall(r"`([a-z_]+)`", told[kind.value]) == mappings, kind


def test_every_status_has_its_line() -> None:
    assert sorted(first_column("Sums and status")) == sorted(status.value for status in Status)


def test_every_object_has_its_line() -> None:
    assert first_column("What can be read") == [one.name for one in SPEC.objects]


def test_every_field_of_a_batch_has_its_line() -> None:
    assert sorted(first_column("Batches")) == sorted(batch(line()))


def test_every_field_of_an_entry_has_its_line() -> None:
    (debit, credit) = batch(line())["entries"]
    assert sorted(first_column("Entries")) == sorted(debit) == sorted(credit)


def test_every_role_and_reason_is_named() -> None:
    told = section("Entries")
    roles = {entry["role"] for kind in LINE_OBJECTS.values() for entry in batch(line(kind))["entries"]}  # fmt: skip  # noqa: E501
    assert len(roles) == 4
    assert COST in LINE_OBJECTS.values()
    for word in (*roles, *(reason.value for reason in Reason)):
        assert f"`{word}`" in told, word


@pytest.mark.parametrize(("read", "id"), [("contract_records", "S-1"), ("deal_records", "D-1")])
def test_every_field_of_contracts_and_deals_has_its_line(store: Store, read: str, id: str) -> None:
    with store.read() as tx:
        (record,) = getattr(records, read)(tx, [id], (), Reporting("EUR", 2, 7)).values()
    store.close()
    assert sorted(first_column("Contracts and deals")) == sorted(record.fields)


def test_every_method_is_explained() -> None:
    page = (ROOT / "docs" / "configuration.md").read_text(encoding="utf-8")
    told = page.split("## Modification", 1)[1].split("|", 1)[0]
    assert set(re.findall(r"`([a-z_]+)`", told)) == {method.value for method in Method}
