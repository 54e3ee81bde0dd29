"""Customers and the subsidiaries they deal with."""

from __future__ import annotations

import re
from typing import Final

from sandbox.netsuite.books import lines_of
from sandbox.netsuite.errors import content_error, user_error
from sandbox.netsuite.rules.common import Saving
from sandbox.netsuite.values import Row

_EMAIL: Final = re.compile(r"[^@\s,;]+@[^@\s,;.]+(\.[^@\s,;.]+)+")


def complete_customer(saving: Saving, row: Row) -> None:
    """A customer belongs to a subsidiary and has a currency."""
    books = saving.books
    if row.get("isPerson"):
        if not row.get("lastName"):
            raise content_error("Please enter value(s) for: Last Name.", "lastName")
        row["altName"] = f"{row.get('firstName') or ''} {row['lastName']}".strip()
    else:
        row["isPerson"] = False
        if not row.get("companyName"):
            raise content_error("Please enter value(s) for: Company Name.", "companyName")
        row["altName"] = row["companyName"]
    if row.get("subsidiary") is None:
        raise content_error("Please enter value(s) for: Primary Subsidiary.", "subsidiary")
    for name in ("email", "altEmail"):
        if row.get(name) and not _EMAIL.fullmatch(row[name]):
            raise content_error(f"Invalid email address: {name}.", name)
    subsidiary = books.tables["subsidiary"][row["subsidiary"]]
    row["currency"] = row.get("currency") or subsidiary["currency"]
    currencies = [line["currency"] for line in lines_of(row, "currencyList")]
    row["currencyList"] = [{"currency": id} for id in dict.fromkeys([row["currency"], *currencies])]
    row["isInactive"] = row.get("isInactive") or False
    row["entityId"] = row.get("entityId") or f"CUST{saving.id}"
    row["dateCreated"] = row.get("dateCreated") or books.stamp()
    _check_name(saving, row)
    _check_moves(saving, row)


def _check_name(saving: Saving, row: Row) -> None:
    if saving.books.named("customer", row["entityId"]) not in {None, saving.id}:
        raise user_error(
            "A customer record with this ID already exists. You must enter a unique customer "
            "ID for each record you create."
        )


def _check_moves(saving: Saving, row: Row) -> None:
    old = saving.old
    if old is None or old["subsidiary"] == row["subsidiary"]:
        return
    if saving.books.dealings(saving.id):
        raise user_error("The subsidiary of a customer with transactions cannot be changed.")


def complete_relationship(saving: Saving, row: Row) -> None:
    """One more subsidiary for a customer."""
    for name in ("entity", "subsidiary"):
        if row.get(name) is None:
            raise content_error(f"Please enter value(s) for: {name}.", name)
    for id, other in saving.books.tables["customerSubsidiaryRelationship"].items():
        same = (other["entity"], other["subsidiary"]) == (row["entity"], row["subsidiary"])
        if same and id != saving.id:
            raise user_error("This customer already has a relationship with this subsidiary.")
    primary = saving.books.tables["customer"][row["entity"]]["subsidiary"]
    row["isPrimarySub"] = row["subsidiary"] == primary
