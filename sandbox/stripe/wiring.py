"""Which endpoints, views, hooks and tasks an account has."""

from __future__ import annotations

from collections.abc import Iterator
from types import MappingProxyType

from sandbox.stripe import events, webhooks
from sandbox.stripe.account import Account
from sandbox.stripe.api import (
    accounts,
    balance,
    charges,
    collecting,
    customers,
    payment_intents,
    payment_methods,
    refunds,
)
from sandbox.stripe.service import Endpoint
from sandbox.stripe.store import Record
from sandbox.stripe.webhooks import Post


def endpoints(post: Post) -> Iterator[Endpoint]:
    """The whole API."""
    for module in (balance, charges, customers, payment_intents, payment_methods, refunds):
        yield from module.endpoints()
    yield from accounts.endpoints()
    yield from events.endpoints(post)
    yield from webhooks.endpoints(post)


def connect(account: Account, post: Post) -> None:
    """Give an account what follows from its events, its time, and how its records are printed."""

    def event_view(_: Account, record: Record) -> Record:
        return {**record, "pending_webhooks": post.pending(record["id"])}

    account.views = MappingProxyType({"balance_transactions": balance.view, "events": event_view})
    account.hooks = MappingProxyType(
        {
            "payment_succeeded": lambda *_: None,
            "payment_failed": lambda *_: None,
            "customer_deleted": lambda *_: None,
        }
    )
    account.tasks = MappingProxyType(
        {
            "settle_debit": collecting.settle_debit,
            "fail_debit": collecting.fail_debit,
            "succeed_refund": refunds.succeed,
            "fail_refund": refunds.fail,
        }
    )
