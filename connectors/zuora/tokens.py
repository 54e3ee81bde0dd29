"""Access tokens: one fetch at a time, kept for their life.

developer.zuora.com, "OAuth v2.0": client credentials in a form, a token for about an hour. The
address is limited by IP, so a token is never fetched per call.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

from connectors.errors import AuthFailed, CallError, RateLimited, RetryLater, UnexpectedAnswer
from connectors.http import redact
from connectors.zuora.errors import problems
from connectors.zuora.objects import LIMIT_CLASS
from connectors.zuora.settings import Settings

TOKEN_PATH: Final = "/oauth/token"  # noqa: S105 - an address
_TOKEN: Final = re.compile(r"[\x21-\x7e]{1,4096}", re.ASCII)
_TENANT: Final = re.compile(r"(?:^|\s)tenant\.([A-Za-z0-9-]{1,64})(?:\s|$)", re.ASCII)
# Renewed a little early: a token must not end on its way.
_MARGIN: Final = timedelta(seconds=60)
_LIFE_MAX: Final = timedelta(hours=24)
_LIMIT_WAIT: Final = timedelta(seconds=60)


@dataclass(frozen=True, slots=True)
class TokenAnswer:
    """The answer of the token address: status and parsed body (``None`` where it is no JSON)."""

    status: int
    body: object


@dataclass(frozen=True, slots=True)
class Grant:
    """A token, the tenant it opens, and until when. ``number`` counts the fetches."""

    token: str = field(repr=False)
    tenant: str
    until: datetime
    number: int


class Tokens:
    """The current token, shared by all threads.

    ``post`` sends a form to the token address and answers without judging the status.
    """

    def __init__(
        self,
        settings: Settings,
        post: Callable[[Mapping[str, str]], TokenAnswer],
        now: Callable[[], datetime],
    ) -> None:
        self._settings = settings
        self._post = post
        self._now = now
        self._lock = threading.Lock()
        self._grant: Grant | None = None
        self._refused = 0

    def grant(self) -> Grant:
        """The current token, fetched when there is none or it is about to end."""
        held = self._grant
        if held is None or not self._good(held):
            return self._renew()
        return held

    def renew(self, stale: Grant) -> Grant:
        """A token other than ``stale``; threads that come with the same one share one fetch."""
        self._refused = max(self._refused, stale.number)
        return self._renew()

    def _good(self, grant: Grant) -> bool:
        return grant.number > self._refused and self._now() < grant.until - _MARGIN

    def _renew(self) -> Grant:
        with self._lock:
            held = self._grant
            if held is not None and self._good(held):
                return held
            fresh = self._fetch(held.number + 1 if held else 1)
            if held is not None and fresh.tenant != held.tenant:
                raise AuthFailed(
                    f"the credentials now open tenant {fresh.tenant}, before it was {held.tenant}; "
                    "check base_url and client_id",
                    code="TENANT_CHANGED",
                )
            self._grant = fresh
            return fresh

    def _fetch(self, number: int) -> Grant:
        settings = self._settings
        started = self._now()
        answer = self._post(
            {
                "client_id": settings.client_id,
                "client_secret": settings.client_secret,
                "grant_type": "client_credentials",
            }
        )
        body = answer.body if isinstance(answer.body, Mapping) else {}
        token = body.get("access_token")
        if answer.status != 200 or token is None:
            raise token_error(answer, settings.client_secret)
        tenant = _TENANT.search(str(body.get("scope") or ""))
        if not isinstance(token, str) or not _TOKEN.fullmatch(token) or tenant is None:
            raise UnexpectedAnswer(
                "the token answer holds no usable token, or names no tenant", code="TOKEN_SHAPE"
            )
        return Grant(token, tenant[1], started + _life(body.get("expires_in")), number)


def _life(seconds: object) -> timedelta:
    text = str(seconds)
    if not re.fullmatch(r"[0-9]{1,7}(\.[0-9]{1,6})?", text, re.ASCII):
        raise UnexpectedAnswer("the token answer names no lifetime", code="TOKEN_SHAPE")
    # At least two minutes: a shorter life would fetch one per call.
    return min(max(timedelta(seconds=float(text)), 2 * _MARGIN), _LIFE_MAX)


def token_error(answer: TokenAnswer, secret: str) -> CallError:
    """What a refusal of the token address means."""
    found = problems(answer.body)
    reason = "; ".join(one.message for one in found) or f"status {answer.status}"
    text = f"Zuora gave no token ({redact(reason, (secret,))})"
    code = next((one.code for one in found if one.code.isdigit()), f"HTTP_{answer.status}")
    status = answer.status
    if status == 429:
        return RateLimited(
            text, wait=_LIMIT_WAIT, limit_class=LIMIT_CLASS, code=code, status=status
        )
    if status >= 500 or status == 408:
        return RetryLater(text, code=code, status=status)
    if status == 200 and not found:
        return UnexpectedAnswer(text, code="TOKEN_SHAPE", status=status)
    if 300 <= status < 400 or status == 404:
        return UnexpectedAnswer(f"{text}; check base_url", code=code, status=status)
    return AuthFailed(
        f"{text}; check client_id, client_secret and that base_url is your tenant's data centre",
        code=code,
        status=status,
    )
