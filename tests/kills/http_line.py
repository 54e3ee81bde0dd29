"""The demo's line at a small size: both simulators over HTTP, the official SDKs in the child."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import orjson
import requests

from engine.demo import folder as demo_folder
from engine.store.vault import KEY_VARIABLE
from sandbox.app import build
from sandbox.server import serve
from sandbox.simulator import Mutation, Simulator
from tests.kills.child import KILLED, Command, Zygote
from tests.kills.looking import left_over, made_twice

SIZES = {"companies": 8, "contacts": 14, "products": 4, "deals": 6}
SEED = 3
HELD_SECONDS_MAX = 30.0
ENDED_WITH_ISSUES = 1
"""The made-up data has companies that share a domain."""
WRITTEN = (
    "Account",
    "Contact",
    "Lead",
    "Opportunity",
    "OpportunityLineItem",
    "OpportunityContactRole",
    "Product2",
    "PricebookEntry",
)
# When something was written, and by which write, is no content.
_CHANGING = frozenset({"Id", "CreatedDate", "LastModifiedDate", "SystemModstamp", "CreatedById"})
_CHANGING_THERE = frozenset({"hs_lastmodifieddate", "lastmodifieddate"})


class HttpLine:
    """A project, two simulators of this process, and the command that runs between them."""

    def __init__(self, folder: Path, zygote: Zygote) -> None:
        self.hubspot: Simulator = build("hubspot", SEED, SIZES)
        self.salesforce: Simulator = build("salesforce", SEED, SIZES)
        # Found by a rule, not made by us. Our identity is written on these only together with the
        # first change they need, so that a kill may leave them without it.
        self._running = serve([self.hubspot, self.salesforce])
        self.folder = folder
        port = demo_folder.free_port()
        environ = demo_folder.write(folder, self._running.urls, port, "revline demo --again")
        self._key = environ[KEY_VARIABLE]
        self.command = Command(zygote, folder, environ)
        self._prepare()

    def _prepare(self) -> None:
        with requests.Session() as session:
            session.trust_env = False
            for system, what, body in (
                ("hubspot", "options", {"rate_scale": 1000}),
                ("salesforce", "external_ids", {"objects": list(WRITTEN)}),
            ):
                url = f"{self._running.admin_url(system)}/{what}"
                answer = session.post(url, json=body, timeout=30)
                assert answer.ok, answer.text

    def close(self) -> None:
        self._running.stop()

    def finish(self) -> None:
        """To the end, and once more: a run hears of what it wrote itself at its next poll."""
        for _ in range(2):
            self.command.finish(ENDED_WITH_ISSUES)

    def killed_while_held(self, system: str, method: str, path: str, phase: str) -> None:
        """Run until such a request stands still, before its effect or after it; kill; let it go."""
        simulator = self.hubspot if system == "hubspot" else self.salesforce
        match = {"method": method, "path": path}
        rule = simulator.faults.add({"action": "hold", "phase": phase, "match": match})
        child = self.command.start()
        try:
            assert simulator.faults.wait_until_held(rule.id, HELD_SECONDS_MAX)
        finally:
            child.kill()
            code = child.wait()
            simulator.faults.clear(rule.id)
        assert code == KILLED

    def work_on_a_lead(self) -> str:
        """Sales talks to a lead that came from HubSpot; the id of its contact there."""
        with self.salesforce.lock:
            leads = self.salesforce.snapshot()["Lead"].values()
            lead = next(one for one in leads if one.get("Revline_Id__c"))
            fields = {"Status": "Working - Contacted"}
            self.salesforce.mutate(Mutation("Lead", "update", lead["Id"], fields))
        return str(lead["Revline_Id__c"]).rpartition("-")[2]

    def outcome(self) -> dict[str, Any]:
        """What both systems hold, ids replaced, and the open issues; after checking the rest."""
        for simulator in (self.hubspot, self.salesforce):
            assert simulator.journal.violations == []
            assert made_twice(simulator) == {}
        found = _salesforce(_plain(self.salesforce.snapshot()))
        found |= _hubspot(_plain(self.hubspot.snapshot()))
        return found | {"issues": left_over(self.folder, self._key)}


def _plain(state: Any) -> Any:
    """As it would be over HTTP: numbers that compare by value."""
    return orjson.loads(orjson.dumps(state))


def _salesforce(state: dict[str, dict[str, Any]]) -> dict[str, Any]:
    """Records under their identity; those that were there before, under their name and place."""
    names = {}
    for object, records in state.items():
        for place, (id, record) in enumerate(records.items()):
            named = f"{record.get('Name')} {place}"
            names[id] = f"{object} {record.get('Revline_Id__c') or named}"
    found = {}
    for object, records in state.items():
        for id, record in records.items():
            assert names[id] not in found or object not in WRITTEN, f"twice: {names[id]}"
            found[names[id]] = {
                name: names.get(value, value) if isinstance(value, str) else value
                for name, value in record.items()
                if name not in _CHANGING and not name.endswith("Number")
            }
    return found


def _hubspot(state: dict[str, dict[str, Any]]) -> dict[str, Any]:
    return {
        f"{object} {id}": {
            name: value
            for name, value in record.get("properties", {}).items()
            if name not in _CHANGING_THERE
        }
        for object, records in state.items()
        for id, record in records.items()
    }
