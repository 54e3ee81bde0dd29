# ruff: noqa: E501  (tables read better with one case per line)
"""Values with parts, steps, facts and periods: what they come to, and what is refused."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest

from connectors.records import Record, Ref
from engine.config.problems import Problems
from engine.config.yaml import parse_document
from engine.mapping.compile import compile_mapping
from engine.mapping.examples import run_examples
from engine.mapping.model import (
    AwaitsLink,
    Desired,
    LinkAnswer,
    Lookups,
    Reference,
    SourceView,
    StepDue,
    Unmappable,
)
from engine.mapping.values import Unmapped, ValueMap
from engine.money.model import FactKind, PeriodState

HEAD = "mapping: m\nsource: {object: a}\ntarget: {object: b, identity: Ext__c}\n"
WATCH = "mapping: m\nsource: {object: a}\n"


def view(children=None, **fields):
    kids = {
        name: tuple(Record(Ref(name, id), values) for id, values in rows.items())
        for name, rows in (children or {}).items()
    }
    return SourceView(Record(Ref("a", "7"), fields), kids)


def made(mapping, text, source, lookups=None):
    found = mapping(HEAD + text).map(source, lookups or Lookups())
    assert isinstance(found, Desired), found
    return dict(found.fields)


# -- values with parts ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("field", "fields", "expected"),
    [
        ("{record: {id: x}}", {"x": "3"}, {"id": "3"}),
        ("{record: {id: x, kept: {const: false}}}", {"x": None}, {"kept": False}),
        ("{record: {id: x, n: {from: y, default: 5}}}", {"x": "", "y": None}, {"n": 5}),
        ("{record: {in: {record: {id: x}}}}", {"x": "3"}, {"in": {"id": "3"}}),
        ("{record: {id: {from: x, when: = y}, z: y}}", {"x": "3", "y": False}, {"z": False}),
        ("{list: [{n: x}, {n: {const: 2}}]}", {"x": 1}, ({"n": 1}, {"n": 2})),
        ("{each: = rows, item: {n: = item.n}}", {"rows": ({"n": 1}, {"n": 2})}, ({"n": 1}, {"n": 2})),
        ("{each: = rows, item: {n: = item.p.q.n}}", {"rows": ({"p": {"q": {"n": 1}}}, {"p": None})}, ({"n": 1}, {})),
        ("{each: = rows, where: = item.n > 1, item: {n: = item.n}}", {"rows": ({"n": 1}, {"n": 2})}, ({"n": 2},)),
        ("{each: = rows, item: {n: = item.n, x: x}}", {"rows": ({"n": 1},), "x": "o"}, ({"n": 1, "x": "o"},)),
        ("{each: = rows, item: {n: = item.n}}", {"rows": None}, ()),
        ("{lists: [{list: [{n: x}]}, {each: = rows, item: {n: = item.n}}]}", {"x": 0, "rows": ({"n": 1},)}, ({"n": 0}, {"n": 1})),
    ],
)  # fmt: skip
def test_a_value_is_made_of_its_parts(mapping, field, fields, expected):
    source = view(**{"x": None, "y": None, **fields})
    assert made(mapping, f"fields: {{V: {field}}}\n", source) == {"V": expected}


def test_each_walks_through_children_with_their_ids(mapping):
    text = "fields:\n  V: {each: = children.lines, item: {id: = item.id, n: = item.n}}\n"
    source = view({"lines": {"l1": {"n": 1}, "l2": {"n": 2}}})
    assert made(mapping, text, source) == {"V": ({"id": "l1", "n": 1}, {"id": "l2", "n": 2})}


def test_references_in_parts_are_asked_for_and_hold_the_record(mapping):
    built = mapping(HEAD + "fields:\n  V: {each: = rows, item: {id: {ref: c, from: = item.n}}}\n")
    source = view(rows=({"n": "1"}, {"n": "2"}))
    asked = [Reference("c", "1"), Reference("c", "2")]
    assert list(built.references(source)) == asked
    links = {asked[0]: LinkAnswer("t1"), asked[1]: LinkAnswer(None)}
    waiting = built.map(source, Lookups(links))
    assert isinstance(waiting, AwaitsLink)
    assert waiting.references == (asked[1],)
    links[asked[1]] = LinkAnswer("t2")
    assert built.map(source, Lookups(links)).fields == {"V": ({"id": "t1"}, {"id": "t2"})}


def test_a_fault_in_a_part_is_the_fields_fault(mapping):
    built = mapping(HEAD + "fields:\n  V: {record: {n: = number(x)}}\n")
    found = built.map(view(x="many"), Lookups())
    assert isinstance(found, Unmappable)
    assert found.faults[0][0] == "NOT_A_NUMBER"
    walked = mapping(HEAD + "fields:\n  V: {each: = x, item: {n: = item.n}}\n")
    assert walked.map(view(x="many"), Lookups()).faults[0][0] == "WRONG_TYPE"


# -- steps ---------------------------------------------------------------------------------------

STEPS = """fields: {N: n}
steps:
  - {name: open, action: open, done_when: = target.state != 'draft'}
  - {name: post, action: post, when: = n > 0, done_when: = target.posted, fields: {on: d, key: = target.key}}
"""


@pytest.mark.parametrize(
    ("n", "target", "expected"),
    [
        (1, {"state": "draft", "posted": False}, StepDue("open", "open", {})),
        (1, {"state": "open", "posted": False, "key": "k"}, StepDue("post", "post", {"on": "x", "key": "k"})),
        (1, {"state": "open", "posted": True}, None),
        (0, {"state": "open", "posted": False}, None),
    ],
)  # fmt: skip
def test_the_first_step_that_is_due_shows_from_the_target(mapping, n, target, expected):
    built = mapping(HEAD + STEPS)
    assert built.actions == ("open", "post")
    assert set(built.step_fields) == {"state", "posted", "key"}
    found = built.next_step(view(n=n, d="x"), Lookups(), Record(Ref("b", "1"), target))
    assert found == expected


def test_a_step_waits_for_what_it_refers_to(mapping):
    steps = (
        "steps:\n  - {name: s, action: s, done_when: = target.x, fields: {id: {ref: c, from: n}}}\n"
    )
    built = mapping(HEAD + "fields: {N: n}\n" + steps)
    source, target = view(n="1"), Record(Ref("b", "1"), {"x": False})
    (asked,) = built.references(source)
    found = built.next_step(source, Lookups({asked: LinkAnswer(None)}), target)
    assert found == AwaitsLink((Reference("c", "1"),), "s")


# -- facts ---------------------------------------------------------------------------------------

BILLED = """facts:
  - kind: billed
    each: = items
    where: = item.amount != 0
    key: = item.id
    amount: = item.amount
    currency: currency
    effective_on: day
    contract: = item.contract
    service_from: = item.first
"""


def facts_of(mapping, text, **fields):
    return mapping(WATCH + text).facts(view(**fields), Lookups())


def test_a_record_proves_an_amount_per_element(mapping):
    items = (
        {"id": "l1", "amount": 100, "contract": "S-1", "first": date(2026, 1, 1)},
        {"id": "l2", "amount": 0, "contract": "S-1", "first": None},
        {"id": "l3", "amount": -5, "contract": "", "first": None},
    )
    found = facts_of(mapping, BILLED, items=items, currency="jpy", day=date(2026, 1, 3))
    shown = [(f.kind, f.key, f.amount_minor, f.exponent, f.contract, f.service_from) for f in found]
    assert shown == [
        (FactKind.BILLED, "l1", 100, 0, "S-1", date(2026, 1, 1)),
        (FactKind.BILLED, "l3", -5, 0, None, None),
    ]
    assert {(f.currency, f.effective_on) for f in found} == {("JPY", date(2026, 1, 3))}


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"x": 1, "c": "USD", "d": None}, "DATE_MISSING"),
        ({"x": 1, "c": "USD", "d": "soon"}, "WRONG_TYPE"),
        ({"x": 1, "c": None, "d": date(2026, 1, 1)}, "UNKNOWN_CURRENCY"),
        ({"x": 1, "c": "ZZZ", "d": date(2026, 1, 1)}, "UNKNOWN_CURRENCY"),
        ({"x": 10**17, "c": "USD", "d": date(2026, 1, 1)}, "AMOUNT_TOO_LARGE"),
    ],
)
def test_an_amount_without_what_it_needs_is_a_fault(mapping, fields, code):
    text = "facts: [{kind: paid, amount: x, currency: c, effective_on: d}]\n"
    found = facts_of(mapping, text, **fields)
    assert isinstance(found, Unmappable)
    assert found.faults[0][0] == code


def test_what_is_left_out_proves_nothing(mapping):
    text = (
        "when: = open\nfacts: [{kind: paid, amount: x, currency: c, effective_on: d, when: = w}]\n"
    )
    whole = {"x": 1, "c": "USD", "d": datetime(2026, 1, 1, 23, tzinfo=UTC), "open": True, "w": True}
    (fact,) = facts_of(mapping, text, **whole)
    assert (fact.key, fact.effective_on) == ("1", date(2026, 1, 1))
    for name, value in (("open", False), ("w", False), ("x", None)):
        assert facts_of(mapping, text, **{**whole, name: value}) == ()


# -- periods and observing -----------------------------------------------------------------------


def test_a_record_stands_for_a_period(mapping):
    built = mapping(WATCH + "when: = posting\nperiod: {start: s, end: e, closed: = c or l}\n")
    assert built.observes
    days = {"s": date(2026, 1, 1), "e": date(2026, 1, 31)}
    closed = built.period(view(posting=True, c=False, l=True, **days), Lookups())
    assert closed == PeriodState(date(2026, 1, 1), date(2026, 1, 31), closed=True)
    assert built.period(view(posting=False, c=None, l=None, **days), Lookups()) is None
    broken = built.period(view(posting=True, c=None, l=None, s=None, e=None), Lookups())
    assert isinstance(broken, Unmappable)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (WATCH, "mappings/m.yaml:2:9: a mapping without target only watches, and this one notes nothing"),
        (WATCH + "fields: {X: a}\nfacts: [{kind: paid, amount: a, currency: b, effective_on: c}]\n", "mappings/m.yaml:3:1: `fields` has no meaning without `target`"),
        (WATCH + "facts:\n  - {kind: payed, amount: a, currency: b, effective_on: c}\n", "mappings/m.yaml:4:12: `kind` must be one of"),
        (WATCH + "facts:\n  - {kind: paid, amount: \"= 1 if linked('c', x) else 0\", currency: b, effective_on: c}\n", "mappings/m.yaml:4:5: linked(…) cannot be asked here"),
        (WATCH + "period: {start: a, end: b, closed: \"= linked('c', x)\"}\n", "mappings/m.yaml:3:9: linked(…) cannot be asked here"),
        (HEAD + "fields:\n  X: {each: = a}\n", "mappings/m.yaml:5:3: `each`, `where` and `item` belong together"),
        (HEAD + "fields:\n  X: {record: {Y: a}, where: = b}\n", "mappings/m.yaml:5:3: `each`, `where` and `item` belong together"),
        (HEAD + "fields:\n  X: {lists: [{record: {Y: a}}]}\n", "mappings/m.yaml:5:14: every part of `lists` is a list or an each"),
        (HEAD + "fields:\n  X: {record: {Y: {from: a, on_create_only: true}}}\n", "mappings/m.yaml:5:45: `on_create_only` is for whole fields, not for parts"),
        (HEAD + "fields:\n  X: {record: {Y: {ref: c, from: a, on_missing: later}}}\n", "mappings/m.yaml:5:49: `later` is for whole fields, not for parts"),
        (HEAD.replace("Ext__c", "Ext__c, identity_as: O-1") + "fields: {X: a}\n", "mappings/m.yaml:3:52: `identity_as`: write letters, digits, _ and -, and {id} once"),
    ],
)  # fmt: skip
def test_faults_say_what_where_and_what_to_do(faults, text, expected):
    assert any(line.startswith(expected) for line in faults(text)), faults(text)


# -- identities and shared value maps ------------------------------------------------------------


def test_an_identity_is_written_as_the_mapping_says(mapping):
    text = HEAD.replace("Ext__c", "Ext__c, identity_as: 'O-{id}'") + "fields: {X: a}\n"
    assert mapping(text).identity_value("a", "006x") == "O-006x"
    assert mapping(HEAD + "fields: {X: a}\n").identity_value("a", "006x") == "revline-a-006x"


def test_a_value_map_of_the_project_takes_the_place_of_the_files_own():
    text = HEAD + "value_maps: {s: {values: {a: file}}}\nfields: {X: {from: x, value_map: s}}\n"
    problems = Problems()
    document = parse_document(text.encode(), "mappings/m.yaml")
    own = compile_mapping(document, problems)
    shared = {"s": ValueMap("s", {"a": "project"}, Unmapped.REJECT, None)}
    theirs = compile_mapping(document, problems, shared)
    assert own.map(view(x="a"), Lookups()).fields == {"X": "file"}
    assert theirs.map(view(x="a"), Lookups()).fields == {"X": "project"}
    assert own.digest != theirs.digest
    assert compile_mapping(document, problems, {"t": shared["s"]}).digest == own.digest


# -- examples ------------------------------------------------------------------------------------


def test_examples_tell_how_facts_and_periods_differ(mapping):
    built = mapping(
        WATCH
        + "facts: [{kind: paid, amount: x, currency: c, effective_on: d}]\n"
        + "period: {start: d, end: e, closed: = done}\n"
        + """examples:
  - {name: right, given: {fields: {x: 1.5, c: USD, d: 2026-01-01, e: 2026-01-31, done: true}}, expect: {facts: [{kind: paid, key: "1", amount: 1.5, currency: USD, effective_on: 2026-01-01}], period: {start: 2026-01-01, end: 2026-01-31, closed: true}}}
  - {name: other amount, given: {fields: {x: 1, c: USD, d: 2026-01-01, e: 2026-01-31}}, expect: {facts: [{kind: paid, key: "1", amount: 2, currency: USD, effective_on: 2026-01-01}]}}
  - {name: other state, given: {fields: {d: 2026-01-01, e: 2026-01-31, done: true}}, expect: {period: {start: 2026-01-01, end: 2026-01-31, closed: false}}}
  - {name: fault, given: {fields: {x: 1, c: XXX1, d: 2026-01-01, e: 2026-01-31}}, expect: {facts: []}}
"""
    )
    results = {result.name: result for result in run_examples(built)}
    assert [name for name, result in results.items() if result.passed] == ["right"]
    assert results["other amount"].difference.startswith("facts: expected [{")
    assert results["other state"].difference.startswith("period: found {")
    assert results["fault"].difference.startswith("found fault: UNKNOWN_CURRENCY")
