"""Which endpoints, views, hooks and tasks an account has."""

from __future__ import annotations

from collections.abc import Iterator
from types import MappingProxyType
from typing import Final

from sandbox.stripe import events, webhooks
from sandbox.stripe.account import Account
from sandbox.stripe.api import (
    accounts,
    balance,
    billing,
    catalogue,
    charges,
    collecting,
    credit_notes,
    customers,
    disputes,
    invoice_items,
    invoice_life,
    invoice_payments,
    invoice_records,
    invoices,
    meters,
    payment_intents,
    payment_methods,
    payouts,
    refunds,
    subscription_items,
    subscription_views,
    subscriptions,
)
from sandbox.stripe.service import Endpoint
from sandbox.stripe.store import Record
from sandbox.stripe.webhooks import Post

_GROUPS: Final = (
    accounts,
    balance,
    catalogue,
    charges,
    credit_notes,
    customers,
    disputes,
    invoice_items,
    invoices,
    meters,
    payment_intents,
    payment_methods,
    payouts,
    refunds,
    subscription_items,
    subscriptions,
)


def endpoints(post: Post) -> Iterator[Endpoint]:
    """The whole API."""
    for group in _GROUPS:
        yield from group.endpoints()
    yield from events.endpoints(post)
    yield from webhooks.endpoints(post)


def connect(account: Account, post: Post) -> None:
    """Give an account what follows from its events, its time, and how its records are printed."""

    def event_view(_: Account, record: Record) -> Record:
        return {**record, "pending_webhooks": post.pending(record["id"])}

    account.views = MappingProxyType(
        {
            "balance_transactions": balance.view,
            "credit_notes": credit_notes.view,
            "events": event_view,
            "invoiceitems": invoice_items.view,
            "invoices": invoice_records.view,
            "meter_events": meters.event_view,
            "refunds": refunds.view,
            "subscription_items": subscription_views.item_view,
            "subscriptions": subscription_views.view,
        }
    )
    account.hooks = MappingProxyType(
        {
            "customer_deleted": subscriptions.customer_deleted,
            "invoice_failed": billing.invoice_failed,
            "invoice_paid": billing.invoice_paid,
            "payment_failed": invoice_payments.payment_failed,
            "payment_succeeded": invoice_payments.payment_succeeded,
        }
    )
    account.tasks = MappingProxyType(
        {
            "arrive_payout": payouts.arrive,
            "cancel_subscription": subscriptions.cancel_now,
            "cycle_subscription": billing.cycle,
            payouts.DAILY: payouts.daily,
            "decide_dispute": disputes.decide,
            "dispute_charge": disputes.dispute_by_behaviour,
            "expire_subscription": billing.expire,
            "fail_debit": collecting.fail_debit,
            "fail_refund": refunds.fail,
            "finalize_invoice": billing.advance,
            "invoice_overdue": invoice_life.overdue,
            "retry_invoice": billing.collect,
            "settle_debit": collecting.settle_debit,
            "succeed_refund": refunds.succeed,
        }
    )
    payouts.schedule_daily(account)
