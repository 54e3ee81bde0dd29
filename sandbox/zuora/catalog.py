"""The furniture of a tenant: product catalogue, accounting codes, accounting periods.

Ids and numbers follow from the SKU, so they are the same in every tenant with the same products.
"""

from __future__ import annotations

import calendar
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Final

from sandbox.seed import Product
from sandbox.zuora.tenant import Tenant, made_id
from sandbox.zuora.values import Row, rounded

CODES: Final = (
    ("Accounts Receivable", "AccountsReceivable", "1200"),
    ("Cash", "Cash", "1000"),
    ("Customer Cash on Account", "CustomerCashOnAccount", "2150"),
    ("On Account Receivable", "OnAccountReceivable", "1250"),
    ("Deferred Revenue", "DeferredRevenue", "2400"),
    ("Sales Tax Payable", "SalesTaxPayable", "2200"),
    ("Subscription Revenue", "SalesRevenue", "4000"),
    ("Usage Revenue", "SalesRevenue", "4010"),
    ("Services Revenue", "SalesRevenue", "4020"),
    ("Bad Debt", "BadDebt", "6800"),
)
FISCAL_YEARS: Final = (2025, 2026, 2027)
CLOSED_THROUGH: Final = date(2025, 12, 31)
USAGE_SKUS: Final = ("API-001", "API-002")
USAGE_UOM: Final = "API call"
BASE_PRICE: Final = Decimal(100)
USAGE_PRICE: Final = Decimal("0.1")
RATES: Final = {
    "USD": Decimal(1),
    "EUR": Decimal(1),
    "GBP": Decimal(1),
    "JPY": Decimal(150),
    "KWD": Decimal("0.3"),
}
_SINCE: Final = date(2020, 1, 1)
_UNTIL: Final = date(2049, 12, 31)
_TRIGGER: Final = {"triggerEvent": "ContractEffective", "endDateCondition": "SubscriptionEnd"}
_SERVICES: Final = ("ONB", "TRN", "HWR", "MIG")


@dataclass(frozen=True, slots=True)
class Charge:
    """A charge of a plan of the catalogue."""

    key: str
    name: str
    type: str
    model: str
    price: Decimal
    revenue: str
    period: str | None = None
    timing: str | None = None
    uom: str | None = None


def furnish(tenant: Tenant, products: Iterable[Product], since: datetime) -> None:
    """Codes, periods and the catalogue of a new tenant; stamped ``since``."""
    for name, type, gl_number in CODES:
        _add(tenant, "accounting-codes", name, since, {
            "name": name, "type": type, "glAccountName": name, "glAccountNumber": gl_number,
            "status": "Active", "notes": "",
        })  # fmt: skip
    for year in FISCAL_YEARS:
        for month in range(1, 13):
            add_period(tenant, year, month, since)
    for product in products:
        add_product(tenant, product, since)


def add_period(tenant: Tenant, year: int, month: int, since: datetime) -> Row:
    """One month; months of years gone by are closed."""
    start = date(year, month, 1)
    end = date(year, month, calendar.monthrange(year, month)[1])
    return _add(tenant, "accounting-periods", f"{year}-{month}", since, {
        "name": f"{start:%b}-{year}",
        "startDate": start,
        "endDate": end,
        "fiscalYear": year,
        "fiscalQuarter": (month + 2) // 3,
        "notes": "",
        "status": "Closed" if end <= CLOSED_THROUGH else "Open",
    })  # fmt: skip


def add_product(tenant: Tenant, product: Product, since: datetime) -> Row:
    """A product with its annual, monthly and one-time plans, and the hybrid one where it has."""
    row = _add(tenant, "products", product.sku, since, {
        "name": product.name,
        "sKU": product.sku,
        "productNumber": f"PC-{product.sku}",
        "description": "",
        "category": "Base Products",
        "effectiveStartDate": _SINCE,
        "effectiveEndDate": _UNTIL,
    })  # fmt: skip
    service = product.sku.startswith(_SERVICES)
    revenue = "Services Revenue" if service else "Subscription Revenue"
    monthly = product.price if product.billing == "monthly" else product.price / 12
    yearly = product.price * 12 if product.billing == "monthly" else product.price
    recurring = ("Recurring", "PerUnit")
    _plan(tenant, row, "Annual", since, [
        Charge("FEE", "Annual fee", *recurring, yearly, revenue, "Annual", "IN_ADVANCE", "Each"),
    ])  # fmt: skip
    _plan(tenant, row, "Monthly", since, [
        Charge("FEE", "Monthly fee", *recurring, monthly, revenue, "Month", "IN_ADVANCE", "Each"),
    ])  # fmt: skip
    once = "Hardware" if product.sku.startswith("HWR") else "One-time fee"
    _plan(tenant, row, "One-time", since, [
        Charge("FEE", once, "OneTime", "PerUnit", product.price, revenue, uom="Each"),
    ])  # fmt: skip
    if product.sku in USAGE_SKUS:
        _plan(tenant, row, "Hybrid", since, [
            Charge("BASE", "Base fee", "Recurring", "FlatFee", BASE_PRICE, revenue,
                   "Month", "IN_ADVANCE"),
            Charge("USAGE", "Metered usage", "Usage", "PerUnit", USAGE_PRICE, "Usage Revenue",
                   "Month", "IN_ARREARS", USAGE_UOM),
        ])  # fmt: skip
    return row


def _plan(tenant: Tenant, product: Row, name: str, since: datetime, charges: list[Charge]) -> None:
    number = f"PRP-{product['sKU']}-{name.upper().replace('-', '')}"
    plan = _add(tenant, "product-rate-plans", number, since, {
        "productId": product["id"],
        "name": name,
        "productRatePlanNumber": number,
        "description": "",
        "effectiveStartDate": _SINCE,
        "effectiveEndDate": _UNTIL,
    })  # fmt: skip
    for charge in charges:
        _charge(tenant, plan, charge, since)


def _charge(tenant: Tenant, plan: Row, charge: Charge, since: datetime) -> None:
    number = f"PRPC{plan['productRatePlanNumber'].removeprefix('PRP')}-{charge.key}"
    code = {row["name"]: row["id"] for row in tenant.rows("accounting-codes")}
    deferred = charge.type == "Recurring"
    row = _add(tenant, "product-rate-plan-charges", number, since, {
        "productRatePlanId": plan["id"],
        "productRatePlanChargeNumber": number,
        "name": charge.name,
        "description": "",
        "chargeType": charge.type,
        "chargeModel": {"PerUnit": "Per Unit Pricing", "FlatFee": "Flat Fee Pricing"}[charge.model],
        "billingPeriod": charge.period,
        "billingTiming": charge.timing,
        "billCycleType": "SubscriptionStartDay",
        "billingPeriodAlignment": "AlignToSubscriptionStart",
        "uOM": charge.uom,
        "defaultQuantity": Decimal(1),
        "taxable": True,
        "taxCode": "STANDARD",
        "taxMode": "TaxExclusive",
        **_TRIGGER,
        "accountReceivableAccountingCodeId": code["Accounts Receivable"],
        "deferredRevenueAccountingCodeId": code["Deferred Revenue"] if deferred else None,
        "recognizedRevenueAccountingCodeId": code[charge.revenue],
        "accountingCode": charge.revenue,
        "revRecCode": plan["productRatePlanNumber"],
        "revRecTriggerCondition": "Contract Effective Date",
        "revenueRecognitionRuleName":
            "Recognize daily over time" if deferred else "Recognize upon invoicing",
    })  # fmt: skip
    for currency, rate in RATES.items():
        exact = charge.type == "Usage"
        price = charge.price * rate if exact else rounded(charge.price * rate, currency)
        _add(tenant, "product-rate-plan-charge-tiers", f"{number}:{currency}", since, {
            "productRatePlanChargeId": row["id"], "currency": currency, "tier": 1, "price": price,
            "priceFormat": "Per Unit" if charge.model == "PerUnit" else "Flat Fee",
        })  # fmt: skip


def _add(tenant: Tenant, object: str, key: str, since: datetime, values: Row) -> Row:
    row = tenant.insert(object, values, id=made_id("furniture", object, key))
    at = since.astimezone(UTC).replace(microsecond=0)
    row.update({"createdDate": at, "updatedDate": at})
    return row


def price_of(tenant: Tenant, charge: Row, currency: str) -> Decimal | None:
    """The list price in a currency."""
    tier = tenant.find("product-rate-plan-charge-tiers", made_id(
        "furniture", "product-rate-plan-charge-tiers",
        f"{charge['productRatePlanChargeNumber']}:{currency}",
    ))  # fmt: skip
    price: Decimal | None = tier["price"] if tier else None
    return price


def product_of(tenant: Tenant, charge: Row) -> Row:
    """The product of a charge of the catalogue."""
    plan = tenant.get("product-rate-plans", charge["productRatePlanId"])
    return tenant.get("products", plan["productId"])
