"""Which source field a value map is asked about, and what its choices tell."""

from __future__ import annotations

from typing import Any

import pytest

from connectors.base import FieldDescription, FieldType
from engine.commands.choices import Use, parts, shown_choices, strange, unmapped, uses
from engine.config.problems import Problems
from engine.config.yaml import parse_document
from engine.mapping.compile import compile_mapping
from engine.mapping.compiled import MappingProgram
from engine.mapping.values import Unmapped, ValueMap


def compiled(fields: str, more: str = "") -> MappingProgram:
    text = (
        "mapping: m\nsource: {object: a}\ntarget: {object: b}\n"
        f"value_maps: {{v: {{values: {{x: y}}}}}}\nfields: {{{fields}}}\n{more}"
    )
    problems = Problems()
    built = compile_mapping(parse_document(text.encode(), "m.yaml"), problems)
    problems.raise_any()
    assert built is not None
    return built


def choice(*options: str, **changes: Any) -> FieldDescription:
    facts = {"options": options, "restricted": True, **changes}
    return FieldDescription("f", "f", FieldType.CHOICE, **facts)


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ("S: {from: stage, value_map: v}", (None, "stage", "S")),
        ("S: {from: \"= default(stage, 'x')\", value_map: v}", (None, "stage", "S")),
        ("S: {from: = field('odd-name'), value_map: v}", (None, "odd-name", "S")),
        ("S: {from: \"= lower(stage)\", value_map: v}", None),
        ("S: {from: \"= stage + 'x'\", value_map: v}", None),
        ("S: \"= 'A' + mapped('v', stage)\"", (None, "stage", None)),
        ("R: {record: {S: {from: stage, value_map: v}}}", (None, "stage", "R.S")),
        (
            "L: {each: = children.lines, item: {S: {from: item.kind, value_map: v}}}",
            None,  # an item of a list may be anything
        ),
        (
            "S: \"= join([mapped('v', l.kind) for l in children.lines], ' ')\"",
            ("lines", "kind", None),
        ),
    ],
)  # fmt: skip
def test_the_field_that_a_map_is_asked_about(fields: str, expected: Any) -> None:
    found = [(use.child, use.field, use.target) for use in uses(compiled(fields))]
    assert found == ([expected] if expected else [])


def test_children_are_asked_about_their_own_fields() -> None:
    more = (
        "children:\n  - {name: k, include: lines, object: d, parent_field: P,"
        " fields: {S: {from: item.kind, value_map: v}}}\n"
    )
    assert [(u.child, u.field) for u in uses(compiled("A: a", more))] == [("lines", "kind")]


def test_parts_have_paths() -> None:
    built = compiled("R: {record: {P: a, L: {list: [{Q: b}]}}}, S: c")
    assert [path for path, _one in parts(built.programs.programs)] == [
        *("R", "R.P", "R.L", "R.L.Q", "S"),
    ]


def told(mode: Unmapped, source: FieldDescription, target: FieldDescription | None) -> str | None:
    return unmapped(Use(ValueMap("v", {"a": "A"}, mode, "D"), None, "f", "p"), source, target)


def test_choices_without_a_place_in_the_map() -> None:
    source = choice("a", "b", inactive=("old",))
    rejected = "does not list 'b', 'old' (inactive): a record with such a value becomes an issue"
    assert told(Unmapped.REJECT, source, None) == rejected
    assert told(Unmapped.REJECT, choice("a"), None) is None
    assert told(Unmapped.DEFAULT, source, None) is None
    assert told(Unmapped.PASS, source, choice("b", "old")) is None
    assert told(Unmapped.PASS, source, choice("b")) == (
        "passes 'old' (inactive) as it is, which f does not take"
    )
    assert told(Unmapped.PASS, source, choice("b", restricted=False)) is None


def test_values_of_the_map_that_no_field_has() -> None:
    value_map = ValueMap("v", {"a": "A", "b": "B", "old": "O", "c": "C"})
    assert strange(value_map, {"x": choice("a"), "y": choice("b", inactive=("old",))}) == ["c"]


def test_long_lists_are_cut() -> None:
    shown = shown_choices([str(n) for n in range(12)])
    assert shown.endswith("'9' and 2 more")
