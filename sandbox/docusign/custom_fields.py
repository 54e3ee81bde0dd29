"""Custom fields of an envelope: each with an id, found by it, reported one by one.

Reference: developers.docusign.com, "EnvelopeCustomFields" resource.
"""

from __future__ import annotations

from typing import Final

from sandbox.docusign.account import Account
from sandbox.docusign.errors import Problem
from sandbox.docusign.values import Row, objects, text

KINDS: Final = ("textCustomFields", "listCustomFields")
NAME_MAX: Final = 50
VALUE_MAX: Final = 100


def fields_of(row: Row) -> list[Row]:
    """All custom fields of an envelope."""
    return [one for kind in KINDS for one in row["customFields"][kind]]


def add(account: Account, row: Row, body: Row) -> Row:
    """Add fields; one that cannot be added is reported and leaves the others alone."""
    return {
        kind: [_added(account, row, kind, given) for given in objects(body, kind)] for kind in KINDS
    }


def update(account: Account, row: Row, body: Row) -> Row:
    """Change fields by their ids; an unknown id is reported and leaves the others alone."""
    return {
        kind: [_updated(account, row, kind, given) for given in objects(body, kind)]
        for kind in KINDS
    }


def first_problem(told: Row) -> Row | None:
    """The report of the first part that failed."""
    for kind in KINDS:
        for one in told[kind]:
            if one["errorDetails"]["errorCode"] != "SUCCESS":
                details: Row = one["errorDetails"]
                return details
    return None


def _added(account: Account, row: Row, kind: str, given: Row) -> Row:
    try:
        name, value = _checked(row, given)
    except Problem as problem:
        return {**given, "errorDetails": problem.details}
    numbers = [int(one["fieldId"]) for one in fields_of(row)]
    made: Row = {
        "fieldId": str(max(numbers, default=10_000_000) + 1),
        "name": name,
        "show": text(given, "show") or "false",
        "required": text(given, "required") or "false",
        "value": value,
    }
    if kind == "listCustomFields":
        made["listItems"] = [str(one) for one in given.get("listItems") or []]
    row["customFields"][kind].append(made)
    account.use_custom_field(name, "text" if kind == KINDS[0] else "list")
    return {**made, "errorDetails": _FINE}


def _updated(account: Account, row: Row, kind: str, given: Row) -> Row:  # noqa: ARG001
    held = next(
        (one for one in row["customFields"][kind] if one["fieldId"] == given.get("fieldId")), None
    )
    try:
        if held is None:
            raise Problem("INVALID_CUSTOM_FIELD_ID", "The custom field id is not of this envelope.")
        _, value = _checked(row, {"name": held["name"], **given})
    except Problem as problem:
        return {**given, "errorDetails": problem.details}
    held["value"] = value
    return {**held, "errorDetails": _FINE}


def _checked(row: Row, given: Row) -> tuple[str, str]:
    name, value = text(given, "name") or "", text(given, "value") or ""
    if not name or len(name) > NAME_MAX:
        raise Problem("INVALID_CUSTOM_FIELD_NAME", f"A name has 1 to {NAME_MAX} characters.")
    if len(value) > VALUE_MAX:
        raise Problem("INVALID_CUSTOM_FIELD_VALUE", f"{name}: at most {VALUE_MAX} characters.")
    taken = any(one["name"] == name for one in fields_of(row))
    if taken and "fieldId" not in given:
        raise Problem("DUPLICATE_CUSTOM_FIELD", f"The envelope has a field {name} already.")
    return name, value


_FINE: Final = {"errorCode": "SUCCESS", "message": ""}
