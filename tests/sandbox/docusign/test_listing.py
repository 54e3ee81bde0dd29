"""Finding envelopes."""

from __future__ import annotations

from typing import Any

import pytest

from .conftest import Client


def field(name: str, value: str) -> dict[str, Any]:
    return {"customFields": {"textCustomFields": [{"name": name, "value": value}]}}


def test_changed_means_that_the_status_changed(account: Client) -> None:
    old = account.envelope()
    account.shift(3_000)
    new = account.envelope()
    since = {"from_date": "2026-09-01T09:00:00Z", "from_to_status": "changed"}
    assert account.found(**since) == [new]
    account.ok("PUT", f"/envelopes/{old}", {"emailSubject": "Other"})
    assert account.found(**since) == [new]
    account.act("sign", old)
    account.act("sign", old)
    assert set(account.found(**since)) == {old, new}
    assert account.found(**since, status="completed") == [old]
    assert account.found(from_date=since["from_date"], from_to_status="created") == [new]


def test_pages_are_counted_from_the_start(account: Client) -> None:
    ids = set()
    for _ in range(5):
        account.shift(1)
        ids.add(account.envelope("created"))
    asked = {"from_date": "2026-09-01T00:00:00Z", "order_by": "created", "order": "asc", "count": 2}
    found: list[str] = []
    for start in (0, 2, 4):
        page = account.ok("GET", "/envelopes", **asked, start_position=start)
        found += [one["envelopeId"] for one in page["envelopes"]]
        assert (page["startPosition"], page["totalSetSize"]) == (str(start), "5")
        assert bool(page["nextUri"]) == (start < 4)
    assert set(found) == ids
    stamps = [account.simulator.account.envelopes[id]["createdDateTime"] for id in found]
    assert stamps == sorted(stamps)
    beyond = account.ok("GET", "/envelopes", **asked, start_position=9)
    assert "envelopes" not in beyond
    assert beyond["resultSetSize"] == "0"


def test_a_custom_field_is_found_by_its_value_in_which_percent_is_any_text(account: Client) -> None:
    one = account.envelope(**field("opportunityId", "OPP-1"))
    two = account.envelope(**field("opportunityId", "OPP-12"))
    account.envelope(**field("other", "OPP-1"))
    assert account.found(custom_field="opportunityId=OPP-1") == [one]
    assert account.found(custom_field="opportunityId=opp-1") == [one]
    assert set(account.found(custom_field="opportunityId=OPP-1%")) == {one, two}
    assert account.found(custom_field="opportunityId=OPP-_") == []


@pytest.mark.parametrize("form", ["envelopes", "statuses"])
def test_a_transaction_is_known_for_seven_days(account: Client, form: str) -> None:
    account.admin("options", {"transaction_answers": form})
    id = account.envelope(transactionId="T-1")
    key = "envelopes" if form == "envelopes" else "envelopeTransactionStatuses"

    def asked() -> list[str]:
        inline = account.ok("GET", "/envelopes", transaction_ids="T-0,T-1")
        body = {"transactionIds": ["T-0", "T-1"]}
        many = account.ok("PUT", "/envelopes/status", body, transaction_ids="request_body")
        found = [[one["envelopeId"] for one in each.get(key, [])] for each in (inline, many)]
        assert found[0] == found[1]
        return found[0]

    assert asked() == [id]
    account.shift(7 * 86_400 + 1)
    account.sign_in()
    assert asked() == []


def test_a_repeated_transaction_makes_a_second_envelope_unless_it_is_refused(
    account: Client,
) -> None:
    assert account.envelope(transactionId="T-1") != account.envelope(transactionId="T-1")
    account.admin("options", {"repeated_transaction": "refused"})
    body = {"status": "created", "transactionId": "T-1"}
    assert account.refused("POST", "/envelopes", body) == "DUPLICATE_TRANSACTION_ID"


def test_the_status_of_many_is_all_that_is_told(account: Client) -> None:
    id = account.envelope()
    none = "00000000-0000-4000-8000-000000000000"
    body = {"envelopeIds": [id, none]}
    (one,) = account.ok("PUT", "/envelopes/status", body, envelope_ids="request_body")["envelopes"]
    assert (one["envelopeId"], one["status"]) == (id, "sent")
    assert "emailSubject" not in one
    assert account.refused("PUT", "/envelopes/status", body) == "INVALID_REQUEST_PARAMETER"


@pytest.mark.parametrize(
    "query",
    [
        {},
        {"from_date": "soon"},
        {"from_date": "2026-09-01", "status": "lost"},
        {"from_date": "2026-09-01", "from_to_status": "lost"},
        {"from_date": "2026-09-01", "order_by": "luck"},
        {"from_date": "2026-09-01", "count": "0"},
        {"from_date": "2026-09-01", "start_position": "-1"},
        {"from_date": "2026-09-01", "custom_field": "West"},
        {"envelope_ids": "7"},
    ],
)
def test_questions_that_make_no_sense(account: Client, query: dict[str, str]) -> None:
    assert account.refused("GET", "/envelopes", **query) == "INVALID_REQUEST_PARAMETER"


def test_the_index_may_lag(account: Client) -> None:
    account.admin("options", {"search_delay_seconds": 60})
    id = account.envelope()
    assert account.found() == []
    account.shift(60)
    assert account.found() == [id]


def test_custom_fields_that_were_used_are_offered_by_the_account(account: Client) -> None:
    account.envelope(**field("dealId", "D-1"))
    offered = account.ok("GET", "/custom_fields")["textCustomFields"]
    assert [one["name"] for one in offered] == ["opportunityId", "quoteId", "dealId"]
