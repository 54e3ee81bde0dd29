"""Reading an answer's body: whole, decoded at most once, never larger than allowed."""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from typing import Final

from urllib3.response import BaseHTTPResponse

_CHUNK_BYTES: Final = 65_536
_BODILESS: Final = frozenset({204, 205, 304})


class BadBody(Exception):
    """The body is not whole, too large, or encoded in a way we do not take."""


def read_body(response: BaseHTTPResponse, method: str, max_bytes: int) -> bytes:
    """The decoded body. Raises ``BadBody``; network errors pass through."""
    if method == "HEAD" or response.status in _BODILESS:
        return b""
    chunked = response.headers.get("transfer-encoding", "").lower() == "chunked"
    if not chunked and "content-length" not in response.headers:
        # It ends when the connection ends, so nobody can tell a cut answer from a whole one.
        raise BadBody("the answer does not say where it ends")
    raw = response.stream(_CHUNK_BYTES, decode_content=False)
    encodings = [
        name.strip().lower()
        for value in response.headers.getlist("content-encoding")
        for name in value.split(",")
        if name.strip().lower() not in ("", "identity")
    ]
    match encodings:
        case []:
            return _joined(raw, max_bytes)
        case ["gzip" | "x-gzip"]:
            return _joined(_inflated(raw, 16 + zlib.MAX_WBITS, max_bytes), max_bytes)
        case ["deflate"]:
            return _joined(_inflated(raw, zlib.MAX_WBITS, max_bytes), max_bytes)
    raise BadBody("the answer is encoded in an unknown way or more than once")


def _joined(chunks: Iterator[bytes], max_bytes: int) -> bytes:
    kept: list[bytes] = []
    size = 0
    for chunk in chunks:
        size += len(chunk)
        if size > max_bytes:
            raise BadBody(f"the answer is larger than {max_bytes} bytes")
        kept.append(chunk)
    return b"".join(kept)


def _inflated(chunks: Iterator[bytes], bits: int, max_bytes: int) -> Iterator[bytes]:
    inflater = zlib.decompressobj(bits)
    left = max_bytes + 1
    fed = False
    try:
        for chunk in chunks:
            fed = fed or bool(chunk)
            while chunk and left > 0 and not inflater.eof:
                out = inflater.decompress(chunk, left)
                left -= len(out)
                chunk = inflater.unconsumed_tail
                yield out
            if left <= 0:
                return
            if inflater.eof and (chunk or inflater.unused_data):
                raise BadBody("the compressed answer goes on after its end")
    except zlib.error as error:
        raise BadBody("the answer is not compressed as it says") from error
    if fed and not inflater.eof:
        raise BadBody("the compressed answer is cut off")
