"""A quote's life: draft, approval, ready, published, won, and the ways back."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any, Final

from sandbox.dealhub import tenant as words
from sandbox.dealhub.errors import Problem
from sandbox.dealhub.pricing import needs_approval, priced_lines, require_lines, summary_of
from sandbox.dealhub.tenant import APPROVER, REP, Tenant
from sandbox.dealhub.values import Row, number, stamp

FIRST_NUMBER: Final = 100
FIRST_PROPOSAL: Final = 12_926
_VALID: Final = timedelta(days=30)


def make_quote(tenant: Tenant, body: Mapping[str, Any], opportunity: Row, by: str = REP) -> Row:
    """A new draft from the body of generate, checked before."""
    currency = opportunity["currency"]
    overall = number(body.get("total_sales_discount"))
    lines = priced_lines(tenant, body.get("line_items") or (), currency, overall)
    id = tenant.new_id("quote")
    row: Row = {
        "dealhub_quote_id": id,
        "dealhub_proposal_id": f"Q-{tenant.count_up('proposal', FIRST_PROPOSAL)}",
        "status": words.DRAFT,
        "quote_upgrade_required": False,
        "info": _info(tenant, body, opportunity, id, by),
        "summary": summary_of(lines, currency),
        "deal_room_info": {"url": ""},
        "line_items": lines,
        "answers": answers_of(tenant, body.get("quote_data") or ()),
        "approvals": [],
        "document_type": body.get("document_type", "DealRoom"),
    }
    tenant.quotes[id] = row
    tenant.tell("draftQuote", row, by)
    return row


def _info(tenant: Tenant, body: Mapping[str, Any], opportunity: Row, id: str, by: str) -> Row:
    count = tenant.count_up("quote number", FIRST_NUMBER)
    contact = opportunity["contact"] or {}
    names = [contact[name] for name in ("first_name", "last_name") if contact.get(name)]
    return {
        "external_opportunity_id": opportunity["external_opportunity_id"],
        "external_quote_id": "",
        "external_customer_id": opportunity["external_customer_id"],
        "customer_id": str(7_000_000 + count),
        "account_name": opportunity["customer_name"],
        "contact_name": " ".join(names),
        "contact_email": contact.get("email", ""),
        "dealhub_opportunity_id": opportunity["dealhub_opportunity_id"],
        "dealhub_quote_name": body.get("quote_name") or f"Quote {count}",
        "dealhub_quote_number": f"Q_{count}",
        "duplicate_from_quote": "",
        "primary_quote": not _siblings(tenant, opportunity),
        "created_by": by,
        "creation_date": stamp(tenant.now()),
        "submitted_by": "",
        "submission_date": "",
        "expiration_date": stamp(_expiry(tenant, body)),
        "won_date": "",
        "geo_code": opportunity["geo_code"],
        "currency": opportunity["currency"],
        "playbook": body.get("playbook") or "playbook_api",
        "quote_url": f"https://app.dealhub.io/quote/{id}",
        "version_id": "20AFDC77E768B703",
    }


def _siblings(tenant: Tenant, opportunity: Row) -> bool:
    wanted = opportunity["external_opportunity_id"]
    return any(row["info"]["external_opportunity_id"] == wanted for row in tenant.quotes.values())


def _expiry(tenant: Tenant, body: Mapping[str, Any]) -> datetime:
    given = body.get("expiration_date")
    if given is None:
        return tenant.now() + _VALID
    return datetime.fromtimestamp(int(given) / 1000, UTC)


def answers_of(tenant: Tenant, groups: Any) -> list[Row]:
    """The playbook's answers. A group that repeats has its questions once per repetition."""
    answers: list[Row] = []
    for group in groups:
        for asked in group["questions"]:
            for question, answer in asked.items():
                answers.append({
                    "system_id": tenant.new_id("system"),
                    "system_name": "Revline",
                    "group_id": group["group_id"],
                    "group_name": group["group_id"].replace("_", " ").title(),
                    "question_id": question,
                    "question": f"<b>{question.replace('_', ' ').capitalize()}</b>",
                    "answer": _answer(answer),
                })  # fmt: skip
    return answers


def _answer(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return format(value, "f") if isinstance(value, Decimal) else str(value)


def _require(row: Row, allowed: tuple[str, ...], act: str) -> None:
    if row["status"] not in allowed:
        raise Problem(f"Quote in status {row['status']} cannot be {act}")


def check_submit(row: Row) -> None:
    """Whether a quote may be submitted."""
    _require(row, (words.DRAFT,), "submitted")
    require_lines(row["line_items"])


def submit(tenant: Tenant, row: Row, by: str = REP, request: str | None = None) -> None:
    """Send a draft for approval; one within the representative's limit is ready at once."""
    check_submit(row)
    row["info"] |= {"submitted_by": by, "submission_date": stamp(tenant.now())}
    if needs_approval(row["line_items"], tenant.settings.approval_above_percent):
        row["status"] = words.PENDING
        above = f"Discount above {tenant.settings.approval_above_percent}%"
        row["approvals"] = [{
            "reviewer": APPROVER, "step": 1, "reason": above, "status": "waiting",
            "impersonated_by": "", "review_date": "", "reviewer_comment": "",
        }]  # fmt: skip
        tenant.tell("quotePendingApproval", row, by, request)
    else:
        row["status"] = words.READY
        tenant.tell("quoteReady", row, by, request)


def review(tenant: Tenant, row: Row, *, approved: bool, reviewer: str, comment: str = "") -> None:
    """A reviewer's decision."""
    _require(row, (words.PENDING,), "reviewed")
    for approval in row["approvals"]:
        if approval["status"] == "waiting":
            approval |= {
                "reviewer": reviewer, "review_date": stamp(tenant.now()),
                "status": "approved" if approved else "rejected", "reviewer_comment": comment,
            }  # fmt: skip
    row["status"] = words.READY if approved else words.REJECTED
    tenant.tell("quoteReady" if approved else "quoteRejected", row, reviewer)


def recall(tenant: Tenant, row: Row, by: str = REP) -> None:
    """Take a submitted quote back."""
    _require(row, (words.PENDING, words.READY), "recalled")
    row["status"] = words.RECALLED
    tenant.tell("quoteRecalled", row, by)


def revise(tenant: Tenant, row: Row, body: Mapping[str, Any], by: str = REP) -> None:
    """Make a draft of a rejected or recalled quote again, with other content, as a person does."""
    _require(row, (words.DRAFT, words.REJECTED, words.RECALLED), "revised")
    currency = row["info"]["currency"]
    if "line_items" in body or "total_sales_discount" in body:
        given = body.get("line_items") or [_as_given(line) for line in row["line_items"]]
        overall = number(body.get("total_sales_discount"))
        row["line_items"] = priced_lines(tenant, given, currency, overall)
        row["summary"] = summary_of(row["line_items"], currency)
    if "quote_data" in body:
        row["answers"] = answers_of(tenant, body["quote_data"])
    if "quote_name" in body:
        row["info"]["dealhub_quote_name"] = body["quote_name"]
    row["status"] = words.DRAFT
    tenant.tell("draftQuote", row, by)


def _as_given(line: Row) -> Row:
    factors = {name: Decimal(text) for name, text in line["product_factors"].items()}
    return {
        "sku": line["sku"], "bundle_ref_sku": line["bundle_ref"], "item_name": line["name"],
        "list_price": line["list_price"], "product_factors": factors,
        "attributes": line["attributes"],
    }  # fmt: skip


def check_publish(row: Row) -> None:
    """Whether a quote may be published."""
    _require(row, (words.READY,), "published")


def publish(tenant: Tenant, row: Row, by: str = REP, request: str | None = None) -> None:
    """Put a ready quote into its opportunity's deal room."""
    check_publish(row)
    external = row["info"]["external_opportunity_id"]
    row["status"] = words.PUBLISHED
    row["deal_room_info"] = {"url": f"https://dealroom.dealhub.io/{row['dealhub_quote_id']}"}
    tenant.tables["deal_rooms"][external] = {
        "dealroom_state": "Published", "buyer_signers": [], "seller_signers": [],
        "_quote": row["dealhub_quote_id"],
    }  # fmt: skip
    tenant.tell("quotePublished", row, by, request)


def unpublish(tenant: Tenant, row: Row, by: str = REP) -> None:
    """Take the quote out of the deal room."""
    _require(row, (words.PUBLISHED,), "unpublished")
    row["status"] = words.READY
    row["deal_room_info"] = {"url": ""}
    tenant.tables["deal_rooms"].pop(row["info"]["external_opportunity_id"], None)
    tenant.tell("quoteUnpublished", row, by)


def check_win(row: Row) -> None:
    """Whether a quote may be signed."""
    _require(row, (words.READY, words.PUBLISHED), "signed")


def win(tenant: Tenant, row: Row, by: str = REP, request: str | None = None) -> None:
    """The quote is signed."""
    check_win(row)
    row["status"] = words.WON
    row["info"]["won_date"] = stamp(tenant.now())
    room = tenant.tables["deal_rooms"].get(row["info"]["external_opportunity_id"])
    if room is not None:
        room["dealroom_state"] = "Signed"
    tenant.tell("quoteWon", row, by, request)


def sign(tenant: Tenant, row: Row, party: str, name: str, title: str = "") -> None:
    """One signature in the deal room; the quote is won once both parties have signed."""
    _require(row, (words.PUBLISHED,), "signed in a deal room")
    room = tenant.tables["deal_rooms"][row["info"]["external_opportunity_id"]]
    signers = room["buyer_signers" if party == "buyer" else "seller_signers"]
    signers.append({
        "company_name": row["info"]["account_name"] if party == "buyer" else "Revline US Inc.",
        "signee_name": name, "signee_title": title, "signature_date": stamp(tenant.now()),
        "ordinal": len(signers) + 1,
    })  # fmt: skip
    room["dealroom_state"] = "Partially signed"
    tenant.tell("DEALROOM_EVENT", row, name)
    if room["buyer_signers"] and room["seller_signers"]:
        win(tenant, row, name)
