"""Stripe's own smallest units. Never ISO 4217: ISK, UGX and MGA differ.

From docs.stripe.com "Supported currencies": zero-decimal currencies, three-decimal currencies (the
last digit must be 0), and the special cases ISK and UGX, which are sent as if they had two decimals
although they have none.
"""

from __future__ import annotations

import re
from decimal import Context, Decimal, Inexact, Overflow
from typing import Final

ZERO_DECIMAL: Final = frozenset(
    {
        "bif", "clp", "djf", "gnf", "jpy", "kmf", "krw", "mga",
        "pyg", "rwf", "vnd", "vuv", "xaf", "xof", "xpf",
    }
)  # fmt: skip
THREE_DECIMAL: Final = frozenset({"bhd", "jod", "kwd", "omr", "tnd"})
WHOLE_ONLY: Final = frozenset({"isk", "ugx"})
"""Two decimals on the wire, the last two digits always 00. UGX is listed twice in Stripe's page;
the special case is the one that says what happens."""

AMOUNT_MAX_DIGITS: Final = 18
FRACTION_PLACES: Final = 12
"""Decimal places that ``*_decimal`` amounts may have, in the smallest unit ("Price object")."""

_CODE: Final = re.compile(r"[a-z]{3}", re.ASCII)
_EXACT: Final = Context(prec=80, traps=[Inexact, Overflow])


def code_of(currency: str) -> str:
    """Stripe's spelling of a currency: three small letters. Raises ``ValueError``."""
    code = currency.lower()
    if not _CODE.fullmatch(code):
        raise ValueError(f"{currency!r} is not a currency code of three letters")
    return code


def exponent(currency: str) -> int:
    """How many decimal places Stripe's smallest unit stands for. Raises ``ValueError``."""
    code = code_of(currency)
    if code in ZERO_DECIMAL:
        return 0
    return 3 if code in THREE_DECIMAL else 2


def step(currency: str) -> int:
    """What an amount in the smallest unit must be a multiple of."""
    code = code_of(currency)
    if code in THREE_DECIMAL:
        return 10
    return 100 if code in WHOLE_ONLY else 1


def from_minor(units: int, currency: str) -> Decimal:
    """The amount in major units, exact. Raises ``ValueError`` for no currency."""
    return Decimal(units).scaleb(-exponent(currency), _EXACT)


def to_minor(amount: Decimal, currency: str) -> int:
    """The amount in Stripe's smallest unit. Raises ``ValueError`` when it does not fit exactly."""
    scaled = _scaled(amount, exponent(currency))
    if scaled != scaled.to_integral_value():
        places = exponent(currency)
        raise ValueError(f"{amount} is finer than the {places} decimal places of {currency}")
    units = int(scaled)
    if units % step(currency):
        raise ValueError(f"Stripe takes {currency} only in multiples of {_least(currency)}")
    return units


def from_minor_decimal(text: str, currency: str) -> Decimal:
    """A ``*_decimal`` amount in major units. Raises ``ValueError``."""
    return plain_decimal(text).scaleb(-exponent(currency), _EXACT)


def to_minor_decimal(amount: Decimal, currency: str) -> str:
    """A unit price in the smallest unit, at most twelve places. Raises ``ValueError``."""
    text = format(_scaled(amount, exponent(currency)), "f")
    whole, _, fraction = text.partition(".")
    fraction = fraction.rstrip("0")
    if len(fraction) > FRACTION_PLACES:
        raise ValueError(f"{amount} is finer than Stripe keeps a unit price in {currency}")
    return f"{whole}.{fraction}" if fraction else whole


def plain_decimal(text: str) -> Decimal:
    """A number of plain digits. Raises ``ValueError``."""
    if not re.fullmatch(r"-?[0-9]{1,40}(?:\.[0-9]{1,40})?", text, re.ASCII):
        raise ValueError("not a decimal number")
    return Decimal(text)


def _least(currency: str) -> Decimal:
    return from_minor(step(currency), currency)


def _scaled(amount: Decimal, places: int) -> Decimal:
    if not amount.is_finite() or abs(amount.adjusted()) > AMOUNT_MAX_DIGITS:
        raise ValueError("not an amount of money")
    if len(amount.as_tuple().digits) > 2 * AMOUNT_MAX_DIGITS:
        raise ValueError("an amount of too many digits")
    return amount.scaleb(places, _EXACT)
