"""Keys: everything with a source's values in it is sealed, everything compared is digested.

One key, ``REVLINE_KEY``, is kept outside the store; every key in use is derived from it by purpose
(HKDF-SHA-256), so that none of them can stand in for another.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import os
import secrets
from pathlib import Path
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

KEY_BYTES: Final = 32
NONCE_BYTES: Final = 12
DIGEST_BYTES: Final = 12
KEY_VARIABLE: Final = "REVLINE_KEY"


class WrongKeyError(Exception):
    """The data was sealed with another key, for another purpose, or has been altered."""


class Sealer:
    """Seals and opens with one key, used for nothing else. Thread-safe."""

    __slots__ = ("_aead",)

    def __init__(self, key: bytes) -> None:
        if len(key) != KEY_BYTES:
            raise ValueError(f"the key has {len(key)} bytes, not {KEY_BYTES}")
        self._aead = AESGCM(key)

    def __repr__(self) -> str:
        return f"{type(self).__name__}(…)"

    def seal(self, data: bytes, context: str) -> bytes:
        """Encrypt ``data``; it opens only with the same ``context``."""
        nonce = os.urandom(NONCE_BYTES)
        return nonce + self._aead.encrypt(nonce, data, context.encode())

    def open(self, sealed: bytes, context: str) -> bytes:
        """Decrypt. Raises :class:`WrongKeyError`."""
        try:
            return self._aead.decrypt(sealed[:NONCE_BYTES], sealed[NONCE_BYTES:], context.encode())
        except (InvalidTag, ValueError):  # a cut-off text has no room for its nonce
            raise WrongKeyError(
                f"what is stored for {context} does not open with this key"
            ) from None


class Vault(Sealer):
    """Seals, opens, digests and chains with keys derived from one master key. Thread-safe."""

    __slots__ = ("_chain_key", "_digest_key")

    def __init__(self, key: bytes) -> None:
        super().__init__(_derive(key, b"revline payload"))
        self._digest_key = _derive(key, b"revline digest")
        self._chain_key = _derive(key, b"revline ledger")

    def digest(self, data: bytes) -> str:
        """A keyed digest of 24 hexadecimal characters: equal for equal data, telling nothing."""
        return hashlib.blake2b(data, key=self._digest_key, digest_size=DIGEST_BYTES).hexdigest()

    def chain(self, *parts: bytes) -> str:
        """The keyed hash of a ledger link; every part is framed by its length."""
        mac = hmac.new(self._chain_key, digestmod=hashlib.sha256)
        for part in parts:
            mac.update(len(part).to_bytes(8, "big"))
            mac.update(part)
        return mac.hexdigest()


def _derive(key: bytes, purpose: bytes) -> bytes:
    if len(key) != KEY_BYTES:
        raise ValueError(f"the key has {len(key)} bytes, not {KEY_BYTES}")
    return HKDF(algorithm=SHA256(), length=KEY_BYTES, salt=None, info=purpose).derive(key)


def parse_key(text: str) -> bytes:
    """A key from its text form (URL-safe base64 of 32 bytes). Raises ``ValueError``."""
    try:
        key = base64.b64decode(text.strip(), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        raise ValueError(f"{KEY_VARIABLE} is not base64 text") from None
    if len(key) != KEY_BYTES:
        raise ValueError(f"{KEY_VARIABLE} holds {len(key)} bytes; it must be {KEY_BYTES}")
    return key


def new_key() -> str:
    """A fresh key in text form."""
    return base64.urlsafe_b64encode(secrets.token_bytes(KEY_BYTES)).decode()


def key_file(folder: Path) -> Path:
    """Where a generated key is kept: beside the project, outside ``state/``."""
    return folder / ".revline.key"


def key_for(folder: Path, environ: dict[str, str] | os._Environ[str]) -> tuple[bytes, bool]:
    """The project's key and whether it was generated just now.

    ``REVLINE_KEY`` wins; without it the key lies in ``.revline.key`` (0600), made on first use.
    """
    given = environ.get(KEY_VARIABLE)
    if given:
        return parse_key(given), False
    path = key_file(folder)
    if path.exists():
        return parse_key(path.read_text()), False
    text = new_key()
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(text + "\n")
        file.flush()
        os.fsync(file.fileno())
    return parse_key(text), True
