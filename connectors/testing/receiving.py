# ruff: noqa: S101 - a contract is made of assertions
"""Contract: webhooks. What is not provably the vendor's is a forgery; nothing else is raised."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from connectors import registry
from connectors.errors import ForgedRequest
from connectors.records import Receipt, WebhookRequest
from connectors.testing.bench import Bench, Hooks
from connectors.testing.needs import needs

LONG_MAX_BYTES = 4_194_304


class Receiving:
    """Taking in webhook requests."""

    def _good(self, bench: Bench) -> tuple[Hooks, WebhookRequest]:
        assert bench.hooks is not None
        return bench.hooks, bench.hooks.sign(bench.hooks.body, bench.world.now())

    def _receive(self, bench: Bench, request: WebhookRequest) -> Receipt:
        receive = registry.receiver(bench.kind)
        assert receive is not None
        assert bench.hooks is not None
        return receive(bench.hooks.settings, request)

    def _forged(self, bench: Bench, request: WebhookRequest) -> None:
        with pytest.raises(ForgedRequest) as raised:
            self._receive(bench, request)
        assert 400 <= raised.value.status < 500
        assert not [secret for secret in bench.secrets if secret in str(raised.value)]

    @needs("Webhooks")
    def test_a_good_request_is_taken_in(self, bench: Bench) -> None:
        hooks, request = self._good(bench)
        receipt = self._receive(bench, request)
        assert len(receipt.notices) == hooks.events
        assert receipt.answer.status < 400
        keys = [notice.event_key for notice in receipt.notices]
        assert len(keys) == len(set(keys)), "every event has a key of its own"
        assert all(notice.ref.object and notice.ref.id for notice in receipt.notices)

    @needs("Webhooks")
    def test_a_redelivery_has_the_same_keys(self, bench: Bench) -> None:
        hooks, request = self._good(bench)
        later = hooks.sign(hooks.body, bench.world.now() + timedelta(seconds=90))
        first, second = self._receive(bench, request), self._receive(bench, later)
        keys = [[notice.event_key for notice in one.notices] for one in (first, second)]
        assert keys[0] == keys[1]

    @needs("Webhooks")
    def test_every_changed_byte_is_noticed(self, bench: Bench) -> None:
        _, request = self._good(bench)
        for place in range(len(request.body)):
            body = bytearray(request.body)
            body[place] ^= 1
            self._forged(bench, replace(request, body=bytes(body)))
        self._forged(bench, replace(request, body=request.body + b" "))
        self._forged(bench, replace(request, body=request.body[:-1]))

    @needs("Webhooks")
    def test_every_changed_character_of_a_security_header_is_noticed(self, bench: Bench) -> None:
        hooks, request = self._good(bench)
        for name in hooks.security:
            value = request.header(name) or ""
            for place, each in enumerate(value):
                other = "1" if each != "1" else "2"
                changed = value[:place] + other + value[place + 1 :]
                self._forged(bench, _with(request, name, changed))
            for odd in ("", " ", "ä", "\ud800", "\x00", value + "=", "9" * 400, value * 50):
                self._forged(bench, _with(request, name, odd))

    @needs("Webhooks")
    def test_a_security_header_comes_exactly_once(self, bench: Bench) -> None:
        hooks, request = self._good(bench)
        for name in hooks.security:
            rest = tuple(pair for pair in request.headers if pair[0] != name)
            self._forged(bench, replace(request, headers=rest))
            twice = (*request.headers, (name, request.header(name) or ""))
            self._forged(bench, replace(request, headers=twice))

    @needs("Webhooks")
    def test_late_and_early_requests_are_refused(self, bench: Bench) -> None:
        _, request = self._good(bench)
        for shift in (timedelta(minutes=10), timedelta(days=3650)):
            self._forged(bench, replace(request, received_at=request.received_at + shift))
            self._forged(bench, replace(request, received_at=request.received_at - shift))

    @needs("Webhooks")
    def test_another_address_or_secret_does_not_verify(self, bench: Bench) -> None:
        hooks, request = self._good(bench)
        receive = registry.receiver(bench.kind)
        assert receive is not None
        for secret in ("", "another secret"):
            with pytest.raises(ForgedRequest):
                receive({**hooks.settings, hooks.secret_setting: secret}, request)
        settings = {k: v for k, v in hooks.settings.items() if k != hooks.secret_setting}
        with pytest.raises(ForgedRequest):
            receive(settings, request)

    @needs("Webhooks")
    def test_signed_nonsense_is_refused_in_words(self, bench: Bench) -> None:
        hooks, _ = self._good(bench)
        bodies = (
            b"",
            b"{",
            b"null",
            b"1",
            b'"x"',
            b"[1]",
            b"[[]]",
            b"[null]",
            b"[{}]",
            b'{"a": NaN}',
            b"\xff\xfe",
            '[{"a": "ü"}]'.encode("utf-16"),
            b"[" * 100_000,
            b'[{"a":' * 50_000,
            b"[" + b"9" * 100_000 + b"]",
            b'["\\ud800"]',
            b"x" * LONG_MAX_BYTES,
        )
        for body in bodies:
            self._forged(bench, hooks.sign(body, bench.world.now()))


def _with(request: WebhookRequest, name: str, value: str) -> WebhookRequest:
    pairs = tuple((key, value if key == name else old) for key, old in request.headers)
    return replace(request, headers=pairs)
