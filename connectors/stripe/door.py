"""The SDK's own door for HTTP, with our transport behind it. Imports the SDK: load it late."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any, Final

import stripe
from requests.structures import CaseInsensitiveDict

from connectors.http import Transport

# What these say of this machine and of other calls is nobody's business.
_NOT_SENT: Final = frozenset({"x-stripe-client-user-agent", "x-stripe-client-telemetry"})


class Door(stripe.HTTPClient):
    """Sends what the SDK has made ready; one attempt, and errors in our words pass through it."""

    name = "revline"

    def __init__(self, transport: Transport) -> None:
        super().__init__()
        self._transport = transport

    def request(
        self,
        method: str,
        url: str,
        headers: Mapping[str, str] | None,
        post_data: Any = None,
        *,
        _usage: list[str] | None = None,
    ) -> tuple[Any, int, Mapping[str, str]]:
        """One call through the transport."""
        sent = {
            name: value for name, value in (headers or {}).items() if name.lower() not in _NOT_SENT
        }
        body = post_data.encode() if isinstance(post_data, str) else post_data
        if method != "post":
            # The SDK makes up a key where none is given; only a POST has one, and that is ours.
            sent.pop("Idempotency-Key", None)
        answer = self._transport.request(method.upper(), url, headers=sent, body=body)
        return answer.body, answer.status, CaseInsensitiveDict(answer.headers)

    def close(self) -> None:
        """Drop idle connections."""
        self._transport.close()


def open_client(
    key: str, transport: Transport, *, version: str, account: str | None
) -> stripe.StripeClient:
    """The SDK's client: no retries, no telemetry, one address, a pinned version."""
    # The SDK has these two for the whole process only.
    stripe.enable_telemetry = False
    logging.getLogger("stripe").setLevel(logging.WARNING)
    return stripe.StripeClient(
        key,
        http_client=Door(transport),
        stripe_version=version,
        stripe_account=account,
        max_network_retries=0,
        base_addresses={
            "api": transport.base_url,
            "connect": transport.base_url,
            "files": transport.base_url,
            "meter_events": transport.base_url,
        },
    )
