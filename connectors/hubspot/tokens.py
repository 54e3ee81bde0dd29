"""Access tokens: a fixed one, or one that is refreshed for everybody at once.

From developers.hubspot.com "Working with OAuth": an access token lives ``expires_in`` seconds (30
minutes), refreshing is due by that figure rather than by a refusal, and the newest refresh token
returned is the one to keep.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from threading import Lock
from typing import Final, Protocol

from connectors.errors import AuthFailed, UnexpectedAnswer

_EARLY: Final = timedelta(seconds=60)
# A refusal is remembered this long, so that waiting threads do not each ask again.
_REFUSED_FOR: Final = timedelta(minutes=1)

Exchange = Callable[[str], Mapping[str, object]]


class Tokens(Protocol):
    """Where access tokens come from."""

    def token(self) -> str:
        """A token that should be accepted now."""
        ...

    def refused(self, token: str) -> bool:
        """HubSpot refused this token. Whether :meth:`token` may now give another."""
        ...


@dataclass(frozen=True, slots=True)
class FixedToken:
    """A service key or a private app's token. Only a person can replace it."""

    value: str = field(repr=False)

    def token(self) -> str:
        """The token."""
        return self.value

    def refused(self, token: str) -> bool:  # noqa: ARG002 - the protocol's signature
        """There is no other."""
        return False


class RefreshedToken:
    """An OAuth token, refreshed by one thread while the others wait for it."""

    def __init__(self, refresh_token: str, exchange: Exchange, now: Callable[[], datetime]) -> None:
        self._refresh_token = refresh_token
        self._exchange = exchange
        self._now = now
        self._lock = Lock()
        self._token = ""
        self._until: datetime | None = None
        self._refusal: tuple[AuthFailed, datetime] | None = None

    def token(self) -> str:
        """The current token, or a new one when less than a minute of it is left.

        Raises:
            AuthFailed: HubSpot does not accept the refresh token.
        """
        with self._lock:
            if self._until is None or self._now() >= self._until:
                self._refresh()
            return self._token

    def refused(self, token: str) -> bool:
        """Drop a token that HubSpot refused, unless another thread has replaced it already."""
        with self._lock:
            if token == self._token:
                self._until = None
            return True

    def _refresh(self) -> None:
        asked_at = self._now()
        if self._refusal is not None and asked_at - self._refusal[1] < _REFUSED_FOR:
            raise self._refusal[0]
        try:
            answer = self._exchange(self._refresh_token)
        except AuthFailed as error:
            self._refusal = (error, asked_at)
            raise
        token, seconds = answer.get("access_token"), answer.get("expires_in")
        newest = answer.get("refresh_token")
        if not isinstance(token, str) or not token or not isinstance(seconds, int):
            raise UnexpectedAnswer(
                "HubSpot's answer to a refresh holds no token.", code="UNREADABLE_TOKEN"
            )
        self._token = token
        self._until = asked_at + max(timedelta(seconds=min(seconds, 86_400)) - _EARLY, _EARLY / 6)
        if isinstance(newest, str) and newest:
            self._refresh_token = newest
