"""Signing in, versions, unknown paths, limits."""

from __future__ import annotations

from typing import Any

import requests


def test_a_token_lives_for_an_hour_and_may_be_revoked(tenant: Any) -> None:
    given = tenant.token().json()
    assert given["token_type"] == "bearer"
    assert 3500 < given["expires_in"] <= 3600
    assert tenant.call("GET", "/v1/orders").status_code == 200
    tenant.shift(3601)
    ended = tenant.call("GET", "/v1/orders")
    assert ended.status_code == 401
    assert set(ended.json()) == {"message"}
    tenant.sign_in()
    assert tenant.call("GET", "/v1/orders").status_code == 200
    tenant.admin("revoke_tokens")
    assert tenant.call("GET", "/v1/orders").status_code == 401


def test_wrong_credentials_are_refused_in_two_ways(tenant: Any) -> None:
    wrong = tenant.token(client_secret="guess")
    assert wrong.status_code == 401
    assert wrong.json()["reasons"][0]["code"] == 90000011
    unknown = tenant.token(client_id="nobody")
    assert (unknown.status_code, set(unknown.json())) == (401, {"message"})
    assert tenant.token(grant_type="password").status_code == 400


def test_no_token_is_noted(tenant: Any) -> None:
    answer = requests.get(f"{tenant.url}/v1/orders", timeout=5)
    assert answer.status_code == 401
    assert "unauthorized" in tenant.violations()


def test_a_token_for_every_call_is_noted(tenant: Any) -> None:
    for _ in range(5):
        tenant.sign_in()
        tenant.call("GET", "/v1/orders")
    assert "token_per_request" not in tenant.violations()
    tenant.sign_in()
    assert "token_per_request" in tenant.violations()


def test_the_version_must_be_pinned(tenant: Any) -> None:
    tenant.call("GET", "/v1/orders")
    assert tenant.violations() == set()
    del tenant.http.headers["Zuora-Version"]
    tenant.call("GET", "/v1/orders")
    assert tenant.violations() == {"version_not_pinned"}


def test_the_gateway_knows_no_such_path(tenant: Any) -> None:
    answer = tenant.call("GET", "/v1/nothing")
    assert answer.status_code == 404
    assert answer.json() == {"message": "no Route matched with those values"}
    assert tenant.call("DELETE", "/v1/bill-runs").status_code == 405


def test_requests_per_minute(tenant: Any) -> None:
    tenant.admin("options", {"requests_per_minute": 2})
    first = tenant.call("GET", "/v1/orders")
    assert first.headers["RateLimit-Remaining"] == "1"
    tenant.shift(20)
    tenant.call("GET", "/v1/orders")
    over = tenant.call("GET", "/v1/orders")
    assert over.status_code == 429
    assert over.json()["reasons"][0]["code"] == 70
    assert "retry after 41 seconds" in over.json()["reasons"][0]["message"]
    tenant.shift(41)
    assert tenant.call("GET", "/v1/orders").status_code == 200


def test_requests_at_one_time(tenant: Any) -> None:
    tenant.admin("options", {"concurrency_limit": 0})
    over = tenant.call("GET", "/v1/orders")
    assert (over.status_code, over.headers["Retry-After"]) == (429, "120")
    assert over.json()["reasons"][0]["code"] == 50000070
    tenant.admin("options", {"concurrency_limit": 40})
    assert tenant.call("GET", "/v1/orders").status_code == 200
    assert "inside_retry_after" in tenant.violations()


def test_the_track_id_comes_back(tenant: Any) -> None:
    answer = tenant.call("GET", "/v1/orders", headers={"Zuora-Track-Id": "run-7"})
    assert answer.headers["Zuora-Track-Id"] == "run-7"
    assert answer.headers["Zuora-Request-Id"]
    tenant.call("GET", "/v1/orders", headers={"Zuora-Track-Id": "x" * 65})
    assert tenant.violations() == {"track_id"}


def test_malformed_and_misdirected_bodies(tenant: Any) -> None:
    kind = {"Content-Type": "application/json"}
    broken = tenant.call("POST", "/v1/accounts", data=b"{", headers=kind)
    assert broken.status_code == 400
    assert broken.json()["reasons"][0]["code"] % 100 == 90
    form = tenant.call("POST", "/v1/accounts", data={"name": "x"})
    assert form.status_code == 415
