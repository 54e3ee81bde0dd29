"""A stateful simulator of one Salesforce org, REST API v46.0 to v67.0."""

from __future__ import annotations

from collections.abc import Mapping

from sandbox.salesforce.simulator import CLIENT_ID, CLIENT_SECRET, SalesforceSimulator

__all__ = ["CLIENT_ID", "CLIENT_SECRET", "SalesforceSimulator", "build"]


def build(seed: int, sizes: Mapping[str, int] | None = None) -> SalesforceSimulator:
    """An org with Salesforce CPQ and seeded records; the same for the same seed and sizes."""
    simulator = SalesforceSimulator(seed=seed, cpq=True)
    simulator.load({"seed": seed, "sizes": dict(sizes or {})})
    return simulator
