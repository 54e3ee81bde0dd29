"""Streams, slots, records, connections: how far we got and what we know."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta

from connectors.records import AccountIdentity
from engine.model import Known
from engine.store import connections, limits, records, streams
from engine.store.store import Store
from engine.store.streams import Stream
from tests.store.conftest import NOW, StoreMaker
from tests.store.store_kit import at

LATER = NOW + timedelta(minutes=1)


def test_a_stream_is_where_it_was_put(store: Store) -> None:
    first = Stream("changes:crm.deals", None, at_head=False, finished_at=None, updated_at=NOW)
    moved = replace(first, cursor="c\u20ac", at_head=True, finished_at=LATER)
    with store.write() as tx:
        assert streams.get(tx, first.name) is None
        streams.put(tx, first)
        assert streams.get(tx, first.name) == first
        streams.put(tx, moved)
        assert streams.every(tx) == {first.name: moved}
        streams.drop(tx, first.name)
        assert streams.every(tx) == {}


def test_a_slot_has_one_winner(store: Store, open_store: StoreMaker) -> None:
    stores = [store] * 4 if store.database.sqlite else [store, *(open_store() for _ in range(3))]

    def race(own: Store) -> list[int]:
        won = []
        for slot in range(10):
            with own.write() as tx:
                if streams.take_slot(tx, "poll", slot, NOW):
                    won.append(slot)
        return won

    with ThreadPoolExecutor(4) as pool:
        won = [slot for slots in pool.map(race, stores) for slot in slots]
    assert sorted(won) == list(range(10))
    with store.write() as tx:
        assert streams.take_slot(tx, "reconcile", 0, LATER)
        assert streams.forget_slots(tx, LATER) == 10
        assert not streams.take_slot(tx, "reconcile", 0, LATER)


def test_facts_about_the_store_are_kept(store: Store) -> None:
    with store.write() as tx:
        streams.put_meta(tx, "k", "1")
        streams.put_meta(tx, "k", "2")
        assert streams.get_meta(tx, "k") == "2"
        assert streams.get_meta(tx, "other") is None


def test_what_is_known_of_a_record_is_replaced_whole(store: Store) -> None:
    first = Known(NOW, "h", "live", {"amount": "d1", "": "d2"}, NOW)
    second = Known(None, None, "gone", {}, LATER)
    with store.write() as tx:
        records.remember(tx, {at(1): first, at(2): first})
        records.remember(tx, {at(1): second})
        records.remember(tx, {})
        assert records.known(tx, [at(1), at(2), at(3)]) == {at(1): second, at(2): first}
        assert records.known(tx, [at(1, connection="sales")]) == {}


def test_ids_are_text_and_case_counts(store: Store) -> None:
    known = Known(NOW, "h", "live", {}, NOW)
    names = ["0016abc", "0016ABC", "007", "7", " 7", "ſ", "s"]
    with store.write() as tx:
        for name in names:
            records.remember(tx, {at(name): replace(known, hash=name)})
        found = records.known(tx, [at(name) for name in names])
    assert {address.id: state.hash for address, state in found.items()} == {n: n for n in names}


def test_children_lead_to_their_present_roots(store: Store) -> None:
    with store.write() as tx:
        pairs = [("a", "1"), ("b", "1"), ("a", "2"), ("a", "1")]
        records.index_children(tx, "deals", "line_items", ["1", "2"], pairs)
        assert records.roots(tx, "deals", "line_items", ["a", "b", "c"]) == {
            "a": ("1", "2"),
            "b": ("1",),
        }
        records.index_children(tx, "deals", "line_items", ["1"], [("b", "1")])
        assert records.roots(tx, "deals", "line_items", ["a", "b"]) == {"a": ("2",), "b": ("1",)}
        assert records.roots(tx, "other", "line_items", ["a"]) == {}


def test_the_first_account_that_answers_is_pinned(store: Store) -> None:
    ours, other = AccountIdentity("1", "Ours", "sandbox"), AccountIdentity("2", "Other", "live")
    with store.write() as tx:
        assert connections.pin(tx, "crm", ours) == ours
        assert connections.pin(tx, "crm", other) == ours
        assert connections.every(tx)["crm"].account == ours


def test_an_account_is_left_alone_until_the_vendor_said_per_class(store: Store) -> None:
    with store.write() as tx:
        limits.wait(tx, "memory 1", "search", LATER)
        limits.wait(tx, "memory 1", "search", NOW)  # An earlier word does not shorten it.
        limits.wait(tx, "memory 1", "burst", NOW)
        limits.wait(tx, "memory 2", "burst", NOW)
        limits.wait(tx, "memory 2", "burst", LATER)
    with store.read() as tx:
        assert limits.every(tx) == {
            "memory 1": {"search": LATER, "burst": NOW},
            "memory 2": {"burst": LATER},
        }


def test_limits_belong_to_the_account_once_it_is_known(store: Store) -> None:
    account = AccountIdentity("17", "Ours", "sandbox")
    with store.write() as tx:
        assert limits.account_of("memory", "crm", None) == "connection crm"
        connections.pause(tx, "crm", "X", "not met yet", NOW)
        assert limits.account_of("memory", "crm", connections.every(tx)["crm"]) == "connection crm"
        for name in ("crm", "crm2"):
            connections.pin(tx, name, account)
        states = connections.every(tx)
        keys = {limits.account_of("memory", name, states[name]) for name in ("crm", "crm2")}
    assert keys == {"memory 17"}


def test_a_connection_rests_until_it_may_be_used(store: Store) -> None:
    with store.write() as tx:
        connections.pause(tx, "crm", "AUTH_FAILED", "what the vendor said \0 cut", NOW)
        state = connections.every(tx)["crm"]
        assert (state.paused_code, state.usable(LATER)) == ("AUTH_FAILED", False)
        connections.pause(tx, "crm", "QUOTA", "spent", NOW, until=LATER)
        assert connections.every(tx)["crm"].usable(LATER)
        assert connections.resume(tx, "crm")
        assert not connections.resume(tx, "crm")
        assert not connections.resume(tx, "sales")
        assert connections.every(tx)["crm"].paused_code is None


def test_calls_and_counts_add_up(store: Store) -> None:
    for _ in range(2):
        with store.write() as tx:
            connections.add_calls(tx, {"crm": 3, "sales": 1}, NOW)
            connections.count(tx, "deals", {"written": 2, "repeated": 0})
    with store.write() as tx:
        connections.add_calls(tx, {"crm": 1}, NOW + timedelta(days=1))
        assert connections.calls_on(tx, "2026-03-01") == {"crm": 6, "sales": 2}
        assert connections.calls_on(tx, "2026-03-02") == {"crm": 1}
        assert connections.counted(tx) == {"deals": {"written": 4}}
