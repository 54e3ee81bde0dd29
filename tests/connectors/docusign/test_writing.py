"""Envelopes made once, changed, voided, resent; and what a success with a failure inside is."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from docusign_desk import ROLES, SENT, Desk
from hypothesis import given
from hypothesis import strategies as st

from connectors.base import Confirmed, Failed
from connectors.docusign import bodies
from connectors.errors import (
    DuplicateFound,
    Gone,
    OutcomeUnknown,
    RateLimited,
    Rejected,
    RetryLater,
)
from connectors.records import Identity, Operation
from sandbox.docusign import ORDER_FORM_ID

NAME = "revline-quote-Q1"
IDENTITY = Identity("transactionId", NAME)


def row_of(desk: Desk, id: str) -> Any:
    return next(row for row in desk.rows() if row["envelopeId"] == id)


def custom(row: Any) -> dict[str, str]:
    return {one["name"]: one["value"] for one in row["customFields"]["textCustomFields"]}


def test_an_envelope_carries_our_identity_twice_and_its_fields_as_strings(desk: Desk) -> None:
    fields = {
        **SENT,
        "custom.opportunityId": "006A",
        "custom.amount": Decimal("1200.50"),
        "custom.signBy": date(2026, 9, 30),
        "custom.empty": None,
        "allowReassign": False,
    }
    outcome = desk.done(desk.change(Operation.CREATE, fields=fields, identity=IDENTITY))
    assert (outcome.created, dict(outcome.fields)) == (True, {"status": "sent"})
    assert outcome.request_id is not None
    row = row_of(desk, outcome.id)
    assert row["transactionId"] == NAME
    assert custom(row) == {
        "opportunityId": "006A", "amount": "1200.50", "signBy": "2026-09-30", "revline_id": NAME,
    }  # fmt: skip
    record = desk.read(outcome.id, "custom.amount", "custom.none", "custom", "recipients", "status")
    assert (record.get("custom.amount"), record.get("custom.none")) == ("1200.50", None)
    assert record.fields["recipients"]["signers"][0]["routingOrder"] == 1
    assert record.version == row["lastModifiedDateTime"]


def test_looking_first_never_sends_a_second_envelope(desk: Desk) -> None:
    first = desk.send(NAME)
    change = desk.change(Operation.CREATE, fields=SENT, identity=IDENTITY)
    error = desk.apply(change)
    assert isinstance(error, DuplicateFound)
    assert [ref.id for ref in error.candidates] == [first]
    desk.wait(days=8)  # DocuSign has forgotten the transaction
    error = desk.apply(change)
    assert isinstance(error, DuplicateFound)
    assert [ref.id for ref in error.candidates] == [first]
    assert len(desk.rows()) == 1


def test_one_identity_twice_in_a_batch_is_one_envelope(desk: Desk) -> None:
    changes = [desk.change(Operation.CREATE, fields=SENT, identity=IDENTITY) for _ in range(2)]
    made, again = desk.connector.apply(changes)
    assert isinstance(made, Confirmed)
    assert isinstance(again, Failed)
    assert isinstance(again.error, DuplicateFound)


def test_an_upsert_changes_what_may_be_changed(desk: Desk) -> None:
    id = desk.send(NAME)
    fields = {**SENT, "emailSubject": "Sign now", "custom.quoteId": "Q1"}
    outcome = desk.done(desk.change(Operation.UPSERT, fields=fields, identity=IDENTITY))
    assert (outcome.id, outcome.created) == (id, False)
    assert row_of(desk, id)["emailSubject"] == "Sign now"
    assert custom(row_of(desk, id))["quoteId"] == "Q1"


def test_a_lost_answer_is_in_doubt_and_a_look_settles_it(desk: Desk) -> None:
    desk.connector.check()
    desk.fault("reset", "POST", "/envelopes$", phase="after")
    change = desk.change(Operation.CREATE, fields=SENT, identity=IDENTITY)
    assert isinstance(desk.apply(change), OutcomeUnknown)
    assert isinstance(desk.apply(change), DuplicateFound)
    assert len(desk.rows()) == 1


def test_after_a_lost_connection_the_rest_is_not_sent(desk: Desk) -> None:
    desk.connector.check()
    desk.fault("reset", "POST", "/envelopes$", phase="after")
    changes = [
        desk.change(Operation.CREATE, fields=SENT, identity=Identity("transactionId", f"T-{n}"))
        for n in range(3)
    ]
    outcomes = desk.connector.apply(changes)
    errors = [outcome.error for outcome in outcomes if isinstance(outcome, Failed)]
    assert [type(error) for error in errors] == [OutcomeUnknown, RetryLater, RetryLater]
    assert errors[1].code == "NOT_SENT"
    assert len(desk.rows()) == 1


def test_when_looking_first_fails_nothing_was_sent(desk: Desk) -> None:
    desk.connector.check()
    desk.fault("status", "GET", "/envelopes$", status=200, body=[])
    error = desk.apply(desk.change(Operation.CREATE, fields=SENT, identity=IDENTITY))
    assert type(error) is RetryLater
    assert desk.rows() == []


def test_a_limit_stops_the_rest_with_its_wait(desk: Desk) -> None:
    desk.connector.check()
    desk.simulator.set_options({"hourly_limit": 3, "limit_status": 400})
    identity = Identity("custom.quoteId", "Q-1")
    changes = [desk.change(Operation.CREATE, fields=SENT, identity=identity)]
    changes += [desk.change(Operation.CREATE, fields=SENT) for _ in range(3)]
    outcomes = desk.connector.apply(changes)
    kinds = [type(one.error) if isinstance(one, Failed) else Confirmed for one in outcomes]
    assert kinds == [Confirmed, Confirmed, RateLimited, RateLimited]
    assert len(desk.rows()) == 2
    (error,) = {one.error for one in outcomes if isinstance(one, Failed)}
    assert isinstance(error, RateLimited)
    now = desk.simulator.now()
    hour = now.replace(minute=0, second=0, microsecond=0) + timedelta(hours=1)
    assert abs(error.wait - (hour - now)) < timedelta(seconds=5)


def test_a_part_that_failed_is_a_refusal_and_the_next_try_finds_the_envelope(desk: Desk) -> None:
    fields = {**SENT, "custom.long": "x" * 101}
    change = desk.change(Operation.CREATE, fields=fields, identity=IDENTITY)
    error = desk.apply(change)
    assert type(error) is Rejected
    assert error.code == "INVALID_CUSTOM_FIELD_VALUE"
    assert isinstance(desk.apply(change), DuplicateFound)


def test_custom_fields_are_changed_by_id_added_by_name_and_left_alone(desk: Desk) -> None:
    id = desk.send(**{"custom.a": "1", "custom.b": "2", "custom.c": "3"})
    start = len(desk.observed)
    outcome = desk.update(id, {"custom.a": "9", "custom.b": None, "custom.c": "3", "custom.d": "4"})
    assert isinstance(outcome, Confirmed)
    assert desk.calls(start) == [
        ("GET", "envelopes"), ("PUT", "custom_fields"), ("POST", "custom_fields"),
    ]  # fmt: skip
    assert custom(row_of(desk, id)) == {"a": "9", "b": "", "c": "3", "d": "4"}
    start = len(desk.observed)
    desk.update(id, {"custom.a": "9", "custom.none": None})
    assert desk.calls(start) == [("GET", "envelopes")]
    error = desk.update(id, {"custom.a": "x" * 101})
    assert isinstance(error, Rejected)
    assert "customFields" not in error.message
    assert error.field_errors == {"textCustomFields a": "a: at most 100 characters."}


def test_custom_fields_may_be_given_as_docusign_prints_them(desk: Desk) -> None:
    given = {"textCustomFields": ({"name": "a", "value": "1"},)}
    id = desk.send(customFields=given, **{"custom.b": "2"})
    twice = desk.send(customFields=given, **{"custom.a": "2"})
    assert custom(row_of(desk, twice)) == {"a": "2"}
    assert custom(row_of(desk, id)) == {"a": "1", "b": "2"}
    record = desk.read(id, "customFields")
    shown = record.fields["customFields"]
    desk.update(id, {"customFields": shown, "custom": {"b": "3"}})
    assert custom(row_of(desk, id)) == {"a": "1", "b": "3"}


def test_an_envelope_of_somebody_elses_takes_our_identity_as_custom_field(desk: Desk) -> None:
    id = desk.person("create", emailSubject="By hand")["envelopeId"]
    assert desk.read(id, "transactionId").get("transactionId") is None
    assert isinstance(desk.update(id, {"transactionId": NAME}), Confirmed)
    assert custom(row_of(desk, id)) == {"revline_id": NAME}
    assert desk.read(id, "transactionId").get("transactionId") == NAME
    error = desk.apply(desk.change(Operation.CREATE, fields=SENT, identity=IDENTITY))
    assert isinstance(error, DuplicateFound)


def test_a_draft_is_sent_once(desk: Desk) -> None:
    id = desk.send(status="created")
    assert isinstance(desk.update(id, {"status": "sent"}), Confirmed)
    desk.signed(id)
    outcome = desk.update(id, {"status": "sent"})
    assert isinstance(outcome, Confirmed)
    assert row_of(desk, id)["status"] == "completed"
    draft = desk.send(status="created")
    assert isinstance(desk.act(draft, "send"), Confirmed)
    assert row_of(desk, draft)["status"] == "sent"


def test_voiding_and_resending(desk: Desk) -> None:
    id = desk.send()
    assert isinstance(desk.act(id, "resend"), Confirmed)
    assert isinstance(desk.act(id, "void", voidedReason="Wrong price"), Confirmed)
    record = desk.read(id, "status", "voidedReason", "voidedDateTime", "completedDateTime")
    assert record.fields["status"] == "voided"
    assert record.fields["voidedReason"] == "Wrong price"
    assert isinstance(record.fields["voidedDateTime"], datetime)
    assert record.fields["completedDateTime"] is None
    again = desk.act(id, "void", voidedReason="x")
    assert isinstance(again, Rejected)
    assert again.code == "ENVELOPE_CANNOT_VOID_INVALID_STATE"
    assert isinstance(desk.act(id, "resend"), Rejected)
    assert isinstance(desk.act(id, "frobnicate"), Rejected)
    assert isinstance(desk.act(id, "resend", voidedReason="x"), Rejected)


def test_somebody_at_work_on_an_envelope_is_waited_for(desk: Desk) -> None:
    id = desk.send()
    desk.person("lock", id)
    error = desk.update(id, {"emailSubject": "New"})
    assert type(error) is RetryLater
    assert error.code == "EDIT_LOCK_NOT_LOCK_OWNER"


@pytest.mark.parametrize(
    ("fields", "wrong"),
    [
        ({"templateRoles": ROLES}, {"templateRoles"}),
        ({"completedDateTime": None, "emailSubject": "x"}, {"completedDateTime"}),
        ({"status": "voided"}, {"status"}),
        ({"recipients.signers": ()}, {"recipients.signers"}),
        ({"nothing": 1, "emailBlurb": "x"}, {"nothing"}),
    ],
)
def test_what_cannot_be_changed_is_named_and_nothing_is_sent(
    desk: Desk, fields: dict[str, Any], wrong: set[str]
) -> None:
    id = desk.send()
    start = len(desk.observed)
    error = desk.update(id, fields)
    assert isinstance(error, Rejected)
    assert set(error.field_errors) == wrong
    assert desk.calls(start) == []


def test_what_cannot_be_made(desk: Desk) -> None:
    identity = Identity("transactionId", "a, b")
    error = desk.apply(desk.change(Operation.CREATE, fields=SENT, identity=identity))
    assert isinstance(error, Rejected)
    assert error.code == "IDENTITY_NOT_PLAIN"
    identity = Identity("emailSubject", "abc")
    error = desk.apply(desk.change(Operation.CREATE, fields=SENT, identity=identity))
    assert isinstance(error, Rejected)
    assert error.code == "IDENTITY_FIELD"
    error = desk.apply(desk.change(Operation.CREATE, fields={**SENT, "status": "completed"}))
    assert isinstance(error, Rejected)
    error = desk.apply(desk.change(Operation.DELETE, id=desk.send()))
    assert isinstance(error, Rejected)
    assert len(desk.rows()) == 1


@pytest.mark.parametrize("id", ["7", "../templates", "00000000-0000-4000-8000-000000000000"])
def test_an_envelope_that_is_not_there_is_gone(desk: Desk, id: str) -> None:
    assert isinstance(desk.update(id, {"emailSubject": "x"}), Gone)
    assert isinstance(desk.update(id, {"custom.a": "x"}), Gone)
    assert isinstance(desk.act(id, "void", voidedReason="x"), Gone)
    assert desk.read(id, "status").fields == {}


def test_an_answer_that_names_another_envelope_leaves_doubt(desk: Desk) -> None:
    id = desk.send()
    for body in ({"envelopeId": ORDER_FORM_ID}, {}):
        desk.fault("status", "PUT", "/envelopes/", status=200, body=body)
        assert isinstance(desk.update(id, {"emailSubject": "x"}), OutcomeUnknown)


def test_values_that_cannot_be_written_are_named() -> None:
    for value, name in ((Decimal("NaN"), "a"), (datetime(2026, 1, 1), "a")):
        with pytest.raises(Rejected) as raised:
            bodies.body_of({name: value})
        assert raised.value.field_errors.keys() == {name}
    with pytest.raises(Rejected):
        bodies.text_of(("a", "b"), "custom.x")
    with pytest.raises(Rejected):
        bodies.body_of({"a": "\ud800"})
    deep: Any = ()
    for _ in range(20):
        deep = (deep,)
    with pytest.raises(Rejected):
        bodies.body_of({"a": deep})


@given(
    st.recursive(
        st.none()
        | st.booleans()
        | st.integers()
        | st.text()
        | st.datetimes(timezones=st.just(UTC)),
        lambda inner: (
            st.lists(inner, max_size=3).map(tuple)
            | st.dictionaries(st.text(max_size=5), inner, max_size=3)
        ),
        max_leaves=8,
    )
)
def test_every_scalar_goes_out_as_a_string(value: Any) -> None:
    def strings(part: Any) -> bool:
        if isinstance(part, dict):
            return all(strings(one) for one in part.values())
        return all(strings(one) for one in part) if isinstance(part, list) else type(part) is str

    assert strings(bodies._sent(value, "x", 0))
