"""Looking at what is declared, and taking in notices, loads neither a client nor cryptography."""

from __future__ import annotations

import subprocess
import sys

import pytest


@pytest.mark.parametrize("module", ["objects", "webhooks", "errors"])
def test_the_light_modules_stay_light(module) -> None:
    code = (
        f"import sys, connectors.netsuite.{module}\n"
        "print([name for name in ('requests', 'urllib3', 'jwt', 'cryptography')"
        " if name in sys.modules])"
    )
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True, text=True)
    assert shown.stdout.strip() == "[]"
