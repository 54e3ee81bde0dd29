"""The one way from a connector to the network.

One attempt per call, within a total time, to the origins named at the start and no other; no
redirect is followed, nothing is taken from the environment, an answer is whole or it is an error.
What the transport cannot settle it says in the connectors' errors: ``RetryLater`` when nothing can
have happened, ``OutcomeUnknown`` when a write may have, ``UnexpectedAnswer`` for an answer that is
not usable. Statuses are left to the connector, redirects apart.

SDKs come in by two doors: :meth:`Transport.session` for those that take a ``requests.Session`` and
:meth:`Transport.pool_manager` for those that take a urllib3 pool manager.
"""

from __future__ import annotations

import email.utils
import re
import ssl
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from time import monotonic
from typing import TYPE_CHECKING, Final
from urllib.parse import urlencode, urlsplit

import urllib3
from urllib3.connectionpool import HTTPConnectionPool
from urllib3.exceptions import HTTPError, LocationParseError
from urllib3.response import BaseHTTPResponse

from connectors.base import ApiCall, Wiring
from connectors.errors import CallError, OutcomeUnknown, RetryLater, UnexpectedAnswer
from connectors.transport_addresses import Origin, origin_of, permitted_origin
from connectors.transport_body import BadBody, read_body
from connectors.transport_json import Json, parse_json
from connectors.transport_secrets import MASK, Secret, redact
from connectors.transport_sockets import Budget, current, pool_for

if TYPE_CHECKING:
    import requests

    from connectors.transport_doors import PoolDoor

__all__ = [
    "MASK",
    "HttpResponse",
    "Json",
    "Secret",
    "Transport",
    "parse_json",
    "redact",
    "retry_after",
]

BODY_MAX_BYTES: Final = 32 * 1_048_576
CONNECTIONS: Final = 16
_READING: Final = frozenset({"GET", "HEAD", "OPTIONS"})
_REDIRECTS: Final = frozenset({301, 302, 303, 305, 306, 307, 308})
_OWN: Final = frozenset({"accept-encoding", "user-agent", "host", "connection"})
_METHOD: Final = re.compile(r"[A-Z]{3,10}", re.ASCII)
_CLIMBS: Final = re.compile(r"^//|(?:^|/)(?:\.|%2e){1,2}(?:/|$)", re.ASCII | re.IGNORECASE)

Query = Mapping[str, str | Sequence[str]]


@dataclass(frozen=True, slots=True)
class HttpResponse:
    """A whole answer. ``headers`` are in the order sent, names in lower case."""

    status: int
    reason: str
    headers: tuple[tuple[str, str], ...]
    body: bytes = field(repr=False)

    def header(self, name: str) -> str | None:
        """The last value of a header, by its name in lower case."""
        return next((value for key, value in reversed(self.headers) if key == name), None)

    def json(self) -> Json:
        """The body as JSON, numbers exact. Raises ``UnexpectedAnswer``."""
        return parse_json(self.body)


def writes_by_method(method: str, path: str) -> bool:  # noqa: ARG001 - a connector's own rule may look at the path
    """Whether a call changes something, going by its method alone."""
    return method not in _READING


class Transport:
    """Calls to one origin, and to those named in ``also``. Safe to use from several threads.

    ``effect_of(method, path)`` says whether a call may change something, for calls that do not say
    so themselves; a vendor that searches by POST needs its own. ``limit_class`` is what calls are
    observed under: a name, or a function of the method and path. ``total_seconds`` bounds a call
    from connecting to the last byte; resolving a name is outside of it.
    """

    def __init__(
        self,
        base_url: str,
        wiring: Wiring,
        *,
        limit_class: str | Callable[[str, str], str] = "default",
        effect_of: Callable[[str, str], bool] = writes_by_method,
        also: Sequence[str] = (),
        body_max_bytes: int = BODY_MAX_BYTES,
        total_seconds: float | None = None,
        connections: int = CONNECTIONS,
    ) -> None:
        """Raises ``ActionNeeded`` when a URL must not be used."""
        self.base_url: Final = base_url.rstrip("/")
        self.wiring: Final = wiring
        self.effect_of: Final = effect_of
        self.origin: Final = permitted_origin(base_url, allow_loopback=wiring.allow_loopback)
        self._limit_class = limit_class
        self._body_max_bytes = body_max_bytes
        self._total_seconds = total_seconds or wiring.connect_seconds + 2 * wiring.read_seconds
        self._connections = connections
        self._lock = threading.Lock()
        self._pools: dict[Origin, HTTPConnectionPool | None] = {self.origin: None}
        for url in also:
            self.allow(url)

    def allow(self, url: str) -> Origin:
        """Permit one more origin (a token host, the instance a login names).

        The same checks apply as to the base URL. Raises ``ActionNeeded``.
        """
        origin = permitted_origin(url, allow_loopback=self.wiring.allow_loopback)
        with self._lock:
            self._pools.setdefault(origin, None)
        return origin

    def close(self) -> None:
        """Drop idle connections."""
        with self._lock:
            pools = [pool for pool in self._pools.values() if pool is not None]
        for pool in pools:
            pool.close()

    def request(
        self,
        method: str,
        path: str,
        *,
        query: Query | None = None,
        headers: Mapping[str, str] | None = None,
        body: bytes | None = None,
        effect: bool | None = None,
    ) -> HttpResponse:
        """One attempt. ``path`` starts with a slash and follows the base URL, or is a whole URL.

        Raises ``RetryLater`` when nothing can have happened or the call changes nothing,
        ``OutcomeUnknown`` when a write was sent and its answer did not arrive whole,
        ``UnexpectedAnswer`` for redirects and addresses that are not permitted.
        """
        url = self.base_url + path if path.startswith("/") else path
        if query:
            url += ("&" if "?" in url else "?") + urlencode(query, doseq=True)
        origin = self._permitted(method, url)
        bare = urlsplit(url).path
        writes = self.effect_of(method, bare) if effect is None else effect
        started = monotonic()
        status: int | None = None
        try:
            response = self._attempt(origin, method, url, headers or {}, body, writes=writes)
            status = response.status
        except CallError as error:
            status = error.status
            raise
        finally:
            elapsed = int((monotonic() - started) * 1000)
            name = self._limit_class
            name = name if isinstance(name, str) else name(method, bare)
            self.wiring.observe(ApiCall(method, bare, status, elapsed, name))
        return response

    def session(self) -> requests.Session:
        """A ``requests.Session`` whose calls go through here. https is turned into http for a
        loopback base URL, because some SDKs insist on https."""
        from connectors.transport_doors import session_over

        return session_over(self)

    def pool_manager(self) -> PoolDoor:
        """What generated clients call a pool manager: ``request(method, url, **options)``."""
        from connectors.transport_doors import PoolDoor

        return PoolDoor(self)

    def _permitted(self, method: str, url: str) -> Origin:
        try:
            origin = origin_of(url)
        except ValueError as error:
            raise UnexpectedAnswer(f"refusing to call: {error}", code="URL_REFUSED") from None
        with self._lock:
            known = origin in self._pools
        if not known:
            raise UnexpectedAnswer(
                f"refusing to call {origin.host}: it is not an address of this connection",
                code="URL_REFUSED",
            )
        if not _METHOD.fullmatch(method) or _CLIMBS.search(urlsplit(url).path):
            raise UnexpectedAnswer("refusing to call: the path climbs", code="URL_REFUSED")
        return origin

    def _pool(self, origin: Origin) -> HTTPConnectionPool:
        with self._lock:
            pool = self._pools[origin]
            if pool is None:
                pool = self._pools[origin] = pool_for(origin, connections=self._connections)
            return pool

    def _attempt(
        self,
        origin: Origin,
        method: str,
        url: str,
        headers: Mapping[str, str],
        body: bytes | None,
        *,
        writes: bool,
    ) -> HttpResponse:
        budget = Budget(
            total_seconds=self._total_seconds,
            connect_seconds=self.wiring.connect_seconds,
            read_seconds=self.wiring.read_seconds,
            body_max_bytes=self._body_max_bytes,
        )
        token = current.set(budget)
        where = f"{method} {origin.host}{urlsplit(url).path}"
        try:
            return self._exchange(origin, method, url, headers, body)
        except BadBody as error:
            raise _lost(f"{where}: {error}", "BAD_BODY", unknown=writes) from error
        except ssl.SSLError as error:
            raise _lost(
                f"{where}: {_cause(error)}", "TLS", unknown=writes and budget.sent
            ) from error
        except LocationParseError:
            raise UnexpectedAnswer(f"{method}: not a URL", code="URL_REFUSED") from None
        except (HTTPError, OSError) as error:
            unknown = writes and budget.sent
            raise _lost(f"{where}: {_cause(error)}", "NETWORK", unknown=unknown) from error
        finally:
            current.reset(token)

    def _exchange(
        self,
        origin: Origin,
        method: str,
        url: str,
        headers: Mapping[str, str],
        body: bytes | None,
    ) -> HttpResponse:
        parts = urlsplit(url)
        target = parts.path or "/"
        target = f"{target}?{parts.query}" if parts.query else target
        sent = {name: value for name, value in headers.items() if name.lower() not in _OWN}
        sent |= {"Accept-Encoding": "gzip", "User-Agent": "revline"}
        response = self._pool(origin).urlopen(
            method,
            target,
            body=body,
            headers=sent,
            retries=False,
            redirect=False,
            assert_same_host=False,
            timeout=urllib3.Timeout(self.wiring.connect_seconds, self.wiring.read_seconds),
            preload_content=False,
            decode_content=False,
        )
        whole = False
        try:
            content = b"" if response.status in _REDIRECTS else self._content(response, method)
            whole = response.status not in _REDIRECTS
        finally:
            # A connection with an unread rest must not serve another call.
            response.release_conn() if whole else response.close()
        if not whole:
            raise UnexpectedAnswer(
                f"{method} {origin.host}{parts.path} answered with a redirect ({response.status})",
                code="REDIRECT",
                status=response.status,
            )
        pairs = tuple((name.lower(), value) for name, value in response.headers.iteritems())
        return HttpResponse(response.status, response.reason or "", pairs, content)

    def _content(self, response: BaseHTTPResponse, method: str) -> bytes:
        return read_body(response, method, self._body_max_bytes)


def retry_after(
    value: str | None,
    now: datetime,
    *,
    otherwise: timedelta = timedelta(seconds=10),
    maximum: timedelta = timedelta(hours=1),
) -> timedelta:
    """The wait that a ``Retry-After`` value asks for: seconds or an HTTP date (RFC 9110, 10.2.3).

    What cannot be read or lies in the past is ``otherwise``; nothing is longer than ``maximum``.
    """
    text = (value or "").strip()
    if re.fullmatch(r"[0-9]+(\.[0-9]+)?", text, re.ASCII):
        # Long digits would overflow a timedelta; they ask for more than the maximum in any case.
        seconds = float(text[:12])
        return min(timedelta(seconds=seconds), maximum)
    try:
        wait = email.utils.parsedate_to_datetime(text) - now
    except (ValueError, TypeError, OverflowError):
        return otherwise
    return min(wait, maximum) if wait > timedelta(0) else otherwise


def _lost(message: str, code: str, *, unknown: bool) -> CallError:
    return OutcomeUnknown(message, code=code) if unknown else RetryLater(message, code=code)


def _cause(error: BaseException) -> str:
    """What went wrong, in words that hold no URL: the library's messages may quote queries."""
    reason = getattr(error, "reason", None)
    inner = reason if isinstance(reason, BaseException) else error
    if isinstance(inner, TimeoutError | urllib3.exceptions.TimeoutError):
        return "no answer in time"
    if isinstance(inner, urllib3.exceptions.NameResolutionError):
        return "the host name cannot be resolved"
    if isinstance(inner, urllib3.exceptions.NewConnectionError):
        return "cannot connect"
    if isinstance(inner, ssl.SSLError | urllib3.exceptions.SSLError):
        return "the TLS connection failed"
    return f"the connection broke ({type(inner).__name__})"
