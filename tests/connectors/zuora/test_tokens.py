"""Tokens: one fetch for all, kept for their life, renewed once after a refusal."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest

from connectors.errors import AuthFailed, RateLimited, RetryLater, UnexpectedAnswer
from connectors.zuora.settings import parse_settings
from connectors.zuora.tokens import TokenAnswer, Tokens

START = datetime(2026, 9, 1, tzinfo=UTC)
SETTINGS = parse_settings(
    {"base_url": "https://rest.zuora.com", "client_id": "id", "client_secret": "shh-secret"},
    allow_loopback=False,
)


class Bench:
    """A clock, and an address that counts."""

    def __init__(self, *answers: TokenAnswer) -> None:
        self.now = START
        self.forms: list[Mapping[str, str]] = []
        self.answers = list(answers)
        self.tokens = Tokens(SETTINGS, self.post, lambda: self.now)

    def post(self, form: Mapping[str, str]) -> TokenAnswer:
        self.forms.append(form)
        return self.answers.pop(0) if self.answers else good(f"token-{len(self.forms)}")


def good(token: str, tenant: str = "t1", seconds: object = 3598) -> TokenAnswer:
    scope = f"entity.e1 tenant.{tenant} user.u1 platform.write"
    return TokenAnswer(200, {"access_token": token, "expires_in": seconds, "scope": scope})


def test_a_token_is_kept_for_its_life() -> None:
    bench = Bench()
    assert {bench.tokens.grant().token for _ in range(5)} == {"token-1"}
    assert bench.tokens.grant().tenant == "t1"
    bench.now += timedelta(seconds=3500)
    assert bench.tokens.grant().token == "token-1"
    bench.now += timedelta(seconds=60)
    assert bench.tokens.grant().token == "token-2"
    assert bench.forms[0] == {
        "client_id": "id",
        "client_secret": "shh-secret",
        "grant_type": "client_credentials",
    }


def test_threads_share_one_fetch() -> None:
    bench = Bench()
    gate = threading.Barrier(8, timeout=30)

    def ask() -> str:
        gate.wait()
        return bench.tokens.grant().token

    with ThreadPoolExecutor(8) as pool:
        found = [pool.submit(ask) for _ in range(8)]
        assert {one.result(timeout=30) for one in found} == {"token-1"}
    stale = bench.tokens.grant()

    def renew() -> str:
        gate.wait()
        return bench.tokens.renew(stale).token

    with ThreadPoolExecutor(8) as pool:
        found = [pool.submit(renew) for _ in range(8)]
        assert {one.result(timeout=30) for one in found} == {"token-2"}
    assert len(bench.forms) == 2


def test_another_tenant_is_refused() -> None:
    bench = Bench(good("a", "t1"), good("b", "t2"))
    stale = bench.tokens.grant()
    with pytest.raises(AuthFailed) as raised:
        bench.tokens.renew(stale)
    assert raised.value.code == "TENANT_CHANGED"


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (TokenAnswer(401, {"message": "Unauthorized shh-secret"}), AuthFailed),
        (
            TokenAnswer(
                200, {"success": False, "reasons": [{"code": 90000011, "message": "wrong"}]}
            ),
            AuthFailed,
        ),
        (TokenAnswer(429, {"message": "too many"}), RateLimited),
        (TokenAnswer(503, None), RetryLater),
        (TokenAnswer(404, None), UnexpectedAnswer),
        (TokenAnswer(200, None), UnexpectedAnswer),
        (TokenAnswer(200, ["x"]), UnexpectedAnswer),
        (good("has space"), UnexpectedAnswer),
        (good("t", seconds="soon"), UnexpectedAnswer),
        (TokenAnswer(200, {"access_token": "t", "expires_in": 9}), UnexpectedAnswer),
    ],
)
def test_what_refusals_mean(answer: TokenAnswer, expected: type[Exception]) -> None:
    bench = Bench(answer)
    with pytest.raises(expected) as raised:
        bench.tokens.grant()
    assert "shh-secret" not in str(raised.value)
    assert bench.tokens.grant().token == "token-2"


def test_a_token_shows_in_no_repr() -> None:
    assert "token-1" not in repr(Bench().tokens.grant())
