"""Credentials, scopes, rate limits and vendor errors."""

from __future__ import annotations

import pytest
import requests

from sandbox.hubspot.oauth import CLIENT_ID, CLIENT_SECRET, DEVELOPER_KEY, REFRESH_TOKEN

CONTACTS = "/crm/v3/objects/contacts"


def refresh(hub, path: str = "/oauth/v1/token", **changes: str) -> requests.Response:
    form = {
        "grant_type": "refresh_token",
        "client_id": CLIENT_ID,
        "client_secret": CLIENT_SECRET,
        "refresh_token": REFRESH_TOKEN,
        **changes,
    }
    return requests.post(hub.url + path, data=form, timeout=5)


@pytest.mark.parametrize("header", [{}, {"Authorization": "Bearer x"}, {"Authorization": "x"}])
def test_missing_and_unknown_tokens(hub, header) -> None:
    answer = requests.get(hub.url + CONTACTS, headers=header, timeout=5)
    assert answer.status_code == 401
    assert answer.json()["category"] == "INVALID_AUTHENTICATION"
    assert hub.violations() == ["unauthorized"]


@pytest.mark.parametrize(
    "path", ["/oauth/v1/token", "/oauth/2026-03/token", "/oauth/2026-09/token"]
)
def test_oauth_tokens_expire_on_the_virtual_clock(hub, path) -> None:
    issued = refresh(hub, path).json()
    assert (issued["token_type"], issued["expires_in"]) == ("bearer", 1800)
    assert issued["refresh_token"] == REFRESH_TOKEN
    hub.session.headers["Authorization"] = f"Bearer {issued['access_token']}"
    hub.get(CONTACTS)
    hub.admin("clock", {"shift_seconds": 1801})
    error = hub.get(CONTACTS, 401)
    assert error["category"] == "EXPIRED_AUTHENTICATION"
    assert "expired 1 second(s) ago" in error["message"]
    assert error["context"]["expire time"]


def test_rotated_refresh_tokens_work_once(hub) -> None:
    hub.admin("options", {"rotate_refresh_tokens": True})
    newer = refresh(hub).json()["refresh_token"]
    assert newer != REFRESH_TOKEN
    assert refresh(hub).json()["status"] == "BAD_REFRESH_TOKEN"
    assert refresh(hub, refresh_token=newer).status_code == 200


@pytest.mark.parametrize(
    "changes",
    [{"client_secret": "x"}, {"refresh_token": "x"}, {"grant_type": "x"}, {"client_id": "x"}],
)
def test_token_requests_that_are_refused(hub, changes) -> None:
    assert refresh(hub, **changes).status_code == 400


def test_what_a_token_may_do(hub) -> None:
    token = hub.session.headers["Authorization"].partition(" ")[2]
    hub.admin("options", {"missing_scopes": ["crm.objects.deals.write"]})
    info = hub.post("/oauth/v2/private-apps/get/access-token-info", {"tokenKey": token})
    assert "crm.objects.deals.read" in info["scopes"]
    assert "crm.objects.deals.write" not in info["scopes"]
    hub.get("/crm/v3/objects/deals")
    error = hub.post("/crm/v3/objects/deals", {"properties": {}}, 403)
    assert error["category"] == "MISSING_SCOPES"
    needed = error["errors"][0]["context"]["requiredGranularScopes"]
    assert needed == ["crm.objects.deals.write"]


def test_introspection_of_an_oauth_token(hub) -> None:
    token = refresh(hub).json()["access_token"]
    url = f"{hub.url}/oauth/2026-09/token"
    shown = requests.post(f"{url}/introspect", data={"token": token}, timeout=5).json()
    assert shown["hub_id"] == hub.get("/account-info/v3/details")["portalId"]
    assert requests.post(f"{url}/revoke", data={"token": token}, timeout=5).status_code == 204
    hub.session.headers["Authorization"] = f"Bearer {token}"
    hub.get(CONTACTS, 401)


def test_burst_limit_with_headers_and_recovery(hub) -> None:
    hub.admin("options", {"rate_scale": 0.02})  # 3 calls in 10 seconds
    hub.admin("clock", {"freeze": True})
    left = [hub.call("GET", CONTACTS).headers["X-HubSpot-RateLimit-Remaining"] for _ in range(3)]
    assert left == ["2", "1", "0"]
    refused = [hub.call("GET", CONTACTS) for _ in range(2)]
    assert {answer.status_code for answer in refused} == {429}
    body = refused[0].json()
    assert body["policyName"] == "TEN_SECONDLY_ROLLING"
    assert body["message"] == "You have reached your ten_secondly_rolling limit."
    assert [answer.headers.get("Retry-After") for answer in refused] == [None, "10"]
    hub.admin("clock", {"shift_seconds": 10})
    answer = hub.call("GET", CONTACTS)
    assert answer.status_code == 200
    assert answer.headers["X-HubSpot-RateLimit-Max"] == "3"
    assert answer.headers["X-HubSpot-RateLimit-Interval-Milliseconds"] == "10000"
    assert answer.headers["X-HubSpot-RateLimit-Daily"] == "12500"
    assert hub.violations() == []


def test_search_has_its_own_limit_and_no_headers(hub) -> None:
    hub.admin("options", {"rate_scale": 1})
    hub.admin("clock", {"freeze": True})
    answers = [hub.call("POST", f"{CONTACTS}/search", {}) for _ in range(6)]
    assert [answer.status_code for answer in answers] == [200] * 5 + [429]
    assert answers[5].json()["policyName"] == "SECONDLY"
    assert not any(name.startswith("X-HubSpot-RateLimit") for name in answers[0].headers)
    hub.admin("clock", {"shift_seconds": 1})
    hub.post(f"{CONTACTS}/search", {})


def test_associations_have_their_own_limit(hub) -> None:
    hub.admin("options", {"rate_scale": 0.02})  # 2 association calls, 3 calls
    hub.admin("clock", {"freeze": True})
    path = "/crm/v4/associations/deals/contacts/labels"
    assert [hub.call("GET", path).status_code for _ in range(3)] == [200, 200, 429]
    hub.get(CONTACTS)


def test_the_daily_limit_lasts_until_midnight_of_the_account(hub) -> None:
    hub.admin("clock", {"set": "2026-06-01T20:00:00+00:00", "freeze": True})
    hub.simulator.limits.daily_most = 2
    hub.admin("options", {"rate_scale": 1, "time_zone": "Europe/Berlin"})
    assert [hub.call("GET", CONTACTS).status_code for _ in range(3)] == [200, 200, 429]
    refused = hub.call("GET", CONTACTS)
    assert refused.json()["policyName"] == "DAILY"
    assert "Retry-After" not in refused.headers
    hub.admin("clock", {"shift_seconds": 7199})
    hub.get(CONTACTS, 429)
    hub.admin("clock", {"shift_seconds": 2})  # midnight in Berlin, 22:00 UTC
    hub.get(CONTACTS)


def test_oauth_apps_get_no_daily_headers(hub) -> None:
    token = refresh(hub).json()["access_token"]
    hub.session.headers["Authorization"] = f"Bearer {token}"
    headers = hub.call("GET", CONTACTS).headers
    assert headers["X-HubSpot-RateLimit-Max"] == "110000"
    assert "X-HubSpot-RateLimit-Daily" not in headers


@pytest.mark.parametrize(("status", "wait"), [(423, None), (477, "3600"), (502, None), (521, None)])
def test_vendor_errors_on_demand(hub, status, wait) -> None:
    hub.admin("faults", {"action": "status", "status": status})
    answer = hub.call("GET", CONTACTS)
    assert answer.status_code == status
    assert answer.json()["status"] == "error"
    assert answer.json()["correlationId"]
    assert answer.headers.get("Retry-After") == wait


def test_a_token_in_the_url_is_a_violation_but_the_developer_key_belongs_there(hub) -> None:
    hub.get("/webhooks/v3/1/subscriptions?hapikey=" + DEVELOPER_KEY)
    assert hub.violations() == []
    hub.get(f"{CONTACTS}?access_token=x")
    assert "token_in_url" in hub.violations()
