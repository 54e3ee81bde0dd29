"""A template's project for the simulators: their addresses and credentials in place of your own.

The simulators are found by name: nothing in the engine depends on them.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from importlib import import_module
from typing import Any, Final

from engine.init.project import SANDBOX_CREDENTIALS

PORTS: Final[Mapping[str, int]] = {
    "hubspot": 9101,
    "salesforce": 9102,
    "zuora": 9103,
    "stripe": 9104,
    "netsuite": 9105,
    "docusign": 9106,
    "dealhub": 9107,
}
# Which settings hold the address of a connection, and which simulator answers there.
_ADDRESSES: Final[Mapping[str, tuple[str, tuple[str, ...]]]] = {
    "hubspot": ("hubspot", ("base_url",)),
    "salesforce": ("salesforce", ("login_url",)),
    "cpq": ("salesforce", ("login_url",)),
    "zuora": ("zuora", ("base_url",)),
    "stripe": ("stripe", ("base_url",)),
    "netsuite": ("netsuite", ("base_url",)),
    "docusign": ("docusign", ("auth_url", "base_url")),
    "dealhub": ("dealhub", ("base_url",)),
}
_BLOCK: Final = re.compile(r"^  ([a-z]+):[^\n]*\n(?:    [^\n]*\n)+", re.MULTILINE)
_TEMPLATE_ID: Final = "00000000-0000-0000-0000-000000000001"


def contents(project: Mapping[str, str]) -> dict[str, str]:
    """A project's files by their paths, for the simulators instead of your own systems."""
    docusign: Any = import_module("sandbox.docusign")
    found = {
        # The examples of mappings name it as well.
        name: text.replace(_TEMPLATE_ID, docusign.OFFER_ID)
        for name, text in project.items()
    }
    found["revline.yaml"] = _pointed_here(found["revline.yaml"])
    found[".env.example"] = _filled_in(found[".env.example"])
    return found


def _pointed_here(text: str) -> str:
    """``revline.yaml`` with every connection pointed at its simulator."""
    head, rest = text.split("\nconnections:\n", 1)
    connections, rules = rest.split("\n\n", 1)
    settings = _settings()
    pointed = _BLOCK.sub(lambda found: _pointed(found, settings), connections + "\n")
    text = f"{head}\nconnections:\n{pointed}\n{rules}"
    return text.replace("environment: production", "environment: sandbox").replace(
        "# public_url: https://hooks.example.com", "public_url: http://127.0.0.1:8080"
    )


def _filled_in(text: str) -> str:
    """``.env.example`` with the simulators' own credentials, which open nothing else."""
    found = credentials()
    return re.sub(
        r"^([A-Z_]+)=$",
        lambda line: f"{line[1]}={_quoted(found[line[1]])}",
        text.replace("# The secrets of this project.", "# The simulators' own credentials."),
        flags=re.MULTILINE,
    )


def credentials() -> dict[str, str]:
    """The simulators' credentials by the names of their variables."""
    zuora: Any = import_module("sandbox.zuora")
    stripe: Any = import_module("sandbox.stripe")
    netsuite: Any = import_module("sandbox.netsuite")
    docusign: Any = import_module("sandbox.docusign")
    dealhub: Any = import_module("sandbox.dealhub")
    return {
        "HUBSPOT_TOKEN": SANDBOX_CREDENTIALS["token"],
        "HUBSPOT_CLIENT_SECRET": SANDBOX_CREDENTIALS["hubspot_secret"],
        "SALESFORCE_CLIENT_ID": SANDBOX_CREDENTIALS["client_id"],
        "SALESFORCE_CLIENT_SECRET": SANDBOX_CREDENTIALS["client_secret"],
        "DOCUSIGN_INTEGRATION_KEY": docusign.INTEGRATION_KEY,
        "DOCUSIGN_USER_ID": docusign.USER_ID,
        "DOCUSIGN_PRIVATE_KEY": docusign.private_key_pem(),
        "DOCUSIGN_CONNECT_KEYS": ",".join(docusign.CONNECT_KEYS),
        "DEALHUB_TOKEN": dealhub.TOKEN,
        "DEALHUB_WEBHOOK_TOKEN": "revline-sandbox-webhooks",
        "ZUORA_CLIENT_ID": zuora.CLIENT_ID,
        "ZUORA_CLIENT_SECRET": zuora.CLIENT_SECRET,
        "STRIPE_KEY": stripe.RESTRICTED_KEY,
        "NETSUITE_ACCOUNT_ID": netsuite.ACCOUNT_ID,
        "NETSUITE_CLIENT_ID": netsuite.CLIENT_ID,
        "NETSUITE_CERTIFICATE_ID": netsuite.CERTIFICATE_ID,
        "NETSUITE_PRIVATE_KEY": netsuite.private_key_pem(),
    }


def _settings() -> dict[str, dict[str, str]]:
    """What to set in each connection."""
    netsuite: Any = import_module("sandbox.netsuite")
    found = {}
    for name, (system, settings) in _ADDRESSES.items():
        address = f"http://127.0.0.1:{PORTS[system]}"
        found[name] = dict.fromkeys(settings, address)
        found[name] |= {"allow_loopback": "true", "poll_every": "10s"}
    found["netsuite"]["algorithm"] = netsuite.ALGORITHM
    return found


def _pointed(found: re.Match[str], settings: Mapping[str, Mapping[str, str]]) -> str:
    """A connection's lines, with its settings put in place or added at the end."""
    block = found[0]
    for key, value in settings[found[1]].items():
        line = f"    {key}: {value}\n"
        block, replaced = re.subn(rf"^    {key}:[^\n]*\n", line, block, flags=re.MULTILINE)
        if not replaced:
            block += line
    return block


def _quoted(value: str) -> str:
    return '"' + value.replace("\n", "\\n") + '"' if "\n" in value else value
