"""OAuth, sessions, the daily allowance, versions."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jwt
import pytest
import requests
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from sandbox.salesforce import CLIENT_ID, CLIENT_SECRET

KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)
OTHER_KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)
PUBLIC_PEM = (
    KEY.public_key()
    .public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    .decode()
)
USER = "integration@revline.example"
GRANT = "urn:ietf:params:oauth:grant-type:jwt-bearer"


def ask(org: Any, **form: str) -> requests.Response:
    return requests.post(f"{org.url}/services/oauth2/token", data=form, timeout=5)


def claims_of(org: Any) -> dict[str, Any]:
    now = org.simulator.now().timestamp()
    return {
        "iss": "jwt-app",
        "sub": USER,
        "aud": "https://login.salesforce.com",
        "exp": int(now) + 180,
    }


def test_client_credentials_answer(org: Any) -> None:
    answer = ask(
        org,
        grant_type="client_credentials",
        client_id=CLIENT_ID,
        client_secret=CLIENT_SECRET,
    )
    body = answer.json()
    assert answer.status_code == 200
    assert body["instance_url"] == org.url
    assert body["token_type"] == "Bearer"
    assert body["access_token"].startswith("00D")
    assert "!" in body["access_token"]
    assert "expires_in" not in body
    path = body["id"].removeprefix(org.url)
    identity = org.http.get(org.url + path, timeout=5).json()
    assert identity["username"] == USER
    assert identity["organization_id"] == org.query("SELECT Id FROM Organization")[0]["Id"]


@pytest.mark.parametrize(
    ("form", "error"),
    [
        ({"grant_type": "client_credentials", "client_id": "nobody"}, "invalid_client_id"),
        (
            {"grant_type": "client_credentials", "client_id": CLIENT_ID, "client_secret": "no"},
            "invalid_client",
        ),
        ({"grant_type": "password", "client_id": CLIENT_ID}, "unsupported_grant_type"),
        ({"grant_type": GRANT, "assertion": "a.b.c"}, "invalid_grant"),
        ({}, "unsupported_grant_type"),
    ],
)
def test_refused_token_requests(org: Any, form: dict[str, str], error: str) -> None:
    answer = ask(org, **form)
    assert (answer.status_code, answer.json()["error"]) == (400, error)


Change = Callable[[dict[str, Any]], None]


@pytest.mark.parametrize(
    ("change", "error"),
    [
        (lambda claims: None, None),
        (lambda claims: claims.update(aud="https://test.salesforce.com"), None),
        (lambda claims: claims.update(aud="https://evil.example"), "invalid_grant"),
        (lambda claims: claims.update(exp=claims["exp"] - 600), "invalid_grant"),
        (lambda claims: claims.update(exp=claims["exp"] + 3600), "invalid_grant"),
        (lambda claims: claims.pop("exp"), "invalid_grant"),
        (lambda claims: claims.update(sub="nobody@revline.example"), "invalid_grant"),
        (lambda claims: claims.update(iss="unknown"), "invalid_client_id"),
        (lambda claims: claims.update(iss=CLIENT_ID), "invalid_client"),
    ],
)
def test_jwt_bearer(org: Any, change: Change, error: str | None) -> None:
    org.admin("apps", {"client_id": "jwt-app", "public_key": PUBLIC_PEM})
    claims = claims_of(org)
    change(claims)
    answer = ask(org, grant_type=GRANT, assertion=jwt.encode(claims, KEY, "RS256"))
    assert answer.json().get("error") == error
    if error is None:
        token = answer.json()["access_token"]
        headers = {"Authorization": f"Bearer {token}"}
        assert org.call("GET", "/limits", headers=headers).status_code == 200


def test_jwt_signature_and_algorithm_are_verified(org: Any) -> None:
    org.admin("apps", {"client_id": "jwt-app", "public_key": PUBLIC_PEM})
    claims = claims_of(org)
    none = jwt.encode(claims, None, "none")
    for assertion in (jwt.encode(claims, OTHER_KEY, "RS256"), none):
        answer = ask(org, grant_type=GRANT, assertion=assertion)
        assert (answer.status_code, answer.json()["error"]) == (400, "invalid_grant")


def test_an_inactive_user_cannot_sign_in(org: Any) -> None:
    org.admin("apps", {"client_id": "jwt-app", "public_key": PUBLIC_PEM})
    user = org.query("SELECT Id FROM User")[0]["Id"]
    org.mutate("User", "update", user, IsActive=False)
    answer = ask(org, grant_type=GRANT, assertion=jwt.encode(claims_of(org), KEY, "RS256"))
    assert answer.json()["error"] == "inactive_user"


def test_a_session_ends_after_two_hours_of_virtual_time(org: Any) -> None:
    org.shift(7199)
    assert org.call("GET", "/limits").status_code == 200
    org.shift(2)
    answer = org.call("GET", "/limits")
    assert answer.status_code == 401
    assert answer.json() == [
        {"message": "Session expired or invalid", "errorCode": "INVALID_SESSION_ID"}
    ]
    assert org.kinds_of_violation() == set()
    org.call("GET", "/limits")
    assert org.kinds_of_violation() == {"dead_token_reused"}
    org.sign_in()
    assert org.call("GET", "/limits").status_code == 200


def test_missing_credentials_and_tokens_in_urls_are_violations(org: Any) -> None:
    assert requests.get(f"{org.url}/services/data/v67.0/limits", timeout=5).status_code == 401
    org.call("GET", "/limits", params={"access_token": "abc"})
    assert {"unauthorized", "token_in_url"} <= org.kinds_of_violation()


def test_versions_need_no_credentials(org: Any) -> None:
    versions = requests.get(f"{org.url}/services/data", timeout=5).json()
    assert versions[-1] == {
        "label": "Summer '26",
        "url": "/services/data/v67.0",
        "version": "67.0",
    }
    assert versions[-2]["label"] == "Spring '26"
    assert versions[-3]["label"] == "Winter '26"
    assert org.call("GET", "/services/data/v25.0/sobjects").status_code == 410
    assert org.call("GET", "/services/data/v99.0/sobjects").status_code == 404


def test_the_daily_allowance(org: Any) -> None:
    used = int(org.look("options")["options"]["calls_used"])
    answer = org.call("GET", "/limits")
    assert answer.headers["Sforce-Limit-Info"] == f"api-usage={used + 1}/100000"
    assert answer.json()["DailyApiRequests"]["Remaining"] == 100_000 - used - 1
    org.admin("options", {"daily_limit": used + 2})
    assert org.call("GET", "/limits").status_code == 200
    spent = org.call("GET", "/limits")
    assert (spent.status_code, spent.json()[0]["errorCode"]) == (403, "REQUEST_LIMIT_EXCEEDED")
    assert spent.headers["Sforce-Limit-Info"] == f"api-usage={used + 2}/{used + 2}"
    assert "Retry-After" not in spent.headers
    org.shift(86_401)
    org.sign_in()
    assert org.call("GET", "/limits").status_code == 200


def test_faults_without_a_body_speak_the_vendors_language(org: Any) -> None:
    match = {"path": "/limits$"}
    org.admin("faults", {"match": match, "action": "status", "status": 503})
    down = org.call("GET", "/limits")
    assert (down.status_code, down.headers["Content-Type"]) == (503, "text/html;charset=utf-8")
    org.admin("faults", {"match": match, "action": "status", "status": 500})
    assert org.call("GET", "/limits").json()[0]["errorCode"] == "UNKNOWN_EXCEPTION"


def test_a_very_long_url_is_refused(org: Any) -> None:
    soql = "SELECT Id FROM Account WHERE Name IN (" + ", ".join(["'abcdefgh'"] * 2000) + ")"
    assert org.call("GET", "/query", params={"q": soql}).status_code == 414
