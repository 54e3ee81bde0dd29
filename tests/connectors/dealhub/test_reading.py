"""Quotes and deal rooms as records: names, numbers, blanks, features, spellings."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal

import pytest
from dealhub_desk import line

from connectors.errors import AuthFailed, Rejected, UnexpectedAnswer
from connectors.records import Life, Selection

ALL = (
    "dealhub_quote_id", "status", "quote_upgrade_required", "quote_name", "info", "summary",
    "external_opportunity_id", "external_quote_id", "deal_room_info", "line_items", "answers",
    "answers_by_id", "approvals",
)  # fmt: skip


def full(desk) -> str:
    groups = [
        {"group_id": "terms", "questions": [{"contract_start": "2026-10-01", "note": ""}]},
        {"group_id": "sites", "questions": [{"site": "Hamburg"}, {"site": "Kiel"}]},
    ]
    return desk.quote(
        quote_name="Three years",
        external_quote_id="a0Q1",
        line_items=[line(desk.sku, 2, attributes={"ARR": "1200.00", "-": ""})],
        quote_data=groups,
        total_sales_discount=25,
    )


@pytest.mark.parametrize("stray", [False, True])
def test_a_whole_quote(desk, stray) -> None:
    desk.options(stray_quotes=stray)
    id = full(desk)
    desk.person("submit", id)
    record = desk.read(id, *ALL)
    assert set(record.fields) == set(ALL)
    assert record.version is None
    assert record.fields["dealhub_quote_id"] == id
    assert record.fields["quote_upgrade_required"] is False
    assert record.fields["external_quote_id"] == "a0Q1"
    info = record.fields["info"]
    assert info["dealhub_quote_name"] == record.fields["quote_name"] == "Three years"
    assert info["external_opportunity_id"] == record.fields["external_opportunity_id"] == "006A"
    assert isinstance(info["creation_date"], datetime)
    assert info["creation_date"].tzinfo is UTC
    assert info["won_date"] is None
    assert info["primary_quote"] is True
    assert info["contact_email"] is None
    (one,) = record.fields["line_items"]
    assert one["product_factors"] == {"quantity": Decimal(2)}
    assert one["attributes"] == {"ARR": "1200.00", "-": None}
    assert one["bundle_ref"] is None
    amounts = [*record.fields["summary"].values(), one["net_price"], one["sales_discount"]]
    assert all(isinstance(value, Decimal | str) for value in amounts)
    assert not any(isinstance(value, float) for value in amounts)
    assert record.fields["answers_by_id"] == {
        "contract_start": "2026-10-01",
        "note": None,
        "site": ("Hamburg", "Kiel"),
    }
    assert [answer["answer"] for answer in record.fields["answers"]][2:] == ["Hamburg", "Kiel"]
    assert record.fields["approvals"][0]["status"] == "waiting"
    assert record.fields["deal_room_info"] == {"url": None}


def test_only_the_features_that_are_needed_are_asked_for(desk) -> None:
    id = full(desk)
    asked: dict[tuple[str, ...], list[str]] = {}
    for fields in (("status",), ("quote_name",), ("line_items", "summary"), ALL):
        desk.read(id, *fields)
        entry = desk.simulator.journal.entries[-1]
        asked[fields] = [value for name, value in entry.request.query if name == "feature"]
    assert list(asked.values()) == [[], ["info"], ["line_items", "summary"], ["all"]]


def test_fields_that_are_not_selected_or_not_there_are_not_read(desk) -> None:
    id = full(desk)
    record = desk.read(id, "info.currency", "nothing_of_the_kind")
    assert set(record.fields) == {"info"}


def test_an_outdated_draft_is_not_readable_yet_and_no_error(desk) -> None:
    id = full(desk)
    desk.person("outdate", id)
    record = desk.read(id, *ALL)
    assert record.life is Life.LIVE
    assert record.fields == {
        "dealhub_quote_id": id,
        "status": "Draft",
        "quote_upgrade_required": True,
    }
    desk.person("upgrade", id)
    assert desk.read(id, "quote_name").get("quote_name") == "Three years"


@pytest.mark.parametrize("style", ["camel", "spaced", "upper"])
def test_a_status_has_one_spelling(desk, style) -> None:
    desk.options(status_style=style)
    id = full(desk)
    seen = [desk.read(id, "status").get("status")]
    for act, fields in (("submit", {}), ("approve", {}), ("publish", {}), ("win", {})):
        desk.person(act, id, **fields)
        seen.append(desk.read(id, "status").get("status"))
    assert seen == ["Draft", "PendingApproval", "ReadyToBeSent", "Published", "Won"]


@pytest.mark.parametrize("id", ["", ".", "..", "a/b", "x" * 17, "ä", "nobody", "a b", "%2e"])
def test_ids_of_nobody_are_deleted_records(desk, id) -> None:
    assert desk.read(id, "status").life is Life.DELETED


def test_a_deal_room_and_its_signatures(desk) -> None:
    id = full(desk)
    names = ("dealroom_state", "buyer_signers", "seller_signers", "external_opportunity_id")
    assert desk.read("006A", *names, object="deal_rooms").life is Life.DELETED
    for act in ("submit", "approve", "publish"):
        desk.person(act, id)
    desk.person("sign", id, party="buyer", name="Ada Ng", title="CEO")
    room = desk.read("006A", *names, object="deal_rooms")
    assert room.fields["dealroom_state"] == "Partially signed"
    assert room.fields["external_opportunity_id"] == "006A"
    (signer,) = room.fields["buyer_signers"]
    assert signer["signee_name"] == "Ada Ng"
    assert isinstance(signer["signature_date"], datetime)
    desk.person("sign", id, party="seller", name="Sam")
    assert desk.read(id, "status").get("status") == "Won"
    assert desk.read("006/A", *names, object="deal_rooms").life is Life.DELETED


def test_a_refused_token_is_said_as_such_and_not_shown(desk) -> None:
    desk.provoked.add("unauthorized")
    desk.options(token="rotated")
    with pytest.raises(AuthFailed) as raised:
        desk.connector.check()
    assert raised.value.status == 403
    assert "api_token" in raised.value.message
    assert desk.settings()["api_token"] not in str(raised.value)


def test_the_account_is_the_address_and_a_name(desk) -> None:
    assert desk.connector.check().id == "127.0.0.1"
    desk.more["tenant"] = "acme"
    assert desk.build().check().id == "127.0.0.1/acme"


@pytest.mark.parametrize(
    "body",
    [
        {"dealhub_quote_id": 7, "status": "Draft"},
        {"dealhub_quote_id": "A"},
        [],
        {"status": "Draft"},
        "Draft",
    ],
)
def test_another_shape_is_not_taken_for_a_quote(desk, body) -> None:
    id = full(desk)
    rule = {"match": {"method": "GET"}, "action": "status", "status": 200, "body": body}
    desk.simulator.faults.add(rule)
    with pytest.raises(UnexpectedAnswer):
        desk.read(id, "status")


def test_other_objects_and_associations_are_refused(desk) -> None:
    with pytest.raises(Rejected):
        desk.connector.read(Selection("products", ()), ["1"])
    with pytest.raises(Rejected):
        desk.connector.read(Selection("quotes", (), ("contacts",)), ["1"])
