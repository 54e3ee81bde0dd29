"""Amendments and renewals: an opportunity and a quote that go on from a contract."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal
from functools import partial
from typing import Any

from sandbox.salesforce.cpq import orders
from sandbox.salesforce.cpq.contracts import current
from sandbox.salesforce.cpq.quotes import LINE, QUOTE, calculate, package, queue
from sandbox.salesforce.errors import Refusal
from sandbox.salesforce.org import Org
from sandbox.salesforce.rules.base import Save
from sandbox.salesforce.values import Row
from sandbox.salesforce.writing import Writer


def before_contract(save: Save) -> None:
    """The flags that ask for the renewal opportunity, and for its quote as well."""
    org = save.org
    for flag, run in (
        ("SBQQ__RenewalForecast__c", forecast_renewal),
        ("SBQQ__RenewalQuoted__c", renew),
    ):
        if not save.given.get(flag):
            continue
        if save.old is not None and save.old.get(flag):
            raise orders.refused(flag, f"This contract already has {flag} set.")
        name = f"renewal of contract {save.row['Id']}"
        queue(org, name, package(org).renewal_seconds, partial(_run, run, save.row["Id"]))


def _run(run: Any, contract_id: str, org: Org) -> None:
    run(org, contract_id)


def amend(org: Org, contract_id: str) -> str:
    """The quote of an amendment: a line per subscription, all of them unchanged so far; its id."""
    contract = _contract(org, contract_id)
    today = org.now().date().isoformat()
    start = contract.get("SBQQ__AmendmentStartDate__c") or today
    body = {
        "SBQQ__Type__c": "Amendment",
        "SBQQ__StartDate__c": max(start, contract.get("StartDate") or start),
        "SBQQ__EndDate__c": contract.get("EndDate"),
    }
    opportunity = _opportunity(
        org, contract, "Amendment", today, {"SBQQ__AmendedContract__c": contract["Id"]}
    )
    quote = _quote(org, contract, opportunity, body)
    for subscription, quantity in current(org, contract["Id"]):
        line = {
            "SBQQ__Existing__c": True,
            "SBQQ__PriorQuantity__c": quantity,
            "SBQQ__UpgradedSubscription__c": subscription["Id"],
        }
        _line(org, quote, subscription, quantity, line)
    calculate(org, quote["Id"])
    return str(quote["Id"])


def renew(org: Org, contract_id: str) -> str:
    """The quote of a renewal, on the renewal opportunity; its id."""
    contract = _contract(org, contract_id)
    opportunity = forecast_renewal(org, contract_id)
    first = date.fromisoformat(contract["EndDate"]) + timedelta(1)
    term = contract.get("SBQQ__RenewalTerm__c") or contract.get("ContractTerm")
    body = {
        "SBQQ__Type__c": "Renewal",
        "SBQQ__StartDate__c": first.isoformat(),
        "SBQQ__SubscriptionTerm__c": Decimal(term) if term is not None else None,
    }
    quote = _quote(org, contract, opportunity, body)
    for subscription, quantity in current(org, contract["Id"]):
        line = {"SBQQ__Renewal__c": True, "SBQQ__RenewedSubscription__c": subscription["Id"]}
        _line(org, quote, subscription, quantity, line)
    calculate(org, quote["Id"])
    return str(quote["Id"])


def forecast_renewal(org: Org, contract_id: str) -> Row:
    """The renewal opportunity, made if there is none yet."""
    contract = _contract(org, contract_id)
    there = org.live(contract.get("SBQQ__RenewalOpportunity__c"))
    if there is not None:
        return there
    if contract.get("EndDate") is None:
        raise Refusal("APEX_ERROR", "A contract without an end cannot be renewed.", status=500)
    more = {"SBQQ__Renewal__c": True, "SBQQ__RenewedContract__c": contract["Id"]}
    opportunity = _opportunity(org, contract, "Renewal", contract["EndDate"], more)
    org.revise(contract["Id"], {"SBQQ__RenewalOpportunity__c": opportunity["Id"]})
    return opportunity


def _contract(org: Org, id: str) -> Row:
    contract = org.live(id)
    if contract is None or org.object_of(id) != "Contract":
        raise Refusal("APEX_ERROR", f"No contract has the id {id}.", status=500)
    return contract


def _opportunity(org: Org, contract: Row, kind: str, closes: str, more: dict[str, Any]) -> Row:
    account = org.row(contract["AccountId"]) or {}
    source = org.row(contract.get("SBQQ__Opportunity__c")) or {}
    body = {
        "Name": f"{kind} for contract #{contract['ContractNumber']}, {account.get('Name')}"[:120],
        "AccountId": contract["AccountId"],
        "StageName": contract.get(f"SBQQ__{kind}OpportunityStage__c") or "Prospecting",
        "CloseDate": closes,
        "Pricebook2Id": source.get("Pricebook2Id"),
        **more,
    }
    if "CurrencyIsoCode" in contract:
        body["CurrencyIsoCode"] = contract["CurrencyIsoCode"]
    return Writer(org, as_system=True).create("Opportunity", body).row


def _quote(org: Org, contract: Row, opportunity: Row, more: dict[str, Any]) -> Row:
    body = {
        "SBQQ__Account__c": contract["AccountId"],
        "SBQQ__Opportunity2__c": opportunity["Id"],
        "SBQQ__Primary__c": True,
        "SBQQ__MasterContract__c": contract["Id"],
        **more,
    }
    if "CurrencyIsoCode" in contract:
        body["CurrencyIsoCode"] = contract["CurrencyIsoCode"]
    return Writer(org, as_system=True).create(QUOTE, body).row


def _line(org: Org, quote: Row, subscription: Row, quantity: Decimal, more: dict[str, Any]) -> None:
    carried = ("SBQQ__Discount__c", "SBQQ__BillingFrequency__c", "SBQQ__PricingMethod__c")
    body = {
        **{name: subscription.get(name) for name in carried},
        "SBQQ__Quote__c": quote["Id"],
        "SBQQ__Product__c": subscription["SBQQ__Product__c"],
        "SBQQ__Quantity__c": quantity,
        **more,
    }
    if subscription.get("SBQQ__PricingMethod__c") == "Custom":
        body["SBQQ__ListPrice__c"] = subscription.get("SBQQ__ListPrice__c")
    Writer(org, as_system=True).create(LINE, body)
