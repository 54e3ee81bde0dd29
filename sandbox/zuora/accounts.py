"""Accounts and contacts. Reference: developer.zuora.com, "Accounts", "Contacts"."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from sandbox.zuora.errors import invalid, missing, refuse
from sandbox.zuora.fields import Fields
from sandbox.zuora.places import COUNTRIES, country_code
from sandbox.zuora.tenant import Tenant
from sandbox.zuora.values import EXPONENTS, ZERO, Row

CONTACT_TEXTS: Final = (
    "address1", "address2", "city", "county", "description", "fax", "homePhone", "mobilePhone",
    "otherPhone", "otherPhoneType", "personalEmail", "taxRegion", "workEmail", "workPhone",
)  # fmt: skip
ACCOUNT_TEXTS: Final = (
    "crmId", "notes", "purchaseOrderNumber", "parentId", "invoiceTemplateId", "paymentGateway",
    "communicationProfileId", "customerServiceRepName", "sequenceSetId",
)  # fmt: skip
PAYMENT_TERMS: Final = {
    "Due Upon Receipt": 0, "Net 7": 7, "Net 10": 10, "Net 14": 14, "Net 15": 15, "Net 30": 30,
    "Net 45": 45, "Net 60": 60, "Net 90": 90,
}  # fmt: skip
_BATCHES: Final = tuple(f"Batch{number}" for number in range(1, 51))


def create_account(tenant: Tenant, fields: Fields) -> Row:
    """A new account with its contacts. Refuses a number that is taken."""
    name, currency = fields.need("name"), fields.need("currency")
    _check_currency(currency)
    bill_to = fields.part("billToContact")
    if bill_to is None and fields.text("billToContactId") is None:
        raise missing("billToContact")
    number = fields.text("accountNumber", max=50)
    if number is not None and tenant.find("accounts", number) is not None:
        raise invalid("accountNumber", f"{number} is invalid, because it already exists.")
    if fields.flag("autoPay"):
        raise refuse("autoPay cannot be true without a default electronic payment method.")
    customs = tenant.check_customs("accounts", fields.customs())
    account = tenant.insert("accounts", {
        "accountNumber": number or tenant.number("accounts", "A"),
        "name": name,
        "currency": currency,
        "status": "Active",
        "autoPay": False,
        "batch": fields.choice("batch", _BATCHES, "Batch1"),
        "billCycleDay": _bill_cycle_day(fields, 1),
        "bcdSettingOption": "ManualSet",
        "paymentTerm": _payment_term(fields, "Due Upon Receipt"),
        "salesRepName": fields.text("salesRep"),
        "invoiceDeliveryPrefsEmail": fields.flag("invoiceDeliveryPrefsEmail"),
        "invoiceDeliveryPrefsPrint": fields.flag("invoiceDeliveryPrefsPrint"),
        "vATId": _vat_id(fields),
        "balance": ZERO, "totalInvoiceBalance": ZERO, "unappliedBalance": ZERO,
        "unappliedCreditMemoAmount": ZERO, "creditBalance": ZERO, "mrr": ZERO,
        **{name: fields.text(name) for name in ACCOUNT_TEXTS},
        **customs,
    })  # fmt: skip
    ids = _contacts_of(tenant, account, fields, bill_to)
    return tenant.update("accounts", account["id"], ids)


def _contacts_of(
    tenant: Tenant, account: Row, fields: Fields, bill_to: Fields | None
) -> dict[str, str]:
    if bill_to is not None:
        bill_to_id = create_contact(tenant, account["id"], bill_to)["id"]
    else:
        bill_to_id = tenant.get("contacts", fields.need("billToContactId"))["id"]
    sold_to = fields.part("soldToContact")
    sold_to_id = create_contact(tenant, account["id"], sold_to)["id"] if sold_to else bill_to_id
    ship_to = fields.part("shipToContact")
    ship_to_id = create_contact(tenant, account["id"], ship_to)["id"] if ship_to else sold_to_id
    return {"billToId": bill_to_id, "soldToId": sold_to_id, "shipToId": ship_to_id}


def update_account(tenant: Tenant, account: Row, fields: Fields) -> Row:
    """Change what was sent; the currency and the number stay for ever."""
    for fixed in ("currency", "accountNumber"):
        if fields.has(fixed) and fields.values[fixed] != account[fixed]:
            raise invalid(fixed, "cannot be changed.")
    tenant.check_lock(account["id"], account["accountNumber"])
    changed: dict[str, Any] = dict(tenant.check_customs("accounts", fields.customs()))
    if "name" in fields.values:
        changed["name"] = fields.need("name")
    if "paymentTerm" in fields.values:
        changed["paymentTerm"] = _payment_term(fields, account["paymentTerm"])
    if "billCycleDay" in fields.values:
        changed["billCycleDay"] = _bill_cycle_day(fields, account["billCycleDay"])
    if "batch" in fields.values:
        changed["batch"] = fields.choice("batch", _BATCHES)
    if "salesRep" in fields.values:
        changed["salesRepName"] = fields.text("salesRep")
    if "taxInfo" in fields.values:
        changed["vATId"] = _vat_id(fields)
    changed.update({key: fields.text(key) for key in ACCOUNT_TEXTS if key in fields.values})
    for part, field in (("billToContact", "billToId"), ("soldToContact", "soldToId")):
        contact = fields.part(part)
        if contact is not None:
            update_contact(tenant, tenant.get("contacts", account[field]), contact)
        chosen = fields.text(f"{part}Id")
        if chosen is not None:
            changed[field] = tenant.get("contacts", chosen)["id"]
    return tenant.update("accounts", account["id"], changed)


def delete_account(tenant: Tenant, account: Row) -> None:
    """Forget an account that nothing hangs on."""
    for object in ("subscriptions", "invoices", "payments", "credit-memos"):
        if tenant.where(object, accountId=account["id"]):
            raise refuse(f"The account cannot be deleted because it has {object}.")
    for contact in tenant.where("contacts", accountId=account["id"]):
        tenant.delete("contacts", contact["id"])
    tenant.delete("accounts", account["id"])


def create_contact(tenant: Tenant, account_id: str, fields: Fields) -> Row:
    """A new contact; the country decides about tax, so it must be one that exists."""
    values = {
        "accountId": account_id,
        "firstName": fields.need("firstName", max=100),
        "lastName": fields.need("lastName", max=100),
        **_country(fields, {}),
        **{name: fields.text(name) for name in CONTACT_TEXTS},
        "nickName": fields.text("nickname") or fields.text("nickName"),
        "postalCode": fields.text("zipCode") or fields.text("postalCode"),
        **tenant.check_customs("contacts", fields.customs()),
    }
    return tenant.insert("contacts", values)


def update_contact(tenant: Tenant, contact: Row, fields: Fields) -> Row:
    """Change what was sent."""
    changed: dict[str, Any] = dict(tenant.check_customs("contacts", fields.customs()))
    for name in ("firstName", "lastName"):
        if name in fields.values:
            changed[name] = fields.need(name, max=100)
    if "country" in fields.values or "state" in fields.values:
        changed.update(_country(fields, contact))
    changed.update({name: fields.text(name) for name in CONTACT_TEXTS if name in fields.values})
    if "zipCode" in fields.values or "postalCode" in fields.values:
        changed["postalCode"] = fields.text("zipCode") or fields.text("postalCode")
    return tenant.update("contacts", contact["id"], changed)


def _country(fields: Fields, before: Mapping[str, Any]) -> dict[str, str | None]:
    name = fields.text("country") or before.get("country")
    if not name:
        raise missing(fields.name("country"))
    code = country_code(name)
    if code is None:
        raise invalid(fields.name("country"), f"'{name}' is not a valid country.")
    state = fields.text("state") or before.get("state")
    if code in {"US", "CA"} and not state:
        raise missing(fields.name("state"))
    return {"country": COUNTRIES[code][1], "state": state}


def _check_currency(currency: str) -> None:
    if currency not in EXPONENTS:
        raise invalid("currency", f"'{currency}' is not a currency of this tenant.")


def _payment_term(fields: Fields, default: str) -> str:
    return fields.choice("paymentTerm", tuple(PAYMENT_TERMS), default)


def _bill_cycle_day(fields: Fields, default: int) -> int:
    day = fields.integer("billCycleDay", default)
    if day is None or not 0 <= day <= 31:
        raise invalid("billCycleDay", "must be between 0 and 31.")
    return day or 1


def _vat_id(fields: Fields) -> str | None:
    info = fields.part("taxInfo")
    return info.text("VATId") if info else None
