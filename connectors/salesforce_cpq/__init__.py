"""Salesforce with the packages of Salesforce CPQ and Advanced Approvals."""

from connectors.base import ConnectorKind

KIND = ConnectorKind(
    name="salesforce_cpq",
    spec="connectors.salesforce_cpq.objects:SPEC",
    build="connectors.salesforce_cpq.connector:build",
)
