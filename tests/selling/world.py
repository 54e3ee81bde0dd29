"""HubSpot, Salesforce with CPQ, DealHub and DocuSign on loopback, and one engine over them.

Marketing, reps, approvers and customers act by hand, in the systems' own screens; everything in
between is the engine's work.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

from engine.app import Project, connector_specs
from engine.config.load import load
from engine.pipeline.poll import backfill_stream
from engine.runner import BACKFILL_SINCE, Runner
from engine.store import delivery_views, issues, ledger, operator_views, streams
from engine.store.issues import StoredIssue
from engine.store.streams import Stream
from sandbox import dealhub, docusign
from sandbox.app import build
from sandbox.hubspot.oauth import ACCESS_TOKEN
from sandbox.hubspot.oauth import CLIENT_SECRET as HUBSPOT_SECRET
from sandbox.salesforce.simulator import CLIENT_ID, CLIENT_SECRET
from sandbox.server import serve
from sandbox.simulator import Mutation
from tests.endtoend.world import LineClock

ROOT = Path(__file__).parents[2]
SYSTEMS = ("hubspot", "salesforce", "dealhub", "docusign")
BLANK = {"owners": 2, "companies": 0, "contacts": 0, "products": 12, "deals": 0}
MEDDPICC = (
    "Metrics__c", "Economic_Buyer__c", "Decision_Criteria__c", "Decision_Process__c",
    "Paper_Process__c", "Identified_Pain__c", "Champion__c", "Competition__c",
)  # fmt: skip
FIELDS = {
    **dict.fromkeys(MEDDPICC, "string 255"),
    "Quote_Number__c": "string 40",
    "Quote_Status__c": "string 40",
    "Quote_Discount__c": "double 16,2",
    "Quote_Decided_On__c": "date",
    "Signed_On__c": "date",
}
WRITTEN = ("Account", "Contact", "Lead", "Opportunity", "OpportunityContactRole", "Task",
           "CampaignMember", "SBQQ__Quote__c", "Product2", "PricebookEntry",
           "OpportunityLineItem")  # fmt: skip
PROJECT = """
version: 1
environment: sandbox
connections:
  hubspot:
    connector: hubspot
    base_url: {hubspot}
    access_token: ${{HUBSPOT_TOKEN}}
    client_secret: ${{HUBSPOT_CLIENT_SECRET}}
    allow_loopback: true
  salesforce: &org
    connector: salesforce
    login_url: {salesforce}
    client_id: ${{SALESFORCE_CLIENT_ID}}
    client_secret: ${{SALESFORCE_CLIENT_SECRET}}
    allow_loopback: true
  cpq:
    connector: salesforce_cpq
    login_url: {salesforce}
    client_id: ${{SALESFORCE_CLIENT_ID}}
    client_secret: ${{SALESFORCE_CLIENT_SECRET}}
    allow_loopback: true
    approval_decided_field: ApprovalDecidedOn__c
  dealhub:
    connector: dealhub
    base_url: {dealhub}
    api_token: ${{DEALHUB_TOKEN}}
    allow_loopback: true
  docusign:
    connector: docusign
    auth_url: {docusign}
    base_url: {docusign}
    integration_key: {integration_key}
    user_id: {user_id}
    private_key: ${{DOCUSIGN_PRIVATE_KEY}}
    allow_loopback: true
value_maps:
  envelope_template:
    values: {{Quote: {template}, Amendment: {template}, Renewal: {template}}}
    unmapped: reject
routes:
  mql: {{from: hubspot.contacts, by: hubspotscore, operator: ">=", threshold: 80, hysteresis: 5,
        above: sdr, below: nurture}}
syncs:
  owners: {{from: hubspot.owners, to: salesforce.User, mapping: owners_to_users, mode: link_only,
           start_from: everything}}
  companies: {{from: hubspot.companies, to: salesforce.Account, mapping: company_to_account,
              start_from: everything, after: [owners]}}
  leads: {{from: hubspot.contacts, to: salesforce.Lead, mapping: contact_to_lead,
          start_from: everything, after: [companies]}}
  contacts: {{from: hubspot.contacts, to: salesforce.Contact, mapping: contact_to_contact,
             start_from: everything, after: [companies, leads]}}
  calls: {{from: hubspot.contacts, to: salesforce.Task, mapping: mql_to_sdr_task,
          start_from: everything, route: {{rule: mql, side: sdr}}}}
  nurture: {{from: hubspot.contacts, to: salesforce.CampaignMember, mapping: mql_to_nurture_member,
            start_from: everything, route: {{rule: mql, side: nurture}}}}
  qualified: {{from: hubspot.contacts, to: salesforce.Opportunity, mapping: sql_to_opportunity,
              start_from: everything, after: [companies, contacts]}}
  quotes: {{from: salesforce.Opportunity, to: cpq.SBQQ__Quote__c, mapping: opportunity_to_quote,
           start_from: everything}}
  approvals: {{from: cpq.SBQQ__Quote__c, to: salesforce.Opportunity,
              mapping: quote_status_to_opportunity, mode: update_only, start_from: everything}}
  signatures: {{from: cpq.SBQQ__Quote__c, to: docusign.envelopes, mapping: quote_to_envelope,
               start_from: everything}}
  signed: {{from: docusign.envelopes, to: salesforce.Opportunity, mapping: envelope_to_opportunity,
           mode: update_only, start_from: everything}}
"""


class SellingLine:
    """The line from MQL to Closed Won. ``edit`` may change the text of ``revline.yaml``."""

    def __init__(self, folder: Path, edit: Callable[[str], str] = lambda text: text) -> None:
        self.simulators: dict[str, Any] = {name: build(name, 7, BLANK) for name in SYSTEMS}
        self.clock = LineClock()
        self.clock.simulators = tuple(one.clock for one in self.simulators.values())
        self.running = serve(list(self.simulators.values()))
        self.failpoint: Callable[[str], None] = lambda _point: None
        self.folder = folder
        self.environ = {
            "HUBSPOT_TOKEN": ACCESS_TOKEN,
            "HUBSPOT_CLIENT_SECRET": HUBSPOT_SECRET,
            "SALESFORCE_CLIENT_ID": CLIENT_ID,
            "SALESFORCE_CLIENT_SECRET": CLIENT_SECRET,
            "DEALHUB_TOKEN": dealhub.TOKEN,
            "DOCUSIGN_PRIVATE_KEY": docusign.private_key_pem(),
        }
        text = PROJECT.format(
            **self.running.urls,
            integration_key=docusign.INTEGRATION_KEY,
            user_id=docusign.USER_ID,
            template=docusign.OFFER_ID,
        ).replace(" &org", "")
        (folder / "revline.yaml").write_text(edit(text))
        shutil.copytree(ROOT / "mappings", folder / "mappings")
        self._prepare()
        self.clock.shift(timedelta(minutes=1))
        self.boot()

    def _prepare(self) -> None:
        """What administrators do first."""
        self.admin("hubspot", "options", {"rate_scale": 1000, "index_delay_seconds": 0})
        for name, kind in FIELDS.items():
            self.do("salesforce", "Opportunity", "add_field", None, {"name": name, "line": kind})
        self.admin("salesforce", "external_ids", {"objects": WRITTEN})
        unique = {"name": "revline_id", "hasUniqueValue": True}
        self.admin("hubspot", "load", {"properties": {"contacts": [unique], "deals": [unique]}})
        self.do("salesforce", "Campaign", "create", None, {"Name": "Nurture"})

    # -- the engine ------------------------------------------------------------------------------

    def boot(self) -> None:
        """Start the engine, as a new process would."""
        config = load(self.folder, self.environ, connector_specs())
        self.project = Project(config, self.environ, self.clock, lambda _text: None)
        self.store = self.project.open_store()
        self.services = replace(
            self.project.services(self.store), failpoint=lambda point: self.failpoint(point)
        )
        self.runner = Runner(self.services, self.project.spool())
        self.runner.recover()

    def restart(self) -> None:
        """End the engine without a word, and start another on the same store."""
        self.store.close()
        self.boot()

    def close(self) -> None:
        self.store.close()
        self.running.stop()

    def settle(self, rounds: int = 8) -> None:
        """Poll everything and work until idle, until there is nothing more to write."""
        for _ in range(rounds):
            before = self.written()
            self.runner.poll_now()
            assert self.runner.until_idle(3600, look_again=False), self.tally()
            if self.written() == before:
                return
            self.clock.shift(timedelta(minutes=2))
        raise AssertionError(f"still writing after {rounds} rounds: {self.tally()}")

    def rest(self, **by: float) -> None:
        """Let time pass, then settle."""
        self.clock.shift(timedelta(**(by or {"minutes": 20})))
        self.settle()

    def backfill(self) -> None:
        """Read the past of every sync again."""
        with self.store.write() as tx:
            for sync in self.services.active_syncs():
                now = self.clock.now()
                name = backfill_stream(sync.name)
                streams.put(tx, Stream(name, None, at_head=False, finished_at=None, updated_at=now))
                streams.put_meta(tx, BACKFILL_SINCE + sync.name, "")

    # -- looking ---------------------------------------------------------------------------------

    def issues(self) -> list[StoredIssue]:
        with self.store.read() as tx:
            return issues.listed(tx, self.store.payloads)

    def codes(self) -> list[str]:
        return sorted(issue.code for issue in self.issues())

    def tally(self) -> dict[str, dict[str, int]]:
        with self.store.read() as tx:
            return delivery_views.tally(tx)

    def held(self) -> dict[str, str]:
        """What is held: source id → the gate."""
        with self.store.read() as tx:
            found = operator_views.listed(tx, [operator_views.DeliveryState.HELD], 1000)
        return {one.source.id: str(one.reason) for one in found}

    def written(self) -> int:
        """How many writes the systems have taken."""
        return sum(
            1
            for simulator in self.simulators.values()
            for entry in simulator.journal.entries
            if entry.applied
        )

    def records(self, system: str, object: str) -> dict[str, Any]:
        """The live records of an object, as the system itself would print them."""
        simulator = self.simulators[system]
        with simulator.lock:
            rows = list(simulator.live_records())
        return {str(id): dict(row) for kind, id, row in rows if kind == object}

    def one(self, system: str, object: str) -> dict[str, Any]:
        (record,) = self.records(system, object).values()
        return dict(record)

    def verify(self) -> None:
        """The ledger is whole, nothing is in doubt, no system objects to what we did."""
        head = self.store.seal()
        with self.store.read() as tx:
            found = ledger.verify(tx, self.store.vault, head)
        assert (found.fault, found.unsealed) == (None, 0)
        for sync, states in self.tally().items():
            assert not {"leased", "in_doubt"} & set(states), (sync, states)
        for name, simulator in self.simulators.items():
            assert simulator.journal.violations == [], name

    # -- people ----------------------------------------------------------------------------------

    def do(
        self, system: str, object: str, word: str, id: str | None, fields: Mapping[str, Any]
    ) -> Any:
        """What a person does in a system."""
        simulator = self.simulators[system]
        with simulator.lock:
            return simulator.mutate(Mutation(object, word, id, dict(fields)))

    def admin(self, system: str, what: str, body: Mapping[str, Any]) -> Any:
        """Tell a simulator's admin surface."""
        import requests

        url = f"{self.running.admin_url(system)}/{what}"
        answer = requests.post(url, json=body, timeout=30)
        assert answer.ok, answer.text
        return answer.json()

    def company(self, name: str) -> str:
        domain = f"{name.lower()}.example"
        made = self.do("hubspot", "companies", "create", None, {"name": name, "domain": domain})
        return str(made["id"])

    def person(self, name: str, company: str | None, score: int | None = None) -> str:
        """A contact in Germany."""
        fields = {"lastname": name, "email": f"{name.lower()}@kite.example", "country": "Germany"}
        fields |= {"hubspotscore": str(score)} if score is not None else {}
        made = self.do("hubspot", "contacts", "create", None, fields)
        if company is not None:
            self.associate(str(made["id"]), company)
        return str(made["id"])

    def associate(self, contact: str, company: str) -> None:
        given = {"object": "companies", "id": company}
        self.do("hubspot", "contacts", "associate", contact, given)

    def qualify(self, contact: str) -> None:
        """Sales takes the contact over."""
        self.do("hubspot", "contacts", "update", contact, {"lifecyclestage": "salesqualifiedlead"})

    def opportunity(self, id: str, **fields: Any) -> None:
        self.do("salesforce", "Opportunity", "update", id, fields)

    def qualification(self, id: str, *, but: str | None = None) -> None:
        """The rep fills in MEDDPICC, all of it or all but one."""
        self.opportunity(id, **{name: "known" for name in MEDDPICC if name != but})

    def quote_line(self, quote: str, sku: str, quantity: int, discount: int = 0) -> str:
        """The rep configures a product in CPQ."""
        (product,) = (
            id
            for id, row in self.records("salesforce", "Product2").items()
            if row["ProductCode"] == sku
        )
        fields = {"SBQQ__Quote__c": quote, "SBQQ__Product__c": product,
                  "SBQQ__Quantity__c": quantity}  # fmt: skip
        if discount:
            fields["SBQQ__Discount__c"] = discount
        made = self.do("salesforce", "SBQQ__QuoteLine__c", "create", None, fields)
        return str(made["Id"])

    def cpq(self, word: str, id: str, comments: str | None = None) -> list[str]:
        """What people do in CPQ: submit, approve, reject …"""
        self.clock.shift(timedelta(seconds=30))  # calculations are queued
        given = {"do": word, "id": id, "comments": comments}
        return next(iter(self.admin("salesforce", "cpq", given).values()))
