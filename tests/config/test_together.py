# ruff: noqa: E501  (tables read better with one case per line)
"""What only shows between syncs: owners of facing fields, references, cycles."""

import pytest

HEAD = (
    "mapping: {name}\nsource: {{object: {source}}}\ntarget: {{object: {target}, identity: Ext}}\n"
)


def write(project, name, source, target, rest, ends=("left", "right"), **sync):
    project.mapping(name, HEAD.format(name=name, source=source, target=target) + rest)
    options = "".join(f", {key}: {value}" for key, value in sync.items())
    project.add(
        f"  {name}: {{from: {ends[0]}.{source}, to: {ends[1]}.{target}, mapping: {name}, "
        f"start_from: now{options}}}\n"
    )


def facing(project, forth, back, **sync):
    write(project, "forth", "contacts", "Lead", forth)
    write(project, "back", "Lead", "contacts", back, ends=("right", "left"), **sync)


def test_one_owner_seen_from_both_sides(project):
    facing(
        project,
        "fields:\n  Phone: {from: phone, owner: source}\n",
        "fields:\n  phone: {from: Phone, owner: target}\n",
    )
    assert set(project.load().syncs) == {"companies", "forth", "back"}


@pytest.mark.parametrize(
    ("forth", "back", "place", "message"),
    [
        ("Phone: phone", "phone: Phone", "mappings/forth.yaml:5:3", "no owner is named here"),
        (
            "Phone: {from: phone, owner: source}",
            "phone: Phone",
            "mappings/back.yaml:5:3",
            "right wins",
        ),
        (
            "Phone: {from: phone, owner: source}",
            "phone: {from: Phone, owner: source}",
            "mappings/back.yaml:5:3",
            "write `owner: target` here",
        ),
        (
            "Phone: {from: phone, owner: target}",
            "phone: {from: Phone, owner: target}",
            "mappings/back.yaml:5:3",
            "write `owner: source` here",
        ),
        (
            "Phone: {from: phone, owner: source, on_conflict: newest}",
            "phone: {from: Phone, owner: target}",
            "mappings/back.yaml:5:3",
            "settle conflicts differently",
        ),
        (
            "Phone: = phone + ext",
            "phone: Phone",
            "mappings/forth.yaml:5:3",
            "computed from each other",
        ),
    ],
)
def test_facing_fields_without_one_answer(project, forth, back, place, message):
    facing(project, f"fields:\n  {forth}\n", f"fields:\n  {back}\n")
    (line,) = project.faults()
    assert line.startswith(place + ": ")
    assert message in line


def test_fields_that_do_not_face_need_no_owner(project):
    facing(
        project,
        "fields:\n  Phone: phone\n  Once: {from: once, on_create_only: true}\n",
        "fields:\n  status: Status\n  once: Once\n",
    )
    project.load()


@pytest.mark.parametrize(
    ("rest", "message"),
    [
        ("fields: {A: {ref: companys, from: x}}", "no sync links `companys` from left to right — did you mean `companies`?"),
        ("fields: {A: {ref: companies, from: x, to: Order}}", "no sync links `companies` to `Order` — known: `Account`"),
        ("when: = linked('nobody', x)\nfields: {A: a}", "no sync links `nobody` from left to right"),
        ("fields: {A: {ref: contacts, from: x, to: Contact|Leed, on_missing: later}}", "no sync links `contacts` to `Leed` — did you mean `Lead`?"),
        ("fields: {A: {ref: contacts, from: x, on_missing: later}}", "`contacts` is linked to more than one object: Contact, Lead"),
    ],
)  # fmt: skip
def test_references_that_nobody_can_answer(project, rest, message):
    write(project, "leads", "contacts", "Lead", rest + "\n")
    write(project, "people", "contacts", "Contact", "fields: {A: a}\n")
    (line,) = project.faults()
    assert message in line
    assert line.startswith("mappings/leads.yaml:")


def test_references_that_can_be_answered(project):
    write(project, "orders", "deals", "Order", """
fields:
  A: {ref: companies, from: a}
  B: {ref: deals/prices, from: b, on_missing: later}
children:
  - {name: prices, key: "= ['x']", object: Line, identity: Ext, parent_field: P, fields: {Q: {ref: line_items, from: q}}}
  - {name: lines, include: line_items, object: Line, identity: Ext, parent_field: P, fields: {R: item.r}}
""")  # fmt: skip
    write(
        project,
        "back",
        "Order",
        "deals",
        "fields: {z: {ref: Account, from: Z}}\n",
        ends=("right", "left"),
    )
    project.load()


def test_records_that_hold_one_another(project):
    write(project, "leads", "contacts", "Lead", "fields: {A: {ref: deals, from: a}}\n")
    write(project, "orders", "deals", "Order", "fields: {B: {ref: contacts, from: b}}\n")
    (line,) = project.faults()
    assert line.startswith(
        "mappings/leads.yaml:4:10: records hold one another for ever: contacts → deals → contacts"
    )
    project.mapping("orders", HEAD.format(name="orders", source="deals", target="Order") + "fields: {B: {ref: contacts, from: b, on_missing: later}}\n")  # fmt: skip
    project.load()


def test_a_root_that_waits_for_its_own_child(project):
    write(project, "orders", "deals", "Order", """
fields: {A: {ref: line_items, from: a}}
children: [{name: lines, include: line_items, object: Line, identity: Ext, parent_field: P, fields: {R: item.r}}]
""")  # fmt: skip
    (line,) = project.faults()
    assert "deals → line_items → deals" in line


def test_syncs_that_wait_for_one_another(project):
    write(project, "leads", "contacts", "Lead", "fields: {A: a}\n", after="[people]")
    write(project, "people", "contacts", "Contact", "fields: {A: a}\n", after="[leads]")
    (line,) = project.faults()
    assert "leads → people → leads" in line


def test_children_need_what_their_parents_need(project):
    write(project, "orders", "deals", "Order", """
fields: {A: a}
children: [{name: lines, include: line_item, object: Line, parent_field: P, fields: {R: item.r}}]
""")  # fmt: skip
    lines = project.faults()
    assert any(
        "deals has no child object `line_item`" in line and "did you mean `line_items`?" in line
        for line in lines
    )
    assert any("names no identity field for Line" in line for line in lines)
