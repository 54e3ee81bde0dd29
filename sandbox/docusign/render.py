"""Envelopes as the account prints them: addresses, flags, and every scalar a string."""

from __future__ import annotations

from typing import Any, Final

from sandbox.docusign import credentials
from sandbox.docusign.lifecycle import OPEN
from sandbox.docusign.values import Row, printed

_FLAGS: Final = {
    "allowComments": True, "allowMarkup": False, "allowReassign": True, "allowViewHistory": True,
    "autoNavigation": True, "enableWetSign": True, "envelopeIdStamping": True,
    "expireEnabled": True, "hasComments": False, "hasFormDataChanged": False,
    "is21CFRPart11": False, "isDynamicEnvelope": False, "isSignatureProviderEnvelope": False,
    "recipientsLock": False, "messageLock": False, "signerCanSignOnMobile": True,
}  # fmt: skip
_WORDS: Final = {
    "envelopeLocation": "current_site", "purgeState": "unpurged", "signingLocation": "online",
}  # fmt: skip
_PARTS: Final = (
    ("attachmentsUri", "attachments"), ("certificateUri", "documents/certificate"),
    ("customFieldsUri", "custom_fields"), ("documentsCombinedUri", "documents/combined"),
    ("documentsUri", "documents"), ("notificationUri", "notification"),
    ("recipientsUri", "recipients"), ("templatesUri", "templates"),
)  # fmt: skip
_LISTS: Final = (
    "signers", "agents", "editors", "intermediaries", "carbonCopies", "certifiedDeliveries",
    "inPersonSigners", "seals", "witnesses", "notaries",
)  # fmt: skip


def envelope(row: Row, include: frozenset[str] = frozenset()) -> dict[str, Any]:
    """An envelope with the parts asked for."""
    base = f"/envelopes/{row['envelopeId']}"
    shown: Row = {name: value for name, value in row.items() if name != "customFields"}
    shown |= _FLAGS | _WORDS | {"envelopeUri": base, "expireAfter": 120}
    shown |= {name: f"{base}/{part}" for name, part in _PARTS}
    shown["sender"] = {
        "userName": credentials.USER_NAME,
        "userId": credentials.USER_ID,
        "accountId": credentials.ACCOUNT_ID,
        "email": credentials.USER_EMAIL,
    }
    if "custom_fields" in include:
        shown["customFields"] = row["customFields"]
    if "recipients" in include or "tabs" in include:
        shown["recipients"] = recipients(row, tabs="tabs" in include)
    found: dict[str, Any] = printed(shown)
    return found


def status(row: Row) -> dict[str, Any]:
    """An envelope as the question after the status of many shows it: nothing but that."""
    names = ("envelopeId", "status", "transactionId", "statusChangedDateTime", "createdDateTime",
             "sentDateTime", "deliveredDateTime", "completedDateTime", "declinedDateTime",
             "voidedDateTime", "deletedDateTime", "lastModifiedDateTime")  # fmt: skip
    shown: dict[str, Any] = printed({name: row.get(name) for name in names})
    return shown


def recipients(row: Row, *, tabs: bool = False) -> dict[str, Any]:
    """The recipients by kind."""
    lists: Row = {kind: [] for kind in _LISTS}
    for one in row["_recipients"]:
        kept = {name: value for name, value in one.items() if tabs or name != "tabs"}
        lists[one["_kind"]].append(kept)
    turns = [one["routingOrder"] for one in row["_recipients"] if one["status"] != "completed"]
    current = min(turns, default=1) if row["status"] in OPEN else 1
    count = len(row["_recipients"])
    shown: dict[str, Any] = printed(
        {**lists, "recipientCount": count, "currentRoutingOrder": current}
    )
    return shown
