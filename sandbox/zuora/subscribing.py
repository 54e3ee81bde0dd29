"""Subscriptions, their versions, rate plans and charge segments.

Each change makes a new version: new ids for the subscription, its rate plans and its charges, while
the subscription number, the charge numbers and the segments stay. Reference: developer.zuora.com,
"Subscriptions", "Orders".
"""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any, Final

from sandbox.zuora.catalog import price_of
from sandbox.zuora.errors import invalid, missing, refuse
from sandbox.zuora.fields import Fields
from sandbox.zuora.rating import contract_value, monthly_value
from sandbox.zuora.tenant import Tenant
from sandbox.zuora.values import MONTHS_PER, SPECIFIC_MONTHS, ZERO, Row, add_term

MODELS: Final = {"Per Unit Pricing": "PerUnit", "Flat Fee Pricing": "FlatFee"}
ALIGNMENTS: Final = ("AlignToSubscriptionStart", "AlignToCharge")
OWN_END: Final = ("Specific_End_Date", "Fixed_Period")
END_CONDITIONS: Final = ("Subscription_End", *OWN_END)
CYCLES: Final = ("SubscriptionStartDay", "ChargeTriggerDay")
_PRICING: Final = {"Recurring": "recurring", "OneTime": "oneTime", "Usage": "usage"}
_OVERRIDES: Final = frozenset(
    {
        "productRatePlanChargeId", "productRatePlanChargeNumber", "chargeNumber", "pricing",
        "billing", "startDate", "endDate", "customFields", "description", "uniqueToken",
        "revRecCode", "revRecTriggerCondition", "revenueRecognitionRuleName",
        "excludeItemBillingFromRevenueAccounting", "excludeItemBookingFromRevenueAccounting",
    }
)  # fmt: skip
_FROM_CATALOGUE: Final = (
    "name", "description", "chargeType", "billingPeriod", "billingTiming", "billCycleType",
    "billingPeriodAlignment", "uOM", "taxable", "accountingCode", "revRecCode",
    "revRecTriggerCondition", "revenueRecognitionRuleName", "accountReceivableAccountingCodeId",
    "deferredRevenueAccountingCodeId", "recognizedRevenueAccountingCodeId", "triggerEvent",
    "endDateCondition",
)  # fmt: skip


def plans_of(tenant: Tenant, subscription: Row) -> list[Row]:
    """The rate plans of a version, oldest first."""
    return tenant.where("rate-plans", subscriptionId=subscription["id"])


def charges_of(tenant: Tenant, subscription: Row) -> list[Row]:
    """The charge segments of a version."""
    return tenant.where("rate-plan-charges", subscriptionId=subscription["id"])


def new_version(tenant: Tenant, old: Row, changed: dict[str, Any]) -> Row:
    """The next version, with everything below it copied under new ids."""
    tenant.update("subscriptions", old["id"], {"isLatestVersion": False})
    version = old["version"] + 1
    kept = {key: value for key, value in old.items() if key != "id"}
    subscription = tenant.insert("subscriptions", {
        **kept, **changed, "version": version, "revision": f"{version}.0",
        "isLatestVersion": True, "previousSubscriptionId": old["id"],
    })  # fmt: skip
    for plan in plans_of(tenant, old):
        copy = tenant.insert("rate-plans", {
            **{key: value for key, value in plan.items() if key != "id"},
            "subscriptionId": subscription["id"],
        })  # fmt: skip
        for charge in tenant.where("rate-plan-charges", ratePlanId=plan["id"]):
            tenant.insert("rate-plan-charges", {
                **{key: value for key, value in charge.items() if key != "id"},
                "subscriptionId": subscription["id"],
                "ratePlanId": copy["id"],
                "version": version,
            })  # fmt: skip
    return subscription


def find_plan(tenant: Tenant, subscription: Row, fields: Fields) -> Row:
    """The rate plan an action names by id, by its own number, or by the catalogue's."""
    plans = plans_of(tenant, subscription)
    for field, mine in (
        ("ratePlanId", "id"),
        ("subscriptionRatePlanNumber", "subscriptionRatePlanNumber"),
    ):
        key = fields.text(field)
        if key is not None:
            found = [plan for plan in plans if key in {plan[mine], plan["originalRatePlanId"]}]
            if not found:
                raise invalid(fields.name(field), f"'{key}' is not in this subscription.")
            return found[0]
    number = fields.text("productRatePlanNumber")
    if number is None:
        raise missing(fields.name("ratePlanId"))
    wanted = tenant.get("product-rate-plans", number)["id"]
    found = [plan for plan in plans if plan["productRatePlanId"] == wanted and not plan["_removed"]]
    if len(found) != 1:
        raise invalid(fields.name("productRatePlanNumber"), f"names {len(found)} rate plans.")
    return found[0]


def add_plan(
    tenant: Tenant, subscription: Row, fields: Fields, start: date, end: date | None
) -> Row:
    """Subscribe to a plan of the catalogue from a day on."""
    key = fields.text("productRatePlanId") or fields.text("productRatePlanNumber")
    if key is None:
        raise missing(fields.name("productRatePlanId"))
    product_plan = tenant.get("product-rate-plans", key)
    number = fields.text("subscriptionRatePlanNumber")
    plan = tenant.insert("rate-plans", {
        "subscriptionId": subscription["id"],
        "productId": product_plan["productId"],
        "productRatePlanId": product_plan["id"],
        "name": fields.text("ratePlanName") or product_plan["name"],
        "subscriptionRatePlanNumber": number or tenant.number("rate-plans", "SRP-"),
        "subscriptionOwnerId": subscription["accountId"],
        "invoiceOwnerId": subscription["accountId"],
        "amendmentType": "NewProduct",
        "_removed": False,
    })  # fmt: skip
    plan = tenant.update("rate-plans", plan["id"], {"originalRatePlanId": plan["id"]})
    overrides = list(fields.parts("chargeOverrides"))
    used: set[str] = set()
    for product_charge in tenant.where(
        "product-rate-plan-charges", productRatePlanId=product_plan["id"]
    ):
        override = _override_for(tenant, product_charge, overrides)
        if override is not None:
            used.add(override.name(""))
        _add_charge(tenant, subscription, plan, product_charge, override, start, end)
    for override in overrides:
        if override.name("") not in used:
            raise invalid(override.name("productRatePlanChargeId"), "is not in the rate plan.")
    return plan


def _override_for(tenant: Tenant, charge: Row, overrides: list[Fields]) -> Fields | None:
    for override in overrides:
        key = override.text("productRatePlanChargeId") or override.text(
            "productRatePlanChargeNumber"
        )
        if key is None:
            raise missing(override.name("productRatePlanChargeId"))
        if tenant.get("product-rate-plan-charges", key)["id"] == charge["id"]:
            if unknown := sorted(set(override.values) - _OVERRIDES):
                raise invalid(override.name(unknown[0]), "cannot be overridden in this tenant.")
            return override
    return None


def _add_charge(
    tenant: Tenant,
    subscription: Row,
    plan: Row,
    product_charge: Row,
    override: Fields | None,
    start: date,
    end: date | None,
) -> Row:
    currency = subscription["currency"]
    list_price = price_of(tenant, product_charge, currency)
    values: dict[str, Any] = {name: product_charge.get(name) for name in _FROM_CATALOGUE}
    values.update({
        "subscriptionId": subscription["id"],
        "ratePlanId": plan["id"],
        "productRatePlanChargeId": product_charge["id"],
        "chargeModel": MODELS[product_charge["chargeModel"]],
        "subscriptionOwnerId": subscription["accountId"],
        "invoiceOwnerId": subscription["accountId"],
        "originalListPrice": list_price,
        "salesPrice": list_price,
        "quantity": product_charge["defaultQuantity"],
        "segment": 1, "version": subscription["version"], "isLastSegment": True,
        "effectiveStartDate": start, "effectiveEndDate": end,
        "chargedThroughDate": None, "processedThroughDate": None,
        "_removed": False,
    })  # fmt: skip
    if override is not None:
        values.update(_dates(override, values))
        values.update(pricing(override, values))
        billing = override.part("billing")
        if billing is not None and values["chargeType"] != "OneTime":
            values.update(_billed_by(billing, values))
        values["description"] = override.text("description") or values["description"]
        for name in ("revRecCode", "revRecTriggerCondition", "revenueRecognitionRuleName"):
            values[name] = override.text(name) or values[name]
        values.update(_charge_customs(tenant, override))
    if values["salesPrice"] is None:
        raise refuse(f"{product_charge['name']} has no price in {currency}.")
    number = override.text("chargeNumber") if override else None
    values["chargeNumber"] = number or tenant.number("rate-plan-charges", "C-")
    values.update(worth(values, subscription))
    charge = tenant.insert("rate-plan-charges", values)
    return tenant.update("rate-plan-charges", charge["id"], {"originalId": charge["id"]})


def _billed_by(billing: Fields, charge: Row) -> Row:
    """How long a billing period is and where the first one begins, as sent. "Create an order",
    charge overrides, billing."""
    known = (*MONTHS_PER, SPECIFIC_MONTHS)
    period = billing.choice("billingPeriod", known, charge["billingPeriod"])
    count = billing.integer("specificBillingPeriod")
    if (period == SPECIFIC_MONTHS) != (count is not None):
        raise invalid(billing.name("specificBillingPeriod"), "goes with Specific_Months alone.")
    if count is not None and count < 1:
        raise invalid(billing.name("specificBillingPeriod"), "must be at least 1.")
    alignment = billing.choice("billingPeriodAlignment", ALIGNMENTS, ALIGNMENTS[0])
    cycle = billing.choice("billCycleType", CYCLES, charge["billCycleType"])
    aligned = alignment == "AlignToCharge"
    if aligned and cycle != "ChargeTriggerDay":
        # Periods would begin on another day of the month, and the first would be a broken one.
        raise refuse("This tenant aligns to charges only those that are billed on their own day.")
    return {
        "billingPeriod": period,
        "specificBillingPeriod": count,
        "billingPeriodAlignment": alignment,
        "billCycleType": cycle,
        "_aligned": charge["effectiveStartDate"] if aligned else None,
    }


def _charge_customs(tenant: Tenant, override: Fields) -> Row:
    customs = override.part("customFields")
    return tenant.check_customs("rate-plan-charges", customs.values) if customs else {}


def _dates(override: Fields, charge: Row) -> Row:
    """The segment's own start and end, where the override gives them; one with an end of its own
    is not carried on by a renewal."""
    start_part, end_part = override.part("startDate"), override.part("endDate")
    start: date = charge["effectiveStartDate"]
    end: date | None = charge["effectiveEndDate"]
    condition = charge["endDateCondition"]
    if start_part is not None and start_part.text("triggerEvent") == "SpecificDate":
        start = start_part.need_date("specificTriggerDate")
    if end_part is not None:
        condition = end_part.choice("endDateCondition", END_CONDITIONS, condition)
        match condition:
            case "Specific_End_Date":
                end = end_part.need_date("specificEndDate")
            case "Fixed_Period":
                count = end_part.integer("upToPeriods", 1) or 1
                kind = end_part.choice("upToPeriodsType", ("Days", "Weeks", "Months", "Years"))
                end = add_term(start, count, kind.removesuffix("s"))
    if end is not None and end <= start:
        raise invalid(override.name("endDate"), "must be after the start of the charge.")
    return {
        "effectiveStartDate": start, "effectiveEndDate": end, "endDateCondition": condition,
    }  # fmt: skip


def pricing(fields: Fields, charge: Row) -> dict[str, Decimal]:
    """Price and quantity as sent; the kind of price must be the charge's own."""
    part = fields.part("pricing")
    if part is None:
        return {}
    wanted = _PRICING[charge["chargeType"]] + charge["chargeModel"]
    if set(part.values) - {wanted}:
        raise invalid(part.name(sorted(part.values)[0]), f"does not suit the charge; use {wanted}.")
    inner = part.part(wanted)
    if inner is None:
        return {}
    found: dict[str, Decimal] = {}
    price, quantity = inner.decimal("listPrice"), inner.decimal("quantity")
    if price is not None:
        found["salesPrice"] = price
    if quantity is not None:
        if quantity < 0:
            raise invalid(inner.name("quantity"), "must not be negative.")
        found["quantity"] = quantity
    return found


def worth(charge: Row, subscription: Row) -> dict[str, Decimal]:
    """The metrics of a segment."""
    currency, anchor = subscription["currency"], subscription["subscriptionStartDate"]
    return {
        "mRR": monthly_value(charge, currency),
        "tCV": contract_value(charge, anchor, currency),
    }


def refresh_metrics(tenant: Tenant, subscription: Row) -> Row:
    """Bring the monthly value of a subscription and its account in line with their charges."""
    today = tenant.today()
    mrr = sum(
        (
            charge["mRR"]
            for charge in charges_of(tenant, subscription)
            if (charge["effectiveEndDate"] is None or charge["effectiveEndDate"] > today)
            and charge["isLastSegment"]
        ),
        ZERO,
    )
    if subscription["status"] not in {"Active", "Pending Activation", "Suspended"}:
        mrr = ZERO
    updated = tenant.update("subscriptions", subscription["id"], {"cMRR": mrr})
    total = sum(
        (
            row.get("cMRR") or ZERO
            for row in tenant.where(
                "subscriptions", accountId=subscription["accountId"], isLatestVersion=True
            )
        ),
        ZERO,
    )
    account = tenant.tables["accounts"][subscription["accountId"]]
    if account["mrr"] != total:
        tenant.update("accounts", account["id"], {"mrr": total})
    return updated
