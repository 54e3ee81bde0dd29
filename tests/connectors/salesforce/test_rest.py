"""The fence around the SDK, over real HTTP: sessions, lost answers, strange answers, headers."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from connectors.base import ApiCall, Wiring
from connectors.errors import (
    ActionNeeded,
    AuthFailed,
    CallError,
    OutcomeUnknown,
    QuotaSpent,
    RateLimited,
    Rejected,
    RetryLater,
    UnexpectedAnswer,
)
from connectors.records import Change, Identity, Operation, Selection
from connectors.salesforce.connector import Salesforce, build
from connectors.salesforce.rest import ADDRESS_MAX_CHARACTERS, in_parts, query_path
from connectors.salesforce.soql import any_of, select
from connectors.testing.hostile import Asked, HostileServer, Reset, answer

ORG = "00D000000000001EAA"
NOW = datetime(2026, 1, 1, tzinfo=UTC)
DATE = "Thu, 01 Jan 2026 00:00:00 GMT"
SECRET = "very-secret"


class Org:
    """Gives tokens, and data answers from a script: (status, body) or a way to fail."""

    def __init__(self) -> None:
        self.script: list[Any] = []
        self.tokens = 0
        self.data: list[Asked] = []
        self.server: HostileServer | None = None
        self.headers = {"Sforce_Limit_Info": "api-usage=18/5000", "Date": DATE}

    def __call__(self, asked: Asked) -> Iterator[bytes]:
        if asked.target == "/services/oauth2/token":
            self.tokens += 1
            assert self.server is not None
            body = {
                "access_token": f"{SECRET}-{self.tokens}",
                "instance_url": self.server.url,
                "id": f"https://login.salesforce.com/id/{ORG}/005000000000001AAA",
            }
            yield answer(200, json.dumps(body).encode())
            return
        self.data.append(asked)
        given = self.script.pop(0) if len(self.script) > 1 else self.script[0]
        if given is Reset:
            raise Reset
        status, body, *more = given(asked) if callable(given) else given
        headers = self.headers | (more[0] if more else {})
        yield answer(
            status, body if isinstance(body, bytes) else json.dumps(body).encode(), **headers
        )


@pytest.fixture
def org() -> Iterator[Org]:
    org = Org()
    with HostileServer(org) as server:
        org.server = server
        yield org


@pytest.fixture
def calls() -> list[ApiCall]:
    return []


@pytest.fixture
def salesforce(org: Org, calls: list[ApiCall]) -> Salesforce:
    assert org.server is not None
    settings = {"login_url": org.server.url, "client_id": "c", "client_secret": SECRET}
    wiring = Wiring(now=lambda: NOW, observe=calls.append, allow_loopback=True)
    return build(settings, wiring)


ORGANIZATION = {
    "totalSize": 1,
    "done": True,
    "records": [{"Id": ORG, "Name": "Acme", "IsSandbox": False}],
}
EXPIRED = [{"message": "Session expired or invalid", "errorCode": "INVALID_SESSION_ID"}]
UPSERT = Change(
    key="k",
    operation=Operation.UPSERT,
    object="Account",
    fields={"Name": "x", "Amount__c": Decimal("1234567890123456.78")},
    identity=Identity("Ext__c", "a"),
)


def test_what_is_sent_and_learned(org: Org, salesforce: Salesforce, calls: list[ApiCall]) -> None:
    org.script = [(200, ORGANIZATION)]
    assert salesforce.usage() is None
    account = salesforce.check()
    assert (account.id, account.name, account.environment) == (ORG, "Acme", "production")
    assert salesforce.usage() == (18, 5000)
    (asked,) = org.data
    assert asked.headers["authorization"] == f"Bearer {SECRET}-1"
    assert asked.headers["sforce-call-options"] == "client=revline"
    assert "x-prettyprint" not in asked.headers
    assert "sforce-auto-assign" not in asked.headers
    assert {call.limit_class for call in calls} == {"daily"}
    assert [call.path for call in calls] == [
        "/services/oauth2/token",
        "/services/data/v67.0/query/",
    ]


def test_a_write_says_so_and_keeps_its_digits(org: Org, salesforce: Salesforce) -> None:
    org.script = [(200, [{"id": "001000000000001AAA", "success": True, "errors": []}])]
    salesforce.apply([UPSERT])
    (asked,) = org.data
    assert asked.headers["sforce-auto-assign"] == "false"
    assert b"1234567890123456.78" in asked.body


def test_one_new_token_per_401(org: Org, salesforce: Salesforce) -> None:
    org.script = [(401, EXPIRED), (200, ORGANIZATION)]
    salesforce.check()
    assert (org.tokens, len(org.data)) == (2, 2)
    assert [asked.headers["authorization"] for asked in org.data] == [
        f"Bearer {SECRET}-1",
        f"Bearer {SECRET}-2",
    ]


def test_401_for_ever_ends_after_one_new_token(org: Org, salesforce: Salesforce) -> None:
    org.script = [(401, EXPIRED)]
    with pytest.raises(AuthFailed):
        salesforce.check()
    assert (org.tokens, len(org.data)) == (2, 2)
    (outcome,) = salesforce.apply([UPSERT])
    assert isinstance(outcome.error, AuthFailed)  # type: ignore[union-attr]
    assert (org.tokens, len(org.data)) == (3, 4)


def test_threads_share_a_new_token(org: Org, salesforce: Salesforce) -> None:
    org.script = [(200, ORGANIZATION)]
    salesforce.check()
    stale = f"Bearer {SECRET}-1"
    together = threading.Barrier(4)

    def once_all_are_there(asked: Asked) -> tuple[int, Any]:
        if asked.headers["authorization"] == stale:
            together.wait(20)
            return 401, EXPIRED
        return 200, ORGANIZATION

    org.script = [once_all_are_there]
    threads = [threading.Thread(target=salesforce.check) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert org.tokens == 2
    assert len(org.data) == 1 + 4 + 4


PAGE = b"<html>We are down for maintenance</html>"


@pytest.mark.parametrize(
    ("given", "reading", "writing"),
    [
        (Reset, RetryLater, OutcomeUnknown),
        ((503, PAGE), RetryLater, OutcomeUnknown),
        (
            (400, [{"errorCode": "BAD", "message": f"Bearer {SECRET}-1 seen"}]),
            Rejected,
            Rejected,
        ),
        ((500, [{"errorCode": "UNKNOWN_EXCEPTION", "message": "m"}]), RetryLater, OutcomeUnknown),
        ((503, PAGE, {"Retry_After": "7"}), RateLimited, OutcomeUnknown),
        ((429, PAGE, {"Retry_After": "99999999999"}), RateLimited, RateLimited),
        ((302, b"", {"Location": "http://127.0.0.1:1/"}), UnexpectedAnswer, UnexpectedAnswer),
        ((200, b'{"totalSize":1,"done":'), UnexpectedAnswer, OutcomeUnknown),
        ((200, b'{"totalSize":NaN}'), UnexpectedAnswer, OutcomeUnknown),
        ((200, b""), UnexpectedAnswer, OutcomeUnknown),
        ((200, PAGE), UnexpectedAnswer, OutcomeUnknown),
        ((200, []), UnexpectedAnswer, OutcomeUnknown),
        ((200, None), UnexpectedAnswer, OutcomeUnknown),
        ((200, 7), UnexpectedAnswer, OutcomeUnknown),
        ((200, "text"), UnexpectedAnswer, OutcomeUnknown),
        ((204, b""), UnexpectedAnswer, OutcomeUnknown),
        ((200, {"success": False}), UnexpectedAnswer, OutcomeUnknown),
        (
            (403, [{"errorCode": "REQUEST_LIMIT_EXCEEDED", "message": "TotalRequests"}]),
            QuotaSpent,
            QuotaSpent,
        ),
    ],
)
def test_strange_answers(
    org: Org,
    salesforce: Salesforce,
    given: Any,
    reading: type[CallError],
    writing: type[CallError],
) -> None:
    org.script = [given]
    with pytest.raises(CallError) as caught:
        salesforce.check()
    assert type(caught.value) is reading
    assert SECRET not in repr(caught.value)
    assert caught.value.__cause__ is None or SECRET not in str(caught.value.__cause__)
    before = len(org.data)
    (outcome,) = salesforce.apply([UPSERT])
    assert type(outcome.error) is writing  # type: ignore[union-attr]
    assert len(org.data) == before + 1, "a write makes one attempt"


@pytest.mark.parametrize(
    "page",
    [
        {"done": True, "totalSize": 2, "records": [{"Id": ORG}]},
        {"done": False, "totalSize": 2, "records": []},
        {"totalSize": 0, "records": []},
        {"done": True, "totalSize": 0},
        {"done": True, "totalSize": 1, "records": [7]},
        {"done": True, "totalSize": 1, "records": [{"Name": "x"}]},
        {"done": True, "totalSize": 2, "records": [{"Id": ORG}, {"Id": ORG}]},
    ],
)
def test_a_page_that_is_cut_moves_no_cursor(org: Org, salesforce: Salesforce, page: Any) -> None:
    describe = {"name": "Thing__c", "fields": [{"name": "Id", "type": "id"}]}
    org.script = [(200, describe), (200, page)]
    with pytest.raises(UnexpectedAnswer):
        salesforce.list(Selection("Thing__c", ()), None, 10)


THING: dict[str, Any] = {
    "name": "Thing__c",
    "fields": [{"name": "Id", "type": "id"}, {"name": "IsDeleted", "type": "boolean"}],
}
FIRST, SECOND = "a01000000000001AAA", "a01000000000002AAA"


def test_a_read_that_is_cut_does_not_say_that_records_are_gone(
    org: Org, salesforce: Salesforce
) -> None:
    page = {"done": True, "totalSize": 2, "records": [{"Id": FIRST, "IsDeleted": False}]}
    org.script = [(200, THING), (200, page)]
    with pytest.raises(UnexpectedAnswer):
        salesforce.read(Selection("Thing__c", ()), [FIRST, SECOND])


@pytest.mark.parametrize("order", [(2, 1), (1, 1), (0,), (3, 3, 2)])
def test_a_page_of_changes_out_of_order_is_refused(
    org: Org, salesforce: Salesforce, order: tuple[int, ...]
) -> None:
    followed = {
        **THING,
        "fields": [*THING["fields"], {"name": "SystemModstamp", "type": "datetime"}],
    }
    rows = [
        {
            "Id": f"a0100000000000{place if hour != 1 else 9}AAA",
            "IsDeleted": False,
            "SystemModstamp": f"2025-12-31T{9 + hour:02d}:00:00.000+0000",
        }
        for place, hour in enumerate(order)
    ]
    org.script = [(200, followed), (200, {"done": True, "totalSize": len(rows), "records": rows})]
    selection = Selection("Thing__c", ())
    cursor = salesforce.first_cursor(selection, datetime(2025, 12, 31, 10, tzinfo=UTC))
    with pytest.raises(UnexpectedAnswer):
        salesforce.changes(selection, cursor, 10)


def test_an_object_without_a_modified_time_cannot_be_followed(
    org: Org, salesforce: Salesforce
) -> None:
    org.script = [(200, THING)]
    selection = Selection("Thing__c", ())
    with pytest.raises(Rejected, match="SystemModstamp"):
        salesforce.changes(selection, salesforce.first_cursor(selection, NOW), 10)


def test_the_deleted_feed_leaves_out_what_was_restored_and_narrows_its_window(
    org: Org, salesforce: Salesforce
) -> None:
    stamp = "2025-12-31T10:00:00.000+0000"
    feed = {
        "deletedRecords": [{"id": id, "deletedDate": stamp} for id in (FIRST, SECOND)],
        "latestDateCovered": "2025-12-31T12:00:00.000+0000",
    }
    bin = {"done": True, "totalSize": 1, "records": [{"Id": FIRST, "IsDeleted": False}]}
    too_many = [{"errorCode": "EXCEEDED_ID_LIMIT", "message": "too many"}]
    org.script = [(200, THING), (400, too_many), (200, feed), (200, bin)]
    page = salesforce.removed(Selection("Thing__c", ()), None, 100)
    assert [record.ref.id for record in page.records] == [SECOND]
    assert not page.at_head
    targets = [asked.target for asked in org.data if "/deleted/" in asked.target]
    assert [target.split("?")[1] for target in targets] == [
        "start=2025-12-17T01:00:00%2B00:00&end=2026-01-01T00:00:00%2B00:00",
        "start=2025-12-17T01:00:00%2B00:00&end=2025-12-24T12:30:00%2B00:00",
    ]


@pytest.mark.parametrize("feed", [{}, {"deletedRecords": [{"id": "x"}]}, [], None])
def test_a_strange_deleted_feed(org: Org, salesforce: Salesforce, feed: Any) -> None:
    org.script = [(200, THING), (200, feed)]
    with pytest.raises(UnexpectedAnswer):
        salesforce.removed(Selection("Thing__c", ()), None, 100)


@pytest.mark.parametrize(
    "more",
    ["https://evil/x", "//evil/x", "/services/data/v67.0/sobjects/x", "/services/data/../x", None],
)
def test_the_next_page_is_one_of_ours(org: Org, salesforce: Salesforce, more: str | None) -> None:
    describe = {"name": "Thing__c", "fields": [{"name": "Id", "type": "id"}]}
    page = {"done": False, "totalSize": 9, "records": [{"Id": ORG}], "nextRecordsUrl": more}
    org.script = [(200, describe), (200, page)]
    with pytest.raises(UnexpectedAnswer):
        salesforce.read(Selection("Thing__c", ()), [ORG])
    assert len(org.data) == 2


def test_a_token_for_another_org_than_the_data_is_refused(org: Org, salesforce: Salesforce) -> None:
    other = {**ORGANIZATION, "records": [{"Id": "00D000000000002EAA", "Name": "x"}]}
    org.script = [(200, other)]
    with pytest.raises(AuthFailed):
        salesforce.check()


def test_bad_settings_are_for_a_person() -> None:
    wiring = Wiring(now=lambda: NOW, observe=lambda call: None)
    with pytest.raises(ActionNeeded, match="client_secret"):
        build({"login_url": "https://a.my.salesforce.com", "client_id": "x"}, wiring)


def test_long_queries_are_split_to_fit_an_address() -> None:
    values = [f"{number:03d}" + "x" * 300 for number in range(200)]

    def build_query(part: Any) -> str:
        return select("Account", ("Id",), where=any_of("Name", part))

    parts = in_parts(values, 100, build_query)
    assert [value for _, part in parts for value in part] == values
    assert all(len(query_path(soql)) <= ADDRESS_MAX_CHARACTERS for soql, _ in parts)
    (only,) = in_parts(["x" * 20_000], 100, build_query)
    assert only[1] == ("x" * 20_000,)


def test_a_full_batch_of_ids_fits_an_address_beside_a_long_select_list() -> None:
    ids = [f"{number:018d}" for number in range(400)]
    fields = [f"Some_Long_Custom_Field_{number:03d}__c" for number in range(100)]
    parts = in_parts(ids, 400, lambda part: select("Account", fields, where=any_of("Id", part)))
    assert len(parts) == 1


def test_waiting_is_bounded(org: Org, salesforce: Salesforce) -> None:
    org.script = [(429, b"", {"Retry_After": "99999999999"})]
    with pytest.raises(RateLimited) as caught:
        salesforce.check()
    assert caught.value.wait <= timedelta(hours=1)
