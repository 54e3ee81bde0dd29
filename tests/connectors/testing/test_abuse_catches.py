"""The abuse part of the contract: a careful client passes it, a careless one is caught."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import requests

from connectors.base import Confirmed, Failed, Wiring
from connectors.errors import (
    CallError,
    OutcomeUnknown,
    RateLimited,
    Rejected,
    RetryLater,
    UnexpectedAnswer,
)
from connectors.http import Transport, retry_after
from connectors.memory.connector import Memory
from connectors.memory.objects import crm_objects
from connectors.memory.system import MemorySystem
from connectors.records import Record, Ref
from connectors.testing import hostile
from connectors.testing.abusing import LOST
from connectors.testing.bench import Abuse, Bench, Sample
from connectors.testing.contract import ConnectorContract

NOW = datetime(2026, 3, 1, tzinfo=UTC)
TOKEN = "token-0123456789"
SAMPLE = Sample(object="companies", text="name", match="domain", required={}, bad={})


def wiring() -> Wiring:
    return Wiring(
        now=lambda: NOW,
        observe=lambda _: None,
        allow_loopback=True,
        connect_seconds=0.2,
        read_seconds=0.2,
    )


class Careful:
    """The smallest client that keeps its promises, over the transport."""

    spec: Any = None

    def __init__(self, url: str) -> None:
        self.transport = Transport(url, wiring())

    def call(self, method: str, path: str, body: Any = None) -> Any:
        headers = {"Authorization": f"Bearer {TOKEN}"}
        content = None if body is None else json.dumps(body).encode()
        answer = self.transport.request(method, path, headers=headers, body=content)
        if answer.status == 429:
            wait = retry_after(answer.header("retry-after"), NOW)
            raise RateLimited("too many calls", wait=wait)
        if answer.status >= 500:
            kind = RetryLater if method == "GET" else OutcomeUnknown
            raise kind("the server is in trouble", code="SERVER", status=answer.status)
        found = answer.json()
        if not isinstance(found, dict) or "id" not in found:
            raise UnexpectedAnswer("the answer has another shape", code="SHAPE")
        return found

    def read(self, selection: Any, ids: Any) -> Any:
        return tuple(
            Record(Ref(selection.object, id), self.call("GET", f"/{id}")["fields"]) for id in ids
        )

    def apply(self, changes: Any) -> Any:
        try:
            return tuple(
                Confirmed(self.call("POST", f"/{one.id}", dict(one.fields))["id"])
                for one in changes
            )
        except CallError as error:
            return tuple(Failed(error) for _ in changes)


class Careless(Careful):
    """The same over plain requests, with its defaults."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.session = requests.Session()
        self.session.headers["X-Api-Key"] = TOKEN

    def call(self, method: str, path: str, body: Any = None) -> Any:
        try:
            answer = self.session.request(method, self.url + path, json=body, timeout=0.5)
        except requests.RequestException as error:
            raise RetryLater(f"failed: {error}", code="NETWORK") from error
        if answer.status_code == 429:
            raise RateLimited("", wait=timedelta(seconds=int(answer.headers["Retry-After"])))
        if answer.status_code >= 500:
            raise RetryLater("busy", code="SERVER")
        try:
            return answer.json()
        except ValueError:
            raise Rejected("not understood", code="SHAPE") from None

    def apply(self, changes: Any) -> Any:
        try:
            return tuple(Confirmed(str(self.call("POST", f"/{one.id}", {}))) for one in changes)
        except CallError as error:
            return tuple(Failed(error) for _ in changes)


class Retrying(Careful):
    """Tries again by itself."""

    def call(self, method: str, path: str, body: Any = None) -> Any:
        try:
            return super().call(method, path, body)
        except CallError:
            return super().call(method, path, body)


class Talkative(Careful):
    """Puts the credentials into what it says."""

    def call(self, method: str, path: str, body: Any = None) -> Any:
        try:
            return super().call(method, path, body)
        except OutcomeUnknown as error:
            raise OutcomeUnknown(f"{error} with {TOKEN}", code="X") from None


def bench_of(client: Callable[[str], Any]) -> Bench:
    memory = Memory(MemorySystem(crm_objects(), lambda: NOW))
    world: Any = None
    bench = Bench("memory", memory, world, SAMPLE, lambda: memory, secrets=(TOKEN,))
    return replace(bench, abuse=Abuse(build=client))


CASES: dict[str, list[tuple[Any, ...]]] = {
    "test_an_unusable_answer_leaves_a_write_in_doubt": [(how,) for how in sorted(LOST)],
    "test_no_redirect_is_followed": [()],
    "test_a_dripping_answer_ends": [(hostile.drip,), (hostile.drip_head,)],
    "test_a_rate_limit_is_a_bounded_wait": [("1",), ("9" * 400,), (None,), ("soon",)],
    "test_one_attempt_is_one_request": [()],
    "test_nobody_listening_is_tried_later": [()],
}


@pytest.mark.parametrize("name", sorted(CASES))
def test_a_careful_client_passes(name: str) -> None:
    for arguments in CASES[name]:
        getattr(ConnectorContract(), name)(bench_of(Careful), *arguments)


@pytest.mark.parametrize(
    ("client", "name", "argument"),
    [
        *((Careless, "test_an_unusable_answer_leaves_a_write_in_doubt", how) for how in (
            "reset", "truncated", "no_length", "gzip_twice", "another_shape", "html_503", "bom",
        )),
        (Careless, "test_no_redirect_is_followed", None),
        (Careless, "test_a_rate_limit_is_a_bounded_wait", "1000000000"),
        (Careless, "test_a_rate_limit_is_a_bounded_wait", "soon"),
        (Retrying, "test_one_attempt_is_one_request", None),
        (Talkative, "test_an_unusable_answer_leaves_a_write_in_doubt", "reset"),
    ],
)  # fmt: skip
@pytest.mark.filterwarnings("default::ResourceWarning")
@pytest.mark.filterwarnings("default::pytest.PytestUnraisableExceptionWarning")
def test_a_careless_client_is_caught(client: Any, name: str, argument: str | None) -> None:
    arguments = () if argument is None else (argument,)
    with pytest.raises((Exception, pytest.fail.Exception)):
        getattr(ConnectorContract(), name)(bench_of(client), *arguments)


def test_a_client_that_waits_for_ever_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    """The ceiling on a call is lowered, so that this test need not wait for it."""
    monkeypatch.setattr("connectors.testing.abusing.CALL_MAX_SECONDS", 0)
    with pytest.raises(AssertionError):
        ConnectorContract().test_nobody_listening_is_tried_later(bench_of(Careful))
