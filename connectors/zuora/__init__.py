"""Zuora Billing: accounts, orders, subscriptions, invoices, payments, credit memos, refunds."""

from typing import Final

from connectors.base import ConnectorKind

KIND: Final = ConnectorKind(
    name="zuora",
    spec="connectors.zuora.objects:SPEC",
    build="connectors.zuora.connector:build",
    receive="connectors.zuora.webhooks:receive",
)
