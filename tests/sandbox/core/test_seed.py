"""The made-up world: the same for a seed, of the asked size, with the traps of real portals."""

from __future__ import annotations

from collections import Counter

import pytest

from sandbox.seed import DEFAULT_SIZES, build_world
from sandbox.words import FREE_MAIL_DOMAINS

WORLD = build_world(0)


def test_sizes_and_determinism() -> None:
    assert {name: len(getattr(WORLD, name)) for name in DEFAULT_SIZES} == dict(DEFAULT_SIZES)
    assert build_world(0) == WORLD
    assert build_world(1) != WORLD
    assert len(build_world(0, {"contacts": 7}).contacts) == 7
    with pytest.raises(ValueError, match="unknown sizes dales"):
        build_world(0, {"dales": 1})


def test_empty_parts_are_possible() -> None:
    world = build_world(0, {"companies": 0, "products": 0, "deals": 3, "contacts": 3})
    assert all(deal.lines == () and deal.company is None for deal in world.deals)


def test_traps_are_there() -> None:
    domains = Counter(company.domain for company in WORLD.companies if company.domain)
    assert max(domains.values()) == 2
    assert any(not company.domain for company in WORLD.companies)
    assert any(not company.name for company in WORLD.companies)
    assert sum(company.archived for company in WORLD.companies) == 1
    assert sum(contact.archived for contact in WORLD.contacts) == 1
    assert any(contact.company is None for contact in WORLD.contacts)
    assert any(not contact.email for contact in WORLD.contacts)
    assert any(not contact.last_name for contact in WORLD.contacts)
    assert any(contact.email.endswith(FREE_MAIL_DOMAINS) for contact in WORLD.contacts)
    assert {deal.currency for deal in WORLD.deals} == {"USD", "EUR", "JPY"}
    assert {len(deal.lines) for deal in WORLD.deals} == {0, 1, 2, 3, 4, 5, 6}
    assert any(not company.name.isascii() for company in WORLD.companies)


def test_addresses_are_ascii_and_unique() -> None:
    emails = [contact.email for contact in WORLD.contacts if contact.email]
    assert len(set(emails)) == len(emails)
    assert all(email.isascii() and " " not in email for email in emails)


def test_yen_have_no_decimals_and_amounts_are_the_sum_of_lines() -> None:
    for deal in WORLD.deals:
        if deal.lines:
            assert deal.amount == sum(line.price * line.quantity for line in deal.lines)
        if deal.currency == "JPY":
            assert deal.amount == deal.amount.to_integral_value()
