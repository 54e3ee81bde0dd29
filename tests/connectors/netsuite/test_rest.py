"""Single calls: places are few, answers are judged strictly, nothing secret is repeated."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from connectors.base import Wiring
from connectors.errors import (
    AuthFailed,
    CallError,
    Gone,
    RateLimited,
    Rejected,
    RetryLater,
    UnexpectedAnswer,
)
from connectors.http import Transport
from connectors.netsuite.connector import build
from connectors.netsuite.rest import Rest
from connectors.netsuite.suiteql import Query
from connectors.records import Absent, Identity, Life, Selection
from connectors.testing import hostile
from connectors.testing.hostile import Asked, HostileServer, answer

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
SELECTION = Selection("invoice", ("item", "memo", "total"))
KEYS = {
    "account_id": "1234567",
    "auth": "token_based",
    "consumer_key": "consumer-key",
    "consumer_secret": "consumer-secret",
    "token_id": "token-id",
    "token_secret": "token-secret",
    "read_seconds": "2",
}


class Fixed:
    """An Authorization header that is always the same."""

    def header(self, method, url, query):
        return "Bearer fixed-token"

    def refused(self, header):
        pass


def wiring() -> Wiring:
    return Wiring(now=lambda: NOW, observe=lambda _: None, allow_loopback=True)


def said(body: object, status: int = 200) -> hostile.Answering:
    return hostile.always(status, json.dumps(body).encode(), Content_Type="application/json")


def asked_of(answering: hostile.Answering, selection: Selection = SELECTION):
    with HostileServer(answering) as server:
        connector = build({**KEYS, "base_url": server.url}, wiring())
        return connector.read(selection, ["17"]), server.asked


def details(code: str, detail: str) -> dict[str, object]:
    return {"o:errorDetails": [{"o:errorCode": code, "detail": detail}]}


def test_lists_are_expanded_only_when_they_are_asked_for() -> None:
    (record,), asked = asked_of(said({"id": "17", "item": {"links": [], "items": []}, "total": 5}))
    assert record.fields["item"] == {"items": ()}
    assert record.fields["memo"] is None, "left out is blank"
    assert asked[0].target.endswith("/invoice/17?expandSubResources=true")
    _, asked = asked_of(said({"id": "17"}), Selection("invoice", ("custbody_x", "memo")))
    assert asked[0].target.endswith("/invoice/17")


@pytest.mark.parametrize(
    "body",
    [
        {"id": "17", "item": {"links": [{"rel": "self"}]}},
        {"id": "17", "item": {"items": [], "hasMore": True}},
        {"id": "17", "total": "much"},
        {"memo": "without an id"},
        {"id": "17; drop"},
        ["17"],
    ],
)
def test_half_a_record_is_no_record(body) -> None:
    with pytest.raises(UnexpectedAnswer):
        asked_of(said(body))


def test_not_there_is_deleted_and_anything_else_is_not() -> None:
    (record,), _ = asked_of(said(details("NONEXISTENT_ID", "Record does not exist."), 404))
    assert record.life is Life.DELETED
    with pytest.raises(Rejected):
        asked_of(said(details("NONEXISTENT_RECORD_TYPE", "no such type"), 404))
    with pytest.raises(UnexpectedAnswer):
        asked_of(hostile.always(404, b"<html>not here</html>", Content_Type="text/html"))


def test_a_lookup_trusts_only_the_vendors_own_no() -> None:
    identity = [Identity("externalId", "revline-invoice-1")]
    with HostileServer(said(details("NONEXISTENT_ID", "none"), 404)) as server:
        connector = build({**KEYS, "base_url": server.url}, wiring())
        assert connector.lookup(SELECTION, identity) == (Absent(),)
        assert server.asked[0].target.split("?")[0].endswith("/invoice/eid:revline-invoice-1")
        with pytest.raises(Rejected):
            connector.lookup(SELECTION, [Identity("externalId", "a b")])
    with HostileServer(hostile.always(404, b"gateway")) as server:
        connector = build({**KEYS, "base_url": server.url}, wiring())
        with pytest.raises(UnexpectedAnswer):
            connector.lookup(SELECTION, identity)


def test_ids_that_cannot_be_ids_cost_no_call() -> None:
    with HostileServer(said({"id": "1"})) as server:
        connector = build({**KEYS, "base_url": server.url}, wiring())
        records = connector.read(SELECTION, ["", "a", "1/../2", "eid:x"])
        assert [record.life for record in records] == [Life.DELETED] * 4
        assert server.asked == []


@pytest.mark.parametrize(
    "body",
    [
        {"items": []},
        {"hasMore": False},
        {"items": [5], "hasMore": False},
        {"items": [], "hasMore": "no"},
        {"items": [], "hasMore": True},
        {"items": [{"id": "x", "lm": "2026-11-22 10:00:00"}], "hasMore": False},
        {"items": [{"id": "1", "lm": "11/22/2026"}], "hasMore": False},
        {"items": [{"id": "1"}], "hasMore": False},
        {"items": [{"id": "2", "lm": "2026-11-22 10:00:00"},
                   {"id": "1", "lm": "2026-11-22 10:00:00"}], "hasMore": False},
        {"items": [{"id": "2", "lm": "2020-11-22 10:00:00"}], "hasMore": False},
    ],
)  # fmt: skip
def test_a_page_of_changes_that_would_lose_rows_is_refused(body) -> None:
    with HostileServer(said(body)) as server:
        connector = build({**KEYS, "base_url": server.url}, wiring())
        cursor = connector.first_cursor(SELECTION, NOW - timedelta(days=1))
        with pytest.raises(UnexpectedAnswer):
            connector.changes(SELECTION, cursor, 10)


@pytest.mark.parametrize("ids", [["2", "1"], ["3", "3"], ["5", "5"]])
def test_a_page_of_ids_that_would_lose_rows_is_refused(ids) -> None:
    rows = [{"id": id, "lm": "2026-11-22 10:00:00"} for id in ids]
    with HostileServer(said({"items": rows, "hasMore": False})) as server:
        connector = build({**KEYS, "base_url": server.url}, wiring())
        with pytest.raises(UnexpectedAnswer):
            connector.list(SELECTION, '{"id":"0"}', 10)


def test_a_query_says_that_it_is_transient() -> None:
    with HostileServer(said({"items": [], "hasMore": False})) as server:
        connector = build({**KEYS, "base_url": server.url}, wiring())
        connector.check()
        (asked,) = server.asked
    assert asked.method == "POST"
    assert asked.headers["prefer"] == "transient"
    assert asked.target.endswith("/suiteql?limit=1&offset=0")


def test_an_account_of_one_company_has_no_subsidiaries() -> None:
    refusal = said(details("INVALID_PARAMETER", "Record 'subsidiary' was not found."), 400)
    rows = said({"items": [{"id": "1"}], "hasMore": False})

    def single_company(asked: Asked) -> Iterator[bytes]:
        yield from (refusal if b"subsidiary" in asked.body else rows)(asked)

    with HostileServer(single_company) as server:
        identity = build({**KEYS, "base_url": server.url}, wiring()).check()
    assert (identity.id, identity.environment) == ("1234567", "production")
    with HostileServer(refusal) as server, pytest.raises(Rejected):
        build({**KEYS, "base_url": server.url}, wiring()).check()


def test_what_the_account_repeats_is_masked() -> None:
    spoken = "wrong: token-secret consumer-key Bearer fixed-token"
    with pytest.raises(CallError) as raised:
        asked_of(said(details("USER_ERROR", spoken), 400))
    assert "token-secret" not in str(raised.value)
    assert "consumer-key" not in str(raised.value)
    with HostileServer(said(details("INVALID_LOGIN", spoken), 401)) as server:
        rest = Rest(Transport(server.url, wiring()), Fixed(), lambda: NOW, concurrency=1,
                    secrets=())  # fmt: skip
        with pytest.raises(AuthFailed) as failed:
            rest.get("invoice/1")
        assert len(server.asked) == 2, "once more, and then never"
    assert "fixed-token" not in str(failed.value)


def test_a_wait_that_is_asked_for_is_kept() -> None:
    with pytest.raises(RateLimited) as raised:
        asked_of(hostile.always(429, b"{}", Retry_After="7"))
    assert raised.value.wait == timedelta(seconds=7)


def test_a_place_is_waited_for_and_not_for_ever() -> None:
    entered, leave = threading.Event(), threading.Event()

    def held(_: Asked) -> Iterator[bytes]:
        entered.set()
        assert leave.wait(30)
        yield answer(200, b'{"id": "1"}', Content_Type="application/json")

    with HostileServer(held) as server:
        transport = Transport(server.url, wiring())
        rest = Rest(transport, Fixed(), lambda: NOW, concurrency=1, secrets=(), slot_seconds=0.05)
        first = threading.Thread(target=lambda: rest.get("invoice/1"))
        first.start()
        assert entered.wait(30)
        with pytest.raises(RateLimited) as raised:
            rest.get("invoice/2")
        assert raised.value.code == "ALL_SLOTS_TAKEN"
        leave.set()
        first.join(timeout=30)
        assert rest.get("invoice/3") == {"id": "1"}
        assert [asked.target[-1] for asked in server.asked] == ["1", "3"]


def test_a_place_is_given_back_after_a_failure() -> None:
    with HostileServer(hostile.reset) as server:
        transport = Transport(server.url, wiring())
        rest = Rest(transport, Fixed(), lambda: NOW, concurrency=1, secrets=(), slot_seconds=0.05)
        for _ in range(3):
            with pytest.raises(RetryLater) as raised:
                rest.query(Query("SELECT id FROM customer"), 1)
            assert raised.value.code == "NETWORK"


def test_gone_is_said_of_an_address_that_leads_nowhere() -> None:
    with HostileServer(said(details("NONEXISTENT_ID", "none"), 404)) as server:
        rest = Rest(Transport(server.url, wiring()), Fixed(), lambda: NOW, concurrency=1,
                    secrets=())  # fmt: skip
        with pytest.raises(Gone):
            rest.get("invoice/1")
