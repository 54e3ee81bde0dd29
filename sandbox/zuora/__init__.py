"""A stateful Zuora tenant on loopback: Billing with Invoice Settlement, and Finance."""

from __future__ import annotations

from collections.abc import Mapping

from sandbox.zuora.simulator import ZuoraSimulator
from sandbox.zuora.tenant import Settings
from sandbox.zuora.tokens import CLIENT_ID, CLIENT_SECRET

__all__ = ["CLIENT_ID", "CLIENT_SECRET", "Settings", "ZuoraSimulator", "build"]

SHIPPED_INDEX_DELAY_SECONDS = 1.0


def build(seed: int = 0, sizes: Mapping[str, int] | None = None) -> ZuoraSimulator:
    """A tenant with a seeded catalogue; object query lags a second behind, as it may in life."""
    settings = Settings(index_delay_seconds=SHIPPED_INDEX_DELAY_SECONDS)
    simulator = ZuoraSimulator(seed=seed, settings=settings)
    simulator.load({"seed": seed, "sizes": dict(sizes or {})})
    return simulator
