"""Opportunities: what the stage decides, and what their lines take out of the caller's hands."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from decimal import ROUND_HALF_UP, Decimal
from typing import Final

from sandbox.salesforce.org import Org
from sandbox.salesforce.rules.base import ObjectRules, Save, integrity
from sandbox.salesforce.schema import Stage
from sandbox.salesforce.values import Row

CENT: Final = Decimal("0.01")
# A stage that is no longer in the list says nothing.
_UNKNOWN_STAGE: Final = Stage(0, "Pipeline", "Pipeline", closed=False, won=False)


def live_lines(org: Org, opportunity_id: str) -> Iterator[Row]:
    """The opportunity's products."""
    return org.table("OpportunityLineItem").children("OpportunityId", opportunity_id)


def _before_save(save: Save) -> None:
    row = save.row
    if save.changed("StageName"):
        _follow_stage(save, save.org.schema.stages.get(row["StageName"], _UNKNOWN_STAGE))
    elif "ForecastCategoryName" in save.given:
        row["ForecastCategory"] = {
            "Best Case": "BestCase",
            "Commit": "Forecast",
        }.get(row["ForecastCategoryName"], row["ForecastCategoryName"])
    if save.old is not None and save.old.get("HasOpportunityLineItem"):
        row["Amount"] = save.old.get("Amount")  # ignored, not refused: the lines add up to it
        for name in ("Pricebook2Id", "CurrencyIsoCode"):
            if save.changed(name):
                raise integrity(name, f"cannot change {name} of an opportunity that has products")
    row.setdefault("HasOpportunityLineItem", False)
    row["ExpectedRevenue"] = _expected(row)
    _follow_close_date(row)


def _follow_stage(save: Save, stage: Stage) -> None:
    row = save.row
    row["IsClosed"], row["IsWon"] = stage.closed, stage.won
    row["ForecastCategory"] = stage.category
    if "ForecastCategoryName" not in save.given:
        row["ForecastCategoryName"] = stage.category_name
    if save.given.get("Probability") is None:
        row["Probability"] = Decimal(stage.probability)


def _expected(row: Row) -> Decimal | None:
    amount, probability = row.get("Amount"), row.get("Probability")
    if amount is None or probability is None:
        return None
    expected: Decimal = amount * probability / 100
    return expected.quantize(CENT, rounding=ROUND_HALF_UP)


def _follow_close_date(row: Row) -> None:
    closes = date.fromisoformat(row["CloseDate"])
    row["FiscalYear"], row["FiscalQuarter"] = closes.year, (closes.month + 2) // 3
    row["Fiscal"] = f"{row['FiscalYear']} {row['FiscalQuarter']}"


def add_up(org: Org, opportunity_id: str) -> None:
    """Bring the amount in line with the products; the opportunity counts as modified.

    Without any line left the amount stays what it was and can be edited again.
    """
    opportunity = org.live(opportunity_id)
    if opportunity is None:
        return
    lines = list(live_lines(org, opportunity_id))
    changes: Row = {"HasOpportunityLineItem": bool(lines)}
    if lines:
        changes["Amount"] = sum((line["TotalPrice"] for line in lines), Decimal(0))
        changes["TotalOpportunityQuantity"] = sum((line["Quantity"] for line in lines), Decimal(0))
    changes["ExpectedRevenue"] = _expected({**opportunity, **changes})
    org.revise(opportunity_id, changes)


OPPORTUNITIES: Final = ObjectRules(before_save=_before_save)
