"""Amounts as the vendor counts them. Reference: docs.stripe.com/currencies."""

from __future__ import annotations

from decimal import ROUND_HALF_UP, Decimal
from types import MappingProxyType
from typing import Final

from sandbox.stripe.errors import ApiError

_TWO_DECIMAL: Final = """
aed afn all amd ang aoa ars aud awg azn bam bbd bdt bgn bmd bnd bob brl bsd bwp byn bzd cad cdf chf
cny cop crc cve czk dkk dop dzd egp etb eur fjd fkp gbp gel gip gmd gtq gyd hkd hnl htg huf idr ils
inr jmd kes kgs khr kyd kzt lak lbp lkr lrd lsl mad mdl mkd mmk mnt mop mur mvr mwk mxn myr mzn nad
ngn nio nok npr nzd pab pen pgk php pkr pln qar ron rsd rub sar sbd scr sek sgd shp sle sos srd std
szl thb tjs top try ttd twd tzs uah usd uyu uzs wst xcd yer zar zmw
"""
_ZERO_DECIMAL: Final = "bif clp djf gnf jpy kmf krw mga pyg rwf vnd vuv xaf xof xpf"
TWO_DECIMAL: Final = frozenset(_TWO_DECIMAL.split())
ZERO_DECIMAL: Final = frozenset(_ZERO_DECIMAL.split())
WHOLE_UNITS_ONLY: Final = frozenset({"isk", "ugx"})  # two decimals for history's sake, always 00
THREE_DECIMAL: Final = frozenset({"bhd", "jod", "kwd", "omr", "tnd"})  # the last digit is 0
AMOUNT_MAX: Final = 99_999_999
CHARGE_MIN: Final = MappingProxyType({"usd": 50, "eur": 50, "gbp": 30, "jpy": 50})
FEE_PERCENT: Final = Decimal("2.9")
FEE_FIXED: Final = 30
DISPUTE_FEE: Final = 1500


def exponent_of(currency: str) -> int:
    """Decimals of an amount on the wire; ``KeyError`` for a currency the vendor does not take."""
    if currency in ZERO_DECIMAL:
        return 0
    if currency in THREE_DECIMAL:
        return 3
    if currency in TWO_DECIMAL or currency in WHOLE_UNITS_ONLY:
        return 2
    raise KeyError(currency)


def check_currency(currency: str, param: str = "currency") -> str:
    """The code in lower case, as it is printed."""
    code = currency.lower()
    try:
        exponent_of(code)
    except KeyError:
        text = f"Invalid currency: {currency}"
        raise ApiError(400, text, param=param, code="invalid_currency", stored=False) from None
    return code


def check_amount(amount: int, currency: str, param: str = "amount", *, least: int = 0) -> int:
    """The amount, if the currency can have it."""
    if amount < least:
        text = f"This value must be greater than or equal to {least}."
        raise ApiError(400, text, param=param, code="parameter_invalid_integer", stored=False)
    step = 10 if currency in THREE_DECIMAL else 100 if currency in WHOLE_UNITS_ONLY else 1
    if amount % step:
        text = f"Invalid amount: in {currency} the amount must be a multiple of {step}"
        raise ApiError(400, text, param=param, code="parameter_invalid_integer", stored=False)
    return amount


def check_charge(amount: int, currency: str, param: str = "amount") -> int:
    """An amount that can be collected: neither too small nor too large."""
    check_amount(amount, currency, param, least=1)
    if amount < CHARGE_MIN.get(currency, 1):
        text = f"Amount must be at least {CHARGE_MIN[currency]} of the smallest unit of {currency}"
        raise ApiError(400, text, param=param, code="amount_too_small", stored=False)
    if amount > AMOUNT_MAX and currency not in {"jpy", "idr", "krw", "vnd"}:
        text = f"Amount must be no more than {AMOUNT_MAX}"
        raise ApiError(400, text, param=param, code="amount_too_large", stored=False)
    return amount


def fee_of(amount: int) -> int:
    """2.9 % and 30, in the smallest unit, rounded half up."""
    percentage = (FEE_PERCENT * amount / 100).quantize(Decimal(1), ROUND_HALF_UP)
    return int(percentage) + FEE_FIXED


def rounded(value: Decimal) -> int:
    """A whole number of the smallest unit, half up."""
    return int(value.quantize(Decimal(1), ROUND_HALF_UP))


def decimal_text(value: Decimal) -> str:
    """``unit_amount_decimal``: no exponent, no trailing zeros."""
    text = format(value, "f")
    return text.rstrip("0").rstrip(".") if "." in text else text
