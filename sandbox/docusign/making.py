"""New envelopes, from a template or from documents.

Reference: developers.docusign.com, "Envelopes: create" and "TemplateRole".
"""

from __future__ import annotations

from typing import Final

from sandbox.docusign import custom_fields, lifecycle
from sandbox.docusign.account import Account
from sandbox.docusign.errors import Problem, bad_body
from sandbox.docusign.templates import TEMPLATES, Template
from sandbox.docusign.values import EMAIL, Row, mapping, objects, text

SUBJECT_MAX: Final = 100
BLURB_MAX: Final = 10_000
_KINDS: Final = ("signers", "carbonCopies")


def make(account: Account, body: Row) -> tuple[Row, Row | None]:
    """The new envelope, and what was wrong with a part of it that was left out."""
    status = (text(body, "status") or "created").lower()
    if status not in ("created", "sent"):
        raise bad_body(f"an envelope is made as created or sent, not {status}")
    transaction = text(body, "transactionId")
    _check_transaction(account, transaction)
    template = _template(text(body, "templateId"))
    now = account.now()
    row: Row = {
        "envelopeId": account.guid(),
        "status": "created",
        "emailSubject": text(body, "emailSubject", longest=SUBJECT_MAX),
        "emailBlurb": text(body, "emailBlurb", longest=BLURB_MAX),
        "transactionId": transaction,
        "externalEnvelopeId": text(body, "externalEnvelopeId"),
        "createdDateTime": now,
        "statusChangedDateTime": now,
        "lastModifiedDateTime": now,
        "customFields": {kind: [] for kind in custom_fields.KINDS},
        "_recipients": _recipients(account, body, template),
        "_documents": bool(template or objects(body, "documents")),
    }
    if template is not None:
        row["emailSubject"] = row["emailSubject"] or template.subject
        row["emailBlurb"] = row["emailBlurb"] or template.blurb
    told = custom_fields.add(account, row, mapping(body, "customFields"))
    account.envelopes[row["envelopeId"]] = row
    try:
        if status == "sent":
            lifecycle.send(account, row)
    except Problem:
        del account.envelopes[row["envelopeId"]]
        raise
    return row, custom_fields.first_problem(told)


def _check_transaction(account: Account, transaction: str | None) -> None:
    if account.settings.repeated_transaction != "refused" or transaction is None:
        return
    if any(row["transactionId"] == transaction for row in account.envelopes.values()):
        text_ = "The transaction id has been used already."
        raise Problem("DUPLICATE_TRANSACTION_ID", text_)


def _template(id: str | None) -> Template | None:
    if id is None:
        return None
    found = TEMPLATES.get(id.lower())
    if found is None:
        raise Problem("TEMPLATE_ID_INVALID", "Invalid template ID")
    return found


def _recipients(account: Account, body: Row, template: Template | None) -> list[Row]:
    rows: list[Row] = []
    if template is not None:
        given = {text(one, "roleName"): one for one in objects(body, "templateRoles")}
        if unknown := [name for name in given if all(r.name != name for r in template.roles)]:
            raise bad_body(f"the template has no role {unknown[0]}")
        for role in template.roles:
            filled = given.get(role.name)
            if filled is not None:
                named = {**filled, "routingOrder": filled.get("routingOrder", role.routing_order)}
                rows.append(_recipient(account, named, role.kind, len(rows) + 1))
    elif objects(body, "templateRoles"):
        raise bad_body("templateRoles without templateId")
    recipients = mapping(body, "recipients")
    for kind in _KINDS:
        for one in objects(recipients, kind):
            rows.append(_recipient(account, one, kind, len(rows) + 1))
    ids = [row["recipientId"] for row in rows]
    if len(ids) != len(set(ids)):
        raise Problem("RECIPIENT_ID_DUPLICATE", "A recipientId was given twice.")
    return rows


def _recipient(account: Account, given: Row, kind: str, number: int) -> Row:
    email = text(given, "email") or ""
    if email and not EMAIL.fullmatch(email):
        text_ = f"The email address for the recipient is invalid: {number}"
        raise Problem("INVALID_EMAIL_ADDRESS_FOR_RECIPIENT", text_)
    order = text(given, "routingOrder") or "1"
    if not order.isdigit():
        raise bad_body("routingOrder is not a number")
    return {
        "recipientId": text(given, "recipientId") or str(number),
        "recipientIdGuid": account.guid(),
        "userId": account.guid(),
        "name": text(given, "name") or "",
        "email": email,
        "roleName": text(given, "roleName"),
        "routingOrder": int(order),
        "status": "created",
        "deliveryMethod": "email",
        "requireIdLookup": False,
        "recipientType": "signer" if kind == "signers" else "carboncopy",
        "tabs": given.get("tabs"),
        "_kind": kind,
    }
