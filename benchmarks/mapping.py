"""What mapping one record costs: a compiled mapping of twenty fields beside the same in code."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from time import perf_counter

from benchmarks import world
from connectors.memory.declarations import SPEC
from connectors.records import Record, Ref
from engine.config.load import load
from engine.config.model import Config
from engine.mapping.model import Desired, Lookups, SourceView

RUNS = 5_000
ROUNDS = 3
EXPRESSIONS = (
    "lastname",
    "firstname",
    "= lower(email)",
    "phone",
    "= trim(lastname)",
    "= upper(firstname)",
    "{from: lastname, default: Unknown}",
    "= firstname + ' ' + lastname",
    "{const: revline}",
    "= email if email is not None else 'none'",
)


def mapping_microseconds() -> tuple[float, float]:
    """Microseconds per record: ours, and plain code's."""
    with tempfile.TemporaryDirectory() as folder:
        program = _project(Path(folder)).syncs[world.SYNC].mapping
    view = SourceView(record=_record(), children={})
    nothing = Lookups()
    assert isinstance(program.map(view, nothing), Desired)
    ours = _best(lambda: program.map(view, nothing))
    return ours, _best(lambda: _plain(view.record))


def _project(folder: Path) -> Config:
    fields = "".join(
        f"  Field{number}__c: {EXPRESSIONS[number % len(EXPRESSIONS)]}\n" for number in range(20)
    )
    world.project(folder / "project")
    path = folder / "project" / "mappings" / "contacts.yaml"
    path.write_text(world.MAPPING.split("fields:")[0] + "fields:\n" + fields, encoding="utf-8")
    return load(folder / "project", {}, {"memory": SPEC})


def _record() -> Record:
    return replace(Record(Ref("contacts", "1"), world.contact(7)), version=world.START)


def _plain(record: Record) -> dict[str, object]:
    fields = record.fields
    first, last, email = str(fields["firstname"]), str(fields["lastname"]), str(fields["email"])
    found: dict[str, object] = {}
    for half in (0, 10):
        found[f"Field{half}__c"] = last
        found[f"Field{half + 1}__c"] = first
        found[f"Field{half + 2}__c"] = email.lower()
        found[f"Field{half + 3}__c"] = fields["phone"]
        found[f"Field{half + 4}__c"] = last.strip()
        found[f"Field{half + 5}__c"] = first.upper()
        found[f"Field{half + 6}__c"] = last or "Unknown"
        found[f"Field{half + 7}__c"] = f"{first} {last}"
        found[f"Field{half + 8}__c"] = "revline"
        found[f"Field{half + 9}__c"] = email or "none"
    return found


def _best(work: Callable[[], object]) -> float:
    best = float("inf")
    for _ in range(ROUNDS):
        started = perf_counter()
        for _ in range(RUNS):
            work()
        best = min(best, perf_counter() - started)
    return best / RUNS * 1_000_000
