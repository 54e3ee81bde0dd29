from __future__ import annotations

import threading
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from connectors.errors import (
    ActionNeeded,
    AuthFailed,
    CallError,
    RateLimited,
    RetryLater,
    UnexpectedAnswer,
)
from connectors.salesforce.settings import parse_settings
from connectors.salesforce.tokens import TokenAnswer, Tokens

NOW = datetime(2026, 1, 1, tzinfo=UTC)
ORG = "00D000000000001EAA"
LOGIN = "https://acme.my.salesforce.com"
BASIC = {"login_url": LOGIN, "client_id": "id", "client_secret": "s3cret"}


@pytest.fixture(scope="module")
def key() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


def answer(**more: Any) -> TokenAnswer:
    return TokenAnswer(
        200,
        {
            "access_token": "00D!token",
            "instance_url": LOGIN,
            "id": f"https://login.salesforce.com/id/{ORG}/005000000000001AAA",
        }
        | more,
    )


def tokens(
    post: Any, settings: Mapping[str, str] = BASIC, *, allow_loopback: bool = False
) -> Tokens:
    checked = parse_settings(settings, allow_loopback=allow_loopback)
    return Tokens(checked, post, lambda: NOW, allow_loopback=allow_loopback)


def test_client_credentials() -> None:
    forms: list[Mapping[str, str]] = []

    def post(form: Mapping[str, str]) -> TokenAnswer:
        forms.append(form)
        return answer()

    grant = tokens(post).grant()
    assert forms == [
        {"grant_type": "client_credentials", "client_id": "id", "client_secret": "s3cret"}
    ]
    assert (grant.token, grant.instance_url, grant.organization_id) == ("00D!token", LOGIN, ORG)
    assert "token" not in repr(grant).replace("00D", "").replace("token=", "")


def test_the_jwt_is_signed_and_says_who_and_for_how_long(key: rsa.RSAPrivateKey) -> None:
    pem = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    ).decode()
    forms: list[Mapping[str, str]] = []

    def post(form: Mapping[str, str]) -> TokenAnswer:
        forms.append(form)
        return answer()

    for written in (pem, pem.replace("\n", "\\n")):
        settings = {
            "login_url": LOGIN,
            "auth": "jwt",
            "client_id": "id",
            "username": "me@acme.com",
            "private_key": written,
            "audience": "https://test.salesforce.com",
        }
        tokens(post, settings).grant()
    for form in forms:
        assert form["grant_type"] == "urn:ietf:params:oauth:grant-type:jwt-bearer"
        claims = jwt.decode(
            form["assertion"],
            key.public_key(),
            algorithms=["RS256"],
            audience="https://test.salesforce.com",
            options={"verify_exp": False},
        )
        assert claims == {
            "iss": "id",
            "sub": "me@acme.com",
            "aud": "https://test.salesforce.com",
            "exp": int(NOW.timestamp()) + 180,
        }


def test_a_bad_key_is_named_but_not_shown() -> None:
    settings = {
        "login_url": LOGIN,
        "auth": "jwt",
        "client_id": "id",
        "username": "me",
        "private_key": "-----BEGIN PRIVATE KEY-----\nSECRETSTUFF\n-----END PRIVATE KEY-----",
    }
    with pytest.raises(AuthFailed, match="private_key") as caught:
        tokens(lambda form: answer(), settings).grant()
    assert "SECRETSTUFF" not in str(caught.value)
    assert caught.value.__cause__ is None


def test_many_threads_with_one_stale_token_share_one_fetch() -> None:
    fetches = []
    entered, go_on = threading.Event(), threading.Event()

    def post(form: Mapping[str, str]) -> TokenAnswer:
        fetches.append(form)
        if len(fetches) > 1:
            entered.set()
            assert go_on.wait(20)
        return answer(access_token=f"t{len(fetches)}")

    held = tokens(post)
    stale = held.grant()
    got: list[str] = []
    threads = [
        threading.Thread(target=lambda: got.append(held.renew(stale).token)) for _ in range(8)
    ]
    for thread in threads:
        thread.start()
    assert entered.wait(20)
    go_on.set()
    for thread in threads:
        thread.join(20)
    assert got == ["t2"] * 8
    assert len(fetches) == 2


def test_another_organisation_is_refused() -> None:
    other = answer(id="https://login.salesforce.com/id/00D000000000002EAA/005")
    answers = [answer(), other, other, answer(access_token="t4")]
    held = tokens(lambda form: answers.pop(0))
    first = held.grant()
    with pytest.raises(AuthFailed, match="00D000000000002"):
        held.renew(first)
    with pytest.raises(AuthFailed, match="00D000000000002"):
        held.grant()
    assert held.grant().token == "t4"


def test_a_refused_token_is_not_handed_out_while_its_successor_is_fetched() -> None:
    entered, go_on = threading.Event(), threading.Event()
    answers = [answer(access_token="t1"), answer(access_token="t2")]

    def post(form: Mapping[str, str]) -> TokenAnswer:
        if len(answers) == 1:
            entered.set()
            assert go_on.wait(20)
        return answers.pop(0)

    held = tokens(post)
    stale = held.grant()
    got: list[str] = []
    first = threading.Thread(target=lambda: got.append(held.renew(stale).token))
    second = threading.Thread(target=lambda: got.append(held.grant().token))
    first.start()
    assert entered.wait(20)
    second.start()
    second.join(0.2)  # long enough to hand out the refused one, if it were handed out
    go_on.set()
    for thread in (first, second):
        thread.join(20)
    assert got == ["t2", "t2"]


@pytest.mark.parametrize(
    "address",
    [
        "https://evil.example",
        "https://salesforce.com.evil.example",
        "https://evilsalesforce.com",
        "http://acme.my.salesforce.com",
        "https://user@acme.my.salesforce.com",
        "https://acme.my.salesforce.com/x",
        "http://127.0.0.1:9",
        "https://[bad",
        "",
    ],
)
def test_tokens_do_not_lead_astray(address: str) -> None:
    with pytest.raises(ActionNeeded, match="instance_url"):
        tokens(lambda form: answer(instance_url=address)).grant()


def test_a_fixed_instance_must_be_the_one() -> None:
    fixed = BASIC | {"instance_url": "https://eu.my.salesforce.com"}
    with pytest.raises(ActionNeeded):
        tokens(lambda form: answer(), fixed).grant()
    eu = answer(instance_url="https://eu.my.salesforce.com/")
    assert tokens(lambda form: eu, fixed).grant().instance_url == "https://eu.my.salesforce.com"


@pytest.mark.parametrize(
    ("status", "body", "kind"),
    [
        (400, {"error": "invalid_grant", "error_description": "user hasn't approved"}, AuthFailed),
        (400, {"error": "invalid_grant", "error_description": "login rate exceeded"}, RateLimited),
        (400, {"error": "invalid_client_id"}, AuthFailed),
        (400, None, AuthFailed),
        (400, {"error": "unknown_error", "error_description": "retry your request"}, RetryLater),
        (429, {}, RateLimited),
        (503, "<html>", RetryLater),
        (302, None, UnexpectedAnswer),
        (200, None, UnexpectedAnswer),
        (200, {"access_token": "a\nb"}, UnexpectedAnswer),
        (200, {"access_token": "ab", "instance_url": LOGIN, "id": "x"}, UnexpectedAnswer),
    ],
)
def test_refusals(status: int, body: Any, kind: type[CallError]) -> None:
    with pytest.raises(CallError) as caught:
        tokens(lambda form: TokenAnswer(status, body)).grant()
    assert type(caught.value) is kind


def test_a_refusal_that_repeats_the_secret_is_masked() -> None:
    body = {"error": "invalid_client", "error_description": "s3cret is wrong"}
    with pytest.raises(AuthFailed) as caught:
        tokens(lambda form: TokenAnswer(400, body)).grant()
    assert "s3cret" not in str(caught.value)


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"login_url": ""}, "login_url"),
        ({"login_url": "http://acme.my.salesforce.com"}, "login_url"),
        ({"login_url": "https://acme.my.salesforce.com/services"}, "login_url"),
        ({"login_url": "https://a:b@acme.my.salesforce.com"}, "login_url"),
        ({"login_url": "http://127.0.0.1:8080"}, "login_url"),
        ({"auth": "password"}, "auth"),
        ({"auth": "jwt"}, "username"),
        ({"client_id": ""}, "client_id"),
        ({"client_secret": ""}, "client_secret"),
        ({"version": "67"}, "version"),
        ({"version": "67.0/../x"}, "version"),
        ({"instance_url": "ftp://x.salesforce.com"}, "instance_url"),
    ],
)
def test_bad_settings_are_named(change: dict[str, str], named: str) -> None:
    with pytest.raises(ValueError, match=f"^{named}:"):
        parse_settings(BASIC | change, allow_loopback=False)


def test_settings_do_not_show_their_secrets() -> None:
    assert "s3cret" not in repr(parse_settings(BASIC, allow_loopback=False))
