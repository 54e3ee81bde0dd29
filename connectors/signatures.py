"""Checking that a webhook is the vendor's: keyed hashes over raw bytes, strict in every input.

Vendors' own helpers are lenient in ways that matter here: some accept a timestamp from the future,
some raise their language's errors on a header that is not ASCII, some try thousands of signatures.
These pieces answer with a value or raise :class:`~connectors.errors.ForgedRequest`, nothing else.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import re
from datetime import UTC, datetime, timedelta
from typing import Final

from connectors.errors import ForgedRequest
from connectors.records import WebhookRequest

HEADER_MAX_CHARACTERS: Final = 512
TOLERANCE: Final = timedelta(minutes=5)

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_DIGITS: Final = re.compile(r"[0-9]{1,16}", re.ASCII)
_HEX: Final = re.compile(r"(?:[0-9a-f]{2}){1,256}", re.ASCII | re.IGNORECASE)
_BASE64: Final = re.compile(r"[A-Za-z0-9+/]{1,512}={0,2}", re.ASCII)


def hmac_sha256(key: bytes, *parts: bytes) -> bytes:
    """The keyed hash of the parts joined. An empty key is refused: anybody could compute it."""
    if not key:
        raise ForgedRequest("no webhook secret is configured, so nothing can be verified")
    mac = hmac.new(key, digestmod=hashlib.sha256)
    for part in parts:
        mac.update(part)
    return mac.digest()


def same(a: bytes, b: bytes) -> bool:
    """Whether two byte strings are equal, in a time that does not depend on where they differ."""
    return hmac.compare_digest(a, b)


def require_same(expected: bytes, *given: bytes) -> None:
    """Raise unless one of the given signatures is the expected one; all of them are compared."""
    matched = False
    for candidate in given:
        matched |= same(expected, candidate)
    if not matched:
        raise ForgedRequest("the signature does not match the request")


def only_header(
    request: WebhookRequest, name: str, *, max_characters: int = HEADER_MAX_CHARACTERS
) -> str:
    """The one value of a header: present once, ASCII without control characters, not too long."""
    values = header_values(request, name, max_count=1, max_characters=max_characters)
    return values[0]


def header_values(
    request: WebhookRequest,
    name: str,
    *,
    max_count: int,
    max_characters: int = HEADER_MAX_CHARACTERS,
) -> tuple[str, ...]:
    """All values of a header, between one and ``max_count``, each within the limits."""
    values = tuple(value for key, value in request.headers if key == name)
    if not values:
        raise ForgedRequest(f"the header {name} is missing")
    if len(values) > max_count:
        raise ForgedRequest(f"the header {name} was sent {len(values)} times")
    for value in values:
        if len(value) > max_characters:
            raise ForgedRequest(f"the header {name} is longer than {max_characters} characters")
        if not (value.isascii() and value.isprintable()):
            raise ForgedRequest(f"the header {name} holds characters that do not belong there")
    return values


def parse_timestamp(text: str, *, milliseconds: bool) -> datetime:
    """An instant from plain ASCII digits: no sign, fraction, exponent or space."""
    if not _DIGITS.fullmatch(text):
        raise ForgedRequest("the timestamp is not a plain number")
    count = int(text)
    unit = timedelta(milliseconds=1) if milliseconds else timedelta(seconds=1)
    try:
        return _EPOCH + count * unit
    except OverflowError as error:
        raise ForgedRequest("the timestamp is out of range") from error


def fresh(timestamp: datetime, now: datetime, tolerance: timedelta = TOLERANCE) -> bool:
    """Whether the instant is within the tolerance of now, in either direction."""
    return abs(now - timestamp) <= tolerance


def require_fresh(timestamp: datetime, now: datetime, tolerance: timedelta = TOLERANCE) -> None:
    """Raise unless the instant is within the tolerance of now, in either direction."""
    if not fresh(timestamp, now, tolerance):
        side = "late" if timestamp < now else "early"
        raise ForgedRequest(f"the request is too {side}: its time is outside the tolerance")


def decode_base64_strict(text: str) -> bytes:
    """The bytes of canonical, padded, standard base64; anything else is a forgery."""
    if not _BASE64.fullmatch(text):
        raise ForgedRequest("the signature is not base64")
    try:
        decoded = base64.b64decode(text.encode("ascii"), validate=True)
    except (binascii.Error, ValueError) as error:
        raise ForgedRequest("the signature is not base64") from error
    # Unused low bits may be set in a lenient encoding; only the one canonical spelling is taken.
    if base64.b64encode(decoded).decode("ascii") != text:
        raise ForgedRequest("the signature is not canonical base64")
    return decoded


def decode_hex_strict(text: str) -> bytes:
    """The bytes of a hexadecimal text without separators or prefix."""
    if not _HEX.fullmatch(text):
        raise ForgedRequest("the signature is not hexadecimal")
    return bytes.fromhex(text)
