"""The packages' REST resources, and approvals."""

from __future__ import annotations

import json
from typing import Any

from cpq_org import LINE, QUOTE, Deal, make_deal

SBQQ = "/services/apexrest/SBQQ/ServiceRouter"
SBAA = "/services/apexrest/sbaa/ServiceRouter"


def twice(answer: Any) -> Any:
    """JSON text inside a JSON string."""
    assert answer.status_code == 200, answer.text
    text = answer.json()
    assert isinstance(text, str)
    return json.loads(text)


def read(deal: Deal) -> Any:
    query = f"?reader=SBQQ.QuoteAPI.QuoteReader&uid={deal.quote}"
    return twice(deal.org.call("GET", SBQQ + query))


def save(deal: Deal, model: Any) -> Any:
    body = {"saver": "SBQQ.QuoteAPI.QuoteSaver", "model": json.dumps(model)}
    return deal.org.call("POST", SBQQ, body)


def calculate(deal: Deal, model: Any) -> Any:
    body = {"context": json.dumps({"quote": model})}
    return deal.org.call("PATCH", SBQQ + "?loader=SBQQ.QuoteAPI.QuoteCalculator", body)


def test_a_model_is_read_calculated_and_saved(org: Any) -> None:
    deal = make_deal(org)
    model = read(deal)
    assert [item["record"]["Id"] for item in model["lineItems"]] == [
        deal.seat_line,
        deal.setup_line,
    ]
    model["lineItems"][0]["record"]["SBQQ__Discount__c"] = 50
    priced = twice(calculate(deal, model))
    assert priced["netTotal"] == 650
    assert deal.of()["SBQQ__NetAmount__c"] == 800  # nothing is saved yet
    assert twice(save(deal, priced))["netTotal"] == 650
    assert deal.of()["SBQQ__NetAmount__c"] == 650
    assert deal.of()["SBQQ__Uncalculated__c"] is False
    assert org.kinds_of_violation() == set()


def test_saving_is_not_idempotent(org: Any) -> None:
    deal = make_deal(org)
    model = read(deal)
    new = {"SBQQ__Product__c": deal.setup, "SBQQ__Quantity__c": 1}
    model["lineItems"].append({"record": {"attributes": {"type": LINE}, **new}, "key": 3})
    twice(save(deal, model))
    # Sent again: the model has no line for the one just made, which therefore goes, and another
    # comes.
    first = {row["Id"] for row in org.query(f"SELECT Id FROM {LINE}")}
    twice(save(deal, model))
    second = {row["Id"] for row in org.query(f"SELECT Id FROM {LINE}")}
    assert len(first) == len(second) == 3
    assert first != second


def test_odd_calls_are_apex_errors(org: Any) -> None:
    deal = make_deal(org)
    model = read(deal)
    del model["lineItemGroups"]
    answer = save(deal, model)
    assert (answer.status_code, answer.json()[0]["errorCode"]) == (500, "APEX_ERROR")
    unpacked = org.call("POST", SBQQ, {"saver": "SBQQ.QuoteAPI.QuoteSaver", "model": {}})
    assert unpacked.status_code == 400
    nobody = org.call("PATCH", SBQQ + "?loader=Nobody", {})
    assert nobody.json()[0]["errorCode"] == "APEX_ERROR"
    missing = org.call("GET", SBQQ + "?reader=SBQQ.QuoteAPI.QuoteReader&uid=0")
    assert missing.json()[0]["errorCode"] == "APEX_ERROR"


def test_contracts_are_amended_and_renewed(org: Any) -> None:
    deal = make_deal(org)
    contract = deal.contracted()
    loader = "?loader=SBQQ.ContractManipulationAPI."
    only = {"context": json.dumps({"returnOnlyQuoteId": True})}
    made = twice(org.call("PATCH", f"{SBQQ}{loader}ContractAmender&uid={contract}", only))
    assert org.read(QUOTE, made["record"]["Id"])["SBQQ__Type__c"] == "Amendment"
    context = {"masterContractId": contract, "renewedContracts": []}
    body = {"context": json.dumps(context)}
    model = twice(org.call("PATCH", f"{SBQQ}{loader}ContractRenewer", body))
    assert model["record"]["SBQQ__Type__c"] == "Renewal"
    assert model["netTotal"] == 300


def submitted(deal: Deal, discount: int) -> list[str]:
    deal.patch(QUOTE, deal.quote, SBQQ__CustomerDiscount__c=discount)
    deal.org.shift(30)
    found: list[str] = deal.org.admin("cpq", {"do": "submit", "id": deal.quote})["cpq"]
    return found


def test_a_small_discount_needs_nobody(org: Any) -> None:
    deal = make_deal(org)
    assert submitted(deal, 20) == []
    quote = deal.of()
    assert (quote["ApprovalStatus__c"], quote["SBQQ__Status__c"]) == ("Approved", "Approved")
    assert quote["ApprovalDecidedOn__c"] is not None


def test_a_large_discount_is_decided_by_a_person(org: Any) -> None:
    deal = make_deal(org)
    (approval,) = submitted(deal, 25)
    assert deal.of()["ApprovalStatus__c"] == "Pending"
    assert deal.of()["ApprovalDecidedOn__c"] is None
    body = {"do": "reject", "id": deal.quote, "comments": "too much"}
    org.admin("cpq", body)
    assert deal.of()["ApprovalStatus__c"] == "Rejected"
    row = org.read("sbaa__Approval__c", approval)
    assert (row["sbaa__Status__c"], row["sbaa__CommentsLong__c"]) == ("Rejected", "too much")
    assert (row["sbaa__RecordField__c"], row["Quote__c"]) == ("Quote__c", deal.quote)
    (second,) = submitted(deal, 24)
    model = {"approvalId": second, "comments": "fine"}
    saver = "SBAA.ApprovalRestApiProvider.Approve"
    call = {"saver": saver, "model": json.dumps(model)}
    assert twice(org.call("POST", SBAA, call))["status"] == "Approved"
    assert deal.of()["ApprovalStatus__c"] == "Approved"
    assert org.read("sbaa__Approval__c", approval)["sbaa__Archived__c"] is True
    again = org.call("POST", SBAA, call)
    assert (again.status_code, again.json()[0]["errorCode"]) == (500, "APEX_ERROR")


def test_an_uncalculated_quote_cannot_be_submitted(org: Any) -> None:
    deal = make_deal(org)
    deal.patch(QUOTE, deal.quote, SBQQ__CustomerDiscount__c=25)
    answer = org.http.post(f"{org.admin_url}/cpq", json={"do": "submit", "id": deal.quote})
    assert answer.status_code == 400
    assert "Calculate" in answer.text


def test_a_recalled_quote_is_a_draft_again(org: Any) -> None:
    deal = make_deal(org)
    (approval,) = submitted(deal, 25)
    org.admin("cpq", {"do": "recall", "id": deal.quote})
    assert deal.of()["SBQQ__Status__c"] == "Draft"
    assert org.read("sbaa__Approval__c", approval)["sbaa__Status__c"] == "Recalled"


def test_options_are_checked(org: Any) -> None:
    for body in (
        {"cpq_term_unit": "month"},
        {"cpq": True, "cpq_term_unit": "week"},
        {"cpq": True, "cpq_order_seconds": -1},
        {"cpq": False},
    ):
        answer = org.http.post(f"{org.admin_url}/options", json=body)
        assert answer.status_code == 400, body
    assert org.admin("options", {"cpq_term_unit": "day"})["options"]["cpq_term_unit"] == "day"
