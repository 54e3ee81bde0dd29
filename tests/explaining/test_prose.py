# ruff: noqa: E501  (a mapping has long lines)
"""Syncs as prose and as a picture, against golden files.

``REVLINE_GOLDEN=write`` writes them anew; read the difference before you commit it.
"""

import os
import re
from pathlib import Path

import pytest

from engine.config.load import load
from engine.explaining.picture import picture
from engine.explaining.prose import explain
from engine.explaining.systems import Systems
from tests.config.test_docs import ENVIRON, SPECS
from tests.simulation.project import MAPPINGS, PROJECT, write_project
from tests.simulation.world import declared

ROOT = Path(__file__).parents[2]
GOLDEN = Path(__file__).parent / "golden"
MORE = """
  to_sales:
    description: People who are worth a call go to sales.
    from: crm.contacts
    to: sales.Lead
    mapping: to_sales
    start_from: now
    route: {rule: mql, side: sales}
    enabled: shadow
  to_nurture: {from: crm.contacts, to: sales.Lead, mapping: to_nurture, start_from: 2026-01-01,
               route: {rule: mql, side: nurture}, webhooks: false, enabled: false}
  won: {from: crm.deals, observe: true, mapping: won, start_from: everything, write_order: ordered}
  journals: {from: revline.schedule_lines, to: sales.Account, mapping: journals,
             trigger: {period_end: 1d}, start_from: now, group_by: [period, entity, currency]}
routes:
  mql: {from: crm.contacts, by: "= default(score, 0)", operator: ">=", threshold: 80, hysteresis: 5,
        above: sales, below: nurture}
"""
LEAD = """
mapping: to_sales
source: {object: contacts}
target: {object: Lead, identity: Revline_Id__c}
business_key: "= 'person-' + email"
fields: {LastName: lastname, Company: {const: X}}
"""
MORE_MAPPINGS = {
    "to_sales": LEAD,
    "to_nurture": LEAD.replace("to_sales", "to_nurture"),
    "won": """
mapping: won
source: {object: deals}
when: = dealstage == 'closedwon' and amount > 0
facts:
  - {kind: quoted, amount: amount, currency: deal_currency_code, effective_on: closedate}
""",
    "journals": """
mapping: journals
source: {object: schedule_lines}
target: {object: Account, identity: Revline_Id__c}
value_maps: {gl_accounts: {values: {a: b}}}
fields: {Name: "= mapped('gl_accounts', currency)"}
""",
    "deal_to_opportunity": MAPPINGS["deal_to_opportunity"]
    + """
when: = dealstage != 'closedlost'
match: [{name: Name and day, by: {Name: dealname, CloseDate: closedate}}]
field_groups: {meddpicc: {title: MEDDPICC, fields: {metrics: metrics, champion: champion}}}
gates:
  - {name: meddpicc, complete: meddpicc, when: = amount > 100}
  - {name: amount, hold_unless: = amount > 0 or free, say: Set an amount in the CRM.}
  - name: odd
    hold_unless: "= any(l.quantity == n and l.price != n * 10 for l in children.line_items for n in [1, 2, 3])"
    say: Correct the prices of the lines in the CRM.
  - {name: told, hold_unless: = amount < 1000, say: "= 'Too much: ' + text(amount)"}
""",
}


def compare(name, found):
    file = GOLDEN / name
    if os.environ.get("REVLINE_GOLDEN") == "write":
        file.write_text(found, encoding="utf-8")
    assert found == file.read_text(encoding="utf-8")


@pytest.fixture
def config(tmp_path):
    folder = write_project(tmp_path, PROJECT.rstrip() + MORE, MORE_MAPPINGS)
    return load(folder, {}, {"memory": declared(), "revline": SPECS["revline"]})


@pytest.fixture
def systems(config):
    specs = {"memory": declared(), "revline": SPECS["revline"]}
    return Systems({name: specs[one.connector] for name, one in config.connections.items()})


def test_prose(config, systems):
    told = [explain(sync, sync.mapping, systems) for sync in config.syncs.values()]
    compare("prose.md", "".join(f"## {one.sync}\n\n{one.text}\n\n" for one in told))


def test_picture(config, systems):
    compare("picture.mmd", picture(config.syncs.values(), systems))


def test_every_shipped_sync_reads_as_prose():
    config = load(ROOT / "config.example.yaml", ENVIRON, SPECS)
    systems = Systems({n: SPECS[one.connector] for n, one in config.connections.items()})
    for sync in config.syncs.values():
        told = explain(sync, sync.mapping, systems)
        for one in told.sentences:
            assert re.match(r"[A-Z0-9]", one), one
            assert one.endswith((".", "!", "?", ".”")), one
            assert "None" not in re.sub("`[^`]*`", "", one)
            assert "  " not in one
        if sync.mapping.programs.when is None and sync.route is None and not sync.group_by:
            assert "is new or changes" in told.text
    drawn = picture(config.syncs.values(), systems)
    stations = set(re.findall(r"^  (c_\w+)\[", drawn, re.MULTILINE))
    edges = re.findall(r"^  (c_\w+) (?:-->|-\.->)\|\"[^\"|]+\"\| (c_\w+)$", drawn, re.MULTILINE)
    assert len(edges) == len(config.syncs)
    assert {end for edge in edges for end in edge} == stations
