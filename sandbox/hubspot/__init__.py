"""A stateful HubSpot account on loopback."""

from __future__ import annotations

from collections.abc import Mapping

from sandbox.hubspot.simulator import HubSpot, Settings

__all__ = ["HubSpot", "Settings", "build"]

SHIPPED_INDEX_DELAY_SECONDS = 2.0


def build(seed: int = 0, sizes: Mapping[str, int] | None = None) -> HubSpot:
    """An account with seeded data; search lags two seconds behind writes, as it does in life."""
    simulator = HubSpot(
        seed=seed, settings=Settings(index_delay_seconds=SHIPPED_INDEX_DELAY_SECONDS)
    )
    simulator.load({"seed": seed, "sizes": dict(sizes or {})})
    return simulator
