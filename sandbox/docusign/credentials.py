"""The credentials of the simulated account. They open nothing but this simulator.

The private key is computed from fixed words, not kept: nothing here looks like a live secret, and
every process has the same one.
"""

from __future__ import annotations

import hashlib
from functools import cache
from typing import Final

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

ACCOUNT_ID: Final = "7f09961a-3f27-4b1e-9c5d-0d5a3c1b7e42"
ACCOUNT_NAME: Final = "Revline US Inc."
INTEGRATION_KEY: Final = "0e1b6f5c-8a53-4d0f-b6fb-2f0f4f7f1c11"
USER_ID: Final = "5a2e9d70-61c4-4f59-8f0a-9b1d6a4e3c08"
USER_NAME: Final = "Deal Desk"
USER_EMAIL: Final = "deal.desk@revline.example"
CONNECT_KEYS: Final = ("revline-sandbox-connect-key-1", "revline-sandbox-connect-key-2")

_EXPONENT: Final = 65_537
# How far the primes lie behind the numbers that the words give.
_STEPS: Final = {"p": 288, "q": 482}


def _prime(name: str) -> int:
    words = f"revline sandbox for docusign {name}"
    halves = (hashlib.sha512(f"{words} {part}".encode()).digest() for part in range(2))
    start = int.from_bytes(b"".join(halves), "big") | (3 << 1022) | 1
    return start + _STEPS[name]


@cache
def _key() -> rsa.RSAPrivateKey:
    p, q = _prime("p"), _prime("q")
    private = pow(_EXPONENT, -1, (p - 1) * (q - 1))
    return rsa.RSAPrivateNumbers(
        p=p,
        q=q,
        d=private,
        dmp1=rsa.rsa_crt_dmp1(private, p),
        dmq1=rsa.rsa_crt_dmq1(private, q),
        iqmp=rsa.rsa_crt_iqmp(p, q),
        public_numbers=rsa.RSAPublicNumbers(_EXPONENT, p * q),
    ).private_key()


@cache
def private_key_pem() -> str:
    """The key that signs assertions with RS256, as PEM."""
    plain = serialization.NoEncryption()
    form = serialization.PrivateFormat.PKCS8
    return _key().private_bytes(serialization.Encoding.PEM, form, plain).decode("ascii")


@cache
def public_key_pem() -> str:
    """What DocuSign keeps of it."""
    form = serialization.PublicFormat.SubjectPublicKeyInfo
    return _key().public_key().public_bytes(serialization.Encoding.PEM, form).decode("ascii")
