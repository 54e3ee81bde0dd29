"""Looking at the connector, and taking in its webhooks, loads no SDK."""

from __future__ import annotations

import subprocess
import sys

import pytest

QUIET = (
    "connectors.stripe",
    "connectors.stripe.objects",
    "connectors.stripe.webhooks",
    "connectors.stripe.errors",
    "connectors.stripe.connector",
)


@pytest.mark.parametrize("module", QUIET)
def test_no_sdk_is_loaded(module: str) -> None:
    code = f"import sys, {module}; sys.exit('stripe' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], check=False)
    assert done.returncode == 0
