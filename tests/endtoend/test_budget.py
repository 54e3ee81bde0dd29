"""What a backfill, a repeat and a quiet round cost, counted by the systems themselves."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.endtoend.calls import Spent
from tests.endtoend.world import BLANK, SYSTEMS, Line, load_hubspot

RECORDS = 250
PEOPLE_OF_COMPANIES = 120
LINES_PER_DEAL = 2
CURRENCIES = 3

FOLLOWED_HUBSPOT = ("companies", "contacts", "products", "deals", "line_items")
FOLLOWED_SALESFORCE = ("Lead", "Opportunity")
SALESFORCE_OBJECTS = (
    "Account",
    "Contact",
    "Lead",
    "Opportunity",
    "OpportunityContactRole",
    "OpportunityLineItem",
    "Pricebook2",
    "PricebookEntry",
    "Product2",
    "User",
)

# The vendors' pages: HubSpot lists 100, reads and writes 100, completes associations of 1,000 and
# searches 200 at a time; Salesforce writes 200, reads 400 and looks for 100 values at a time, of a
# web address 35, because each has ten spellings.
LIST, HUBSPOT_BATCH, ASSOCIATIONS, HUBSPOT_SEARCH = 100, 100, 1000, 200
SALESFORCE_WRITE, SALESFORCE_READ, VALUES, ADDRESSES = 200, 400, 100, 35


def calls_for(records: int, batch: int) -> int:
    return -(-records // batch)


@dataclass(frozen=True)
class Story:
    """What each chapter of the line's life cost."""

    line: Line
    first: Spent
    news_back: Spent
    repeat: Spent
    quiet: Spent


@pytest.fixture(scope="module")
def story(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Story]:
    line = Line(Path(tmp_path_factory.mktemp("budget")), sizes=BLANK)
    try:
        fill(line)
        line.shift(hours=2)
        with line.spent() as first:
            line.settle()
        line.shift(minutes=10)
        with line.spent() as news_back:
            line.settle()
        # Our own writes come back once; then the indexes have nothing younger than five minutes.
        for _ in range(3):
            line.rest(minutes=10)
        line.backfill()
        with line.spent() as repeat:
            line.settle()
        line.shift(minutes=6)
        with line.spent() as quiet:
            line.settle()
        assert line.codes() == []
        line.verify()
        yield Story(line, first, news_back, repeat, quiet)
    finally:
        line.close()


def fill(line: Line) -> None:
    """250 of each: half of the people work for a company, every deal has two lines and a person."""
    numbers = range(RECORDS)
    deal = {
        "dealstage": "appointmentscheduled",
        "pipeline": "default",
        "closedate": "2026-12-01T00:00:00Z",
        "deal_currency_code": "USD",
    }
    load_hubspot(
        line,
        {
            "companies": [{"name": f"Company {n}", "domain": f"c{n}.example"} for n in numbers],
            "contacts": [{"lastname": f"P{n}", "email": f"p{n}@mail.example"} for n in numbers],
            "products": [{"name": f"Item {n}", "hs_sku": f"S-{n}", "price": "10"} for n in numbers],
            "deals": [{"dealname": f"Deal {n}", **deal} for n in numbers],
        },
    )
    products = list(line.live("hubspot", "products"))
    load_hubspot(
        line,
        {
            "line_items": [
                {
                    "name": f"L{n}",
                    "hs_product_id": products[n % RECORDS],
                    "quantity": "2",
                    "price": "5",
                }
                for n in range(RECORDS * LINES_PER_DEAL)
            ]
        },
    )
    companies, contacts, deals, lines = (
        list(line.live("hubspot", name))
        for name in ("companies", "contacts", "deals", "line_items")
    )
    for number in numbers:
        line.associate("deals", deals[number], "companies", companies[number])
        line.associate("deals", deals[number], "contacts", contacts[number % PEOPLE_OF_COMPANIES])
        for own in range(LINES_PER_DEAL):
            id = lines[number * LINES_PER_DEAL + own]
            line.associate("deals", deals[number], "line_items", id)
    for number in range(PEOPLE_OF_COMPANIES):
        line.associate("contacts", contacts[number], "companies", companies[number])


def writes_to(spent: Spent, object: str) -> int:
    return spent.on("salesforce", "PATCH", rf"/composite/sobjects/{object}/Revline_Id__c$")


def test_everything_arrives(story: Story) -> None:
    counts = {name: len(story.line.live("salesforce", name)) for name in SALESFORCE_OBJECTS}
    assert counts["Account"] == counts["Opportunity"] == counts["Product2"] == RECORDS
    assert counts["Contact"] == PEOPLE_OF_COMPANIES
    assert counts["Lead"] == RECORDS - PEOPLE_OF_COMPANIES
    assert counts["OpportunityLineItem"] == RECORDS * LINES_PER_DEAL
    assert counts["OpportunityContactRole"] == RECORDS
    assert counts["PricebookEntry"] == RECORDS * CURRENCIES


def test_a_backfill_lists_each_object_once_per_sync(story: Story) -> None:
    pages = calls_for(RECORDS, LIST)
    archived = 1  # the walk of archived records, once per object
    syncs = {"companies": 1, "contacts": 2, "products": 1, "deals": 1}
    for object, number in syncs.items():
        found = story.first.on("hubspot", "GET", rf"/crm/objects/2026-09/{object}$")
        assert found == pages * number + archived, object
        assert story.first.on("hubspot", "POST", rf"/{object}/search$") == 1, object
        read = story.first.on("hubspot", "POST", rf"/objects/2026-09/{object}/batch/read$")
        assert read == 0, object


def test_a_backfill_reads_children_and_associations_in_full_batches(story: Story) -> None:
    lines = RECORDS * LINES_PER_DEAL
    read = story.first.on("hubspot", "POST", r"/objects/2026-09/line_items/batch/read$")
    assert read == calls_for(lines, HUBSPOT_BATCH)
    for included in ("companies", "contacts", "line_items"):
        path = rf"/crm/associations/2026-09/deals/{included}/batch/read$"
        found = story.first.on("hubspot", "POST", path)
        assert found <= calls_for(RECORDS, ASSOCIATIONS), included


def test_match_look_ups_fill_their_queries_and_are_spared_where_there_is_no_rule(
    story: Story,
) -> None:
    expected = {
        "Account": calls_for(RECORDS, ADDRESSES),
        "Lead": calls_for(RECORDS - PEOPLE_OF_COMPANIES, VALUES),
        "Contact": calls_for(PEOPLE_OF_COMPANIES, VALUES),
        "Product2": calls_for(RECORDS, VALUES),
        "PricebookEntry": calls_for(RECORDS * CURRENCIES, VALUES),
        "User": 1,
        "Pricebook2": 1,  # the catalogue
        # Upserted on our own identity, without a rule to find them by:
        "Opportunity": 0,
        "OpportunityLineItem": 0,
        "OpportunityContactRole": 0,
    }
    found = {
        name: sum(
            1
            for entry in story.first.entries["salesforce"]
            if entry.request.path.endswith("/query/")
            and re.search(rf"FROM {name}\b", str(entry.request.query))
        )
        for name in expected
    }
    assert found == expected


def test_writes_fill_their_batches(story: Story) -> None:
    expected = {
        "Account": calls_for(RECORDS, SALESFORCE_WRITE),
        "Lead": calls_for(RECORDS - PEOPLE_OF_COMPANIES, SALESFORCE_WRITE),
        "Contact": calls_for(PEOPLE_OF_COMPANIES, SALESFORCE_WRITE),
        "Product2": calls_for(RECORDS, SALESFORCE_WRITE),
        "PricebookEntry": calls_for(RECORDS * CURRENCIES, SALESFORCE_WRITE),
        "Opportunity": calls_for(RECORDS, SALESFORCE_WRITE),
        "OpportunityLineItem": calls_for(RECORDS * LINES_PER_DEAL, SALESFORCE_WRITE),
        "OpportunityContactRole": calls_for(RECORDS, SALESFORCE_WRITE),
    }
    assert {name: writes_to(story.first, name) for name in expected} == expected
    assert story.first.of("salesforce", "PATCH", ".") == sum(expected.values())


def test_definitions_are_asked_for_once_and_one_token_serves_the_whole_process(
    story: Story,
) -> None:
    asked: Counter[str] = Counter()
    for system in SYSTEMS:
        for entry in story.line.simulator(system).journal.entries:
            path = entry.request.path
            if path.endswith("/describe") or "/crm/properties/" in path or "/token" in path:
                asked[path] += 1
    assert set(asked.values()) == {1}
    described = [path.split("/")[-2] for path in asked if path.endswith("/describe")]
    assert set(described) <= set(SALESFORCE_OBJECTS)


def test_read_backs_of_new_records_stay_within_two_calls(story: Story) -> None:
    """Only where a facing sync would bring back what Salesforce made of a value."""
    for name in ("Lead", "Opportunity"):
        assert story.first.queries(rf"FROM {name} WHERE Id IN") <= 2
    for name in ("Account", "Contact", "Product2", "PricebookEntry", "OpportunityLineItem"):
        assert story.first.queries(rf"FROM {name} WHERE Id IN") == 0


def test_new_leads_tell_hubspot_their_status_in_full_batches(story: Story) -> None:
    batches = calls_for(RECORDS - PEOPLE_OF_COMPANIES, HUBSPOT_BATCH)
    assert story.news_back.on("hubspot", "POST", r"/contacts/batch/update$") == batches
    assert story.news_back.on("hubspot", "POST", r"/contacts/batch/read$") == batches
    assert story.news_back.writes.total() == batches


def test_an_unchanged_resync_costs_the_list_pages_only(story: Story) -> None:
    pages = calls_for(RECORDS, LIST)
    spent = story.repeat
    assert spent.writes.total() == 0
    lists = {
        "companies": pages,
        "contacts": 2 * pages,
        "products": pages,
        "deals": pages,
    }
    found = {name: spent.on("hubspot", "GET", rf"/2026-09/{name}$") for name in lists}
    assert found == lists
    assert spent.on("hubspot", "GET", r"/crm/owners/2026-09$") == 2  # its list, and its poll
    assert spent.of("hubspot", "POST", "/batch/") == 0
    for name in FOLLOWED_SALESFORCE:
        assert spent.queries(rf"FROM {name}\b") == 2, name  # its list, and its poll
    rest = len(FOLLOWED_HUBSPOT)  # one search each
    assert spent.total == sum(lists.values()) + 2 + 2 * len(FOLLOWED_SALESFORCE) + rest


def test_a_quiet_round_costs_one_call_per_followed_object(story: Story) -> None:
    spent = story.quiet
    for name in FOLLOWED_HUBSPOT:
        assert spent.on("hubspot", "POST", rf"/{name}/search$") == 1, name
    for name in FOLLOWED_SALESFORCE:
        assert spent.queries(rf"FROM {name} WHERE SystemModstamp") == 1, name
    owners = 1
    assert spent.total == len(FOLLOWED_HUBSPOT) + len(FOLLOWED_SALESFORCE) + owners
