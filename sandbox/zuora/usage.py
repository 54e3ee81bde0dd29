"""Usage records, one by one and as files. Reference: developer.zuora.com, "Usage"."""

from __future__ import annotations

import csv
import io
from datetime import UTC, datetime
from typing import Final

from sandbox.zuora.errors import invalid, missing, refuse
from sandbox.zuora.fields import Fields
from sandbox.zuora.tenant import Tenant
from sandbox.zuora.values import Row, number

COLUMNS: Final = (
    "ACCOUNT_ID", "UOM", "QTY", "STARTDATE", "ENDDATE", "SUBSCRIPTION_ID", "CHARGE_ID",
    "DESCRIPTION",
)  # fmt: skip
FILE_MAX_BYTES: Final = 4 * 1024 * 1024
FILE_NAME_MAX: Final = 50


def record_usage(tenant: Tenant, fields: Fields) -> Row:
    """One record. Names are those of ``/v1/object/usage``."""
    start = fields.instant("StartDateTime")
    quantity = fields.decimal("Quantity")
    if start is None:
        raise missing("StartDateTime")
    if quantity is None:
        raise missing("Quantity")
    key = fields.text("AccountId") or fields.text("AccountNumber")
    if key is None:
        raise missing("AccountNumber")
    account = tenant.find("accounts", key)
    if account is None:
        raise invalid("AccountNumber", f"'{key}' does not exist.")
    subscription = fields.text("SubscriptionNumber") or fields.text("SubscriptionId")
    charge = fields.text("ChargeNumber") or fields.text("ChargeId")
    return _insert(
        tenant, account, subscription, charge, fields.need("UOM"),
        {
            "quantity": quantity, "startDateTime": start,
            "endDateTime": fields.instant("EndDateTime"),
            "description": fields.text("Description"), "sourceType": "API",
            "uniqueKey": fields.text("UniqueKey"),
            **tenant.check_customs("usages", fields.customs()),
        },
    )  # fmt: skip


def _insert(
    tenant: Tenant, account: Row, subscription: str | None, charge: str | None, uom: str, rest: Row
) -> Row:
    if not tenant.where("product-rate-plan-charges", uOM=uom):
        raise invalid("UOM", f"'{uom}' is not a unit of measure of this tenant.")
    found = tenant.find("subscriptions", subscription)
    if subscription is not None and (found is None or found["accountId"] != account["id"]):
        raise invalid("SubscriptionNumber", f"'{subscription}' is not of this account.")
    charges = tenant.where("rate-plan-charges", chargeNumber=charge) if charge else []
    if charge is not None and not any(row["chargeType"] == "Usage" for row in charges):
        raise invalid("ChargeNumber", f"'{charge}' is not a usage charge.")
    at = tenant.now().replace(microsecond=0)
    return tenant.insert("usages", {
        "accountId": account["id"], "accountNumber": account["accountNumber"], "uOM": uom,
        "subscriptionId": found["id"] if found else None, "rbeStatus": "Pending",
        "ratePlanChargeId": charges[-1]["id"] if charges else None, "submissionDateTime": at,
        "fileName": None, "importId": None,
        "_subscriptionNumber": found["name"] if found else None, "_chargeNumber": charge,
        **rest,
    })  # fmt: skip


def change_usage(tenant: Tenant, row: Row, fields: Fields) -> Row:
    """Only what is not billed yet."""
    if row["rbeStatus"] == "Processed":
        raise refuse("The usage record is billed and cannot be changed.")
    changed: Row = {}
    quantity, start = fields.decimal("Quantity"), fields.instant("StartDateTime")
    if quantity is not None:
        changed["quantity"] = quantity
    if start is not None:
        changed["startDateTime"] = start
    if "Description" in fields.values:
        changed["description"] = fields.text("Description")
    return tenant.update("usages", row["id"], changed)


def import_file(tenant: Tenant, name: str, content: bytes, import_id: str) -> int:
    """A whole CSV file or nothing of it; how many records."""
    if len(content) > FILE_MAX_BYTES:
        raise refuse("The usage file is larger than 4 MB.")
    if len(name) > FILE_NAME_MAX:
        raise refuse(f"The file name is longer than {FILE_NAME_MAX} characters.")
    try:
        rows = list(csv.DictReader(io.StringIO(content.decode("utf-8-sig"))))
    except (UnicodeDecodeError, csv.Error) as error:
        raise refuse("The usage file is not a CSV file.") from error
    header = set(rows[0]) if rows else set()
    if lacking := [column for column in COLUMNS if column not in header]:
        raise refuse(f"The usage file lacks the columns {', '.join(lacking)}.")
    with tenant.savepoint():
        for line, row in enumerate(rows, start=2):
            _import_row(tenant, name, import_id, line, row)
    return len(rows)


def _import_row(tenant: Tenant, name: str, import_id: str, line: int, row: dict[str, str]) -> None:
    account = tenant.find("accounts", row["ACCOUNT_ID"])
    if account is None or account["accountNumber"] != row["ACCOUNT_ID"]:
        raise invalid(f"line {line}: ACCOUNT_ID", f"'{row['ACCOUNT_ID']}' does not exist.")
    quantity = number(row["QTY"])
    if quantity is None:
        raise invalid(f"line {line}: QTY", "must be a number.")
    _insert(
        tenant, account, row["SUBSCRIPTION_ID"] or None, row["CHARGE_ID"] or None, row["UOM"],
        {
            "quantity": quantity, "startDateTime": _day(row["STARTDATE"], line),
            "endDateTime": _day(row["ENDDATE"], line) if row["ENDDATE"] else None,
            "description": row["DESCRIPTION"] or None, "sourceType": "Import",
            "fileName": name, "importId": import_id, "uniqueKey": None,
        },
    )  # fmt: skip


def _day(text: str, line: int) -> datetime:
    """The American way round, as for a user with that locale."""
    try:
        return datetime.strptime(text, "%m/%d/%Y").replace(tzinfo=UTC)
    except ValueError as error:
        raise invalid(f"line {line}", f"'{text}' is not a date as MM/DD/YYYY.") from error
