from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.base import Confirmed, Failed
from connectors.errors import OutcomeUnknown, QuotaSpent, Rejected, RetryLater
from connectors.records import Change, Identity, Operation
from connectors.salesforce.ids import normal_id
from connectors.salesforce.writing import apply_changes, json_text

decimals = st.decimals(allow_nan=False, allow_infinity=False, places=6).filter(
    lambda value: abs(value) < Decimal(10) ** 18
)


@given(decimals)
def test_amounts_are_written_digit_for_digit(amount: Decimal) -> None:
    text = json_text(amount)
    assert Decimal(json.loads(text, parse_float=str, parse_int=str)) == amount
    assert "e" not in text.lower()


@given(st.text(st.characters(exclude_characters="\x00", exclude_categories=("Cs",))))
def test_texts_are_written_as_they_are(text: str) -> None:
    assert json.loads(json_text(text)) == text


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (None, "null"),
        (True, "true"),
        (Decimal("1234567890123456.78"), "1234567890123456.78"),
        (Decimal("1E+3"), "1000"),
        (date(2026, 1, 31), '"2026-01-31"'),
        (datetime(2026, 1, 31, 10, tzinfo=UTC), '"2026-01-31T10:00:00.000Z"'),
        (("a", "b"), '"a;b"'),
        ((), "null"),
        ({"x": Decimal("1.10")}, '{"x":1.10}'),
    ],
)
def test_values(value: Any, expected: str) -> None:
    assert json_text(value) == expected


@pytest.mark.parametrize(
    "value",
    [
        "a\x00b",
        "\ud800",
        Decimal("NaN"),
        Decimal("1E+300000"),
        Decimal("1E-300000"),
        ("a;b",),
        (1,),
        datetime(2026, 1, 1),
        1.5,
    ],
)
def test_values_that_have_no_form(value: Any) -> None:
    with pytest.raises(ValueError):
        json_text(value)


def id_of(number: int) -> str:
    id = normal_id(f"001{number:012d}")
    assert id is not None
    return id


class Org:
    """Answers collections from a script, or as a willing org would."""

    def __init__(self, *answers: Any) -> None:
        self.answers = list(answers)
        self.calls: list[tuple[str, str, Any]] = []

    def send(self, method: str, path: str, body: bytes | None, *, object: str = "") -> object:
        sent = json.loads(body) if body is not None else None
        self.calls.append((method, path, sent))
        if self.answers:
            answer = self.answers.pop(0)
            if isinstance(answer, Exception):
                raise answer
            return answer
        count = len(sent["records"]) if sent else path.count(",") + 1
        return [{"id": id_of(n), "success": True, "errors": []} for n in range(count)]


def apply(org: Org, changes: Sequence[Change]) -> tuple[Any, ...]:
    return apply_changes(org, changes)  # type: ignore[arg-type]


def upsert(value: str, **fields: Any) -> Change:
    return Change(
        key="k",
        operation=Operation.UPSERT,
        object="Account",
        fields=fields or {"Name": "x"},
        identity=Identity("Ext__c", value),
    )


def update(id: str, **fields: Any) -> Change:
    return Change(key="k", operation=Operation.UPDATE, object="Account", fields=fields, id=id)


def test_an_upsert() -> None:
    org = Org([{"id": id_of(1), "success": True, "errors": [], "created": True}])
    assert apply(org, [upsert("a/b ü", Amount__c=Decimal("0.10"), Gone__c=None)]) == (
        Confirmed(id=id_of(1), created=True),
    )
    assert org.calls == [
        (
            "PATCH",
            "composite/sobjects/Account/Ext__c",
            {
                "allOrNone": False,
                "records": [
                    {
                        "attributes": {"type": "Account"},
                        "Ext__c": "a/b ü",
                        "Amount__c": 0.1,
                        "Gone__c": None,
                    }
                ],
            },
        )
    ]


def test_updates_creates_and_deletes_go_to_their_own_addresses() -> None:
    org = Org()
    apply(org, [update(id_of(1)[:15], Name="x")])
    apply(org, [Change(key="k", operation=Operation.CREATE, object="Account", fields={})])
    apply(
        org,
        [
            Change(key="k", operation=Operation.DELETE, object="Account", fields={}, id=id_of(n))
            for n in (1, 2)
        ],
    )
    assert [(method, path) for method, path, _ in org.calls] == [
        ("PATCH", "composite/sobjects"),
        ("POST", "composite/sobjects"),
        ("DELETE", f"composite/sobjects?ids={id_of(1)},{id_of(2)}&allOrNone=false"),
    ]
    assert org.calls[0][2]["records"][0]["id"] == id_of(1)


def test_one_bad_record_leaves_the_others_alone_and_the_order_is_kept() -> None:
    org = Org(
        [
            {"id": id_of(1), "success": True, "errors": []},
            {"success": False, "errors": [{"statusCode": "UNABLE_TO_LOCK_ROW", "message": "m"}]},
        ]
    )
    outcomes = apply(
        org,
        [
            update("https://evil/x", Name="a"),
            update(id_of(1), Name="b"),
            update(id_of(2), Bad__c="\x00"),
            update(id_of(3), Name="c"),
        ],
    )
    assert [getattr(getattr(one, "error", None), "code", "ok") for one in outcomes] == [
        "MALFORMED_ID",
        "ok",
        "VALUE_NOT_WRITABLE",
        "UNABLE_TO_LOCK_ROW",
    ]
    assert isinstance(outcomes[3].error, RetryLater)
    assert len(org.calls) == 1


def test_a_parents_field_is_not_written() -> None:
    (outcome,) = apply(Org(), [update(id_of(1), **{"Owner.Name": "x"})])
    assert isinstance(outcome.error, Rejected)


def test_at_most_200_records_in_a_call() -> None:
    org = Org()
    assert len(apply(org, [upsert(str(n)) for n in range(401)])) == 401
    assert [len(sent["records"]) for _, _, sent in org.calls] == [200, 200, 1]


def test_a_record_named_twice_is_written_in_two_calls_in_order() -> None:
    org = Org()
    apply(org, [upsert("A", Name="1"), upsert("b", Name="2"), upsert("a", Name="3")])
    names = [[one["Name"] for one in sent["records"]] for _, _, sent in org.calls]
    assert names == [["1", "2"], ["3"]]


@pytest.mark.parametrize(
    "error",
    [
        QuotaSpent("spent", until=None),
        OutcomeUnknown("lost", code="X"),
    ],
)
def test_a_failed_call_fails_every_record(error: Exception) -> None:
    outcomes = apply(Org(error), [upsert("a"), upsert("b")])
    assert [one.error for one in outcomes] == [error, error]


@pytest.mark.parametrize(
    "answer",
    [
        None,
        {},
        [],
        [{"success": True}, {"success": "yes"}],
        [{"success": True, "id": "?"}, None],
        [{"id": id_of(1), "success": True}],
    ],
)
def test_an_answer_that_cannot_be_read_leaves_the_outcome_open(answer: Any) -> None:
    outcomes = apply(Org(answer), [upsert("a"), upsert("b")])
    assert all(isinstance(one, Failed) for one in outcomes)
    assert all(isinstance(one.error, OutcomeUnknown) for one in outcomes)


@pytest.mark.parametrize(
    "change",
    [
        Change(key="k", operation=Operation.UPSERT, object="Account", fields={}),
        upsert("  "),
        Change(key="k", operation=Operation.CREATE, object="Acc ount", fields={}),
        Change(key="k", operation=Operation.UPDATE, object="Account", fields={}),
        Change(
            key="k",
            operation=Operation.UPSERT,
            object="Account",
            fields={},
            identity=Identity("a/b", "x"),
        ),
        Change(
            key="k",
            operation=Operation.UPSERT,
            object="Account",
            fields={},
            identity=Identity("Owner.Ext__c", "x"),
        ),
    ],
)
def test_changes_that_cannot_be_sent(change: Change) -> None:
    org = Org()
    (outcome,) = apply(org, [change])
    assert isinstance(outcome.error, Rejected)
    assert org.calls == []
