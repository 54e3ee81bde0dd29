"""The reference connector: an account that lives in this process or in one file."""

from __future__ import annotations

from typing import Final

from connectors.base import ConnectorKind

KIND: Final = ConnectorKind(
    name="memory",
    spec="connectors.memory.declarations:SPEC",
    build="connectors.memory.connector:build",
    receive="connectors.memory.webhooks:receive",
)
