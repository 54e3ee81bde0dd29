# ruff: noqa: E501  (tables read better with one case per line)
"""The shipped mappings between the CRMs name fields and choices that a stock account has.

The simulators' schemas stand for the accounts: they follow the vendors' object references. The
mappings of the money half are held by the simulators themselves, which refuse a name they do not
know (``tests/moneyline``).
"""

from pathlib import Path

import pytest
import yaml

from engine.config.mappings import load_mapping

ROOT = Path(__file__).parents[2]
OURS = {"Revline_Id__c", "revline_id"}
HUBSPOT = yaml.safe_load((ROOT / "sandbox/hubspot/schema.yaml").read_text(encoding="utf-8"))
SALESFORCE = yaml.safe_load((ROOT / "sandbox/salesforce/objects.yaml").read_text(encoding="utf-8"))
CRM = (
    "company_to_account",
    "contact_to_contact",
    "contact_to_lead",
    "deal_to_opportunity",
    "lead_to_contact",
    "opportunity_to_deal",
    "owners_to_users",
    "product_to_product2",
)
OWNER_FIELDS = {"email", "firstName", "lastName", "userId", "archived"}


def fields_of(object_name):
    if object_name == "owners":
        return OWNER_FIELDS
    if object_name in HUBSPOT:
        return set(HUBSPOT[object_name]["properties"])
    return {"Id", "CurrencyIsoCode", *SALESFORCE["objects"][object_name]["fields"]}


def marks_of(object_name, field):
    if object_name in HUBSPOT:
        return "read_only" if HUBSPOT[object_name]["properties"][field].get("read_only") else ""
    return str(SALESFORCE["objects"][object_name]["fields"].get(field, ""))


def sides(mapping):
    """(target object, identity, parent field, rules) of the root and of every kind of child."""
    yield mapping.target_object, mapping.identity_field, None, mapping.programs
    for kind in mapping.kinds:
        yield kind.target_object, kind.identity_field, kind.parent_field, kind.programs


@pytest.mark.parametrize("name", CRM)
def test_every_field_exists(name):
    mapping = load_mapping(ROOT, name)
    assert set(mapping.selection.fields) <= fields_of(mapping.source_object)
    for selection in mapping.includes.values():
        assert set(selection.fields) <= fields_of(selection.object)
    for object_name, identity, parent, rules in sides(mapping):
        known = fields_of(object_name)
        assert identity in {*OURS, None}
        assert parent is None or parent in known
        written = {program.rule.target for program in rules.programs}
        assert written <= known
        assert {target for match in rules.matches for target in match.values} <= known
        for program in rules.programs:
            marks = marks_of(object_name, program.rule.target)
            assert "read_only" not in marks
            assert "create_only" not in marks or program.rule.on_create_only
    for table in mapping.catalogues:
        assert set(table.fields) <= fields_of(table.object)


@pytest.mark.parametrize("name", CRM)
def test_every_required_field_is_written(name):
    mapping = load_mapping(ROOT, name)
    if mapping.target_object in HUBSPOT or not mapping.rules:
        return
    for object_name, _identity, parent, rules in sides(mapping):
        declared = SALESFORCE["objects"][object_name]["fields"]
        required = {
            field
            for field, marks in declared.items()
            if " required" in f" {marks}" and "default=" not in marks
        }
        assert required <= {*(program.rule.target for program in rules.programs), parent}


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
