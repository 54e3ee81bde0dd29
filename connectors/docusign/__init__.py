"""DocuSign eSignature: envelopes, and the moment a contract is signed."""

from typing import Final

from connectors.base import ConnectorKind

KIND: Final = ConnectorKind(
    name="docusign",
    spec="connectors.docusign.objects:SPEC",
    build="connectors.docusign.connector:build",
    receive="connectors.docusign.webhooks:receive",
)
