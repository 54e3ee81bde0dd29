"""Writing: what is sent, and what becomes of the rest when one call fails."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime
from decimal import Decimal

import pytest

from connectors.base import Confirmed, Failed, Wiring
from connectors.errors import (
    AccessDenied,
    AuthFailed,
    Gone,
    OutcomeUnknown,
    RateLimited,
    Rejected,
    RetryLater,
)
from connectors.netsuite.connector import NetSuite, build
from connectors.netsuite.writing import nested
from connectors.records import Change, Identity, Operation
from connectors.testing import hostile
from connectors.testing.hostile import Asked, HostileServer, answer

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
KEYS = {
    "account_id": "1234567",
    "auth": "token_based",
    "consumer_key": "consumer-key",
    "consumer_secret": "consumer-secret",
    "token_id": "token-id",
    "token_secret": "token-secret",
    "read_seconds": "2",
}
SAVED = answer(204, b"", Location="https://h/services/rest/record/v1/invoice/1017")


def refusal(status, code, detail="no"):
    body = {"o:errorDetails": [{"detail": detail, "o:errorCode": code}]}
    return answer(status, json.dumps(body).encode(), Content_Type="application/json")


@contextmanager
def account(*answers: bytes | Callable[[Asked], Iterator[bytes]]) -> Iterator[
    tuple[NetSuite, HostileServer]
]:  # fmt: skip
    """A connector and a server that gives these answers, one per call, the last for ever."""
    left = list(answers)

    def answering(asked: Asked) -> Iterator[bytes]:
        one = left.pop(0) if len(left) > 1 else left[0]
        if isinstance(one, bytes):
            yield one
        else:
            yield from one(asked)

    with HostileServer(answering) as server:
        wiring = Wiring(now=lambda: NOW, observe=lambda _: None, allow_loopback=True)
        yield build({**KEYS, "base_url": server.url}, wiring), server


def upsert(name: str, **fields: object) -> Change:
    return Change(
        f"key-{name}",
        Operation.UPSERT,
        "invoice",
        fields or {"memo": "m"},  # type: ignore[arg-type]
        identity=Identity("externalId", f"revline-{name}"),
    )


def test_an_upsert_is_a_put_by_external_id() -> None:
    lines = ({"item": {"id": "5"}, "amount": Decimal("424.10")},)
    with account(SAVED) as (netsuite, server):
        change = upsert("1", **{
            "entity.externalId": "revline-account-7",
            "subsidiary": {"id": "1"},
            "tranDate": date(2026, 11, 30),
            "item": lines,
            "memo": None,
        })  # fmt: skip
        (outcome,) = netsuite.apply([change])
    assert outcome == Confirmed(id="1017", created=None)
    (asked,) = server.asked
    assert asked.method == "PUT"
    assert asked.target == "/services/rest/record/v1/invoice/eid:revline-1?replace=item"
    assert asked.headers["x-netsuite-propertynamevalidation"] == "Error"
    assert asked.headers["authorization"].startswith('OAuth realm="1234567", ')
    assert b'"amount":424.10' in asked.body
    assert json.loads(asked.body) == {
        "entity": {"externalId": "revline-account-7"},
        "subsidiary": {"id": "1"},
        "tranDate": "2026-11-30",
        "item": {"items": [{"item": {"id": "5"}, "amount": 424.1}]},
        "memo": None,
    }


def test_update_delete_and_create() -> None:
    made = Change("k", Operation.CREATE, "customer", {"companyName": "A"},
                  identity=Identity("externalId", "revline-c"))  # fmt: skip
    changed = Change("k", Operation.UPDATE, "journalEntry", {"line": {"items": ()}}, id="7")
    gone = Change("k", Operation.DELETE, "invoice", {}, id="8")
    with account(SAVED) as (netsuite, server):
        outcomes = [netsuite.apply([one])[0] for one in (made, changed, gone)]
    assert [outcome.id for outcome in outcomes if isinstance(outcome, Confirmed)] == [
        "1017",
        "7",
        "8",
    ]
    assert [(one.method, one.target.partition("v1/")[2]) for one in server.asked] == [
        ("POST", "customer"),
        ("PATCH", "journalEntry/7?replace=line"),
        ("DELETE", "invoice/8"),
    ]
    assert json.loads(server.asked[0].body) == {"companyName": "A", "externalId": "revline-c"}


def test_every_attempt_is_signed_anew() -> None:
    with account(refusal(401, "INVALID_LOGIN"), SAVED) as (netsuite, server):
        (outcome,) = netsuite.apply([upsert("1")])
    assert isinstance(outcome, Confirmed)
    headers = [asked.headers["authorization"] for asked in server.asked]
    assert len(set(headers)) == 2


def test_a_second_refusal_of_the_sign_in_is_final_and_nothing_more_is_sent() -> None:
    with account(refusal(401, "INVALID_LOGIN", "token-secret is wrong")) as (netsuite, server):
        outcomes = netsuite.apply([upsert("1"), upsert("2")])
    assert [type(one.error) for one in outcomes if isinstance(one, Failed)] == [AuthFailed] * 2
    assert len(server.asked) == 2
    assert "token-secret" not in str(outcomes[0])


@pytest.mark.parametrize(
    ("change", "code"),
    [
        (Change("k", Operation.CREATE, "invoice", {"memo": "m"}), "IDENTITY_MISSING"),
        (Change("k", Operation.UPSERT, "invoice", {}, identity=Identity("tranId", "x")),
         "IDENTITY_FIELD"),
        (Change("k", Operation.UPSERT, "invoice", {}, identity=Identity("externalId", "a|b")),
         "BAD_EXTERNAL_ID"),
        (Change("k", Operation.UPSERT, "invoice", {}, identity=Identity("externalId", "a/../b")),
         "BAD_EXTERNAL_ID"),
        (Change("k", Operation.UPDATE, "invoice", {"memo": "m"}, id="1?replace=item"),
         "INVALID_ID"),
        (Change("k", Operation.UPDATE, "../x", {"memo": "m"}, id="1"), "INVALID_RECORD_TYPE"),
        (Change("k", Operation.UPDATE, "item", {"memo": "m"}, id="1"), "READ_ONLY"),
        (Change("k", Operation.UPDATE, "invoice", {"a b": "m"}, id="1"), "INVALID_FIELD"),
        (Change("k", Operation.UPDATE, "invoice", {"memo": "\x00"}, id="1"),
         "VALUE_NOT_WRITABLE"),
        (Change("k", Operation.UPDATE, "invoice", {"entity": "5", "entity.id": "5"}, id="1"),
         "FIELD_TWICE"),
        (Change("k", Operation.ACT, "invoice", {}, id="1", action="post"), "NO_SUCH_ACTION"),
    ],
)  # fmt: skip
def test_what_cannot_be_sent_is_refused_without_a_call(change, code) -> None:
    with account(SAVED) as (netsuite, server):
        outcome, after = netsuite.apply([change, upsert("2")])
    assert isinstance(outcome, Failed)
    assert isinstance(outcome.error, Rejected)
    assert outcome.error.code == code
    assert isinstance(after, Confirmed)
    assert len(server.asked) == 1


def test_a_refused_record_does_not_stop_the_others() -> None:
    closed = refusal(400, "USER_ERROR", "The posting period is closed.")
    broken = refusal(500, "UNEXPECTED_ERROR")
    with account(SAVED, closed, broken, SAVED) as (netsuite, server):
        outcomes = netsuite.apply([upsert(str(n)) for n in range(4)])
    assert isinstance(outcomes[0], Confirmed)
    assert isinstance(outcomes[1], Failed)
    assert outcomes[1].error.code == "PERIOD_CLOSED"
    assert isinstance(outcomes[2], Failed)
    assert isinstance(outcomes[2].error, OutcomeUnknown)
    assert isinstance(outcomes[3], Confirmed)
    assert len(server.asked) == 4


def test_after_a_lost_call_the_rest_is_not_sent() -> None:
    with account(SAVED, hostile.reset) as (netsuite, server):
        outcomes = netsuite.apply([upsert(str(n)) for n in range(4)])
    assert isinstance(outcomes[0], Confirmed)
    errors = [type(one.error) for one in outcomes if isinstance(one, Failed)]
    assert errors == [OutcomeUnknown, RetryLater, RetryLater]
    assert len(server.asked) == 2


@pytest.mark.parametrize(
    ("status", "code", "kind"),
    [(429, "CONCURRENCY_LIMIT_EXCEEDED", RateLimited), (403, "X", AccessDenied)],
)
def test_a_limit_or_a_missing_right_is_everybodys(status, code, kind) -> None:
    with account(refusal(status, code)) as (netsuite, server):
        outcomes = netsuite.apply([upsert(str(n)) for n in range(3)])
    assert [type(one.error) for one in outcomes if isinstance(one, Failed)] == [kind] * 3
    assert len(server.asked) == 1


@pytest.mark.parametrize(
    "odd",
    [
        answer(204, b""),
        answer(204, b"", Location="https://h/v1/invoice/eid:revline-1"),
        answer(200, b"{}", Content_Type="application/json"),
        answer(202, b"", Location="https://h/services/rest/async/v1/job/5"),
    ],
)
def test_a_write_whose_answer_says_nothing_is_in_doubt(odd) -> None:
    with account(odd) as (netsuite, _):
        (outcome,) = netsuite.apply([upsert("1")])
    assert isinstance(outcome, Failed)
    assert isinstance(outcome.error, OutcomeUnknown)


def test_not_there_is_gone_for_an_update_and_refused_for_an_upsert() -> None:
    update = Change("k", Operation.UPDATE, "invoice", {"memo": "m"}, id="9")
    with account(refusal(404, "NONEXISTENT_ID")) as (netsuite, _):
        (changed,) = netsuite.apply([update])
        (made,) = netsuite.apply([upsert("1")])
    assert isinstance(changed, Failed)
    assert isinstance(changed.error, Gone)
    assert isinstance(made, Failed)
    assert isinstance(made.error, Rejected)
    assert not isinstance(made.error, Gone)


def test_dotted_names() -> None:
    assert nested({"entity.id": "5", "a.b.c": 1, "a.b.d": None}) == {
        "entity": {"id": "5"},
        "a": {"b": {"c": 1, "d": None}},
    }
    assert nested({"terms.id": None}) == {"terms": None}
    lines = ({"account.id": "230", "debit": 1, "entity.externalId": "revline-customer-1"},)
    shaped = (
        {"account": {"id": "230"}, "debit": 1, "entity": {"externalId": "revline-customer-1"}},
    )
    assert (
        nested({"line": lines}) == nested({"line": {"items": lines}}) == {"line": {"items": shaped}}
    )


def test_only_lists_are_replaced() -> None:
    choices = {"items": ({"id": "1"}, {"id": "2"})}
    update = Change("k", Operation.UPDATE, "invoice", {
        "item": (), "apply": choices, "custbody_regions": choices, "recmachcustrecord_x": choices,
    }, id="9")  # fmt: skip
    with account(answer(204)) as (netsuite, server):
        (outcome,) = netsuite.apply([update])
    assert isinstance(outcome, Confirmed)
    assert server.asked[0].target.endswith("/invoice/9?replace=apply%2Citem%2Crecmachcustrecord_x")
