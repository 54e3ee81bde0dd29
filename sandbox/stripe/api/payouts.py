"""Payouts: the balance goes to the bank. Reference: docs.stripe.com/payouts.

An automatic payout takes every movement that is available and not yet paid out, one payout per
currency; its parts are the balance transactions listed by ``payout``.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

from sandbox.messages import Json
from sandbox.stripe.account import DAY_SECONDS, Account
from sandbox.stripe.api import balance
from sandbox.stripe.errors import not_now
from sandbox.stripe.service import Endpoint, Reading, within
from sandbox.stripe.store import Record

TABLE: Final = "payouts"
ARRIVAL_DAYS: Final = 2
DAILY: Final = "daily_payout"


def payout_now(account: Account, fields: Mapping[str, Json]) -> list[Record]:
    """The day's payout runs now. Movements that are still pending are taken too, as if their days
    had passed, unless ``available_only`` is set; ``currency`` limits it to one."""
    available_only = bool(fields.get("available_only", False))
    groups: dict[str, list[Record]] = {}
    for row in account.rows(balance.TABLE):
        ready = row["available_on"] <= account.now() or not available_only
        if row["_payout"] is None and ready and fields.get("currency") in {None, row["currency"]}:
            groups.setdefault(row["currency"], []).append(row)
    return [
        _pay_out(account, currency, rows)
        for currency, rows in sorted(groups.items())
        if sum(row["net"] for row in rows) > 0
    ]


def _pay_out(account: Account, currency: str, rows: list[Record]) -> Record:
    amount = sum(row["net"] for row in rows)
    id = account.new_id("po")
    source = {"id": id, "currency": currency}
    booked = balance.book(account, "payout", source, -amount, description="STRIPE PAYOUT")
    now = account.now()
    for row in (*rows, booked):
        parts = {"_payout": id, "available_on": min(row["available_on"], now)}
        account.change(balance.TABLE, row["id"], parts)
    arrival = now - now % DAY_SECONDS + ARRIVAL_DAYS * DAY_SECONDS
    made = account.create(
        TABLE,
        {
            "id": id,
            "amount": amount,
            "application_fee": None,
            "arrival_date": arrival,
            "automatic": True,
            "balance_transaction": booked["id"],
            "currency": currency,
            "description": "STRIPE PAYOUT",
            "destination": "ba_1RevlineSandbox",
            "failure_balance_transaction": None,
            "failure_code": None,
            "failure_message": None,
            "metadata": {},
            "method": "standard",
            "original_payout": None,
            "reconciliation_status": "in_progress",
            "reversed_by": None,
            "source_type": "card",
            "statement_descriptor": None,
            "status": "pending",
            "type": "bank_account",
        },
        "payout.created",
    )
    account.schedule(max(arrival, now), "arrive_payout", id)
    return made


def arrive(account: Account, id: str) -> Record:
    """The money is in the bank."""
    old = account.find(TABLE, id)
    if old["status"] not in {"pending", "in_transit"}:
        return old
    fields = {"status": "paid", "reconciliation_status": "completed"}
    events = ("payout.updated", "payout.paid", "payout.reconciliation_completed")
    return account.change(TABLE, id, fields, *events)


def fail(account: Account, id: str, code: str = "account_closed") -> Record:
    """The bank sent the payout back, even days after it was paid."""
    old = account.find(TABLE, id)
    if old["status"] in {"failed", "canceled"}:
        raise not_now(f"This payout is {old['status']}")
    booked = balance.book(account, "payout_failure", old, old["amount"])
    fields = {
        "status": "failed",
        "failure_code": code,
        "failure_message": "The bank account is closed or could not be used.",
        "failure_balance_transaction": booked["id"],
    }
    return account.change(TABLE, id, fields, "payout.updated", "payout.failed")


def daily(account: Account, due: str) -> None:
    """The schedule of a usual account: every day at midnight, what is available."""
    if account.daily_at != int(due):
        return  # the clock was set back since, and another day is next
    account.daily_at = None
    if account.settings.payouts == "daily":
        payout_now(account, {"available_only": True})
    schedule_daily(account)


def schedule_daily(account: Account) -> None:
    """Make sure that the next midnight is waited for, wherever the clock was set to."""
    now = account.now()
    due = now - now % DAY_SECONDS + DAY_SECONDS
    if account.daily_at is None or account.daily_at > due:
        account.daily_at = due
        account.schedule(due, DAILY, str(due))


def endpoints() -> Iterator[Endpoint]:
    """The API of payouts; only the schedule makes them."""
    filters = {"arrival_date": within("arrival_date")}
    yield from Reading(TABLE, "payout.list", filters).endpoints()
