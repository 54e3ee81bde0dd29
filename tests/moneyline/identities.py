"""The identities that must hold, worked out from what the systems themselves hold.

Each function returns what does not hold, in words.

(a) What was quoted, with all amendments, is what is ordered.
(b) What was ordered is what was billed, less what billing took back, and what is still to bill;
    usage is billed by rate and units.
(d) What was billed and not conceded is earned or deferred.
(e) Journals balance and none was edited.

Amounts of two currencies are never added. What is owed, (c), is in ``receivables``.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from sandbox.zuora.rating import periods_of, share
from sandbox.zuora.values import Row, rounded
from tests.moneyline.leaving_out import Sound
from tests.moneyline.posting import (
    CURRENCIES,
    DEFERRED_ACCOUNT,
    HARDWARE_ACCOUNT,
    REVENUE_ACCOUNTS,
    Systems,
    entries,
)
from tests.moneyline.posting import deferred as in_journals
from tests.moneyline.quotes import agreed_values
from tests.moneyline.receivables import identity_c
from tests.moneyline.world import MoneyLine

ZERO = Decimal(0)
CORRECTIONS = "Subscription"


def violations(line: MoneyLine) -> list[str]:
    """Everything that does not hold for those whom no open issue is about.

    Where something does not hold, whose contracts were left out is told as well.
    """
    sound = Sound(line)
    every = (identity_a, identity_b, identity_c, identity_d, identity_e)
    found = [said for identity in every for said in identity(sound)]
    return found and [
        *found,
        *(f"{name} is left out: {why}" for name, why in sound.left_out.items()),
    ]


def identity_a(line: Systems) -> list[str]:
    """Quoted, with every amendment approved since = ordered, as the contract is now."""
    zuora = _Zuora(line)
    found = []
    for contract, quoted in sorted(agreed_values(line).items()):
        charges = zuora.charges_of(zuora.subscriptions[contract])
        ordered = sum((row["tCV"] for row in charges if row["chargeType"] != "Usage"), ZERO)
        if quoted != ordered:
            found.append(f"(a) {contract}: quoted {quoted}, ordered {ordered}")
    return found


def identity_b(line: Systems) -> list[str]:
    """Ordered = billed − corrected + still to bill, ex tax; usage = rate × units."""
    zuora = _Zuora(line)
    found = []
    for contract, subscription in sorted(zuora.subscriptions.items()):
        fixed = [row for row in zuora.charges_of(subscription) if row["chargeType"] != "Usage"]
        numbers = {row["chargeNumber"] for row in fixed}
        ordered = sum((row["tCV"] for row in fixed), ZERO)
        billed = sum((i["chargeAmount"] for i in zuora.items if i["chargeNumber"] in numbers), ZERO)
        corrected = sum(
            (
                item["amount"]
                for item in zuora.memo_items
                if item["chargeNumber"] in numbers and zuora.corrects(item)
            ),
            ZERO,
        )
        still = sum((_to_bill(row, subscription, zuora.documented(row)) for row in fixed), ZERO)
        if ordered != billed - corrected + still:
            found.append(
                f"(b) {contract}: ordered {ordered}, billed {billed}, corrected {corrected}, "
                f"still to bill {still}"
            )
    return [*found, *_usage(zuora)]


def _to_bill(charge: Row, subscription: Row, mine: list[Row]) -> Decimal:
    """What no line of a document covers yet of a segment."""
    if charge["chargeType"] == "OneTime":
        return ZERO if mine else charge["tCV"]
    start, end = charge["effectiveStartDate"], charge["effectiveEndDate"]
    left = ZERO
    for whole in periods_of(charge, subscription["subscriptionStartDate"], start, end):
        part = whole.within(start, end)
        if part is not None and not any(
            item["serviceStartDate"] <= part.start <= item["serviceEndDate"] for item in mine
        ):
            left += share(charge, part, whole, subscription["currency"])
    return left


def _usage(zuora: _Zuora) -> list[str]:
    """Every unit that was rated is billed, and each line is its units at its rate."""
    found = []
    rates = {row["chargeNumber"]: row for row in zuora.charges if row["chargeType"] == "Usage"}
    units: dict[str, Decimal] = defaultdict(Decimal)
    for item in zuora.items:
        if item["chargeNumber"] in rates:
            rate = rates[item["chargeNumber"]]["salesPrice"]
            units[item["subscriptionNumber"]] += item["quantity"]
            wanted = rounded(item["quantity"] * rate, zuora.currency_of(item))
            if item["chargeAmount"] != wanted:
                found.append(f"(b) {item['chargeNumber']}: {wanted} due, {item['chargeAmount']}")
    rated: dict[str, Decimal] = defaultdict(Decimal)
    for row in zuora.usages:
        if row["rbeStatus"] == "Processed":
            rated[row["_subscriptionNumber"]] += row["quantity"]
    if rated != units:
        found.append(f"(b) units rated {dict(rated)}, billed {dict(units)}")
    return found


def identity_d(line: Systems) -> list[str]:
    """Billed − conceded, ex tax = earned + deferred, per company and currency."""
    zuora = _Zuora(line)
    billed: dict[tuple[str, str], Decimal] = defaultdict(Decimal)
    for item in zuora.items:
        billed[zuora.seller_of(item)] += item["chargeAmount"]
    for item in zuora.memo_items:
        if zuora.memo_of(item)["reasonCode"] != "Write-off":
            billed[zuora.seller_of(item)] -= item["amount"]
    earned: dict[tuple[str, str], Decimal] = defaultdict(Decimal)
    for entry in entries(line):
        earned[entry.entity, entry.currency] += entry.amount
    deferred: dict[tuple[str, str], Decimal] = defaultdict(Decimal)
    for company, currency, amount in in_journals(line):
        deferred[company, currency] += amount
    found = []
    for object in ("invoice", "creditMemo", "journalEntry"):
        for row in line.records("netsuite", object).values():
            for posting in row.get("_impact") or ():
                key = str(row["subsidiary"]), CURRENCIES[str(row["currency"])]
                if posting.account == DEFERRED_ACCOUNT and object != "journalEntry":
                    deferred[key] -= posting.foreign
                elif posting.account == HARDWARE_ACCOUNT:
                    earned[key] -= posting.foreign
                elif object != "journalEntry" and posting.account in REVENUE_ACCOUNTS:
                    found.append(
                        f"(d) {row['tranId']}: posts {-posting.foreign} as revenue at once"
                    )
    found += [
        f"(d) {key}: billed {billed[key]}, earned {earned[key]}, deferred {deferred[key]}"
        for key in sorted({*billed, *earned, *deferred})
        if billed[key] != earned[key] + deferred[key]
    ]
    return [*found, *_earned_whole(line, zuora)]


def _earned_whole(line: Systems, zuora: _Zuora) -> list[str]:
    """When a contract's service is over and posted, what was ordered and not conceded is earned."""
    found = []
    posted = entries(line)
    last = max((entry.period for entry in posted), default="")
    for contract, subscription in sorted(zuora.subscriptions.items()):
        charges = zuora.charges_of(subscription)
        ends = [row["effectiveEndDate"] for row in charges if row["chargeType"] != "OneTime"]
        if not ends or any(end is None or f"{end:%Y-%m}" > last for end in ends):
            continue
        usage = {row["chargeNumber"] for row in charges if row["chargeType"] == "Usage"}
        due = sum((row["tCV"] for row in charges if row["chargeType"] != "Usage"), ZERO)
        due += sum((i["chargeAmount"] for i in zuora.items if i["chargeNumber"] in usage), ZERO)
        due -= sum(
            (
                item["amount"]
                for item in zuora.memo_items
                if item["subscriptionNumber"] == contract
                and zuora.memo_of(item)["reasonCode"] != "Write-off"
                and not zuora.corrects(item)
            ),
            ZERO,
        )
        earned = sum((entry.amount for entry in posted if entry.contract == contract), ZERO)
        earned += zuora.at_once(contract)
        if earned != due:
            found.append(f"(d) {contract}: {due} to be earned, {earned} posted")
    return found


def identity_e(line: Systems) -> list[str]:
    """Debits = credits in every journal, and a posted journal is as it was made."""
    found = []
    for id, row in line.records("netsuite", "journalEntry").items():
        debits = sum((Decimal(one.get("debit") or 0) for one in row["line"]), ZERO)
        credits = sum((Decimal(one.get("credit") or 0) for one in row["line"]), ZERO)
        if debits != credits:
            found.append(f"(e) journal {id}: debits {debits}, credits {credits}")
        if row["lastModifiedDate"] != row["createdDate"]:
            found.append(f"(e) journal {id}: edited at {row['lastModifiedDate']}")
    return found


@dataclass
class _Zuora:
    """What Zuora holds: the latest versions, and posted documents alone."""

    line: Systems
    subscriptions: dict[str, Row] = field(init=False)
    charges: list[Row] = field(init=False)
    items: list[Row] = field(init=False)
    memo_items: list[Row] = field(init=False)
    usages: list[Row] = field(init=False)

    def __post_init__(self) -> None:
        self._accounts = self._of("accounts")
        self._invoices = self._posted("invoices")
        self._memos = self._posted("credit-memos")
        rows = self._of("subscriptions").values()
        self.subscriptions = {row["name"]: row for row in rows}
        self.charges = [*self._of("rate-plan-charges").values()]
        items = self._of("invoice-items").values()
        self.items = [item for item in items if item["invoiceId"] in self._invoices]
        items = self._of("credit-memo-items").values()
        self.memo_items = [item for item in items if item["creditMemoId"] in self._memos]
        self.usages = [*self._of("usages").values()]

    def _of(self, object: str) -> dict[str, Any]:
        return self.line.records("zuora", object)

    def _posted(self, object: str) -> dict[str, Any]:
        return {id: row for id, row in self._of(object).items() if row["status"] == "Posted"}

    def charges_of(self, subscription: Row) -> list[Row]:
        return [row for row in self.charges if row["subscriptionId"] == subscription["id"]]

    def documented(self, charge: Row) -> list[Row]:
        """The invoice lines of a charge; of one below zero the credit memo lines, too."""
        items = [*self.items]
        if charge["tCV"] < 0:
            items += [item for item in self.memo_items if self.corrects(item)]
        return [item for item in items if item["chargeNumber"] == charge["chargeNumber"]]

    def at_once(self, contract: str) -> Decimal:
        """What a contract was billed for hardware, less what was given back."""
        own = {row["chargeNumber"] for row in self.charges if row["name"] == "Hardware"}
        billed = [one for one in self.items if one["subscriptionNumber"] == contract]
        back = [one for one in self.memo_items if one["subscriptionNumber"] == contract]
        return sum(
            (one["chargeAmount"] for one in billed if one["chargeNumber"] in own), ZERO
        ) - sum((one["amount"] for one in back if one["chargeNumber"] in own), ZERO)

    def memo_of(self, item: Row) -> Row:
        found: Row = self._memos[item["creditMemoId"]]
        return found

    def corrects(self, item: Row) -> bool:
        """Whether a line takes back what billing charged before the order changed."""
        return bool(self.memo_of(item)["sourceType"] == CORRECTIONS)

    def document_of(self, item: Row) -> Row:
        found: Row = self._invoices.get(item.get("invoiceId")) or self.memo_of(item)
        return found

    def currency_of(self, item: Row) -> str:
        return str(self.document_of(item)["currency"])

    def seller_of(self, item: Row) -> tuple[str, str]:
        """The company that sold, and the currency."""
        document = self.document_of(item)
        account = self._accounts[document["accountId"]]
        return str(account["Subsidiary__NS"]), str(document["currency"])
