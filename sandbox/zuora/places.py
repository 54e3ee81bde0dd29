"""Countries as contacts name them, and the sales tax of each, by date.

A small table: what the simulated company sells into. Rates are the standard rates published by the
tax authorities; a country without a line charges none.
"""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Final

COUNTRIES: Final = {
    "AE": ("ARE", "United Arab Emirates"), "AT": ("AUT", "Austria"), "AU": ("AUS", "Australia"),
    "BE": ("BEL", "Belgium"), "BR": ("BRA", "Brazil"), "CA": ("CAN", "Canada"),
    "CH": ("CHE", "Switzerland"), "CN": ("CHN", "China"), "CZ": ("CZE", "Czech Republic"),
    "DE": ("DEU", "Germany"), "DK": ("DNK", "Denmark"), "ES": ("ESP", "Spain"),
    "FI": ("FIN", "Finland"), "FR": ("FRA", "France"), "GB": ("GBR", "United Kingdom"),
    "IE": ("IRL", "Ireland"), "IN": ("IND", "India"), "IT": ("ITA", "Italy"),
    "JP": ("JPN", "Japan"), "KW": ("KWT", "Kuwait"), "MX": ("MEX", "Mexico"),
    "NL": ("NLD", "Netherlands"), "NO": ("NOR", "Norway"), "PL": ("POL", "Poland"),
    "PT": ("PRT", "Portugal"), "SE": ("SWE", "Sweden"), "SG": ("SGP", "Singapore"),
    "US": ("USA", "United States"),
}  # fmt: skip
_BY_NAME: Final = {
    name.casefold(): iso
    for iso, (iso3, country) in COUNTRIES.items()
    for name in (iso, iso3, country)
}
# Country → (first day, rate), newest first.
_RATES: Final = {
    "DE": ((date(2021, 1, 1), "0.19"), (date(2020, 7, 1), "0.16"), (date(2007, 1, 1), "0.19")),
    "GB": ((date(2011, 1, 4), "0.20"),),
    "JP": ((date(2019, 10, 1), "0.10"), (date(2014, 4, 1), "0.08")),
}


def country_code(name: str) -> str | None:
    """The two letters of a country given by name or code; ``None`` for none we know."""
    return _BY_NAME.get(name.strip().casefold())


def tax_rate(country: str, day: date) -> Decimal:
    """The rate on a day, as a fraction."""
    for since, rate in _RATES.get(country, ()):
        if day >= since:
            return Decimal(rate)
    return Decimal(0)
