"""Projects in a temporary folder, for tests."""

from datetime import timedelta

import pytest

from connectors.base import ConnectorSpec, CreateIdentity, Granularity, ObjectSpec, Setting
from engine.config.load import load
from engine.errors import ConfigErrors

SETTINGS = (
    Setting("access_token", "Token", "From Settings > Keys.", required=True, secret=True),
    Setting("base_url", "Base URL", "Where the API is.", default="https://api.example.com"),
    Setting("style", "Style", "Of the paths.", default="new", choices=("new", "old")),
)


def _object(name, **changes):
    facts = {
        "granularity": Granularity.ORDERED, "cursor_field": "modified", "batch_read": 100,
        "batch_write": 100, "page_list": 100, "page_changes": 100, "batch_search": 100,
        "create_identity": CreateIdentity.EXTERNAL_ID, "identity_field": "Ext", **changes,
    }  # fmt: skip
    return ObjectSpec(name=name, label=name, overlap=timedelta(minutes=1), **facts)


def _spec(name, *objects):
    return ConnectorSpec(
        name=name, title=name.title(), settings=SETTINGS, objects=objects, limits=()
    )


@pytest.fixture
def specs():
    crm = _spec(
        "crm",
        _object("companies"),
        _object("contacts", associations=("companies",)),
        _object("deals", associations=("companies",), children=("line_items",)),
        _object("line_items"),
    )
    erp = _spec(
        "erp",
        _object("Account"),
        _object("Lead"),
        _object("Contact"),
        _object("Order"),
        _object("Line"),
        _object("User", writable=False, create_identity=CreateIdentity.NONE),
    )
    return {"crm": crm, "erp": erp}


PROJECT = """\
version: 1
environment: test
connections:
  left: {connector: crm, access_token: "${LEFT_TOKEN}"}
  right:
    connector: erp
    access_token: ${RIGHT_TOKEN}
    timezone: Europe/Berlin
syncs:
  companies:
    from: left.companies
    to: right.Account
    mapping: companies
    start_from: everything
"""
COMPANIES = """\
mapping: companies
source: {object: companies}
target: {object: Account, identity: Ext}
fields:
  Name: name
"""
ENVIRON = {"LEFT_TOKEN": "s3cret-left", "RIGHT_TOKEN": "s3cret-right"}


class Project:
    def __init__(self, folder, specs):
        self.folder = folder
        self.specs = specs
        self.text = PROJECT
        self.environ = dict(ENVIRON)
        (folder / "mappings").mkdir()
        self.mapping("companies", COMPANIES)

    def mapping(self, name, text):
        (self.folder / "mappings" / f"{name}.yaml").write_text(text, encoding="utf-8")

    def replace(self, old, new):
        assert old in self.text
        self.text = self.text.replace(old, new)
        return self

    def add(self, text):
        self.text += text
        return self

    def load(self):
        (self.folder / "revline.yaml").write_text(self.text, encoding="utf-8")
        return load(self.folder, self.environ, self.specs)

    def faults(self):
        with pytest.raises(ConfigErrors) as caught:
            self.load()
        assert "s3cret" not in str(caught.value)
        return str(caught.value).splitlines()


@pytest.fixture
def project(tmp_path, specs):
    return Project(tmp_path, specs)
