"""The SDK, fenced: every call to the data address goes through here.

The SDK builds addresses and raises by status; we hold the token, send through our own session,
whose answers are read strictly (amounts exact), and never let it log in, retry or build an address
from a value.
"""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from connectors.errors import AuthFailed, CallError, OutcomeUnknown, UnexpectedAnswer
from connectors.http import redact, retry_after, writes_by_method
from connectors.salesforce.errors import SDK_EXCEPTIONS, sdk_error
from connectors.salesforce.objects import PAGE_MAX
from connectors.salesforce.tokens import Grant, Tokens

if TYPE_CHECKING:
    import requests

# The vendor takes 16,384 bytes for address and headers together (Salesforce Help, article 386264)
# and needs some of them itself: queries fail from about 12,300 characters on.
ADDRESS_MAX_CHARACTERS = 12_000
_BATCH_MIN = 200
_ROWS_MAX = 100_000
_ASKS = re.compile(r"/services/data/[^/]+/jobs/(query|ingest|ingest/[^/]+/batches)", re.ASCII)
_USAGE = re.compile(r"(?:^|[;\s])api-usage=(\d{1,12})/(\d{1,12})", re.ASCII)
# Refused before anything was sent; sent elsewhere by the vendor.
_SAYS_ENOUGH = frozenset({"URL_REFUSED", "REDIRECT"})
_HEADERS = {"Sforce-Call-Options": "client=revline"}
_WRITE_HEADERS = {**_HEADERS, "Sforce-Auto-Assign": "false"}


@dataclass(frozen=True, slots=True)
class Usage:
    """API calls of the whole org in the last 24 hours, and how many it may make."""

    used: int
    limit: int


@dataclass(frozen=True, slots=True)
class Rows:
    """One page of a query. ``more`` is the address of the next one, ``done`` says there is none."""

    rows: tuple[Mapping[str, object], ...]
    done: bool
    total: int
    more: str | None
    vendor_now: datetime | None


@dataclass(frozen=True, slots=True)
class _Request:
    """One call. ``effect``: it may write. ``object`` names the records it is about."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes | None = None
    object: str = ""
    effect: bool = False
    text: bool = False
    apex: bool = False


@dataclass(frozen=True, slots=True)
class TextAnswer:
    """An answer that is not JSON. Header names are in lower case."""

    content: bytes = field(repr=False)
    headers: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class _Client:
    """The SDK's object for one grant."""

    grant: Grant
    sdk: Any


class Rest:
    """Calls to one org. ``open_session`` gives our transport's session for a data address: one that
    keeps to its origin, follows no redirect, bounds every wait and reads JSON exactly."""

    def __init__(
        self,
        tokens: Tokens,
        version: str,
        open_session: Callable[[str], requests.Session],
        now: Callable[[], datetime],
    ) -> None:
        self._tokens = tokens
        self._version = version
        self._open_session = open_session
        self._now = now
        self._lock = threading.Lock()
        self._client: _Client | None = None
        self._usage: Usage | None = None
        self._answer = threading.local()

    def usage(self) -> Usage | None:
        """What the latest answer said about the daily allowance; ``None`` before the first."""
        return self._usage

    def get(self, path: str, *, object: str = "", headers: Mapping[str, str] = _HEADERS) -> object:
        """Read a path below ``/services/data/v…/``. Raises ``CallError``."""
        return self._call(_Request("GET", path, headers, object=object))

    def send(self, method: str, path: str, body: bytes | None, *, object: str = "") -> object:
        """Write. A lost or unreadable answer is ``OutcomeUnknown``."""
        try:
            return self._call(
                _Request(method, path, _WRITE_HEADERS, body=body, object=object, effect=True)
            )
        except UnexpectedAnswer as error:
            if error.code in _SAYS_ENOUGH:
                raise
            raise OutcomeUnknown(error.message, code=error.code, status=error.status) from None

    def ask(self, path: str, body: Mapping[str, str], *, object: str = "") -> object:
        """POST what asks for work but changes no record. Raises ``CallError``."""
        text = json.dumps(body, ensure_ascii=False).encode()
        return self._call(_Request("POST", path, _HEADERS, body=text, object=object))

    def get_text(self, path: str, *, object: str = "") -> TextAnswer:
        """Read what is not JSON. Raises ``CallError``."""
        headers = {**_HEADERS, "Accept": "text/csv"}
        answer = self._call(_Request("GET", path, headers, object=object, text=True))
        return _text_of(answer)

    def put_text(self, path: str, content: bytes, *, object: str = "") -> None:
        """Upload CSV, which changes no record yet. Raises ``CallError``."""
        headers = {**_HEADERS, "Content-Type": "text/csv; charset=UTF-8"}
        self._call(_Request("PUT", path, headers, body=content, object=object, text=True))

    def apex(self, method: str, path: str, body: bytes | None = None) -> object:
        """Call a REST resource that a package or the org itself brings, below
        ``/services/apexrest/``. Anything but a GET may write: a lost answer is ``OutcomeUnknown``.
        """
        effect = method != "GET"
        request = _Request(method, path, _HEADERS, body=body, effect=effect, apex=True)
        try:
            return self._call(request)
        except UnexpectedAnswer as error:
            if not effect or error.code in _SAYS_ENOUGH:
                raise
            raise OutcomeUnknown(error.message, code=error.code, status=error.status) from None

    def query(
        self, soql: str, *, object: str, deleted: bool = False, batch: int = PAGE_MAX
    ) -> Rows:
        """The first page of a query; ``deleted`` takes the recycle bin in. One call."""
        size = max(_BATCH_MIN, min(PAGE_MAX, batch))
        headers = {**_HEADERS, "Sforce-Query-Options": f"batchSize={size}"}
        return self._rows(
            self.get(query_path(soql, deleted=deleted), object=object, headers=headers)
        )

    def all_rows(
        self, soql: str, *, object: str, deleted: bool = False
    ) -> tuple[Mapping[str, object], ...]:
        """All rows of a query, page by page. Raises ``UnexpectedAnswer`` beyond 100,000."""
        page = self.query(soql, object=object, deleted=deleted)
        rows = list(page.rows)
        while not page.done:
            page = self._rows(self.get(self._more_path(page), object=object))
            rows.extend(page.rows)
            if not page.rows or len(rows) > _ROWS_MAX:
                raise UnexpectedAnswer("a query that does not end", code="QUERY_ENDLESS")
        if len(rows) != page.total:
            raise UnexpectedAnswer(
                f"a query promised {page.total} rows and brought {len(rows)}", code="QUERY_CUT"
            )
        return tuple(rows)

    def _more_path(self, page: Rows) -> str:
        prefix = f"/services/data/v{self._version}/"
        more = page.more or ""
        if not re.fullmatch(re.escape(prefix) + r"query(All)?/[A-Za-z0-9_-]{1,80}", more):
            raise UnexpectedAnswer("the address of the next page is no query", code="QUERY_SHAPE")
        return more.removeprefix(prefix)

    def _rows(self, body: object) -> Rows:
        rows = body.get("records") if isinstance(body, Mapping) else None
        if not isinstance(body, Mapping) or not isinstance(rows, list):
            raise UnexpectedAnswer("a query was answered without records", code="QUERY_SHAPE")
        done, total = body.get("done"), body.get("totalSize")
        if not isinstance(done, bool) or not isinstance(total, int):
            raise UnexpectedAnswer("a query was answered without its end", code="QUERY_SHAPE")
        if any(not isinstance(row, Mapping) for row in rows):
            raise UnexpectedAnswer("a query was answered with odd rows", code="QUERY_SHAPE")
        more = body.get("nextRecordsUrl")
        return Rows(
            rows=tuple(rows),
            done=done,
            total=total,
            more=str(more) if more else None,
            vendor_now=getattr(self._answer, "vendor_now", None),
        )

    def _call(self, request: _Request) -> object:
        client = self._current(None)
        try:
            return self._once(client, request)
        except AuthFailed as error:
            if error.status != 401:
                raise
            client = self._current(client)
        try:
            return self._once(client, request)
        except AuthFailed as error:
            raise AuthFailed(
                f"Salesforce refuses a token it has just given ({error.message}); check the run-as "
                "user's API access and the session settings",
                code=error.code,
                status=error.status,
            ) from None

    def _once(self, client: _Client, request: _Request) -> object:
        self._answer.wait = None
        self._answer.came = False
        try:
            answer: object = self._send(client.sdk, request)
        except CallError:
            raise
        except Exception as error:
            if not _is_sdk_error(error):
                if not self._answer.came:
                    raise
                # The SDK trips over JSON that is neither an object nor a list.
                raise UnexpectedAnswer(
                    "the answer is no data that is known here", code="ANSWER_SHAPE"
                ) from None
            problem = sdk_error(
                error, effect=request.effect, object=request.object, wait=self._answer.wait
            )
            problem.message = redact(problem.message, (client.grant.token,))
            problem.args = (problem.message,)
            # Without the chain: the SDK's exception carries address and body.
            raise problem from None
        return answer

    @staticmethod
    def _send(sdk: Any, request: _Request) -> object:
        headers = dict(request.headers)
        if not (request.text or request.apex):
            return sdk.restful(
                request.path, method=request.method, headers=headers, data=request.body
            )
        # The SDK's own way of making a call; its public one reads every answer as JSON.
        answer = sdk._call_salesforce(  # noqa: SLF001
            request.method,
            (sdk.apex_url if request.apex else sdk.base_url) + request.path,
            name=request.path,
            headers=headers,
            data=request.body,
        )
        return answer.json() if request.apex else answer

    def _current(self, stale: _Client | None) -> _Client:
        """The client of the current token; after a 401, of another one than ``stale``."""
        grant = self._tokens.renew(stale.grant) if stale else self._tokens.grant()
        with self._lock:
            held = self._client
            if held is not None and held.grant.number == grant.number:
                return held
            same_place = held is not None and held.grant.instance_url == grant.instance_url
            session = held.sdk.session if held and same_place else self._session(grant)
            client = _Client(grant, self._sdk(grant, session))
            self._client = client
            return client

    def _session(self, grant: Grant) -> requests.Session:
        session = self._open_session(grant.instance_url)
        session.hooks["response"].append(self._noted)
        return session

    def _sdk(self, grant: Grant, session: requests.Session) -> Any:
        from simple_salesforce.api import Salesforce  # slow to import

        sdk = Salesforce(
            instance_url=grant.instance_url,
            session_id=grant.token,
            session=session,
            version=self._version,
        )
        # Indented JSON is for people; it doubles what is sent.
        sdk.headers.pop("X-PrettyPrint", None)
        return sdk

    def _noted(
        self, response: requests.Response, *_args: object, **_kwargs: object
    ) -> requests.Response:
        """Read what every answer says beside its body, errors included."""
        self._answer.came = True
        headers = response.headers
        asked = headers.get("Retry-After")
        self._answer.wait = retry_after(asked, self._now()) if asked is not None else None
        self._answer.vendor_now = _http_date(headers.get("Date"))
        found = _USAGE.search(headers.get("Sforce-Limit-Info", ""))
        if found:
            self._usage = Usage(int(found[1]), int(found[2]))
        return response


def _text_of(answer: object) -> TextAnswer:
    content, headers = getattr(answer, "content", None), getattr(answer, "headers", {})
    if not isinstance(content, bytes):
        raise UnexpectedAnswer("the answer is no text", code="ANSWER_SHAPE")
    return TextAnswer(content, {str(name).lower(): str(headers[name]) for name in headers})


def starts_effect(method: str, path: str) -> bool:
    """Whether a call may change a record. A job that is made or filled does nothing yet."""
    return writes_by_method(method, path) and not _ASKS.fullmatch(path)


def query_path(soql: str, *, deleted: bool = False) -> str:
    """The path of a query. Only what an address cannot hold is encoded, to keep it short."""
    return f"{'queryAll' if deleted else 'query'}/?q={quote(soql, safe=_QUERY_SAFE)}"


_QUERY_SAFE = "',()=<>!*:;/?@"


def in_parts(
    values: Sequence[str], size: int, build: Callable[[Sequence[str]], str]
) -> tuple[tuple[str, tuple[str, ...]], ...]:
    """The queries for these values, ``size`` in each, fewer where the address grows too long."""
    parts: list[tuple[str, tuple[str, ...]]] = []
    waiting = [tuple(values[at : at + size]) for at in range(0, len(values), size)]
    while waiting:
        part = waiting.pop(0)
        soql = build(part)
        if len(query_path(soql)) > ADDRESS_MAX_CHARACTERS and len(part) > 1:
            middle = len(part) // 2
            waiting[:0] = [part[:middle], part[middle:]]
        else:
            parts.append((soql, part))
    return tuple(parts)


def _is_sdk_error(error: Exception) -> bool:
    return any(kind.__name__ in SDK_EXCEPTIONS for kind in type(error).__mro__)


def _http_date(text: str | None) -> datetime | None:
    if text is None:
        return None
    try:
        value = parsedate_to_datetime(text)
    except (ValueError, TypeError):
        return None
    return value.astimezone(UTC) if value.tzinfo is not None else None
