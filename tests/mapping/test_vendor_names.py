# ruff: noqa: E501  (tables read better with one case per line)
"""The shipped mappings name fields and choices that a stock account has, or that we tell of.

For HubSpot and Salesforce the simulators' schemas stand for the accounts: they follow the vendors'
object references. Zuora, Stripe and NetSuite are described by their connectors, the books by their
page. A mapping does not name its systems: the fields must all be those of one system.
"""

import re
from functools import cache
from pathlib import Path

import pytest
import yaml

from connectors import registry
from connectors.dealhub.fields import described as described_by_dealhub
from connectors.docusign.fields import CREATABLE, ENVELOPE, MADE_WITH
from connectors.errors import Rejected
from connectors.netsuite.describing import described as described_by_netsuite
from connectors.stripe.describing import description_of as described_by_stripe
from connectors.zuora.describing import describe_object as described_by_zuora
from engine.config.mappings import load_mapping, mapping_names

ROOT = Path(__file__).parents[2]
HUBSPOT = yaml.safe_load((ROOT / "sandbox/hubspot/schema.yaml").read_text(encoding="utf-8"))
SALESFORCE = yaml.safe_load((ROOT / "sandbox/salesforce/objects.yaml").read_text(encoding="utf-8"))
PACKAGE = yaml.safe_load(
    (ROOT / "sandbox/salesforce/cpq/package.yaml").read_text(encoding="utf-8")
)["objects"]
PAGE = (ROOT / "docs/money.md").read_text(encoding="utf-8")
SELLING = (ROOT / "docs/selling.md").read_text(encoding="utf-8")
OWNER_FIELDS = {"email", "firstName", "lastName", "userId", "archived"}
OURS = {"Revline_Id__c", "revline_id"}
TOLD = {
    name
    for page in (PAGE, SELLING)
    for name in re.findall(
        r"`([A-Za-z_]+)`", page.split("## What your systems need")[1].split("\n## ")[0]
    )
}
# What the connector reads by the names of its settings.
APPROVALS = {"approval_status", "approval_submitted_at", "approval_decided_at", "term_unit"}
MAPPINGS = mapping_names(ROOT)


class Nobody:
    """A vendor that answers nothing: what is declared is all there is."""

    def __getattr__(self, name):
        def refuse(*_given, **_named):
            raise Rejected("nobody is there", code="UNKNOWN_OBJECT")

        return refuse


class Fields:
    """The fields of an object in one system: whether they are there, writable, needed."""

    def __init__(self, known, writable=None, required=(), unique=(), plain=True):
        self._known = known
        self._writable = writable
        self.required = set(required)
        self.unique = set(unique)
        self._plain = plain

    def has(self, name):
        return name in TOLD or name in OURS or name in self._known or self._head(name) is not None

    def takes(self, name):
        if name in TOLD or self._writable is None:
            return self.has(name)
        return self.has(name) and self._writable(name)

    def _head(self, name):
        head, dot, _rest = name.partition(".")
        return head if dot and not self._plain and head in self._known else None


def of_hubspot(name):
    if name == "owners":
        return Fields(OWNER_FIELDS)
    if name not in HUBSPOT:
        return None
    properties = HUBSPOT[name]["properties"]
    return Fields(properties, lambda field: not properties[field].get("read_only"))


def of_salesforce(name):
    if name in TOLD and name.endswith("__c"):
        looked_up = {one.removesuffix("__c") + "__r" for one in TOLD if one.endswith("__c")}
        return Fields({"Id", *looked_up}, plain=False)
    if name not in SALESFORCE["objects"]:
        return None
    declared = SALESFORCE["objects"][name]["fields"]
    required = {
        field
        for field, marks in declared.items()
        if " required" in f" {marks}" and "default=" not in marks
    }
    return Fields(
        {"Id", "CurrencyIsoCode", *declared, *_of_parents(declared)},
        lambda field: "read_only" not in str(declared.get(field, "")),
        required,
    )


def _of_parents(declared):
    """The fields of the records that one refers to, as SOQL reaches them: ``Account.Name``."""
    for field, marks in declared.items():
        target = re.search(r"\bto=(\w+)", str(marks))
        if target is not None:
            named = re.search(r"\bas=(\w+)", str(marks))
            head = named[1] if named else field.removesuffix("Id")
            for below in SALESFORCE["objects"].get(target[1], {}).get("fields", {}):
                yield f"{head}.{below}"


def of_cpq(name):
    """An object of the CPQ package, with what the package brings for objects that were there."""
    if name not in PACKAGE and name not in SALESFORCE["objects"]:
        return None
    declared = _of_package(name)
    return Fields(
        Reached({"Id", "Name", "CurrencyIsoCode", *declared, *APPROVALS}, declared),
        lambda field: not re.search(r"read_only|formula", str(declared.get(field, ""))),
    )


def _of_package(name):
    core = SALESFORCE["objects"].get(name, {}).get("fields", {})
    return {**core, **PACKAGE.get(name, {}).get("fields", {})}


class Reached(set):
    """Fields of an object, and those that a question reaches over up to five lookups from it."""

    def __init__(self, own, declared):
        super().__init__(own)
        self._parents = {
            named[1]: target[1]
            for marks in declared.values()
            if (target := re.search(r"\bto=(\w+)", str(marks)))
            and (named := re.search(r"\bas=(\w+)", str(marks)))
        }

    def __contains__(self, name):
        head, dot, rest = name.partition(".")
        if not dot:
            return super().__contains__(name)
        if head not in self._parents or rest.count(".") > 4:
            return False
        declared = _of_package(self._parents[head])
        return rest in Reached(declared, declared)


def of_dealhub(name):
    known = described_by_dealhub(name)
    if known is None:
        return None
    return Fields(known, lambda field: known[field].writable, plain=False)


def of_docusign(name):
    if name != "envelopes":
        return None
    known = {*ENVELOPE, *MADE_WITH}
    return Fields(known, lambda field: field.partition(".")[0] in CREATABLE, plain=False)


def of_books(name):
    if f"| `{name}` |" not in PAGE.split("## What can be read")[1]:
        return None
    heading = "Batches" if name.endswith("_lines") else "Contracts and deals"
    table = PAGE.split(f"### {heading}")[1].split("\n#")[0]
    return Fields(set(re.findall(r"(?m)^\| `([a-z_]+)` \|", table)), lambda _field: False)


def described(describe):
    def of(name):
        try:
            found = describe(name)
        except Rejected:
            return None
        fields = found.fields
        unique = [one.name for one in fields.values() if one.unique]
        required = [one.name for one in fields.values() if one.required_on_create]
        return Fields(
            fields,
            lambda field: field in fields and fields[field].writable,
            required,
            unique,
            plain=False,
        )

    return of


SYSTEMS = {
    "hubspot": of_hubspot,
    "salesforce": of_salesforce,
    "books": of_books,
    "salesforce_cpq": of_cpq,
    "dealhub": of_dealhub,
    "docusign": of_docusign,
    "zuora": described(lambda name: described_by_zuora(Nobody(), name)),
    "stripe": described(described_by_stripe),
    "netsuite": described(lambda name: described_by_netsuite(Nobody(), name)),
}


@cache
def everywhere(name):
    found = {system: of(name) for system, of in SYSTEMS.items()}
    return {system: fields for system, fields in found.items() if fields is not None}


def systems(wanted):
    """Those that have all these fields: object → names; and what each lacks, to be shown."""
    lacking = {system: [] for system in SYSTEMS}
    for object_name, names in wanted.items():
        known = everywhere(object_name)
        for system in SYSTEMS:
            if system not in known:
                lacking[system].append(object_name)
            else:
                lacking[system] += [
                    f"{object_name}.{name}" for name in names if not known[system].has(name)
                ]
    return [system for system, names in lacking.items() if not names], lacking


def identity_fields(object_name, names):
    """The fields that the connectors of these systems declare for our identity."""
    specs = [registry.spec(name).object(object_name) for name in names if name != "books"]
    return {spec.identity_field for spec in specs if spec is not None}


def sides(mapping):
    """(target object, identity, parent field, rules) of the root and of every kind of child."""
    yield mapping.target_object, mapping.identity_field, None, mapping.programs
    for kind in mapping.kinds:
        yield kind.target_object, kind.identity_field, kind.parent_field, kind.programs


def target_names(mapping):
    """Target object → the fields that the mapping writes, matches by, looks up or looks at."""
    found = {}
    for object_name, identity, parent, rules in sides(mapping):
        names = found.setdefault(object_name, set())
        names |= {program.rule.target for program in rules.programs}
        names |= {target for match in rules.matches for target in match.values}
        names |= {name for name in (identity, parent) if name}
    found[mapping.target_object] |= set(mapping.step_fields)
    for table in mapping.catalogues:
        found.setdefault(table.object, set()).update(table.fields)
    return found


@pytest.mark.parametrize("name", MAPPINGS)
def test_every_field_that_is_read_exists(name):
    mapping = load_mapping(ROOT, name)
    wanted = {mapping.source_object: set(mapping.selection.fields)}
    for selection in mapping.includes.values():
        wanted[selection.object] = set(selection.fields)
    found, lacking = systems(wanted)
    assert found, lacking


@pytest.mark.parametrize("name", MAPPINGS)
def test_every_field_that_is_written_exists_and_can_be_written(name):
    mapping = load_mapping(ROOT, name)
    if mapping.observes:
        return
    found, lacking = systems(target_names(mapping))
    assert found, lacking
    for object_name, identity, _parent, rules in sides(mapping):
        written = {program.rule.target for program in rules.programs}
        fits = [
            system
            for system in found
            if all(everywhere(object_name)[system].takes(field) for field in written)
        ]
        assert fits, (object_name, found)
        unique = {one for system in fits for one in everywhere(object_name)[system].unique}
        assert identity in {*OURS, *unique, *identity_fields(object_name, fits), None}
        for program in rules.programs:
            if object_name in SALESFORCE["objects"]:
                marks = str(SALESFORCE["objects"][object_name]["fields"].get(program.rule.target))
                assert "create_only" not in marks or program.rule.on_create_only


@pytest.mark.parametrize("name", MAPPINGS)
def test_every_required_field_is_written(name):
    """A mapping without an identity makes no records."""
    mapping = load_mapping(ROOT, name)
    if mapping.observes or mapping.identity_field is None:
        return
    found, _lacking = systems(target_names(mapping))
    for object_name, identity, parent, rules in sides(mapping):
        given = {*(program.rule.target for program in rules.programs), parent, identity}
        assert any(everywhere(object_name)[system].required <= given for system in found)


def test_a_field_that_nobody_has_is_found():
    assert systems({"invoice": {"tranId", "tranID"}})[0] == []
    assert systems({"invoice": {"tranId"}})[0] == ["netsuite"]
    assert systems({"payments": {"amount", "metadata.x"}})[0] == []
    assert systems({"payment_intents": {"amount", "metadata.x"}})[0] == ["stripe"]
    assert systems({"Opportunity": {"Amount"}, "Account": {"Nmae"}})[0] == []


def test_stages_exist_and_go_both_ways():
    forth = load_mapping(ROOT, "deal_to_opportunity").programs
    back = load_mapping(ROOT, "opportunity_to_deal").programs
    there = next(p.value_map for p in forth.programs if p.rule.target == "StageName").values
    again = next(p.value_map for p in back.programs if p.rule.target == "dealstage").values
    assert {value: key for key, value in there.items()} == dict(again)
    assert set(there.values()) <= set(SALESFORCE["stages"])


@pytest.mark.parametrize(
    ("name", "field", "choices"),
    [
        ("contact_to_lead", "Status", SALESFORCE["picklists"]["lead_status"]),
        ("contact_to_lead", "LeadSource", SALESFORCE["picklists"]["lead_source"]),
        ("company_to_account", "Industry", SALESFORCE["picklists"]["industry"]),
        ("deal_to_opportunity", "Type", SALESFORCE["picklists"]["opportunity_type"]),
        ("lead_to_contact", "hs_lead_status", HUBSPOT["contacts"]["properties"]["hs_lead_status"]["options"]),
    ],
)  # fmt: skip
def test_choices_exist(name, field, choices):
    rules = load_mapping(ROOT, name).programs
    program = next(p for p in rules.programs if p.rule.target == field)
    written = (
        [program.constant] if program.expression is None else [*program.value_map.values.values()]
    )
    assert set(written) <= set(choices)


def test_every_status_of_a_lead_comes_back():
    rules = load_mapping(ROOT, "lead_to_contact").programs
    status = next(p for p in rules.programs if p.rule.target == "hs_lead_status")
    assert set(status.value_map.values) == set(SALESFORCE["picklists"]["lead_status"])
