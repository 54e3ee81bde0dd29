"""Money that banks take back: card disputes won and lost, bank debits that fail or are returned."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

from tests.moneyline.money_back import (
    charges,
    dispute,
    intents,
    opportunity,
    retry,
    rows,
    total,
)
from tests.moneyline.receivables import identity_c
from tests.moneyline.world import MoneyLine

START = date(2026, 1, 1)
GROSS = Decimal(11_900)


def test_disputes_won_and_lost(line: MoneyLine) -> None:
    # given two deals that are paid, both disputed
    kept, gone = (line.won(line.account(name), [("PLT-001", 10_000)], START) for name in "AB")
    line.settle()
    line.pay()
    line.rest(minutes=10)
    disputes = {deal: dispute(line, charges(line)[deal]) for deal in (kept, gone)}
    line.rest(minutes=10)
    # then both say so, and nothing has moved in Zuora yet
    assert opportunity(line, kept) == opportunity(line, gone) == ("Disputed", Decimal(0))
    assert total(line, "zuora", "invoices", "balance") == 0
    assert identity_c(line) == []
    # when one is won and one is lost
    line.do("stripe", "disputes", "win", disputes[kept], {})
    line.do("stripe", "disputes", "lose", disputes[gone], {})
    line.rest(minutes=10)
    # then the lost one opens its invoice again, in Zuora and in NetSuite
    assert opportunity(line, kept) == ("Paid", GROSS)
    assert opportunity(line, gone) == ("Billed", Decimal(0))
    (reversal,) = rows(line, "zuora", "refunds")
    assert (reversal["reasonCode"], reversal["amount"]) == ("Payment Reversal", GROSS)
    assert total(line, "zuora", "invoices", "balance") == GROSS
    applied = sorted(len(row["apply"]) for row in rows(line, "netsuite", "customerPayment"))
    assert applied == [0, 1]
    assert total(line, "netsuite", "customerRefund", "total") == GROSS
    # and both fees are an expense
    fees = [
        posting.foreign
        for row in rows(line, "netsuite", "journalEntry")
        for posting in row["_impact"]
        if posting.account == "603"
    ]
    assert fees == [15, 15]
    assert identity_c(line) == []
    assert line.codes() == []


def test_bank_debits_settle_fail_and_are_returned(line: MoneyLine) -> None:
    # given three deals, each paid by bank debit
    deals = {
        name: line.won(
            line.account(name, "United States", BillingState="California"),
            [("PLT-001", 1_200)],
            START,
            "USD",
        )
        for name in ("settles", "fails", "returned")
    }
    line.settle()
    line.pay("pm_usBankAccount")
    line.rest(minutes=10)
    # then nothing is paid while the debits are on their way
    assert {opportunity(line, deal) for deal in deals.values()} == {("Billed", Decimal(0))}
    assert rows(line, "zuora", "payments") == []
    # when one fails and two settle
    line.do("stripe", "payment_intents", "fail", intents(line)[deals["fails"]], {})
    line.rest(days=5)
    assert opportunity(line, deals["settles"]) == ("Paid", Decimal(1_200))
    assert opportunity(line, deals["returned"]) == ("Paid", Decimal(1_200))
    assert opportunity(line, deals["fails"]) == ("Billed", Decimal(0))
    # and a bank takes one of them back: such a dispute is as good as lost
    taken = dispute(line, charges(line)[deals["returned"]], "debit_not_authorized")
    line.do("stripe", "disputes", "lose", taken, {})
    line.rest(minutes=10)
    assert opportunity(line, deals["returned"]) == ("Billed", Decimal(0))
    assert opportunity(line, deals["settles"]) == ("Paid", Decimal(1_200))
    assert total(line, "zuora", "invoices", "balance") == 2_400
    assert identity_c(line) == []
    assert line.codes() == []


def test_a_dispute_lost_after_the_month_was_closed(line: MoneyLine) -> None:
    # given a payment in a month that is closed by the time its dispute is lost
    deal = line.won(line.account(), [("PLT-001", 10_000)], START)
    line.settle()
    line.pay()
    line.rest(minutes=10)
    line.rest(days=40)
    line.do("netsuite", "accountingPeriod", "close", "Dec 2026", {})
    line.do("stripe", "disputes", "lose", dispute(line, charges(line)[deal]), {})
    line.rest(minutes=10)
    # then Salesforce knows, and NetSuite's refusal is told with its cause
    assert opportunity(line, deal) == ("Billed", Decimal(0))
    causes = [str(issue.parameters["message"]) for issue in line.issues()]
    assert any("the posting period Dec 2026 is closed" in cause for cause in causes)
    # when the month is opened, and what was refused is asked for again
    line.do("netsuite", "accountingPeriod", "reopen", "Dec 2026", {})
    retry(line)
    line.rest(minutes=10)
    assert total(line, "netsuite", "customerRefund", "total") == GROSS
    assert identity_c(line) == []
    assert line.codes() == []
