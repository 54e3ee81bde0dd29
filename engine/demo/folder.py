"""The demo's project folder: written, recognised, and begun anew."""

from __future__ import annotations

import shutil
import socket
from collections.abc import Mapping
from importlib import import_module
from importlib.resources import files
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

from engine.init.project import SANDBOX_CREDENTIALS, contents
from engine.store.vault import KEY_VARIABLE, new_key

MARKER: Final = ".revline-demo"
ENVIRONMENT_FILE: Final = ".env"
PROJECT_FILE: Final = "revline.yaml"

_CONNECTIONS: Final = """# The project of `revline demo`, on simulators.
# The simulators end with the demo; `{again}` starts them again as they were left.
version: 1
environment: demo

connections:
  hubspot:
    connector: hubspot
    base_url: {hubspot}
    allow_loopback: true
    access_token: ${{HUBSPOT_TOKEN}}
    client_secret: ${{HUBSPOT_CLIENT_SECRET}} # signs the webhooks
    timezone: UTC
    poll_every: 1m # a safety net beside webhooks
  salesforce:
    connector: salesforce
    login_url: {salesforce}
    allow_loopback: true
    auth: client_credentials
    client_id: ${{SALESFORCE_CLIENT_ID}}
    client_secret: ${{SALESFORCE_CLIENT_SECRET}}
    timezone: UTC
    poll_every: 2s # a real org is polled every minute or so; nobody wants to watch that
"""

_RECEIVER: Final = """
# Webhooks arrive at {{public_url}}/webhooks/hubspot.
receiver:
  host: 127.0.0.1
  port: {receiver}
  public_url: http://127.0.0.1:{receiver}
"""

_ENVIRONMENT: Final = """# The simulators' own credentials and the key of this demo's store.
# They open nothing else.
HUBSPOT_TOKEN={token}
HUBSPOT_CLIENT_SECRET={hubspot_secret}
SALESFORCE_CLIENT_ID={client_id}
SALESFORCE_CLIENT_SECRET={client_secret}
{key_variable}={key}
"""

_MONEY_ENVIRONMENT: Final = """ZUORA_CLIENT_ID={zuora_id}
ZUORA_CLIENT_SECRET={zuora_secret}
STRIPE_KEY={stripe_key}
NETSUITE_PRIVATE_KEY="{netsuite_key}"
"""

_SELLING_ENVIRONMENT: Final = """DOCUSIGN_PRIVATE_KEY="{docusign_key}"
DOCUSIGN_CONNECT_KEYS="{connect_keys}"
"""

_ROUTE: Final = """
# The template in DocuSign for each type of quote.
value_maps:
  envelope_template:
    values: {{Quote: {template}, Amendment: {template}, Renewal: {template}}}
    unmapped: reject

# A contact with a score of 80 or more is worth a call.
routes:
  mql:
    from: hubspot.contacts
    by: hubspotscore
    operator: ">="
    threshold: 80
    hysteresis: 5
    above: sdr
    below: nurture
"""

_BOOKS: Final = """
# How the books are kept: who recognises revenue, who works out tax.
books:
  recognition_owner: revline
  tax_owner: zuora
  # What a refund's reason code means; any other is held for a person.
  refund_means: {requested_by_customer: credit_memo, duplicate: cash_only}
  # What NetSuite books as revenue with the invoice, and never defers.
  recognised_at_invoice: [hardware]
"""


class FolderProblem(Exception):
    """The folder cannot be used for a demo; the message says why and what to do."""


def clear(folder: Path) -> bool:
    """Make room for a demo; true if the traces of an earlier one were removed.

    Raises :class:`FolderProblem` rather than remove anything that no demo has made.
    """
    if not folder.exists():
        return False
    if not folder.is_dir():
        raise FolderProblem(f"{folder} is not a folder; choose another with --folder")
    if not any(folder.iterdir()):
        return False
    if not (folder / MARKER).is_file():
        raise FolderProblem(
            f"{folder} holds something that no demo has made; choose another with --folder"
        )
    shutil.rmtree(folder)
    return True


def write(folder: Path, urls: Mapping[str, str], receiver_port: int, again: str) -> dict[str, str]:
    """Write the project; returns its secrets by the names of their variables.

    ``again`` is the command that starts the simulators again.
    """
    folder.mkdir(parents=True, exist_ok=True)
    (folder / MARKER).write_text("Made by revline demo, which begins anew when it is run again.\n")
    written = contents(sandbox=True)
    connections = _CONNECTIONS.format(**urls, again=again)
    receiver = _RECEIVER.format(receiver=receiver_port)
    written[PROJECT_FILE] = f"{connections}{receiver}\n{_syncs()}"
    written[ENVIRONMENT_FILE] = _ENVIRONMENT.format(
        **SANDBOX_CREDENTIALS, key_variable=KEY_VARIABLE, key=new_key()
    )
    del written[".env.example"]
    for name, text in written.items():
        path = folder / name
        path.parent.mkdir(exist_ok=True)
        path.touch(mode=0o600 if name == ENVIRONMENT_FILE else 0o644)
        path.write_text(text, encoding="utf-8")
    return environment(folder)


def _syncs() -> str:
    syncs = (files("engine.init") / "syncs.yaml").read_text("utf-8")
    return syncs.replace("poll_every: 1m", "poll_every: 2s")


def add_selling(folder: Path, urls: Mapping[str, str]) -> dict[str, str]:
    """Add quotes and signatures to a demo's project, and a route; returns all its secrets."""
    here = files("engine.demo")
    docusign: Any = import_module("sandbox.docusign")
    given = {
        **urls, "integration_key": docusign.INTEGRATION_KEY, "user_id": docusign.USER_ID,
    }  # fmt: skip
    connections = (here / "selling_connections.yaml").read_text("utf-8")
    syncs = (here / "selling_syncs.yaml").read_text("utf-8")
    rules = _ROUTE.format(template=offer_template())
    _extend(folder, _filled(connections, given), syncs, rules)
    credentials = {
        "docusign_key": docusign.private_key_pem().replace("\n", "\\n"),
        "connect_keys": " ".join(docusign.CONNECT_KEYS),
    }
    with (folder / ENVIRONMENT_FILE).open("a", encoding="utf-8") as secrets:
        secrets.write(_SELLING_ENVIRONMENT.format(**credentials))
    return environment(folder)


def offer_template() -> str:
    """The id of the template that offers are made from."""
    docusign: Any = import_module("sandbox.docusign")
    return str(docusign.OFFER_ID)


def _filled(text: str, given: Mapping[str, str]) -> str:
    for name, value in given.items():
        text = text.replace(f": {{{name}}}", f": {value}")
    return text


def _extend(folder: Path, connections: str, syncs: str, rules: str) -> None:
    """More connections, more syncs, and what stands between them."""
    file = folder / PROJECT_FILE
    before, receiver, after = file.read_text(encoding="utf-8").partition("\n# Webhooks arrive")
    text = f"{before}{connections}{receiver}{after}\n{syncs}"
    file.write_text(text.replace("\n# What a sync uses", f"{rules}\n# What a sync uses"))


def add_money(folder: Path, urls: Mapping[str, str]) -> dict[str, str]:
    """Add billing, payments and the ledger to a demo's project; returns all its secrets."""
    here = files("engine.demo")
    netsuite: Any = import_module("sandbox.netsuite")
    given = {
        **urls,
        "account_id": netsuite.ACCOUNT_ID,
        "client_id": netsuite.CLIENT_ID,
        "certificate_id": netsuite.CERTIFICATE_ID,
        "algorithm": netsuite.ALGORITHM,
    }
    connections = (here / "money_connections.yaml").read_text("utf-8")
    syncs = (here / "money_syncs.yaml").read_text("utf-8")
    _extend(folder, _filled(connections, given), syncs, _BOOKS)
    with (folder / ENVIRONMENT_FILE).open("a", encoding="utf-8") as secrets:
        secrets.write(_MONEY_ENVIRONMENT.format(**_money_credentials(netsuite)))
    return environment(folder)


def _money_credentials(netsuite: Any) -> dict[str, str]:
    """The simulators' own. Found by name: nothing in the engine depends on the simulators."""
    zuora: Any = import_module("sandbox.zuora")
    stripe: Any = import_module("sandbox.stripe")
    return {
        "zuora_id": zuora.CLIENT_ID,
        "zuora_secret": zuora.CLIENT_SECRET,
        "stripe_key": stripe.RESTRICTED_KEY,
        "netsuite_key": netsuite.private_key_pem().replace("\n", "\\n"),
    }


def environment(folder: Path) -> dict[str, str]:
    """The variables in a demo's ``.env``."""
    lines = (folder / ENVIRONMENT_FILE).read_text(encoding="utf-8").splitlines()
    pairs = (line.partition("=") for line in lines if line and not line.startswith("#"))
    return {name: value.strip('"') for name, _, value in pairs}


def ports(urls: Mapping[str, str]) -> dict[str, int]:
    """The port of each simulator."""
    return {system: urlsplit(url).port or 0 for system, url in urls.items()}


def free_port() -> int:
    """A port that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
