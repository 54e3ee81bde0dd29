"""Which fields an object has: those declared here, and the custom ones a record of it shows.

Zuora's describe call knows other names than its resources; a row of Object Query, blanks included,
shows the tenant's custom fields as they are written.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
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
    custom = _custom_fields(rest, kind)
    for name in custom or ():
        fields.setdefault(name, _field(kind, name, FieldType.TEXT, writable=kind.name in UPDATES))
    return ObjectDescription(
        name=object,
        label=spec.label if spec is not None else object,
        fields=MappingProxyType(fields) if custom is not None else _AnyCustom(kind, fields),
        creatable=kind.name in CREATIONS,
        updatable=kind.name in UPDATES,
    )


class _AnyCustom(Mapping[str, FieldDescription]):
    """The declared fields of an object without records: any custom field may be there."""

    def __init__(self, kind: Kind, fields: Mapping[str, FieldDescription]) -> None:
        self._kind = kind
        self._fields = fields

    def __getitem__(self, name: str) -> FieldDescription:
        if name not in self._fields and CUSTOM_FIELD.fullmatch(name):
            writable = self._kind.name in UPDATES
            return _field(self._kind, name, FieldType.TEXT, writable=writable)
        return self._fields[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._fields)

    def __len__(self) -> int:
        return len(self._fields)


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


def _custom_fields(rest: Rest, kind: Kind) -> tuple[str, ...] | None:
    """The custom fields that a record shows; ``None`` where there is no record to show any."""
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
    if not rows:
        return None
    return tuple(name for name in names if CUSTOM_FIELD.fullmatch(name))
