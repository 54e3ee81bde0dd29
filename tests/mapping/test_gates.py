"""Formulas, field groups, and gates that say in plain words what is missing."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.records import Record, Ref
from engine.mapping.examples import run_examples
from engine.mapping.faults import DataFault
from engine.mapping.groups import complete, missing
from engine.mapping.model import Desired, Held, Lookups, SourceView, Unmappable
from engine.mapping.numbers import discount_percent

HEAD = "mapping: m\nsource: {object: a}\ntarget: {object: b}\nfields: {X: a}\n"
GROUP = """
field_groups:
  meddpicc:
    title: MEDDPICC
    fill_in: Salesforce on the opportunity
    fields: {metrics: Metrics__c, economic_buyer: Economic_Buyer__c, "Champion?": "= champion"}
gates:
  - {name: meddpicc, complete: meddpicc}
"""
LINES = """
formulas:
  listed: = total(l.list * l.quantity for l in children.lines)
  net: = total(l.net for l in children.lines)
  discount: = discount_percent(listed, net)
gates:
  - name: discount
    hold_unless: = discount <= 20 or approval == 'Approved'
    say: "= 'The discount is ' + default(text(round_half_even(discount, 2)), 'unknown') + ' %.'"
"""


def made(built, fields, lines=None):
    fields = {**dict.fromkeys(built.selection.fields), **fields}
    children = {}
    if lines is not None:
        children["lines"] = tuple(
            Record(Ref("lines", str(n)), line) for n, line in enumerate(lines)
        )
    return built.map(SourceView(Record(Ref("a", "1"), fields), children), Lookups())


def test_an_incomplete_group_names_its_blank_fields(mapping):
    built = mapping(HEAD + GROUP)
    filled = {"Metrics__c": "m", "Economic_Buyer__c": "Ada", "champion": True}
    assert isinstance(made(built, filled), Desired)
    assert made(built, {**filled, "champion": False}) == Held(
        "meddpicc",
        "MEDDPICC is incomplete: Champion? is blank. Fill it in Salesforce on the opportunity.",
    )
    assert made(built, {"Metrics__c": "  ", "champion": True}) == Held(
        "meddpicc",
        "MEDDPICC is incomplete: Metrics, Economic buyer are blank. "
        "Fill them in Salesforce on the opportunity.",
    )
    assert built.selection.fields == ("Economic_Buyer__c", "Metrics__c", "a", "champion")


def test_a_gate_is_only_for_those_it_is_for(mapping):
    built = mapping(HEAD + GROUP.replace("complete: meddpicc", "complete: meddpicc, when: = new"))
    assert isinstance(made(built, {"new": False}), Desired)
    assert isinstance(made(built, {"new": None}), Desired)
    assert made(built, {"new": True}).code == "meddpicc"
    assert "new" in built.selection.fields
    unread = built.map(SourceView(Record(Ref("a", "1"), {"a": 1, "champion": 1})), Lookups())
    assert unread.faults[0][0] == "SOURCE_NOT_READ"


def test_a_group_may_be_complete_before_it_is_full(mapping):
    built = mapping(HEAD + GROUP.replace("    fields:", "    complete_from: 2\n    fields:"))
    assert isinstance(made(built, {"Metrics__c": "m", "champion": True}), Desired)
    held = made(built, {"Metrics__c": "m"})
    assert held.reason.startswith("MEDDPICC is incomplete (2 of 3 fields are needed): Economic")


def test_groups_can_be_asked_about_anywhere(mapping):
    built = mapping(
        GROUP.replace("gates:\n  - {name: meddpicc, complete: meddpicc}\n", "")
        + HEAD.replace("{X: a}", "")
        + "  N: = count(missing('meddpicc'))\n  T: = join(missing('meddpicc'), '; ')\n"
        "  C: = complete('meddpicc')\n"
    )
    assert made(built, {"champion": True}).fields == {
        "N": 2, "T": "Metrics; Economic buyer", "C": False,
    }  # fmt: skip


@given(st.lists(st.sampled_from([None, "", " ", "x", 0, False, True, (), Decimal(1)]), min_size=1))
def test_missing_and_complete_agree(values):
    names = [str(n) for n, _ in enumerate(values)]
    lacking = missing(values, names)
    for wanted in range(1, len(values) + 1):
        assert complete(values, wanted) == (len(values) - len(lacking) >= wanted)
    assert set(lacking) == {
        n for n, v in zip(names, values, strict=True) if v in (None, "", " ", ()) or v is False
    }


@pytest.mark.parametrize(
    ("net", "held"), [("240", False), ("239.99", True), ("240.01", False), ("300", False)]
)
def test_a_discount_is_worked_out_from_lines_to_the_cent(mapping, net, held):
    lines = [
        {"list": Decimal("33.30"), "quantity": 3, "net": Decimal(net) - 100},
        {"list": Decimal("200.10"), "quantity": 1, "net": Decimal(100)},
    ]  # 300.00 at list prices
    built = mapping(HEAD + LINES)
    assert isinstance(made(built, {}, lines), Held) is held
    assert isinstance(made(built, {"approval": "Approved"}, lines), Desired)


def test_a_sentence_may_be_made_up_of_values(mapping):
    built = mapping(HEAD + LINES)
    held = made(built, {}, [{"list": Decimal(3), "quantity": 1, "net": Decimal(2)}])
    assert held == Held("discount", "The discount is 33.33 %.")
    assert made(built, {}, []).reason == "The discount is unknown %."


def test_what_cannot_be_said_still_holds(mapping):
    built = mapping(HEAD + "gates: [{name: g, hold_unless: = ok, say: = other + 'x'}]\n")
    reason = made(built, {"ok": False, "other": 1}).reason
    assert reason == "the gate g holds it; its sentence (mappings/m.yaml:5:43) cannot be told"
    record = Record(Ref("a", "1"), {"a": 1, "ok": False})
    assert isinstance(built.map(SourceView(record), Lookups()), Held)


@given(
    st.decimals(min_value=1, max_value=10**12, places=4),
    st.integers(min_value=0, max_value=100_000),
)
def test_a_percentage_taken_off_is_found_again(listed, thousandths):
    percent = Decimal(thousandths) / 1000
    net = listed * (100 - percent) / 100
    found = discount_percent(listed, net)
    assert abs(found - percent) < Decimal("1e-20")
    assert (found <= 20) == (percent <= 20)


def test_a_percentage_of_nothing_is_a_blank():
    assert discount_percent(0, 5) is None
    assert discount_percent(None, 5) is None
    assert discount_percent("10", None) is None
    assert discount_percent(10, 11) == -10
    with pytest.raises(DataFault):
        discount_percent("ten", 1)


def test_a_formula_hides_a_field_and_knows_those_above_it(mapping):
    built = mapping(
        HEAD.replace("{X: a}", "{X: = a + b, Y: = field('a')}")
        + "formulas: {a: = 1 + c, b: \"= a * 2 + (0.5 if d == 'x' else 0.25)\"}\n"
    )
    assert made(built, {"c": 2, "a": 9, "d": "x"}).fields == {"X": Decimal("9.5"), "Y": 9}


def test_a_formula_counts_in_children_and_lists(mapping):
    built = mapping(
        HEAD.replace("{X: a}", "")
        + "  L: {each: = children.lines, item: {r: = item.net * rate}}\n"
        + "formulas: {rate: = number(percent) / 100}\n"
        + "children:\n  - {name: k, include: lines, object: d, parent_field: P,"
        + " fields: {Y: = item.net * rate}}\n"
    )
    fields = {"percent": "50"}
    record = Record(Ref("a", "1"), fields)
    view = SourceView(record, {"lines": (Record(Ref("lines", "1"), {"net": 4}),)})
    assert built.map(view, Lookups()).fields == {"L": ({"r": Decimal("2.0")},)}
    (child,) = built.map_children(built.kinds[0], view, Lookups())
    assert child.mapped.fields == {"Y": 2}


def test_a_fault_in_a_formula_is_told_where_its_name_is_used(mapping):
    built = mapping(HEAD.replace("{X: a}", "{X: = 1 + broken}") + "formulas: {broken: = a / b}\n")
    found = made(built, {"a": 1, "b": 0})
    assert isinstance(found, Unmappable)
    assert found.faults[0][0] == "DIVISION_BY_ZERO"
    assert found.faults[0][2].startswith("mappings/m.yaml:4:19:")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("formulas: {id: = 1}\n", "5:12: `id` cannot be the name of a formula"),
        ("formulas: {a: = b +}\n", "5:17: not an expression"),
        ("formulas: {f: = item.x}\n", "5:17: `item` only exists"),
        ("gates: [{name: g, say: x}]\n", "5:9: the gate `g` needs exactly one of"),
        ("gates: [{name: g, hold_unless: = a}]\n", "5:9: the gate `g` does not say"),
        ("gates: [{name: g, complete: grop}]\n", "5:29: there is no field group `grop`"),
        ("when: = complete('x')\n", "5:9: there is no field group `x`"),
        ("when: = missing(x)\n", "5:9: a name must be written out: missing('field group')"),
        ("field_groups: {g: {fields: {}}}\n", "5:28: the field group `g` names no field"),
        (
            "field_groups: {g: {fields: {a: a}, complete_from: 2}}\n",
            "5:51: `complete_from` is 2, but the group has 1 fields",
        ),
        ("field_groups: {g: {fields: {a: = 1 +}}}\n", "5:34: not an expression"),
    ],
)
def test_faults_are_told_with_their_place(faults, text, expected):
    lines = faults(HEAD + text)
    assert any(expected in line for line in lines), lines


def test_formulas_that_multiply_are_refused(faults):
    chain = "formulas:\n  f0: = a\n" + "".join(
        f"  f{n}: = f{n - 1} + f{n - 1}\n" for n in range(1, 20)
    )
    assert "more than 200 formulas in one expression" in faults(HEAD + chain)[0]


def test_examples_can_expect_the_sentence(mapping):
    built = mapping(
        HEAD
        + GROUP
        + """
examples:
  - name: right
    given: {fields: {Metrics__c: m, champion: true}}
    expect:
      held: meddpicc
      says: >-
        MEDDPICC is incomplete: Economic buyer is blank.
        Fill it in Salesforce on the opportunity.
  - {name: wrong, given: {}, expect: {held: meddpicc, says: Nothing.}}
"""
    )
    right, wrong = run_examples(built)
    assert right.passed
    assert not wrong.passed
    assert wrong.difference.startswith("says: expected Nothing.; found MEDDPICC")


def test_a_changed_formula_is_a_changed_mapping(mapping):
    one, two = (mapping(HEAD + f"formulas: {{f: = {n}}}\n").digest for n in (1, 2))
    assert one != two
