"""Records that convert, merge, disappear, come back, move: each ends as it should."""

from __future__ import annotations

from decimal import Decimal

from connectors.records import Ref
from engine.model import Address
from engine.store import links
from tests.endtoend.world import Line

DEAL = {
    "dealstage": "appointmentscheduled",
    "pipeline": "default",
    "closedate": "2026-12-01T00:00:00Z",
    "deal_currency_code": "USD",
}
TOO_LONG = "x" * 300


def company(line: Line, name: str, domain: str) -> str:
    return line.create("hubspot", "companies", name=name, domain=domain)


def person(line: Line, name: str, of: str | None = None) -> str:
    id = line.create("hubspot", "contacts", lastname=name, email=f"{name.lower()}@mail.example")
    if of is not None:
        line.associate("contacts", id, "companies", of)
    return id


def deal_with_line(line: Line, **fields: str) -> tuple[str, str, str]:
    """A product, a deal and a line of it."""
    product = line.create("hubspot", "products", name="Seat", hs_sku="SEAT", price="10")
    deal = line.create("hubspot", "deals", dealname="Rollout", **{**DEAL, **fields})
    item = add_line(line, deal, product, "Seats")
    return product, deal, item


def add_line(line: Line, deal: str, product: str, name: str) -> str:
    fields = {"name": name, "hs_product_id": product, "quantity": "3", "price": "10"}
    item = line.create("hubspot", "line_items", **fields)
    line.associate("deals", deal, "line_items", item)
    return item


def revline_id(object: str, id: str) -> str:
    return f"revline-{object}-{id}"


def linked(line: Line, object: str, id: str) -> dict[str, str]:
    """The live links of a HubSpot record: Salesforce object → id."""
    source = Address("hubspot", object, id)
    with line.store.read() as tx:
        found = links.of_sources(tx, [source], "salesforce", None)
    return {link.far.object: link.far.id for link in found.get(source, ())}


# -- leads ------------------------------------------------------------


def test_a_converted_lead_goes_on_as_its_contact(line: Line) -> None:
    # Given a contact that is a lead
    contact = person(line, "Sato")
    line.calm()
    (lead,) = line.live("salesforce", "Lead")
    # When sales converts it
    line.shift(minutes=10)
    line.mutate("salesforce", "Lead", "convert", lead, opportunity=True)
    with line.spent() as spent:
        for _ in range(2):
            line.rest()
    # Then the contact of HubSpot is the contact of Salesforce, and nothing was made or refused
    (made,) = line.live("salesforce", "Contact")
    assert linked(line, "contacts", contact) == {"Contact": made}
    assert spent.of("salesforce", "PATCH", "Lead|/sobjects$") <= 1
    assert line.counts("salesforce").get("Contact", {}) == {} or all(
        one["creates"] == 0 for one in line.counts("salesforce")["Contact"].values()
    )
    assert line.codes() == []
    line.verify()


def test_a_converted_lead_leaves_edges_to_its_account_and_opportunity(line: Line) -> None:
    person(line, "Sato")
    line.calm()
    (lead,) = line.live("salesforce", "Lead")
    line.shift(minutes=10)
    line.mutate("salesforce", "Lead", "convert", lead, opportunity=True)
    for _ in range(2):
        line.rest()
    (contact,) = line.live("salesforce", "Contact")
    (account,) = line.live("salesforce", "Account")
    (opportunity,) = line.live("salesforce", "Opportunity")
    with line.store.read() as tx:
        edges = links.edges_at(tx, Address("salesforce", "Contact", contact))
    ends = {end.ref for begin, _kind, end in edges if begin.id == contact}
    assert {Ref("Account", account), Ref("Opportunity", opportunity)} <= ends


def test_edits_of_the_contact_after_the_conversion_reach_the_contact(line: Line) -> None:
    contact = person(line, "Sato")
    line.calm()
    (lead,) = line.live("salesforce", "Lead")
    line.shift(minutes=10)
    line.mutate("salesforce", "Lead", "convert", lead, opportunity=False)
    for _ in range(2):
        line.rest()
    line.update("hubspot", "contacts", contact, jobtitle="CFO")
    for _ in range(2):
        line.rest()
    assert line.one("salesforce", "Contact")["Title"] == "CFO"
    assert line.live("salesforce", "Lead") == {} or all(
        row["IsConverted"] for row in line.live("salesforce", "Lead").values()
    )
    assert line.codes() == []
    line.verify()


def test_an_edit_that_meets_a_lead_just_converted_lands_on_the_contact(line: Line) -> None:
    """The edit is on its way before the conversion was polled: the lead is read-only by then."""
    contact = person(line, "Sato")
    line.calm()
    (lead,) = line.live("salesforce", "Lead")
    line.rest()
    line.mutate("salesforce", "Lead", "convert", lead, opportunity=False)
    line.update("hubspot", "contacts", contact, jobtitle="CFO")
    for _ in range(3):
        line.rest()
    assert line.one("salesforce", "Contact")["Title"] == "CFO"
    assert line.codes() == []
    line.verify()


# -- merges ------------------------------------------------------------


def test_contacts_merged_in_hubspot_tell_of_the_two_leads_they_leave(line: Line) -> None:
    first, second = person(line, "Sato"), person(line, "Berg")
    line.calm()
    line.rest()
    line.mutate("hubspot", "contacts", "merge", first, loser=second)
    for _ in range(2):
        line.rest()
    (issue,) = line.issues()
    assert issue.code == "MERGED_TWO_TARGETS"
    assert issue.target is not None
    assert len(line.live("salesforce", "Lead")) == 2
    line.verify()


def test_a_contact_merged_into_one_that_is_not_linked_hands_over_its_lead(line: Line) -> None:
    survivor = line.create("hubspot", "contacts", phone="+49 341 1", firstname=TOO_LONG)
    loser = person(line, "Berg")
    line.calm()
    (lead,) = line.live("salesforce", "Lead")
    line.rest()
    line.update("hubspot", "contacts", survivor, firstname="Ann")
    line.mutate("hubspot", "contacts", "merge", survivor, loser=loser)
    for _ in range(2):
        line.rest()
    assert list(line.live("salesforce", "Lead")) == [lead]
    (now_id,) = line.live("hubspot", "contacts")
    assert linked(line, "contacts", now_id) == {"Lead": lead}
    assert line.codes() == []
    line.verify()


def test_accounts_merged_in_salesforce_are_followed_to_the_survivor(line: Line) -> None:
    id = company(line, "Arc", "arc.example")
    line.calm()
    (account,) = line.live("salesforce", "Account")
    survivor = line.create("salesforce", "Account", Name="Arc Group")
    line.mutate("salesforce", "Account", "merge", survivor, loser=account)
    line.rest()
    line.update("hubspot", "companies", id, city="Lund")
    line.rest()
    assert list(line.live("salesforce", "Account")) == [survivor]
    assert line.one("salesforce", "Account")["BillingCity"] == "Lund"
    assert linked(line, "companies", id) == {"Account": survivor}
    assert line.codes() == []
    line.verify()


# -- gone and back ------------------------------------------------------------


def test_an_archived_deal_is_flagged_and_its_opportunity_kept(line: Line) -> None:
    _, deal, _ = deal_with_line(line)
    line.calm()
    line.rest()
    line.mutate("hubspot", "deals", "archive", deal)
    with line.spent() as spent:
        line.rest(hours=2)
    assert not spent.writes
    assert len(line.live("salesforce", "Opportunity")) == 1
    flagged = [one for one in line.lines() if one["outcome"] == "flagged"]
    assert [one["source"]["id"] for one in flagged] == [deal]
    line.verify()


def test_a_restored_deal_takes_up_its_opportunity_again(line: Line) -> None:
    _, deal, _ = deal_with_line(line)
    line.calm()
    (opportunity,) = line.live("salesforce", "Opportunity")
    line.rest()
    line.mutate("hubspot", "deals", "archive", deal)
    line.rest(hours=2)
    line.mutate("hubspot", "deals", "restore", deal)
    line.update("hubspot", "deals", deal, dealname="Back again")
    line.rest()
    assert list(line.live("salesforce", "Opportunity")) == [opportunity]
    assert line.one("salesforce", "Opportunity")["Name"] == "Back again"
    assert linked(line, "deals", deal) == {"Opportunity": opportunity}
    assert line.codes() == []
    line.verify()


def test_an_account_deleted_in_salesforce_is_an_issue_and_is_not_made_again(line: Line) -> None:
    id = company(line, "Arc", "arc.example")
    line.calm()
    (account,) = line.live("salesforce", "Account")
    line.mutate("salesforce", "Account", "delete", account)
    line.rest()
    line.update("hubspot", "companies", id, city="Lund")
    line.rest()
    assert line.codes() == ["TARGET_GONE"]
    assert line.live("salesforce", "Account") == {}
    # When a person takes it out of the recycle bin, the next look finds it again.
    line.mutate("salesforce", "Account", "restore", account)
    line.update("hubspot", "companies", id, city="Malmö")
    line.rest()
    assert line.one("salesforce", "Account")["BillingCity"] == "Malmö"
    assert line.codes() == []


def test_a_lead_deleted_in_salesforce_leaves_the_contact_alone(line: Line) -> None:
    contact = person(line, "Sato")
    line.calm()
    (lead,) = line.live("salesforce", "Lead")
    line.rest()
    line.mutate("salesforce", "Lead", "delete", lead)
    with line.spent() as spent:
        line.rest(hours=2)
    assert not spent.writes
    assert list(line.live("hubspot", "contacts")) == [contact]
    line.verify()


# -- associations ------------------------------------------------------------


def moved_deal(line: Line) -> tuple[str, str]:
    """A deal moved from one company to another, which does not touch its modified time."""
    old, new = company(line, "Old", "old.example"), company(line, "New", "new.example")
    deal = line.create("hubspot", "deals", dealname="Pilot", **DEAL)
    line.associate("deals", deal, "companies", old)
    line.calm()
    for _ in range(2):
        line.rest()
    assert (
        line.one("salesforce", "Opportunity")["AccountId"]
        == linked(line, "companies", old)["Account"]
    )
    line.mutate("hubspot", "deals", "dissociate", deal, object="companies", id=old)
    line.associate("deals", deal, "companies", new)
    return deal, linked(line, "companies", new)["Account"]


def test_a_deal_moved_to_another_company_is_noticed_by_the_recheck(line: Line) -> None:
    _, account = moved_deal(line)
    line.rest(hours=2)
    assert line.one("salesforce", "Opportunity")["AccountId"] == account
    assert line.codes() == []


def test_a_deal_moved_to_another_company_is_noticed_by_its_webhook(line: Line) -> None:
    with line.receiving():
        _, account = moved_deal(line)
        line.delivered()
        assert line.runner.until_idle(60, look_again=False)  # no poll: the webhook alone
    assert line.one("salesforce", "Opportunity")["AccountId"] == account
    assert line.codes() == []


# -- children ------------------------------------------------------------


def test_a_line_item_edited_added_and_removed_is_followed(line: Line) -> None:
    product, deal, item = deal_with_line(line)
    line.calm()
    line.rest()
    assert line.one("salesforce", "OpportunityLineItem")["Quantity"] == 3
    # Edited: the deal itself shows nothing of it.
    line.update("hubspot", "line_items", item, quantity="5")
    line.rest()
    assert line.one("salesforce", "OpportunityLineItem")["Quantity"] == 5
    assert Decimal(line.one("salesforce", "OpportunityLineItem")["TotalPrice"]) == 50
    # Added.
    added = add_line(line, deal, product, "More seats")
    line.rest()
    rows = line.live("salesforce", "OpportunityLineItem").values()
    assert {row["Revline_Id__c"] for row in rows} == {
        revline_id("line_items", item),
        revline_id("line_items", added),
    }
    # Removed, which only the recheck can see without webhooks.
    line.mutate("hubspot", "line_items", "archive", item)
    line.rest(hours=2)
    row = line.one("salesforce", "OpportunityLineItem")
    assert row["Revline_Id__c"] == revline_id("line_items", added)
    assert line.codes() == []
    line.verify()


def test_a_price_that_is_in_the_book_already_is_taken_over(line: Line) -> None:
    # Given a product that finance has made and priced in Salesforce
    product = line.create("salesforce", "Product2", Name="Seat", ProductCode="SEAT", IsActive=True)
    (book,) = line.live("salesforce", "Pricebook2")
    entry = line.create(
        "salesforce",
        "PricebookEntry",
        Pricebook2Id=book,
        Product2Id=product,
        CurrencyIsoCode="USD",
        UnitPrice=8,
        IsActive=True,
    )
    # When the product arrives from HubSpot
    line.create("hubspot", "products", name="Seat", hs_sku="SEAT", price="10")
    line.calm()
    # Then it is the same product, the same entry, and the other currencies beside it
    assert list(line.live("salesforce", "Product2")) == [product]
    entries = line.live("salesforce", "PricebookEntry")
    assert len(entries) == 3
    assert entries[entry]["UnitPrice"] == 10
    assert line.codes() == []
    line.verify()


def test_a_product_repriced_in_hubspot_is_repriced_in_its_own_currency(line: Line) -> None:
    product = line.create("hubspot", "products", name="Seat", hs_sku="SEAT", price="10")
    line.calm()
    line.update("hubspot", "products", product, price="12.50")
    line.rest()
    prices = {
        row["CurrencyIsoCode"]: Decimal(str(row["UnitPrice"]))
        for row in line.live("salesforce", "PricebookEntry").values()
    }
    assert prices == {"USD": Decimal("12.50"), "EUR": 0, "JPY": 0}


def test_a_contact_whose_company_becomes_an_account_later_stays_one_record(line: Line) -> None:
    held = company(line, TOO_LONG, "late.example")  # too long a name for Salesforce
    contact = person(line, "Sato", of=held)
    line.calm()
    line.update("hubspot", "companies", held, name="Late")
    for _ in range(2):
        line.rest()
    found = linked(line, "contacts", contact)
    assert len(found) == 1
    people = len(line.live("salesforce", "Lead")) + len(line.live("salesforce", "Contact"))
    assert people == 1
    assert line.codes() == []
    line.verify()
