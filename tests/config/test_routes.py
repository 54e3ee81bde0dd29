"""Routing rules in revline.yaml: what is refused, what counts as changed, and the law of sides."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.records import Record, Ref
from engine.mapping.expression import compile_expression
from engine.mapping.faults import DataFault, Place
from engine.mapping.grammar import Scope
from engine.mapping.model import SourceView
from engine.mapping.routing import RouteRule

ROUTE = """\
routes:
  mql:
    from: left.companies
    by: = default(score, 0) * 1.5
    operator: ">="
    threshold: 80.5
    hysteresis: 5
    above: sdr
    below: nurture
"""
SIDE = "    route: {rule: mql, side: sdr}\n"


def rule(by="score", **changes):
    expression = compile_expression(by, Place("f", 1, 1), shift=0, scope=Scope(), value_maps={})
    facts = {
        "name": "mql", "source": "a.b", "by": expression, "inclusive": True, "threshold": 80,
        "hysteresis": 0, "above": "up", "below": "down", **changes,
    }  # fmt: skip
    return RouteRule(**facts)


def view(**fields):
    return SourceView(Record(Ref("b", "1"), fields))


def test_a_sync_takes_a_side(project):
    sync = project.add(SIDE + ROUTE).load().syncs["companies"]
    assert sync.route.side == "sdr"
    assert sync.route.above
    assert sync.route.rule.threshold == Decimal("80.5")
    assert sync.mapping.selection.fields == ("name", "score")
    assert sync.route.rule.figure(view(score=10)) == 15


def test_a_changed_rule_is_a_changed_mapping(project):
    digests = set()
    project.add(SIDE + ROUTE)
    for old, new in (
        ("80.5", "80"), (": 5", ": 6"), ('">="', '">"'), ("* 1.5", "* 2"),
        ("side: sdr", "side: nurture"),
    ):  # fmt: skip
        digests.add(project.load().syncs["companies"].mapping.digest)
        project.replace(old, new)
    digests.add(project.load().syncs["companies"].mapping.digest)
    assert len(digests) == 6


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ('    operator: ">="\n', "", "`operator` is missing"),
        ('">="', '"<"', "`operator` must be one of"),
        ("80.5", "many", "`threshold`: write a number"),
        ("80.5", "true", "`threshold`: write a number"),
        (": 5", ": -5", "`hysteresis`: write a number that is not below zero"),
        ("below: nurture", "below: sdr", "both sides have one name"),
        ("default(score, 0) * 1.5", "count(children.contacts)", "children and links are not asked"),
        ("* 1.5", "* ", "not an expression"),
        ("rule: mql", "rule: mqll", "there is no route `mqll` — did you mean `mql`?"),
        ("side: sdr", "side: sales", "the route mql has no side `sales` — write sdr or nurture"),
        (
            "from: left.companies\n    by",
            "from: left.deals\n    by",
            "the route mql is about left.deals, this sync reads left.companies",
        ),
        (
            "start_from: everything",
            "start_from: everything\n    mode: link_only",
            "takes no side of a route",
        ),
    ],
)
def test_faults_are_told_and_told_once(project, old, new, expected):
    lines = project.add(SIDE + ROUTE).replace(old, new).faults()
    assert len(lines) == 1, lines
    assert expected in lines[0]


@given(
    st.lists(st.decimals(min_value=0, max_value=100, places=1), min_size=1, max_size=30),
    st.integers(0, 20),
    st.booleans(),
)
def test_the_law_of_sides(scores, hysteresis, inclusive):
    """Above from the threshold on, below under the lower bound, and in between as before."""
    one = rule(inclusive=inclusive, hysteresis=hysteresis)
    above = False
    for score in scores:
        before, above = above, one.is_above(score, was_above=above)
        assert one.is_above(score, was_above=above) is above  # looking twice changes nothing
        if score > 80 or (score == 80 and inclusive):
            assert above
        elif score < 80 - hysteresis:
            assert not above
        elif score not in (80, 80 - hysteresis):
            assert above is before


@pytest.mark.parametrize(
    ("value", "expected"), [("85", 85), (" 85.50 ", Decimal("85.50")), (None, None), ("", None)]
)
def test_text_that_is_a_number_counts(value, expected):
    assert rule().figure(view(score=value)) == expected


@pytest.mark.parametrize(
    ("fields", "code"), [({"score": "high"}, "NOT_A_NUMBER"), ({"other": 1}, "SOURCE_NOT_READ")]
)
def test_what_is_not_known_is_never_a_side(fields, code):
    with pytest.raises(DataFault) as told:
        rule().figure(view(**fields))
    assert told.value.code == code
    assert "f:1:1" in told.value.message
