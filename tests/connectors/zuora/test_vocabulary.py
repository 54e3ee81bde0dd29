"""The tables agree with each other, and with the vendor's descriptions where those are at hand."""

from __future__ import annotations

import json
import os
import re
from pathlib import Path
from urllib.parse import quote_plus

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.errors import Rejected
from connectors.zuora import operations, query
from connectors.zuora.describing import describe_object
from connectors.zuora.finding import _ROOT_FIELDS
from connectors.zuora.objects import EVERYTHING_ELSE, OBJECTS
from connectors.zuora.operations import ACTS, CREATIONS, REMOVALS, UPDATES, own_number
from connectors.zuora.orders import ASYNC_PATH, JOB_PATH
from connectors.zuora.vocabulary import KINDS, kind_of

SPECS = os.environ.get("VENDOR_SPECS")


def test_every_object_is_declared_and_named() -> None:
    assert {one.name for one in OBJECTS} - {EVERYTHING_ELSE} == set(KINDS)
    for one in OBJECTS:
        if one.name == EVERYTHING_ELSE:
            continue
        assert (one.cursor_field is not None) == bool(KINDS[one.name].query)
        assert one.writable == (one.name in CREATIONS or one.name in UPDATES)
        for child in one.children:
            assert (child, one.name) in _ROOT_FIELDS


def test_declared_actions_are_those_there_are() -> None:
    declared = {(one.name, act.name): act.replayable for one in OBJECTS for act in one.actions}
    assert declared == {key: act.keyed for key, act in ACTS.items()}


@pytest.mark.parametrize("kind", KINDS.values(), ids=str)
def test_names_translate_both_ways(kind: object) -> None:
    asked = [kind.asked(name).lower() for name in kind.fields]
    assert len(asked) == len(set(asked)), "two of our names are one of theirs"
    assert set(kind.renames) <= set(kind.fields)
    assert kind.type_of(kind.key) is not None
    for foreign, object in kind.numbers.values():
        assert kind.type_of(foreign) is not None
        assert object in KINDS
    for child, foreign in kind.lists.values():
        assert KINDS[child].type_of(foreign) is not None


def test_unknown_objects_are_refused_and_custom_ones_taken() -> None:
    assert kind_of("thing__c").query == "thing__c"
    for name in ("Invoice", "../x", "__c", "", "thing__C"):
        with pytest.raises(Rejected, match="invoices"):
            kind_of(name)


@given(st.text(max_size=200))
def test_a_number_follows_from_the_identity(value: str) -> None:
    number = own_number("payments", value)
    assert number == own_number("payments", value)
    assert number == value if len(value) <= 32 else len(number) == 32
    assert own_number("contacts", value) == value


@given(st.lists(st.text(max_size=100), max_size=130))
def test_lists_hold_every_value_once_and_fit(values: list[str]) -> None:
    parts = list(query.in_lists(values))
    held = [value for part in parts for value in part]
    assert held == [one for one in dict.fromkeys(values) if query.listable(one)]
    for part in parts:
        assert 1 <= len(part) <= 50
        assert len(part) == 1 or len(quote_plus(",".join(part))) <= 6_000


def test_describing_finance_takes_no_call() -> None:
    described = describe_object(None, "accounting_codes")
    assert described.fields["glAccountNumber"].readable
    assert not described.creatable


@pytest.mark.skipif(not SPECS, reason="VENDOR_SPECS names no folder with the vendors' descriptions")
def test_every_address_is_the_vendors() -> None:
    described = json.loads(
        (Path(str(SPECS)) / "zuora" / "zuora-sdk-3.21.0-operations.json").read_text("utf-8")
    )
    known = {
        (one["method"], re.sub(r"{[^}]*}", "{}", one["path"])): one["headers"]
        for one in described["operations"]
    }
    keyed = {("POST", path) for creation in CREATIONS.values() for _, path in creation.paths}
    keyed |= {(act.method, act.path) for act in ACTS.values() if act.keyed}
    keyed |= {("POST", ASYNC_PATH), ("POST", "/v1/payments/{}/refunds/unapply")}
    plain = {("PUT", path) for path in UPDATES.values()} | {("GET", JOB_PATH)}
    plain |= {("DELETE", path) for path in REMOVALS.values()}
    plain |= {(act.method, act.path) for act in ACTS.values()}
    plain |= {("PUT", f"{UPDATES[name]}/customFields") for name in ("orders", "subscriptions")}
    for kind in KINDS.values():
        paths = (kind.v1, kind.listed[0], f"/object-query/{kind.query}" if kind.query else "")
        plain |= {("GET", path) for path in paths if path}
    assert not (keyed | plain) - set(known)
    assert not [one for one in keyed if "Idempotency-Key" not in known[one]]
    models = described["definitions"]
    for name, field in operations.CREATIONS["usage"].names.items():
        assert field in models["CreateUsageRequest"]["properties"], name
