"""Every call to DealHub goes through here: the token, the effect, keys without stray quotes."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from urllib.parse import quote

from connectors.dealhub.errors import About, Refusal, call_error
from connectors.errors import CallError, OutcomeUnknown, UnexpectedAnswer
from connectors.http import HttpResponse, Secret, Transport, redact, retry_after
from connectors.transport_json import Json, parse_json

Query = Sequence[tuple[str, str]]

_SAYS_ENOUGH: Final = frozenset({"URL_REFUSED", "REDIRECT"})
_HOUR: Final = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Rest:
    """Calls to one tenant. One attempt each."""

    transport: Transport
    token: Secret
    now: Callable[[], datetime]

    def get(self, path: str, query: Query = (), about: About | None = None) -> Json:
        """Read. Raises ``CallError``."""
        return self._send("GET", path, query, None, about or About())

    def post(self, path: str, body: bytes, about: About) -> Mapping[str, Json]:
        """Write. A lost or unreadable answer is ``OutcomeUnknown``."""
        try:
            answer = self._send("POST", path, (), body, about)
        except UnexpectedAnswer as error:
            if error.code in _SAYS_ENOUGH or error.code in ("HTTP_404", "HTTP_405"):
                raise
            raise OutcomeUnknown(error.message, code=error.code, status=error.status) from None
        if not isinstance(answer, Mapping):
            raise OutcomeUnknown("the answer to a write is not an object", code="ANSWER_SHAPE")
        return answer

    def _send(self, method: str, path: str, query: Query, body: bytes | None, about: About) -> Json:
        token = self.token.reveal()
        headers = {"Authorization": f"Bearer {token}", "Accept": "application/json"}
        if body is not None:
            headers["Content-Type"] = "application/json"
        asked: dict[str, list[str]] = {}
        for name, value in query:
            asked.setdefault(name, []).append(value)
        response = self.transport.request(
            method, path, query=asked, headers=headers, body=body, effect=about.effect
        )
        if 200 <= response.status < 300:
            return plain_keys(response.json())
        raise _masked(call_error(self._refusal(response), about), token)

    def _refusal(self, response: HttpResponse) -> Refusal:
        asked = response.header("retry-after")
        wait = retry_after(asked, self.now(), maximum=_HOUR) if asked is not None else None
        try:
            return Refusal(response.status, plain_keys(parse_json(response.body)), wait)
        except UnexpectedAnswer:
            return Refusal(response.status, None, wait)


def path_of(template: str, key: str) -> str:
    """The address with the key in its place, encoded so that it stays one step of the path."""
    return template.replace("{}", quote(key, safe=""))


def plain_keys(value: Json) -> Json:
    """The same without quote characters around keys: the vendor's own examples have some.

    Where both spellings occur, the clean one counts.
    """
    if isinstance(value, dict):
        clean = {name: inner for name, inner in value.items() if name.strip('"') == name}
        stray = {name.strip('"'): inner for name, inner in value.items() if name not in clean}
        return {name: plain_keys(inner) for name, inner in {**stray, **clean}.items()}
    if isinstance(value, list):
        return [plain_keys(one) for one in value]
    return value


def _masked(error: CallError, token: str) -> CallError:
    error.message = redact(error.message, (token,))
    error.args = (error.message,)
    return error
