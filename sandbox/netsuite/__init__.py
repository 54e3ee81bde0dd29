"""A stateful simulator of one NetSuite OneWorld account: REST records, SuiteQL, the ledger."""

from __future__ import annotations

from collections.abc import Mapping

from sandbox.netsuite.credentials import (
    ACCOUNT_ID,
    ALGORITHM,
    CERTIFICATE_ID,
    CLIENT_ID,
    CONSUMER_KEY,
    CONSUMER_SECRET,
    TOKEN_ID,
    TOKEN_SECRET,
    private_key_pem,
)
from sandbox.netsuite.simulator import NetSuiteSimulator

__all__ = [
    "ACCOUNT_ID",
    "ALGORITHM",
    "CERTIFICATE_ID",
    "CLIENT_ID",
    "CONSUMER_KEY",
    "CONSUMER_SECRET",
    "TOKEN_ID",
    "TOKEN_SECRET",
    "NetSuiteSimulator",
    "build",
    "private_key_pem",
]


def build(seed: int, sizes: Mapping[str, int] | None = None) -> NetSuiteSimulator:
    """An account with the seeded catalogue; the same for the same seed and sizes."""
    simulator = NetSuiteSimulator(seed=seed)
    simulator.load({"seed": seed, "sizes": dict(sizes or {})})
    return simulator
