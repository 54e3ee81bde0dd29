"""The golden sync: a dozen records through every stage, undisturbed or with one call gone wrong."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.endtoend.world import BLANK, SYSTEMS, Line

# What differs from run to run: ids, times and who wrote.
VOLATILE = ("Id", "CreatedById", "LastModifiedById", "OwnerId", "hs_object_id", "createdate")
COMPARED = {
    "salesforce": (
        "Account",
        "Contact",
        "Lead",
        "Opportunity",
        "OpportunityLineItem",
        "OpportunityContactRole",
        "Product2",
        "PricebookEntry",
    ),
    "hubspot": ("companies", "contacts", "deals", "line_items", "products"),
}


@dataclass(frozen=True, slots=True)
class Operation:
    """The n-th call of its kind."""

    system: str
    method: str
    path: str
    nth: int


def seeded(line: Line) -> None:
    """Two companies, four people, a product, two deals with lines; one account is there before."""
    line.create("salesforce", "Account", Name="Arc (old)", Website="https://www.arc.example")
    arc = line.create("hubspot", "companies", name="Arc", domain="arc.example")
    line.create("hubspot", "companies", name="Kite", domain="kite.example")
    people = [
        line.create("hubspot", "contacts", lastname=name, email=f"{name.lower()}@mail.example")
        for name in ("Sato", "Berg", "Diaz")
    ]
    line.associate("contacts", people[0], "companies", arc)
    product = line.create("hubspot", "products", name="Seat", hs_sku="SEAT", price="10")
    deal = {
        "dealstage": "appointmentscheduled",
        "pipeline": "default",
        "closedate": "2026-12-01T00:00:00Z",
        "deal_currency_code": "USD",
    }
    big = line.create("hubspot", "deals", dealname="Rollout", **deal)
    line.create("hubspot", "deals", dealname="Pilot", amount="100", **deal)
    line.associate("deals", big, "companies", arc)
    line.associate("deals", big, "contacts", people[0])
    for name in ("one", "two"):
        fields = {"name": name, "hs_product_id": product, "quantity": "2", "price": "10"}
        item = line.create("hubspot", "line_items", **fields)
        line.associate("deals", big, "line_items", item)


def edited(line: Line) -> None:
    """Edits on both sides: updates, and news that goes back to HubSpot."""
    ids = {str(row["dealname"]): id for id, row in line.live("hubspot", "deals").items()}
    line.update("hubspot", "deals", ids["Rollout"], dealname="Rollout 2")
    (company,) = (
        i for i, row in line.live("hubspot", "companies").items() if row["name"] == "Kite"
    )
    line.update("hubspot", "companies", company, city="Lund")
    pilots = line.live("salesforce", "Opportunity").items()
    (pilot,) = (id for id, row in pilots if row["Name"] == "Pilot")
    line.update("salesforce", "Opportunity", pilot, Amount=250)


def run(
    folder: Path, disturb: Callable[[Line], None] = lambda _line: None
) -> tuple[dict[str, Any], list[Operation]]:
    """The golden sync; its final state and every call it made."""
    folder.mkdir(parents=True, exist_ok=True)
    line = Line(folder, sizes=BLANK)
    try:
        seeded(line)
        line.shift(hours=1)
        disturb(line)
        with line.spent() as spent:
            play(line)
        calls = operations(spent.entries)
        return checked(line), calls
    finally:
        line.clear_faults()
        line.close()


def play(line: Line) -> None:
    """Backfill, edits, and rest; what had to wait gets its time."""
    line.calm(20)
    line.rest()
    edited(line)
    for _ in range(3):
        line.shift(minutes=20)
        line.calm(20)


def checked(line: Line) -> dict[str, Any]:
    """The final state, once it is sure that nothing was made twice or left open."""
    assert line.codes() == [], [(one.code, one.parameters) for one in line.issues()]
    for states in line.tally().values():
        assert set(states) <= {"done"}, line.tally()
    for object, counts in line.counts("salesforce").items():
        for id, count in counts.items():
            assert count["creates"] <= 1, (object, id, count)
            assert len(count["ids"]) <= 1, (object, id, count)
    head = line.store.seal()
    from engine.store import ledger  # the store is opened by now

    with line.store.read() as tx:
        assert ledger.verify(tx, line.store.vault, head).fault is None
    return final_state(line)


def final_state(line: Line) -> dict[str, Any]:
    """Everything compared, by our identities and names instead of ids and times."""
    names: dict[str, str] = {}
    for system in SYSTEMS:
        for object in COMPARED[system]:
            for id, row in line.live(system, object).items():
                names[id] = name_of(row)
    found: dict[str, Any] = {}
    for system in SYSTEMS:
        for object in COMPARED[system]:
            rows = [_plain(row, names) for row in line.live(system, object).values()]
            found[f"{system}.{object}"] = sorted(rows, key=str)
    return found


def name_of(row: Mapping[str, Any]) -> str:
    keys = ("Revline_Id__c", "Name", "name", "dealname", "lastname", "email")
    return str(next((row[key] for key in keys if row.get(key)), "?"))


def _plain(row: Mapping[str, Any], names: Mapping[str, str]) -> dict[str, Any]:
    volatile = ("date", "modstamp", "modified", "entered", "revline_id", "viewed", "referenced")
    return {
        key: names.get(str(value), value)
        for key, value in sorted(row.items())
        if key not in VOLATILE and not any(word in key.lower() for word in volatile)
    }


def operations(entries: Mapping[str, list[Any]]) -> list[Operation]:
    """Every call of a run, numbered within its kind."""
    seen: dict[tuple[str, str, str], int] = {}
    found = []
    for system in SYSTEMS:
        for entry in entries[system]:
            key = (system, entry.request.method, entry.request.path)
            seen[key] = seen.get(key, 0) + 1
            found.append(Operation(*key, seen[key]))
    return found
