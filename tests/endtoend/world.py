"""Both simulators on loopback, the shipped mappings, and an engine over the official SDKs."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any

import requests

from engine.app import Project, connector_specs
from engine.clock import SystemClock
from engine.config.load import load
from engine.runner import Runner
from engine.store import delivery_views, issues, ledger
from sandbox.app import build
from sandbox.hubspot.oauth import ACCESS_TOKEN
from sandbox.salesforce.simulator import CLIENT_ID, CLIENT_SECRET
from sandbox.server import serve

ROOT = Path(__file__).parents[2]
SMALL = {"companies": 12, "contacts": 30, "products": 6, "deals": 12}


def project_text(urls: Mapping[str, str]) -> str:
    """The shipped example, pointed at the simulators."""
    text = (ROOT / "config.example.yaml").read_text()
    text = text.replace('    # base_url: "http://127.0.0.1:9101" # the sandbox, together with:', "")
    text = text.replace("    # allow_loopback: true", "")
    text = text.replace(
        "    connector: hubspot\n",
        f"    connector: hubspot\n    base_url: {urls['hubspot']}\n    allow_loopback: true\n",
    )
    text = text.replace(
        "    connector: salesforce\n    login_url: https://example.my.salesforce.com\n",
        f"    connector: salesforce\n    login_url: {urls['salesforce']}\n    allow_loopback: true\n",
    )
    return re.sub(r"public_url: .*", "public_url: http://127.0.0.1:8080", text)


class Line:
    """The whole line. ``seed`` and ``sizes`` draw the data of the simulators."""

    def __init__(
        self, folder: Path, *, seed: int = 7, sizes: Mapping[str, int] | None = SMALL
    ) -> None:
        self.hubspot = build("hubspot", seed, sizes)
        self.salesforce = build("salesforce", seed, sizes)
        self.running = serve([self.hubspot, self.salesforce])
        self.urls = dict(self.running.urls)
        (folder / "revline.yaml").write_text(project_text(self.urls))
        if not (folder / "mappings").exists():
            _copy(folder)
        self.environ = {
            "HUBSPOT_TOKEN": ACCESS_TOKEN,
            "HUBSPOT_CLIENT_SECRET": "hubspot-client-secret",
            "SALESFORCE_CLIENT_ID": CLIENT_ID,
            "SALESFORCE_CLIENT_SECRET": CLIENT_SECRET,
        }
        self.folder = folder
        self.post("hubspot", "options", {"rate_scale": 1000})
        self.prepare()
        self.boot()

    def prepare(self) -> None:
        """What `revline setup --apply` would do."""
        objects = [
            "Account",
            "Contact",
            "Lead",
            "Opportunity",
            "OpportunityLineItem",
            "OpportunityContactRole",
            "Product2",
            "PricebookEntry",
        ]
        self.post("salesforce", "external_ids", {"objects": objects})

    def boot(self) -> None:
        config = load(self.folder, self.environ, connector_specs())
        self.project = Project(config, self.environ, SystemClock(timedelta(0)), lambda _text: None)
        self.store = self.project.open_store()
        self.services = self.project.services(self.store)
        self.runner = Runner(self.services)
        self.runner.recover()

    def close(self) -> None:
        self.store.close()
        self.running.stop()

    def get(self, system: str, what: str) -> Any:
        answer = requests.get(f"{self.running.admin_url(system)}/{what}", timeout=30)
        answer.raise_for_status()
        return answer.json()

    def post(self, system: str, what: str, body: Mapping[str, Any]) -> Any:
        answer = requests.post(f"{self.running.admin_url(system)}/{what}", json=body, timeout=30)
        assert answer.ok, answer.text
        return answer.json()

    def mutate(self, system: str, **command: Any) -> Any:
        return self.post(system, "mutate", command)["record"]

    def state(self, system: str) -> dict[str, dict[str, Any]]:
        return self.get(system, "state")["objects"]

    def settle(self) -> None:
        self.runner.poll_now()
        assert self.runner.until_idle(120)

    def issues(self) -> list[Any]:
        with self.store.read() as tx:
            return issues.listed(tx, self.store.vault)

    def tally(self) -> dict[str, dict[str, int]]:
        with self.store.read() as tx:
            return delivery_views.tally(tx)

    def lines(self) -> list[dict[str, Any]]:
        with self.store.read() as tx:
            return list(ledger.exported(tx))

    def calls(self, system: str) -> dict[str, int]:
        return self.get(system, "calls")


def _copy(folder: Path) -> None:
    (folder / "mappings").mkdir()
    for file in (ROOT / "mappings").glob("*.yaml"):
        (folder / "mappings" / file.name).write_text(file.read_text())
