"""Signing in, limits, unknown paths."""

from __future__ import annotations

from typing import Any

import pytest
import requests
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from sandbox.docusign import ACCOUNT_ID

from .conftest import Client


def test_a_token_lives_for_an_hour_and_may_be_revoked(account: Client) -> None:
    given = account.token().json()
    assert (given["token_type"], given["expires_in"]) == ("Bearer", 3600)
    assert "refresh_token" not in given
    account.shift(3_601)
    assert account.refused("GET", "/templates") == "AUTHORIZATION_INVALID_TOKEN"
    account.sign_in()
    assert account.call("GET", "/templates").status_code == 200
    account.admin("revoke_tokens")
    assert account.call("GET", "/templates").status_code == 401


@pytest.mark.parametrize(
    ("claims", "error"),
    [
        ({"iss": "somebody"}, "invalid_grant"),
        ({"sub": "somebody"}, "invalid_grant"),
        ({"aud": "https://account-d.docusign.com"}, "invalid_grant"),
        ({"aud": "www.docusign.com"}, "invalid_grant"),
        ({"scope": "signature"}, "invalid_scope"),
        ({"exp": 0}, "invalid_grant"),
        ({"exp": None}, "invalid_grant"),
        ({"exp": 4_000_000_000}, "invalid_grant"),
        ({"iat": 0}, "invalid_grant"),
    ],
)
def test_an_assertion_says_who_for_whom_to_whom_and_when(
    account: Client, claims: dict[str, Any], error: str
) -> None:
    answer = account.token(account.assertion(**claims))
    assert (answer.status_code, answer.json()["error"]) == (400, error)


def test_an_assertion_is_signed_with_our_key_and_no_other_way(account: Client) -> None:
    other = rsa.generate_private_key(65_537, 2_048).private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    for assertion in (
        account.assertion(other.decode()),
        account.assertion(algorithm="RS512"),
        account.assertion("a secret of thirty-two characters", "HS256"),
        "nonsense",
    ):
        answer = account.token(assertion)
        assert (answer.status_code, answer.json()["error"]) == (400, "invalid_grant")
    assert account.token(grant="password").json()["error"] == "unsupported_grant_type"


def test_without_consent_there_is_no_token(account: Client) -> None:
    account.admin("options", {"consent": False})
    answer = account.token()
    assert (answer.status_code, answer.json()) == (400, {"error": "consent_required"})


def test_the_user_has_accounts_and_each_has_its_address(account: Client) -> None:
    body = account.http.get(f"{account.url}/oauth/userinfo", timeout=5).json()
    default = [one for one in body["accounts"] if one["is_default"]]
    assert [one["account_id"] for one in default] == [ACCOUNT_ID]
    assert default[0]["base_uri"] == account.url
    other = next(one for one in body["accounts"] if not one["is_default"])
    path = f"{account.url}/restapi/v2.1/accounts/{other['account_id']}/templates"
    assert account.http.get(path, timeout=5).status_code == 401
    assert requests.get(f"{account.url}/oauth/userinfo", timeout=5).status_code == 401


@pytest.mark.parametrize("status", [400, 429])
def test_the_hour_starts_on_the_hour(account: Client, status: int) -> None:
    account.admin("options", {"hourly_limit": 3, "limit_status": status})
    for left in ("2", "1", "0"):
        answer = account.call("GET", "/templates")
        assert answer.headers["X-RateLimit-Remaining"] == left
    answer = account.call("GET", "/templates")
    assert answer.status_code == status
    assert answer.json()["errorCode"] == "HOURLY_APIINVOCATION_LIMIT_EXCEEDED"
    assert int(answer.headers["X-RateLimit-Reset"]) - account.simulator.now().timestamp() == 2_400
    account.shift(2_400)
    assert account.call("GET", "/templates").status_code == 200


def test_a_burst_lasts_half_a_minute(account: Client) -> None:
    account.admin("options", {"burst_limit": 2})
    for _ in range(2):
        account.ok("GET", "/templates")
    assert account.refused("GET", "/templates") == "BURST_APIINVOCATION_LIMIT_EXCEEDED"
    account.shift(30)
    assert account.call("GET", "/templates").headers["X-BurstLimit-Remaining"] == "1"


def test_an_envelope_is_not_looked_at_over_and_over(account: Client) -> None:
    id = account.envelope()
    account.admin("options", {"envelope_gets_per_hour": 3})
    account.ok("GET", f"/envelopes/{id}")
    account.shift(900)
    account.ok("GET", f"/envelopes/{id}")
    assert account.violations() == set()
    account.shift(899)
    account.ok("GET", f"/envelopes/{id}")
    assert account.violations() == {"envelope_polled"}
    code = account.refused("GET", f"/envelopes/{id}")
    assert code == "Hourly_Envelope_Polling_Limit_Exceeded"
    for _ in range(5):
        assert account.found(envelope_ids=id) == [id]


def test_an_envelope_is_not_written_over_and_over(account: Client) -> None:
    id = account.envelope()
    account.admin("options", {"envelope_puts_per_hour": 1})
    account.ok("PUT", f"/envelopes/{id}", {"emailSubject": "a"})
    code = account.refused("PUT", f"/envelopes/{id}", {"emailSubject": "b"})
    assert code == "Hourly_APIInvocation_Envelope_Limit_Exceeded"


def test_what_is_not_there_is_said_so(account: Client) -> None:
    assert account.refused("GET", "/nothing") == "RESOURCE_NOT_FOUND"
    none = "00000000-0000-4000-8000-000000000000"
    answer = account.call("GET", f"/envelopes/{none}")
    assert (answer.status_code, answer.json()["errorCode"]) == (404, "ENVELOPE_DOES_NOT_EXIST")
    assert account.refused("GET", "/envelopes/7") == "INVALID_REQUEST_PARAMETER"
