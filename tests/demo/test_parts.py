"""The demo's own parts, each by itself."""

from __future__ import annotations

from pathlib import Path

import pytest

from engine.demo import cost, findings, folder
from engine.demo.again import NothingKept, as_left
from engine.demo.edits import Arrival
from engine.demo.live import _is, written
from engine.demo.screen import settled


def test_a_folder_that_no_demo_made_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("years of work")
    with pytest.raises(folder.FolderProblem, match="no demo has made"):
        folder.clear(tmp_path)
    assert (tmp_path / "thesis.txt").read_text() == "years of work"


def test_a_demo_folder_is_cleared_and_an_empty_one_is_fine(tmp_path: Path) -> None:
    assert folder.clear(tmp_path / "demo") is False
    urls = {"hubspot": "http://127.0.0.1:1", "salesforce": "http://127.0.0.1:2"}
    secrets = folder.write(tmp_path / "demo", urls, 3, "again")
    assert folder.environment(tmp_path / "demo") == secrets
    assert (tmp_path / "demo" / ".env").stat().st_mode & 0o077 == 0
    assert folder.clear(tmp_path / "demo") is True
    assert folder.clear(tmp_path / "demo") is False


def test_the_simulators_of_no_demo_cannot_be_started_again(tmp_path: Path) -> None:
    with pytest.raises(NothingKept, match="run revline demo"), as_left(tmp_path):
        pass


@pytest.mark.parametrize(
    ("seconds", "share", "value"),
    [
        ([3.0, 1.0, 2.0], 0.5, 2.0),
        ([3.0, 1.0, 2.0], 0.99, 3.0),
        ([1.0], 0.5, 1.0),
        ([], 0.5, None),
        ([float(n) for n in range(1, 201)], 0.99, 198.0),
        ([float(n) for n in range(1, 201)], 0.5, 100.0),
    ],
)
def test_percentiles_are_measured_values(
    seconds: list[float], share: float, value: float | None
) -> None:
    assert findings.percentile(seconds, share) == value


def entry(method: str, path: str, body: str = "", **query: str) -> dict[str, object]:
    return {"method": method, "path": path, "body": body, "query": [*query.items()]}


HUBSPOT_READS = [
    entry("GET", "/crm/objects/2026-09/contacts", archived="false", limit="100"),
    entry("POST", "/crm/objects/2026-09/contacts/search"),
    entry("POST", "/crm/associations/2026-09/deals/line_items/batch/read"),
    entry("GET", "/crm/properties/2026-09/contacts"),
]
QUERY = "/services/data/v67.0/query/"
SALESFORCE_READS = [
    entry("POST", "/services/oauth2/token"),
    entry("GET", QUERY, q="SELECT Id FROM Lead WHERE Email IN ('a')"),
    entry("GET", QUERY, q="SELECT Id FROM Lead WHERE SystemModstamp >= 1"),
]


def test_only_what_may_change_something_is_a_write() -> None:
    assert not any(cost.is_write("hubspot", one) for one in HUBSPOT_READS)
    assert not any(cost.is_write("salesforce", one) for one in SALESFORCE_READS)
    assert cost.is_write("hubspot", entry("POST", "/crm/objects/2026-09/deals/batch/update"))
    assert cost.is_write("salesforce", entry("PATCH", "/services/data/v67.0/composite/sobjects"))
    assert cost.is_write("salesforce", entry("DELETE", "/services/data/v67.0/composite/sobjects"))


def test_every_call_is_counted_once_where_it_belongs() -> None:
    written = entry(
        "PATCH",
        "/services/data/v67.0/composite/sobjects",
        '{"records": [{"attributes": {"type": "Opportunity"}, "id": "1"}]}',
    )
    found = cost.counted({"hubspot": HUBSPOT_READS, "salesforce": [*SALESFORCE_READS, written]})
    assert found == {
        "leads+contacts": 1,
        cost.FEEDS: 2,
        "deals": 2,
        cost.ONCE: 2,
        "leads": 1,
    }


def test_an_arrival_is_the_right_record_field_and_value() -> None:
    body = '{"inputs": [{"id": "7", "properties": {"dealstage": "won", "amount": 5}}]}'
    (record,) = written(entry("POST", "/any", body))
    assert _is(Arrival("hubspot", ("7",), "dealstage", "won"), record)
    assert _is(Arrival("hubspot", ("7",), "amount", None), record)
    assert not _is(Arrival("hubspot", ("7",), "dealstage", "lost"), record)
    assert not _is(Arrival("hubspot", ("8",), "dealstage", "won"), record)
    assert not _is(Arrival("hubspot", ("7",), "closedate", None), record)
    assert written(entry("POST", "/any", "no json")) == []


def test_what_is_being_worked_on_is_not_settled() -> None:
    assert settled({"done": 3, "waiting": 1, "issue": 1, "ready": 9, "leased": 9}) == 5
