"""The transport against a server that does everything wrong."""

from __future__ import annotations

import gzip
import socket
import threading
import tracemalloc
import zlib
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from time import monotonic

import pytest

from connectors.base import ApiCall, Wiring
from connectors.errors import (
    ActionNeeded,
    CallError,
    OutcomeUnknown,
    RetryLater,
    UnexpectedAnswer,
)
from connectors.http import Transport, retry_after
from connectors.testing import hostile
from connectors.testing.hostile import Answering, Asked, HostileServer

NOW = datetime(2026, 3, 1, tzinfo=UTC)


def wiring(calls: list[ApiCall] | None = None, **options: object) -> Wiring:
    seen: list[ApiCall] = [] if calls is None else calls
    values: dict[str, object] = {
        "now": lambda: NOW,
        "observe": seen.append,
        "allow_loopback": True,
        "connect_seconds": 2.0,
        "read_seconds": 0.5,
    }
    return Wiring(**{**values, **options})  # type: ignore[arg-type]


def ask(
    answering: Answering, method: str = "GET", path: str = "/x", **options: object
) -> tuple[object, HostileServer]:
    with HostileServer(answering) as server:
        transport = Transport(server.url, wiring(), total_seconds=1.0)
        try:
            return transport.request(method, path, **options), server  # type: ignore[arg-type]
        except CallError as error:
            return error, server
        finally:
            transport.close()


def test_a_plain_answer_and_what_is_observed() -> None:
    calls: list[ApiCall] = []
    with HostileServer(hostile.always(201, b'{"a": 1.10}', X_Two="b")) as server:
        transport = Transport(server.url, wiring(calls), limit_class=lambda _, path: path[1:])
        answer = transport.request("POST", "/x", query={"k": ["1", "2"]}, body=b"hello")
        again = transport.request("GET", "/x")
        transport.close()
    assert (answer.status, answer.header("x-two")) == (201, "b")
    assert str(answer.json()["a"]) == "1.10"  # type: ignore[index,call-overload]
    assert again.status == 201
    assert [asked.target for asked in server.asked] == ["/x?k=1&k=2", "/x"]
    assert server.asked[0].body == b"hello"
    assert [(call.method, call.path, call.status, call.limit_class) for call in calls] == [
        ("POST", "/x", 201, "x"),
        ("GET", "/x", 201, "x"),
    ]


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_no_redirect_is_followed(status: int) -> None:
    with HostileServer(hostile.always(200, b"{}")) as elsewhere:
        found, server = ask(hostile.redirect(elsewhere.url, status), "POST", body=b"{}")
        assert isinstance(found, UnexpectedAnswer)
        assert (found.code, found.status) == ("REDIRECT", status)
        assert len(server.asked) == 1
        assert elsewhere.asked == []


def test_multiple_choices_are_an_answer() -> None:
    found, _ = ask(hostile.always(300, b'["/a", "/b"]'))
    assert found.status == 300  # type: ignore[attr-defined]


@pytest.mark.parametrize("make", [hostile.drip, hostile.drip_head])
def test_a_dripping_answer_ends_with_the_total_time(make: object) -> None:
    stop = threading.Event()
    started = monotonic()
    found, _ = ask(make(stop), "POST", body=b"{}")  # type: ignore[operator]
    stop.set()
    assert isinstance(found, OutcomeUnknown)
    assert monotonic() - started < 5


@pytest.mark.parametrize(
    "answering",
    [hostile.silence, hostile.reset, hostile.truncated(), hostile.without_length()],
    ids=["silence", "reset", "truncated", "without_length"],
)
def test_a_lost_answer_is_unknown_for_a_write_and_harmless_for_a_read(
    answering: Answering,
) -> None:
    written, _ = ask(answering, "POST", body=b"{}")
    assert isinstance(written, OutcomeUnknown)
    read, _ = ask(answering, "GET")
    assert isinstance(read, RetryLater)
    searched, _ = ask(answering, "POST", body=b"{}", effect=False)
    assert isinstance(searched, RetryLater)


def test_nothing_was_sent_when_nobody_listens() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    with pytest.raises(RetryLater):
        Transport(f"http://127.0.0.1:{port}", wiring()).request("POST", "/x", body=b"{}")


def test_a_bomb_is_not_unpacked() -> None:
    answering = hostile.gzip_bomb(256)
    list(answering(Asked("GET", "/", {}, b"")))  # packed before memory is measured
    tracemalloc.start()
    try:
        found, _ = ask(answering)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert isinstance(found, CallError)
    assert peak < 120_000_000


def test_a_large_plain_body_is_cut_off() -> None:
    with HostileServer(hostile.always(200, b"x" * 100_001)) as server:
        transport = Transport(server.url, wiring(), body_max_bytes=100_000)
        with pytest.raises(RetryLater, match="larger than 100000"):
            transport.request("GET", "/x")
        transport.close()


@pytest.mark.parametrize(
    ("encoding", "packed"),
    [
        ("gzip", gzip.compress(b'{"a":1}', mtime=0)),
        ("deflate", zlib.compress(b'{"a":1}')),
        ("identity", b'{"a":1}'),
    ],
)
def test_one_encoding_is_undone(encoding: str, packed: bytes) -> None:
    found, _ = ask(hostile.always(200, packed, Content_Encoding=encoding))
    assert found.body == b'{"a":1}'  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("encoding", "packed"),
    [
        ("gzip, gzip", gzip.compress(gzip.compress(b"{}", mtime=0), mtime=0)),
        ("br", b"{}"),
        ("gzip", b"{}"),
        ("gzip", gzip.compress(b"{}", mtime=0)[:-1]),
        ("gzip", gzip.compress(b"{}", mtime=0) + b"more"),
    ],
)
def test_other_encodings_are_refused(encoding: str, packed: bytes) -> None:
    found, _ = ask(hostile.always(200, packed, Content_Encoding=encoding))
    assert isinstance(found, RetryLater)
    assert found.code == "BAD_BODY"


def test_chunks_are_joined_and_a_cut_is_noticed() -> None:
    head = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"

    def whole(_: Asked) -> Iterator[bytes]:
        yield head + b"2\r\nab\r\n" + b"1\r\nc\r\n0\r\n\r\n"

    def cut(_: Asked) -> Iterator[bytes]:
        yield head + b"2\r\nab\r\n"
        raise hostile.Reset

    found, _ = ask(whole)
    assert found.body == b"abc"  # type: ignore[attr-defined]
    found, _ = ask(cut)
    assert isinstance(found, RetryLater)


def test_the_environment_changes_nothing(monkeypatch: pytest.MonkeyPatch, tmp_path: object) -> None:
    netrc = tmp_path / "netrc"  # type: ignore[operator]
    netrc.write_text("machine 127.0.0.1 login a password b\n")
    netrc.chmod(0o600)
    monkeypatch.setenv("NETRC", str(netrc))
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    with HostileServer(hostile.always(200, b"{}", Set_Cookie="a=b")) as server:
        session = Transport(server.url, wiring()).session()
        session.get(f"{server.url}/x", headers={"Authorization": "Bearer t"})
        session.get(f"{server.url}/x")
        session.close()
    assert [asked.headers.get("authorization") for asked in server.asked] == ["Bearer t", None]
    assert all("cookie" not in asked.headers for asked in server.asked)


@pytest.mark.parametrize(
    "url",
    [
        "https://evil.example/x",
        "http://127.0.0.1:1/x",
        "//evil.example/x",
        "https://user:pw@127.0.0.1/x",
        "/a/../b",
        "/a/%2E%2e/b",
        "/a b",
        "/a\r\nX-Evil: 1",
        "/ä",
    ],
)
def test_only_the_connections_own_addresses_are_called(url: str) -> None:
    found, server = ask(hostile.always(200, b"{}"), "GET", url)
    assert isinstance(found, UnexpectedAnswer)
    assert found.code == "URL_REFUSED"
    assert server.asked == []


def test_another_origin_can_be_permitted() -> None:
    with (
        HostileServer(hostile.always(200, b"1")) as one,
        HostileServer(hostile.always(200, b"2")) as two,
    ):
        transport = Transport(one.url, wiring(), also=[two.url])
        assert transport.request("GET", f"{two.url}/x").body == b"2"
        transport.close()


@pytest.mark.parametrize(
    "base",
    [
        "http://example.com",
        "ftp://example.com",
        "https://a:b@example.com",
        "https://",
        "https://a b",
    ],
)
def test_unsafe_base_urls_are_refused(base: str) -> None:
    with pytest.raises(ActionNeeded) as raised:
        Transport(base, wiring())
    assert "a:b" not in str(raised.value)


def test_loopback_needs_permission() -> None:
    with pytest.raises(ActionNeeded) as raised:
        Transport("http://127.0.0.1:80", wiring(allow_loopback=False))
    assert raised.value.code == "ADDRESS_REFUSED"


@pytest.mark.parametrize("address", ["10.0.0.1", "169.254.169.254", "127.0.0.1", "64:ff9b::a00:1"])
def test_a_public_name_with_a_private_address_is_not_called(
    address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def resolved(host: str, port: int, **_: object) -> list[object]:
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        return [(family, socket.SOCK_STREAM, 6, "", (address, port))]

    monkeypatch.setattr(socket, "getaddrinfo", resolved)
    with pytest.raises(ActionNeeded) as raised:
        Transport("https://vendor.example", wiring()).request("POST", "/x", body=b"{}")
    assert raised.value.code == "ADDRESS_REFUSED"


def test_neither_query_nor_header_shows_in_an_error() -> None:
    found, _ = ask(
        hostile.reset, "GET", "/x", query={"token": "s3cret"}, headers={"Authorization": "s3cret"}
    )
    assert isinstance(found, CallError)
    chain: BaseException | None = found
    assert "s3cret" not in repr(found) + str(found)
    assert chain is not None


def test_the_doors_of_sdks_lead_through_the_transport() -> None:
    calls: list[ApiCall] = []
    with HostileServer(hostile.always(200, b'{"amount": 1234567890123456.78}')) as server:
        transport = Transport(server.url, wiring(calls))
        session = transport.session()
        secure = server.url.replace("http:", "https:")
        answer = session.post(f"{secure}/s", json={"a": 1}, params={"q": "1"})
        door = transport.pool_manager()
        pooled = door.request(
            "GET",
            f"{server.url}/p",
            fields=[("b", "2")],
            headers={},
            preload_content=True,
            timeout=3,
        )
        form = door.request(
            "POST", f"{server.url}/f", fields=[("c", "3")], headers={}, encode_multipart=False
        )
        transport.close()
    assert str(answer.json()["amount"]) == "1234567890123456.78"
    assert (answer.status_code, answer.ok) == (200, True)
    assert (pooled.status, pooled.data) == (200, b'{"amount": 1234567890123456.78}')
    assert pooled.getheader("content-length") == "31"
    assert form.status == 200
    assert [asked.target for asked in server.asked] == ["/s?q=1", "/p?b=2", "/f"]
    assert server.asked[0].body == b'{"a": 1}'
    assert server.asked[2].body == b"c=3"
    assert len(calls) == 3


def test_doors_do_not_follow_redirects_either() -> None:
    with HostileServer(hostile.redirect("http://127.0.0.1:9/")) as server:
        transport = Transport(server.url, wiring())
        with pytest.raises(UnexpectedAnswer):
            transport.session().get(f"{server.url}/x")
        with pytest.raises(UnexpectedAnswer):
            transport.pool_manager().request("POST", f"{server.url}/x", body=b"{}")
        transport.close()
    assert len(server.asked) == 2


def test_several_threads_share_one_transport() -> None:
    def echo(asked: Asked) -> Iterator[bytes]:
        yield hostile.answer(200, asked.target.encode())

    found: list[tuple[str, bytes]] = []
    with HostileServer(echo) as server:
        transport = Transport(server.url, wiring(read_seconds=10.0))

        def work(name: int) -> None:
            for turn in range(20):
                path = f"/{name}/{turn}"
                found.append((path, transport.request("GET", path).body))

        threads = [threading.Thread(target=work, args=(name,)) for name in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(30)
        transport.close()
    assert len(found) == 160
    assert all(path.encode() == body for path, body in found)


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("7", 7),
        ("1.5", 1.5),
        (None, 10),
        ("", 10),
        ("-5", 10),
        ("soon", 10),
        ("1000000000", 3600),
        ("9" * 500, 3600),
        ("Sun, 01 Mar 2026 00:00:30 GMT", 30),
        ("Sat, 28 Feb 2026 00:00:30 GMT", 10),
        ("Sun, 01 Mar 2099 00:00:30 GMT", 3600),
    ],
)
def test_retry_after(value: str | None, seconds: float) -> None:
    assert retry_after(value, NOW) == timedelta(seconds=seconds)
