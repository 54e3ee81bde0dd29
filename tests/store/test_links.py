"""Links: one active pair per side, one base for both directions."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy.exc import IntegrityError

from engine.model import Agreed, LinkState
from engine.store import links
from engine.store.store import Store
from tests.store.conftest import NOW
from tests.store.store_kit import at

DEAL = at(1)
OPPORTUNITY = at("006", connection="sales", object="Opportunity")
BASE = {("amount", "Amount"): Agreed("a1", "A1"), ("*", "Name"): Agreed("n1", "N1")}
TURNED = {("Amount", "amount"): Agreed("A1", "a1"), ("Name", "*"): Agreed("N1", "n1")}


def create(store: Store, near=DEAL, far=OPPORTUNITY, base=BASE, parent=None) -> int:
    with store.write() as tx:
        return links.create(tx, near, far, base, parent, NOW)


@pytest.mark.parametrize("swapped", [False, True])
def test_a_link_reads_the_same_from_both_sides(store: Store, swapped: bool) -> None:
    number = create(store, OPPORTUNITY, DEAL, TURNED) if swapped else create(store)
    with store.read() as tx:
        (near,) = links.of_sources(tx, [DEAL, at(2)], "sales", "Opportunity")[DEAL]
        (far,) = links.of_sources(tx, [OPPORTUNITY], "crm", None)[OPPORTUNITY]
        assert links.at(tx, DEAL) == [near]
        assert links.of_targets(tx, [OPPORTUNITY], "crm", "deals") == {OPPORTUNITY: near}
        assert links.of_sources(tx, [DEAL], "sales", "Account") == {}
        assert links.of_sources(tx, [DEAL], "elsewhere", None) == {}
    assert (near.number, near.near, near.far, near.base) == (number, DEAL, OPPORTUNITY, BASE)
    assert (far.near, far.far, far.base) == (OPPORTUNITY, DEAL, TURNED)
    assert links.turned(near) == far


def test_a_record_has_one_active_link_to_an_object(store: Store) -> None:
    number = create(store)
    for near, far in (
        (DEAL, at("007", connection="sales", object="Opportunity")),
        (at(2), OPPORTUNITY),
        (OPPORTUNITY, at(3)),
    ):
        with pytest.raises(IntegrityError):
            create(store, near, far)
    create(store, DEAL, at("001", connection="sales", object="Account"))
    with store.write() as tx:
        links.close(tx, number, LinkState.CLOSED, "gone", NOW)
    create(store, at(2), OPPORTUNITY)


def test_base_moves_keep_what_others_agreed_on(store: Store) -> None:
    number = create(store)
    later = NOW + timedelta(minutes=1)
    with store.write() as tx:
        turns = {number: {"Amount|amount": (("d", 1),)}}
        links.move_base(
            tx, {number: {("amount", "Amount"): Agreed("a2", "A2")}}, "crm", turns, later
        )
    with store.write() as tx:
        entries = {("StageName", "dealstage"): Agreed("S", "s")}
        links.move_base(tx, {number: entries}, "sales", {}, later)
    with store.read() as tx:
        (link,) = links.at(tx, DEAL)
        assert links.base_numbers(tx, [number, 99]) == {number: 3}
    assert link.base == {
        ("amount", "Amount"): Agreed("a2", "A2"),
        ("*", "Name"): Agreed("n1", "N1"),
        ("dealstage", "StageName"): Agreed("s", "S"),
    }
    assert link.flips == {"Amount|amount": (("d", 1),)}


def test_a_link_ends_and_is_taken_up_again(store: Store) -> None:
    number = create(store)
    with store.write() as tx:
        links.close(tx, number, LinkState.CLOSED, "removed", NOW)
    with store.read() as tx:
        assert links.at(tx, DEAL) == []
        assert links.base_numbers(tx, [number]) == {}
        (closed,) = links.of_sources(tx, [DEAL], "sales", None, LinkState.CLOSED)[DEAL]
        assert (closed.reason, closed.base_no) == ("removed", 2)
    with store.write() as tx:
        links.reopen(tx, number, NOW)
    with store.read() as tx:
        (open_again,) = links.at(tx, DEAL)
    assert (open_again.reason, open_again.base, open_again.base_no) == (None, BASE, 3)


def test_a_merged_record_leads_on_as_an_alias(store: Store) -> None:
    survivor = create(store)
    loser = create(store, at(2), at("007", connection="sales", object="Opportunity"))
    with store.write() as tx:
        links.close(tx, loser, LinkState.ALIAS, "merged", NOW, alias_of=survivor)
    with store.read() as tx:
        assert links.at(tx, at(2)) == []
        (alias,) = links.at(tx, at(2), states=[LinkState.ALIAS])
        assert alias.state is LinkState.ALIAS
        assert [(found.number, state) for found, state in links.all_links(tx)] == [
            (survivor, "active"),
            (loser, "alias"),
        ]
        assert [found.number for found, _ in links.all_links(tx, after=survivor)] == [loser]


def test_children_lie_under_their_roots_link(store: Store) -> None:
    root = create(store)
    for id in ("a", "b"):
        far = at(id, connection="sales", object="OpportunityLineItem")
        child = create(store, at(id, object="line_items"), far, {}, parent=root)
    with store.write() as tx:
        links.close(tx, child, LinkState.CLOSED, "gone", NOW)
    with store.read() as tx:
        for side, id in (("crm", "line_items"), ("sales", "OpportunityLineItem")):
            (found,) = links.children_of(tx, [root, 99], side)[root]
            assert (found.near.object, found.near.id, found.parent) == (id, "a", root)


def test_edges_say_what_came_from_what_once(store: Store) -> None:
    rows = [(DEAL, "converted", OPPORTUNITY), (at(2), "converted", OPPORTUNITY)]
    for _ in range(2):
        with store.write() as tx:
            links.add_edges(tx, rows, NOW)
    with store.read() as tx:
        assert sorted(links.edges_at(tx, OPPORTUNITY)) == rows
        assert links.edges_at(tx, DEAL) == rows[:1]
