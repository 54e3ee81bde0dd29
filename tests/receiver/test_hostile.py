"""Hostile requests over raw sockets: refused with 4xx or cut off, nothing kept, no traceback."""

from __future__ import annotations

import contextlib
import json
import random
import socket
import time
from collections.abc import Callable

import pytest

from tests.receiver.receiver_kit import (
    CEILING_SECONDS,
    PUBLIC_URL,
    SECRET,
    Running,
    events,
    raw_post,
    read_all,
    sign,
    signed_headers,
    status,
)

BODY = events("x")
OLD, EARLY = -301.0, +301.0


def head(*lines: str, body: bytes = b"") -> bytes:
    return "\r\n".join(lines).encode("latin-1") + b"\r\n\r\n" + body


def post(*lines: str, body: bytes = b"", target: str = "/webhooks/hub") -> bytes:
    signed = [f"{name}: {value}" for name, value in signed_headers(body)]
    return head(
        f"POST {target} HTTP/1.1", "host: x", "connection: close", *signed, *lines, body=body
    )


def chunked(*chunks: bytes, end: bytes = b"0\r\n\r\n") -> bytes:
    return b"".join(b"%x\r\n%s\r\n" % (len(chunk), chunk) for chunk in chunks) + end


def at(offset: float) -> bytes:
    return raw_post(BODY, headers=signed_headers(BODY, at=time.time() + offset))


def signature(value: str) -> bytes:
    stamp = str(int(time.time()))
    return raw_post(BODY, headers=[("x-time", stamp), ("x-signature", value)])


def twice() -> bytes:
    return raw_post(BODY, headers=signed_headers(BODY) * 2)


def replayed_elsewhere() -> bytes:
    return raw_post(BODY, path="/webhooks/hub?x=1", headers=signed_headers(BODY))


FORGED: dict[str, Callable[[], bytes]] = {
    "no signature": lambda: raw_post(BODY, headers=[]),
    "no time": lambda: raw_post(BODY, headers=signed_headers(BODY)[1:]),
    "empty signature": lambda: signature(""),
    "wrong signature": lambda: signature("0" * 64),
    "signature in other case": lambda: signature(
        sign("POST", PUBLIC_URL + "/webhooks/hub", str(int(time.time())), BODY).upper() + "A"
    ),
    "signature not ASCII": lambda: signature("é" * 64),
    "signature with tab": lambda: signature("\t" + "0" * 64),
    "late": lambda: at(OLD),
    "early": lambda: at(EARLY),
    "ten years ahead": lambda: at(315_360_000),
    "negative time": lambda: raw_post(BODY, headers=[("x-time", "-1"), ("x-signature", "0")]),
    "time not ASCII": lambda: raw_post(BODY, headers=[("x-time", "²"), ("x-signature", "0")]),
    "long time": lambda: raw_post(BODY, headers=[("x-time", "9" * 5000), ("x-signature", "0")]),
    "two signatures": twice,
    "signature of another address": replayed_elsewhere,
    "signature of another body": lambda: raw_post(BODY + b" ", headers=signed_headers(BODY)),
    "signature of an empty body": lambda: raw_post(BODY, headers=signed_headers(b"")),
}

UNREADABLE: dict[str, bytes] = {
    "empty": b"",
    "not UTF-8": b"\xff\xfe\x00[",
    "UTF-16": '[{"object":"c"}]'.encode("utf-16"),
    "truncated": BODY[:-3],
    "a number": b"7",
    "a text": b'"hello"',
    "list of numbers": b"[1,2,3]",
    "object": b'{"object": {}}',
    "missing key": b'[{"object":"contacts"}]',
    "wrong types": b'[{"object":1,"id":[],"kind":"changed","key":{}}]',
    "unknown kind": b'[{"object":"c","id":"1","kind":"exploded","key":"k"}]',
    "lone surrogate": b'[{"object":"c","id":"\\ud800","kind":"changed","key":"k"}]',
    "deep lists": b"[" * 60_000,
    "deep objects": b'{"a":' * 10_000,
    "endless digits": b"[" + b"9" * 20_000 + b"]",
    "infinity": b"[Infinity]",
    "binary": bytes(range(256)) * 8,
}

REFUSED: dict[str, tuple[bytes, set[int]]] = {
    "unknown connection": (raw_post(BODY, path="/webhooks/nobody"), {404}),
    "name with dots": (raw_post(BODY, path="/webhooks/..%2fhub"), {404}),
    "name encoded": (raw_post(BODY, path="/webhooks/h%75b"), {404}),
    "name in capitals": (raw_post(BODY, path="/webhooks/HUB"), {404}),
    "name too long": (raw_post(BODY, path="/webhooks/" + "a" * 5000), {404}),
    "no name": (raw_post(BODY, path="/webhooks/"), {404}),
    "one level more": (raw_post(BODY, path="/webhooks/hub/more"), {404}),
    "slash at the end": (raw_post(BODY, path="/webhooks/hub/"), {404}),
    "two slashes": (raw_post(BODY, path="//webhooks/hub"), {404}),
    "traversal": (raw_post(BODY, path="/../../etc/passwd"), {400, 404}),
    "NUL in the path": (raw_post(BODY, path="/webhooks/hub%00"), {404}),
    "path not UTF-8": (raw_post(BODY, path="/webhooks/%ff%fe"), {404}),
    "wrong method": (head("GET /webhooks/hub HTTP/1.1", "host: x", "connection: close"), {405}),
    "put": (head("PUT /webhooks/hub HTTP/1.1", "host: x", "connection: close"), {405}),
    "write to health": (head("POST /healthz HTTP/1.1", "host: x", "connection: close"), {405}),
    "unknown method": (head("BREW /webhooks/hub HTTP/1.1", "host: x"), {400}),
    "connect": (head("CONNECT internal:22 HTTP/1.1", "host: internal:22"), {400, 404, 0}),
    "trace": (head("TRACE / HTTP/1.1", "host: x", "connection: close"), {404, 405}),
    "star": (head("OPTIONS * HTTP/1.1", "host: x", "connection: close"), {400, 404, 405}),
    "gzip": (post("content-encoding: gzip", f"content-length: {len(BODY)}", body=BODY), {415}),
    "nested encodings": (
        post("content-encoding: gzip, gzip", "content-length: 2", body=b"[]"),
        {415},
    ),
    "too large by word": (post("content-length: 65537"), {413}),
    "absurd length": (post("content-length: " + "9" * 30), {400, 413}),
    "negative length": (post("content-length: -1"), {400}),
    "length as a sum": (post("content-length: 1+1", body=b"[]"), {400}),
    "length in hexadecimal": (post("content-length: 0x2", body=b"[]"), {400}),
    "length with underscore": (post("content-length: 1_0", body=b"[]" * 5), {400}),
    "two lengths": (post("content-length: 2", "content-length: 3", body=b"[] "), {400}),
    "two equal lengths": (post("content-length: 2", "content-length: 2", body=b"[]"), {400}),
    "list of lengths": (post("content-length: 2, 2", body=b"[]"), {400}),
    "length and chunks": (
        post("content-length: 2", "transfer-encoding: chunked", body=chunked(b"[]")),
        {400},
    ),
    "chunks and length": (
        post("transfer-encoding: chunked", "content-length: 2", body=chunked(b"[]")),
        {400},
    ),
    "unknown transfer": (post("transfer-encoding: identity", body=b"[]"), {400}),
    "gzip transfer": (post("transfer-encoding: gzip, chunked", body=chunked(b"[]")), {400}),
    "chunked twice": (post("transfer-encoding: chunked, chunked", body=chunked(b"[]")), {400}),
    "chunk size negative": (
        post("transfer-encoding: chunked", body=b"-2\r\n[]\r\n0\r\n\r\n"),
        {400},
    ),
    "chunk size huge": (
        post("transfer-encoding: chunked", body=b"ffffffffffffffffff\r\n[]"),
        {400},
    ),
    "chunk size not hexadecimal": (post("transfer-encoding: chunked", body=b"zz\r\n[]"), {400}),
    "chunks too large": (
        post("transfer-encoding: chunked", body=chunked(*[b"x" * 8192] * 9)),
        {413, 0},
    ),
    "byte by byte too large": (
        post("transfer-encoding: chunked", body=chunked(*[b"x"] * 200_000)),
        {413, 0},
    ),
    "header too long": (post("x-long: " + "a" * 20_000), {431}),
    "many headers": (post(*[f"x-{n}: a" for n in range(200)]), {431}),
    "very many headers": (post(*[f"x-{n}: a" for n in range(30_000)]), {431, 0}),
    "endless header": (b"POST /webhooks/hub HTTP/1.1\r\nx: " + b"a" * 400_000, {431, 0}),
    "endless target": (b"POST /" + b"a" * 400_000, {431, 0}),
    "long query": (raw_post(BODY, path="/webhooks/hub?" + "a" * 20_000), {431}),
    "folded header": (post("x-one: a\r\n b"), {400, 401}),
    "space before colon": (post("x-one : a"), {400}),
    "no colon": (post("x-one"), {400}),
    "header name with NUL": (post("x-\0one: a"), {400}),
    "header value with NUL": (post("x-one: a\0b"), {400}),
    "bare line feed": (
        b"POST /webhooks/hub HTTP/1.1\nhost: x\ncontent-length: 2\n\n[]",
        {400, 401},
    ),
    "carriage return in value": (post("x-one: a\rb: c"), {400}),
    "HTTP 0.9": (b"GET /\r\n\r\n", {400, 404}),
    "HTTP 9.9": (b"POST /webhooks/hub HTTP/9.9\r\nhost: x\r\n\r\n", {400}),
    "no target": (b"POST  HTTP/1.1\r\n\r\n", {400}),
    "TLS hello": (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"\0" * 40, {400}),
    "HTTP 2 preface": (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", {400, 0}),
    "SSH": (b"SSH-2.0-OpenSSH_9.2\r\n", {400}),
    "websocket": (
        head(
            "GET /webhooks/hub HTTP/1.1",
            "host: x",
            "upgrade: websocket",
            "connection: upgrade",
            "sec-websocket-key: AAAAAAAAAAAAAAAAAAAAAA==",
            "sec-websocket-version: 13",
        ),
        {400, 405},
    ),
    "absolute form of another host": (
        raw_post(BODY, path="http://169.254.169.254/webhooks/nobody"),
        {400, 404},
    ),
    "absolute form without path": (head("GET http://x HTTP/1.1", "host: x"), {400, 404}),
    "connector that breaks": (raw_post(BODY, path="/webhooks/broken"), {400}),
}


@pytest.fixture(autouse=True)
def _nothing_kept(receiver: Running) -> object:
    before = receiver.rows()
    yield
    assert receiver.rows() == before, "a refused request was kept"
    text = receiver.log()
    assert "Traceback" not in text
    assert "canary" not in text
    assert SECRET.decode() not in text


def no_leak(answer: bytes) -> None:
    for word in (b"Traceback", b"Error:", b".py", b"canary", SECRET):
        assert word not in answer


@pytest.mark.parametrize("name", FORGED)
def test_forged(receiver: Running, name: str) -> None:
    answer = receiver.exchange(FORGED[name]())
    assert status(answer) in (400, 401), answer[:300]
    no_leak(answer)


@pytest.mark.parametrize("name", UNREADABLE)
def test_signed_but_unreadable(receiver: Running, name: str) -> None:
    body = UNREADABLE[name]
    answer = receiver.exchange(raw_post(body, headers=signed_headers(body)))
    assert status(answer) == 400, answer[:300]
    no_leak(answer)


@pytest.mark.parametrize("name", REFUSED)
def test_refused(receiver: Running, name: str) -> None:
    data, allowed = REFUSED[name]
    answer = receiver.exchange(data, end=True)
    assert status(answer) in allowed, answer[:300]
    assert answer.count(b"HTTP/1.1 ") <= 1
    no_leak(answer)


UNFINISHED: dict[str, bytes] = {
    "silent": b"",
    "blank lines": b"\r\n\r\n",
    "one byte": b"P",
    "in headers": b"POST /webhooks/hub HTTP/1.1\r\nhost: x\r\nx-slow: ",
    "in body": post("content-length: 10", body=b"[")[:-1],
    "in chunk": post("transfer-encoding: chunked", body=b"5\r\n[1,2"),
    "no last chunk": post("transfer-encoding: chunked", body=chunked(b"[]", end=b"")),
    "in trailer": post("transfer-encoding: chunked", body=chunked(b"[]", end=b"0\r\nx-trailer: ")),
    "behind another": raw_post(b"", headers=[], close=False) + b"POST /web",
}


def test_unfinished_requests_are_cut_off(receiver: Running) -> None:
    with contextlib.ExitStack() as stack:
        clients = {name: stack.enter_context(receiver.connect()) for name in UNFINISHED}
        for name, client in clients.items():
            client.sendall(UNFINISHED[name])
        for name, client in clients.items():
            assert status(read_all(client)) in (0, 400, 401, 408), name


def test_dripping_headers_and_blank_lines_are_cut_off(receiver: Running) -> None:
    for drip in (b"x", b"\r\n"):
        with receiver.connect() as client:
            client.settimeout(0.1)
            if drip == b"x":
                client.sendall(b"POST /webhooks/hub HTTP/1.1\r\nx-slow: ")
            until = time.monotonic() + CEILING_SECONDS
            ended = False
            while not ended:
                assert time.monotonic() < until, "a dripping client was never cut off"
                try:
                    client.sendall(drip)
                    data = client.recv(1000)
                    ended = not data or b"408" in data
                except TimeoutError:
                    continue
                except ConnectionError:
                    ended = True


def test_what_follows_a_refusal_is_not_a_request(receiver: Running) -> None:
    """A second request smuggled behind a broken one must not be seen."""
    inner = raw_post(BODY)
    for outer in (
        post("content-length: 2", "content-length: 3", body=b""),
        post("content-length: 99999999", body=b""),
        post("content-length: 2", "transfer-encoding: chunked", body=b""),
        head(
            "POST /webhooks/hub HTTP/1.1", "host: x", "content-encoding: gzip", "content-length: 0"
        ),
    ):
        answer = receiver.exchange(outer + inner, end=True)
        assert answer.count(b"HTTP/1.1 ") <= 1, answer
        assert status(answer) in (0, 400, 413, 415)


def test_trailers_are_no_headers(receiver: Running) -> None:
    stamp_and_signature = "".join(f"{n}: {v}\r\n" for n, v in signed_headers(BODY))
    body = chunked(BODY, end=b"0\r\n" + stamp_and_signature.encode() + b"\r\n")
    data = head(
        "POST /webhooks/hub HTTP/1.1",
        "host: x",
        "transfer-encoding: chunked",
        "connection: close",
        body=body,
    )
    assert status(receiver.exchange(data)) == 401


def test_flood_of_pipelined_requests_ends(receiver: Running) -> None:
    one = b"GET /webhooks/hub HTTP/1.1\r\nhost: x\r\n\r\n"
    answer = receiver.exchange(one * 20_000, end=True)
    assert answer.count(b"HTTP/1.1 405") <= 1000
    assert status(receiver.exchange(head("GET /healthz HTTP/1.1", "connection: close"))) == 200


def test_too_many_connections_are_turned_away_and_room_comes_back(receiver: Running) -> None:
    clients: list[socket.socket] = []
    try:
        clients.extend(receiver.connect() for _ in range(35))
        answers = [read_all(client) for client in clients[30:]]
        assert {status(answer) for answer in answers} <= {503, 0}
        assert any(b"too_many_connections" in answer for answer in answers)
        for client in clients:
            read_all(client)  # the silent ones are cut off at their deadline
    finally:
        for client in clients:
            client.close()
    assert status(receiver.exchange(head("GET /healthz HTTP/1.1", "connection: close"))) == 200


def test_mutations_of_a_good_request_are_never_a_5xx_and_never_kept(receiver: Running) -> None:
    """Every mutation touches the signature, the time, the body, or breaks the request."""
    seed = random.randrange(10**6)
    print(f"seed {seed}")
    chance = random.Random(seed)
    good = raw_post(BODY)
    first = good.index(b"x-signature: ") + len(b"x-signature: ")
    for _ in range(150):
        data = bytearray(good)
        for _ in range(chance.randrange(0, 4)):
            place = chance.randrange(len(data))
            data[place : place + chance.randrange(3)] = chance.randbytes(chance.randrange(4))
        place = first + chance.randrange(64)
        if place < len(data):
            data[place] = ord("g")  # not a hexadecimal digit: never the right signature
        answer = receiver.exchange(bytes(data), end=True)
        code = status(answer)
        assert code == 0 or 400 <= code < 500, (seed, code, bytes(data))
        no_leak(answer)


def test_the_receiver_is_still_well(receiver: Running) -> None:
    answer = receiver.exchange(head("GET /metrics HTTP/1.1", "connection: close"))
    assert b'outcome="forged"' in answer
    assert b'outcome="unreadable"' in answer
    assert json.loads(
        receiver.exchange(head("GET /readyz HTTP/1.1", "connection: close")).split(b"\r\n\r\n")[1]
    ) == {"status": "ready"}
    assert receiver.process.poll() is None
