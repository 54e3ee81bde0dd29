"""What customers and their banks do once they have paid, and how to look at what became of it."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from engine.commands.acts import Acts
from tests.moneyline.world import MoneyLine


def invoices(line: MoneyLine) -> dict[str, str]:
    """The number of each deal's invoice, where it has one."""
    numbers = {id: row["invoiceNumber"] for id, row in line.records("zuora", "invoices").items()}
    return {
        item["subscriptionNumber"].split("-")[1]: numbers[item["invoiceId"]]
        for item in line.records("zuora", "invoice-items").values()
    }


def intents(line: MoneyLine) -> dict[str, str]:
    """The payment of each deal that has one invoice."""
    deal_of = {number: deal for deal, number in invoices(line).items()}
    return {
        deal_of[row["metadata"]["invoice_number"]]: id
        for id, row in line.records("stripe", "payment_intents").items()
    }


def charges(line: MoneyLine) -> dict[str, str]:
    """The charge of each deal that has one invoice."""
    found = line.records("stripe", "payment_intents")
    return {deal: found[id]["latest_charge"] for deal, id in intents(line).items()}


def refund(line: MoneyLine, charge: str, amount: str | None, reason: str) -> str:
    """Give back a part of a charge, or all that is left of it, as in Stripe's Dashboard."""
    row = line.records("stripe", "charges")[charge]
    fields: dict[str, object] = {"metadata": {"reason_code": reason}}
    if amount is not None:
        fields["amount"] = minor(amount, row["currency"])
    return str(line.do("stripe", "charges", "refund", charge, fields)["id"])


def dispute(line: MoneyLine, charge: str, reason: str = "fraudulent") -> str:
    """The customer's bank disputes a charge."""
    return str(line.do("stripe", "charges", "dispute", charge, {"reason": reason})["id"])


def minor(amount: str, currency: str) -> int:
    """An amount as Stripe counts it."""
    places = {"jpy": 0, "kwd": 3}.get(currency, 2)
    return int(Decimal(amount).scaleb(places))


def total(line: MoneyLine, system: str, object: str, field: str) -> Decimal:
    """The sum of a field over all records of an object."""
    rows = line.records(system, object).values()
    return sum((Decimal(row[field]) for row in rows), Decimal(0))


def opportunity(line: MoneyLine, deal: str) -> tuple[str, Decimal]:
    """Where Salesforce says the money of a deal stands, and how much of it was paid."""
    row = line.records("salesforce", "Opportunity")[deal]
    return row["Billing_Status__c"], Decimal(row["Paid_Amount__c"])


def rows(line: MoneyLine, system: str, object: str) -> list[dict[str, Any]]:
    """The records of an object."""
    return list(line.records(system, object).values())


def revenue(line: MoneyLine) -> Decimal:
    """What was posted to the revenue accounts, all journals together."""
    return -sum(
        (one.foreign for row in rows(line, "netsuite", "journalEntry") for one in row["_impact"]
         if one.account in ("401", "402", "403")),
        Decimal(0),
    )  # fmt: skip


def retry(line: MoneyLine) -> None:
    """Ask again for everything that has an issue, as an operator does."""
    Acts(line.services).retry({"issues": "all"})
