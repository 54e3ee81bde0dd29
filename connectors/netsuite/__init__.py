"""NetSuite: any record of the REST API, found by SuiteQL."""

from connectors.base import ConnectorKind

KIND = ConnectorKind(
    name="netsuite",
    spec="connectors.netsuite.objects:SPEC",
    build="connectors.netsuite.connector:build",
    receive="connectors.netsuite.webhooks:receive",
)
