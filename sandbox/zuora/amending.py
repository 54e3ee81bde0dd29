"""The actions of an order, each making one new version of a subscription.

Reference: developer.zuora.com, "Create an order", order actions.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date
from typing import Any, Final

from sandbox.zuora.accounts import PAYMENT_TERMS
from sandbox.zuora.errors import invalid, missing, refuse
from sandbox.zuora.fields import Fields
from sandbox.zuora.rating import end_of
from sandbox.zuora.subscribing import (
    OWN_END,
    add_plan,
    charges_of,
    find_plan,
    new_version,
    pricing,
    refresh_metrics,
    worth,
)
from sandbox.zuora.tenant import Tenant
from sandbox.zuora.values import Row, add_term

RENEWALS: Final = ("RENEW_WITH_SPECIFIC_TERM", "RENEW_TO_EVERGREEN")
_PERIODS: Final = ("Day", "Week", "Month", "Year")
_LIVING: Final = {"Active", "Pending Activation", "Pending Acceptance"}

Action = Callable[[Tenant, Row, Fields, date], Row]


def create_subscription(tenant: Tenant, account: Row, number: str | None, action: Fields) -> Row:
    """A subscription's first version."""
    fields = action.part("createSubscription") or Fields({}, action.name("createSubscription"))
    number = number or fields.text("subscriptionNumber", max=100)
    if number is not None and tenant.find("subscriptions", number) is not None:
        raise invalid("subscriptionNumber", f"'{number}' already exists.")
    dates = trigger_dates(action)
    start = dates["ContractEffective"]
    activated = dates.get("ServiceActivation")
    pending = tenant.settings.service_activation_required and activated is None
    currency = fields.text("currency") or account["currency"]
    subscription = tenant.insert("subscriptions", {
        "name": number or tenant.number("subscriptions", "A-S"),
        "accountId": account["id"], "invoiceOwnerId": account["id"],
        "creatorAccountId": account["id"], "creatorInvoiceOwnerId": account["id"],
        "currency": currency,
        "version": 1, "revision": "1.0", "isLatestVersion": True,
        "status": "Pending Activation" if pending else "Active",
        "contractEffectiveDate": start,
        "serviceActivationDate": None if pending else activated or start,
        "contractAcceptanceDate":
            None if pending else dates.get("CustomerAcceptance") or activated or start,
        "originalCreatedDate": tenant.now().replace(microsecond=0),
        "notes": fields.text("notes"),
        "paymentTerm": _payment_term(fields),
        "isInvoiceSeparate": fields.flag("invoiceSeparately"),
        **_terms(fields, start),
    })  # fmt: skip
    tenant.update("subscriptions", subscription["id"], {"originalId": subscription["id"]})
    subscription = tenant.get("subscriptions", subscription["id"])
    plans = list(fields.parts("subscribeToRatePlans"))
    if not plans:
        raise missing(fields.name("subscribeToRatePlans"))
    for plan in plans:
        add_plan(tenant, subscription, plan, start, subscription["termEndDate"])
    return refresh_metrics(tenant, subscription)


def _payment_term(fields: Fields) -> str | None:
    """A term of the subscription's own, or none: the account's then."""
    sent = fields.has("paymentTerm")
    return fields.choice("paymentTerm", tuple(PAYMENT_TERMS)) if sent else None


def _terms(fields: Fields, start: date) -> dict[str, Any]:
    terms = fields.part("terms") or Fields({}, fields.name("terms"))
    initial = terms.part("initialTerm")
    if initial is None:
        raise missing(terms.name("initialTerm"))
    kind = initial.choice("termType", ("TERMED", "EVERGREEN"))
    first = initial.date("startDate") or start
    values: dict[str, Any] = {
        "termType": kind, "subscriptionStartDate": start, "termStartDate": first,
        "subscriptionEndDate": None, "termEndDate": None,
        "autoRenew": terms.flag("autoRenew"), "initialTerm": None, "currentTerm": None,
        "initialTermPeriodType": None, "currentTermPeriodType": None,
        **_renewal(terms),
    }  # fmt: skip
    if kind == "TERMED":
        count = initial.integer("period")
        if count is None:
            raise missing(initial.name("period"))
        period = initial.choice("periodType", _PERIODS, "Month")
        end = add_term(first, count, period)
        values.update({
            "initialTerm": count, "currentTerm": count, "termEndDate": end,
            "initialTermPeriodType": period, "currentTermPeriodType": period,
            "subscriptionEndDate": end,
        })  # fmt: skip
    return values


def _renewal(terms: Fields) -> dict[str, Any]:
    setting = terms.choice("renewalSetting", RENEWALS, RENEWALS[0])
    renewal = next(terms.parts("renewalTerms"), None)
    return {
        "renewalSetting": setting,
        "renewalTerm": renewal.integer("period", 12) if renewal else 12,
        "renewalTermPeriodType":
            renewal.choice("periodType", _PERIODS, "Month") if renewal else "Month",
    }  # fmt: skip


def trigger_dates(action: Fields) -> dict[str, date]:
    """The dates of an action; the contract's is required."""
    names = ("ContractEffective", "ServiceActivation", "CustomerAcceptance")
    dates: dict[str, date] = {}
    for row in action.parts("triggerDates"):
        name, day = row.choice("name", names), row.date("triggerDate")
        if day is not None:
            dates[name] = day
    if "ContractEffective" not in dates:
        raise missing(action.name("triggerDates[ContractEffective]"))
    return dates


def amend(tenant: Tenant, subscription: Row, action: Fields) -> Row:
    """Carry out one action on the latest version; the new version."""
    kind = action.choice("type", tuple(ACTIONS))
    day = trigger_dates(action)["ContractEffective"]
    allowed = {"Suspended"} if kind == "Resume" else _LIVING
    if subscription["status"] not in allowed:
        number, status = subscription["name"], subscription["status"]
        raise refuse(f"{kind} is not allowed: subscription {number} is {status}.")
    if day < subscription["contractEffectiveDate"]:
        raise invalid("triggerDate", "is before the contract effective date of the subscription.")
    end = subscription["termEndDate"]
    if kind not in {"RenewSubscription", "Resume"} and end is not None and day > end:
        raise invalid("triggerDate", "is after the end of the current term.")
    field = kind[0].lower() + kind[1:]
    fields = action.part(field) or Fields({}, action.name(field))
    fresh = new_version(tenant, subscription, {"lastBookingDate": tenant.today()})
    changed = ACTIONS[kind](tenant, fresh, fields, day)
    return refresh_metrics(tenant, changed)


def _add_product(tenant: Tenant, subscription: Row, fields: Fields, day: date) -> Row:
    add_plan(tenant, subscription, fields, day, subscription["termEndDate"])
    return subscription


def _update_product(tenant: Tenant, subscription: Row, fields: Fields, day: date) -> Row:
    day = fields.date("specificUpdateDate") or day
    plan = find_plan(tenant, subscription, fields)
    updates = list(fields.parts("chargeUpdates"))
    if not updates:
        raise missing(fields.name("chargeUpdates"))
    for update in updates:
        _cut_in(tenant, subscription, _segment(tenant, plan, update, day), update, day)
    tenant.update("rate-plans", plan["id"], {"amendmentType": "UpdateProduct"})
    return subscription


def _segment(tenant: Tenant, plan: Row, update: Fields, day: date) -> Row:
    """The segment of the named charge that covers a day."""
    number = update.text("chargeNumber")
    product = update.text("productRatePlanChargeId") or update.text("productRatePlanChargeNumber")
    if number is None and product is None:
        raise missing(update.name("chargeNumber"))
    wanted = tenant.get("product-rate-plan-charges", product)["id"] if product else None
    for charge in tenant.where("rate-plan-charges", ratePlanId=plan["id"], _removed=False):
        named = charge["chargeNumber"] == number
        if number is None:
            named = charge["productRatePlanChargeId"] == wanted
        if named and charge["effectiveStartDate"] <= day < end_of(charge):
            return charge
    raise invalid(update.name("chargeNumber"), f"has no segment on {day.isoformat()}.")


def _cut_in(tenant: Tenant, subscription: Row, charge: Row, update: Fields, day: date) -> None:
    """End a segment on a day and start the next one with the new price or quantity."""
    changed = pricing(update, charge)
    if not changed:
        raise missing(update.name("pricing"))
    if charge["effectiveStartDate"] == day:
        values = {**charge, **changed}
        again = {**changed, **worth(values, subscription)}
        tenant.update("rate-plan-charges", charge["id"], again)
        return
    end_charge(tenant, subscription, charge, day)
    siblings = tenant.where(
        "rate-plan-charges", ratePlanId=charge["ratePlanId"], chargeNumber=charge["chargeNumber"]
    )
    fresh = {
        **{key: value for key, value in charge.items() if key != "id"},
        **changed,
        "segment": max(row["segment"] for row in siblings) + 1,
        "effectiveStartDate": day, "chargedThroughDate": None, "processedThroughDate": None,
    }  # fmt: skip
    tenant.update("rate-plan-charges", charge["id"], {"isLastSegment": False})
    fresh.update(worth(fresh, subscription))
    tenant.insert("rate-plan-charges", fresh)


def end_charge(tenant: Tenant, subscription: Row, charge: Row, day: date) -> None:
    """Let a segment end on a day; one that would start later never does."""
    end = max(day, charge["effectiveStartDate"])
    if end >= end_of(charge):
        return
    values = {**charge, "effectiveEndDate": end}
    changed = {"effectiveEndDate": end, **worth(values, subscription)}
    tenant.update("rate-plan-charges", charge["id"], changed)


def _remove_product(tenant: Tenant, subscription: Row, fields: Fields, day: date) -> Row:
    plan = find_plan(tenant, subscription, fields)
    for charge in tenant.where("rate-plan-charges", ratePlanId=plan["id"]):
        if charge["chargeType"] != "OneTime":
            end_charge(tenant, subscription, charge, day)
            tenant.update("rate-plan-charges", charge["id"], {"_removed": True})
    tenant.update("rate-plans", plan["id"], {"amendmentType": "RemoveProduct", "_removed": True})
    return subscription


def _renew(tenant: Tenant, subscription: Row, fields: Fields, day: date) -> Row:  # noqa: ARG001
    if subscription["termType"] != "TERMED":
        raise refuse("An evergreen subscription cannot be renewed.")
    old_end = subscription["termEndDate"]
    changed: dict[str, Any] = {"termStartDate": old_end}
    if subscription["renewalSetting"] == "RENEW_TO_EVERGREEN":
        end = None
        changed["termType"] = "EVERGREEN"
    else:
        count, kind = subscription["renewalTerm"], subscription["renewalTermPeriodType"]
        end = add_term(old_end, count, kind)
        changed |= {"currentTerm": count, "currentTermPeriodType": kind}
    changed |= {"termEndDate": end, "subscriptionEndDate": end}
    renewed = tenant.update("subscriptions", subscription["id"], changed)
    for charge in charges_of(tenant, renewed):
        follows = charge["endDateCondition"] not in OWN_END and charge["chargeType"] != "OneTime"
        if follows and charge["effectiveEndDate"] == old_end:
            values = {**charge, "effectiveEndDate": end}
            longer = {"effectiveEndDate": end, **worth(values, renewed)}
            tenant.update("rate-plan-charges", charge["id"], longer)
    return renewed


def _cancel(tenant: Tenant, subscription: Row, fields: Fields, day: date) -> Row:  # noqa: ARG001
    policies = ("EndOfCurrentTerm", "EndOfLastInvoicePeriod", "SpecificDate")
    policy = fields.choice("cancellationPolicy", policies)
    if policy == "SpecificDate":
        end = fields.need_date("cancellationEffectiveDate")
    elif policy == "EndOfCurrentTerm":
        end = subscription["termEndDate"]
    else:
        end = _charged_through(tenant, subscription)
    if end is None:
        raise refuse("An evergreen subscription has no current term to end with.")
    if end < subscription["contractEffectiveDate"]:
        raise invalid(fields.name("cancellationEffectiveDate"), "is before the subscription.")
    last = subscription["termEndDate"]
    if last is not None and end > last:
        raise invalid(fields.name("cancellationEffectiveDate"), "is after the current term.")
    for charge in charges_of(tenant, subscription):
        if charge["chargeType"] != "OneTime":
            end_charge(tenant, subscription, charge, end)
    return tenant.update("subscriptions", subscription["id"], {
        "status": "Cancelled", "cancelledDate": end, "subscriptionEndDate": end,
        "cancelReason": fields.text("cancelReason"),
    })  # fmt: skip


def _charged_through(tenant: Tenant, subscription: Row) -> date:
    billed = [row["chargedThroughDate"] for row in charges_of(tenant, subscription)]
    start: date = subscription["subscriptionStartDate"]
    return max((day for day in billed if day is not None), default=start)


def _suspend(tenant: Tenant, subscription: Row, fields: Fields, day: date) -> Row:  # noqa: ARG001
    policy = fields.choice("suspendPolicy", ("Today", "EndOfLastInvoicePeriod", "SpecificDate"))
    when = tenant.today()
    if policy == "SpecificDate":
        when = fields.need_date("suspendSpecificDate")
    elif policy == "EndOfLastInvoicePeriod":
        when = _charged_through(tenant, subscription)
    for charge in charges_of(tenant, subscription):
        if charge["chargeType"] == "OneTime" or when >= end_of(charge):
            continue
        tenant.update(
            "rate-plan-charges", charge["id"], {"_resumes": True, "_until": end_of(charge)}
        )
        end_charge(tenant, subscription, tenant.get("rate-plan-charges", charge["id"]), when)
    return tenant.update("subscriptions", subscription["id"], {"status": "Suspended"})


def _resume(tenant: Tenant, subscription: Row, fields: Fields, day: date) -> Row:  # noqa: ARG001
    policy = fields.choice("resumePolicy", ("Today", "SpecificDate"))
    when = tenant.today() if policy == "Today" else fields.need_date("resumeSpecificDate")
    end = subscription["termEndDate"]
    for charge in charges_of(tenant, subscription):
        if not charge.get("_resumes"):
            continue
        segment = {
            **{key: value for key, value in charge.items() if key != "id"},
            "segment": charge["segment"] + 1, "effectiveStartDate": when,
            "effectiveEndDate": end if end is None else min(charge["_until"], end),
            "chargedThroughDate": None, "_resumes": False, "isLastSegment": True,
        }  # fmt: skip
        segment.update(worth(segment, subscription))
        tenant.update(
            "rate-plan-charges", charge["id"], {"_resumes": False, "isLastSegment": False}
        )
        tenant.insert("rate-plan-charges", segment)
    return tenant.update("subscriptions", subscription["id"], {"status": "Active"})


def _terms_and_conditions(
    tenant: Tenant,
    subscription: Row,
    fields: Fields,
    day: date,  # noqa: ARG001
) -> Row:
    changed: dict[str, Any] = {}
    if fields.has("autoRenew"):
        changed["autoRenew"] = fields.flag("autoRenew")
    if fields.has("renewalSetting") or fields.has("renewalTerms"):
        changed.update(_renewal(fields))
    if fields.has("paymentTerm"):
        changed["paymentTerm"] = fields.choice("paymentTerm", tuple(PAYMENT_TERMS))
    return tenant.update("subscriptions", subscription["id"], changed)


ACTIONS: Final[Mapping[str, Action]] = {
    "AddProduct": _add_product,
    "UpdateProduct": _update_product,
    "RemoveProduct": _remove_product,
    "RenewSubscription": _renew,
    "CancelSubscription": _cancel,
    "Suspend": _suspend,
    "Resume": _resume,
    "TermsAndConditions": _terms_and_conditions,
}
