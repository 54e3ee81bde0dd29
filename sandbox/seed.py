"""A made-up company's customers, products and deals, the same for the same seed.

Vendor-neutral: each simulator loads its part of one :class:`World`, so that HubSpot's contacts and
Salesforce's leads overlap the way they do in life. The traps of real portals are built in:

* contacts with free-mail addresses, without a company, without an e-mail address, with blank names;
* companies sharing one domain, without a domain, with blank names;
* deals in USD, EUR and JPY, deals without line items, deals without a company;
* a company in the United States without a state, which no tax can be worked out for;
* names in many scripts, apostrophes and ampersands; one archived company and one archived contact.
"""

from __future__ import annotations

import random
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Final

from sandbox import words

WORLD_NOW: Final = datetime(2026, 9, 1, 8, 0, tzinfo=UTC)  # seeded records are older than this
STAGES: Final = (
    "appointmentscheduled",
    "qualifiedtobuy",
    "presentationscheduled",
    "decisionmakerboughtin",
    "contractsent",
    "closedwon",
    "closedlost",
)
WON: Final = "closedwon"
DEFAULT_SIZES: Final[Mapping[str, int]] = {
    "owners": 5,
    "companies": 100,
    "contacts": 300,
    "products": 40,
    "deals": 84,
    "contracts": 0,
}
CONTRACTS_SINCE: Final = date(2026, 1, 1)
CONTRACTS_UNTIL: Final = date(2026, 8, 28)


@dataclass(frozen=True, slots=True)
class Owner:
    """A salesperson; a HubSpot owner and a Salesforce user with the same e-mail address."""

    email: str
    first_name: str
    last_name: str
    active: bool


@dataclass(frozen=True, slots=True)
class Company:
    """A customer. ``domain`` and ``name`` may be blank; a domain may belong to two companies."""

    name: str
    domain: str
    industry: str
    country: str
    city: str
    state: str
    postal_code: str
    phone: str
    employees: int
    annual_revenue: int
    currency: str
    owner: int
    created_at: datetime
    archived: bool = False


@dataclass(frozen=True, slots=True)
class Contact:
    """A person. ``company`` is an index into the world's companies."""

    email: str
    first_name: str
    last_name: str
    phone: str
    job_title: str
    company: int | None
    owner: int
    lifecycle_stage: str
    created_at: datetime
    archived: bool = False


@dataclass(frozen=True, slots=True)
class Product:
    """A catalogue entry. ``billing`` is HubSpot's recurring frequency, ``None`` for one-off."""

    sku: str
    name: str
    price: Decimal
    billing: str | None
    term: str | None


@dataclass(frozen=True, slots=True)
class Line:
    """A line of a deal; ``price`` per unit in the deal's currency."""

    product: int
    quantity: int
    price: Decimal


@dataclass(frozen=True, slots=True)
class Deal:
    """An opportunity. ``amount`` is the sum of its lines, or a guess when it has none.

    ``starts_on`` is the first day of service of one that was won.
    """

    name: str
    stage: str
    amount: Decimal
    currency: str
    close_date: date
    company: int | None
    contacts: tuple[int, ...]
    lines: tuple[Line, ...]
    owner: int
    created_at: datetime
    starts_on: date | None = None


@dataclass(frozen=True, slots=True)
class World:
    """Everything there is, in creation order. ``contracts`` are deals, too: those asked for beside
    the others, all won, each by a customer of its own in the customer's currency."""

    owners: tuple[Owner, ...]
    companies: tuple[Company, ...]
    contacts: tuple[Contact, ...]
    products: tuple[Product, ...]
    deals: tuple[Deal, ...]
    contracts: tuple[Deal, ...] = ()


def build_world(seed: int = 0, sizes: Mapping[str, int] | None = None) -> World:
    """The world for a seed. ``sizes`` overrides the defaults; ``ValueError`` for an unknown one."""
    wanted = {**DEFAULT_SIZES, **(sizes or {})}
    unknown = sorted(set(wanted) - set(DEFAULT_SIZES))
    if unknown:
        raise ValueError(f"unknown sizes {', '.join(unknown)}; known: {', '.join(DEFAULT_SIZES)}")
    chance = random.Random(f"world-{seed}")
    owners = _owners(max(wanted["owners"], 1))
    companies = tuple(
        _company(number, chance, len(owners)) for number in range(wanted["companies"])
    )
    contacts = tuple(
        _contact(number, chance, companies, len(owners)) for number in range(wanted["contacts"])
    )
    products = tuple(_product(number, chance) for number in range(wanted["products"]))
    by_company: dict[int, list[int]] = {}
    for index, contact in enumerate(contacts):
        if contact.company is not None and not contact.archived:
            by_company.setdefault(contact.company, []).append(index)
    deals = tuple(
        _deal(number, chance, companies, by_company, products, len(owners))
        for number in range(wanted["deals"])
    )
    taken = {deal.company for deal in deals if deal.starts_on is not None}
    free = [
        index
        for index, company in enumerate(companies)
        if index not in taken and company.name and not company.archived
    ]
    contracts = tuple(
        _contract(number, seed, wanted["contracts"], free[number % len(free)], companies, products)
        for number in range(wanted["contracts"] if free and products else 0)
    )
    return World(owners, companies, contacts, products, (*deals, *contracts), contracts)


def _owners(count: int) -> tuple[Owner, ...]:
    people = tuple(name.split() for name in words.SALESPEOPLE)
    owners = []
    for number in range(count):
        first, last = people[number % len(people)]
        suffix = "" if number < len(people) else str(number)
        email = f"{_plain(first)}.{_plain(last)}{suffix}@revline.example"
        owners.append(Owner(email, first, last, active=number % 5 != 4))
    return tuple(owners)


def _company(number: int, chance: random.Random, owner_count: int) -> Company:
    stem = _stem_of(number)
    country, city, postal_code, currency = chance.choice(words.PLACES)
    name = f"{stem} {chance.choice(words.COMPANY_ENDINGS)}"
    domain = _domain_of(number)
    if number % 50 == 7:  # two companies, one domain
        name, domain = f"{stem} (Branch)", _domain_of(number - 2)
    elif number % 50 == 11:
        domain = ""
    elif number % 50 == 13:
        name = ""
    return Company(
        name=name,
        domain=domain,
        industry=chance.choice(words.INDUSTRIES),
        country=country,
        city=city,
        state="" if number % 100 == 33 else words.STATES.get(city, ""),
        postal_code=postal_code,
        phone=f"+49 40 {100000 + number}",
        employees=chance.choice((3, 12, 48, 250, 1200, 40000)),
        annual_revenue=chance.randrange(1, 5000) * 10_000,
        currency=currency,
        owner=number % owner_count,
        created_at=_created(number, chance),
        archived=number % 100 == 29,
    )


def _stem_of(number: int) -> str:
    first = words.COMPANY_FIRST[number % len(words.COMPANY_FIRST)]
    second = words.COMPANY_SECOND[(number // len(words.COMPANY_FIRST)) % len(words.COMPANY_SECOND)]
    series = number // (len(words.COMPANY_FIRST) * len(words.COMPANY_SECOND))
    return f"{first} {second}" + (f" {series + 1}" if series else "")


def _domain_of(number: int) -> str:
    return _plain(_stem_of(number)).replace(" ", "-") + ".example"


def _contact(
    number: int, chance: random.Random, companies: tuple[Company, ...], owner_count: int
) -> Contact:
    first, last = chance.choice(words.FIRST_NAMES), chance.choice(words.LAST_NAMES)
    company = number % len(companies) if companies else None
    kind = number % 25
    if kind in {3, 8}:  # free mail, and nobody knows where they work
        company = None
    domain = companies[company].domain if company is not None else ""
    if kind in {3, 8, 12} or not domain:
        domain = words.FREE_MAIL_DOMAINS[number % len(words.FREE_MAIL_DOMAINS)]
    email = f"{_plain(first)}.{_plain(last)}.{number}@{domain}".replace("'", "")
    if kind == 17:
        email = ""
    elif kind == 19:
        first = ""
    elif kind == 21:
        first, last = "", ""
    return Contact(
        email=email,
        first_name=first,
        last_name=last,
        phone=f"+1 512 555 {number:04d}",
        job_title=chance.choice(words.JOB_TITLES),
        company=company,
        owner=number % owner_count,
        lifecycle_stage=chance.choice(("subscriber", "lead", "marketingqualifiedlead", "customer")),
        created_at=_created(number, chance),
        archived=number % 300 == 133,
    )


def _product(number: int, chance: random.Random) -> Product:
    code, name, billing, term = words.PRODUCT_FAMILIES[number % len(words.PRODUCT_FAMILIES)]
    tier = number // len(words.PRODUCT_FAMILIES) + 1
    price = Decimal(chance.randrange(900, 400_000)) / 100
    return Product(f"{code}-{tier:03d}", f"{name}, tier {tier}", price, billing, term)


def _deal(
    number: int,
    chance: random.Random,
    companies: tuple[Company, ...],
    by_company: Mapping[int, list[int]],
    products: tuple[Product, ...],
    owner_count: int,
) -> Deal:
    company: int | None = chance.randrange(len(companies)) if companies else None
    if company is not None and (companies[company].archived or number % 28 == 9):
        company = None
    currency = ("USD", "EUR", "JPY")[number % 3]
    lines = () if number % 20 == 6 else _lines(chance, products, currency)
    amount = sum((line.price * line.quantity for line in lines), Decimal(0))
    if not lines:
        amount = Decimal(chance.randrange(1, 90)) * 1000
    colleagues = by_company.get(company, []) if company is not None else []
    people = tuple(colleagues[: chance.randrange(0, 4)])
    customer = companies[company].name if company is not None else ""
    kind = chance.choice(("New", "Renewal", "Expansion"))
    created_at = _created(number, chance)
    stage = STAGES[number % len(STAGES)]
    close_date = created_at.date() + timedelta(days=chance.randrange(10, 200))
    return Deal(
        name=f"{customer or 'New business'} – {kind} {number}",
        stage=stage,
        amount=amount,
        currency=currency,
        close_date=close_date,
        company=company,
        contacts=people,
        lines=lines,
        owner=number % owner_count,
        created_at=created_at,
        starts_on=close_date if stage == WON else None,
    )


def _contract(
    number: int,
    seed: int,
    count: int,
    company: int,
    companies: tuple[Company, ...],
    products: tuple[Product, ...],
) -> Deal:
    """One of the won deals that are spread evenly over the year."""
    chance = random.Random(f"contract-{seed}-{number}")
    customer = companies[company]
    span = (CONTRACTS_UNTIL - CONTRACTS_SINCE).days
    close_date = CONTRACTS_SINCE + timedelta(days=number * span // count)
    lines = _lines(chance, products, customer.currency, most=3, quantities=(1, 2, 3, 5, 8))
    created_at = datetime.combine(close_date, WORLD_NOW.timetz()) - timedelta(
        days=chance.randrange(20, 90), seconds=chance.randrange(86_400)
    )
    return Deal(
        name=f"{customer.name} – Contract {number}",
        stage=WON,
        amount=sum((line.price * line.quantity for line in lines), Decimal(0)),
        currency=customer.currency,
        close_date=close_date,
        company=company,
        contacts=(),
        lines=lines,
        owner=customer.owner,
        created_at=created_at,
        starts_on=close_date,
    )


def _lines(
    chance: random.Random,
    products: tuple[Product, ...],
    currency: str,
    most: int = 6,
    quantities: tuple[int, ...] = (1, 1, 2, 5, 10, 25, 100),
) -> tuple[Line, ...]:
    if not products:
        return ()
    lines = []
    for _ in range(chance.randrange(1, most + 1)):
        product = chance.randrange(len(products))
        price = products[product].price
        if currency == "JPY":  # yen have no decimals
            price = (price * 150).quantize(Decimal(1))
        lines.append(Line(product, chance.choice(quantities), price))
    return tuple(lines)


def _created(number: int, chance: random.Random) -> datetime:
    """Within the 180 days before the world's now; some share an instant, as after an import."""
    if number % 10 == 4:
        return WORLD_NOW - timedelta(days=90)
    return WORLD_NOW - timedelta(milliseconds=chance.randrange(1000, 180 * 86_400_000))


def _plain(text: str) -> str:
    """Lower-case ASCII letters, digits and spaces, for addresses."""
    folded = unicodedata.normalize("NFKD", text.translate(str.maketrans("øłı", "oli")))
    return "".join(
        char for char in folded.lower() if char.isascii() and (char.isalnum() or char in " '")
    ).replace("'", "")
