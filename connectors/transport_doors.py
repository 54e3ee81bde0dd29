"""The transport as vendor SDKs want it: a ``requests.Session``, or a urllib3 pool manager."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode, urlsplit, urlunsplit

import requests
from requests.adapters import BaseAdapter
from requests.structures import CaseInsensitiveDict
from requests.utils import get_encoding_from_headers

from connectors.transport_json import parse_json

if TYPE_CHECKING:
    from connectors.http import HttpResponse, Transport


class ExactResponse(requests.Response):
    """An answer whose JSON keeps its numbers exact."""

    def json(self, **_: Any) -> Any:
        """The body as JSON with decimals. Raises ``UnexpectedAnswer``."""
        return parse_json(self.content)


class _Adapter(BaseAdapter):
    def __init__(self, transport: Transport) -> None:
        super().__init__()
        self._transport = transport

    def send(
        self,
        request: requests.PreparedRequest,
        stream: bool = False,  # noqa: FBT001, FBT002, ARG002 - the signature is given
        timeout: Any = None,  # noqa: ARG002
        verify: bool | str = True,  # noqa: FBT001, FBT002, ARG002
        cert: Any = None,  # noqa: ARG002
        proxies: Mapping[str, str] | None = None,  # noqa: ARG002
    ) -> requests.Response:
        body = request.body
        answer = self._transport.request(
            request.method or "GET",
            _reachable(self._transport, request.url or ""),
            headers={name: _text(value) for name, value in request.headers.items()},
            body=body.encode() if isinstance(body, str) else _bytes(body),
        )
        return _response(request, answer)

    def close(self) -> None:
        self._transport.close()


def session_over(transport: Transport) -> requests.Session:
    """A session that keeps no cookies and reads nothing from the environment."""
    session = requests.Session()
    session.trust_env = False
    session.max_redirects = 0
    session.adapters.clear()
    adapter = _Adapter(transport)
    session.mount("https://", adapter)
    session.mount("http://", adapter)
    return session


class PoolDoor:
    """Answers ``request`` the way a urllib3 pool manager does, through the transport."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    def request(
        self,
        method: str,
        url: str,
        body: bytes | str | None = None,
        fields: Mapping[str, Any] | Sequence[tuple[str, Any]] | None = None,
        headers: Mapping[str, str] | None = None,
        *,
        encode_multipart: bool = True,
        **_: Any,
    ) -> PoolAnswer:
        """One attempt. Fields go into the query, or into a form where the method has a body."""
        sent = {name: str(value) for name, value in (headers or {}).items()}
        content = body.encode() if isinstance(body, str) else body
        if fields and method in ("GET", "HEAD", "DELETE"):
            url += ("&" if "?" in url else "?") + urlencode(fields, doseq=True)
        elif fields:
            if encode_multipart:
                raise NotImplementedError("multipart forms are not sent by any connector")
            content = urlencode(fields, doseq=True).encode()
            sent["Content-Type"] = "application/x-www-form-urlencoded"
        return PoolAnswer(self._transport.request(method, url, headers=sent, body=content))

    def clear(self) -> None:
        """Drop idle connections."""
        self._transport.close()


class PoolAnswer:
    """An answer with the names that generated clients read."""

    def __init__(self, answer: HttpResponse) -> None:
        self.status = answer.status
        self.reason = answer.reason
        self.data = answer.body
        self.headers = CaseInsensitiveDict(answer.headers)

    def getheaders(self) -> CaseInsensitiveDict[str]:
        """All headers."""
        return self.headers

    def getheader(self, name: str, default: str | None = None) -> str | None:
        """One header."""
        return self.headers.get(name, default)


def _reachable(transport: Transport, url: str) -> str:
    """Plain http for a loopback origin that SDKs address by https."""
    parts = urlsplit(url)
    base = urlsplit(transport.base_url)
    if base.scheme == "http" and parts.scheme == "https" and parts.netloc == base.netloc:
        return urlunsplit(parts._replace(scheme="http"))
    return url


def _response(request: requests.PreparedRequest, answer: HttpResponse) -> requests.Response:
    response = ExactResponse()
    response.status_code = answer.status
    response.reason = answer.reason
    response.headers = CaseInsensitiveDict(answer.headers)
    response.encoding = get_encoding_from_headers(response.headers)
    response.url = request.url or ""
    response.request = request
    response.raw = io.BytesIO(answer.body)
    response._content = answer.body  # noqa: SLF001 - how requests itself marks a body as read
    response._content_consumed = True  # type: ignore[attr-defined]  # noqa: SLF001
    return response


def _text(value: str | bytes) -> str:
    return value.decode("latin-1") if isinstance(value, bytes) else value


def _bytes(body: Any) -> bytes | None:
    if body is None or isinstance(body, bytes):
        return body
    raise NotImplementedError("streamed request bodies are not sent by any connector")
