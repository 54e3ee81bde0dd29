"""Answers of Stripe and NetSuite that never came: asked for again, looked for, never guessed at."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

from sandbox.zuora.tenant import Lock
from tests.moneyline.mishaps import fault, keys, killed, outcomes, requests
from tests.moneyline.world import MoneyLine

START = date(2026, 1, 1)
INTENTS = "/v1/payment_intents"
JOURNALS = "/services/rest/record/v1/journalEntry"


def won(line: MoneyLine, amount: int = 1_200) -> str:
    return line.won(line.account(), [("PLT-001", amount)], START)


def one(line: MoneyLine, system: str, object: str) -> dict[str, Any]:
    (found,) = line.records(system, object).values()
    return dict(found)


def test_a_payment_is_asked_for_again_by_its_key(line: MoneyLine) -> None:
    # given a payment intent whose answer is cut off
    won(line)
    fault(line, "stripe", "POST", f"{INTENTS}$")
    # when the line goes on
    line.settle()
    # then Stripe answers what it answered, there is one intent, and it is paid once
    assert len(set(keys(line, "stripe", INTENTS))) == 1
    assert len(keys(line, "stripe", INTENTS)) == 2
    assert outcomes(line, "collections") == ["unknown", "resolved"]
    line.pay()
    line.rest(minutes=10)
    assert one(line, "stripe", "payment_intents")["status"] == "succeeded"
    assert len(line.records("zuora", "payments")) == 1
    assert line.codes() == []


def test_a_payment_is_looked_for_once_its_key_is_too_old(line: MoneyLine) -> None:
    # given a payment intent whose answer is cut off, and an engine killed at once
    won(line)
    fault(line, "stripe", "POST", f"{INTENTS}$")
    killed(line, "send.applied", lambda: bool(keys(line, "stripe", INTENTS)))
    # when it starts again a day later
    line.clock.shift(timedelta(hours=24))
    line.boot()
    line.settle()
    # then the intent is found by its metadata, and never made again
    assert len(keys(line, "stripe", INTENTS)) == 1
    assert outcomes(line, "collections") == ["resolved"]
    assert len(line.records("stripe", "payment_intents")) == 1
    assert line.codes() == []


def test_a_journal_is_looked_for_by_its_external_id(line: MoneyLine) -> None:
    # given a journal that is posted, its answer cut off
    won(line)
    fault(line, "netsuite", "POST", f"{JOURNALS}$")
    line.settle()
    # when the line goes on
    line.rest(minutes=10)
    # then it is found, and what is in it is what was sent: nothing is posted or changed again
    found = outcomes(line, "journals")
    assert found.count("unknown") == found.count("resolved") == 1
    journals = line.records("netsuite", "journalEntry")
    assert len(requests(line, "netsuite", "POST", JOURNALS)) == len(journals)
    assert len({row["externalId"] for row in journals.values()}) == len(journals)
    assert line.codes() == []


def test_a_stored_failure_is_never_asked_for_again(line: MoneyLine) -> None:
    # given an account that Zuora is busy with while its order comes in, twice
    deal = won(line)
    account = one(line, "salesforce", "Opportunity")["AccountId"]
    line.simulators["zuora"].tenant.locks.append(Lock(f"A-{account}", 2))
    # when the line goes on
    line.settle()
    # then each try has a key of its own, and the third one makes the order
    sent = keys(line, "zuora", "/v1/orders")
    assert len(sent) == len(set(sent)) == 3
    assert one(line, "zuora", "orders")["orderNumber"] == f"O-{deal}"
    assert line.codes() == []


def test_a_failure_that_was_stored_unheard_spends_its_key(line: MoneyLine) -> None:
    # given an account that Zuora is busy with, and nobody hears that it said so
    won(line)
    account = one(line, "salesforce", "Opportunity")["AccountId"]
    line.simulators["zuora"].tenant.locks.append(Lock(f"A-{account}", 1))
    fault(line, "zuora", "POST", "/v1/orders")
    # when the line goes on
    line.settle()
    # then the same key tells of the lock, and another one makes the order
    first, again, other = keys(line, "zuora", "/v1/orders")
    assert first == again != other
    assert outcomes(line, "orders") == ["unknown", "refused", "confirmed"]
    assert len(line.records("zuora", "orders")) == 1
    assert line.codes() == []


def test_a_key_that_is_in_use_is_asked_again(line: MoneyLine) -> None:
    # given an order whose connection breaks while Zuora is still at it
    won(line)
    busy = {"message": "A request with this Idempotency-Key is in progress"}
    fault(line, "zuora", "POST", "/v1/orders")
    for nth in (2, 3):
        fault(line, "zuora", "POST", "/v1/orders", nth=nth, action="status", phase="before",
              status=409, body=busy)  # fmt: skip
    # when the line goes on
    line.settle()
    # then it is asked again with the same key until it has ended
    assert len(set(keys(line, "zuora", "/v1/orders"))) == 1
    assert len(requests(line, "zuora", "POST", "/v1/orders")) == 4
    assert outcomes(line, "orders") == ["unknown", "resolved"]
    assert len(line.records("zuora", "orders")) == 1
    assert line.codes() == []
