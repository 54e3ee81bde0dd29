# ruff: noqa: E501  (tables read better with one case per line)
"""What a compiled mapping makes of records and their children."""

from dataclasses import replace
from decimal import Decimal
from types import MappingProxyType

import pytest

from connectors.records import MISSING, Record, Ref
from connectors.values import external_id
from engine.mapping.model import (
    AwaitsLink,
    CatalogueSpec,
    CompiledMapping,
    Desired,
    Held,
    LinkAnswer,
    Lookups,
    MatchKey,
    NotIncluded,
    Reference,
    Side,
    SourceView,
    Unmappable,
)
from engine.mapping.texts import comparable
from engine.mapping.values import catalogue_key, catalogue_rows

DEAL = """
mapping: m
source: {object: deals, associations: [companies]}
target: {object: Opportunity, identity: Revline_Id__c}
when: = pipeline != 'internal'
business_key: "= 'order-' + number"
match:
  - {Name: dealname}
  - {name: Both, by: {Name: dealname, Code: code}}
gates:
  - {name: priced, hold_unless: = amount is not None, say: Set an amount.}
value_maps:
  stage: {values: {won: Closed Won, lost: Closed Lost}}
fields:
  Name: {from: dealname, default: Unnamed}
  StageName: {from: stage, value_map: stage, owner: target}
  Amount: {from: amount, when: = count(children.line_items) == 0}
  Size: "= number(a) + number(b)"
  Type: {const: New, on_create_only: true}
  AccountId: {ref: companies, from: = first(associations.companies), to: Account}
  OwnerId: {ref: owners, from: owner, on_missing: skip_field}
  ParentId: {ref: deals, from: parent, on_missing: later}
  CampaignId: {ref: campaigns, from: campaign, on_missing: reject}
children:
  - name: lines
    include: line_items
    object: OpportunityLineItem
    parent_field: OpportunityId
    removed: delete
    when: = item.quantity > 0
    fields:
      Quantity: item.quantity
      Currency: currency
      Total: = item.quantity * item.price
      Entry: {ref: products/standard_price, from: "= item.product + ':' + currency"}
  - name: roles
    each: = associations.companies
    object: Role
    parent_field: OpportunityId
    fields: {Who: {ref: companies, from: item.id, to: Account}, First: = item.id == '7'}
  - name: prices
    key: "= ['USD', 'EUR']"
    object: Price
    parent_field: Parent
    fields: {Code: item.key, Amount: amount}
"""

FIELDS = {
    "pipeline": "default", "number": "N1", "dealname": "Pilot", "code": None, "amount": Decimal(5),
    "stage": "won", "a": 1, "b": "2.5", "owner": None, "parent": None, "campaign": None,
    "currency": "EUR",
}  # fmt: skip


def view(lines=(), companies=(), **changes):
    fields = {**FIELDS, **changes}
    record = Record(
        Ref("deals", "42"),
        MappingProxyType({k: v for k, v in fields.items() if v != "ABSENT"}),
        associations={"companies": tuple(companies)},
    )
    return SourceView(record, {"line_items": tuple(lines)})


def line(id, **fields):
    return Record(Ref("line_items", id), {"quantity": 1, "price": 2, "product": "31", **fields})


def answers(built, seen, **linked):
    return Lookups(
        {
            reference: linked.get(f"{reference.object.replace('/', '_')}_{reference.id}".replace(":", "_"),
                                  LinkAnswer(None))
            for reference in built.references(seen)
        }
    )  # fmt: skip


def test_the_declared_side(mapping):
    built = mapping(DEAL)
    facing: CompiledMapping = built
    assert facing.selection.fields == tuple(sorted(FIELDS))
    assert facing.selection.associations == ("companies",)
    assert facing.includes["line_items"].fields == ("price", "product", "quantity")
    rules = {rule.target: rule for rule in facing.rules}
    assert rules["Name"].pair == "dealname"
    assert rules["StageName"].pair == "stage"
    assert rules["StageName"].owner is Side.TARGET
    assert rules["Amount"].pair == "amount"
    assert rules["Amount"].sources == ("amount", "children.line_items")
    assert rules["Size"].pair is None
    assert rules["Size"].sources == ("a", "b")
    assert rules["AccountId"].pair is None
    assert rules["Type"].on_create_only
    assert rules["Name"].place == "mappings/m.yaml:15:3"
    assert [
        (c.name, c.include, c.source_object, c.associated, c.removed) for c in facing.children
    ] == [
        ("lines", "line_items", "line_items", False, "delete"),
        ("roles", None, "deals/roles", True, "flag"),
        ("prices", None, "deals/prices", False, "flag"),
    ]
    own = {rule.target: rule for rule in facing.children[0].rules}
    assert own["Quantity"].pair == "quantity"
    assert own["Currency"].sources == ("root.currency",)
    assert own["Currency"].pair is None
    assert facing.identity_value("deals/prices", "42:USD") == external_id("deals/prices", "42:USD")
    assert facing.business_key_of(view()) == "order-N1"
    with pytest.raises(ValueError, match="business key"):
        facing.business_key_of(view(number=None))


def test_desired(mapping):
    built = mapping(DEAL)
    seen = view()
    assert built.references(seen) == ()
    mapped = built.map(seen, Lookups())
    assert mapped == Desired(
        {
            "Name": "Pilot", "StageName": "Closed Won", "Amount": Decimal(5), "Size": Decimal("3.5"),
            "Type": "New", "AccountId": None, "OwnerId": None, "ParentId": None, "CampaignId": None,
        },
        (MatchKey("Name", {"Name": "Pilot"}),),
        {},
    )  # fmt: skip
    assert built.map(seen, Lookups()) == mapped


def test_a_default_stands_for_a_blank_and_a_when_leaves_a_field_out(mapping):
    built = mapping(DEAL)
    seen = view(lines=[line("1")], dealname="")
    mapped = built.map(seen, answers(built, seen))
    assert isinstance(mapped, Desired)
    assert mapped.fields["Name"] == "Unnamed"
    assert "Amount" not in mapped.fields
    assert mapped.matches == ()


def test_what_was_not_read_is_left_out_but_never_decides(mapping):
    built = mapping(DEAL)
    mapped = built.map(view(b=MISSING, dealname="ABSENT"), Lookups())
    assert isinstance(mapped, Desired)
    assert {"Size", "Name"}.isdisjoint(mapped.fields)
    assert mapped.matches == ()
    undecided = built.map(view(pipeline=MISSING), Lookups())
    assert isinstance(undecided, Unmappable)
    assert undecided.faults[0][0] == "SOURCE_NOT_READ"
    assert "pipeline" in undecided.faults[0][2]


def test_conditions_and_gates(mapping):
    built = mapping(DEAL)
    assert isinstance(built.map(view(pipeline="internal"), Lookups()), NotIncluded)
    assert built.map(view(amount=None), Lookups()) == Held("priced", "Set an amount.")


def test_every_fault_at_once(mapping):
    mapped = mapping(DEAL).map(view(stage="odd", a="x"), Lookups())
    assert isinstance(mapped, Unmappable)
    assert [(code, field) for code, field, _ in mapped.faults] == [
        ("UNKNOWN_VALUE", "StageName"),
        ("NOT_A_NUMBER", "Size"),
    ]
    assert mapped.faults[1][2].startswith("mappings/m.yaml:18:")


@pytest.mark.parametrize(
    ("changes", "linked", "expected"),
    [
        ({"companies": ["7"]}, {"companies_7": LinkAnswer("001")}, {"AccountId": "001"}),
        (
            {"companies": ["7"]},
            {},
            AwaitsLink((Reference("companies", "7", "Account"),), "AccountId"),
        ),
        ({"owner": "5"}, {"owners_5": LinkAnswer("005")}, {"OwnerId": "005"}),
        ({"owner": "5"}, {}, {"OwnerId": MISSING}),
        ({"parent": "6"}, {}, {"ParentId": MISSING}),
        ({"campaign": "3"}, {}, "NOT_LINKED"),
        (
            {"campaign": "3"},
            {"campaigns_3": LinkAnswer(None, pending=True)},
            AwaitsLink((Reference("campaigns", "3"),), "CampaignId"),
        ),
    ],
)
def test_references(mapping, changes, linked, expected):
    built = mapping(DEAL)
    seen = view(**changes)
    mapped = built.map(seen, answers(built, seen, **linked))
    if isinstance(expected, dict):
        assert isinstance(mapped, Desired)
        for name, wanted in expected.items():
            assert mapped.fields.get(name, MISSING) == wanted
    elif isinstance(expected, str):
        assert isinstance(mapped, Unmappable)
        assert mapped.faults[0][:2] == (expected, "CampaignId")
    else:
        assert mapped == expected


def test_later_names_what_is_to_be_patched_in(mapping):
    built = mapping(DEAL)
    seen = view(parent="6")
    mapped = built.map(seen, answers(built, seen))
    assert isinstance(mapped, Desired)
    assert mapped.later == {"ParentId": Reference("deals", "6")}


def test_children(mapping):
    built = mapping(DEAL)
    seen = view(
        lines=[line("1"), line("2", quantity=0), line("3", quantity="x")], companies=["7", "8"]
    )
    assert set(built.references(seen)) == {
        Reference("companies", "7", "Account"),
        Reference("companies", "8", "Account"),
        Reference("products/standard_price", "31:EUR"),
    }
    lookups = answers(
        built, seen, products_standard_price_31_EUR=LinkAnswer("01u"), companies_7=LinkAnswer("001")
    )
    lines, roles, prices = (built.map_children(kind, seen, lookups) for kind in built.children)
    assert [(one.source_object, one.source_id) for one in lines] == [
        ("line_items", "1"), ("line_items", "2"), ("line_items", "3"),
    ]  # fmt: skip
    assert lines[0].record is seen.children["line_items"][0]
    assert lines[0].mapped == Desired(
        {"Quantity": 1, "Currency": "EUR", "Total": 2, "Entry": "01u"}
    )
    assert isinstance(lines[1].mapped, NotIncluded)
    assert isinstance(lines[2].mapped, Unmappable)
    assert [(one.source_object, one.source_id, one.record) for one in roles] == [
        ("deals/roles", "42:7", None), ("deals/roles", "42:8", None),
    ]  # fmt: skip
    assert roles[0].mapped == Desired({"Who": "001", "First": True})
    assert roles[1].mapped == AwaitsLink((Reference("companies", "8", "Account"),), "Who")
    assert [one.source_id for one in prices] == ["42:USD", "42:EUR"]
    assert prices[1].mapped == Desired({"Code": "EUR", "Amount": Decimal(5)})


def test_a_root_field_and_a_childs_field_of_one_name_are_told_apart(mapping):
    built = mapping(DEAL)
    odd = Record(Ref("line_items", "1"), {"quantity": MISSING, "price": 2, "product": "31"})
    seen = view(lines=[odd], currency=MISSING)
    (child,) = built.map_children(built.children[0], seen, Lookups())
    assert isinstance(child.mapped, Unmappable)  # its `when` needs the quantity
    fine = view(lines=[line("1")], currency=MISSING)
    (child,) = built.map_children(built.children[0], fine, Lookups())
    assert child.mapped == Desired({"Quantity": 1, "Total": 2})


def test_an_unread_set_of_children_is_not_an_empty_one(mapping):
    built = mapping(DEAL)
    seen = replace(view(), children={})
    with pytest.raises(ValueError, match="line_items"):
        built.map_children(built.children[0], seen, Lookups())
    bare = SourceView(replace(view().record, associations={}), {"line_items": ()})
    mapped = built.map(bare, Lookups())
    assert isinstance(mapped, Unmappable)
    assert "associations.companies" in mapped.faults[0][2]


def test_a_record_without_an_id_field_of_its_own_uses_the_default_key(mapping):
    built = mapping("mapping: m\nsource: {object: a}\ntarget: {object: b}\nfields: {X: x}\n")
    assert built.business_key == "a-{id}"
    assert built.business_key_of(SourceView(Record(Ref("a", "5"), {}))) == "a-5"
    assert built.identity_field is None


def test_the_digest_follows_meaning(mapping):
    base = mapping(DEAL).digest
    assert (
        mapping(DEAL + "\nexamples: [{name: x, given: {}, expect: not_included}]\n").digest == base
    )
    assert mapping("# a comment\n" + DEAL).digest == base
    assert mapping(DEAL.replace("Closed Won", "Won")).digest != base
    assert mapping(DEAL.replace("const: New", "const: 'New '")).digest != base
    assert mapping(DEAL.replace("item.quantity > 0", "item.quantity > 1")).digest != base
    assert mapping(DEAL.replace("owner: target", "owner: source")).digest != base
    children = [kind.digest for kind in mapping(DEAL).children]
    changed = [kind.digest for kind in mapping(DEAL.replace("item.quantity > 0", "true")).children]
    assert [one == two for one, two in zip(children, changed, strict=True)] == [False, True, True]


def test_match_values_are_normal_but_look_alikes_stay_apart(mapping):
    built = mapping(
        "mapping: m\nsource: {object: a}\ntarget: {object: b}\nmatch: [{Name: x}]\nfields: {}\n"
    )

    def searched(value):
        view = SourceView(Record(Ref("a", "1"), {"x": value}))
        return built.map(view, Lookups()).matches[0].values

    def key(value):
        return {name: comparable(text) for name, text in searched(value).items()}

    assert searched(" 01sHq0000000001IAA ") == {"Name": "01sHq0000000001IAA"}
    assert key("  ÉCOLE ") == key("e\u0301cole")
    assert key("\u0130zmir") != key("izmir")
    assert key("\u017fonne") != key("sonne")
    assert key("\u03f4") != key("\u03b8")
    assert key("\uff21cme") != key("acme")
    assert key("Straße") != key("STRASSE")
    assert key(Decimal("5")) == {"Name": "5"}


def test_catalogue_rows_by_key():
    spec = CatalogueSpec("books", "Pricebook2", ("Name", "IsStandard"), ("Id",))
    rows = catalogue_rows(
        spec,
        [
            {"Name": "A", "IsStandard": True, "Id": "1"},
            {"Name": "B", "IsStandard": False, "Id": "2"},
            {"Name": "B", "IsStandard": False, "Id": "3"},
            {"Name": None, "IsStandard": False, "Id": "4"},
        ],
    )
    assert rows == {
        catalogue_key(["A", True]): {"Name": "A", "IsStandard": True, "Id": "1"},
        catalogue_key(["B", False]): None,
    }
