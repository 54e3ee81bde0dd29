"""``expand[]``: ids replaced by what they name. docs.stripe.com/api/expanding_objects."""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial

from sandbox.messages import Json
from sandbox.stripe.account import Account
from sandbox.stripe.errors import invalid
from sandbox.stripe.store import Record
from sandbox.stripe.tables import RESOURCES, table_of_id

LEVELS_MAX = 4
# Lists that are not printed unless asked for: (table, field) → (table of the rows, their field).
HIDDEN_LISTS = {
    ("charges", "refunds"): ("refunds", "charge"),
    ("customers", "subscriptions"): ("subscriptions", "customer"),
    ("invoices", "payments"): ("invoice_payments", "invoice"),
}
# References below the top level of a record.
NESTED = {
    ("invoices", "parent.subscription_details.subscription"): "subscriptions",
    ("invoice_payments", "payment.payment_intent"): "payment_intents",
    ("invoice_payments", "payment.charge"): "charges",
    ("customers", "invoice_settings.default_payment_method"): "payment_methods",
    ("prices", "tiers"): "",
}


def expand(account: Account, table: str, shown: Record, paths: Iterable[str]) -> Record:
    """The printed record with every path opened; 400 for one that cannot be."""
    for path in paths:
        if path.count(".") >= LEVELS_MAX:
            raise invalid(f"You can expand at most {LEVELS_MAX} levels: {path}", "expand")
        shown = _open(account, table, shown, path.split("."), path)
    return shown


def expand_list(account: Account, table: str, page: Record, paths: Iterable[str]) -> Record:
    """The same for a list: every path begins with ``data.``."""
    inner = []
    for path in paths:
        if not path.startswith("data."):
            raise invalid(f"This property cannot be expanded ({path}).", "expand")
        inner.append(path.removeprefix("data."))
    rows = [expand(account, table, row, inner) for row in page["data"]]
    return {**page, "data": rows}


def _open(account: Account, table: str, row: Record, parts: list[str], whole: str) -> Record:
    name = parts[0]
    if (table, name) in HIDDEN_LISTS:
        return _open_hidden(account, table, row, parts, whole)
    value = row.get(name)
    if isinstance(value, dict) and value.get("object") == "list" and parts[1:2] == ["data"]:
        inner = "subscription_items" if table == "subscriptions" else "lines"
        rows = [_open(account, inner, item, parts[2:], whole) for item in value["data"]]
        return {**row, name: {**value, "data": rows}}
    for length in (3, 2, 1):
        dotted, rest = ".".join(parts[:length]), parts[length:]
        if (table, dotted) in NESTED:
            return _set(row, parts[:length], partial(_follow, account, rest, whole))
    references = RESOURCES[table].references if table in RESOURCES else {}
    if name in references or (table == "subscription_items" and name == "price"):
        return {**row, name: _follow(account, parts[1:], whole, value)}
    raise invalid(f"This property cannot be expanded ({whole}).", "expand")


def _open_hidden(account: Account, table: str, row: Record, parts: list[str], whole: str) -> Record:
    inner, field = HIDDEN_LISTS[table, parts[0]]
    listed = row.get(parts[0])
    if not isinstance(listed, dict):
        data = [
            account.render(inner, record)
            for record in account.rows(inner)
            if record[field] == row["id"]
        ]
        url = f"{RESOURCES[inner].path}?{field}={row['id']}"
        listed = {"object": "list", "data": data[:10], "has_more": len(data) > 10, "url": url}
    if len(parts) > 1:
        if parts[1] != "data" or len(parts) == 2:
            raise invalid(f"This property cannot be expanded ({whole}).", "expand")
        rows = [_open(account, inner, item, parts[2:], whole) for item in listed["data"]]
        listed = {**listed, "data": rows}
    return {**row, parts[0]: listed}


def _set(row: Record, parts: list[str], change: Json) -> Record:
    value = row.get(parts[0])
    if len(parts) == 1:
        return {**row, parts[0]: change(value)}
    if not isinstance(value, dict):
        return row
    return {**row, parts[0]: _set(value, parts[1:], change)}


def _follow(account: Account, rest: list[str], whole: str, value: Json) -> Json:
    if isinstance(value, str):
        table = table_of_id(value)
        record = account.store.get(table, value) if table is not None else None
        if table is None or record is None:
            return value
        value = account.render(table, record)
    if rest and isinstance(value, dict):
        table = table_of_id(value["id"])
        if table is None:
            raise invalid(f"This property cannot be expanded ({whole}).", "expand")
        return _open(account, table, value, rest, whole)
    return value
