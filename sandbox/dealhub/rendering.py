"""Quotes as the API shows them: only the features asked for, none of an outdated draft."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from sandbox.dealhub.tenant import Settings, Tenant
from sandbox.dealhub.values import Row, dump_json, with_stray_quotes
from sandbox.messages import Response


def told(tenant: Tenant, value: Any, status: int = 200) -> Response:
    """An answer; with stray quotes in its keys where the settings want them."""
    if tenant.settings.stray_quotes:
        value = with_stray_quotes(value)
    return Response(status, dump_json(value))


def shown(tenant: Tenant, row: Row, features: Collection[str]) -> Row:
    """A quote with these features."""
    quote: Row = {
        "dealhub_quote_id": row["dealhub_quote_id"],
        "status": status_text(tenant.settings, row["status"]),
        "quote_upgrade_required": row["quote_upgrade_required"],
    }
    if row["quote_upgrade_required"]:
        return quote
    return quote | {name: row[name] for name in row if name in features}


def status_text(settings: Settings, status: str) -> str:
    """The status in the spelling of the settings: the vendor's own examples differ."""
    if settings.status_style == "camel":
        return status
    spaced = "".join(f" {each}" if each.isupper() else each for each in status).strip()
    return spaced if settings.status_style == "spaced" else spaced.replace(" ", "_").upper()


def answer_of(row: Row, action: str) -> Row:
    """What a 202 holds in the vendor's own example: the quote and what it has come to."""
    summary = dict(row["summary"])
    summary["total_sales_discount"] = summary.pop("sales_discount")
    return {
        "status": action,
        "dealhub_proposal_id": row["dealhub_proposal_id"],
        "dealhub_quote_id": row["dealhub_quote_id"],
        "dealroom_url": row["deal_room_info"]["url"],
        "approval_flows": bool(row["approvals"]),
        "summary": summary,
    }
