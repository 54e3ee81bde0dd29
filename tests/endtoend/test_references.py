"""A reference to whichever of several objects its record is linked to."""

from __future__ import annotations

from pathlib import Path

from tests.endtoend.world import BLANK, Line

SYNCS = """
  calls:
    from: hubspot.contacts
    to: salesforce.Task
    mapping: mql_to_sdr_task
    start_from: everything
    route: {rule: mql, side: sdr}
  nurture:
    from: hubspot.contacts
    to: salesforce.CampaignMember
    mapping: mql_to_nurture_member
    start_from: everything
    route: {rule: mql, side: nurture}
"""


def with_routes(text: str) -> str:
    """The shipped route `mql` with a sync for each of its sides."""
    return text + SYNCS


def test_a_call_is_for_the_contact_or_the_lead_whichever_there_is(tmp_path: Path) -> None:
    line = Line(tmp_path, sizes=BLANK, edit=with_routes)
    try:
        line.post("salesforce", "external_ids", {"objects": ["Task", "CampaignMember"]})
        campaign = line.create("salesforce", "Campaign", Name="Nurture")
        # Given somebody at a customer, somebody nobody knows, and somebody hardly interested
        company = line.create("hubspot", "companies", name="Kite", domain="kite.example")
        hot = {"hubspotscore": "86"}
        known = line.create("hubspot", "contacts", lastname="Sato", email="s@kite.example", **hot)
        line.associate("contacts", known, "companies", company)
        line.create("hubspot", "contacts", lastname="Ito", email="ito@mail.example", **hot)
        line.create(
            "hubspot", "contacts", lastname="Cold", email="c@mail.example", hubspotscore="12"
        )
        line.calm()
        # Then each who is hot is somebody's call, on the Contact or the Lead
        (contact,) = line.live("salesforce", "Contact")
        leads = line.live("salesforce", "Lead")
        names = {row["LastName"]: id for id, row in leads.items()}
        calls = {row["WhoId"] for row in line.live("salesforce", "Task").values()}
        assert calls == {contact, names["Ito"]}
        member = line.one("salesforce", "CampaignMember")
        assert (member["CampaignId"], member["LeadId"]) == (campaign, names["Cold"])
        # and once is enough
        line.update("hubspot", "contacts", known, hubspotscore="95")
        line.rest()
        assert len(line.live("salesforce", "Task")) == 2
        assert line.codes() == []
        line.verify()
    finally:
        line.close()
