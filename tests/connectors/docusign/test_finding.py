"""Look-ups: by transaction for seven days, by custom field for ever, exactly."""

from __future__ import annotations

import pytest
from docusign_desk import SENT, Desk

from connectors.docusign import finding
from connectors.errors import Rejected
from connectors.records import Absent, Found, Identity, Operation, Selection

SELECTION = Selection("envelopes", ("custom.quoteId", "emailSubject", "status"))


def by(value: str, field: str = "transactionId") -> Identity:
    return Identity(field, value)


@pytest.mark.parametrize("form", ["envelopes", "statuses"])
def test_transactions_are_asked_for_together(desk: Desk, form: str) -> None:
    desk.simulator.set_options({"transaction_answers": form})
    one, two = desk.send("T-1", **{"custom.quoteId": "Q1"}), desk.send("T-2")
    start = len(desk.observed)
    first, none, second = desk.connector.lookup(SELECTION, [by("T-1"), by("T-0"), by("T-2")])
    assert isinstance(first, Found)
    assert isinstance(second, Found)
    assert isinstance(none, Absent)
    assert [first.record.ref.id, second.record.ref.id] == [one, two]
    assert dict(first.record.fields) == {
        "custom.quoteId": "Q1", "emailSubject": "Please sign", "status": "sent",
    }  # fmt: skip
    assert len(desk.calls(start)) == (2 if form == "envelopes" else 3)


@pytest.mark.parametrize("form", ["envelopes", "statuses"])
def test_what_docusign_has_forgotten_is_found_by_its_custom_field(desk: Desk, form: str) -> None:
    desk.simulator.set_options({"transaction_answers": form})
    id = desk.send("T-1")
    desk.wait(days=90)
    (found,) = desk.connector.lookup(SELECTION, [by("T-1")])
    assert isinstance(found, Found)
    assert found.record.ref.id == id


def test_the_vendors_loose_comparison_finds_nothing_that_only_resembles(desk: Desk) -> None:
    desk.send("t-1")
    desk.send("T-11")
    for value in ("T-1", "T-%", "T_11", "%"):
        (answer,) = desk.connector.lookup(SELECTION, [by(value)])
        assert isinstance(answer, Absent)
    (answer,) = desk.connector.lookup(SELECTION, [by("T-11")])
    assert isinstance(answer, Found)


def test_an_identity_may_be_a_custom_field_of_the_mapping(desk: Desk) -> None:
    identity = by("Q-1", "custom.quoteId")
    desk.done(desk.change(Operation.CREATE, fields=SENT, identity=identity))
    found, absent = desk.connector.lookup(SELECTION, [identity, by("Q-2", "custom.quoteId")])
    assert isinstance(found, Found)
    assert isinstance(absent, Absent)
    with pytest.raises(Rejected) as raised:
        desk.connector.lookup(SELECTION, [by("x", "emailSubject")])
    assert raised.value.code == "IDENTITY_FIELD"


def test_of_two_envelopes_of_one_identity_the_first_is_it(desk: Desk) -> None:
    first = desk.send("T-1")
    desk.wait(seconds=1)
    desk.person("create", transactionId="T-1", emailSubject="Another")
    (found,) = desk.connector.lookup(SELECTION, [by("T-1")])
    assert isinstance(found, Found)
    assert found.record.ref.id == first
    assert desk.connector.lookup(SELECTION, []) == ()


@pytest.mark.parametrize(
    "value", ["O'Brien", "100%", "under_score", "a=b&c", "ünïcødé 漢字", "a,b"]
)
def test_a_searched_value_stays_data(desk: Desk, value: str) -> None:
    id = desk.send(**{"custom.quoteId": value})
    desk.send(**{"custom.quoteId": f"{value} and more"})
    asked = [{"custom.quoteId": one} for one in (value, "%", "none", " ")]
    found = desk.connector.search(SELECTION, asked)
    assert [[record.ref.id for record in each] for each in found] == [[id], [], [], []]


def test_dead_paper_is_not_found(desk: Desk) -> None:
    voided, declined, sent, signed = (desk.send(**{"custom.quoteId": "Q"}) for _ in range(4))
    desk.act(voided, "void", voidedReason="x")
    desk.person("decline", declined)
    desk.signed(signed)
    (found,) = desk.connector.search(SELECTION, [{"custom.quoteId": "q"}])
    assert {record.ref.id for record in found} == {sent, signed}
    (found,) = desk.connector.search(SELECTION, [{"status": "sent", "custom.quoteId": "Q"}])
    assert [record.ref.id for record in found] == [sent]
    (found,) = desk.connector.search(SELECTION, [{"custom.quoteId": "Q", "custom.none": "x"}])
    assert found == ()


def test_a_search_needs_a_custom_field(desk: Desk) -> None:
    with pytest.raises(Rejected) as raised:
        desk.connector.search(SELECTION, [{"emailSubject": "x"}])
    assert raised.value.code == "NOT_SEARCHABLE"
    assert desk.connector.search(SELECTION, [{}]) == ((),)


def test_a_search_goes_on_behind_what_only_resembles(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(finding, "_CANDIDATES_MAX", 2)
    for _ in range(4):
        desk.send(**{"custom.quoteId": "x%"})
        desk.wait(seconds=1)
    wanted = desk.send(**{"custom.quoteId": "x%z"})
    (found,) = desk.connector.search(SELECTION, [{"custom.quoteId": "x%z"}])
    assert [record.ref.id for record in found] == [wanted]
    (found,) = desk.connector.search(SELECTION, [{"custom.quoteId": "x%"}], limit_each=3)
    assert len(found) == 3
    monkeypatch.setattr(finding, "_PAGES_MAX", 2)
    with pytest.raises(Rejected) as raised:
        desk.connector.search(SELECTION, [{"custom.quoteId": "%"}])
    assert raised.value.code == "TOO_MANY"


def test_a_comma_is_not_two_transactions(desk: Desk) -> None:
    desk.send("a")
    (answer,) = desk.connector.lookup(SELECTION, [by("a,b")])
    assert isinstance(answer, Absent)
