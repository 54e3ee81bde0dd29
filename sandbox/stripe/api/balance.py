"""Balance transactions: every movement of money, with its fee.

Reference: docs.stripe.com/api/balance_transactions and /reports/reporting-categories.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from sandbox.stripe.account import DAY_SECONDS, Account
from sandbox.stripe.service import Call, Endpoint, Reading
from sandbox.stripe.store import Record
from sandbox.stripe.tables import RESOURCES

AVAILABLE_AFTER_SECONDS: Final = 2 * DAY_SECONDS
TABLE: Final = "balance_transactions"


def book(
    account: Account,
    type: str,
    source: Record,
    amount: int,
    *,
    category: str | None = None,
    fee: int = 0,
    fee_description: str = "Stripe processing fees",
    description: str | None = None,
) -> Record:
    """One movement. ``amount`` is signed: money that leaves is negative; net = amount - fee."""
    currency = source["currency"]
    details = {
        "amount": fee,
        "application": None,
        "currency": currency,
        "description": fee_description,
        "type": "stripe_fee",
    }
    wait = AVAILABLE_AFTER_SECONDS if amount > 0 else 0
    return account.create(
        TABLE,
        {
            "amount": amount,
            "available_on": account.now() + wait,
            "balance_type": "payments",
            "currency": currency,
            "description": description,
            "exchange_rate": None,
            "fee": fee,
            "fee_details": [details] if fee else [],
            "net": amount - fee,
            "reporting_category": category or type,
            "source": source["id"],
            "type": type,
            "_payout": None,
        },
    )


def view(account: Account, record: Record) -> Record:
    """Pending until its day has come."""
    status = "available" if account.now() >= record["available_on"] else "pending"
    return {**{k: v for k, v in record.items() if k != "livemode"}, "status": status}


def _payout(_: Account, record: Record, wanted: object) -> bool:
    return bool(record["_payout"] == wanted)


def _balance(call: Call) -> Record:
    """What is available and what is pending, per currency."""
    account = call.account
    sums: dict[str, dict[str, int]] = {"available": {}, "pending": {}}
    for row in account.rows(TABLE):
        kind = sums[view(account, row)["status"]]
        kind[row["currency"]] = kind.get(row["currency"], 0) + row["net"]
    currencies = sorted({code for kind in sums.values() for code in kind} or {"usd"})
    shown = {
        name: [
            {
                "amount": kind.get(code, 0),
                "currency": code,
                "source_types": {"card": kind.get(code, 0)},
            }
            for code in currencies
        ]
        for name, kind in sums.items()
    }
    return {"object": "balance", **shown, "livemode": account.livemode}


def endpoints() -> Iterator[Endpoint]:
    """The API of the balance and its transactions."""
    resource = RESOURCES[TABLE]
    yield from Reading(TABLE, "balance_transaction.list", {"payout": _payout}).endpoints()
    yield Endpoint("GET", "/v1/balance", "retrieve", _balance, resource, finished=True)
