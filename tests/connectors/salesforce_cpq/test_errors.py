"""What the package's answers mean."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from connectors.base import Failed, Wiring
from connectors.errors import (
    CallError,
    OutcomeUnknown,
    RateLimited,
    Rejected,
    RetryLater,
    UnexpectedAnswer,
)
from connectors.records import Change, Operation
from connectors.salesforce_cpq.connector import SalesforceCpq, build
from connectors.salesforce_cpq.errors import MEANINGS, router_error
from connectors.salesforce_cpq.objects import QUOTE
from sandbox.salesforce.simulator import CLIENT_ID, CLIENT_SECRET, SalesforceSimulator
from sandbox.server import serve
from sandbox.simulator import Mutation

LOCKED = "UNABLE_TO_LOCK_ROW, unable to obtain exclusive access to this record: []"


@pytest.mark.parametrize(
    ("error", "saves", "kind"),
    [
        (RetryLater("Salesforce answered 500: boom", code="APEX_ERROR"), False, Rejected),
        (OutcomeUnknown("Salesforce answered 500: boom", code="APEX_ERROR"), True, Rejected),
        (OutcomeUnknown(f"DmlException: {LOCKED}", code="APEX_ERROR"), True, RetryLater),
        (OutcomeUnknown("reset", code="CONNECTION_LOST"), True, OutcomeUnknown),
        (OutcomeUnknown("reset", code="CONNECTION_LOST"), False, RetryLater),
        (UnexpectedAnswer("odd", code="ANSWER_SHAPE"), False, UnexpectedAnswer),
    ],
)
def test_an_exception_of_the_package_undoes_what_it_did(
    error: CallError, saves: bool, kind: type[CallError]
) -> None:
    found = router_error(error, saves=saves)
    assert type(found) is kind
    assert found.code == error.code
    assert not isinstance(found, RateLimited)


def test_the_table_has_the_core_codes() -> None:
    assert "UNABLE_TO_LOCK_ROW" in MEANINGS
    assert "APEX_ERROR" in MEANINGS


class Package:
    """A package that answers as a test says; what it was asked."""

    def __init__(self) -> None:
        self.answers: list[tuple[int, Any]] = []
        self.asked: list[tuple[str, bytes]] = []

    def answer(self, request: Any, _org: Any) -> tuple[int, Any]:
        self.asked.append((request.method, request.body))
        return self.answers.pop(0)


@pytest.fixture
def package() -> Package:
    return Package()


@pytest.fixture
def cpq(package: Package) -> Iterator[tuple[SalesforceCpq, str]]:
    simulator = SalesforceSimulator(seed=2, cpq=True)
    simulator.register_apex("SBQQ/ServiceRouter", package.answer)
    quote = simulator.mutate(Mutation(QUOTE, "create", None, {}))["Id"]
    with serve([simulator]) as running:
        url = running.urls["salesforce"]
        settings = {"login_url": url, "client_id": CLIENT_ID, "client_secret": CLIENT_SECRET}
        wiring = Wiring(now=simulator.now, observe=lambda _: None, allow_loopback=True)
        yield build(settings, wiring), quote


def calculated(cpq: tuple[SalesforceCpq, str]) -> CallError | None:
    connector, quote = cpq
    change = Change("k", Operation.ACT, QUOTE, {}, id=quote, action="calculate")
    (outcome,) = connector.apply([change])
    return outcome.error if isinstance(outcome, Failed) else None


def model(quote: str) -> str:
    return f'{{"record":{{"Id":"{quote}"}},"netTotal":0.10000000000000000001,"other":[1,2.50]}}'


def apex_error(message: str) -> list[dict[str, str]]:
    return [{"errorCode": "APEX_ERROR", "message": message}]


def test_the_model_goes_back_digit_for_digit(
    cpq: tuple[SalesforceCpq, str], package: Package
) -> None:
    text = model(cpq[1])
    package.answers = [(200, text), (200, text), (200, text)]
    assert calculated(cpq) is None
    assert [method for method, _ in package.asked] == ["GET", "PATCH", "POST"]
    escaped = text.replace('"', '\\"').encode()
    assert escaped in package.asked[2][1]
    assert b"0.10000000000000000001" in package.asked[1][1]


@pytest.mark.parametrize(
    ("answers", "kind"),
    [
        ([(500, apex_error("System.NullPointerException"))], Rejected),
        ([(500, apex_error(LOCKED))], RetryLater),
        ([(200, {"record": {}})], UnexpectedAnswer),
        ([(200, "no JSON")], UnexpectedAnswer),
        ([(200, '{"record":{"Id":"a0L000000000ZZZEA2"}}')], UnexpectedAnswer),
        ([(503, None)], RetryLater),
        ([(200, None), (500, apex_error("broken"))], Rejected),
        ([(200, None), (503, None)], RetryLater),
        ([(200, None), (200, None), (500, apex_error("broken"))], Rejected),
        ([(200, None), (200, None), (500, apex_error(LOCKED))], RetryLater),
        ([(200, None), (200, None), (503, None)], OutcomeUnknown),
        ([(200, None), (200, None), (200, {"odd": 1})], OutcomeUnknown),
    ],
)
def test_each_call_of_a_calculation_can_fail(
    cpq: tuple[SalesforceCpq, str],
    package: Package,
    answers: list[tuple[int, Any]],
    kind: type[CallError],
) -> None:
    good = model(cpq[1])
    package.answers = [
        (status, good if status == 200 and body is None else body) for status, body in answers
    ]
    error = calculated(cpq)
    assert type(error) is kind
    assert package.answers == []
