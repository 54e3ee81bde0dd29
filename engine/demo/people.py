"""Who does what in the selling half: a fate for each person whom marketing finds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from typing import Any, Final

from engine.demo.simulators import live

COUNT: Final = 68
LUKEWARM: Final = 6
COUNTRY_CURRENCIES: Final[Mapping[str, str]] = {
    "Germany": "EUR", "France": "EUR", "Sweden": "EUR", "Poland": "EUR",
    "United States": "USD", "Brazil": "USD", "Japan": "JPY",
}  # fmt: skip
PRICES: Final = {"EUR": (Decimal("0.9"), Decimal(1)), "JPY": (Decimal(150), Decimal(1000))}
"""What a dollar is listed at in another currency, and the round figures that are taken."""
BEGIN: Final = date(2026, 1, 1)
SPAN_DAYS: Final = 235
NAME_MAX: Final = 60

NOT_QUALIFIED: Final = 17  # every so many MQLs sales finds nobody to sell to
LOST_EARLY: Final = (5, 27, 49)
NO_CHAMPION: Final = (9, 31)
CHAMPION_LATER: Final = (31,)
QUARTER_OFF: Final = 7  # every so many deals a quarter off is asked for
REJECTED: Final = (3, 10)
REVISED: Final = (3,)
UNDECIDED: Final = (17,)
DECLINED: Final = (12, 20)
SIGNED_ANEW: Final = (12,)
UNSIGNED: Final = (35,)
LOST_LATE: Final = (40,)


@dataclass(frozen=True, slots=True)
class Person:
    """A contact with its company. ``number`` decides what becomes of the deal; ``linked_to`` is
    who it is in Salesforce."""

    number: int
    contact: str
    linked_to: str
    name: str
    company: str
    company_name: str
    currency: str

    @property
    def qualified(self) -> bool:
        """Whether sales finds that there is somebody to sell to."""
        return self.number % NOT_QUALIFIED != NOT_QUALIFIED - 1

    @property
    def discount(self) -> int:
        """What the rep gives away at first, in percent."""
        if self.number % QUARTER_OFF == 3:
            return 25
        return 10 if self.number % 3 == 1 else 0

    @property
    def starts_on(self) -> date:
        """The first day of service."""
        return BEGIN + timedelta(days=self.number * SPAN_DAYS // COUNT)


def found(hubspot: Mapping[str, Any], linked: Mapping[str, str]) -> list[Person]:
    """The people marketing turns to, the same for the same data.

    ``linked`` are the contacts that are Contacts in Salesforce already; whose company is not known
    there cannot be sold to.
    """
    companies, sold = live(hubspot["companies"]), _currencies(hubspot)
    people: list[Person] = []
    for id, contact in live(hubspot["contacts"]).items():
        company = next(iter(contact["associations"].get("companies") or ()), None)
        place = companies.get(str(company))
        if id not in linked or place is None or not contact["properties"].get("email"):
            continue
        currency = COUNTRY_CURRENCIES.get(place["properties"].get("country") or "")
        name, its = contact["properties"].get("lastname"), place["properties"].get("name")
        if currency is None or not name or not its or _no_tax(place["properties"]):
            continue
        if len(name) > NAME_MAX:
            continue  # the one whose name Salesforce refuses
        if sold.get(str(company), {currency}) != {currency}:
            continue  # an account is billed in one currency
        person = Person(len(people), id, linked[id], name, str(company), its, currency)
        people.append(person)
    return people[: COUNT + LUKEWARM]


def _currencies(hubspot: Mapping[str, Any]) -> dict[str, set[str]]:
    """In which currencies companies have bought or are about to."""
    found: dict[str, set[str]] = {}
    for deal in live(hubspot["deals"]).values():
        for company in deal["associations"].get("companies") or ():
            found.setdefault(company, set()).add(deal["properties"].get("deal_currency_code"))
    return found


def _no_tax(company: Mapping[str, Any]) -> bool:
    """In the United States no tax can be worked out without a state."""
    return company.get("country") == "United States" and not company.get("state")


def price_in(currency: str, dollars: Decimal) -> Decimal:
    """The list price that sales sets in another currency."""
    rate, step = PRICES[currency]
    return (dollars * rate / step).quantize(Decimal(1)) * step


def configured(number: int, catalogue: Sequence[str]) -> list[tuple[str, int]]:
    """What a customer wants: product codes and how many of each."""
    first = catalogue[number % len(catalogue)]
    second = catalogue[(number * 5 + 2) % len(catalogue)]
    lines = [(first, (1, 2, 3, 5, 8)[number % 5])]
    if second != first and number % 2:
        lines.append((second, 1))
    return lines
