"""One key, one effect, one answer, for 24 hours."""

from __future__ import annotations

import threading

import pytest
import stripe

PATH = "/v1/customers"


def keyed(desk, key: str, form: dict[str, str], path: str = PATH):
    return desk.call("POST", path, form, headers={"Idempotency-Key": key})


def names(desk) -> list[str]:
    return [row["name"] for row in desk.get(PATH)["data"]]


def test_the_first_answer_is_replayed(desk) -> None:
    first = keyed(desk, "k", {"name": "Arc"})
    again = keyed(desk, "k", {"name": "Arc"})
    assert again.content == first.content
    assert again.headers["Idempotent-Replayed"] == "true"
    assert "Idempotent-Replayed" not in first.headers
    assert first.headers["Idempotency-Key"] == "k"
    assert names(desk) == ["Arc"]


def test_without_a_key_a_repeat_makes_two(desk) -> None:
    desk.post(PATH, {"name": "Arc"})
    desk.post(PATH, {"name": "Arc"})
    assert names(desk) == ["Arc", "Arc"]


def test_a_key_is_for_one_path_and_one_set_of_parameters(desk) -> None:
    keyed(desk, "k", {"name": "Arc"})
    other = keyed(desk, "k", {"name": "Other"})
    elsewhere = keyed(desk, "k", {"name": "Arc"}, "/v1/products")
    for answer in (other, elsewhere):
        assert answer.status_code == 400
        assert answer.json()["error"]["type"] == "idempotency_error"
    assert desk.violations() == ["key_reused", "key_reused"]
    with pytest.raises(stripe.IdempotencyError):
        desk.v1.customers.create({"name": "Third"}, {"idempotency_key": "k"})
    assert names(desk) == ["Arc"]


def test_a_key_is_forgotten_after_a_day(desk) -> None:
    keyed(desk, "k", {"name": "Arc"})
    desk.pass_time(hours=23.9)
    keyed(desk, "k", {"name": "Arc"})
    assert names(desk) == ["Arc"]
    desk.pass_time(hours=0.2)
    keyed(desk, "k", {"name": "Arc"})
    assert names(desk) == ["Arc", "Arc"]


def test_a_failed_validation_uses_no_key(desk) -> None:
    assert keyed(desk, "k", {"nme": "Arc"}).status_code == 400
    assert keyed(desk, "k", {"name": "Arc"}).status_code == 200


def test_a_refusal_of_what_was_begun_is_kept(desk) -> None:
    form = {"payment_intent": "pi_none"}
    first = keyed(desk, "k", form, "/v1/refunds")
    again = keyed(desk, "k", form, "/v1/refunds")
    assert (first.status_code, again.status_code) == (400, 400)
    assert again.headers["Idempotent-Replayed"] == "true"


def test_a_declined_card_is_declined_again_without_another_charge(desk) -> None:
    form = {
        "amount": "1000",
        "currency": "usd",
        "payment_method": "pm_card_chargeDeclined",
        "confirm": "true",
        "off_session": "true",
    }
    first = keyed(desk, "k", form, "/v1/payment_intents")
    again = keyed(desk, "k", form, "/v1/payment_intents")
    assert (first.status_code, again.status_code) == (402, 402)
    assert first.json() == again.json()
    assert len(desk.get("/v1/charges")["data"]) == 1


def test_an_internal_error_is_kept_for_a_day_and_had_no_effect(desk) -> None:
    desk.admin("options", {"internal_errors": 1})
    assert keyed(desk, "k", {"name": "Arc"}).status_code == 500
    assert keyed(desk, "k", {"name": "Arc"}).status_code == 500
    assert names(desk) == []
    assert desk.event_types() == []
    assert keyed(desk, "k2", {"name": "Arc"}).status_code == 200


def test_a_failure_after_the_effect_is_what_is_kept(desk) -> None:
    rule = {"match": {"method": "POST"}, "phase": "after", "action": "status", "status": 500}
    desk.admin("faults", {**rule, "times": 1})
    assert keyed(desk, "k", {"name": "Arc"}).status_code == 500
    assert keyed(desk, "k", {"name": "Arc"}).status_code == 500
    assert names(desk) == ["Arc"]


@pytest.mark.parametrize("options", [{"lock_timeouts": 1}, {"rate_scale": 0}])
def test_nothing_is_kept_of_429(desk, options) -> None:
    desk.admin("options", options)
    assert keyed(desk, "k", {"name": "Arc"}).status_code == 429
    desk.admin("options", {"rate_scale": 1000})
    assert keyed(desk, "k", {"name": "Arc"}).status_code == 200


def test_nothing_is_kept_of_401(desk) -> None:
    headers = {"Idempotency-Key": "k", "Authorization": "Bearer sk_wrong"}
    assert desk.call("POST", PATH, {"name": "Arc"}, headers=headers).status_code == 401
    assert keyed(desk, "k", {"name": "Arc"}).status_code == 200


def test_a_key_in_use_is_a_conflict(desk) -> None:
    match = {"method": "POST", "nth": 1}
    hold = desk.admin("hold", {"match": match, "phase": "after"})["hold"]
    answers: list[int] = []
    first = threading.Thread(
        target=lambda: answers.append(keyed(desk, "k", {"name": "Arc"}).status_code)
    )
    first.start()
    desk.admin(f"hold?id={hold}&wait_seconds=10")
    busy = keyed(desk, "k", {"name": "Arc"})
    assert busy.status_code == 409
    assert busy.json()["error"]["code"] == "idempotency_key_in_use"
    assert busy.headers["Stripe-Should-Retry"] == "true"
    desk.admin("release", {"hold": hold})
    first.join(10)
    assert answers == [200]
    assert keyed(desk, "k", {"name": "Arc"}).status_code == 200
    assert names(desk) == ["Arc"]


def test_an_answer_that_was_lost_is_replayed(desk) -> None:
    rule = {"match": {"method": "POST"}, "phase": "after", "action": "reset", "times": 1}
    desk.admin("faults", rule)
    with pytest.raises(stripe.APIConnectionError):
        desk.v1.customers.create({"name": "Arc"}, {"idempotency_key": "k"})
    assert desk.v1.customers.create({"name": "Arc"}, {"idempotency_key": "k"}).name == "Arc"
    assert names(desk) == ["Arc"]


def test_events_carry_the_key_of_the_write(desk) -> None:
    answer = keyed(desk, "our-key", {"name": "Arc"})
    event = desk.get("/v1/events")["data"][0]
    assert event["request"] == {
        "id": answer.headers["Request-Id"],
        "idempotency_key": "our-key",
    }
    desk.mutate("customers", "update", answer.json()["id"], name="By hand")
    by_hand = desk.get("/v1/events?limit=1")["data"][0]
    assert by_hand["request"] == {"id": None, "idempotency_key": None}
