"""The life of an envelope: made, sent, delivered, completed; or declined or voided on the way.

Reference: developers.docusign.com, "Envelopes: status codes" and "Recipients: routing order".
"""

from __future__ import annotations

from typing import Final

from sandbox.docusign.account import Account
from sandbox.docusign.errors import Problem, bad_body
from sandbox.docusign.values import EMAIL, Row

OPEN: Final = frozenset({"sent", "delivered"})
EDITABLE: Final = frozenset({"created", "sent", "delivered"})
ENDED: Final = frozenset({"completed", "declined", "voided", "deleted"})
REASON_MAX: Final = 200


def touch(account: Account, row: Row) -> None:
    """The envelope was changed now."""
    row["lastModifiedDateTime"] = account.now()


def turn(account: Account, row: Row, status: str) -> None:
    """Another status, with its time."""
    now = account.now()
    row["status"] = status
    row[f"{status}DateTime"] = now
    row["statusChangedDateTime"] = now
    touch(account, row)


def require_editable(row: Row) -> None:
    """:class:`Problem` unless the envelope may still be changed over the API."""
    if row.get("_locked"):
        text = "The user is not the owner of the lock. The envelope is being edited."
        raise Problem("EDIT_LOCK_NOT_LOCK_OWNER", text)
    if row["status"] not in EDITABLE:
        text = f"Invalid envelope status: it is '{row['status']}' and cannot be changed."
        raise Problem("ENVELOPE_INVALID_STATUS", text)


def send(account: Account, row: Row) -> None:
    """From draft to sent."""
    if row["status"] != "created":
        raise Problem("ENVELOPE_INVALID_STATUS", "Only drafts are sent.")
    if not row["_documents"] or not _signers(row) or not row.get("emailSubject"):
        text = "A complete envelope needs documents, recipients and a subject line."
        raise Problem("ENVELOPE_IS_INCOMPLETE", text)
    for one in row["_recipients"]:
        if not one.get("name") or not EMAIL.fullmatch(one.get("email") or ""):
            text = (
                f"The email address for the recipient is invalid: recipientId {one['recipientId']}"
            )
            raise Problem("INVALID_EMAIL_ADDRESS_FOR_RECIPIENT", text)
    turn(account, row, "sent")
    row["initialSentDateTime"] = row["sentDateTime"]
    account.tell("envelope-sent", row)
    _advance(account, row)


def void(account: Account, row: Row, reason: str | None) -> None:
    """Call it off."""
    if row["status"] not in OPEN:
        text = "Only envelopes in the 'Sent' or 'Delivered' states may be voided."
        raise Problem("ENVELOPE_CANNOT_VOID_INVALID_STATE", text)
    if not reason or len(reason) > REASON_MAX:
        raise bad_body(f"voidedReason needs 1 to {REASON_MAX} characters")
    row["voidedReason"] = reason
    turn(account, row, "voided")
    account.tell("envelope-voided", row)


def resend(account: Account, row: Row) -> None:
    """Mail those again whose turn it is."""
    if row["status"] not in OPEN:
        text = "Only envelope in the 'Created', 'Sent' or 'Delivered' states may be resent."
        raise Problem("EDIT_LOCK_INVALID_STATE_FOR_LOCK", text)
    for one in row["_recipients"]:
        if one["status"] in ("sent", "delivered"):
            one["sentDateTime"] = account.now()
    touch(account, row)
    account.tell("envelope-resent", row)


def deliver(account: Account, row: Row, who: str | None) -> None:
    """A recipient opens the envelope."""
    recipient = _whose_turn(row, who)
    _deliver(account, row, recipient)


def sign(account: Account, row: Row, who: str | None) -> None:
    """A recipient signs; after the last one the envelope is completed."""
    recipient = _whose_turn(row, who)
    if recipient["status"] == "sent":
        _deliver(account, row, recipient)
    recipient["status"] = "completed"
    recipient["signedDateTime"] = account.now()
    touch(account, row)
    account.tell("recipient-completed", row, recipient)
    _advance(account, row)


def decline(account: Account, row: Row, who: str | None, reason: str) -> None:
    """A recipient refuses to sign, which ends it for all."""
    recipient = _whose_turn(row, who)
    recipient["status"] = "declined"
    recipient["declinedDateTime"] = account.now()
    recipient["declinedReason"] = reason
    account.tell("recipient-declined", row, recipient)
    turn(account, row, "declined")
    account.tell("envelope-declined", row)


def correct(account: Account, row: Row) -> None:
    """A person has corrected an envelope under way and sent it on: its status is set anew."""
    if row["status"] in ENDED:
        raise Problem("ENVELOPE_INVALID_STATUS", "An envelope that has ended is not corrected.")
    row["statusChangedDateTime"] = account.now()
    touch(account, row)
    account.tell("envelope-corrected", row)


def delete(account: Account, row: Row) -> None:
    """A person throws it away; what is under way is voided first."""
    if row["status"] in OPEN:
        void(account, row, "Thrown away")
    turn(account, row, "deleted")
    account.tell("envelope-deleted", row)


def _deliver(account: Account, row: Row, recipient: Row) -> None:
    if recipient["status"] != "sent":
        return
    recipient["status"] = "delivered"
    recipient["deliveredDateTime"] = account.now()
    touch(account, row)
    account.tell("recipient-delivered", row, recipient)
    waiting = [one for one in _signers(row) if one["status"] in ("created", "sent")]
    if row["status"] == "sent" and not waiting:
        turn(account, row, "delivered")
        account.tell("envelope-delivered", row)


def _advance(account: Account, row: Row) -> None:
    """Whose turn it is gets the envelope; copies are done with that."""
    while True:
        if any(one["status"] in ("sent", "delivered") for one in row["_recipients"]):
            return
        waiting = [one for one in row["_recipients"] if one["status"] == "created"]
        if not waiting:
            turn(account, row, "completed")
            account.tell("envelope-completed", row)
            return
        first = min(one["routingOrder"] for one in waiting)
        for one in waiting:
            if one["routingOrder"] != first:
                continue
            one["status"] = "sent" if one["_kind"] == "signers" else "completed"
            one["sentDateTime"] = account.now()
            account.tell("recipient-sent", row, one)


def _signers(row: Row) -> list[Row]:
    return [one for one in row["_recipients"] if one["_kind"] == "signers"]


def _whose_turn(row: Row, who: str | None) -> Row:
    """The recipient of this id or address whose turn it is; the first one when nobody is named."""
    if row["status"] not in OPEN:
        raise Problem("ENVELOPE_INVALID_STATUS", f"the envelope is {row['status']}")
    for one in _signers(row):
        named = who is None or who in (one["recipientId"], one["email"], one.get("roleName"))
        if named and one["status"] in ("sent", "delivered"):
            return one
    text = "The token for an out of sequence recipient cannot be generated."
    raise Problem("RECIPIENT_NOT_IN_SEQUENCE", text)
