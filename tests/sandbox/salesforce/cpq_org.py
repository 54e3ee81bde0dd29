"""A catalogue and a quote for the tests of the quoting package."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

QUOTE, LINE = "SBQQ__Quote__c", "SBQQ__QuoteLine__c"


@dataclass(frozen=True)
class Deal:
    """An opportunity, what can be sold, and a primary quote with a line each."""

    org: Any
    account: str
    opportunity: str
    seats: str
    setup: str
    quote: str
    seat_line: str
    setup_line: str

    def of(self) -> dict[str, Any]:
        found: dict[str, Any] = self.org.read(QUOTE, self.quote)
        return found

    def line(self, id: str) -> dict[str, Any]:
        found: dict[str, Any] = self.org.read(LINE, id)
        return found

    def patch(self, object: str, id: str, **fields: Any) -> Any:
        return self.org.call("PATCH", f"/sobjects/{object}/{id}", fields)

    def ordered(self) -> dict[str, Any]:
        """Order the quote, and let the work be done."""
        assert self.patch(QUOTE, self.quote, SBQQ__Ordered__c=True).status_code == 204
        self.org.shift(30)
        (order,) = self.org.query(
            "SELECT Id, Status, TotalAmount, EffectiveDate, EndDate, Type, OpportunityId "
            f"FROM Order WHERE SBQQ__Quote__c = '{self.quote}'"
        )
        return dict(order)

    def contracted(self) -> str:
        """Order the quote, activate and contract the order; the contract's id."""
        order = self.ordered()["Id"]
        assert self.patch("Order", order, Status="Activated").status_code == 204
        assert self.patch("Order", order, SBQQ__Contracted__c=True).status_code == 204
        self.org.shift(30)
        (contract,) = self.org.query(f"SELECT Id FROM Contract WHERE SBQQ__Order__c = '{order}'")
        return str(contract["Id"])


def make_deal(org: Any, *, start: str = "2026-03-01", months: int = 12, **quote: Any) -> Deal:
    """Seats at 100.00 for 12 months, three of them; a set-up fee of 500.00, once."""
    org.sign_in()
    org.admin("options", {"cpq": True})
    account = org.create("Account", Name="Acme")
    seats = org.create(
        "Product2",
        Name="Seats",
        ProductCode="SEAT-001",
        IsActive=True,
        SBQQ__SubscriptionPricing__c="Fixed Price",
        SBQQ__SubscriptionTerm__c=12,
        SBQQ__SubscriptionType__c="Renewable",
        SBQQ__ChargeType__c="Recurring",
        SBQQ__BillingFrequency__c="Monthly",
    )
    setup = org.create("Product2", Name="Set-up", ProductCode="SETUP-001", IsActive=True)
    (book,) = org.query("SELECT Id FROM Pricebook2 WHERE IsStandard = true")
    for product, price in ((seats, "100.00"), (setup, "500.00")):
        entry = {"Product2Id": product, "UnitPrice": price, "Pricebook2Id": book["Id"]}
        org.create("PricebookEntry", IsActive=True, CurrencyIsoCode="USD", **entry)
    opportunity = org.create(
        "Opportunity",
        Name="Acme, new",
        AccountId=account,
        StageName="Prospecting",
        CloseDate="2026-03-01",
        CurrencyIsoCode="USD",
    )
    id = org.create(
        QUOTE,
        SBQQ__Opportunity2__c=opportunity,
        SBQQ__Primary__c=True,
        SBQQ__StartDate__c=start,
        SBQQ__SubscriptionTerm__c=months,
        **quote,
    )
    seat_line = org.create(LINE, SBQQ__Quote__c=id, SBQQ__Product__c=seats, SBQQ__Quantity__c=3)
    setup_line = org.create(LINE, SBQQ__Quote__c=id, SBQQ__Product__c=setup)
    org.shift(30)
    return Deal(org, account, opportunity, seats, setup, id, seat_line, setup_line)
