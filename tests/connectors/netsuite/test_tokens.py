"""Bearer tokens: what is asserted, how long one is kept, what a refusal becomes."""

from __future__ import annotations

import threading
from datetime import UTC, date, datetime, timedelta

import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from connectors.errors import AuthFailed, CallError, RateLimited, RetryLater, UnexpectedAnswer
from connectors.netsuite.settings import Certificate
from connectors.netsuite.tokens import ASSERTION_TYPE, Bearer, TokenAnswer

AUDIENCE = "https://1234567.suitetalk.api.netsuite.com/services/rest/auth/oauth2/v1/token"
START = datetime(2026, 11, 22, 12, tzinfo=UTC)
RSA = rsa.generate_private_key(public_exponent=65537, key_size=2048)
CURVE = ec.generate_private_key(ec.SECP256R1())


def pem(key):
    return key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    ).decode()


class Endpoint:
    """A token address that answers what it is told to."""

    def __init__(self, *answers):
        self.answers = list(answers)
        self.forms = []
        self.now = START
        self.count = 0

    def post(self, form):
        self.forms.append(form)
        if self.answers:
            return self.answers.pop(0)
        self.count += 1
        body = {"access_token": f"t{self.count}", "expires_in": "3600", "token_type": "bearer"}
        return TokenAnswer(200, body)

    def bearer(self, *, key=RSA, algorithm="PS256", expires_on=None, text=None):
        private_key = pem(key) if text is None else text
        held = Certificate("client", "certificate", algorithm, private_key, expires_on)
        return Bearer(held, AUDIENCE, self.post, lambda: self.now)


def header(bearer):
    return bearer.header("GET", AUDIENCE, {})


@pytest.mark.parametrize(("key", "algorithm"), [(RSA, "PS256"), (RSA, "PS512"), (CURVE, "ES256")])
def test_the_assertion(key, algorithm) -> None:
    endpoint = Endpoint()
    assert header(endpoint.bearer(key=key, algorithm=algorithm)) == "Bearer t1"
    (form,) = endpoint.forms
    assert form["grant_type"] == "client_credentials"
    assert form["client_assertion_type"] == ASSERTION_TYPE
    assertion = form["client_assertion"]
    assert jwt.get_unverified_header(assertion) == {
        "alg": algorithm,
        "kid": "certificate",
        "typ": "JWT",
    }
    claims = jwt.decode(
        assertion,
        key.public_key(),
        algorithms=[algorithm],
        audience=AUDIENCE,
        options={"verify_exp": False, "verify_iat": False},
    )
    assert claims["iss"] == "client"
    assert claims["scope"] == ["rest_webservices"]
    assert claims["iat"] == int(START.timestamp())
    assert 0 < claims["exp"] - claims["iat"] < 3600


def test_a_token_is_kept_until_a_minute_before_its_end() -> None:
    endpoint = Endpoint()
    bearer = endpoint.bearer()
    assert header(bearer) == "Bearer t1"
    endpoint.now += timedelta(minutes=58, seconds=59)
    assert header(bearer) == "Bearer t1"
    endpoint.now += timedelta(seconds=1)
    assert header(bearer) == "Bearer t2"


def test_a_refused_token_is_dropped_once() -> None:
    endpoint = Endpoint()
    bearer = endpoint.bearer()
    first = header(bearer)
    bearer.refused(first)
    assert header(bearer) == "Bearer t2"
    bearer.refused(first)
    assert header(bearer) == "Bearer t2"


def test_threads_share_one_fetch() -> None:
    endpoint = Endpoint()
    bearer = endpoint.bearer()
    found = []
    threads = [threading.Thread(target=lambda: found.append(header(bearer))) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=10)
    assert found == ["Bearer t1"] * 8
    assert len(endpoint.forms) == 1


@pytest.mark.parametrize(
    ("status", "body", "kind"),
    [
        (400, {"error": "invalid_grant"}, AuthFailed),
        (400, {"error": "invalid_client", "error_description": "no"}, AuthFailed),
        (401, None, AuthFailed),
        (429, {}, RateLimited),
        (503, None, RetryLater),
        (404, None, UnexpectedAnswer),
        (200, None, UnexpectedAnswer),
        (200, {"access_token": "a b", "expires_in": 60}, UnexpectedAnswer),
        (200, {"access_token": "ab", "expires_in": "soon"}, UnexpectedAnswer),
        (200, {"access_token": ["x"], "expires_in": None}, UnexpectedAnswer),
    ],
)
def test_refusals(status, body, kind) -> None:
    endpoint = Endpoint(TokenAnswer(status, body))
    with pytest.raises(CallError) as raised:
        header(endpoint.bearer())
    assert type(raised.value) is kind


def test_an_ended_certificate_is_named() -> None:
    for expires_on, named in ((date(2026, 11, 21), True), (date(2026, 12, 1), False)):
        endpoint = Endpoint(TokenAnswer(400, {"error": "invalid_client"}))
        with pytest.raises(AuthFailed) as raised:
            header(endpoint.bearer(expires_on=expires_on))
        assert ("the certificate expired on 2026-11-21" in raised.value.message) is named


@pytest.mark.parametrize(
    ("text", "algorithm"),
    [("nonsense", "PS256"), (pem(RSA), "ES256"), (pem(CURVE), "PS256"), ("", "PS256")],
)
def test_a_key_that_does_not_fit_is_named_and_not_shown(text, algorithm) -> None:
    with pytest.raises(AuthFailed) as raised:
        header(Endpoint().bearer(text=text, algorithm=algorithm))
    assert raised.value.code == "PRIVATE_KEY_UNREADABLE"
    assert raised.value.__cause__ is None
    assert not text or text not in str(raised.value)


def test_a_refusal_that_repeats_the_key_does_not_show_it() -> None:
    endpoint = Endpoint(TokenAnswer(400, {"error": "x", "error_description": f"bad {pem(RSA)}"}))
    with pytest.raises(AuthFailed) as raised:
        header(endpoint.bearer())
    assert pem(RSA) not in str(raised.value)
