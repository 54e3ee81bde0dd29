"""Disputes. Reference: docs.stripe.com/disputes and docs.stripe.com/api/disputes.

The disputed amount and a fee leave the balance at once; a won dispute brings the amount back, not
the fee.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

from sandbox.messages import Json
from sandbox.stripe.account import DAY_SECONDS, Account
from sandbox.stripe.api import balance
from sandbox.stripe.api.payment_methods import behaviour_of
from sandbox.stripe.errors import not_now
from sandbox.stripe.money import DISPUTE_FEE, check_amount
from sandbox.stripe.service import Call, Endpoint, Reading, writing
from sandbox.stripe.store import Record

TABLE: Final = "disputes"
ANSWER_DAYS: Final = 9
REVIEW_DAYS: Final = 60
OPEN: Final = ("needs_response", "under_review")
REASONS: Final = frozenset(
    {
        "bank_cannot_process",
        "credit_not_processed",
        "customer_initiated",
        "debit_not_authorized",
        "duplicate",
        "fraudulent",
        "general",
        "insufficient_funds",
        "product_not_received",
        "product_unacceptable",
        "subscription_canceled",
        "unrecognized",
    }
)
_OUTCOMES: Final = {"winning_evidence": "won", "losing_evidence": "lost"}


def dispute(account: Account, charge_id: str, fields: Mapping[str, Json]) -> Record:
    """A customer's bank takes the money back. A charge is disputed once."""
    charge = account.find("charges", charge_id)
    reason = str(fields.get("reason") or "fraudulent")
    left = charge["amount"] - charge["amount_refunded"]
    if charge["status"] != "succeeded" or charge["disputed"] or left <= 0:
        raise not_now(f"Charge {charge_id} cannot be disputed")
    if reason not in REASONS:
        raise not_now(f"reason is one of {', '.join(sorted(REASONS))}", param="reason")
    amount = check_amount(int(fields.get("amount", left)), charge["currency"], least=1)
    if amount > left:
        raise not_now(f"Only {left} of charge {charge_id} can be disputed", param="amount")
    account.change("charges", charge_id, {"disputed": True}, "charge.updated")
    made = _new_dispute(account, charge, amount, reason)
    account.tell("charge.dispute.funds_withdrawn", made)
    return made


def _new_dispute(account: Account, charge: Record, amount: int, reason: str) -> Record:
    id = account.new_id("du")
    source = {"id": id, "currency": charge["currency"]}
    booked = balance.book(
        account,
        "adjustment",
        source,
        -amount,
        category="dispute",
        fee=DISPUTE_FEE,
        fee_description="Dispute fee",
        description=f"Chargeback withdrawal for {charge['id']}",
    )
    method = account.find("payment_methods", charge["payment_method"])
    return account.create(
        TABLE,
        {
            "id": id,
            "amount": amount,
            "balance_transactions": [account.render(balance.TABLE, booked)],
            "charge": charge["id"],
            "currency": charge["currency"],
            "enhanced_eligibility_types": [],
            "evidence": {},
            "evidence_details": {
                "due_by": account.now() + ANSWER_DAYS * DAY_SECONDS,
                "enhanced_eligibility": {},
                "has_evidence": False,
                "past_due": False,
                "submission_count": 0,
            },
            "is_charge_refundable": False,
            "metadata": {},
            "payment_intent": charge["payment_intent"],
            "payment_method_details": {"type": method["type"]},
            "reason": reason,
            "status": "needs_response",
        },
        "charge.dispute.created",
    )


def dispute_by_behaviour(account: Account, charge_id: str) -> None:
    """The dispute that a test card or account is known for."""
    charge = account.find("charges", charge_id)
    method = account.find("payment_methods", charge["payment_method"])
    dispute(account, charge_id, {"reason": behaviour_of(method).dispute})


def _open(account: Account, id: str) -> Record:
    found = account.find(TABLE, id)
    if found["status"] not in OPEN:
        raise not_now(f"This dispute is {found['status']}; it is closed")
    return found


def win(account: Account, id: str) -> Record:
    """The bank decides for the merchant: the amount comes back."""
    old = _open(account, id)
    text = f"Chargeback reversal for {old['charge']}"
    booked = balance.book(
        account, "adjustment", old, old["amount"], category="dispute_reversal", description=text
    )
    fields = {
        "status": "won",
        "is_charge_refundable": True,
        "balance_transactions": [
            *old["balance_transactions"],
            account.render(balance.TABLE, booked),
        ],
    }
    events = ("charge.dispute.funds_reinstated", "charge.dispute.closed")
    return account.change(TABLE, id, fields, "charge.dispute.updated", *events)


def lose(account: Account, id: str) -> Record:
    """The bank decides for the customer, or the merchant gives in."""
    _open(account, id)
    events = ("charge.dispute.updated", "charge.dispute.closed")
    return account.change(TABLE, id, {"status": "lost"}, *events)


def decide(account: Account, id: str) -> None:
    """The bank's decision after its review; the vendor's test evidence says which."""
    found = account.find(TABLE, id)
    if found["status"] == "under_review":
        (win if found["_outcome"] == "won" else lose)(account, id)


def _update(call: Call) -> Record:
    account = call.account
    old = account.find(TABLE, call.id)
    fields = account.merged(old, call.given("metadata"))
    evidence = call.get("evidence")
    if evidence is not None:
        if old["status"] != "needs_response":
            raise not_now("Evidence can no longer be submitted for this dispute.")
        submit = call.get("submit", True)
        details = {**old["evidence_details"], "has_evidence": True}
        if submit:
            details["submission_count"] += 1
            fields["status"] = "under_review"
            outcome = _OUTCOMES.get(str(evidence.get("uncategorized_text")), "lost")
            fields["_outcome"] = outcome
            soon = str(evidence.get("uncategorized_text")) in _OUTCOMES
            wait = 0 if soon else REVIEW_DAYS * DAY_SECONDS
            account.schedule(account.now() + wait, "decide_dispute", call.id)
        fields |= {"evidence": {**old["evidence"], **evidence}, "evidence_details": details}
    return account.change(TABLE, call.id, fields, "charge.dispute.updated")


def endpoints() -> Iterator[Endpoint]:
    """The API of disputes."""
    yield from Reading(TABLE, "dispute.list").endpoints()
    yield writing(TABLE, "/{id}", "dispute.modify", _update)
    yield writing(TABLE, "/{id}/close", "dispute.close", lambda call: lose(call.account, call.id))
