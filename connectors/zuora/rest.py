"""Every call to Zuora goes through here: headers, the token, and whether an answer is a success."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Final
from urllib.parse import quote, urlencode

from connectors.errors import AuthFailed, CallError, OutcomeUnknown, UnexpectedAnswer
from connectors.http import redact, retry_after
from connectors.transport_json import parse_json
from connectors.zuora.errors import About, Refusal, call_error, succeeded
from connectors.zuora.settings import Settings
from connectors.zuora.tokens import Grant, Tokens

if TYPE_CHECKING:
    import requests

# Idempotency-Key is honoured on these two and refused on PUT ("Idempotent requests").
_KEYED: Final = frozenset({"POST", "PATCH"})
_SAYS_ENOUGH: Final = frozenset({"URL_REFUSED", "REDIRECT"})
_KEY: Final = re.compile(r"[A-Za-z0-9_-]{1,64}", re.ASCII)
_SECONDS: Final = re.compile(r"[0-9]{1,9}", re.ASCII)
_DAY: Final = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Call:
    """One call. ``key`` is the change's; ``about`` says what a refusal would mean.

    ``keyed``: the operation lists Idempotency-Key, so that the key may be sent.
    """

    method: str
    path: str
    query: tuple[tuple[str, str], ...] = ()
    body: bytes | None = None
    key: str = ""
    keyed: bool = True
    about: About = field(default_factory=About)


@dataclass(frozen=True, slots=True)
class Answered:
    """A success: its body, and what its headers say."""

    body: Mapping[str, object]
    request_id: str | None
    vendor_now: datetime | None


def path_of(template: str, key: str) -> str:
    """The address with the key in its place, encoded so that it stays one step of the path."""
    return template.replace("{}", quote(key, safe=""))


class Rest:
    """Calls to one tenant. ``session`` is our transport's: it keeps to its origin, follows no
    redirect, bounds every wait and reads JSON exactly."""

    def __init__(
        self,
        settings: Settings,
        tokens: Tokens,
        session: Callable[[], requests.Session],
        now: Callable[[], datetime],
    ) -> None:
        self._settings = settings
        self._tokens = tokens
        self._session = session
        self._now = now

    def tenant(self) -> str:
        """The tenant that the current token opens."""
        return self._tokens.grant().tenant

    def get(
        self,
        path: str,
        query: Sequence[tuple[str, str]] = (),
        *,
        about: About | None = None,
    ) -> Answered:
        """Read. Raises ``CallError``."""
        return self.send(Call("GET", path, tuple(query), about=about or About()))

    def send(self, call: Call) -> Answered:
        """Make a call; for one with an effect a lost or unreadable answer is ``OutcomeUnknown``."""
        try:
            return self._send(call)
        except UnexpectedAnswer as error:
            if not call.about.effect or error.code in _SAYS_ENOUGH:
                raise
            raise OutcomeUnknown(error.message, code=error.code, status=error.status) from None

    def _send(self, call: Call) -> Answered:
        grant = self._tokens.grant()
        try:
            return self._once(call, grant)
        except AuthFailed as error:
            if error.status != 401:
                raise
        try:
            return self._once(call, self._tokens.renew(grant))
        except AuthFailed as error:
            raise AuthFailed(
                f"Zuora refuses a token it has just given ({error.message}); check the API user's "
                "role and the entity",
                code=error.code,
                status=error.status,
            ) from None

    def _once(self, call: Call, grant: Grant) -> Answered:
        url = self._settings.base_url + call.path
        if call.query:
            url += "?" + urlencode(call.query)
        response = self._session().request(
            call.method, url, data=call.body, headers=self._headers(call, grant)
        )
        request_id = _printable(response.headers.get("Zuora-Request-Id"))
        status = response.status_code
        body = _body(response)
        if 200 <= status < 300 and isinstance(body, Mapping) and succeeded(body) is not False:
            if call.about.effect and succeeded(body) is None:
                raise OutcomeUnknown(
                    "the answer to a write does not say whether it succeeded",
                    code="ANSWER_SHAPE",
                    status=status,
                    request_id=request_id,
                )
            return Answered(body, request_id, _http_date(response.headers.get("Date")))
        if 200 <= status < 300 and not isinstance(body, Mapping):
            # Raises with what is wrong with the text, where it is no JSON at all.
            parse_json(response.content)
            raise UnexpectedAnswer(
                "the answer is not an object", code="ANSWER_SHAPE", status=status
            )
        refusal = Refusal(status, body, self._wait(response), request_id)
        raise _masked(call_error(refusal, call.about), grant.token)

    def _headers(self, call: Call, grant: Grant) -> dict[str, str]:
        settings = self._settings
        headers = {
            "Authorization": f"Bearer {grant.token}",
            "Accept": "application/json",
            "Zuora-Version": settings.version,
        }
        if settings.entity_id:
            headers["Zuora-Entity-Ids"] = settings.entity_id
        if settings.organization_ids:
            headers["Zuora-Org-Ids"] = settings.organization_ids
        if call.body is not None:
            headers["Content-Type"] = "application/json"
        if _KEY.fullmatch(call.key):
            headers["Zuora-Track-Id"] = call.key
            if call.keyed and call.method in _KEYED:
                headers["Idempotency-Key"] = call.key
        return headers

    def _wait(self, response: requests.Response) -> timedelta | None:
        """What the headers ask for: ``Retry-After``, or the seconds until the window turns."""
        asked = response.headers.get("Retry-After")
        if asked is not None:
            return retry_after(asked, self._now(), maximum=_DAY)
        reset = response.headers.get("RateLimit-Reset", "")
        if response.status_code == 429 and _SECONDS.fullmatch(reset):
            return min(timedelta(seconds=int(reset)), _DAY)
        return None


def _body(response: requests.Response) -> object:
    """The parsed body; ``None`` where it is none that can be read."""
    try:
        return parse_json(response.content)
    except UnexpectedAnswer:
        return None


def _masked(error: CallError, token: str) -> CallError:
    error.message = redact(error.message, (token,))
    error.args = (error.message,)
    return error


def _printable(text: str | None) -> str | None:
    if text is None or not text.isascii() or not text.isprintable():
        return None
    return text[:100]


def _http_date(text: str | None) -> datetime | None:
    if text is None:
        return None
    try:
        value = parsedate_to_datetime(text)
    except (ValueError, TypeError):
        return None
    return value.astimezone(UTC) if value.tzinfo is not None else None
