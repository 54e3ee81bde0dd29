"""A stateful Stripe account on loopback, API version 2026-10-28.endive."""

from __future__ import annotations

from collections.abc import Mapping

from sandbox.stripe.simulator import RESTRICTED_KEY, Settings, Stripe

__all__ = ["RESTRICTED_KEY", "Settings", "Stripe", "build"]

SHIPPED_INDEX_DELAY_SECONDS = 5.0


def build(seed: int = 0, sizes: Mapping[str, int] | None = None) -> Stripe:
    """An empty account; search lags five seconds behind writes, as it does in life."""
    simulator = Stripe(
        seed=seed, settings=Settings(index_delay_seconds=SHIPPED_INDEX_DELAY_SECONDS)
    )
    simulator.load({"seed": seed, "sizes": dict(sizes or {})})
    return simulator
