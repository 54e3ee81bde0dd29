"""Accounting periods: where postings may still go. Reference: "Accounting periods"."""

from __future__ import annotations

from datetime import date

from sandbox.zuora.errors import refuse
from sandbox.zuora.tenant import Tenant
from sandbox.zuora.values import Row


def period_of(tenant: Tenant, day: date) -> Row | None:
    """The period a day is in."""
    for period in tenant.rows("accounting-periods"):
        if period["startDate"] <= day <= period["endDate"]:
            return period
    return None


def check_open(tenant: Tenant, day: date) -> None:
    """Refuse a posting into a closed period."""
    period = period_of(tenant, day)
    if period is not None and period["status"] == "Closed":
        name = period["name"]
        raise refuse(f"The date {day.isoformat()} is in the closed accounting period {name}.")
