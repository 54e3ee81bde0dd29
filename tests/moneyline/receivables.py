"""What is owed, from three systems: documents in Zuora, cash in Stripe, the ledger in NetSuite.

Nothing here looks into our own store.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from tests.moneyline.posting import Systems

ZERO = Decimal(0)
RECEIVABLE = "119"
CURRENCIES = {"1": "USD", "2": "GBP", "3": "EUR", "4": "JPY", "5": "KWD"}
_PLACES = {"jpy": 0, "kwd": 3}

Row = Mapping[str, Any]
Sums = dict[str, Decimal]


@dataclass
class Owed:
    """One contract (or several that share invoices) in one currency: what it comes to, by term."""

    contracts: frozenset[str]
    currency: str
    sums: Sums = field(default_factory=lambda: defaultdict(lambda: ZERO))

    def violation(self) -> str | None:
        """What is wrong, if billed less credited is not what became of it."""
        of = self.sums
        due = of["billed"] - of["credited"]
        became = of["paid"] - of["refunded"] - of["lost"] + of["written_off"] + of["open"]
        if due == became:
            return None
        terms = ", ".join(f"{name} {amount}" for name, amount in sorted(of.items()) if amount)
        who = "+".join(sorted(self.contracts))
        return f"(c) {who} {self.currency}: {due} != {became} ({terms})"


def owed(line: Systems) -> list[Owed]:
    """Every contract and currency that was billed."""
    zuora = {name: line.records("zuora", name) for name in (
        "invoices", "invoice-items", "payments", "payment-applications", "credit-memos",
        "credit-memo-items",
    )}  # fmt: skip
    posted = {id: row for id, row in zuora["invoices"].items() if row["status"] == "Posted"}
    groups = _groups(zuora["invoice-items"].values(), posted)
    by_contract = {one: group for group in groups.values() for one in group.contracts}
    for item in zuora["invoice-items"].values():
        if item["invoiceId"] in posted:
            of = groups[item["invoiceId"]].sums
            of["billed"] += item["chargeAmount"] + item["taxAmount"]
    for id, invoice in posted.items():
        groups[id].sums["open"] += invoice["balance"]
    for item in zuora["credit-memo-items"].values():
        memo = zuora["credit-memos"][item["creditMemoId"]]
        group = by_contract.get(item["subscriptionNumber"])
        if memo["status"] != "Posted" or memo["reversed"] or group is None:
            continue
        kind = "written_off" if memo["reasonCode"] == "Write-off" else "credited"
        group.sums[kind] += item["amount"] + item["taxAmount"]
        group.sums["open"] -= item["unappliedAmount"]
    _add_cash(line, zuora, {row["invoiceNumber"]: groups[id] for id, row in posted.items()})
    return list({one.contracts: one for one in groups.values()}.values())


def _groups(items: Iterable[Row], posted: Mapping[str, Row]) -> dict[str, Owed]:
    """Invoice → the contracts that are billed together, directly or through others."""
    contracts: dict[str, set[str]] = defaultdict(set)
    for item in items:
        if item["invoiceId"] in posted:
            contracts[item["invoiceId"]].add(item["subscriptionNumber"])
    merged: list[tuple[set[str], set[str]]] = []
    for invoice, names in contracts.items():
        together, invoices = set(names), {invoice}
        for one in [one for one in merged if one[0] & together]:
            merged.remove(one)
            together |= one[0]
            invoices |= one[1]
        merged.append((together, invoices))
    found = {}
    for names, invoices in merged:
        currency = next(iter({posted[one]["currency"] for one in invoices}))
        group = Owed(frozenset(names), currency)
        found |= dict.fromkeys(invoices, group)
    return found


def _add_cash(line: Systems, zuora: Mapping[str, Row], groups: Mapping[str, Owed]) -> None:
    """Cash as Stripe has it; of other payments what is applied. Unapplied cash stays apart."""
    intents = line.records("stripe", "payment_intents")
    ours = {}
    for id, intent in intents.items():
        group = groups.get(intent["metadata"].get("invoice_number"))
        if group is not None and intent["status"] == "succeeded":
            ours[id] = group
            group.sums["paid"] += major(intent["amount_received"], intent["currency"])
    for object, status, term in (
        ("refunds", "succeeded", "refunded"),
        ("disputes", "lost", "lost"),
    ):
        for row in line.records("stripe", object).values():
            if row["status"] == status and row["payment_intent"] in ours:
                amount = major(row["amount"], row["currency"])
                ours[row["payment_intent"]].sums[term] += amount
    for row in zuora["payments"].values():
        intent = row["paymentNumber"].removeprefix("P-")
        if intent in ours:
            ours[intent].sums["paid"] -= row["unappliedAmount"]
    for row in zuora["payment-applications"].values():
        payment = zuora["payments"][row["paymentId"]]
        if payment["paymentNumber"].removeprefix("P-") not in intents:
            number = zuora["invoices"][row["invoiceId"]]["invoiceNumber"]
            groups[number].sums["paid"] += row["applyAmount"]


def major(units: int, currency: str) -> Decimal:
    """An amount of Stripe's in major units."""
    return Decimal(units).scaleb(-_PLACES.get(currency, 2))


def ledger_differs(line: Systems) -> list[str]:
    """Customers whose receivables in NetSuite are not what Zuora says is open, cash less."""
    wanted: dict[tuple[str, str], Decimal] = defaultdict(lambda: ZERO)
    accounts = line.records("zuora", "accounts")
    for object, amount, sign in (
        ("invoices", "balance", 1), ("credit-memos", "balance", -1),
        ("payments", "unappliedAmount", -1),
    ):  # fmt: skip
        for row in line.records("zuora", object).values():
            if row["status"] in ("Posted", "Processed"):
                number = accounts[row["accountId"]]["accountNumber"]
                wanted[number, row["currency"]] += sign * row[amount]
    found: dict[tuple[str, str], Decimal] = defaultdict(lambda: ZERO)
    customers = {
        id: row["externalId"].removeprefix("revline-accounts-")
        for id, row in line.records("netsuite", "customer").items()
        if row.get("externalId")
    }
    for object in ("invoice", "creditMemo", "customerPayment", "customerRefund", "journalEntry"):
        for row in line.records("netsuite", object).values():
            for one in row["_impact"]:
                if one.account == RECEIVABLE:
                    key = customers[one.about["entity"]], CURRENCIES[row["currency"]]
                    found[key] += one.foreign
    return [
        f"(c) {key[0]} {key[1]}: Zuora {wanted[key]}, NetSuite {found[key]}"
        for key in sorted({*wanted, *found})
        if wanted[key] != found[key]
    ]


def identity_c(line: Systems) -> list[str]:
    """Billed with tax, less credits, is what was paid and kept, written off, or is still open."""
    found = [said for one in owed(line) if (said := one.violation())]
    return found + ledger_differs(line)
