"""What an envelope's fields are: DocuSign prints every scalar as a string, and we type them.

developers.docusign.com, "Envelopes: get", "EnvelopeRecipients", "EnvelopeCustomFields".
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Final

from connectors.base import FieldType
from connectors.docusign.objects import CUSTOM, IDENTITY_NAME, TRANSACTION_ID
from connectors.errors import UnexpectedAnswer
from connectors.records import Value
from connectors.values import parse_instant, parse_integer

_T, _I, _B, _O = FieldType.TEXT, FieldType.INSTANT, FieldType.BOOLEAN, FieldType.OTHER

STATUSES: Final = (
    "created", "sent", "delivered", "signed", "completed", "declined", "voided", "deleted",
    "timedout",
)  # fmt: skip

ENVELOPE: Final[Mapping[str, FieldType]] = MappingProxyType(
    {
        "envelopeId": _T, "status": FieldType.CHOICE, "emailSubject": _T, "emailBlurb": _T,
        "transactionId": _T, "externalEnvelopeId": _T, "brandId": _T, "voidedReason": _T,
        "createdDateTime": _I, "initialSentDateTime": _I, "sentDateTime": _I,
        "deliveredDateTime": _I, "completedDateTime": _I, "declinedDateTime": _I,
        "voidedDateTime": _I, "deletedDateTime": _I, "statusChangedDateTime": _I,
        "lastModifiedDateTime": _I, "expireDateTime": _I, "expireAfter": FieldType.INTEGER,
        "expireEnabled": _B, "allowComments": _B, "allowMarkup": _B, "allowReassign": _B,
        "allowViewHistory": _B, "asynchronous": _B, "authoritativeCopy": _B, "autoNavigation": _B,
        "enableWetSign": _B, "enforceSignerVisibility": _B, "envelopeIdStamping": _B,
        "hasComments": _B, "hasFormDataChanged": _B, "is21CFRPart11": _B, "isDynamicEnvelope": _B,
        "isSignatureProviderEnvelope": _B, "messageLock": _B, "recipientsLock": _B,
        "signerCanSignOnMobile": _B, "useDisclosure": _B, "signingLocation": _T,
        "envelopeLocation": _T, "purgeState": _T, "holder": _T, "anySigner": _T,
        "attachmentsUri": _T, "certificateUri": _T, "customFieldsUri": _T,
        "documentsCombinedUri": _T, "documentsUri": _T, "envelopeUri": _T, "notificationUri": _T,
        "recipientsUri": _T, "templatesUri": _T, "sender": _O, "customFields": _O,
        "recipients": _O, "folders": _O, "powerForm": _O, CUSTOM: _O,
    }
)  # fmt: skip
# Given when an envelope is made; reading shows them under other names, or not at all.
MADE_WITH: Final[Mapping[str, FieldType]] = MappingProxyType(
    {
        "templateId": _T, "templateRoles": _O, "documents": _O, "compositeTemplates": _O,
        "notification": _O, "emailSettings": _O,
    }
)  # fmt: skip
CREATABLE: Final = frozenset(
    {"status", "emailSubject", "emailBlurb", "externalEnvelopeId", "brandId", "allowMarkup",
     "allowReassign", "allowComments", "autoNavigation", "enableWetSign", "enforceSignerVisibility",
     "envelopeIdStamping", "messageLock", "recipientsLock", "signerCanSignOnMobile", "anySigner",
     "recipients", "customFields", "transactionId", CUSTOM, *MADE_WITH}
)  # fmt: skip
UPDATABLE: Final = frozenset(
    {
        "status",
        "emailSubject",
        "emailBlurb",
        "externalEnvelopeId",
        "customFields",
        CUSTOM,
        TRANSACTION_ID,
    }
)
# What must be asked for, by the field that shows it.
INCLUDES: Final[Mapping[str, str]] = MappingProxyType(
    {CUSTOM: "custom_fields", "customFields": "custom_fields", TRANSACTION_ID: "custom_fields",
     "recipients": "recipients",
     "folders": "folders", "powerForm": "powerform"}
)  # fmt: skip
KINDS: Final = ("textCustomFields", "listCustomFields")

# Inside recipients, custom fields and the rest; everything else there is text.
_INNER_BOOLEANS: Final = frozenset(
    {"show", "required", "requireIdLookup", "isBulkRecipient", "recipientSuppliesTabs",
     "templateLocked", "templateRequired", "requireUploadSignature", "canSignOffline",
     "signInEachLocation", "autoNavigation", "addAccessCodeToEmail", "defaultRecipient"}
)  # fmt: skip
_INNER_INTEGERS: Final = frozenset(
    {"routingOrder", "recipientCount", "currentRoutingOrder", "totalTabCount", "completedCount"}
)
# A tab or a custom field may be called anything: their values are what somebody typed.
_AS_TYPED: Final = frozenset({"tabs", "value", "listItems", "name"})


def shown(envelope: Mapping[str, object]) -> dict[str, Value]:
    """An envelope in our values, custom fields also flat by name. Raises ``UnexpectedAnswer``."""
    found: dict[str, Value] = {}
    for name, value in envelope.items():
        kind = ENVELOPE.get(name, FieldType.OTHER)
        inner = isinstance(value, Mapping | list) or name not in ENVELOPE
        found[name] = _inner(name, value) if inner else _scalar(name, value, kind)
    if "customFields" in envelope:
        custom = by_name(envelope.get("customFields"))
        found[CUSTOM] = MappingProxyType(custom)
        if not found.get(TRANSACTION_ID) and custom.get(IDENTITY_NAME):
            # Forgotten by DocuSign, or never there: an envelope that somebody else has sent.
            found[TRANSACTION_ID] = custom[IDENTITY_NAME]
    return found


def by_name(custom_fields: object) -> dict[str, Value]:
    """Custom fields by name; of two of one name the first that is filled."""
    found: dict[str, Value] = {}
    for one in each(custom_fields):
        name, value = one.get("name"), one.get("value")
        if isinstance(name, str) and name and not found.get(name):
            found[name] = value if isinstance(value, str) and value else None
    return found


def each(custom_fields: object) -> Iterable[Mapping[str, object]]:
    """The custom fields of both kinds."""
    if not isinstance(custom_fields, Mapping):
        return
    for kind in KINDS:
        listed = custom_fields.get(kind)
        for one in listed if isinstance(listed, list) else ():
            if isinstance(one, Mapping):
                yield one


def selected(values: Mapping[str, Value], names: Iterable[str]) -> dict[str, Value]:
    """The selected fields, dotted names followed.

    A field that envelopes have and this one does not is blank: DocuSign leaves out what is not
    set. So is a custom field that the envelope does not carry.
    """
    found: dict[str, Value] = {}
    for name in names:
        head, dot, rest = name.partition(".")
        value = values.get(head)
        if head not in values and head not in ENVELOPE:
            continue
        if not dot:
            found[name] = value
        elif head == CUSTOM:
            # The name of a custom field may hold dots itself.
            found[name] = value.get(rest) if isinstance(value, Mapping) else None
        else:
            found[name] = _followed(value, rest)
    return found


def _followed(value: Value, path: str) -> Value:
    for part in path.split("."):
        if not isinstance(value, Mapping):
            return None
        value = value.get(part)
    return value


def _inner(name: str, value: object) -> Value:
    if isinstance(value, Mapping):
        if name in _AS_TYPED:
            return MappingProxyType({key: _plain(one) for key, one in value.items()})
        return MappingProxyType({key: _inner(key, one) for key, one in value.items()})
    if isinstance(value, list):
        return tuple(_inner(name, one) for one in value)
    if name in _AS_TYPED:
        return _plain(value)
    if name in _INNER_BOOLEANS:
        return _scalar(name, value, FieldType.BOOLEAN)
    if name in _INNER_INTEGERS:
        return _scalar(name, value, FieldType.INTEGER)
    kind = FieldType.INSTANT if name.endswith("DateTime") else FieldType.TEXT
    return _scalar(name, value, kind)


def _plain(value: object) -> Value:
    if isinstance(value, Mapping):
        return MappingProxyType({key: _plain(one) for key, one in value.items()})
    if isinstance(value, list):
        return tuple(_plain(one) for one in value)
    return (
        value if isinstance(value, str) and value else None if value in ("", None) else str(value)
    )


def _scalar(name: str, value: object, kind: FieldType) -> Value:
    if value is None or value == "":
        return None
    if isinstance(value, Mapping | list):
        raise _odd(name)
    text = ("true" if value else "false") if isinstance(value, bool) else str(value)
    try:
        match kind:
            case FieldType.BOOLEAN:
                return _boolean(text)
            case FieldType.INTEGER:
                return parse_integer(text)
            case FieldType.INSTANT:
                return parse_instant(text)
    except ValueError:
        raise _odd(name) from None
    return text


def _boolean(text: str) -> bool:
    lower = text.lower()
    if lower not in ("true", "false"):
        raise ValueError("neither true nor false")
    return lower == "true"


def _odd(name: str) -> UnexpectedAnswer:
    return UnexpectedAnswer(f"{name} is not what DocuSign's description says", code="VALUE_SHAPE")
