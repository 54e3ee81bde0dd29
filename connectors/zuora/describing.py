"""Which fields an object has: those declared here, and the custom ones a record of it shows.

Zuora's describe call knows other names than its resources; a row of Object Query, blanks included,
shows the tenant's custom fields as they are written.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import Final

from connectors.base import FieldDescription, FieldType, ObjectDescription
from connectors.errors import Rejected
from connectors.zuora import query
from connectors.zuora.objects import SPEC
from connectors.zuora.operations import CREATIONS, UPDATES
from connectors.zuora.rest import Rest
from connectors.zuora.vocabulary import CUSTOM_FIELD, Kind, kind_of

_REQUIRED: Final = MappingProxyType(
    {
        "accounts": ("name", "currency", "billToContact"),
        "contacts": ("firstName", "lastName"),
        "orders": ("orderDate",),
        "invoices": ("invoiceDate", "invoiceItems"),
        "payments": ("amount", "currency", "type"),
        "usage": ("startDateTime", "unitOfMeasure", "quantity"),
        "journal_entries": (
            "accountingPeriodName", "currency", "journalEntryDate", "journalEntryItems",
        ),
    }
)  # fmt: skip
# Only the body of a creation has these; reading shows them under other names, or not at all.
_WRITTEN_ONLY: Final = MappingProxyType(
    {
        "orders": {"processingOptions": FieldType.OTHER},
        "invoices": {"invoiceItems": FieldType.OTHER},
        "payments": {"invoices": FieldType.OTHER, "paymentMethodType": FieldType.TEXT},
        "credit_memos": {
            "charges": FieldType.OTHER,
            "autoPost": FieldType.BOOLEAN,
            "autoApplyToInvoiceUponPosting": FieldType.BOOLEAN,
            "effectiveDate": FieldType.DATE,
        },
        "refunds": {
            "totalAmount": FieldType.DECIMAL,
            "invoices": FieldType.OTHER,
            "reversedPaymentNumber": FieldType.TEXT,
        },
    }
)
_STAMPS: Final = frozenset(
    {"id", "createdById", "createdDate", "updatedById", "updatedDate", "isLatestVersion"}
)


def describe_object(rest: Rest, object: str) -> ObjectDescription:
    """The object as the tenant has it; one call where it can be queried."""
    kind = kind_of(object)
    spec = SPEC.object(object)
    fields = {one.name: one for one in _declared(kind)}
    for name in _custom_fields(rest, kind):
        fields.setdefault(name, _field(kind, name, FieldType.TEXT, writable=kind.name in UPDATES))
    return ObjectDescription(
        name=object,
        label=spec.label if spec is not None else object,
        fields=MappingProxyType(fields),
        creatable=kind.name in CREATIONS,
        updatable=kind.name in UPDATES,
    )


def _declared(kind: Kind) -> list[FieldDescription]:
    writable = kind.name in CREATIONS or kind.name in UPDATES
    types = {**kind.fields, **kind.deep, **_WRITTEN_ONLY.get(kind.name, {})}
    types |= dict.fromkeys(kind.lists, FieldType.OTHER)
    types |= dict.fromkeys(kind.numbers, FieldType.TEXT)
    if "accountNumber" in kind.numbers:
        types["account"] = FieldType.OTHER
    return [
        _field(kind, name, type, writable=writable and name not in _STAMPS)
        for name, type in types.items()
    ]


def _field(kind: Kind, name: str, type: FieldType, *, writable: bool) -> FieldDescription:
    creation = CREATIONS.get(kind.name)
    return FieldDescription(
        name=name,
        label=name,
        type=type,
        required_on_create=name in _REQUIRED.get(kind.name, ()),
        readable=name not in _WRITTEN_ONLY.get(kind.name, {}),
        writable=writable,
        unique=name == kind.key or (creation is not None and name == creation.number),
        references=(kind.numbers[name][1],) if name in kind.numbers else (),
    )


def _custom_fields(rest: Rest, kind: Kind) -> tuple[str, ...]:
    if not kind.query:
        return ()
    try:
        rows = query.page(rest, kind, size=1).rows
    except Rejected as error:
        if kind.fields:
            return ()
        raise Rejected(
            f"Zuora has no custom object {kind.name}: {error.message}", code="UNKNOWN_OBJECT"
        ) from None
    names = [name for row in rows for name in row.printed]
    if not kind.fields:
        return tuple(names)
    return tuple(name for name in names if CUSTOM_FIELD.fullmatch(name))
