"""The demo's own parts, each by itself."""

from __future__ import annotations

from collections import Counter
from decimal import Decimal
from pathlib import Path

import pytest

from engine.demo import calls, cost, findings, folder, line_table
from engine.demo.again import NothingKept, as_left
from engine.demo.edits import Arrival
from engine.demo.live import _is, written
from engine.demo.screen import settled
from engine.demo.won import WonDeal


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


def test_what_hearing_of_a_backfill_costs_is_the_way_back() -> None:
    first = Counter({"leads": 8, cost.FEEDS: 2})
    every = Counter({"leads": 9, cost.FEEDS: 5, cost.BACK: 1})
    assert cost.with_way_back(first, every) == {"leads": 8, cost.FEEDS: 5, cost.BACK: 2}


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


def deal(number: int, currency: str = "EUR", **more: object) -> WonDeal:
    return WonDeal(str(number), "Rollout", currency, Decimal(100), **more)  # type: ignore[arg-type]


def test_the_line_is_added_up_per_currency_and_each_difference_named() -> None:
    deals = [
        deal(1, in_salesforce=Decimal(100)),
        deal(2, "JPY", in_salesforce=Decimal(100)),
        deal(3),
    ]
    steps = dict(line_table.totals(deals))
    assert steps[line_table.WON].amounts == {"EUR": Decimal(200), "JPY": Decimal(100)}
    assert steps[line_table.SALESFORCE].count == 2
    found = line_table.differences(deals, lambda one, step: f"{one.id} {step}")
    lost = [one for one in found if one.after == line_table.SALESFORCE]
    assert [one.reason for one in lost] == [f"3 {line_table.SALESFORCE}"]
    assert line_table.unexplained(deals, found) == []


def test_a_difference_without_a_reason_and_a_foreign_currency_are_told() -> None:
    deals = [deal(1, in_salesforce=Decimal(60), currencies={"USD"})]
    told = line_table.unexplained(deals, [])
    assert (
        told[0]
        == "Closed Won in Salesforce: EUR 40 less than Closed Won in HubSpot, of which 0 explained"
    )
    assert any("deal 1 is in EUR, but held in USD" in one for one in told)


@pytest.mark.parametrize(
    ("amount", "currency", "text"),
    [("1234567.5", "EUR", "1,234,567.50"), ("8000", "JPY", "8,000"), ("1.5", "KWD", "1.500")],
)
def test_amounts_have_the_places_of_their_currency(amount: str, currency: str, text: str) -> None:
    assert line_table.shown(Decimal(amount), currency) == text
    assert line_table.shown(None, currency) == "–"


def test_kinds_of_calls_name_what_was_sent_and_no_value() -> None:
    log = [
        {**entry("POST", "/v1/orders", '{"lines": [{"price": 5}, {"code": "secret"}]}'),
         "headers": {"content-type": "application/json"}, "template": "/v1/orders"},
        {**entry("POST", "/v1/customers", "name=Acme&metadata%5Bid%5D=7"),
         "headers": {"content-type": "application/x-www-form-urlencoded"}, "template": ""},
    ]  # fmt: skip
    orders, customers = calls.kinds_of([*log, log[0]])
    assert (orders["fields"], orders["calls"]) == (["lines[].code", "lines[].price"], 2)
    assert customers["fields"] == ["metadata[id]", "name"]
    assert "secret" not in str(orders)
