"""Salesforce, the core platform: any sObject over the REST API."""

from connectors.base import ConnectorKind

KIND = ConnectorKind(
    name="salesforce",
    spec="connectors.salesforce.objects:SPEC",
    build="connectors.salesforce.connector:build",
)
