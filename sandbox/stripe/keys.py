"""API keys and what a restricted one may do. Reference: docs.stripe.com/keys."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from typing import Final

from sandbox.messages import Request, Response
from sandbox.stripe.errors import ApiError

RESTRICTED_KEY: Final = "rk_test_revlineSandbox"
LIVE_RESTRICTED_KEY: Final = "rk_live_revlineSandbox"
LEVELS: Final = ("none", "read", "write")


def key_of(request: Request) -> str:
    """The key of a request, as bearer token or as the user of basic authentication."""
    scheme, _, value = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() == "bearer":
        return value.strip()
    if scheme.lower() == "basic":
        try:
            return base64.b64decode(value, validate=True).decode().partition(":")[0]
        except (binascii.Error, UnicodeDecodeError):
            return ""
    return ""


def masked(key: str) -> str:
    """The key as an error message shows it."""
    return f"{key[:8]}****{key[-4:]}" if len(key) > 12 else "****"


def refuse_key(key: str) -> Response:
    """401 for a key that opens nothing."""
    if not key:
        return ApiError(401, "You did not provide an API key.").response()
    return ApiError(401, f"Invalid API Key provided: {masked(key)}").response()


def refuse_account(key: str, account: str) -> Response:
    """403 for an account that the key does not reach."""
    text = f"The provided key '{masked(key)}' does not have access to account '{account}'"
    return ApiError(403, text, code="account_invalid").response()


def refuse_permission(key: str, account: str, permission: str) -> Response:
    """403 that names what the key lacks."""
    text = (
        f"The provided key '{masked(key)}' does not have the required permissions for this"
        f" endpoint on account '{account}'. Having the 'rak_{permission}' permission would allow"
        " this request to continue."
    )
    return ApiError(403, text).response()


def allows(permissions: Mapping[str, str], permission: str) -> bool:
    """Whether a key has a permission such as ``customer_write``. What is not named is granted."""
    resource, _, wanted = permission.rpartition("_")
    return LEVELS.index(permissions.get(resource, "write")) >= LEVELS.index(wanted)
