"""Turning the vendors' spellings of money, time, text and ids into ours and back, exactly."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from datetime import UTC, date, datetime, timedelta
from decimal import Context, Decimal, Inexact, Overflow
from functools import cache
from importlib.resources import files
from typing import Final
from urllib.parse import urlsplit

DIGITS_MAX: Final = 40
EXTERNAL_ID_MAX_CHARACTERS: Final = 255

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND: Final = timedelta(milliseconds=1)
# Anything that does not fit is an error, never a rounded amount.
_EXACT: Final = Context(prec=80, traps=[Inexact, Overflow])
_DECIMAL: Final = re.compile(
    r"[+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]{1,2})?", re.ASCII
)
_INTEGER: Final = re.compile(r"[+-]?[0-9]+", re.ASCII)
_CURRENCY: Final = re.compile(r"[A-Z]{3}", re.ASCII)
_DATE: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", re.ASCII)
_INSTANT: Final = re.compile(
    r"([0-9]{4}-[0-9]{2}-[0-9]{2})[T ]([0-9]{2}:[0-9]{2}:[0-9]{2})(?:\.([0-9]{1,9}))?"
    r"(Z|[+-][0-9]{2}:?[0-9]{2})",
    re.ASCII,
)
_MILLISECONDS: Final = re.compile(r"-?[0-9]{1,15}", re.ASCII)
_ESCAPE: Final = re.compile(r"_x([0-9a-f]{1,6})_", re.ASCII)
_PLAIN: Final = re.compile(r"[A-Za-z0-9_-]", re.ASCII)
_ASCII_LOWER: Final = {code: code + 32 for code in range(ord("A"), ord("Z") + 1)}
_DOMAIN: Final = re.compile(r"(?=.{3,253}\Z)[^\s@/\\:?#.]{1,63}(?:\.[^\s@/\\:?#.]{1,63})+")


# money


@cache
def exponent(currency: str) -> int:
    """How many decimal places the currency has (ISO 4217). Raises ``ValueError``."""
    import iso4217

    if not _CURRENCY.fullmatch(currency):
        raise ValueError(f"{currency!r} is not a currency code of three capital letters")
    try:
        places = iso4217.Currency(currency).exponent
    except ValueError:
        raise ValueError(f"{currency} is not a currency of ISO 4217") from None
    if places is None:
        raise ValueError(f"{currency} has no minor unit, so no amount can be kept in it")
    return int(places)


def to_minor_units(amount: Decimal, currency: str) -> int:
    """The amount in the currency's smallest unit. Raises ``ValueError`` if it is finer."""
    places = exponent(currency)
    if not amount.is_finite() or abs(amount.adjusted()) > DIGITS_MAX:
        raise ValueError("not an amount of money")
    if len(amount.as_tuple().digits) > DIGITS_MAX:
        raise ValueError("an amount of too many digits")
    scaled = amount.scaleb(places, _EXACT)
    if scaled != scaled.to_integral_value():
        raise ValueError(f"{amount} has more than the {places} decimal places of {currency}")
    return int(scaled)


def from_minor_units(units: int, currency: str) -> Decimal:
    """The amount in major units, with exactly the currency's decimal places."""
    return Decimal(units).scaleb(-exponent(currency), _EXACT)


# numbers


def parse_decimal(text: str) -> Decimal:
    """The number that plain ASCII digits spell, exactly. Raises ``ValueError``.

    At most 40 digits and an exponent of two digits; no spaces, separators, NaN or Infinity.
    """
    if len(text) > DIGITS_MAX + 6 or not _DECIMAL.fullmatch(text):
        raise ValueError("not a decimal number")
    return Decimal(text)


def parse_integer(text: str) -> int:
    """The whole number that plain ASCII digits spell. Raises ``ValueError``."""
    if len(text) > DIGITS_MAX or not _INTEGER.fullmatch(text):
        raise ValueError("not a whole number")
    return int(text)


def format_decimal(number: Decimal) -> str:
    """The number without an exponent, as it is: 1.10 stays 1.10."""
    if not number.is_finite() or abs(number.adjusted()) > DIGITS_MAX:
        raise ValueError("not a number that can be written out")
    return format(number, "f")


# times


def parse_instant(text: str) -> datetime:
    """An instant in ISO 8601 with an offset: ``Z``, ``+00:00``, or Salesforce's ``+0000``.

    Digits beyond microseconds are cut. Raises ``ValueError``, also for a time without an offset.
    """
    found = _INSTANT.fullmatch(text)
    if found is None:
        raise ValueError("not an instant with its offset")
    day, time, fraction, offset = found.groups()
    offset = "+00:00" if offset == "Z" else offset
    if ":" not in offset:
        offset = f"{offset[:3]}:{offset[3:]}"
    micros = (fraction or "").ljust(6, "0")[:6]
    try:
        return datetime.fromisoformat(f"{day}T{time}.{micros}{offset}").astimezone(UTC)
    except OverflowError:
        raise ValueError("an instant outside the calendar") from None


def format_instant(instant: datetime) -> str:
    """ISO 8601 in UTC with milliseconds and ``Z``; finer digits are cut."""
    return f"{_utc(instant).replace(tzinfo=None).isoformat(timespec='milliseconds')}Z"


def format_instant_seconds(instant: datetime) -> str:
    """ISO 8601 in UTC with whole seconds and ``Z``, as SOQL date-time literals are written."""
    return f"{_utc(instant).replace(tzinfo=None).isoformat(timespec='seconds')}Z"


def from_epoch_milliseconds(count: int | str) -> datetime:
    """The instant so many milliseconds after 1970. Raises ``ValueError``."""
    if isinstance(count, bool) or not _MILLISECONDS.fullmatch(str(count)):
        raise ValueError("not a number of milliseconds")
    try:
        return _EPOCH + int(count) * _MILLISECOND
    except OverflowError:
        raise ValueError("an instant outside the calendar") from None


def to_epoch_milliseconds(instant: datetime) -> int:
    """Milliseconds since 1970, rounded down."""
    return (_utc(instant) - _EPOCH) // _MILLISECOND


def parse_date(text: str) -> date:
    """A calendar day, ``YYYY-MM-DD``. Raises ``ValueError``."""
    if not _DATE.fullmatch(text):
        raise ValueError("not a date of the form YYYY-MM-DD")
    return date.fromisoformat(text)


def format_date(day: date) -> str:
    """``YYYY-MM-DD``. An instant is not a date: it raises ``ValueError``."""
    if isinstance(day, datetime):
        raise ValueError("an instant is not a date")
    return day.isoformat()


def _utc(instant: datetime) -> datetime:
    if instant.tzinfo is None:
        raise ValueError("an instant needs its time zone")
    return instant.astimezone(UTC)


# text


def same_text(text: str) -> str:
    """The form in which two texts count as the same: composed, without outer white space.

    Compatibility forms stay apart: they look alike and are not the same.
    """
    return unicodedata.normalize("NFC", text).strip()


def split_choices(text: str, separator: str = ";") -> tuple[str, ...]:
    """The values of a multiple choice; blanks and repeats left out, order kept."""
    return tuple(dict.fromkeys(part.strip() for part in text.split(separator) if part.strip()))


def join_choices(values: Iterable[str], separator: str = ";") -> str:
    """The values as one text. Raises ``ValueError`` when one of them holds the separator."""
    listed = tuple(values)
    for value in listed:
        if separator in value or not value.strip():
            raise ValueError(f"a choice is blank or holds {separator!r}")
    return separator.join(listed)


def normal_email(text: str) -> str | None:
    """The address as it is compared, or ``None`` when it is not one.

    Only ASCII letters change case: other scripts' capitals can become different letters.
    """
    address = same_text(text).translate(_ASCII_LOWER)
    local, at, domain = address.rpartition("@")
    if not (at and local) or "@" in local or not _DOMAIN.fullmatch(domain):
        return None
    if len(address) > 254 or any(each.isspace() or not each.isprintable() for each in address):
        return None
    return address


def domain_of_email(text: str) -> str | None:
    """The domain of an address, or ``None``."""
    address = normal_email(text)
    return None if address is None else address.rpartition("@")[2].rstrip(".")


def domain_of_url(text: str) -> str | None:
    """The host of a web address without ``www.``, or ``None``. The scheme may be missing."""
    cleaned = same_text(text).translate(_ASCII_LOWER)
    if any(each.isspace() or not each.isprintable() for each in cleaned):
        return None
    try:
        parts = urlsplit(cleaned if "://" in cleaned else f"//{cleaned}")
        host = (parts.hostname or "").rstrip(".").removeprefix("www.")
    except ValueError:
        return None
    return host if _DOMAIN.fullmatch(host) and not _DOMAIN_OF_DIGITS.fullmatch(host) else None


_DOMAIN_OF_DIGITS: Final = re.compile(r"[0-9.]+", re.ASCII)


@cache
def free_mail_domains() -> frozenset[str]:
    """Domains of mail providers, which say nothing about a company."""
    text = files("connectors.data").joinpath("free_mail_domains.txt").read_text("utf-8")
    return frozenset(line for line in text.splitlines() if line and not line.startswith("#"))


def is_free_mail(domain: str) -> bool:
    """Whether a domain belongs to a mail provider."""
    return domain.translate(_ASCII_LOWER) in free_mail_domains()


# ids


def external_id(object: str, source_id: str) -> str:
    """The id under which a record of ours is kept elsewhere: ``revline-{object}-{source id}``.

    Only ``A-Z a-z 0-9 _ -`` occur. Different records have different ids, and
    :func:`parse_external_id` finds the record again: other characters become ``_x{hex}_``. Raises
    ``ValueError`` when it would be longer than 255 characters or a part is empty.
    """
    if not object or not source_id:
        raise ValueError("an external id needs an object and an id")
    # A hyphen in the object's name would make two readings possible.
    written = f"revline-{_escaped(object).replace('-', '_x2d_')}-{_escaped(source_id)}"
    if len(written) > EXTERNAL_ID_MAX_CHARACTERS:
        raise ValueError(f"the id is too long: {EXTERNAL_ID_MAX_CHARACTERS} characters at most")
    return written


def external_id_part(source_id: str) -> str:
    """A source id in the characters that ids of ours have; different ids stay different."""
    return _escaped(source_id)


def parse_external_id_part(text: str) -> str | None:
    """The source id that :func:`external_id_part` wrote as this text, or ``None``."""
    try:
        found = _unescaped(text)
    except (ValueError, OverflowError):
        return None
    # Only what we would write ourselves is ours.
    return found if found and _escaped(found) == text else None


def parse_external_id(text: str) -> tuple[str, str] | None:
    """The object and source id that an external id of ours names, or ``None``."""
    marker, _, rest = text.partition("-")
    object, hyphen, source_id = rest.partition("-")
    if marker != "revline" or not (object and hyphen and source_id):
        return None
    try:
        found = _unescaped(object), _unescaped(source_id)
    except (ValueError, OverflowError):
        return None
    # Only what we would write ourselves is ours.
    return found if external_id(*found) == text else None


def _escaped(text: str) -> str:
    written: list[str] = []
    for place, each in enumerate(text):
        ambiguous = each == "_" and text[place + 1 : place + 2] == "x"
        plain = _PLAIN.fullmatch(each) is not None and not ambiguous
        written.append(each if plain else f"_x{ord(each):x}_")
    return "".join(written)


def _unescaped(text: str) -> str:
    return _ESCAPE.sub(lambda found: chr(int(found[1], 16)), text)
