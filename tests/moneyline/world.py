"""Salesforce, Zuora, Stripe and NetSuite on loopback, the shipped mappings, and one engine.

A deal is won in Salesforce by hand; everything after that is the engine's work, except what a
customer does (pay, dispute) and what an accountant does (close a month).
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

from engine.app import Project, connector_specs
from engine.config.load import load
from engine.config.model import Config
from engine.runner import Runner
from engine.store import delivery_views, issues, ledger
from engine.store.issues import StoredIssue
from sandbox import netsuite, stripe, zuora
from sandbox.app import build
from sandbox.salesforce.simulator import CLIENT_ID, CLIENT_SECRET
from sandbox.server import serve
from sandbox.simulator import Mutation
from tests.endtoend.world import LineClock

ROOT = Path(__file__).parents[2]
SYSTEMS = ("salesforce", "zuora", "stripe", "netsuite")
BLANK = {"owners": 1, "companies": 0, "contacts": 0, "products": 12, "deals": 0}
MONEY_FIELDS = {
    "Billing_Status__c": "string 40",
    "Billed_Amount__c": "currency 18,3",
    "Paid_Amount__c": "currency 18,3",
    "Recognised_Revenue__c": "currency 18,3",
    "Billed_On__c": "date",
    "Paid_On__c": "date",
}
BEGIN = datetime(2026, 12, 1, 12, tzinfo=UTC)
"""When every test begins, or right away once that is past."""
PROJECT = """
version: 1
environment: sandbox
connections:
  salesforce:
    connector: salesforce
    login_url: {salesforce}
    client_id: ${{SALESFORCE_CLIENT_ID}}
    client_secret: ${{SALESFORCE_CLIENT_SECRET}}
    allow_loopback: true
  zuora:
    connector: zuora
    base_url: {zuora}
    client_id: ${{ZUORA_CLIENT_ID}}
    client_secret: ${{ZUORA_CLIENT_SECRET}}
    allow_loopback: true
  stripe:
    connector: stripe
    base_url: {stripe}
    api_key: ${{STRIPE_KEY}}
    allow_loopback: true
  netsuite:
    connector: netsuite
    base_url: {netsuite}
    account_id: {account_id}
    client_id: {netsuite_client}
    certificate_id: {certificate_id}
    algorithm: {algorithm}
    private_key: ${{NETSUITE_PRIVATE_KEY}}
    allow_loopback: true
books:
  recognition_owner: revline
  tax_owner: zuora
  refund_means: {{requested_by_customer: credit_memo, duplicate: cash_only}}
  recognised_at_invoice: [hardware]
syncs:
  billing_accounts:
    from: salesforce.Account
    to: zuora.accounts
    mapping: account_to_billing_account
    start_from: everything
  orders:
    from: salesforce.Opportunity
    to: zuora.orders
    mapping: opportunity_to_order
    start_from: everything
    after: [billing_accounts]
  subscriptions:
    from: zuora.subscriptions
    observe: true
    mapping: subscription_observed
    start_from: everything
  customers:
    from: zuora.accounts
    to: netsuite.customer
    mapping: account_to_customer
    start_from: everything
  payers:
    from: zuora.accounts
    to: stripe.customers
    mapping: account_to_stripe_customer
    start_from: everything
  invoices:
    from: zuora.invoices
    to: netsuite.invoice
    mapping: invoice_to_invoice
    start_from: everything
    after: [customers]
  collections:
    from: zuora.invoices
    to: stripe.payment_intents
    mapping: invoice_to_payment_intent
    start_from: everything
    after: [payers]
  payments:
    from: stripe.payment_intents
    to: zuora.payments
    mapping: payment_intent_to_payment
    start_from: everything
  receipts:
    from: zuora.payments
    to: netsuite.customerPayment
    mapping: payment_to_customer_payment
    start_from: everything
    after: [invoices]
  conceded_refunds:
    from: stripe.refunds
    to: zuora.credit_memos
    mapping: refund_to_credit_memo
    start_from: everything
  cash_refunds:
    from: stripe.refunds
    to: zuora.refunds
    mapping: refund_to_payment_refund
    start_from: everything
    after: [payments]
  failed_refunds:
    from: stripe.refunds
    to: zuora.refunds
    mapping: refund_failed_to_refund
    start_from: everything
    mode: update_only
  disputes:
    from: stripe.disputes
    observe: true
    mapping: dispute_observed
    start_from: everything
  reversals:
    from: stripe.disputes
    to: zuora.refunds
    mapping: dispute_to_reversal
    start_from: everything
    after: [payments]
  dispute_fees:
    from: stripe.disputes
    to: netsuite.journalEntry
    mapping: dispute_to_fee_journal
    start_from: everything
  credit_memos:
    from: zuora.credit_memos
    to: netsuite.creditMemo
    mapping: credit_memo_to_credit_memo
    start_from: everything
    after: [invoices]
  customer_refunds:
    from: zuora.refunds
    to: netsuite.customerRefund
    mapping: refund_to_customer_refund
    start_from: everything
    after: [receipts, credit_memos]
  cancelled_refunds:
    from: zuora.refunds
    to: netsuite.journalEntry
    mapping: refund_canceled_to_journal
    start_from: everything
    after: [customer_refunds]
  periods:
    from: netsuite.accountingPeriod
    observe: true
    mapping: periods_observed
    start_from: everything
  journals:
    from: revline.schedule_lines
    to: netsuite.journalEntry
    mapping: schedule_to_journal
    start_from: everything
    group_by: [period, entity, currency]
    trigger: {{period_end: 1d}}
  deal_money:
    from: revline.deals
    to: salesforce.Opportunity
    mapping: deal_money_to_opportunity
    start_from: everything
    mode: update_only
"""


class MoneyLine:
    """The money half of the line. ``edit`` may change the text of ``revline.yaml``."""

    systems = SYSTEMS

    def __init__(self, folder: Path, edit: Callable[[str], str] = lambda text: text) -> None:
        self.simulators: dict[str, Any] = {name: build(name, 7, BLANK) for name in self.systems}
        self.clock = LineClock()
        self.clock.simulators = tuple(one.clock for one in self.simulators.values())
        self.running = serve(list(self.simulators.values()))
        self.failpoint: Callable[[str], None] = lambda _point: None
        self.config: Config | None = None
        self.folder = folder
        (folder / "revline.yaml").write_text(edit(self._text()))
        shutil.copytree(ROOT / "mappings", folder / "mappings")
        self.environ = {
            "SALESFORCE_CLIENT_ID": CLIENT_ID,
            "SALESFORCE_CLIENT_SECRET": CLIENT_SECRET,
            "ZUORA_CLIENT_ID": zuora.CLIENT_ID,
            "ZUORA_CLIENT_SECRET": zuora.CLIENT_SECRET,
            "STRIPE_KEY": stripe.RESTRICTED_KEY,
            "NETSUITE_PRIVATE_KEY": netsuite.private_key_pem(),
        }
        self.begin()
        for name, line in MONEY_FIELDS.items():
            self.do("salesforce", "Opportunity", "add_field", None, {"name": name, "line": line})
        self.boot()

    def _text(self) -> str:
        return PROJECT.format(
            **self.running.urls,
            account_id=netsuite.ACCOUNT_ID,
            netsuite_client=netsuite.CLIENT_ID,
            certificate_id=netsuite.CERTIFICATE_ID,
            algorithm=netsuite.ALGORITHM,
        )

    # -- the engine ------------------------------------------------------------------------------

    def begin(self) -> None:
        """What is there from the start is in every index by then."""
        self.clock.shift(max(timedelta(minutes=1), BEGIN - self.clock.now()))

    def boot(self) -> None:
        """Start the engine, as a new process would; what the project says is read once."""
        if self.config is None:
            self.config = load(self.folder, self.environ, connector_specs())
        self.project = Project(self.config, self.environ, self.clock, lambda _text: None)
        self.store = self.project.open_store()
        self.services = replace(
            self.project.services(self.store), failpoint=lambda point: self.failpoint(point)
        )
        self.runner = Runner(self.services, self.project.spool())
        self.runner.recover()

    def restart(self) -> None:
        """End the engine without a word, and start another on the same store."""
        self.store.close()
        self.boot()

    def close(self) -> None:
        self.store.close()
        self.running.stop()

    def settle(self, rounds: int = 6) -> None:
        """Poll everything and work until idle, until there is nothing more to write."""
        for _ in range(rounds):
            before = self.written()
            self.runner.poll_now()
            assert self.runner.until_idle(3600, look_again=False), self.tally()
            if self.written() == before:
                return
            self.clock.shift(timedelta(seconds=30))
        raise AssertionError(f"still writing after {rounds} rounds: {self.tally()}")

    def rest(self, **by: float) -> None:
        """Let time pass, then settle."""
        self.clock.shift(timedelta(**by))
        self.settle()

    def until(self, day: date) -> None:
        """Let time pass until noon of a day, then settle."""
        to = datetime.combine(day, time(12), UTC)
        self.clock.shift(to - self.clock.now())
        self.settle()

    # -- looking ---------------------------------------------------------------------------------

    def issues(self) -> list[StoredIssue]:
        with self.store.read() as tx:
            return issues.listed(tx, self.store.payloads)

    def codes(self) -> list[str]:
        return sorted(issue.code for issue in self.issues())

    def tally(self) -> dict[str, dict[str, int]]:
        with self.store.read() as tx:
            return delivery_views.tally(tx)

    def lines(self) -> list[dict[str, Any]]:
        with self.store.read() as tx:
            return list(ledger.exported(tx))

    def written(self) -> int:
        """How many writes the systems have taken."""
        return sum(
            1
            for simulator in self.simulators.values()
            for entry in simulator.journal.entries
            if entry.applied
        )

    def records(self, system: str, object: str) -> dict[str, Any]:
        """The live records of an object, as the system itself would print them."""
        simulator = self.simulators[system]
        with simulator.lock:
            rows = list(simulator.live_records())
        return {id: dict(row) for kind, id, row in rows if kind == object}

    # -- people ----------------------------------------------------------------------------------

    def do(
        self, system: str, object: str, word: str, id: str | None, fields: Mapping[str, Any]
    ) -> Any:
        """What a person does in a system."""
        simulator = self.simulators[system]
        with simulator.lock:
            return simulator.mutate(Mutation(object, word, id, dict(fields)))

    def account(self, name: str = "Acme GmbH", country: str = "Germany", **more: Any) -> str:
        fields = {"Name": name, "BillingCountry": country, "BillingCity": "Hamburg", **more}
        return str(self.do("salesforce", "Account", "create", None, fields)["Id"])

    def won(
        self,
        account: str,
        lines: Sequence[tuple[str, Decimal | int | str]],
        on: date,
        currency: str = "EUR",
        *,
        yearly: bool = True,
    ) -> str:
        """A deal won on a day: (product code, amount) per line."""
        with self.simulators["salesforce"].lock:
            return self._won(account, lines, on, currency, yearly=yearly)

    def _won(
        self,
        account: str,
        lines: Sequence[tuple[str, Decimal | int | str]],
        on: date,
        currency: str,
        *,
        yearly: bool,
    ) -> str:
        book = self._standard_book()
        deal = self.do("salesforce", "Opportunity", "create", None, {
            "Name": "Rollout", "AccountId": account, "StageName": "Prospecting",
            "CloseDate": on.isoformat(), "CurrencyIsoCode": currency, "Pricebook2Id": book,
        })  # fmt: skip
        for code, amount in lines:
            self.do("salesforce", "OpportunityLineItem", "create", None, {
                "OpportunityId": deal["Id"], "PricebookEntryId": self._entry(book, code, currency),
                "Quantity": 1, "UnitPrice": str(amount),
                **({"ServiceDate": on.isoformat()} if yearly else {}),
            })  # fmt: skip
        self.do("salesforce", "Opportunity", "update", deal["Id"], {"StageName": "Closed Won"})
        return str(deal["Id"])

    def _standard_book(self) -> str:
        rows = self.records("salesforce", "Pricebook2")
        return next(id for id, row in rows.items() if row["IsStandard"])

    def _entry(self, book: str, code: str, currency: str) -> str:
        products = self.records("salesforce", "Product2")
        product = next((id for id, row in products.items() if row["ProductCode"] == code), None)
        if product is None:
            made = self.do("salesforce", "Product2", "create", None,
                           {"Name": code, "ProductCode": code, "IsActive": True})  # fmt: skip
            product = made["Id"]
        for id, row in self.records("salesforce", "PricebookEntry").items():
            if (row["Product2Id"], row["CurrencyIsoCode"]) == (product, currency):
                return id
        entry = self.do("salesforce", "PricebookEntry", "create", None, {
            "Pricebook2Id": book, "Product2Id": product, "UnitPrice": "1", "IsActive": True,
            "CurrencyIsoCode": currency,
        })  # fmt: skip
        return str(entry["Id"])

    def pay(self, method: str = "pm_card_visa") -> None:
        """Every open payment is paid by its customer."""
        for id, row in self.records("stripe", "payment_intents").items():
            if row["status"] == "requires_payment_method":
                self.do("stripe", "payment_intents", "pay", id, {"payment_method": method})
