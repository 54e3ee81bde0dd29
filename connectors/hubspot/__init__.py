"""HubSpot: contacts, companies, deals, line items, products, owners and custom objects."""

from typing import Final

from connectors.base import ConnectorKind

KIND: Final = ConnectorKind(
    name="hubspot",
    spec="connectors.hubspot.objects:SPEC",
    build="connectors.hubspot.connector:build",
    receive="connectors.hubspot.webhooks:receive",
)
