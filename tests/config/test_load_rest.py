"""A misshapen part does not hide the faults of the rest."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from engine.app import connector_specs
from engine.config.load import load
from engine.errors import ConfigErrors

ROOT = Path(__file__).parents[2]

FAULTY = """
version: 1
conections: 3
connections:
  hubspot: {connector: hubspt, access_token: "${HUBSPOT_TOKEN}"}
  salesforce: {connector: salesforce, login_url: http://x.example, client_id: a}
syncs:
  companies: {from: hubspot.companies, to: salesforce.Account, mapping: company_to_acount,
              start_from: everything, retry: 3}
  leads: {from: hubspot.contacts, to: salesforce.Lead, mapping: contact_to_leed,
          start_from: yesterday}
  deals: {from: 7, to: salesforce.Opportunity, mapping: deal_to_opportunity, start_from: now}
"""


def test_every_fault_is_told_at_once_with_its_place(tmp_path: Path) -> None:
    shutil.copytree(ROOT / "mappings", tmp_path / "mappings")
    (tmp_path / "revline.yaml").write_text(FAULTY)
    with pytest.raises(ConfigErrors) as told:
        load(tmp_path, {}, connector_specs())
    text = "\n".join(str(error) for error in told.value.errors)
    for words in (
        "revline.yaml:3:1: unknown key `conections`",
        "no connector `hubspt`",
        "HUBSPOT_TOKEN is not set",
        "`login_url` is not encrypted",
        "unknown key `retry`",
        "no mapping file mappings/company_to_acount.yaml",
        "no mapping file mappings/contact_to_leed.yaml",
        "`yesterday` is not a start",
        "revline.yaml:12:17",
    ):
        assert words in text, text
