"""Signing in: client assertions, token-based authentication, expiry, concurrency."""

from __future__ import annotations

import threading
from typing import Any
from urllib.parse import quote

import jwt
import pytest
import requests
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from sandbox.netsuite import (
    ACCOUNT_ID,
    CERTIFICATE_ID,
    CONSUMER_KEY,
    CONSUMER_SECRET,
    TOKEN_ID,
    TOKEN_SECRET,
    private_key_pem,
    signatures,
)

RSA_KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)
OTHER_KEY = ec.generate_private_key(ec.SECP256R1())
RSA_PEM = (
    RSA_KEY.public_key()
    .public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    .decode()
)
PUBLISHED = {
    "oauth_consumer_key": "ef40afdd8abaac111b13825dd5e5e2ddddb44f86d5a0dd6dcf38c20aae6b67e4",
    "oauth_token": "2b0ce516420110bcbd36b69e99196d1b7f6de3c6234c5afb799b73d87569f5cc",
    "oauth_signature_method": "HMAC-SHA256",
    "oauth_timestamp": "1508242306",
    "oauth_nonce": "fjaLirsIcCGVZWzBX0pg",
    "oauth_version": "1.0",
}
PUBLISHED_SECRETS = (
    "d26ad321a4b2f23b0741c8d38392ce01c3e23e109df6c96eac6d099e9ab9e8b5",
    "c29a677df7d5439a458c063654187e3d678d73aca8e3c9d8bea1478a3eb0d295",
)
HOST = "https://123456.suitetalk.api.netsuite.com/services/rest"


# -- OAuth 2.0 -----------------------------------------------------------------------------------


def test_a_token_lives_for_an_hour_of_virtual_time(account: Any) -> None:
    answer = account.ask_token().json()
    assert answer["expires_in"] == "3600"
    assert answer["token_type"] == "bearer"
    account.shift(3599)
    assert account.call("GET", "currency").status_code == 200
    account.shift(2)
    assert account.refused(account.call("GET", "currency"), 401)["o:errorCode"] == "INVALID_LOGIN"
    assert "dead_token_reused" not in account.kinds_of_violation()
    account.call("GET", "currency")
    assert "dead_token_reused" in account.kinds_of_violation()


@pytest.mark.parametrize(
    ("change", "error"),
    [
        ({}, None),
        ({"scope": "rest_webservices,restlets"}, None),
        ({"aud": "https://7654321-sb1.suitetalk.api.netsuite.com"}, "invalid_grant"),
        ({"iss": "somebody"}, "invalid_client"),
        ({"scope": ["everything"]}, "invalid_scope"),
        ({"scope": None}, "invalid_scope"),
        ({"scope": 7}, "invalid_scope"),
        ({"exp": None}, "invalid_grant"),
        ({"iat": "yesterday"}, "invalid_grant"),
    ],
)
def test_claims(account: Any, change: dict[str, Any], error: str | None) -> None:
    answer = account.ask_token(account.claims(**change))
    assert answer.json().get("error") == error
    assert answer.status_code == (200 if error is None else 400)


@pytest.mark.parametrize(
    ("issued", "expires", "fine"),
    [(0, 3600, True), (0, 3601, False), (-3000, -1, False), (600, 900, False)],
)
def test_an_assertion_lives_at_most_an_hour(
    account: Any, issued: int, expires: int, fine: bool
) -> None:
    now = int(account.simulator.now().timestamp())
    answer = account.ask_token(account.claims(iat=now + issued, exp=now + expires))
    assert (answer.status_code == 200) == fine


def test_algorithms_and_keys(account: Any) -> None:
    account.admin("certificates", {"id": "rsa", "public_key": RSA_PEM})
    assert account.ask_token(key=RSA_KEY, algorithm="PS256", kid="rsa").status_code == 200
    for more in (
        {"key": RSA_KEY, "algorithm": "RS256", "kid": "rsa"},
        {"key": OTHER_KEY},
        {"key": RSA_KEY, "algorithm": "PS256"},
        {"kid": "nobody"},
    ):
        answer = account.ask_token(**more)
        assert answer.status_code == 400
        assert answer.json()["error"] in {"invalid_grant", "invalid_client"}
    unsigned = jwt.encode(account.claims(), None, "none", headers={"kid": CERTIFICATE_ID})
    assert account.ask_token(client_assertion=unsigned).status_code == 400
    assert account.ask_token(client_assertion="rubbish").status_code == 400
    assert account.ask_token(grant_type="password").json()["error"] == "unsupported_grant_type"


def test_the_private_key_is_the_same_in_every_process() -> None:
    assert private_key_pem() == private_key_pem()
    assert private_key_pem().startswith("-----BEGIN PRIVATE KEY-----")


# -- OAuth 1.0 -----------------------------------------------------------------------------------


def test_published_vectors() -> None:
    url = f"{HOST}/record/v1/employee/40"
    signature = signatures.sign("GET", url, (), {"realm": "x", **PUBLISHED}, PUBLISHED_SECRETS)
    assert signature == "B5OIWznZ2YP0OB7VrJrGkYsTh+8H+5T9Hag+o92q0zY="
    query = (("limit", "1000"), ("offset", "0"))
    url = f"{HOST}/query/v1/suiteql"
    signature = signatures.sign("POST", url, query, PUBLISHED, PUBLISHED_SECRETS)
    assert signature == "K77GAJRnfr1XDIXWkDNFBb1G343XzZc397WHGpnHFF8="


def signed(account: Any, nonce: str, query: str = "", **change: str) -> requests.Response:
    """A request signed the way the vendor's page tells, with some things made wrong."""
    url = f"{account.url}/services/rest/record/v1/currency"
    oauth = {
        "realm": ACCOUNT_ID,
        "oauth_consumer_key": CONSUMER_KEY,
        "oauth_token": TOKEN_ID,
        "oauth_signature_method": "HMAC-SHA256",
        "oauth_timestamp": str(int(account.simulator.now().timestamp())),
        "oauth_nonce": nonce,
        "oauth_version": "1.0",
        **{name: value for name, value in change.items() if name != "secret"},
    }
    secrets = (CONSUMER_SECRET, change.get("secret", TOKEN_SECRET))
    pairs = [tuple(part.split("=")) for part in query.split("&") if part]
    oauth["oauth_signature"] = signatures.sign("GET", url, pairs, oauth, secrets)
    inner = ", ".join(f'{name}="{quote(value, safe="")}"' for name, value in oauth.items())
    return requests.get(
        url, params={"limit": "5"}, headers={"Authorization": f"OAuth {inner}"}, timeout=5
    )


def test_signed_requests(account: Any) -> None:
    assert signed(account, "nonce-0001", "limit=5").status_code == 200
    assert signed(account, "nonce-0001", "limit=5").status_code == 401, "a nonce is for once"
    assert signed(account, "nonce-0002", "limit=5").status_code == 200
    for number, change in enumerate(
        (
            {"realm": ACCOUNT_ID.lower()},
            {"oauth_signature_method": "HMAC-SHA1"},
            {"oauth_timestamp": "1508242306"},
            {"oauth_token": "other"},
            {"secret": "wrong"},
            {"oauth_version": "2.0"},
        )
    ):
        answer = signed(account, f"nonce-1{number:03d}", "limit=5", **change)
        assert account.refused(answer, 401)["o:errorCode"] == "INVALID_LOGIN", change
    unsigned_query = signed(account, "nonce-2000")
    assert unsigned_query.status_code == 401
    assert "login_refused" in account.kinds_of_violation()


def test_missing_credentials(account: Any) -> None:
    for header in ("", "Bearer nonsense", "Basic abc", 'OAuth realm="x", realm="x"', "OAuth x"):
        answer = requests.get(
            f"{account.url}/services/rest/record/v1/currency",
            headers={"Authorization": header},
            timeout=5,
        )
        assert answer.status_code == 401, header


# -- limits and faults ---------------------------------------------------------------------------


def test_more_than_the_allowed_requests_at_one_time_are_refused(account: Any) -> None:
    account.admin("options", {"concurrency_max": 1})
    hold = account.admin("hold", {"match": {"path": "/record/v1/term$"}})["hold"]
    token = account.http.headers["Authorization"]
    held: list[int] = []

    def first() -> None:
        url = f"{account.url}/services/rest/record/v1/term"
        headers = {"Authorization": token}
        held.append(requests.get(url, headers=headers, timeout=20).status_code)

    thread = threading.Thread(target=first)
    thread.start()
    account.look(f"hold?id={hold}&wait_seconds=20")
    answer = account.call("GET", "currency")
    assert account.refused(answer, 429)["o:errorCode"] == "CONCURRENCY_LIMIT_EXCEEDED"
    assert "Retry-After" not in answer.headers
    account.admin("release", {"hold": hold})
    thread.join(20)
    assert held == [200]
    assert account.call("GET", "currency").status_code == 200


def test_a_write_whose_answer_was_lost_can_be_sent_again_by_its_external_id(account: Any) -> None:
    rule = {"match": {"method": "PUT"}, "action": "status", "status": 500, "phase": "after"}
    account.admin("faults", rule)
    body = {"companyName": "Acme", "subsidiary": {"id": "1"}}
    lost = account.call("PUT", "customer/eid:c-1", body)
    detail = account.refused(lost, 500)
    assert detail["o:errorCode"] == "UNEXPECTED_ERROR"
    assert "Error ID:" in detail["detail"]
    account.put("customer", "c-1", **body)
    counts = account.look("counts?by=external_id")["counts"]["customer"]["c-1"]
    assert (counts["creates"], counts["unchanged_updates"]) == (1, 1)
    assert len(counts["ids"]) == 1


def test_secrets_do_not_reach_the_log(account: Any) -> None:
    token = account.sign_in()
    account.call("GET", "currency")
    log = account.look("log")["entries"]
    assert len(log) >= 3
    assert token not in str(log)
    assert "eyJ" not in str(log)


def test_denied_records(account: Any) -> None:
    customer = account.customer()
    account.invoice(customer, account.line("PLT-001", 5))
    account.pay(customer, 5)
    account.admin("options", {"denied": ["customerPayment", "term"]})
    detail = account.refused(account.call("GET", "customerPayment"), 403)
    assert detail["o:errorCode"] == "INSUFFICIENT_PERMISSION"
    assert account.call("GET", "invoice").status_code == 200
    sums = "SELECT type, COUNT(*) AS n FROM transaction t JOIN transactionaccountingline l "
    rows = account.query(sums + "ON l.transaction = t.id GROUP BY type")
    assert rows == [{"type": "CustInvc", "n": "2"}]
    assert "term" in account.refused(account.ask("SELECT id FROM term"))["detail"]
