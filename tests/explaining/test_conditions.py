# ruff: noqa: E501  (tables read better with one case per line)
"""Conditions and values in English."""

import ast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.explaining.conditions import condition, parts_of, reached, unless, value
from engine.explaining.words import (
    listed,
    plural,
    sentence,
    singular,
    spoken,
    with_article,
)


@pytest.mark.parametrize(
    ("source", "told", "opposite"),
    [
        ("StageName == 'Closed Won'", "its stage name is Closed Won", "its stage name is not Closed Won"),
        ("amount >= 20", "its amount is at least 20", "its amount is below 20"),
        ("amount > 0.5", "its amount is above 0.5", "its amount is at most 0.5"),
        ("AccountId is None", "its account id is blank", "its account id is filled in"),
        ("a is not None and b is None", "its a is filled in and its b is blank", "its a is blank or its b is filled in"),
        ("(a == 1 or b == 2) and c == 3", "(its a is 1 or its b is 2) and its c is 3", "(its a is not 1 and its b is not 2) or its c is not 3"),
        ("not (a == 1 or b == 2)", "its a is not 1 and its b is not 2", "its a is 1 or its b is 2"),
        ("a == 1 and b == 2 and c == 3", "its a is 1, its b is 2 and its c is 3", "its a is not 1, its b is not 2 or its c is not 3"),
        ("status in ['paid', 'open']", "its status is paid or open", "its status is neither paid nor open"),
        ("status in ['paid']", "its status is paid", "its status is not paid"),
        ("required(primary if primary else None, 'Order the other.')", "its primary is true", "its primary is not true"),
        ("id in associations.deals", "its id is among its deals", "its id is not among its deals"),
        ("isPosting and not isQuarter", "it is posting and it is not quarter", "it is not posting or it is quarter"),
        ("active", "its active is true", "its active is not true"),
        ("count(children.line_items) > 0", "it has line items", "it has no line items"),
        ("count(children.line_items) == 2", "the number of its line items is 2", "the number of its line items is not 2"),
        ("default(name, domain) is not None", "its name or its domain is filled in", "its name and its domain are blank"),
        ("default(units, 0) != 0", "its units is not 0", "its units is 0"),
        ("not default(reversed, false)", "its reversed is not true", "its reversed is true"),
        ("linked('contacts', id, 'Lead')", "it is linked to a lead", "it is not linked to a lead"),
        ("linked('companies', first(associations.companies))", "its company is linked", "its company is not linked"),
        ("linked('contacts', id, 'Contact|Lead')", "it is linked to a contact or a lead", "it is not linked to a contact or a lead"),
        ("complete('meddpicc')", "meddpicc is complete", "meddpicc is incomplete"),
        ("starts_with(comment, 'x')", "its comment begins with x", "its comment does not begin with x"),
        ("all(l.code is not None for l in children.lines)", "for every one of its lines, its code is filled in", "for at least one of its lines, its code is blank"),
        ("any(l.a == 1 for l in children.lines if l.b is None)", "for at least one of its lines where its b is blank, its a is 1", "for every one of its lines where its b is blank, its a is not 1"),
        ("total(l.net for l in children.lines) > 5", "the total of the net of its lines is above 5", "the total of the net of its lines is at most 5"),
        ("discount_percent(listed, net) <= 20", "the discount from its listed to its net is at most 20", "the discount from its listed to its net is above 20"),
        ("mapped('means', reason) == 'cash'", "its reason by the value map means is cash", "its reason by the value map means is not cash"),
        ("target.status == 'Posted'", "the target's status is Posted", "the target's status is not Posted"),
        ("Account.Billing_Country__c is not None", "its account billing country is filled in", "its account billing country is blank"),
        ("item.quantity * item.price >= 10", "its quantity times its price is at least 10", "its quantity times its price is below 10"),
        ("(a == 1 if b is not None else None)", "its b is filled in and its a is 1", "its b is blank or its a is not 1"),
        ("(a if b else c)", "`a if b else c` holds", "`a if b else c` does not hold"),
        ("split(a, ',')[0] == 'x'", "`split(a, ',')[0]` is x", "`split(a, ',')[0]` is not x"),
        ("a == ' x'", "its a is “ x”", "its a is not “ x”"),
        ("a +", "`a +`", "`a +`"),
    ],
)  # fmt: skip
def test_conditions(source, told, opposite):
    assert condition(source) == told
    assert unless(source) == opposite


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("StageName == 'Closed Won'", ("Closed Won", None)),
        ("status == 'Posted' and balance > 0", ("Posted", "(balance > 0)")),
        ("a == 1 and dealstage == 'won'", ("won", "(a == 1)")),
        ("status == 'a' or status == 'b'", None),
        ("status != 'a'", None),
        ("name == 'a'", None),
        ("status == other", None),
        ("a +", None),
    ],
)
def test_what_a_record_becomes(source, expected):
    assert reached(source) == expected


def test_values():
    assert value("'order-' + number") == "order- plus its number"
    assert value("default(hubspotscore, 0)") == "its hubspotscore"
    assert value("text(id)") == "its id"
    assert parts_of("'q-' + QuoteNumber + '-v' + text(Version__c)") == "quote number and version"
    assert parts_of("'always'") == ""


ATOMS = st.sampled_from(["a == 1", "b is None", "c in ['x', 'y']", "d", "count(children.e) > 0"])
CONDITIONS = st.recursive(
    ATOMS,
    lambda inner: st.one_of(
        st.tuples(inner, inner).map(lambda two: f"({two[0]}) and ({two[1]})"),
        st.tuples(inner, inner).map(lambda two: f"({two[0]}) or ({two[1]})"),
        inner.map(lambda one: f"not ({one})"),
    ),
    max_leaves=5,
)


@given(CONDITIONS)
def test_turning_twice_changes_nothing(source):
    assert unless(f"not ({source})") == condition(source)
    assert condition(f"not ({source})") == unless(source)
    assert ast.parse(source)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("StageName", "stage name"), ("Billing_Status__c", "billing status"), ("SKU", "SKU"),
        ("hs_sku", "hs sku"), ("OpportunityLineItem", "opportunity line item"),
        ("Account.Name", "account name"), ("SBQQ__Quote__c", "quote"),
        ("SBQQ__Account__r.ShippingCountry", "account shipping country"), ("a_b", "a b"),
    ],
)  # fmt: skip
def test_names_as_they_are_said(name, expected):
    assert spoken(name) == expected


@pytest.mark.parametrize(
    ("one", "several"),
    [("company", "companies"), ("line item", "line items"), ("address", "addresses"),
     ("box", "boxes"), ("day", "days"), ("status", "statuses"), ("branch", "branches")],
)  # fmt: skip
def test_one_and_several(one, several):
    assert plural(one) == several
    assert singular(several) == one or one == "status"
    assert singular(one) == one
    assert plural(several) == several


def test_small_words():
    assert with_article("opportunity") == "an opportunity"
    assert with_article("user") == "a user"
    assert listed(["a", "b", "c"], "or") == "a, b or c"
    assert sentence("held: “Stop.”") == "Held: “Stop.”"
    assert sentence("found by “x”") == "Found by “x”."
