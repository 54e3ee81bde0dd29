"""``/v1/accounts``, ``/v1/contacts``, ``/v1/catalog``."""

from __future__ import annotations

from typing import Final

from sandbox.zuora import render
from sandbox.zuora.accounts import (
    ACCOUNT_TEXTS,
    CONTACT_TEXTS,
    create_account,
    create_contact,
    delete_account,
    update_account,
    update_contact,
)
from sandbox.zuora.api.desk import PAGES, Call, Endpoint
from sandbox.zuora.tenant import Tenant
from sandbox.zuora.values import Row

_ACCOUNT: Final = (
    *ACCOUNT_TEXTS, "name", "currency", "accountNumber", "billToContact", "billToContactId",
    "soldToContact", "shipToContact", "autoPay", "batch", "billCycleDay", "paymentTerm", "salesRep",
    "invoiceDeliveryPrefsEmail", "invoiceDeliveryPrefsPrint", "taxInfo", "soldToSameAsBillTo",
    "shipToSameAsBillTo", "soldToContactId",
)  # fmt: skip
_CONTACT: Final = (
    *CONTACT_TEXTS, "firstName", "lastName", "country", "state", "zipCode", "postalCode",
    "nickname", "accountId", "accountNumber",
)  # fmt: skip


def _create(call: Call) -> Row:
    row = create_account(call.tenant, call.known(*_ACCOUNT))
    return {
        "accountId": row["id"], "accountNumber": row["accountNumber"],
        "billToContactId": row["billToId"], "soldToContactId": row["soldToId"],
    }  # fmt: skip


def _read(call: Call) -> Row:
    return render.account(call.tenant, call.tenant.get("accounts", call.key()))


def _update(call: Call) -> None:
    update_account(call.tenant, call.tenant.get("accounts", call.key()), call.known(*_ACCOUNT))


def _delete(call: Call) -> None:
    delete_account(call.tenant, call.tenant.get("accounts", call.key()))


def _create_contact(call: Call) -> Row:
    fields = call.known(*_CONTACT)
    key = fields.text("accountId") or fields.need("accountNumber")
    account = call.tenant.get("accounts", key)
    return render.contact(create_contact(call.tenant, account["id"], fields))


def _read_contact(call: Call) -> Row:
    return render.contact(call.tenant.get("contacts", call.key()))


def _update_contact(call: Call) -> Row:
    row = call.tenant.get("contacts", call.key())
    return render.contact(update_contact(call.tenant, row, call.known(*_CONTACT)))


def _product(tenant: Tenant, row: Row) -> Row:
    names = ("id", "name", "description", "effectiveStartDate", "effectiveEndDate", "category")
    plans = tenant.where("product-rate-plans", productId=row["id"])
    return {
        **{name: row.get(name) for name in names},
        "sku": row["sKU"],
        "productNumber": row["productNumber"],
        "productRatePlans": [_plan(tenant, plan) for plan in plans],
    }


def _plan(tenant: Tenant, row: Row) -> Row:
    names = (
        "id", "name", "productRatePlanNumber", "description", "effectiveStartDate",
        "effectiveEndDate",
    )  # fmt: skip
    charges = tenant.where("product-rate-plan-charges", productRatePlanId=row["id"])
    return {
        **{name: row.get(name) for name in names},
        "status": "Active",
        "productRatePlanCharges": [_charge(tenant, charge) for charge in charges],
    }


def _charge(tenant: Tenant, row: Row) -> Row:
    tiers = tenant.where("product-rate-plan-charge-tiers", productRatePlanChargeId=row["id"])
    names = (
        "id", "name", "productRatePlanChargeNumber", "billingPeriod", "billingTiming", "taxable",
        "taxCode", "taxMode", "revRecCode", "revRecTriggerCondition", "triggerEvent",
        "revenueRecognitionRuleName", "endDateCondition", "defaultQuantity",
    )  # fmt: skip
    model = row["chargeModel"].removesuffix(" Pricing").replace(" ", "")
    return {
        **{name: row.get(name) for name in names},
        "type": row["chargeType"],
        "model": model,
        "uom": row["uOM"],
        "pricing": [{"currency": tier["currency"], "price": tier["price"]} for tier in tiers],
    }


def _products(call: Call) -> Row:
    rows = list(call.tenant.rows("products"))
    return call.page(rows, "products", lambda row: _product(call.tenant, row))


def _one_product(call: Call) -> Row:
    return _product(call.tenant, call.tenant.get("products", call.key()))


ENDPOINTS: Final = (
    Endpoint("POST", "/v1/accounts", _create, 510100),
    Endpoint("GET", "/v1/accounts/{key}", _read, 510200),
    Endpoint("PUT", "/v1/accounts/{key}", _update, 510300),
    Endpoint("DELETE", "/v1/accounts/{key}", _delete, 510400),
    Endpoint("POST", "/v1/contacts", _create_contact, 520100),
    Endpoint("GET", "/v1/contacts/{key}", _read_contact, 520200),
    Endpoint("PUT", "/v1/contacts/{key}", _update_contact, 520300),
    Endpoint("GET", "/v1/catalog/products", _products, 550100, query=PAGES),
    Endpoint("GET", "/v1/catalog/product/{key}", _one_product, 550200),
)
