"""Tokens: one refresh per expiry, whoever asks."""

import threading
from datetime import UTC, datetime, timedelta

import pytest

from connectors.errors import AuthFailed, UnexpectedAnswer
from connectors.hubspot.tokens import FixedToken, RefreshedToken

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)


class Issuer:
    def __init__(self, expires_in=1800):
        self.asked_with = []
        self.expires_in = expires_in
        self.error = None

    def __call__(self, refresh_token):
        self.asked_with.append(refresh_token)
        if self.error:
            raise self.error
        n = len(self.asked_with)
        return {
            "access_token": f"a{n}",
            "refresh_token": f"r{n}",
            "expires_in": self.expires_in,
        }


def build(issuer):
    clock = [NOW]
    return RefreshedToken("r0", issuer, lambda: clock[0]), clock


def test_a_token_is_kept_until_its_last_minute_and_the_newest_refresh_token_is_used():
    issuer = Issuer()
    tokens, clock = build(issuer)
    assert tokens.token() == tokens.token() == "a1"
    clock[0] += timedelta(seconds=1739)
    assert tokens.token() == "a1"
    clock[0] += timedelta(seconds=2)
    assert tokens.token() == "a2"
    assert issuer.asked_with == ["r0", "r1"]


def test_many_threads_refresh_once():
    issuer = Issuer()
    tokens, _ = build(issuer)
    together = threading.Barrier(8)
    got = []

    def ask():
        together.wait()
        got.append(tokens.token())

    threads = [threading.Thread(target=ask) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert got == ["a1"] * 8
    assert len(issuer.asked_with) == 1


def test_a_refused_token_is_replaced_once_for_all():
    issuer = Issuer()
    tokens, _ = build(issuer)
    old = tokens.token()
    assert tokens.refused(old)
    assert tokens.token() == "a2"
    assert tokens.refused(old)  # a second thread reports the same old token
    assert tokens.token() == "a2"


def test_a_refused_refresh_token_is_not_asked_with_again_at_once():
    issuer = Issuer()
    issuer.error = AuthFailed("no", code="BAD_REFRESH_TOKEN")
    tokens, clock = build(issuer)
    for _ in range(3):
        with pytest.raises(AuthFailed):
            tokens.token()
    assert len(issuer.asked_with) == 1
    clock[0] += timedelta(minutes=2)
    issuer.error = None
    assert tokens.token() == "a2"


def test_an_answer_without_a_token_is_unexpected():
    tokens = RefreshedToken("r0", lambda _: {"expires_in": 5}, lambda: NOW)
    with pytest.raises(UnexpectedAnswer):
        tokens.token()


def test_a_fixed_token_has_no_successor_and_does_not_show():
    token = FixedToken("pat-secret")
    assert token.token() == "pat-secret"
    assert not token.refused("pat-secret")
    assert "secret" not in repr(token)
