"""Bill runs: what is due becomes invoices; a document that would be negative, a credit memo.

For each charge segment and billing period the price is worked out anew and compared with what was
billed; the difference is due. So an amended or cancelled charge credits exactly what it must.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time
from decimal import Decimal
from typing import Final

from sandbox.zuora.documents import (
    Documents,
    Line,
    add_invoice,
    add_memo,
    post_invoice,
    post_memo,
)
from sandbox.zuora.rating import ONE_DAY, Period, end_of, per_period, periods, periods_of, share
from sandbox.zuora.tenant import Tenant
from sandbox.zuora.values import MONTHS_PER, ZERO, Row, rounded

BILLABLE: Final = {"Active", "Cancelled", "Suspended", "Expired"}


@dataclass(frozen=True)
class Run:
    """What a run bills. Empty sets mean everybody. ``target`` is inclusive."""

    target: date
    document_date: date
    post: bool
    accounts: frozenset[str] = frozenset()
    subscriptions: frozenset[str] = frozenset()
    exclude: frozenset[str] = frozenset()
    batches: frozenset[str] = frozenset()
    source: str = "BillRun"
    source_id: str | None = None
    reason: str | None = None


@dataclass
class Due:
    """What one account owes or is owed, and the usage that is thereby rated."""

    lines: list[Line] = field(default_factory=list)
    usages: list[str] = field(default_factory=list)


def bill(tenant: Tenant, run: Run) -> Documents:
    """Make the documents of a run, posted when it says so."""
    documents = Documents()
    for account in tenant.rows("accounts"):
        if run.accounts and account["id"] not in run.accounts:
            continue
        if run.batches and account["batch"] not in run.batches:
            continue
        due = _due(tenant, account, run)
        for group in _documents_of(tenant, due.lines):
            _make(tenant, account, group, run, documents)
        for usage in due.usages:
            tenant.update("usages", usage, {"rbeStatus": "Processed"})
    if run.post:
        documents.invoices = [
            post_invoice(tenant, invoice, run.document_date) for invoice in documents.invoices
        ]
        documents.memos = [post_memo(tenant, memo) for memo in documents.memos]
    return documents


def _documents_of(tenant: Tenant, lines: list[Line]) -> Iterator[list[Line]]:
    """One document per account and currency, a subscription's own where it wants one; or the
    credits apart."""
    for key in sorted({_document_key(line) for line in lines}):
        mine = [line for line in lines if _document_key(line) == key]
        if tenant.settings.negative_lines == "separate":
            groups = ([x for x in mine if x.amount >= 0], [x for x in mine if x.amount < 0])
            yield from (group for group in groups if group)
        else:
            yield mine


def _document_key(line: Line) -> tuple[str, str]:
    subscription = line.subscription or {}
    apart = subscription.get("isInvoiceSeparate", False)
    return line.currency, subscription["name"] if apart else ""


def _make(tenant: Tenant, account: Row, lines: list[Line], run: Run, documents: Documents) -> None:
    if sum((line.amount for line in lines), ZERO) < 0:
        flipped = [line.negated() for line in lines]
        documents.memos.append(add_memo(
            tenant, account, flipped, run.document_date, source=run.source,
            source_type="Subscription", reason=run.reason or "Correcting invoice error",
            target=run.target, source_id=run.source_id,
        ))  # fmt: skip
        document = documents.memos[-1]
    else:
        documents.invoices.append(add_invoice(
            tenant, account, lines, run.document_date, source=run.source,
            source_type="Subscription", target=run.target, source_id=run.source_id,
        ))  # fmt: skip
        document = documents.invoices[-1]
    for line in lines:
        _note(tenant, line, document)


def _note(tenant: Tenant, line: Line, document: Row) -> None:
    """Remember what was billed, and how far the segment is charged."""
    charge = line.charge
    if charge is None or line.period is None:
        return
    tenant.insert("billed-pieces", {
        "chargeNumber": charge["chargeNumber"], "segment": charge["segment"],
        "period": line.period, "start": line.start, "end": line.end, "amount": line.amount,
        "documentId": document["id"], "type": charge["chargeType"], "usages": line.usages,
    })  # fmt: skip
    refresh_charged_through(tenant, charge["chargeNumber"], charge["segment"])


def refresh_charged_through(tenant: Tenant, number: str, segment: int) -> None:
    """Bring ``chargedThroughDate`` of a segment in line with what is billed."""
    pieces = tenant.where("billed-pieces", chargeNumber=number, segment=segment)
    through = max((piece["end"] for piece in pieces if piece["amount"] >= 0), default=None)
    for charge in tenant.where("rate-plan-charges", chargeNumber=number, segment=segment):
        end = charge["effectiveEndDate"]
        day = min(through, end) if through and end else through
        version = tenant.tables["subscriptions"][charge["subscriptionId"]]
        if version["isLatestVersion"] and charge["chargedThroughDate"] != day:
            changed = {"chargedThroughDate": day, "processedThroughDate": day}
            tenant.update("rate-plan-charges", charge["id"], changed)


def forget_document(tenant: Tenant, document: Row) -> None:
    """A document was cancelled or deleted: what it billed is due again."""
    for piece in tenant.where("billed-pieces", documentId=document["id"]):
        tenant.delete("billed-pieces", piece["id"])
        for usage in piece["usages"]:
            tenant.update("usages", usage, {"rbeStatus": "Pending"})
        refresh_charged_through(tenant, piece["chargeNumber"], piece["segment"])


def _due(tenant: Tenant, account: Row, run: Run) -> Due:
    due = Due()
    for subscription in tenant.where("subscriptions", accountId=account["id"]):
        if not subscription["isLatestVersion"] or subscription["status"] not in BILLABLE:
            continue
        if run.subscriptions and subscription["name"] not in run.subscriptions:
            continue
        for charge in tenant.where("rate-plan-charges", subscriptionId=subscription["id"]):
            if charge["chargeType"] not in run.exclude:
                due.lines.extend(_lines(tenant, subscription, charge, run, due))
    return due


def _lines(tenant: Tenant, subscription: Row, charge: Row, run: Run, due: Due) -> Iterable[Line]:
    if charge["effectiveStartDate"] > run.target:
        return ()
    if charge["chargeType"] == "OneTime":
        return _one_time(tenant, subscription, charge)
    if charge["chargeType"] == "Usage":
        return _usage(tenant, subscription, charge, run, due)
    return _recurring(tenant, subscription, charge, run)


def _one_time(tenant: Tenant, subscription: Row, charge: Row) -> Iterator[Line]:
    start = charge["effectiveStartDate"]
    if not _pieces(tenant, charge):
        amount = rounded(per_period(charge), subscription["currency"])
        yield _line(tenant, subscription, charge, Period(start, start + ONE_DAY), start, amount)


def _pieces(tenant: Tenant, charge: Row) -> list[Row]:
    number, segment = charge["chargeNumber"], charge["segment"]
    return tenant.where("billed-pieces", chargeNumber=number, segment=segment)


def _recurring(tenant: Tenant, subscription: Row, charge: Row, run: Run) -> Iterator[Line]:
    currency, anchor = subscription["currency"], subscription["subscriptionStartDate"]
    start, end = charge["effectiveStartDate"], end_of(charge)
    billed: dict[date, list[Row]] = {}
    for piece in _pieces(tenant, charge):
        billed.setdefault(piece["period"], []).append(piece)
    last = max((piece["end"] for rows in billed.values() for piece in rows), default=start)
    until = max(run.target + ONE_DAY, last)
    for whole in periods_of(charge, anchor, start, until):
        part = whole.within(start, end)
        pieces = billed.get(whole.start)
        if pieces:
            yield from _difference(tenant, subscription, charge, whole, part, pieces, run)
        elif part is not None and _is_due(charge, part, run.target):
            amount = share(charge, part, whole, currency)
            yield _line(tenant, subscription, charge, part, whole.start, amount)


def _is_due(charge: Row, part: Period, target: date) -> bool:
    if charge["billingTiming"] == "IN_ARREARS":
        return part.end - ONE_DAY <= target
    return part.start <= target


def _difference(
    tenant: Tenant,
    subscription: Row,
    charge: Row,
    whole: Period,
    part: Period | None,
    pieces: list[Row],
    run: Run,
) -> Iterator[Line]:
    """The charge changed after the period was billed."""
    currency = subscription["currency"]
    wanted = share(charge, part, whole, currency) if part else ZERO
    amount = wanted - sum((piece["amount"] for piece in pieces), ZERO)
    if not amount:
        return
    # Earlier credits moved the end already: what is billed now ends where the latest one begins.
    credits = [piece["start"] for piece in pieces if piece["amount"] < 0]
    end = min(credits, default=max(piece["end"] for piece in pieces))
    if part is None:
        start = max(charge["effectiveStartDate"], whole.start)
    elif part.end < end:
        start = part.end
    elif part.end > end and amount > 0:
        start, end = end, part.end
    else:
        start = part.start
    if start > run.target:
        return  # the first run that reaches the day bills or credits it
    stretch = Period(start, max(end, start + ONE_DAY))
    yield _line(tenant, subscription, charge, stretch, whole.start, amount)


def _usage(tenant: Tenant, subscription: Row, charge: Row, run: Run, due: Due) -> Iterator[Line]:
    """Rate the records of each finished period, late ones of earlier periods included."""
    anchor, currency = subscription["subscriptionStartDate"], subscription["currency"]
    start, end = charge["effectiveStartDate"], end_of(charge)
    records = [
        row for row in tenant.where("usages", rbeStatus="Pending", uOM=charge["uOM"])
        if _concerns(row, subscription, charge)
    ]  # fmt: skip
    months = MONTHS_PER[charge["billingPeriod"]]
    for whole in periods(anchor, months, start, min(run.target + ONE_DAY, end)):
        part = whole.within(start, end)
        if part is None or part.end - ONE_DAY > run.target:
            continue
        mine = [row for row in records if part.start <= row["startDateTime"].date() < part.end]
        quantity = sum((row["quantity"] for row in mine), ZERO)
        due.usages.extend(row["id"] for row in mine)
        if quantity:
            amount = rounded(charge["salesPrice"] * quantity, currency)
            line = _line(tenant, subscription, charge, part, whole.start, amount)
            line.quantity = quantity
            line.usages = tuple(row["id"] for row in mine)
            yield line


def _concerns(usage: Row, subscription: Row, charge: Row) -> bool:
    number, charge_number = usage["_subscriptionNumber"], usage["_chargeNumber"]
    return (
        usage["accountId"] == subscription["accountId"]
        and number in {None, subscription["name"]}
        and charge_number in {None, charge["chargeNumber"]}
    )


def _line(
    tenant: Tenant, subscription: Row, charge: Row, part: Period, period: date, amount: Decimal
) -> Line:
    product_charge = tenant.get("product-rate-plan-charges", charge["productRatePlanChargeId"])
    plan = tenant.get("rate-plans", charge["ratePlanId"])
    product = tenant.get("products", plan["productId"])
    at = datetime.combine(part.start, time(), UTC)
    return Line(
        amount=amount,
        currency=subscription["currency"],
        name=charge["name"],
        start=part.start,
        end=part.end,
        quantity=charge["quantity"],
        unit_price=charge["salesPrice"],
        charged_at=max(tenant.now().replace(microsecond=0), at) if amount < 0 else tenant.now(),
        product=product,
        product_charge=product_charge,
        charge=charge,
        subscription=subscription,
        period=period,
    )
