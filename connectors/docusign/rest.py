"""Every call to DocuSign goes through here: the token, the account's address, and what is wrong."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Final
from urllib.parse import urlencode

from connectors.base import Wiring
from connectors.docusign.errors import Refusal, call_error, part_error
from connectors.docusign.objects import HOURLY
from connectors.docusign.settings import Settings
from connectors.docusign.tokens import DoorAnswer, Grant, Tokens
from connectors.errors import AuthFailed, CallError, OutcomeUnknown, UnexpectedAnswer
from connectors.http import HttpResponse, Transport, redact, retry_after
from connectors.transport_json import Json

_SAYS_ENOUGH: Final = frozenset({"URL_REFUSED", "REDIRECT"})
_SECONDS: Final = re.compile(r"[0-9]{1,11}", re.ASCII)
_DAY: Final = timedelta(days=1)

Body = Mapping[str, Json]


class HttpDoor:
    """The sign-in address over our transport."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    def post(self, path: str, form: Mapping[str, str]) -> DoorAnswer:
        """Send a form."""
        headers = {"Content-Type": "application/x-www-form-urlencoded"}
        return self._answer("POST", path, headers, urlencode(form).encode())

    def get(self, path: str, token: str) -> DoorAnswer:
        """Ask with a token."""
        return self._answer("GET", path, {"Authorization": f"Bearer {token}"}, None)

    def _answer(
        self, method: str, path: str, headers: Mapping[str, str], body: bytes | None
    ) -> DoorAnswer:
        asked = {**headers, "Accept": "application/json"}
        response = self._transport.request(method, path, headers=asked, body=body, effect=False)
        return DoorAnswer(response.status, _body(response))


class Rest:
    """Calls to one account. ``transport`` belongs to the sign-in address; the account's own is
    permitted when it is known."""

    def __init__(self, transport: Transport, tokens: Tokens, now: Callable[[], datetime]) -> None:
        self._transport = transport
        self._tokens = tokens
        self._now = now

    def account(self) -> Grant:
        """The account that the credentials open, as DocuSign says now."""
        return self._tokens.confirmed()

    def get(self, path: str, query: Mapping[str, str] | None = None) -> Body:
        """Read. Raises ``CallError``."""
        return self._sent("GET", path, query or {}, None, effect=False)[0]

    def write(
        self, method: str, path: str, body: bytes, query: Mapping[str, str] | None = None
    ) -> tuple[Body, str | None]:
        """Write; the body, and DocuSign's name of the call.

        A lost or unreadable answer is ``OutcomeUnknown``; a part that failed is ``Rejected``.
        """
        try:
            answer, request_id = self._sent(method, path, query or {}, body, effect=True)
        except UnexpectedAnswer as error:
            if error.code in _SAYS_ENOUGH:
                raise
            raise OutcomeUnknown(error.message, code=error.code, status=error.status) from None
        problem = part_error(answer, request_id)
        if problem is not None:
            raise problem
        return answer, request_id

    def _sent(
        self, method: str, path: str, query: Mapping[str, str], body: bytes | None, *, effect: bool
    ) -> tuple[Body, str | None]:
        grant = self._tokens.grant()
        try:
            return self._once(grant, method, path, query, body, effect=effect)
        except AuthFailed:
            grant = self._tokens.renew(grant)
        try:
            return self._once(grant, method, path, query, body, effect=effect)
        except AuthFailed as error:
            raise AuthFailed(
                f"DocuSign refuses a token it has just given ({error.message}); check the user and "
                "the account",
                code=error.code,
                status=error.status,
            ) from None

    def _once(
        self,
        grant: Grant,
        method: str,
        path: str,
        query: Mapping[str, str],
        body: bytes | None,
        *,
        effect: bool,
    ) -> tuple[Body, str | None]:
        self._transport.allow(grant.base_url)
        headers = {"Authorization": f"Bearer {grant.token}", "Accept": "application/json"}
        if body is not None:
            headers["Content-Type"] = "application/json"
        response = self._transport.request(
            method,
            f"{grant.base_url}/restapi/v2.1/accounts/{grant.account_id}{path}",
            query=query,
            headers=headers,
            body=body,
            effect=effect,
        )
        request_id = _printable(response.header("x-docusign-tracetoken"))
        if not 200 <= response.status < 300:
            raise _masked(call_error(self._refusal(response, request_id), effect=effect), grant)
        content = response.json()
        if not isinstance(content, dict):
            raise UnexpectedAnswer("the answer is not an object", code="ANSWER_SHAPE")
        return content, request_id

    def _refusal(self, response: HttpResponse, request_id: str | None) -> Refusal:
        now = self._now()
        asked = response.header("retry-after")
        reset = response.header("x-ratelimit-reset") or ""
        at = datetime.fromtimestamp(int(reset), UTC) if _SECONDS.fullmatch(reset) else None
        return Refusal(
            response.status,
            _body(response),
            now,
            wait=retry_after(asked, now, maximum=_DAY) if asked is not None else None,
            reset=at,
            request_id=request_id,
        )


def transport_for(settings: Settings, wiring: Wiring) -> Transport:
    """The transport of a connection. Raises ``ActionNeeded`` for an address we may not call."""
    return Transport(settings.auth_url, wiring, limit_class=HOURLY)


def _body(response: HttpResponse) -> object:
    """The parsed body; ``None`` where it is none that can be read."""
    try:
        return response.json()
    except UnexpectedAnswer:
        return None


def _masked(error: CallError, grant: Grant) -> CallError:
    error.message = redact(error.message, (grant.token,))
    error.args = (error.message,)
    return error


def _printable(text: str | None) -> str | None:
    if text is None or not text.isascii() or not text.isprintable():
        return None
    return text[:100]
