"""What a mapping's facts make of records that are not as they should be."""

import datetime as dt
from decimal import Decimal

import pytest

from connectors.records import Record, Ref
from engine.mapping.model import AwaitsLink, Lookups, SourceView, Unmappable

BILLED = """
mapping: m
source: {object: invoices}
facts:
  - {kind: billed, amount: amount, currency: = 'EUR', effective_on: day, service_to: until}
"""
SOUND = {"amount": Decimal(5), "day": dt.date(2026, 1, 1), "until": None}


def view(**fields):
    return SourceView(Record(Ref("invoices", "1"), {**SOUND, **fields}), {})


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"amount": Decimal(10**14) + Decimal("0.01")}, "AMOUNT_TOO_LARGE"),
        ({"until": dt.date(9999, 12, 31)}, "DATE_OUT_OF_RANGE"),
        ({"day": dt.date(206, 1, 1)}, "DATE_OUT_OF_RANGE"),
        ({"day": None}, "DATE_MISSING"),
    ],
)
def test_what_the_books_cannot_hold_is_told_of_the_record(mapping, fields, code):
    found = mapping(BILLED).facts(view(**fields), Lookups())
    assert isinstance(found, Unmappable)
    assert [fault[0] for fault in found.faults] == [code]


def test_the_largest_and_the_last_are_taken(mapping):
    last = dt.date(2100, 12, 31)
    (fact,) = mapping(BILLED).facts(view(amount=Decimal(10**14), until=last), Lookups())
    assert (fact.amount_minor, fact.service_to) == (10**16, last)


def test_what_was_not_read_takes_nothing_back(mapping):
    short = SourceView(Record(Ref("invoices", "1"), {"day": SOUND["day"], "until": None}), {})
    found = mapping(BILLED).facts(short, Lookups())
    assert isinstance(found, Unmappable)
    assert found.faults[0][0] == "SOURCE_NOT_READ"


def test_facts_wait_for_the_link_that_their_record_waits_for(mapping):
    asking = BILLED.replace("facts:", "when: = linked('accounts', account)\nfacts:")
    found = mapping(asking).facts(view(account="A-1"), Lookups())
    assert isinstance(found, AwaitsLink)
    assert [one.id for one in found.references] == ["A-1"]


def test_a_record_that_takes_no_part_proves_nothing(mapping):
    asking = BILLED.replace("facts:", "when: = amount > 9\nfacts:")
    assert mapping(asking).facts(view(), Lookups()) == ()
