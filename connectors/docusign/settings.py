"""The settings of one connection, checked once."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import quote, urlencode, urlsplit

from connectors.docusign.objects import AUTH_URL
from connectors.transport_addresses import Origin, origin_of

GUID: Final = re.compile(r"[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}", re.ASCII)
_VENDOR: Final = (".docusign.com", ".docusign.net")
_ENVIRONMENTS: Final = {
    "account.docusign.com": "production",
    "account-d.docusign.com": "sandbox",
}
_REDIRECT: Final = "https://www.docusign.com"


@dataclass(frozen=True, slots=True)
class Settings:
    """Checked settings. Addresses have no closing slash; ``account_id`` is blank for the default
    account, ``base_url`` for whatever DocuSign names."""

    auth_url: str
    integration_key: str
    user_id: str
    private_key: str = field(repr=False)
    account_id: str
    base_url: str
    redirect_url: str

    @property
    def audience(self) -> str:
        """The host that signs in, without a scheme."""
        return urlsplit(self.auth_url).netloc

    @property
    def environment(self) -> str:
        """``production`` or ``sandbox``, by the host; ``unknown`` elsewhere."""
        return _ENVIRONMENTS.get(self.audience.lower(), "unknown")

    @property
    def consent_url(self) -> str:
        """Where the user allows the app to act for him."""
        asked = {
            "response_type": "code",
            "scope": "signature impersonation",
            "client_id": self.integration_key,
            "redirect_uri": self.redirect_url,
        }
        return f"{self.auth_url}/oauth/auth?{urlencode(asked, quote_via=quote)}"

    def may_call(self, base_url: str) -> bool:
        """Whether data calls may go to an address that DocuSign names."""
        try:
            origin = origin_of(base_url)
        except ValueError:
            return False
        if urlsplit(base_url).path.strip("/") or urlsplit(base_url).query:
            return False
        if self.base_url:
            return origin == origin_of(self.base_url)
        if origin.loopback:
            return origin_of(self.auth_url).loopback
        return origin.scheme == "https" and _vendors(origin)


def _vendors(origin: Origin) -> bool:
    return origin.host.endswith(_VENDOR)


def parse_settings(given: Mapping[str, str]) -> Settings:
    """Check the settings of a connection. Raises ``ValueError`` that names the setting."""
    account = (given.get("account_id") or "").strip().lower()
    if account and not GUID.fullmatch(account):
        raise ValueError("account_id: this is not an API account id (a GUID)")
    base_url = given.get("base_url")
    return Settings(
        auth_url=_origin(given.get("auth_url") or AUTH_URL, "auth_url"),
        integration_key=_guid(given, "integration_key"),
        user_id=_guid(given, "user_id"),
        # A key that travelled through an environment variable often has its line breaks spelled.
        private_key=_required(given, "private_key").replace("\\n", "\n"),
        account_id=account,
        base_url=_origin(base_url, "base_url") if base_url else "",
        redirect_url=given.get("redirect_url") or _REDIRECT,
    )


def _origin(url: str, name: str) -> str:
    try:
        origin_of(url)
    except ValueError as error:
        raise ValueError(f"{name}: {error}") from None
    parts = urlsplit(url)
    if parts.path.strip("/") or parts.query or parts.fragment:
        raise ValueError(f"{name}: only scheme and host are needed, without a path")
    return url.rstrip("/")


def _guid(given: Mapping[str, str], name: str) -> str:
    value = _required(given, name).strip().lower()
    if not GUID.fullmatch(value):
        raise ValueError(f"{name}: this is not a GUID")
    return value


def _required(given: Mapping[str, str], name: str) -> str:
    value = given.get(name)
    if not value:
        raise ValueError(f"{name}: this setting is missing")
    return value
