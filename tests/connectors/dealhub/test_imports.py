"""Looking at what is declared, and taking in webhooks, loads no client."""

from __future__ import annotations

import subprocess
import sys

import pytest


@pytest.mark.parametrize("module", ["objects", "webhooks", "errors"])
def test_the_light_modules_stay_light(module) -> None:
    code = (
        f"import sys, connectors.dealhub.{module}\n"
        "print([name for name in ('requests', 'urllib3', 'orjson') if name in sys.modules])"
    )
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True, text=True)
    assert shown.stdout.strip() == "[]"
