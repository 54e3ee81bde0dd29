# ruff: noqa: E501, ISC004  (tables read better with one case per line)
"""Faults in mapping files, the examples at their end, and the mappings that are shipped."""

import random
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.config.mappings import load_mapping, mapping_names
from engine.config.problems import Problems
from engine.config.yaml import parse_document
from engine.errors import ConfigError
from engine.mapping.compile import compile_mapping
from engine.mapping.examples import run_examples

ROOT = Path(__file__).parents[2]
HEAD = "mapping: m\nsource: {object: a}\ntarget: {object: b, identity: Ext__c}\n"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            HEAD + "fields:\n  X: = lwoer(a)\n",
            "mappings/m.yaml:5:8: there is no function `lwoer` — did you mean `lower`?",
        ),
        (
            HEAD + 'fields:\n  X: "= a + lwoer(b)"\n',
            "mappings/m.yaml:5:13: there is no function `lwoer` — did you mean `lower`?",
        ),
        (
            HEAD + "fields:\n  X: = a + 'x #1'\n",
            "mappings/m.yaml:5:12: not an expression: unterminated string literal",
        ),
        (
            HEAD + "fields:\n  X: {from: = default(a, b)}\n",
            "mappings/m.yaml:5:26: unknown key `b)` — quote this expression",
        ),
        (
            HEAD + "fields:\n  X: two words\n",
            "mappings/m.yaml:5:6: `two words` is not the name of a source field — start expressions "
            "with `= `, write constants as {const: …}",
        ),
        (HEAD + "fields:\n  X: 5\n", "mappings/m.yaml:5:6: `X` must be a block of settings"),
        (
            HEAD + "fields:\n  X: {form: a}\n",
            "mappings/m.yaml:5:7: unknown key `form` — did you mean `from`?",
        ),
        (
            HEAD + "fields:\n  X: {from: a, const: 1}\n",
            "mappings/m.yaml:5:3: `X` needs exactly one of from, const, record, list, each and lists — a blank constant is const: null",
        ),
        (
            HEAD + "fields:\n  X: {from: a, on_missing: hold}\n",
            "mappings/m.yaml:5:3: `on_missing` has no meaning without ref",
        ),
        (
            HEAD + "fields:\n  X: {ref: c, from: a, default: 1}\n",
            "mappings/m.yaml:5:3: `default` has no meaning beside ref",
        ),
        (
            HEAD + "fields:\n  X: {from: a, value_map: stage}\n",
            "mappings/m.yaml:5:3: there is no value map `stage`",
        ),
        (
            HEAD + "fields:\n  X: {ref: c, from: a, on_missing: wait}\n",
            "mappings/m.yaml:5:36: `on_missing` must be one of 'hold', 'skip_field', 'later' or 'reject'",
        ),
        (
            HEAD + "fields:\n  Ext__c: a\n",
            "mappings/m.yaml:5:3: `Ext__c` is the identity field; it is filled in by itself — "
            "remove it from fields",
        ),
        (
            HEAD + "value_maps: {s: {values: {a: b}, unmapped: default}}\nfields: {X: a}\n",
            "mappings/m.yaml:4:17: the value map `s` needs a default",
        ),
        (
            HEAD
            + "fields: {X: a}\nchildren:\n  - {name: c, object: d, parent_field: P, fields: {Y: a}}\n",
            "mappings/m.yaml:6:5: the children `c` need exactly one of include, each and key",
        ),
        (
            HEAD + "fields: {X: a}\nchildren:\n"
            "  - {name: c, key: = linked('a', id), object: d, parent_field: P, fields: {Y: a}}\n",
            "mappings/m.yaml:6:34: unknown key `id)` — quote this expression",
        ),
        (
            HEAD + "when: = item.x\nfields: {X: a}\n",
            "mappings/m.yaml:4:9: `item` only exists inside `children:`",
        ),
        (HEAD + "fields:\n  X: {const: [1]}\n", "mappings/m.yaml:5:3: `const` must be one value"),
        (
            HEAD + "value_maps: {s: {values: {a: [1]}}}\nfields: {X: a}\n",
            "mappings/m.yaml:4:17: the value map `s` must map single values",
        ),
        (HEAD, "mappings/m.yaml:1:1: the mapping fills no field — add `fields:`"),
        (
            "- 1\n",
            "mappings/m.yaml:1:1: a mapping file is a block of keys — start with `mapping: name`",
        ),
        (
            HEAD.replace("mapping: m", "mapping: ../m") + "fields: {X: a}\n",
            "mappings/m.yaml:1:10: `mapping` is not a name",
        ),
    ],
)
def test_faults_say_what_where_and_what_to_do(faults, text, expected):
    assert any(line.startswith(expected) for line in faults(text)), faults(text)


def test_an_expression_cut_short_by_yaml_is_recognised(faults):
    (line,) = faults(HEAD + "fields:\n  X: = a + 'x #1'\n")
    assert "quote this expression" in line


def test_every_fault_is_found_at_once(faults):
    lines = faults(
        HEAD + "when: = a +\ngates: [{name: g, hold_unless: = b(, say: x}]\n"
        "match: [{N: = c.__d}]\nfields:\n  X: = nope(a)\n  Y: {const: 1, from: a}\n"
    )
    assert [line.split(":")[1] for line in lines] == ["4", "5", "6", "8", "9"]


def test_examples_tell_what_differs(mapping):
    built = mapping(
        HEAD
        + """
value_maps: {s: {values: {won: Closed Won}}}
gates: [{name: g, hold_unless: = hold is None, say: Stop.}]
fields: {X: a, S: {from: s, value_map: s}, R: {ref: c, from: r}}
children:
  - {name: k, key: "= ['1']", object: d, parent_field: P, fields: {Y: a}}
examples:
  - {name: right, given: {fields: {a: 1}}, expect: {fields: {X: 1}, children: {k: {"1": {fields: {Y: 1}}}}}}
  - {name: wrong value, given: {fields: {a: 1}}, expect: {fields: {X: 2}}}
  - {name: text is no number, given: {fields: {a: 1}}, expect: {fields: {X: "1"}}}
  - {name: true is no number, given: {fields: {a: true}}, expect: {fields: {X: 1}}}
  - {name: unlisted, given: {fields: {a: 1, s: won}}, expect: {fields: {X: 1}}}
  - {name: too much listed, given: {}, expect: {fields: {Z: 1}}}
  - {name: other outcome, given: {fields: {hold: x}}, expect: {fields: {}}}
  - {name: other gate, given: {fields: {hold: x}}, expect: {held: h}}
  - {name: not stopped, given: {}, expect: not_included}
  - {name: other fault, given: {fields: {s: odd}}, expect: {fault: X}}
  - {name: other wait, given: {fields: {r: "7"}}, expect: {waiting: c 8}}
  - {name: child differs, given: {fields: {a: 1}}, expect: {fields: {X: 1}, children: {k: {"2": not_included}}}}
  - {name: no such children, given: {}, expect: {fields: {}, children: {l: {}}}}
  - {name: nonsense, given: {}, expect: {feilds: {}}}
  - {name: misshapen, given: {}, expect: {fields: 5}}
  - {name: misshapen children, given: {}, expect: {fields: {}, children: [1]}}
  - {name: no such day, given: {fields: {a: 2026-02-30}}, expect: {fields: {X: 2026-02-28}}}
"""
    )
    results = {result.name: result for result in run_examples(built)}
    assert [name for name, result in results.items() if result.passed] == ["right"]
    assert results["wrong value"].difference == "X: expected 2; found 1"
    assert results["text is no number"].difference == 'X: expected "1"; found 1'
    assert results["unlisted"].difference == 'S: not expected; found "Closed Won"'
    assert results["other gate"].difference == "held: expected h; found g"
    assert results["other wait"].difference == "waiting: expected c 8; found c 7"
    assert "k 1: not expected" in results["child differs"].difference


@pytest.mark.parametrize("name", mapping_names(ROOT))
def test_shipped_mappings_do_what_their_examples_say(name):
    mapping = load_mapping(ROOT, name)
    results = run_examples(mapping)
    assert results, "every mapping has examples"
    assert [result for result in results if not result.passed] == []


def test_every_mapping_that_was_promised_is_shipped():
    assert set(mapping_names(ROOT)) >= {
        "owners_to_users", "company_to_account", "contact_to_lead", "contact_to_contact",
        "product_to_product2", "deal_to_opportunity", "lead_to_contact", "opportunity_to_deal",
    }  # fmt: skip


@given(st.integers(0, 2**32 - 1))
@settings(max_examples=60, deadline=None)
def test_a_damaged_file_is_refused_or_still_runs(seed):
    """Whatever a slip of the keyboard does to a file, there is a report and no traceback."""
    chance = random.Random(seed)
    raw = bytearray((ROOT / "mappings" / "deal_to_opportunity.yaml").read_bytes())
    for _ in range(chance.randint(1, 4)):
        place = chance.randrange(len(raw))
        if chance.random() < 0.5:
            raw[place : place + chance.randint(1, 30)] = b""
        else:
            raw[place:place] = bytes(chance.choices(b" :{}[]'\"=#,-\n\t&*!|>%@ab01", k=3))
    problems = Problems()
    try:
        mapping = compile_mapping(parse_document(bytes(raw), "m.yaml"), problems)
    except ConfigError:
        return
    assert (mapping is None) == bool(problems)
    if mapping is not None:
        run_examples(mapping)
