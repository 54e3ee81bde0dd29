"""Looking at the connector and receiving its webhooks load neither the SDK nor a client."""

import subprocess
import sys

import pytest


@pytest.mark.parametrize(
    "module", ["connectors.hubspot", "connectors.hubspot.objects", "connectors.hubspot.webhooks"]
)
def test_declarations_and_receiver_are_light(module):
    code = (
        f"import sys, {module}; "
        "print([m for m in ('hubspot', 'urllib3', 'requests') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
