"""Days without an exchange rate: each an issue of its own, closed once no contract lacks it."""

from __future__ import annotations

from datetime import datetime
from typing import Final

from engine.books.records import Own
from engine.books.reported import Reports
from engine.books.spec import BOOKS, CONNECTION, RATES
from engine.issues import owner
from engine.model import Address, IssueReport
from engine.pipeline.services import Services
from engine.store import issues, ledger, rates, stuck
from engine.store.ledger import Line
from engine.store.rates import Lack
from engine.store.sql import Tx

RATE_MISSING: Final = "RATE_MISSING"


def look_for_rates(services: Services, tx: Tx, contract: str, now: datetime) -> None:
    """Tell for which days a contract lacks a rate, and for which nobody lacks one any more."""
    reporting = services.config.books.reporting
    wanted: set[Lack] = set()
    if reporting is not None:
        own = Own.read(tx, contract)
        reports = Reports(tx, reporting)
        wanted = reports.lacking(own.shown(reports), own.lines)
    new, gone = rates.settle_lacking(tx, contract, wanted)
    told = [(_report(services, lack), None, owner(RATE_MISSING)) for lack in new]
    issues.open_many(tx, services.store.payloads, services.ids, told, now)
    ledger.append(tx, [_line(services, report, now) for report, _delivery, _owner in told])
    for lack in gone:
        issues.end_of(tx, BOOKS, _source(lack), stuck.OVER, now)


def _source(lack: Lack) -> Address:
    day = lack.effective_on.isoformat()
    return Address(CONNECTION, RATES, f"{lack.from_currency}-{lack.to_currency}-{day}")


def _report(services: Services, lack: Lack) -> IssueReport:
    reporting = services.config.books.reporting
    parameters = {
        "from_currency": lack.from_currency,
        "to_currency": lack.to_currency,
        "day": lack.effective_on.isoformat(),
        "days": str(reporting.rate_max_days if reporting else 0),
    }
    return IssueReport(RATE_MISSING, BOOKS, _source(lack), parameters=parameters)


def _line(services: Services, report: IssueReport, now: datetime) -> Line:
    return Line(
        time=now,
        sync=BOOKS,
        operation="convert",
        outcome="issue",
        config=services.config.digest,
        source=report.source,
        code=RATE_MISSING,
    )
