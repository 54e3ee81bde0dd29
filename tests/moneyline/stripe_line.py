"""The line without Zuora: Stripe Billing makes the invoices. The same systems, another project."""

from __future__ import annotations

from typing import Any

import requests

from sandbox.stripe import RESTRICTED_KEY
from tests.moneyline.world import MoneyLine

SYNCS = """
syncs:
  products:
    from: salesforce.Product2
    to: stripe.products
    mapping: product_to_stripe_product
    start_from: everything
  payers:
    from: salesforce.Account
    to: stripe.customers
    mapping: account_to_payer
    start_from: everything
  quotes:
    from: salesforce.Opportunity
    observe: true
    mapping: opportunity_observed
    start_from: everything
  subscriptions:
    from: salesforce.Opportunity
    to: stripe.subscriptions
    mapping: opportunity_to_stripe_subscription
    start_from: everything
    after: [payers, products]
  single_sales:
    from: salesforce.Opportunity
    to: stripe.invoices
    mapping: opportunity_to_stripe_invoice
    start_from: everything
    after: [payers, products]
  customers:
    from: stripe.customers
    to: netsuite.customer
    mapping: stripe_customer_to_customer
    start_from: everything
  invoices:
    from: stripe.invoices
    to: netsuite.invoice
    mapping: stripe_invoice_to_invoice
    start_from: everything
    after: [customers]
  receipts:
    from: stripe.invoice_payments
    to: netsuite.customerPayment
    mapping: invoice_payment_to_customer_payment
    start_from: everything
    after: [invoices]
  credit_notes:
    from: stripe.credit_notes
    to: netsuite.creditMemo
    mapping: credit_note_to_credit_memo
    start_from: everything
    after: [invoices]
  customer_refunds:
    from: stripe.credit_notes
    to: netsuite.customerRefund
    mapping: credit_note_to_customer_refund
    start_from: everything
    after: [credit_notes, receipts]
"""


class StripeLine(MoneyLine):
    """Salesforce, Stripe Billing and NetSuite."""

    def _text(self) -> str:
        head, _, rest = super()._text().partition("syncs:\n")
        head = head[: head.index("  zuora:")] + head[head.index("  stripe:\n") :]
        maps = f"value_maps:\n  stripe_tax_rates: {{values: {{Germany: {self._tax_rate()}}}, "
        head = head.replace("tax_owner: zuora", "tax_owner: stripe")
        return f"{head}{maps}unmapped: reject}}\n{SYNCS}{rest[rest.index('  periods:') :]}"

    def _tax_rate(self) -> str:
        """Tax of 19 %, as a person would make it."""
        form = {"display_name": "VAT", "percentage": "19", "inclusive": "false"}
        return str(self.call_stripe("tax_rates", form)["id"])

    def call_stripe(self, path: str, form: dict[str, str]) -> Any:
        """What a person or a tool of the customer's asks of Stripe."""
        answer = requests.post(
            f"{self.running.urls['stripe']}/v1/{path}",
            data=form,
            headers={"Authorization": f"Bearer {RESTRICTED_KEY}"},
            timeout=10,
        )
        assert answer.status_code == 200, answer.text
        return answer.json()

    def pay(self, method: str = "pm_card_visa") -> None:
        """Every open invoice is paid by its customer."""
        for id, row in self.records("stripe", "invoices").items():
            if row["status"] == "open":
                self.do("stripe", "invoices", "pay", id, {"payment_method": method})
