"""One call to Stripe, through the official SDK and our transport.

The calls go through the SDK's own ``raw_request``: how it writes forms, headers and exceptions
stays as it is. Answers are parsed by us from the text, numbers exact; its objects never get out.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from connectors.base import Wiring
from connectors.errors import CallError, UnexpectedAnswer
from connectors.http import Transport, redact
from connectors.stripe.errors import Circumstances, Reply, reply_of, sdk_error, unusable
from connectors.stripe.objects import API_VERSION, BASE_URL, limit_class_of
from connectors.stripe.shapes import Params
from connectors.transport_json import Json, parse_json

if TYPE_CHECKING:
    import stripe

_SECRETS: Final = ("api_key", "webhook_secret", "webhook_secret_previous")


@dataclass(frozen=True, slots=True)
class Answer:
    """A whole answer with a 2xx status."""

    content: dict[str, Json]
    request_id: str | None
    replayed: bool


class Refused(Exception):
    """An answer that is an error: the call's error, and the answer as it came."""

    def __init__(self, error: CallError, reply: Reply | None) -> None:
        super().__init__(error.message)
        self.error = error
        self.reply = reply


class Client:
    """Calls Stripe, one attempt per call. Safe to use from several threads."""

    def __init__(self, settings: Mapping[str, str], wiring: Wiring) -> None:
        """Raises ``ActionNeeded`` when the address must not be used."""
        self._wiring = wiring
        self._key = settings.get("api_key", "").strip()
        self._account = settings.get("account", "").strip() or None
        self._secrets = tuple(settings[name] for name in _SECRETS if settings.get(name))
        base_url = settings.get("base_url", "").strip() or BASE_URL
        self._transport = Transport(base_url, wiring, limit_class=limit_class_of)
        self._lock = threading.Lock()
        self._sdk: stripe.StripeClient | None = None

    @property
    def live(self) -> bool | None:
        """Whether the key is one for live data; ``None`` for a key of neither kind."""
        if "_live_" in self._key[:8]:
            return True
        return False if "_test_" in self._key[:8] else None

    def get(self, path: str, params: Params | None = None) -> dict[str, Json]:
        """A read. Raises ``CallError``."""
        return self.call("get", path, params).content

    def call(
        self, method: str, path: str, params: Params | None = None, *, key: str | None = None
    ) -> Answer:
        """One call; ``key`` is the idempotency key of a write. Raises ``CallError``."""
        try:
            return self.attempt(method, path, params, key=key)
        except Refused as refused:
            error = refused.error
        raise error

    def attempt(
        self, method: str, path: str, params: Params | None = None, *, key: str | None = None
    ) -> Answer:
        """The same, raising ``Refused`` where Stripe's own answer says more than the error."""
        effect = method != "get"
        at = Circumstances(effect, limit_class_of(method.upper(), path), self._wiring.now())
        options: dict[str, Any] = {"idempotency_key": key} if key else {}
        failure: Exception | None = None
        try:
            raw: Any = self._client().raw_request(method, path, **options, **(params or {}))
        except CallError:
            raise
        except Exception as error:  # noqa: BLE001 - whatever the SDK raises is mapped
            failure = error
        if failure is not None:
            # Raised out here: what the SDK kept of the answer must not hang on our error.
            refused = self._refused(failure, at)
            failure = None
            raise refused
        return self._answer(raw, effect=effect)

    def close(self) -> None:
        """Drop idle connections."""
        self._transport.close()

    def _answer(self, raw: Any, *, effect: bool) -> Answer:
        content: Json = None
        try:
            content = parse_json(str(raw.body).encode("utf-8", "surrogatepass"))
        except UnexpectedAnswer:
            content = None
        if not isinstance(content, dict) or not isinstance(content.get("object"), str):
            raise unusable(int(raw.code), effect=effect)
        headers = raw.headers
        return Answer(
            content,
            str(headers.get("request-id"))[:100] if headers.get("request-id") else None,
            headers.get("idempotent-replayed") == "true",
        )

    def _refused(self, failure: Exception, at: Circumstances) -> Refused:
        error = sdk_error(failure, at)
        error.message = redact(error.message, self._secrets)
        error.args = (error.message,)
        status = getattr(failure, "http_status", None)
        body = getattr(failure, "http_body", None)
        reply = reply_of(status, body, {}) if isinstance(status, int) and body else None
        return Refused(error, reply)

    def _client(self) -> stripe.StripeClient:
        """The SDK's client, loaded at the first call: looking at declarations loads nothing."""
        with self._lock:
            if self._sdk is None:
                from connectors.stripe.door import open_client

                self._sdk = open_client(
                    self._key, self._transport, version=API_VERSION, account=self._account
                )
            return self._sdk
