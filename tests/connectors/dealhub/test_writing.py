"""Making quotes once, whatever becomes of the answers, and acting on them."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest
from dealhub_desk import OPPORTUNITY_DATA, line

from connectors.base import Confirmed
from connectors.errors import (
    AuthFailed,
    DuplicateFound,
    Gone,
    OutcomeUnknown,
    Rejected,
    RetryLater,
)
from connectors.records import Absent, Found, Identity, NotYetKnowable, Operation, Selection

MARK = "revline-Opportunity-006A"


def lose(desk, path="/api/v1/quote/generate", phase="after", times=1, method="POST") -> None:
    rule = {"match": {"method": method, "path": path}, "action": "reset", "phase": phase,
            "times": times}  # fmt: skip
    desk.simulator.faults.add(rule)


def test_a_quote_is_looked_for_then_made_once(desk) -> None:
    made = desk.done(desk.creation())
    assert desk.paths() == [
        "GET /api/v2/quotes",
        "POST /api/v1/quote/generate",
        f"GET /api/v1/request/{next(iter(desk.simulator.tenant.tables['requests']))}/status",
        "GET /api/v2/quotes",
    ]
    assert made.created is True
    assert made.fields == {
        "dealhub_quote_id": made.id,
        "external_opportunity_id": "006A",
        "quote_name": MARK,
        "status": "Draft",
    }
    assert desk.names() == [MARK]


def test_what_a_lookup_finds_is_what_the_creation_answered(desk) -> None:
    made = desk.done(desk.creation())
    found = desk.look()
    assert isinstance(found, Found)
    assert (found.record.ref.id, found.record.fields) == (made.id, made.fields)


@pytest.mark.parametrize("body", ["request", "quote"])
@pytest.mark.parametrize(
    ("action", "discount", "status"),
    [
        ("draft", 0, "Draft"),
        ("submit", 0, "ReadyToBeSent"),
        ("submit", 25, "PendingApproval"),
        ("publish", 0, "Published"),
        ("publish", 25, "PendingApproval"),
        ("sign_externally", 0, "Won"),
    ],
)
def test_each_action_in_both_forms_of_the_answer(desk, body, action, discount, status) -> None:
    desk.options(accepted_body=body, stray_quotes=True, status_style="upper")
    more = {"total_sales_discount": Decimal(discount), "sign_externally_comment": "signed"}
    if action != "sign_externally":
        del more["sign_externally_comment"]
    made = desk.done(desk.creation(action=action, **more))
    assert made.fields["status"] == status
    assert desk.read(made.id, "status").get("status") == status


def test_values_arrive_as_they_were_given(desk) -> None:
    until = datetime(2026, 12, 31, 22, 59, 59, tzinfo=UTC)
    lines = (
        line(desk.sku, 3, list_price=Decimal("19.99"), sales_discount=Decimal("12.5"),
             attributes={"start": "2026-10-01"}),
    )  # fmt: skip
    answers = ({"group_id": "terms", "questions": ({"contract_start": date(2026, 10, 1)},)},)
    made = desk.done(
        desk.creation(expiration_date=until, line_items=lines, quote_data=answers, playbook="p")
    )
    record = desk.read(made.id, "info", "line_items", "answers_by_id", "summary")
    assert record.fields["info"]["expiration_date"] == until
    assert record.fields["info"]["playbook"] == "p"
    (one,) = record.fields["line_items"]
    assert one["list_price"] == Decimal("19.99")
    assert one["net_per_unit"] == Decimal("17.49")
    assert one["net_price"] == Decimal("52.47")
    assert one["product_factors"] == {"quantity": Decimal(3)}
    assert one["attributes"] == {"start": "2026-10-01"}
    assert record.fields["answers_by_id"] == {"contract_start": "2026-10-01"}
    assert record.fields["summary"]["total_list_price"] == Decimal("59.97")


def test_dotted_names_reach_into_objects(desk) -> None:
    change = desk.creation()
    fields = {name: value for name, value in change.fields.items() if name != "opportunity_data"}
    fields |= {f"opportunity_data.{name}": value for name, value in OPPORTUNITY_DATA.items()}
    made = desk.done(replace(change, fields={**fields, "opportunity_data.geo_code": "EMEA"}))
    assert desk.read(made.id, "info").fields["info"]["geo_code"] == "EMEA"


def test_a_quote_of_our_name_is_not_made_again(desk) -> None:
    """A store that was lost, an operator who sends anew: the name is looked for first."""
    made = desk.done(desk.creation())
    again = desk.apply(desk.creation())
    assert isinstance(again, DuplicateFound)
    assert [ref.id for ref in again.candidates] == [made.id]
    assert desk.names() == [MARK]


def test_another_quote_of_the_opportunity_is_no_obstacle(desk) -> None:
    desk.quote(quote_name="A colleague's")
    desk.done(desk.creation())
    assert sorted(desk.names()) == ["A colleague's", MARK]


def test_a_lost_answer_is_looked_up(desk) -> None:
    lose(desk)
    assert isinstance(desk.apply(desk.creation()), OutcomeUnknown)
    found = desk.look()
    assert isinstance(found, Found)
    assert found.record.fields["quote_name"] == MARK
    assert isinstance(desk.apply(desk.creation()), DuplicateFound)
    assert desk.names() == [MARK]


def test_an_answer_that_says_nothing_is_unknown(desk) -> None:
    rule = {"match": {"method": "POST"}, "action": "status", "phase": "after", "status": 202,
            "body": {"status": "queued"}, "times": 1}  # fmt: skip
    desk.simulator.faults.add(rule)
    assert isinstance(desk.apply(desk.creation()), OutcomeUnknown)
    assert isinstance(desk.look(), Found)


def test_what_never_arrived_is_absent(desk) -> None:
    lose(desk, phase="before")
    assert isinstance(desk.apply(desk.creation()), OutcomeUnknown)
    assert isinstance(desk.look(), Absent)
    assert desk.names() == []


def test_while_a_request_is_queued_nobody_knows(desk) -> None:
    desk.options(request_seconds=600)
    outcome = desk.apply(desk.creation())
    assert isinstance(outcome, OutcomeUnknown)
    assert outcome.code == "REQUEST_RUNNING"
    assert next(iter(desk.simulator.tenant.tables["requests"])) in outcome.message
    looked = desk.look()
    assert isinstance(looked, NotYetKnowable)
    assert looked.until > desk.simulator.now()
    again = desk.apply(desk.creation())
    assert type(again) is RetryLater
    assert again.code == "QUOTE_QUEUED"
    desk.wait(seconds=400)
    assert isinstance(desk.look(), NotYetKnowable)  # in progress
    desk.wait(seconds=201)
    assert isinstance(desk.look(), Found)
    assert desk.names() == [MARK]


def test_after_a_restart_the_lag_speaks_for_the_queue(desk) -> None:
    desk.options(request_seconds=600)
    desk.apply(desk.creation())
    desk.connector = desk.build()
    assert isinstance(desk.look(), Absent)
    spec = desk.connector.spec.object("quotes")
    assert spec.lookup_lag >= timedelta(minutes=30)
    assert spec.replay_horizon is None


def test_an_endless_queue_is_never_sent_again(desk) -> None:
    desk.options(endless_line_items=2)
    lines = tuple(line(desk.sku) for _ in range(3))
    assert isinstance(desk.apply(desk.creation(line_items=lines)), OutcomeUnknown)
    for _ in range(3):
        desk.wait(hours=9)
        assert isinstance(desk.look(), NotYetKnowable)
        assert isinstance(desk.apply(desk.creation(line_items=lines)), RetryLater)
    (request,) = desk.simulator.tenant.tables["requests"]
    desk.act_on("requests", "release", request)
    assert isinstance(desk.look(), Found)
    assert desk.names() == [MARK]


def test_a_request_that_failed_is_a_refusal_and_may_be_made_anew(desk) -> None:
    desk.options(request_seconds=600)
    desk.apply(desk.creation())
    (request,) = desk.simulator.tenant.tables["requests"]
    desk.act_on("requests", "fail", request, error_description="The playbook is locked")
    assert isinstance(desk.look(), Absent)
    desk.options(request_seconds=0)
    assert isinstance(desk.apply(desk.creation()), Confirmed)
    assert desk.names() == [MARK]


def test_a_request_that_fails_at_once_says_why(desk) -> None:
    outcome = desk.apply(desk.creation(action="submit", line_items=()))
    assert type(outcome) is Rejected
    assert outcome.code == "REQUEST_FAILED"
    assert "no line items" in outcome.message
    assert desk.names() == []


def test_a_request_that_cannot_be_seen_is_unknown(desk) -> None:
    second_get = {"match": {"method": "GET", "nth": 2}, "action": "status", "status": 503}
    desk.simulator.faults.add(second_get)
    outcome = desk.apply(desk.creation())
    assert isinstance(outcome, OutcomeUnknown)
    assert "cannot be seen" in outcome.message
    assert isinstance(desk.look(), Found)


def test_a_quote_that_does_not_show_yet_is_unknown(desk) -> None:
    third_get = {"match": {"method": "GET", "nth": 3}, "action": "status", "status": 200,
                 "body": []}  # fmt: skip
    desk.simulator.faults.add(third_get)
    outcome = desk.apply(desk.creation())
    assert isinstance(outcome, OutcomeUnknown)
    assert outcome.code == "QUOTE_UNSEEN"
    assert isinstance(desk.look(), Found)


def test_a_failed_look_sends_nothing(desk) -> None:
    rule = {"match": {"method": "GET", "path": "/api/v2/quotes"}, "action": "status",
            "status": 200, "body": {"odd": 1}, "times": 1}  # fmt: skip
    desk.simulator.faults.add(rule)
    outcome = desk.apply(desk.creation())
    assert type(outcome) is RetryLater
    assert desk.paths() == ["GET /api/v2/quotes"]


def test_an_outdated_draft_hides_its_name(desk) -> None:
    id = desk.quote(quote_name="old")
    desk.person("outdate", id)
    outcome = desk.apply(desk.creation())
    assert type(outcome) is Rejected
    assert outcome.code == "QUOTE_OUTDATED"
    assert id in outcome.message
    assert isinstance(desk.look(), NotYetKnowable)
    desk.person("upgrade", id)
    assert isinstance(desk.look(), Absent)
    desk.done(desk.creation())


@pytest.mark.parametrize(
    ("spoiled", "code"),
    [
        ({"identity": None}, "IDENTITY_MISSING"),
        ({"identity": Identity("name", MARK)}, "UNKNOWN_IDENTITY"),
        ({"identity": Identity("quote_name", "a b")}, "IDENTITY_NOT_PLAIN"),
        ({"identity": Identity("quote_name", "x" * 251)}, "IDENTITY_NOT_PLAIN"),
        ({"identity": Identity("quote_name", "revline-Deal-7")}, "IDENTITY_NOT_OF_OPPORTUNITY"),
        ({"operation": Operation.UPSERT}, "NOT_WRITABLE"),
        ({"operation": Operation.UPDATE, "id": "1"}, "NOT_WRITABLE"),
        ({"operation": Operation.DELETE, "id": "1"}, "NOT_WRITABLE"),
        ({"operation": Operation.ACT, "id": "1", "action": "approve"}, "UNKNOWN_ACTION"),
        ({"operation": Operation.ACT, "action": "submit", "fields": {}}, "ID_MISSING"),
        (
            {"operation": Operation.ACT, "action": "submit", "id": "1", "fields": {"a": "b"}},
            "UNKNOWN_FIELD",
        ),
        ({"object": "deal_rooms"}, "UNKNOWN_OBJECT"),
    ],
)
def test_what_cannot_be_is_refused_without_a_call(desk, spoiled, code) -> None:
    outcome = desk.apply(replace(desk.creation(), **spoiled))
    assert type(outcome) is Rejected
    assert outcome.code == code
    assert desk.paths() == []


@pytest.mark.parametrize(
    ("field", "value", "code"),
    [
        ("expiration_date", date(2026, 1, 1), "VALUE_NOT_WRITABLE"),
        ("expiration_date", datetime(2026, 1, 1), "VALUE_NOT_WRITABLE"),
        ("total_sales_discount", Decimal("NaN"), "VALUE_NOT_WRITABLE"),
        ("playbook", "\ud800", "VALUE_NOT_WRITABLE"),
        ("playbook", datetime(2026, 1, 1, tzinfo=UTC), "VALUE_NOT_WRITABLE"),
        ("timezone_offset", 10**30, "VALUE_NOT_WRITABLE"),
        ("colour", "red", "UNKNOWN_FIELD"),
        ("line_items.sku", "X", "FIELD_TWICE"),
    ],
)
def test_values_that_cannot_be_written_are_refused_without_a_call(desk, field, value, code) -> None:
    outcome = desk.apply(desk.creation(**{field: value}))
    assert type(outcome) is Rejected
    assert outcome.code == code
    assert desk.paths() == []


def test_the_vendor_names_the_field_it_refuses(desk) -> None:
    outcome = desk.apply(desk.creation(document_type="PAPYRUS"))
    assert type(outcome) is Rejected
    assert outcome.code == "INVALID_VALUE"
    assert list(outcome.field_errors) == ["document_type"]
    without = desk.creation()
    fields = {k: v for k, v in without.fields.items() if k != "document_type"}
    outcome = desk.apply(replace(without, fields=fields))
    assert list(outcome.field_errors) == ["document_type"]
    assert desk.names() == []


def test_another_identity_that_ends_with_the_opportunity_is_as_good(desk) -> None:
    identity = Identity("quote_name", "Q-006A")
    made = desk.done(replace(desk.creation(), identity=identity))
    (found,) = desk.connector.lookup(Selection("quotes", ()), [identity])
    assert found.record.ref.id == made.id


def test_an_opportunity_may_be_a_number(desk) -> None:
    desk.done(desk.creation("77", external_opportunity_id=77))
    assert isinstance(desk.look("77"), Found)


def test_each_change_has_its_outcome_and_a_lost_one_stops_the_rest(desk) -> None:
    good, bad, lost, left = (desk.creation(f"006{each}") for each in "BCDE")
    bad = replace(bad, identity=None)
    first, second = desk.connector.apply([bad, good])
    assert isinstance(first.error, Rejected)
    assert isinstance(second, Confirmed)
    lose(desk)
    third, fourth = desk.connector.apply([lost, left])
    assert isinstance(third.error, OutcomeUnknown)
    assert (type(fourth.error), fourth.error.code) == (RetryLater, "NOT_SENT")
    assert len(desk.names()) == 2


def test_a_refused_token_stops_all(desk) -> None:
    desk.provoked.add("unauthorized")
    desk.options(token="another")
    outcomes = desk.connector.apply([desk.creation("006B"), desk.creation("006C")])
    assert [type(one.error) for one in outcomes] == [AuthFailed, AuthFailed]
    assert len(desk.paths()) == 1


@pytest.mark.parametrize("body", ["request", "quote"])
def test_a_quote_goes_its_way_by_actions(desk, body) -> None:
    desk.options(accepted_body=body, status_style="spaced")
    id = desk.done(desk.creation()).id
    for action, status, given in (
        ("submit", "ReadyToBeSent", {}),
        ("publish", "Published", {}),
        ("sign_externally", "Won", {"sign_externally_comment": "by hand"}),
    ):
        assert isinstance(desk.act(id, action, **given), Confirmed)
        assert desk.read(id, "status").get("status") == status
        again = desk.act(id, action, **given)
        assert type(again) is Rejected, "an action is not repeated"


def test_actions_that_cannot_be(desk) -> None:
    id = desk.quote()
    assert type(desk.act(id, "publish")) is Rejected
    missing = desk.act(id, "sign_externally")
    assert list(missing.field_errors) == ["sign_externally_comment"]
    assert isinstance(desk.act("NOBODY", "submit"), Gone)


def test_an_action_whose_answer_is_lost_shows_by_the_status(desk) -> None:
    id = desk.quote()
    lose(desk, path=f"/api/v1/quote/{id}/submit")
    assert isinstance(desk.act(id, "submit"), OutcomeUnknown)
    assert desk.read(id, "status").get("status") == "ReadyToBeSent"


def test_an_action_that_is_queued_or_fails(desk) -> None:
    id = desk.quote()
    desk.options(request_seconds=60)
    assert isinstance(desk.act(id, "submit"), OutcomeUnknown)
    assert isinstance(desk.act(id, "submit"), OutcomeUnknown)
    desk.wait(seconds=61)
    states = [row["status"] for row in desk.simulator.tenant.tables["requests"].values()]
    assert states == ["done", "failed"]
    assert desk.read(id, "status").get("status") == "ReadyToBeSent"


def test_an_approval_is_a_persons_affair_and_is_seen(desk) -> None:
    id = desk.quote(total_sales_discount=25)
    desk.act(id, "submit")
    (waiting,) = desk.read(id, "approvals").fields["approvals"]
    assert (waiting["status"], waiting["review_date"]) == ("waiting", None)
    desk.person("reject", id, comment="too much")
    record = desk.read(id, "approvals", "status")
    assert record.get("status") == "Rejected"
    assert record.fields["approvals"][0]["reviewer_comment"] == "too much"
    desk.person("revise", id, total_sales_discount=10)
    desk.act(id, "submit")
    assert desk.read(id, "status").get("status") == "ReadyToBeSent"
