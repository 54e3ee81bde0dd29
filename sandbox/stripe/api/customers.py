"""Customers. Reference: docs.stripe.com/api/customers."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Final

from sandbox.messages import Json
from sandbox.stripe.account import Account, refuse_deleted
from sandbox.stripe.api.payment_methods import attach, usable
from sandbox.stripe.errors import invalid, not_now
from sandbox.stripe.service import Call, Endpoint, Filter, Reading, writing
from sandbox.stripe.store import Record, merged_metadata

_PLAIN: Final = (
    "name",
    "email",
    "phone",
    "description",
    "balance",
    "tax_exempt",
    "preferred_locales",
    "business_name",
    "individual_name",
    "invoice_prefix",
    "next_invoice_sequence",
)
_ADDRESS: Final = ("city", "country", "line1", "line2", "postal_code", "state")
_EMAIL: Final = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s.]+")
_PREFIX: Final = re.compile(r"[A-Z0-9]{3,12}")


def address(fields: Mapping[str, Json] | None) -> Record | None:
    """An address with every part, blank ones null."""
    return None if fields is None else {part: fields.get(part) for part in _ADDRESS}


def _shipping(fields: Mapping[str, Json] | None) -> Record | None:
    if fields is None:
        return None
    return {
        "address": address(fields["address"]),
        "carrier": None,
        "name": fields["name"],
        "phone": fields.get("phone"),
        "tracking_number": None,
    }


def _checked(account: Account, call: Call) -> dict[str, Json]:
    """The fields of a create or update, refused where the vendor refuses them."""
    fields = call.given(*_PLAIN)
    email = fields.get("email")
    if email is not None and (not _EMAIL.fullmatch(email) or len(email) > 512):
        raise invalid(f"Invalid email address: {email}", "email", "email_invalid")
    prefix = fields.get("invoice_prefix")
    if prefix is not None and not _PREFIX.fullmatch(prefix):
        text = "invoice_prefix has 3 to 12 capital letters or digits"
        raise invalid(text, "invoice_prefix")
    if prefix is not None and any(
        row["invoice_prefix"] == prefix and row["id"] != call.request.parameters.get("id")
        for row in account.rows("customers")
    ):
        raise not_now(f"Invoice prefix {prefix} is taken", param="invoice_prefix")
    if call.has("address"):
        fields["address"] = address(call.get("address"))
    if call.has("shipping"):
        fields["shipping"] = _shipping(call.get("shipping"))
    return fields


def new_customer(account: Account, fields: Mapping[str, Json]) -> Record:
    """A customer with everything the vendor fills in."""
    id = account.new_id("cus", 14)
    return account.create(
        "customers",
        {
            "address": None,
            "balance": 0,
            "currency": None,
            "default_source": None,
            "delinquent": False,
            "description": None,
            "email": None,
            "invoice_prefix": id[-8:].upper(),
            "invoice_settings": {
                "custom_fields": None,
                "default_payment_method": None,
                "footer": None,
                "rendering_options": None,
            },
            "name": None,
            "next_invoice_sequence": 1,
            "phone": None,
            "preferred_locales": [],
            "shipping": None,
            "tax_exempt": "none",
            "test_clock": None,
            **fields,
            "id": id,
            "metadata": merged_metadata(None, fields.get("metadata")),
        },
        "customer.created",
    )


def _settings(call: Call, old: Record) -> dict[str, Json]:
    """``invoice_settings`` after an update; the default has to be attached to the customer."""
    wanted = call.get("invoice_settings") or {}
    method = wanted.get("default_payment_method")
    if method is not None:
        found = usable(call.account, method, "invoice_settings[default_payment_method]")
        if found["customer"] != old["id"]:
            text = f"The payment method {method} must be attached to the customer first"
            raise not_now(text, "resource_missing", "invoice_settings[default_payment_method]")
    return {**old["invoice_settings"], **wanted}


def _create(call: Call) -> Record:
    account = call.account
    made = new_customer(account, {**_checked(account, call), **call.given("metadata")})
    method = call.get("payment_method")
    if method is not None:
        attached = attach(account, usable(account, method, "payment_method"), made["id"])
        wanted = call.get("invoice_settings") or {}
        if wanted.get("default_payment_method") == method:
            settings = {**made["invoice_settings"], "default_payment_method": attached["id"]}
            return account.change("customers", made["id"], {"invoice_settings": settings})
    elif call.has("invoice_settings"):
        settings = _settings(call, made)
        return account.change("customers", made["id"], {"invoice_settings": settings})
    return made


def _update(call: Call) -> Record:
    account = call.account
    old = refuse_deleted(account.find("customers", call.id))
    fields = account.merged(old, {**_checked(account, call), **call.given("metadata")})
    if call.has("invoice_settings"):
        fields["invoice_settings"] = _settings(call, old)
    return account.change("customers", call.id, fields, "customer.updated")


def delete_customer(account: Account, id: str) -> Record:
    """A deleted customer leaves a stub; its subscriptions end."""
    old = refuse_deleted(account.find("customers", id))
    account.hooks["customer_deleted"](account, id)
    account.tell("customer.deleted", old)
    stub = {"id": id, "object": "customer", "deleted": True}
    account.store.put("customers", stub, account.instant())
    return stub


def _payment_methods(call: Call) -> Record:
    account = call.account
    refuse_deleted(account.find("customers", call.id))
    call.params["customer"] = call.id
    return Reading("payment_methods", "payment_method.list").list(call)


def _email(_: Account, record: Record, wanted: Json) -> bool:
    return bool(record["email"] == wanted)  # the filter is case-sensitive


_FILTERS: Final[Mapping[str, Filter]] = {"email": _email}


def endpoints() -> Iterator[Endpoint]:
    """The API of customers."""
    yield from Reading("customers", "customer.list", _FILTERS).endpoints()
    yield writing("customers", "", "customer.create", _create, "create")
    yield writing("customers", "/{id}", "customer.modify", _update)
    delete = writing(
        "customers",
        "/{id}",
        "retrieve",
        lambda call: delete_customer(call.account, call.id),
        "delete",
        "DELETE",
    )
    yield delete
    yield Endpoint(
        "GET",
        f"{delete.resource.path}/{{id}}/payment_methods",
        "payment_method.list",
        _payment_methods,
        delete.resource,
        finished=True,
    )
