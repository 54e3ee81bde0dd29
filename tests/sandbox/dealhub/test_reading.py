"""Reading: the 403, the 400 of an unknown id, features, pages that count in text."""

from __future__ import annotations

from decimal import Decimal

import pytest

BARE = {"dealhub_quote_id", "status", "quote_upgrade_required"}


@pytest.mark.parametrize("header", ["Bearer nope", "Basic abc", "", "bearer"])
def test_a_bad_token_is_a_403(client, header) -> None:
    answer = client.call("GET", "/api/v2/quotes", headers={"Authorization": header})
    assert answer.status_code == 403
    assert answer.json() == {"error": "Unauthenticated"}


def test_an_unknown_id_is_a_400(client) -> None:
    text = client.refused("GET", "/api/v2/quote/NOBODY")
    assert text == "Entity (ID = NOBODY) not found"
    assert "not found" in client.refused("GET", "/api/v1/request/NOBODY/status")
    assert "not found" in client.refused("GET", "/api/v1/quote/id/Q-1")
    assert "No DealRoom" in client.refused("GET", "/api/v1/dealroom/006A")
    assert "Limit exceeded" in client.refused("GET", f"/api/v2/quote/{'x' * 17}")


def test_a_path_nobody_knows_is_a_404(client) -> None:
    assert client.call("GET", "/api/v3/quotes").status_code == 404


def test_features_are_a_gate(client) -> None:
    id = client.generate()
    assert set(client.get(f"/api/v2/quote/{id}")) == BARE
    assert set(client.get(f"/api/v2/quote/{id}", "info", "summary")) == BARE | {"info", "summary"}
    whole = client.get(f"/api/v2/quote/{id}", "all")
    assert set(whole) == BARE | {
        "info", "summary", "deal_room_info", "line_items", "answers", "approvals"
    }  # fmt: skip
    assert "feature" in client.refused("GET", "/api/v2/quotes", params={"feature": "price"})
    assert "feature" in client.refused("GET", "/api/v2/quotes", params={"feature": "info,summary"})


def test_a_quote_as_the_vendor_prints_it(client) -> None:
    id = client.generate(quote_name="Three years")
    quote = client.get(f"/api/v2/quote/{id}", "all")
    assert len(id) == 16
    assert quote["status"] == "Draft"
    assert quote["info"]["dealhub_quote_name"] == "Three years"
    assert quote["info"]["creation_date"] == "2026-09-01 08:00:00"
    assert quote["info"]["dealhub_quote_number"] == "Q_101"
    assert quote["info"]["account_name"] == "Acme"
    (line,) = quote["line_items"]
    assert line["product_factors"] == {"Quantity": "2.0"}
    assert line["net_price"] == 2 * line["net_per_unit"]
    assert quote["summary"]["total_net_price"] == line["net_price"]
    (answer,) = quote["answers"]
    assert (answer["question_id"], answer["answer"]) == ("term", "12")


def test_outdated_drafts_show_nothing(client) -> None:
    id = client.generate()
    client.person("outdate", id)
    quote = client.get(f"/api/v2/quote/{id}", "all")
    assert set(quote) == BARE
    assert quote["quote_upgrade_required"] is True
    client.person("upgrade", id)
    assert "info" in client.get(f"/api/v2/quote/{id}", "all")
    client.person("submit", id)
    assert "drafts" in client.cannot("outdate", id)


def test_pages_count_in_text(client) -> None:
    for _ in range(5):
        client.generate()
    page = client.get("/api/v2/quotes", offset=1, limit=2)
    assert page["info"] == {
        "more_results_matching_the_request": True,
        "offset": "1",
        "limit": "2",
    }
    assert [set(quote) for quote in page["quotes"]] == [BARE, BARE]
    assert client.get("/api/v2/quotes")["info"]["limit"] == "50"
    last = client.get("/api/v2/quotes", offset=3, limit=2)
    assert last["info"]["more_results_matching_the_request"] is False


@pytest.mark.parametrize(
    "query",
    [{"limit": 51}, {"limit": 0}, {"limit": "x"}, {"offset": -1}, {"offset": 10001},
     {"offset": "٣"}, {"modified_since": "2026-01-01"}, {"sort": "created"}],
)  # fmt: skip
def test_what_a_list_does_not_take(client, query) -> None:
    client.refused("GET", "/api/v2/quotes", params=query)


def test_nothing_found_is_an_empty_array(client) -> None:
    client.generate()
    nobody = {"external_opportunity_id": "006B"}
    assert client.get("/api/v2/quotes", **nobody) == []
    client.admin("options", {"empty_answer": "object"})
    assert client.get("/api/v2/quotes", **nobody)["quotes"] == []
    assert len(client.get("/api/v2/quotes", external_opportunity_id="006A")["quotes"]) == 1


def test_the_id_of_the_crm(client) -> None:
    id = client.generate()
    client.person("update", id, external_quote_id="a0Q1")
    path, flag = "/api/v2/quote/a0Q1", {"external_identifier_flag": "true"}
    assert client.get(path, **flag)["dealhub_quote_id"] == id
    client.refused("GET", path)
    client.refused("GET", path, params={"external_identifier_flag": "yes"})


def test_stray_quotes_in_keys(client) -> None:
    id = client.generate()
    client.admin("options", {"stray_quotes": True})
    quote = client.get(f"/api/v2/quote/{id}", "all")
    assert 'line_items"' in quote
    assert "line_items" not in quote
    assert 'contact_name"' in quote["info"]


@pytest.mark.parametrize(
    ("style", "told"),
    [("camel", "ReadyToBeSent"), ("spaced", "Ready To Be Sent"), ("upper", "READY_TO_BE_SENT")],
)
def test_spellings_of_a_status(client, style, told) -> None:
    client.admin("options", {"status_style": style})
    id = client.generate(request_action="submit")
    assert client.get(f"/api/v2/quote/{id}")["status"] == told


def test_documents(client) -> None:
    id = client.generate(document_type="PDF")
    assert "draft" in client.refused("GET", f"/api/v1/quote/{id}/document")
    client.person("submit", id)
    assert client.call("GET", f"/api/v1/quote/{id}/document").content.startswith(b"%PDF")
    word = client.call("GET", f"/api/v1/quote/{id}/document", params={"document_type": "WORD"})
    assert word.status_code == 200
    for kind in ("EXCEL", "ODT"):
        client.refused("GET", f"/api/v1/quote/{id}/document", params={"document_type": kind})


def test_a_proposal_leads_to_its_quote(client) -> None:
    id = client.generate()
    proposal = client.simulator.tenant.quotes[id]["dealhub_proposal_id"]
    assert client.get(f"/api/v1/quote/id/{proposal}") == {"dealhub_quote_id": id}


def test_amounts_have_the_currencys_decimals(client) -> None:
    for currency, exponent in (("USD", -2), ("JPY", 0), ("KWD", -3)):
        data = {**client.body()["opportunity_data"], "currency": currency}
        id = client.generate(
            external_opportunity_id=currency, opportunity_data=data, total_sales_discount=7.5
        )
        net = client.simulator.tenant.quotes[id]["summary"]["total_net_price"]
        assert isinstance(net, Decimal)
        assert net.as_tuple().exponent == exponent
