"""Stripe: customers, prices, subscriptions, invoices, payments, refunds, disputes, payouts."""

from typing import Final

from connectors.base import ConnectorKind

KIND: Final = ConnectorKind(
    name="stripe",
    spec="connectors.stripe.objects:SPEC",
    build="connectors.stripe.connector:build",
    receive="connectors.stripe.webhooks:receive",
)
