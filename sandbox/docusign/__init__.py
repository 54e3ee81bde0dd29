"""A stateful DocuSign eSignature account on loopback: envelopes, templates, Connect."""

from __future__ import annotations

from collections.abc import Mapping

from sandbox.docusign.credentials import (
    ACCOUNT_ID,
    CONNECT_KEYS,
    INTEGRATION_KEY,
    USER_ID,
    private_key_pem,
)
from sandbox.docusign.settings import Settings
from sandbox.docusign.simulator import DocuSignSimulator
from sandbox.docusign.templates import OFFER_ID, ORDER_FORM_ID

__all__ = [
    "ACCOUNT_ID",
    "CONNECT_KEYS",
    "INTEGRATION_KEY",
    "OFFER_ID",
    "ORDER_FORM_ID",
    "USER_ID",
    "DocuSignSimulator",
    "Settings",
    "build",
    "private_key_pem",
]


def build(seed: int = 0, sizes: Mapping[str, int] | None = None) -> DocuSignSimulator:
    """An account with its templates and no envelopes: those are made when quotes are approved."""
    simulator = DocuSignSimulator(seed=seed)
    simulator.load({"seed": seed, "sizes": dict(sizes or {})})
    return simulator
