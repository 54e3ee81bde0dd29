"""Signing in: OAuth 2.0 client credentials with a certificate, and token-based authentication.

"OAuth 2.0 Client Credentials Flow", "Token-based Authentication", NetSuite help.
"""

from __future__ import annotations

import hmac
import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final

import jwt
from cryptography.hazmat.primitives.serialization import load_pem_public_key
from cryptography.x509 import load_pem_x509_certificate
from jwt.types import Options

from sandbox.messages import Request
from sandbox.netsuite import credentials, signatures

TOKEN_PATH: Final = "/services/rest/auth/oauth2/v1/token"  # noqa: S105 - a path
ASSERTION_TYPE: Final = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
ALGORITHMS: Final = ("PS256", "PS384", "PS512", "ES256", "ES384", "ES512")
SCOPES: Final = frozenset({"restlets", "rest_webservices", "suite_analytics"})
ASSERTION_MAX_SECONDS: Final = 3600
SKEW_MAX: Final = timedelta(minutes=5)


class OAuthError(Exception):
    """What the token endpoint refuses with: 400 ``{"error", "error_description"}``."""

    def __init__(self, error: str, description: str) -> None:
        super().__init__(f"{error}: {description}")
        self.error = error
        self.description = description


@dataclass(frozen=True, slots=True)
class Certificate:
    """A public key that an integration may sign with. ``public_key`` is PEM, key or certificate."""

    client_id: str
    public_key: str


@dataclass(slots=True)
class Access:
    """Certificates, access tokens and used nonces of one account."""

    now: Callable[[], datetime]
    chance: random.Random
    lifetime: timedelta = timedelta(hours=1)
    certificates: dict[str, Certificate] = field(default_factory=dict)
    issued: dict[str, datetime] = field(default_factory=dict)  # token → when it ends
    refused: dict[str, int] = field(default_factory=dict)  # ended token → last call before the 401
    nonces: set[tuple[str, str]] = field(default_factory=set)

    def register(self, id: str, certificate: Certificate) -> None:
        """Map a certificate; ``ValueError`` when its key cannot be read."""
        _public_key(certificate.public_key)
        self.certificates[id] = certificate

    def open(self, form: Mapping[str, str], host: str) -> str:
        """A new access token for a token request; :class:`OAuthError` if it is refused."""
        if form.get("grant_type") != "client_credentials":
            raise OAuthError("unsupported_grant_type", "only client_credentials")
        if form.get("client_assertion_type") != ASSERTION_TYPE:
            raise OAuthError("invalid_request", "client_assertion_type is missing or wrong")
        self._check_assertion(form.get("client_assertion") or "", host)
        return self.issue()

    def issue(self) -> str:
        """A new access token."""
        letters = "".join(self.chance.choice("abcdefghijkmnpqrstuvwxyz23456789") for _ in range(64))
        token = f"ns-access-{letters}"
        self.issued[token] = self.now() + self.lifetime
        return token

    def revoke_all(self) -> int:
        """End every access token now; how many."""
        for token in self.issued:
            self.issued[token] = self.now()
        return len(self.issued)

    def admits(self, request: Request) -> str | None:
        """Why a request is not signed in, or ``None``."""
        header = request.headers.get("authorization", "")
        scheme, _, token = header.partition(" ")
        if scheme.lower() == "bearer":
            ends = self.issued.get(token)
            if ends is None:
                return "unknown access token"
            return "expired access token" if self.now() >= ends else None
        return self._check_signature(request, header)

    # -- client assertions -------------------------------------------------------------------------

    def _check_assertion(self, assertion: str, host: str) -> None:
        try:
            header = jwt.get_unverified_header(assertion)
        except jwt.PyJWTError as error:
            raise OAuthError("invalid_grant", "the assertion is not a JWT") from error
        algorithm = header.get("alg")
        if algorithm not in ALGORITHMS or header.get("typ") != "JWT":
            raise OAuthError("invalid_grant", "alg or typ of the assertion is not accepted")
        certificate = self.certificates.get(str(header.get("kid")))
        if certificate is None:
            raise OAuthError("invalid_client", "the certificate is unknown")
        skipped: Options = {
            "verify_exp": False, "verify_iat": False, "verify_nbf": False, "verify_aud": False,
            "verify_sub": False, "verify_jti": False,
        }  # fmt: skip
        try:
            key = _public_key(certificate.public_key)
            claims = jwt.decode(assertion, key, algorithms=[algorithm], options=skipped)
        except (jwt.PyJWTError, TypeError, ValueError) as error:
            raise OAuthError("invalid_grant", "the signature is wrong") from error
        self._check_claims(claims, certificate, host)

    def _check_claims(self, claims: Mapping[str, Any], held: Certificate, host: str) -> None:
        if claims.get("iss") != held.client_id:
            raise OAuthError("invalid_client", "iss is not the client of the certificate")
        account = credentials.ACCOUNT_ID.lower().replace("_", "-")
        audiences = {
            f"http://{host}{TOKEN_PATH}",
            f"https://{account}.suitetalk.api.netsuite.com{TOKEN_PATH}",
        }
        if claims.get("aud") not in audiences:
            raise OAuthError("invalid_grant", "aud is not the token endpoint")
        scope = claims.get("scope")
        scopes = set(scope.replace(",", " ").split()) if isinstance(scope, str) else scope
        if not isinstance(scopes, list | set) or not all(isinstance(one, str) for one in scopes):
            raise OAuthError("invalid_scope", "scope is missing")
        if "rest_webservices" not in scopes or set(scopes) - SCOPES:
            raise OAuthError("invalid_scope", "scope is not that of the integration")
        issued, expires = claims.get("iat"), claims.get("exp")
        now = self.now().timestamp()
        if not isinstance(issued, int | float) or not isinstance(expires, int | float):
            raise OAuthError("invalid_grant", "iat or exp is missing")
        if expires <= now or issued > now + SKEW_MAX.total_seconds():
            raise OAuthError("invalid_grant", "the assertion is expired or from the future")
        if expires - issued > ASSERTION_MAX_SECONDS:
            raise OAuthError("invalid_grant", "the assertion lives longer than 60 minutes")

    # -- token-based authentication ----------------------------------------------------------------

    def _check_signature(self, request: Request, header: str) -> str | None:
        try:
            oauth = signatures.parse_header(header)
        except signatures.MalformedHeader as error:
            return str(error)
        expected = {
            "realm": credentials.ACCOUNT_ID,
            "oauth_consumer_key": credentials.CONSUMER_KEY,
            "oauth_token": credentials.TOKEN_ID,
            "oauth_signature_method": signatures.METHOD,
        }
        for name, value in expected.items():
            if oauth.get(name) != value:
                return f"{name} is wrong"
        if oauth.get("oauth_version", "1.0") != "1.0":
            return "oauth_version is wrong"
        url = f"http://{request.headers.get('host', '')}{request.path}"
        secrets = (credentials.CONSUMER_SECRET, credentials.TOKEN_SECRET)
        signature = signatures.sign(request.method, url, request.query, oauth, secrets)
        given = oauth.get("oauth_signature", "")
        if not hmac.compare_digest(signature.encode(), given.encode("utf-8", "replace")):
            return "the signature is wrong"
        return self._check_once(oauth)

    def _check_once(self, oauth: Mapping[str, str]) -> str | None:
        stamp, nonce = oauth.get("oauth_timestamp", ""), oauth.get("oauth_nonce", "")
        if not (stamp.isascii() and stamp.isdigit() and len(stamp) <= 12):
            return "oauth_timestamp is not a number"
        if abs(int(stamp) - self.now().timestamp()) > SKEW_MAX.total_seconds():
            return "oauth_timestamp is more than 5 minutes off"
        if len(nonce) < 6 or (stamp, nonce) in self.nonces:
            return "oauth_nonce is too short or was used before"
        self.nonces.add((stamp, nonce))
        return None


def _public_key(pem: str) -> Any:
    data = pem.encode()
    if b"CERTIFICATE" in data:
        return load_pem_x509_certificate(data).public_key()
    return load_pem_public_key(data)
