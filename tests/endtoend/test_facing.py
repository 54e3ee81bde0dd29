"""Two syncs that face each other: every edit ends in one write, and echoes end in silence."""

from __future__ import annotations

import re
from decimal import Decimal

from tests.endtoend.calls import Spent
from tests.endtoend.world import Line

POLLS = r"/search$|/owners/|/queryAll/$"

DEAL = {
    "dealname": "Pilot",
    "dealstage": "appointmentscheduled",
    "pipeline": "default",
    "closedate": "2026-12-01T00:00:00Z",
    "deal_currency_code": "USD",
    "amount": "100",
}


def linked_deal(line: Line) -> tuple[str, str]:
    """A deal and its opportunity, both at rest."""
    deal = line.create("hubspot", "deals", **DEAL)
    line.calm()
    line.rest()
    (opportunity,) = line.live("salesforce", "Opportunity")
    return deal, opportunity


def linked_contact(line: Line, **fields: str) -> tuple[str, str]:
    """A contact and its lead, both at rest."""
    given = {"lastname": "Sato", "email": "sato@kite.example", "phone": "+49 341 1"}
    contact = line.create("hubspot", "contacts", **{**given, **fields})
    line.calm()
    line.rest()
    (lead,) = line.live("salesforce", "Lead")
    return contact, lead


def polls(line: Line) -> int:
    """What a round costs in which nothing has changed."""
    with line.spent() as spent:
        line.settle()
    assert not spent.writes
    return spent.total


def beyond_polls(line: Line, quiet: int) -> dict[str, int]:
    """What a round calls that writes nothing, beyond the polls.

    The polls' searches do not carry associations: those of every record that a sweep shows, again
    within its overlap of five minutes, are read with it.
    """
    with line.spent() as spent:
        line.settle()
    assert not spent.writes
    carried = r"/(deals|contacts)/(companies|contacts)/batch/read$"
    found: dict[str, int] = {}
    for entries in spent.entries.values():
        for entry in entries:
            path = entry.request.path
            if not re.search(carried, path) and not re.search(POLLS, path):
                found[path] = found.get(path, 0) + 1
    assert spent.total <= quiet + sum(found.values()) + spent.of("hubspot", "POST", "/assoc")
    return found


def written(spent: Spent) -> dict[str, int]:
    found = {"hubspot": 0, "salesforce": 0}
    for (system, _method, _path), count in spent.writes.items():
        found[system] += count
    return found


def test_an_edit_in_hubspot_is_one_write_in_salesforce(line: Line) -> None:
    deal, opportunity = linked_deal(line)
    line.update("hubspot", "deals", deal, dealname="Pilot for two")
    line.shift(minutes=10)
    with line.spent() as spent:
        line.settle()
        line.rest()
    assert written(spent) == {"hubspot": 0, "salesforce": 1}
    assert line.live("salesforce", "Opportunity")[opportunity]["Name"] == "Pilot for two"
    line.verify()


def test_the_echo_of_our_write_to_salesforce_costs_nothing_but_the_poll_that_brought_it(
    line: Line,
) -> None:
    contact, _ = linked_contact(line)
    quiet = polls(line)
    line.update("hubspot", "contacts", contact, jobtitle="CFO")
    line.shift(minutes=10)
    line.settle()
    for _ in range(3):
        line.shift(minutes=1)
        assert beyond_polls(line, quiet) == {}
    assert line.codes() == []


def test_an_edit_in_salesforce_is_one_write_in_hubspot(line: Line) -> None:
    deal, opportunity = linked_deal(line)
    line.update("salesforce", "Opportunity", opportunity, StageName="Qualification", Amount=250)
    line.shift(minutes=10)
    with line.spent() as spent:
        line.settle()
        line.rest()
    assert written(spent) == {"hubspot": 1, "salesforce": 0}
    stored = line.live("hubspot", "deals")[deal]
    assert stored["dealstage"] == "qualifiedtobuy"
    assert Decimal(stored["amount"]) == 250
    line.verify()


def test_the_echo_of_our_write_to_hubspot_costs_nothing_but_the_poll_that_brought_it(
    line: Line,
) -> None:
    _, lead = linked_contact(line)
    quiet = polls(line)
    line.update("salesforce", "Lead", lead, Status="Working - Contacted")
    line.shift(minutes=10)
    line.settle()
    for _ in range(3):
        line.shift(minutes=1)
        assert beyond_polls(line, quiet) == {}
    for _ in range(3):
        line.rest()
    assert polls(line) == quiet


def test_the_echo_of_a_root_with_children_looks_at_its_children_once(line: Line) -> None:
    """What a poll cannot carry, the lines of a deal, is looked at when the deal has changed."""
    _, opportunity = linked_deal(line)
    quiet = polls(line)
    line.update("salesforce", "Opportunity", opportunity, Amount=250)
    line.shift(minutes=10)
    line.settle()
    line.shift(minutes=1)
    children = "/crm/associations/2026-09/deals/line_items/batch/read"
    catalogue = "/services/data/v67.0/query/"
    assert beyond_polls(line, quiet) == {children: 1, catalogue: 1}
    assert beyond_polls(line, quiet) == {}


def test_one_field_edited_on_both_sides_ends_in_one_write_by_its_owner(line: Line) -> None:
    """Sales own the amount in Salesforce: HubSpot's edit of the same minute gives way."""
    deal, opportunity = linked_deal(line)
    line.update("hubspot", "deals", deal, amount="110")
    line.update("salesforce", "Opportunity", opportunity, Amount=120)
    line.shift(minutes=10)
    with line.spent() as spent:
        line.settle()
        line.rest()
    assert written(spent) == {"hubspot": 1, "salesforce": 0}
    assert Decimal(line.live("hubspot", "deals")[deal]["amount"]) == 120
    assert line.live("salesforce", "Opportunity")[opportunity]["Amount"] == 120
    assert [one["code"] for one in line.lines() if one["outcome"] == "conflict"] != []
    line.verify()


def test_the_owner_may_be_on_the_other_side(line: Line) -> None:
    """How a person is reached is HubSpot's to say."""
    contact, lead = linked_contact(line)
    line.update("hubspot", "contacts", contact, phone="+49 341 22")
    line.update("salesforce", "Lead", lead, Phone="+49 341 33")
    line.shift(minutes=10)
    with line.spent() as spent:
        line.settle()
        line.rest()
    assert written(spent) == {"hubspot": 0, "salesforce": 1}
    assert line.live("hubspot", "contacts")[contact]["phone"] == "+49 341 22"
    assert line.live("salesforce", "Lead")[lead]["Phone"] == "+49 341 22"
    line.verify()


def test_different_fields_edited_on_both_sides_both_survive(line: Line) -> None:
    deal, opportunity = linked_deal(line)
    line.update("hubspot", "deals", deal, dealname="Renamed")
    line.update("salesforce", "Opportunity", opportunity, StageName="Qualification")
    line.shift(minutes=10)
    with line.spent() as spent:
        line.settle()
        line.rest()
    assert written(spent) == {"hubspot": 1, "salesforce": 1}
    assert line.live("hubspot", "deals")[deal]["dealstage"] == "qualifiedtobuy"
    assert line.live("salesforce", "Opportunity")[opportunity]["Name"] == "Renamed"
    line.verify()


def test_a_lagging_search_index_neither_loses_an_edit_nor_undoes_one(line: Line) -> None:
    deal, opportunity = linked_deal(line)
    line.options("hubspot", index_delay_seconds=90)
    line.update("hubspot", "deals", deal, dealname="Seen late")
    line.update("salesforce", "Opportunity", opportunity, Amount=250)
    # The index still shows the deal as it was, whatever is written meanwhile.
    line.settle()
    line.shift(seconds=20)
    line.settle()
    assert Decimal(line.live("hubspot", "deals")[deal]["amount"]) == 250
    for _ in range(4):
        line.rest(minutes=2)
    assert line.live("salesforce", "Opportunity")[opportunity]["Name"] == "Seen late"
    assert line.live("salesforce", "Opportunity")[opportunity]["Amount"] == 250
    assert Decimal(line.live("hubspot", "deals")[deal]["amount"]) == 250
    assert line.codes() == []
    line.verify()


def test_two_edits_within_one_second_of_salesforce_both_arrive(line: Line) -> None:
    """SystemModstamp tells whole seconds: a later edit may carry the time of one already seen."""
    deal, opportunity = linked_deal(line)
    line.shift(minutes=10)
    line.salesforce.clock.freeze()
    line.update("salesforce", "Opportunity", opportunity, Amount=201)
    line.settle()
    assert Decimal(line.live("hubspot", "deals")[deal]["amount"]) == 201
    line.update("salesforce", "Opportunity", opportunity, Amount=202)
    line.settle()
    line.salesforce.clock.resume()
    assert Decimal(line.live("hubspot", "deals")[deal]["amount"]) == 202
    line.rest()
    assert line.live("salesforce", "Opportunity")[opportunity]["Amount"] == 202
    line.verify()


def test_an_edit_back_to_the_old_value_within_one_second_is_seen(line: Line) -> None:
    deal, opportunity = linked_deal(line)
    line.shift(minutes=10)
    line.salesforce.clock.freeze()
    for amount in (201, 202, 201):
        line.update("salesforce", "Opportunity", opportunity, Amount=amount)
        line.settle()
    line.salesforce.clock.resume()
    line.rest()
    assert Decimal(line.live("hubspot", "deals")[deal]["amount"]) == 201
    assert line.live("salesforce", "Opportunity")[opportunity]["Amount"] == 201


def test_a_value_that_the_target_trims_does_not_come_back_as_an_edit(line: Line) -> None:
    contact, lead = linked_contact(line, phone="  +49 341 5  ", jobtitle=" Head of  Data ")
    before = dict(line.live("hubspot", "contacts")[contact])
    with line.spent() as spent:
        for _ in range(3):
            line.rest()
    assert not spent.writes
    assert line.live("hubspot", "contacts")[contact]["phone"] == before["phone"]
    # An edit of ours that is trimmed again: one write there, none back.
    line.update("hubspot", "contacts", contact, phone="  +49 341 6 ")
    with line.spent() as spent:
        for _ in range(3):
            line.rest()
    assert written(spent) == {"hubspot": 0, "salesforce": 1}
    assert line.live("salesforce", "Lead")[lead]["Phone"].strip() == "+49 341 6"
    assert line.codes() == []


def test_a_status_worked_in_salesforce_reaches_the_contact(line: Line) -> None:
    contact, lead = linked_contact(line)
    assert line.live("hubspot", "contacts")[contact]["hs_lead_status"] == "NEW"
    line.update("salesforce", "Lead", lead, Status="Working - Contacted")
    with line.spent() as spent:
        for _ in range(2):
            line.rest()
    assert written(spent) == {"hubspot": 1, "salesforce": 0}
    assert line.live("hubspot", "contacts")[contact]["hs_lead_status"] == "IN_PROGRESS"


def test_a_record_of_the_other_side_alone_is_not_brought_over(line: Line) -> None:
    """The reverse syncs update what is linked; they create nothing."""
    line.create("salesforce", "Lead", LastName="Only here", Company="Arc")
    with line.spent() as spent:
        line.calm()
        line.rest()
    assert not spent.writes
    assert line.live("hubspot", "contacts") == {}
    assert line.codes() == []
