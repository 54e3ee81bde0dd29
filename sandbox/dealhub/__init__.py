"""A stateful DealHub CPQ tenant on loopback: quotes, approvals, deal rooms, webhooks."""

from __future__ import annotations

from collections.abc import Mapping

from sandbox.dealhub.simulator import DealHubSimulator
from sandbox.dealhub.tenant import TOKEN, Settings

__all__ = ["TOKEN", "DealHubSimulator", "Settings", "build"]


def build(seed: int = 0, sizes: Mapping[str, int] | None = None) -> DealHubSimulator:
    """A tenant with the seeded catalogue."""
    simulator = DealHubSimulator(seed=seed)
    simulator.load({"seed": seed, "sizes": dict(sizes or {})})
    return simulator
