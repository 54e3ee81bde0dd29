"""DealHub CPQ: quotes with their lines, answers and approvals; deal rooms."""

from typing import Final

from connectors.base import ConnectorKind

KIND: Final = ConnectorKind(
    name="dealhub",
    spec="connectors.dealhub.objects:SPEC",
    build="connectors.dealhub.connector:build",
    receive="connectors.dealhub.webhooks:receive",
)
