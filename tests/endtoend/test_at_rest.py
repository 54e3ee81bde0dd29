"""What lies on disk tells addresses and codes; values and secrets never."""

from __future__ import annotations

from pathlib import Path

from tests.endtoend.world import SMALL, Line

SHORTEST_CHARACTERS = 6  # shorter values occur by chance in keys and digests


def values(line: Line) -> set[str]:
    """Every text that people typed into either system, as far as a sync reads it."""
    found: set[str] = set()
    fields = ("email", "phone", "name", "firstname", "lastname", "domain", "dealname", "jobtitle")
    fields += ("Name", "Email", "Phone", "Website", "LastName")
    for system, objects in (
        ("hubspot", ("companies", "contacts", "deals", "products")),
        ("salesforce", ("Account", "Contact", "Lead")),
    ):
        for object in objects:
            for record in line.live(system, object).values():
                found.update(str(record[name]) for name in fields if record.get(name))
    return {value for value in found if len(value) >= SHORTEST_CHARACTERS}


def test_no_value_and_no_secret_is_stored_in_clear(tmp_path: Path) -> None:
    # given a settled line with open issues, waits and an ambiguous match
    line = Line(tmp_path, sizes=SMALL)
    line.settle()
    assert line.issues()
    line.store.close()
    # when everything the engine wrote is read as it lies there
    state = Path(line.folder) / "state"
    stored = b"".join(path.read_bytes() for path in state.rglob("*") if path.is_file())
    # then no value of a record and no credential is in it
    assert len(stored) > 100_000
    leaked = sorted(value for value in values(line) if value.encode() in stored)
    assert leaked == []
    secrets = [value for name, value in line.environ.items() if "ID" not in name]
    assert [value for value in secrets if value.encode() in stored] == []
    line.close()
