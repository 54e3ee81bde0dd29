"""Every deal that was won, followed from HubSpot to the ledger by looking at the systems alone."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Final

from engine.demo.simulators import live

WON_IN_HUBSPOT: Final = "closedwon"
WON_IN_SALESFORCE: Final = "Closed Won"
ZERO: Final = Decimal(0)
EXPONENTS: Final = {"JPY": 0, "KWD": 3}
"""Decimals of a currency, where they are not two."""
_CONTRACT: Final = re.compile(r"\bS-(\w+)")

States = Mapping[str, Mapping[str, Mapping[str, Mapping[str, Any]]]]
"""System → object → id → record."""


@dataclass(slots=True)
class WonDeal:
    """One deal and what each system holds of it, in its currency.

    ``None`` is a step the deal has not reached. ``billed`` and ``recognised`` are without tax;
    ``due``, ``booked``, ``paid``, ``received``, ``credited`` and ``refunded`` are with it.
    """

    id: str
    name: str
    currency: str
    won: Decimal
    company: str | None = None
    opportunity: str | None = None
    quote: str | None = None
    account: str | None = None
    in_salesforce: Decimal | None = None
    ordered: Decimal | None = None
    billed: Decimal | None = None
    tax: Decimal = ZERO
    due: Decimal | None = None
    booked: Decimal | None = None
    credited: Decimal = ZERO
    paid: Decimal = ZERO
    refunded: Decimal = ZERO
    disputed: Decimal = ZERO
    received: Decimal = ZERO
    recognised: Decimal = ZERO
    shown_in_salesforce: Decimal | None = None
    shown_in_hubspot: Decimal | None = None
    status: str | None = None
    status_in_hubspot: str | None = None
    invoices: list[str] = field(default_factory=list)
    currencies: set[str] = field(default_factory=set)
    """Every currency in which a system holds an amount of it."""


def followed(states: States) -> list[WonDeal]:
    """The won deals of HubSpot, in the order of their ids."""
    deals = [
        _begun(id, record)
        for id, record in live(states["hubspot"]["deals"]).items()
        if record["properties"]["dealstage"] == WON_IN_HUBSPOT
    ]
    _sold(deals, states["salesforce"])
    _billed(deals, states["zuora"])
    _given_back(deals, states["stripe"])
    _booked(deals, states["netsuite"])
    return sorted(deals, key=lambda deal: int(deal.id))


def _begun(id: str, record: Mapping[str, Any]) -> WonDeal:
    properties = record["properties"]
    companies = record["associations"].get("companies") or [None]
    return WonDeal(
        id=id,
        name=str(properties["dealname"]),
        currency=str(properties["deal_currency_code"]),
        won=_amount(properties.get("amount")),
        company=companies[0],
        shown_in_hubspot=_perhaps(properties.get("paid_amount")),
        status_in_hubspot=properties.get("billing_status"),
    )


def _sold(deals: Iterable[WonDeal], state: Mapping[str, Mapping[str, Any]]) -> None:
    found = {row.get("Revline_Id__c"): row for row in live(state["Opportunity"]).values()}
    for deal in deals:
        row = found.get(f"revline-deals-{deal.id}")
        if row is None:
            continue
        deal.opportunity, deal.account = row["Id"], row.get("AccountId")
        deal.quote = row.get("SBQQ__PrimaryQuote__c")
        deal.currencies.add(row["CurrencyIsoCode"])
        if row["StageName"] == WON_IN_SALESFORCE:
            deal.in_salesforce = _amount(row.get("Amount"))
        deal.shown_in_salesforce = _perhaps(row.get("Paid_Amount__c"))
        deal.status = row.get("Billing_Status__c")


def _billed(deals: Iterable[WonDeal], state: Mapping[str, Mapping[str, Any]]) -> None:
    by_contract = {f"S-{deal.opportunity}": deal for deal in deals if deal.opportunity}
    contract_of = {row["id"]: row["name"] for row in state["subscriptions"].values()}
    for row in state["rate-plan-charges"].values():
        deal = by_contract.get(contract_of.get(row["subscriptionId"], ""))
        if deal is not None:
            deal.ordered = (deal.ordered or ZERO) + _amount(row["tCV"])
    of_invoice: dict[str, WonDeal] = {}
    for row in state["invoice-items"].values():
        deal = by_contract.get(row.get("subscriptionNumber") or "")
        invoice = state["invoices"][row["invoiceId"]]
        if deal is None or invoice["status"] != "Posted":
            continue
        deal.currencies.add(invoice["currency"])
        deal.billed = (deal.billed or ZERO) + _amount(row["chargeAmount"])
        deal.tax += _amount(row["taxAmount"])
        deal.due = deal.billed + deal.tax
        if invoice["id"] not in of_invoice:
            of_invoice[invoice["id"]] = deal
            deal.invoices.append(invoice["invoiceNumber"])
    _settled(of_invoice, state)


def _settled(of_invoice: Mapping[str, WonDeal], state: Mapping[str, Mapping[str, Any]]) -> None:
    """What was paid, given back and credited, as applied to the invoices."""
    for row in state["payment-applications"].values():
        deal, payment = of_invoice.get(row.get("invoiceId") or ""), state["payments"]
        if deal is not None and payment[row["paymentId"]]["status"] == "Processed":
            deal.paid += _amount(row["applyAmount"])
    for row in state["credit-memo-applications"].values():
        deal = of_invoice.get(row.get("invoiceId") or "")
        if deal is not None:
            deal.credited += _amount(row["applyAmount"])


def _given_back(deals: Iterable[WonDeal], state: Mapping[str, Mapping[str, Any]]) -> None:
    """What went back to customers, and what their banks dispute."""
    by_number = {number: deal for deal in deals for number in deal.invoices}
    charges = state.get("charges", {})
    for charge in charges.values():
        deal = by_number.get(charge["metadata"].get("invoice_number", ""))
        if deal is not None:
            deal.refunded += _major(charge["amount_refunded"], deal.currency)
    for dispute in state.get("disputes", {}).values():
        metadata = charges[dispute["charge"]]["metadata"]
        deal = by_number.get(metadata.get("invoice_number", ""))
        if deal is not None and dispute["status"] != "won":
            deal.disputed += _major(dispute["amount"], deal.currency)


def _booked(deals: Iterable[WonDeal], state: Mapping[str, Mapping[str, Any]]) -> None:
    by_number = {number: deal for deal in deals for number in deal.invoices}
    by_opportunity = {deal.opportunity: deal for deal in deals if deal.opportunity}
    codes = {id: row["symbol"] for id, row in state["currency"].items()}
    by_id: dict[str, WonDeal] = {}
    for id, row in state["invoice"].items():
        deal = by_number.get(row["tranId"])
        if deal is not None:
            by_id[id] = deal
            deal.booked = (deal.booked or ZERO) + _amount(row["total"])
            deal.currencies.add(codes[row["currency"]])
    for row in state["customerPayment"].values():
        for line in row["apply"]:
            if line["doc"] in by_id:
                by_id[line["doc"]].received += _amount(line["amount"])
    income = {id for id, row in state["account"].items() if row["acctType"] == "Income"}
    for row in state["journalEntry"].values():
        for line in row["line"]:
            contract = _CONTRACT.search(str(line.get("memo") or ""))
            if contract and line["account"] in income and contract[1] in by_opportunity:
                value = _amount(line.get("credit")) - _amount(line.get("debit"))
                by_opportunity[contract[1]].recognised += value
                by_opportunity[contract[1]].currencies.add(codes[row["currency"]])


def _major(minor: int, currency: str) -> Decimal:
    return Decimal(minor).scaleb(-EXPONENTS.get(currency, 2))


def _amount(value: Any) -> Decimal:
    return Decimal(str(value)) if value not in (None, "") else ZERO


def _perhaps(value: Any) -> Decimal | None:
    return None if value in (None, "") else _amount(value)
