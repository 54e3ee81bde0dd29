"""The connector against a simulated org with the package: quotes, actions, approvals, guards."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from connectors.base import ApiCall, Confirmed, Failed, Outcome, Wiring
from connectors.errors import (
    ActionNeeded,
    CallError,
    Gone,
    OutcomeUnknown,
    Rejected,
    RetryLater,
)
from connectors.records import Change, Found, Identity, Operation, Record, Selection, Value
from connectors.salesforce_cpq.connector import SalesforceCpq, build
from connectors.salesforce_cpq.objects import APPROVAL, LINE, QUOTE, SPEC, SUBSCRIPTION
from sandbox.salesforce.cpq import desk
from sandbox.salesforce.simulator import CLIENT_ID, CLIENT_SECRET, SalesforceSimulator
from sandbox.server import serve
from sandbox.simulator import Mutation


@dataclass
class Org:
    """An org with a catalogue, an opportunity, and a connection to it."""

    simulator: SalesforceSimulator
    url: str
    cpq: SalesforceCpq
    calls: list[ApiCall]
    ids: dict[str, str] = field(default_factory=dict)

    def make(self, object: str, **fields: Any) -> str:
        with self.simulator.lock:
            id: str = self.simulator.mutate(Mutation(object, "create", None, fields))["Id"]
            return id

    def people(self, word: str, id: str) -> list[str]:
        with self.simulator.lock:
            done: list[str] = desk.carry_out(self.simulator.org, {"do": word, "id": id})
            return done

    def later(self, seconds: float = 30) -> None:
        self.simulator.clock.shift(timedelta(seconds=seconds))

    def apply(self, *changes: Change) -> tuple[Outcome, ...]:
        return self.cpq.apply(changes)

    def one(self, object: str, id: str, *names: str) -> Record:
        (record,) = self.cpq.read(Selection(object, names), [id])
        return record

    def act(self, object: str, id: str, action: str) -> Outcome:
        change = Change("k", Operation.ACT, object, {}, id=id, action=action)
        (outcome,) = self.cpq.apply([change])
        return outcome

    def quote(self, quantity: int = 3, **fields: Any) -> str:
        """A calculated quote with one line of seats at 100.00."""
        common = {"SBQQ__StartDate__c": "2026-03-01", "SBQQ__SubscriptionTerm__c": 12}
        opportunity = {"SBQQ__Opportunity2__c": self.ids["opportunity"]}
        id = self.make(QUOTE, **{**opportunity, **common, **fields})
        line = {"SBQQ__Product__c": self.ids["seats"], "SBQQ__Quantity__c": quantity}
        self.ids["line"] = self.make(LINE, SBQQ__Quote__c=id, **line)
        self.later()
        return id

    def lose_answer_of(self, path: str) -> None:
        match = {"path": path}
        self.simulator.faults.add({"match": match, "action": "reset", "phase": "after", "times": 1})


@pytest.fixture(scope="module")
def founded() -> SalesforceSimulator:
    return SalesforceSimulator(seed=5, cpq=True)


@pytest.fixture
def org(founded: SalesforceSimulator) -> Iterator[Org]:
    founded.reset()
    founded.add_external_id(QUOTE, LINE, SUBSCRIPTION)
    calls: list[ApiCall] = []
    with serve([founded]) as running:
        url = running.urls["salesforce"]
        settings = {"login_url": url, "client_id": CLIENT_ID, "client_secret": CLIENT_SECRET}
        wiring = Wiring(now=founded.now, observe=calls.append, allow_loopback=True)
        more = {"approval_decided_field": "ApprovalDecidedOn__c", "term_unit": "day"}
        found = Org(founded, url, build({**settings, **more}, wiring), calls)
        account = found.make("Account", Name="Acme")
        recurs = {"SBQQ__SubscriptionPricing__c": "Fixed Price", "SBQQ__SubscriptionTerm__c": 12}
        seats = found.make("Product2", Name="Seats", ProductCode="S-1", IsActive=True, **recurs)
        book = next(iter(founded.org.table("Pricebook2")))["Id"]
        priced = {"Pricebook2Id": book, "Product2Id": seats, "UnitPrice": "100.00"}
        found.make("PricebookEntry", IsActive=True, CurrencyIsoCode="EUR", **priced)
        opportunity = found.make(
            "Opportunity",
            Name="New",
            AccountId=account,
            StageName="Prospecting",
            CloseDate="2026-03-01",
        )
        found.ids.update(account=account, seats=seats, opportunity=opportunity)
        yield found
        kinds = {one["kind"] for one in founded.journal.violations}
        assert not kinds, founded.journal.violations


def refused(outcome: Outcome) -> CallError:
    assert isinstance(outcome, Failed)
    return outcome.error


def write(object: str, operation: Operation, fields: dict[str, Value], name: str) -> Change:
    identity = Identity("Revline_Id__c", f"revline-{name}")
    return Change(f"key-{name}", operation, object, fields, identity=identity)


def update(object: str, id: str, **fields: Value) -> Change:
    return Change("key", Operation.UPDATE, object, fields, id=id)


# -- writing -------------------------------------------------------------------------------------


def test_a_quote_and_its_lines_are_made_from_inputs(org: Org) -> None:
    root = {"SBQQ__Opportunity2__c": org.ids["opportunity"], "SBQQ__Primary__c": True}
    (made,) = org.apply(write(QUOTE, Operation.CREATE, root, "q1"))
    assert isinstance(made, Confirmed)
    lines = [
        write(
            LINE,
            Operation.CREATE,
            {
                "SBQQ__Quote__c": made.id,
                "SBQQ__Product__c": org.ids["seats"],
                "SBQQ__Quantity__c": Decimal(number),
                "SBQQ__Discount__c": Decimal("12.5"),
            },
            f"l{number}",
        )
        for number in (1, 2)
    ]
    assert all(isinstance(one, Confirmed) for one in org.apply(*lines))
    assert org.one(QUOTE, made.id, "SBQQ__Uncalculated__c").get("SBQQ__Uncalculated__c") is True
    org.later()
    quote = org.one(QUOTE, made.id, "SBQQ__Uncalculated__c", "SBQQ__NetAmount__c")
    assert quote.get("SBQQ__Uncalculated__c") is False
    assert quote.get("SBQQ__NetAmount__c") == Decimal("262.5")
    selection = Selection(LINE, ("SBQQ__ListPrice__c", "SBQQ__NetTotal__c"))
    children = org.cpq.children(selection, QUOTE, [made.id])[made.id]
    assert [one.get("SBQQ__NetTotal__c") for one in children] == [Decimal("87.5"), Decimal(175)]
    assert org.cpq.parents(LINE, [children[0].ref.id], QUOTE) == {children[0].ref.id: (made.id,)}
    asked = [Identity("Revline_Id__c", "revline-q1")]
    (found,) = org.cpq.lookup(Selection(QUOTE, ("Name", "term_unit")), asked)
    assert isinstance(found, Found)


@pytest.mark.parametrize(
    ("object", "name", "code", "word"),
    [
        (LINE, "SBQQ__NetPrice__c", "PRICE_FIELD", "SBQQ__Discount__c"),
        (LINE, "sbqq__listprice__C", "PRICE_FIELD", "price book"),
        (LINE, "SBQQ__PartnerPrice__c", "PRICE_FIELD", "SBQQ__PartnerDiscount__c"),
        (LINE, "SBQQ__EffectiveQuantity__c", "PRICE_FIELD", "SBQQ__Quantity__c"),
        (QUOTE, "SBQQ__NetAmount__c", "PRICE_FIELD", "lines"),
        (QUOTE, "SBQQ__Uncalculated__c", "PRICE_FIELD", "calculates"),
        (SUBSCRIPTION, "SBQQ__EndDate__c", "PRICE_FIELD", "SBQQ__SubscriptionEndDate__c"),
        (SUBSCRIPTION, "SBQQ__NetPrice__c", "PRICE_FIELD", "amend"),
        (QUOTE, "SBQQ__Ordered__c", "ACTION_FIELD", "action order"),
        ("Order", "SBQQ__Contracted__c", "ACTION_FIELD", "action contract"),
        ("Contract", "SBQQ__RenewalQuoted__c", "ACTION_FIELD", "action renew_quote"),
        ("Opportunity", "SBQQ__Ordered__c", "ACTION_FIELD", "action order"),
    ],
)
def test_prices_and_flags_are_refused_before_any_call(
    org: Org, object: str, name: str, code: str, word: str
) -> None:
    good = update("Account", org.ids["account"], Name="Changed")
    before = len(org.calls)
    for value in (Decimal(1), False, None):
        (outcome,) = org.apply(update(object, "801000000000001AAA", **{name: value}))
        error = refused(outcome)
        assert isinstance(error, Rejected)
        assert error.code == code
        assert word.lower() in error.message.lower()
        assert [key.lower() for key in error.field_errors] == [name.lower()]
    assert len(org.calls) == before
    (done,) = org.apply(good)
    assert isinstance(done, Confirmed)


def test_describe_says_what_is_never_written(org: Org) -> None:
    quote, line = org.cpq.describe(QUOTE), org.cpq.describe(LINE)
    for description, names in (
        (quote, ("SBQQ__Ordered__c", "SBQQ__NetAmount__c", "approval_status", "term_unit")),
        (line, ("SBQQ__NetPrice__c", "SBQQ__ListPrice__c")),
    ):
        assert [description.fields[name].writable for name in names] == [False] * len(names)
    assert quote.fields["SBQQ__CustomerDiscount__c"].writable
    assert line.fields["SBQQ__Discount__c"].writable
    assert quote.fields["approval_status"].options == quote.fields["ApprovalStatus__c"].options
    assert "approval_submitted_at" not in quote.fields
    assert "SBQQ__Orders__r" in quote.fields


def test_lines_are_written_by_fifty_and_one_call_at_a_time(org: Org) -> None:
    quote = org.quote()
    spec = SPEC.object(LINE)
    assert spec is not None
    assert spec.batch_write == 50

    def lines(tag: str) -> list[Change]:
        fields: dict[str, Value] = {
            "SBQQ__Quote__c": quote,
            "SBQQ__Product__c": org.ids["seats"],
            "SBQQ__Quantity__c": Decimal(1),
        }
        return [write(LINE, Operation.CREATE, fields, f"{tag}{number}") for number in range(5)]

    outcomes: list[Outcome] = []
    threads = [
        threading.Thread(target=lambda tag=tag: outcomes.extend(org.apply(*lines(tag))))
        for tag in ("a", "b", "c")
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=60)
    assert len(outcomes) == 15
    assert all(isinstance(one, Confirmed) for one in outcomes)


# -- actions -------------------------------------------------------------------------------------


def test_a_quote_is_ordered_once(org: Org) -> None:
    quote = org.quote()
    assert org.one(QUOTE, quote, "SBQQ__Orders__r").get("SBQQ__Orders__r") == ()
    assert isinstance(org.act(QUOTE, quote, "order"), Confirmed)
    record = org.one(QUOTE, quote, "SBQQ__Ordered__c", "SBQQ__Orders__r")
    assert (record.get("SBQQ__Ordered__c"), record.get("SBQQ__Orders__r")) == (True, ())
    writes = sum(call.method == "PATCH" for call in org.calls)
    assert isinstance(org.act(QUOTE, quote, "order"), Confirmed)
    assert sum(call.method == "PATCH" for call in org.calls) == writes
    org.later()
    orders: Any = org.one(QUOTE, quote, "SBQQ__Orders__r").get("SBQQ__Orders__r")
    ((order),) = orders
    assert (order["Status"], order["TotalAmount"]) == ("Draft", Decimal(300))


def test_a_lost_answer_of_an_order_is_told_by_reading(org: Org) -> None:
    quote = org.quote()
    org.cpq.check()
    org.lose_answer_of("/sobjects/SBQQ__Quote__c/")
    assert isinstance(refused(org.act(QUOTE, quote, "order")), OutcomeUnknown)
    assert org.one(QUOTE, quote, "SBQQ__Ordered__c").get("SBQQ__Ordered__c") is True
    assert isinstance(org.act(QUOTE, quote, "order"), Confirmed)
    org.later()
    orders: Any = org.one(QUOTE, quote, "SBQQ__Orders__r").get("SBQQ__Orders__r")
    assert len(orders) == 1


def test_an_uncalculated_quote_has_to_wait(org: Org) -> None:
    quote = org.quote()
    org.apply(update(LINE, org.ids["line"], SBQQ__Quantity__c=Decimal(7)))
    error = refused(org.act(QUOTE, quote, "order"))
    assert isinstance(error, RetryLater)
    assert error.code == "QUOTE_UNCALCULATED"
    org.later()
    assert isinstance(org.act(QUOTE, quote, "order"), Confirmed)


def test_calculate_hands_the_model_on_unchanged(org: Org) -> None:
    quote = org.quote()
    org.simulator.set_options({"cpq_calculation_seconds": 10_000})
    org.apply(update(LINE, org.ids["line"], SBQQ__Discount__c=Decimal("33.33")))
    assert org.one(QUOTE, quote, "SBQQ__Uncalculated__c").get("SBQQ__Uncalculated__c") is True
    before = len(org.calls)
    assert isinstance(org.act(QUOTE, quote, "calculate"), Confirmed)
    assert len(org.calls) - before == 3
    record = org.one(QUOTE, quote, "SBQQ__Uncalculated__c", "SBQQ__NetAmount__c")
    assert record.get("SBQQ__Uncalculated__c") is False
    assert record.get("SBQQ__NetAmount__c") == Decimal("200.01")


def contracted(org: Org) -> tuple[str, str]:
    """An order that was contracted, and its contract."""
    quote = org.quote()
    org.act(QUOTE, quote, "order")
    org.later()
    orders: Any = org.one(QUOTE, quote, "SBQQ__Orders__r").get("SBQQ__Orders__r")
    order = orders[0]["Id"]
    error = refused(org.act("Order", order, "contract"))
    assert isinstance(error, Rejected)  # it is not activated yet
    (done,) = org.apply(update("Order", order, Status="Activated"))
    assert isinstance(done, Confirmed)
    assert isinstance(org.act("Order", order, "contract"), Confirmed)
    org.later()
    contracts: Any = org.one("Order", order, "SBQQ__Contracts__r").get("SBQQ__Contracts__r")
    return order, contracts[0]["Id"]


def test_an_order_is_contracted_and_the_contract_amended_and_renewed(org: Org) -> None:
    _, contract = contracted(org)
    wanted = Selection(SUBSCRIPTION, ("SBQQ__Quantity__c", "SBQQ__EndDate__c"))
    (seats,) = org.cpq.children(wanted, "Contract", [contract])[contract]
    assert seats.get("SBQQ__Quantity__c") == 3
    for _ in range(2):  # an open amendment is not amended again
        assert isinstance(org.act("Contract", contract, "amend"), Confirmed)
    quotes: Any = org.one("Contract", contract, "SBQQ__CoTerminatedQuotes__r")
    amendments = quotes.get("SBQQ__CoTerminatedQuotes__r")
    assert [one["SBQQ__Type__c"] for one in amendments] == ["Amendment"]
    assert isinstance(org.act("Contract", contract, "renew_quote"), Confirmed)
    org.later()
    renewed = org.one("Contract", contract, "SBQQ__RenewalOpportunity__c", "SBQQ__RenewalQuoted__c")
    assert renewed.get("SBQQ__RenewalOpportunity__c") is not None
    assert renewed.get("SBQQ__RenewalQuoted__c") is True


def test_an_opportunity_is_ordered_and_contracted_by_its_primary_quote(org: Org) -> None:
    quote = org.quote(SBQQ__Primary__c=True)
    id = org.ids["opportunity"]
    for action, flag, made in (
        ("order", "SBQQ__Ordered__c", "Order"),
        ("contract", "SBQQ__Contracted__c", "Contract"),
    ):
        assert isinstance(org.act("Opportunity", id, action), Confirmed)
        assert org.one("Opportunity", id, flag).get(flag) is True
        org.later()
        page = org.cpq.list(Selection(made, ("SBQQ__Quote__c",)), None, 10)
        assert [one.get("SBQQ__Quote__c") for one in page.records] == [quote]
    (contract,) = page.records
    assert isinstance(org.act("Contract", contract.ref.id, "forecast_renewal"), Confirmed)
    org.later()
    names = ("SBQQ__RenewalForecast__c", "SBQQ__RenewalOpportunity__c")
    record = org.one("Contract", contract.ref.id, *names)
    assert None not in record.fields.values()


def test_a_lost_answer_of_an_amendment_makes_no_second_one(org: Org) -> None:
    _, contract = contracted(org)
    org.lose_answer_of("/apexrest/SBQQ/ServiceRouter")
    assert isinstance(refused(org.act("Contract", contract, "amend")), OutcomeUnknown)
    assert isinstance(org.act("Contract", contract, "amend"), Confirmed)
    quotes: Any = org.one("Contract", contract, "SBQQ__CoTerminatedQuotes__r")
    assert len(quotes.get("SBQQ__CoTerminatedQuotes__r")) == 1


def test_odd_actions_are_refused(org: Org) -> None:
    quote = org.quote()
    for change, code in (
        (Change("k", Operation.ACT, QUOTE, {}, id=quote, action="cancel"), "ACTION_UNKNOWN"),
        (Change("k", Operation.ACT, QUOTE, {}, id="7", action="order"), "MALFORMED_ID"),
        (
            Change("k", Operation.ACT, QUOTE, {"a": 1}, id=quote, action="order"),
            "ARGUMENTS_UNKNOWN",
        ),
    ):
        (outcome,) = org.apply(change)
        error = refused(outcome)
        assert isinstance(error, Rejected)
        assert error.code == code
    assert isinstance(refused(org.act(QUOTE, "a0L000000000ZZZEA2", "order")), Gone)
    empty = org.make(QUOTE, SBQQ__Opportunity2__c=org.ids["opportunity"])
    assert isinstance(refused(org.act(QUOTE, empty, "order")), Rejected)


def test_after_a_call_that_failed_nothing_more_is_sent(org: Org) -> None:
    quotes = [org.quote() for _ in range(3)]
    org.cpq.check()
    org.lose_answer_of("/sobjects/SBQQ__Quote__c/")
    outcomes = org.apply(
        *(Change("k", Operation.ACT, QUOTE, {}, id=id, action="order") for id in quotes)
    )
    errors = [refused(one) for one in outcomes]
    assert isinstance(errors[0], OutcomeUnknown)
    assert [error.code for error in errors[1:]] == ["NOT_SENT", "NOT_SENT"]
    assert all(isinstance(error, RetryLater) for error in errors[1:])
    flags = [org.one(QUOTE, id, "SBQQ__Ordered__c").get("SBQQ__Ordered__c") for id in quotes]
    assert flags == [True, False, False]


# -- what records show in addition ----------------------------------------------------------------


def approvals(records: Sequence[Record]) -> list[object]:
    return [one.get("approval_status") for one in records]


def test_approvals_are_read_under_a_name_of_ours(org: Org) -> None:
    quote = org.quote(SBQQ__CustomerDiscount__c=25)
    (approval,) = org.people("submit", quote)
    wanted = Selection(QUOTE, ("Name", "approval_decided_at", "approval_status", "term_unit"))
    (pending,) = org.cpq.read(wanted, [quote])
    assert set(pending.fields) == set(wanted.fields)
    assert (pending.get("approval_status"), pending.get("term_unit")) == ("Pending", "day")
    assert pending.get("approval_decided_at") is None
    org.people("approve", quote)
    cursor = org.cpq.first_cursor(wanted, org.simulator.now() - timedelta(hours=1))
    assert approvals(org.cpq.changes(wanted, cursor, 10).records) == ["Approved"]
    assert approvals(org.cpq.list(wanted, None, 10).records) == ["Approved"]
    assert approvals(org.cpq.export(wanted, None, 10).records) == ["Approved"]
    (found,) = org.cpq.search(wanted, [{"Name": str(pending.get("Name"))}])
    assert approvals(found) == ["Approved"]
    (row,) = org.cpq.read(Selection(APPROVAL, ("sbaa__Status__c",)), [approval])
    assert row.get("sbaa__Status__c") == "Approved"


def test_a_name_without_its_setting_says_which_one(org: Org) -> None:
    with pytest.raises(Rejected, match="approval_submitted_field"):
        org.one(QUOTE, org.quote(), "approval_submitted_at")


def test_core_objects_are_as_before(org: Org) -> None:
    record = org.one("Account", org.ids["account"], "Name", "Owner.Name")
    assert set(record.fields) == {"Name", "Owner.Name"}


@pytest.mark.parametrize(
    ("name", "value"),
    [("term_unit", "week"), ("approval_status_field", "no field"), ("client_id", "")],
)
def test_bad_settings_are_named(org: Org, name: str, value: str) -> None:
    wiring = Wiring(now=org.simulator.now, observe=lambda _: None, allow_loopback=True)
    settings = {"login_url": org.url, "client_id": "c", "client_secret": "s", name: value}
    with pytest.raises(ActionNeeded, match=name):
        build(settings, wiring)
