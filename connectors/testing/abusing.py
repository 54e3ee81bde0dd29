# ruff: noqa: S101 - a contract is made of assertions
"""Contract: the connector's real client against a server that does everything wrong."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from datetime import timedelta
from time import monotonic
from typing import Final

import pytest

from connectors.base import Failed, Writes
from connectors.errors import (
    CallError,
    OutcomeUnknown,
    RateLimited,
    RetryLater,
    UnexpectedAnswer,
)
from connectors.testing import hostile
from connectors.testing.bench import Bench
from connectors.testing.hostile import Answering, Asked, HostileServer
from connectors.testing.needs import needs
from connectors.testing.writing import update

CALL_MAX_SECONDS: Final = 30
WAIT_MAX: Final = timedelta(days=1)
JSON: Final = "application/json"

LOST: Final[dict[str, Answering]] = {
    "reset": hostile.reset,
    "truncated": hostile.truncated(),
    "cut_json": hostile.always(200, b'{"results": [', Content_Type=JSON),
    "no_length": hostile.without_length(),
    "gzip_twice": hostile.gzip_twice(),
    "bomb": hostile.gzip_bomb(64),
    "bom": hostile.always(200, b"\xef\xbb\xbf{}", Content_Type=JSON),
    "nan": hostile.always(200, b'{"results": NaN}', Content_Type=JSON),
    "html": hostile.always(200, b"<html>welcome</html>", Content_Type="text/html"),
    "empty": hostile.always(200, b"", Content_Type=JSON),
    "another_shape": hostile.always(200, b'["what"]', Content_Type=JSON),
    "html_503": hostile.always(503, b"<html>busy</html>", Content_Type="text/html"),
    "html_502": hostile.always(502, b"<html>gateway</html>", Content_Type="text/html"),
}


class Abusing:
    """Transport abuse."""

    def _aimed(self, bench: Bench, answering: Answering) -> HostileServer:
        assert bench.abuse is not None
        polite = bench.abuse.polite

        def both(asked: Asked) -> Iterator[bytes]:
            good = polite(asked)
            if good is not None:
                yield good
            else:
                yield from answering(asked)

        return HostileServer(both)

    def _tried(self, bench: Bench, url: str) -> dict[str, CallError]:
        """What a read and a write came to; both must fail, and show no secret."""
        assert bench.abuse is not None
        connector = bench.abuse.build(url)
        found: dict[str, CallError] = {}
        started = monotonic()
        with pytest.raises(CallError) as raised:
            connector.read(bench.sample.selection(), [bench.sample.missing_id])
        found["read"] = raised.value
        if isinstance(connector, Writes):
            change = bench.sample.attempt or update(
                bench, bench.sample.missing_id, "k", **{bench.sample.text: "x"}
            )
            (outcome,) = connector.apply([change])
            assert isinstance(outcome, Failed), "a write without an answer was confirmed"
            found["write"] = outcome.error
        assert monotonic() - started < CALL_MAX_SECONDS
        for error in found.values():
            assert not _shown(error, bench.secrets)
        return found

    @needs("Transport")
    @pytest.mark.parametrize("how", sorted(LOST))
    def test_an_unusable_answer_leaves_a_write_in_doubt(self, bench: Bench, how: str) -> None:
        with self._aimed(bench, LOST[how]) as server:
            found = self._tried(bench, server.url)
        assert isinstance(found["read"], RetryLater | UnexpectedAnswer)
        if "write" in found:
            assert isinstance(found["write"], OutcomeUnknown | UnexpectedAnswer), found["write"]

    @needs("Transport")
    def test_no_redirect_is_followed(self, bench: Bench) -> None:
        with HostileServer(hostile.always(200, b"{}", Content_Type=JSON)) as elsewhere:
            for status in (301, 302, 303, 307, 308):
                with self._aimed(bench, hostile.redirect(elsewhere.url, status)) as server:
                    found = self._tried(bench, server.url)
                assert all(isinstance(error, UnexpectedAnswer) for error in found.values())
            assert elsewhere.asked == [], "credentials may have gone to another host"

    @needs("Transport")
    @pytest.mark.parametrize("make", [hostile.drip, hostile.drip_head])
    def test_a_dripping_answer_ends(
        self, bench: Bench, make: Callable[[threading.Event], Answering]
    ) -> None:
        stop = threading.Event()
        try:
            with self._aimed(bench, make(stop)) as server:
                found = self._tried(bench, server.url)
        finally:
            stop.set()
        assert isinstance(found["read"], RetryLater)
        if "write" in found:
            assert isinstance(found["write"], OutcomeUnknown)

    @needs("Transport")
    @pytest.mark.parametrize("asked", ["1", "0", "-1", "1000000000", "9" * 400, "soon", None])
    def test_a_rate_limit_is_a_bounded_wait(self, bench: Bench, asked: str | None) -> None:
        headers = {} if asked is None else {"Retry_After": asked}
        body = (
            b'{"status":"error","message":"You have reached your limit","errorType":"RATE_LIMIT"}'
        )
        limited = hostile.always(429, body, Content_Type=JSON, **headers)
        with self._aimed(bench, limited) as server:
            found = self._tried(bench, server.url)
        for error in found.values():
            assert isinstance(error, RateLimited)
            assert timedelta(0) <= error.wait <= WAIT_MAX

    @needs("Transport")
    def test_one_attempt_is_one_request(self, bench: Bench) -> None:
        """No SDK retries behind our back: each refused call reached the server once."""
        polite = bench.abuse.polite if bench.abuse else lambda _: None
        busy = hostile.always(503, b"", Retry_After="0")
        with self._aimed(bench, busy) as server:
            found = self._tried(bench, server.url)
            real = [asked for asked in server.asked if polite(asked) is None]
        assert len(real) == len(found)

    @needs("Transport")
    def test_nobody_listening_is_tried_later(self, bench: Bench) -> None:
        with self._aimed(bench, hostile.reset) as server:
            url = server.url
        found = self._tried(bench, url)
        assert all(isinstance(error, RetryLater) for error in found.values())


def _shown(error: BaseException, secrets: tuple[str, ...]) -> list[str]:
    """Secrets that an error, or what it came from, would print."""
    shown: list[str] = []
    chain: BaseException | None = error
    while chain is not None:
        shown += [secret for secret in secrets if secret in f"{chain} {chain!r}"]
        chain = chain.__cause__ or chain.__context__
    return shown
