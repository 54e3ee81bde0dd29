"""Signing in: what is signed, who is asked how often, where data calls go, what refusals mean."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.serialization import load_pem_public_key
from docusign_desk import Desk

from connectors.base import Wiring
from connectors.docusign.connector import build
from connectors.docusign.settings import parse_settings
from connectors.docusign.tokens import DoorAnswer, Tokens, token_error
from connectors.errors import (
    ActionNeeded,
    AuthFailed,
    RateLimited,
    RetryLater,
    UnexpectedAnswer,
)
from sandbox.docusign import ACCOUNT_ID, INTEGRATION_KEY, USER_ID, private_key_pem
from sandbox.docusign.credentials import public_key_pem

NOW = datetime(2026, 9, 1, 8, tzinfo=UTC)
GIVEN = {
    "auth_url": "https://account-d.docusign.com",
    "integration_key": INTEGRATION_KEY,
    "user_id": USER_ID,
    "private_key": private_key_pem(),
}
ACCOUNT = {
    "account_id": ACCOUNT_ID,
    "is_default": "true",
    "account_name": "Acme",
    "base_uri": "https://demo.docusign.net",
}
OK = {"access_token": "t-1", "expires_in": 3600}


class FakeDoor:
    """A sign-in address that answers as told."""

    def __init__(self, token: Mapping[str, Any] = OK, *accounts: Mapping[str, Any]) -> None:
        self.token = DoorAnswer(200, dict(token))
        self.info = DoorAnswer(200, {"accounts": list(accounts) or [ACCOUNT]})
        self.forms: list[Mapping[str, str]] = []
        self.asked: list[str] = []

    def post(self, path: str, form: Mapping[str, str]) -> DoorAnswer:
        assert path == "/oauth/token"
        self.forms.append(form)
        return self.token

    def get(self, path: str, token: str) -> DoorAnswer:
        assert path == "/oauth/userinfo"
        self.asked.append(token)
        return self.info


def tokens(door: FakeDoor, now: Callable[[], datetime] = lambda: NOW, **settings: str) -> Tokens:
    return Tokens(parse_settings({**GIVEN, **settings}), door, now)


def test_the_assertion_is_signed_for_the_host_without_a_scheme() -> None:
    door = FakeDoor()
    grant = tokens(door).grant()
    (form,) = door.forms
    assert form["grant_type"] == "urn:ietf:params:oauth:grant-type:jwt-bearer"
    key = load_pem_public_key(public_key_pem().encode())
    claims = jwt.decode(
        form["assertion"],
        key,
        algorithms=["RS256"],
        audience="account-d.docusign.com",
        options={"verify_exp": False, "verify_iat": False},
    )
    assert claims == {
        "iss": INTEGRATION_KEY,
        "sub": USER_ID,
        "aud": "account-d.docusign.com",
        "iat": int(NOW.timestamp()),
        "exp": int((NOW + timedelta(minutes=10)).timestamp()),
        "scope": "signature impersonation",
    }
    assert (grant.account_id, grant.base_url) == (ACCOUNT_ID, "https://demo.docusign.net")
    assert "t-1" not in repr(grant)


def test_a_token_is_kept_until_a_minute_before_its_end() -> None:
    clock = [NOW]
    door = FakeDoor()
    held = tokens(door, lambda: clock[0])
    first = held.grant()
    clock[0] += timedelta(minutes=58, seconds=59)
    assert held.grant() is first
    clock[0] += timedelta(seconds=1)
    assert held.grant().number == 2
    assert len(door.forms) == len(door.asked) == 2


def test_threads_that_come_with_one_refused_token_share_one_fetch() -> None:
    door = FakeDoor()
    held = tokens(door)
    stale = held.grant()
    with ThreadPoolExecutor(8) as pool:
        fresh = list(pool.map(lambda _: held.renew(stale).number, range(8)))
    assert fresh == [2] * 8
    assert len(door.forms) == 2


def test_the_account_named_is_taken_else_the_default_one() -> None:
    other = {**ACCOUNT, "account_id": "11111111-2222-4333-8444-555555555555", "is_default": False}
    assert tokens(FakeDoor(OK, other, ACCOUNT)).grant().account_id == ACCOUNT_ID
    named = tokens(FakeDoor(OK, other, ACCOUNT), account_id=other["account_id"].upper())
    assert named.grant().account_id == other["account_id"]
    with pytest.raises(ActionNeeded, match="account_id") as raised:
        tokens(FakeDoor(), account_id=other["account_id"]).grant()
    assert raised.value.code == "ACCOUNT_NOT_FOUND"
    with pytest.raises(ActionNeeded, match="default"):
        tokens(FakeDoor(OK, other)).grant()


def test_another_account_than_before_is_refused() -> None:
    door = FakeDoor()
    held = tokens(door)
    stale = held.grant()
    other = {**ACCOUNT, "account_id": "11111111-2222-4333-8444-555555555555"}
    door.info = DoorAnswer(200, {"accounts": [other]})
    with pytest.raises(AuthFailed) as raised:
        held.renew(stale)
    assert raised.value.code == "ACCOUNT_CHANGED"


@pytest.mark.parametrize(
    ("base_uri", "fixed", "allowed"),
    [
        ("https://na4.docusign.net", "", True),
        ("https://eu.docusign.com", "", True),
        ("http://na4.docusign.net", "", False),
        ("https://docusign.net.evil.example", "", False),
        ("https://evil.example", "", False),
        ("https://na4.docusign.net/elsewhere", "", False),
        ("http://127.0.0.1:9", "", False),
        ("", "", False),
        ("https://evil.example", "https://na4.docusign.net", True),
    ],
)
def test_data_calls_go_only_to_docusign(base_uri: str, fixed: str, allowed: bool) -> None:
    door = FakeDoor(OK, {**ACCOUNT, "base_uri": base_uri})
    held = tokens(door, base_url=fixed)
    if allowed:
        assert held.grant().base_url == (fixed or base_uri)
    else:
        with pytest.raises(ActionNeeded) as raised:
            held.grant()
        assert raised.value.code == "BASE_URL_NOT_ALLOWED"


@pytest.mark.parametrize(
    ("status", "body", "kind", "code"),
    [
        (400, {"error": "consent_required"}, ActionNeeded, "CONSENT_REQUIRED"),
        (400, {"error": "invalid_grant"}, AuthFailed, "INVALID_GRANT"),
        (400, {"error": "issuer_not_found"}, AuthFailed, "ISSUER_NOT_FOUND"),
        (400, None, AuthFailed, "HTTP_400"),
        (401, "x", AuthFailed, "HTTP_401"),
        (429, None, RateLimited, "HTTP_429"),
        (503, None, RetryLater, "HTTP_503"),
        (404, None, UnexpectedAnswer, "HTTP_404"),
        (302, None, UnexpectedAnswer, "HTTP_302"),
    ],
)
def test_refusals_of_the_token_address(status: int, body: Any, kind: type, code: str) -> None:
    error = token_error(DoorAnswer(status, body), parse_settings(GIVEN))
    assert type(error) is kind
    assert error.code == code


def test_missing_consent_says_where_to_give_it(desk: Desk) -> None:
    desk.simulator.set_options({"consent": False})
    with pytest.raises(ActionNeeded) as raised:
        desk.connector.check()
    wanted = (
        f"{desk.url}/oauth/auth?response_type=code&scope=signature%20impersonation"
        f"&client_id={INTEGRATION_KEY}&redirect_uri=https%3A%2F%2Fwww.docusign.com"
    )
    assert wanted in raised.value.message


@pytest.mark.parametrize(
    "body",
    [{}, {"access_token": "a b", "expires_in": 3600}, {"access_token": "a", "expires_in": "x"}],
)
def test_an_answer_without_a_usable_token(body: dict[str, Any]) -> None:
    with pytest.raises(UnexpectedAnswer) as raised:
        tokens(FakeDoor(body)).grant()
    assert raised.value.code == "TOKEN_SHAPE"


@pytest.mark.parametrize("body", [None, {}, {"accounts": None}, {"accounts": [1]}])
def test_an_answer_without_usable_accounts(body: Any) -> None:
    door = FakeDoor()
    door.info = DoorAnswer(200, body)
    with pytest.raises(UnexpectedAnswer) as raised:
        tokens(door).grant()
    assert raised.value.code == "USERINFO_SHAPE"


@pytest.mark.parametrize(
    ("status", "kind"),
    [(429, RateLimited), (500, RetryLater), (401, AuthFailed), (404, UnexpectedAnswer)],
)
def test_refusals_to_say_who_the_user_is(status: int, kind: type) -> None:
    door = FakeDoor()
    door.info = DoorAnswer(status, None)
    with pytest.raises(kind):
        tokens(door).grant()


@pytest.mark.parametrize("key", ["nonsense", "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END"])
def test_an_unreadable_key_is_named_and_not_quoted(key: str) -> None:
    with pytest.raises(AuthFailed, match="private_key") as raised:
        tokens(FakeDoor(), private_key=key).grant()
    assert key not in str(raised.value)
    assert raised.value.__cause__ is None


def test_a_key_whose_line_breaks_are_spelled_is_read() -> None:
    assert tokens(FakeDoor(), private_key=private_key_pem().replace("\n", "\\n")).grant()


def test_a_token_that_ends_early_is_replaced_once(desk: Desk) -> None:
    id = desk.send()
    desk.simulator.access.revoke_all()
    desk.provoked.add("unauthorized")
    start = len(desk.observed)
    assert desk.read(id, "status").get("status") == "sent"
    assert [name for _, name in desk.calls(start)] == [
        "envelopes", "token", "userinfo", "envelopes",
    ]  # fmt: skip


def test_check_asks_each_time(desk: Desk) -> None:
    identity = desk.connector.check()
    assert (identity.id, identity.name, identity.environment) == (
        ACCOUNT_ID, "Revline US Inc.", "unknown",
    )  # fmt: skip
    start = len(desk.observed)
    desk.connector.check()
    assert desk.calls(start) == [("GET", "userinfo")]
    desk.simulator.access.revoke_all()
    desk.provoked.add("unauthorized")
    desk.connector.check()


def test_an_account_that_moves_is_followed_with_the_next_token_or_check(desk: Desk) -> None:
    desk.connector.check()
    moved = desk.url.replace("127.0.0.1", "localhost")
    desk.simulator.access.base_uri = moved
    start = len(desk.observed)
    desk.connector.check()
    assert [name for _, name in desk.calls(start)] == ["userinfo", "token", "userinfo"]
    assert desk.connector._rest.account().base_url == moved
    desk.simulator.access.base_uri = "https://elsewhere.example"
    desk.wait(hours=1)
    with pytest.raises(ActionNeeded) as raised:
        desk.connector.describe("envelopes")
    assert raised.value.code == "BASE_URL_NOT_ALLOWED"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("integration_key", ""),
        ("integration_key", "key"),
        ("user_id", "me"),
        ("private_key", ""),
        ("account_id", "12345"),
        ("auth_url", "account.docusign.com"),
        ("auth_url", "https://account.docusign.com/oauth"),
        ("base_url", "https://na4.docusign.net/restapi"),
    ],
)
def test_a_bad_setting_is_named(name: str, value: str) -> None:
    wiring = Wiring(lambda: NOW, lambda _: None)
    with pytest.raises(ActionNeeded, match=name) as raised:
        build({**GIVEN, name: value}, wiring)
    assert raised.value.code == "BAD_SETTING"


@pytest.mark.parametrize(
    ("url", "environment"),
    [
        ("https://account.docusign.com", "production"),
        ("https://account-d.docusign.com/", "sandbox"),
        ("https://account-s.docusign.com", "unknown"),
    ],
)
def test_the_environment_is_the_hosts(url: str, environment: str) -> None:
    assert parse_settings({**GIVEN, "auth_url": url}).environment == environment


def test_loopback_is_only_called_where_it_is_allowed() -> None:
    wiring = Wiring(lambda: NOW, lambda _: None)
    with pytest.raises(ActionNeeded):
        build({**GIVEN, "auth_url": "http://127.0.0.1:9"}, wiring)
