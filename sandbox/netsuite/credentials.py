"""The credentials of the simulated account. They open nothing but this simulator.

The private keys are computed from a fixed number, not kept: nothing here looks like a live secret,
and every process has the same ones.
"""

from __future__ import annotations

from functools import cache
from typing import Final

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

ACCOUNT_ID: Final = "7654321_SB1"
CLIENT_ID: Final = "revline-sandbox-client"
CERTIFICATE_ID: Final = "revline-sandbox-certificate"
ALGORITHM: Final = "ES256"
CONSUMER_KEY: Final = "revline-sandbox-consumer"
CONSUMER_SECRET: Final = "revline-sandbox-consumer-secret"  # noqa: S105
TOKEN_ID: Final = "revline-sandbox-token"  # noqa: S105
TOKEN_SECRET: Final = "revline-sandbox-token-secret"  # noqa: S105

_NUMBER: Final = int.from_bytes(b"revline sandbox for netsuite", "big")


@cache
def _key() -> ec.EllipticCurvePrivateKey:
    return ec.derive_private_key(_NUMBER, ec.SECP256R1())


def private_key_pem() -> str:
    """The key that signs client assertions with :data:`ALGORITHM`, as PEM (PKCS 8)."""
    plain = serialization.NoEncryption()
    form = serialization.PrivateFormat.PKCS8
    return _key().private_bytes(serialization.Encoding.PEM, form, plain).decode("ascii")


def public_key_pem() -> str:
    """What is uploaded to the account: the public half."""
    form = serialization.PublicFormat.SubjectPublicKeyInfo
    return _key().public_key().public_bytes(serialization.Encoding.PEM, form).decode("ascii")
