"""Which fields quotes and deal rooms have, in the vendor's words, and which feature shows each.

developers.dealhub.io, "Quote API" (Quote, LineItem, PlaybookAnswer, Approval, Signer) and "Headless
API" (GenerateQuoteRequest). Three names are ours: ``quote_name`` and ``external_opportunity_id``,
which generate calls so and reading shows inside ``info``, and ``answers_by_id``.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from connectors.base import FieldDescription, FieldType
from connectors.dealhub.objects import DEAL_ROOMS, IDENTITY_FIELD, QUOTES

OPPORTUNITY: Final = "external_opportunity_id"
ANSWERS_BY_ID: Final = "answers_by_id"
ALWAYS: Final = frozenset({"dealhub_quote_id", "status", "quote_upgrade_required"})
INFO_ALIASES: Final[Mapping[str, str]] = MappingProxyType(
    {
        IDENTITY_FIELD: "dealhub_quote_name",
        OPPORTUNITY: "external_opportunity_id",
        "external_quote_id": "external_quote_id",
    }
)
# The feature that shows a field; what is not here is always shown, or never.
FEATURES: Final[Mapping[str, str]] = MappingProxyType(
    {
        **dict.fromkeys((*INFO_ALIASES, "info"), "info"),
        "summary": "summary",
        "deal_room_info": "deal_room_info",
        "line_items": "line_items",
        "answers": "answers",
        ANSWERS_BY_ID: "answers",
        "approvals": "approvals",
    }
)
_ALL_BUT_ONE: Final = 5

INSTANTS: Final = frozenset(
    {"creation_date", "submission_date", "expiration_date", "won_date", "review_date",
     "signature_date"}
)  # fmt: skip
NUMBERS: Final = frozenset(
    {"total_list_price", "total_net_price", "total_discount", "sales_discount", "msrp",
     "msrp_discount", "list_price", "user_price", "user_discount", "net_per_unit", "net_price",
     "discount", "price"}
)  # fmt: skip
# Named by the tenant, and text as far as DealHub is concerned.
FREE: Final = frozenset({"attributes"})
FACTORS: Final = "product_factors"

_READ: Final[Mapping[str, FieldType]] = MappingProxyType(
    {
        "dealhub_quote_id": FieldType.TEXT,
        "status": FieldType.TEXT,
        "quote_upgrade_required": FieldType.BOOLEAN,
        "external_quote_id": FieldType.TEXT,
        "info": FieldType.OTHER,
        "summary": FieldType.OTHER,
        "deal_room_info": FieldType.OTHER,
        "answers": FieldType.OTHER,
        ANSWERS_BY_ID: FieldType.OTHER,
        "approvals": FieldType.OTHER,
    }
)
_BOTH: Final[Mapping[str, FieldType]] = MappingProxyType(
    {
        IDENTITY_FIELD: FieldType.TEXT,
        OPPORTUNITY: FieldType.TEXT,
        "line_items": FieldType.OTHER,
    }
)
WRITTEN: Final[Mapping[str, FieldType]] = MappingProxyType(
    {
        "request_action": FieldType.CHOICE,
        "document_type": FieldType.CHOICE,
        "line_item_details": FieldType.CHOICE,
        "playbook": FieldType.TEXT,
        "dealroom_publish_name": FieldType.TEXT,
        "total_sales_discount": FieldType.DECIMAL,
        "expiration_date": FieldType.INSTANT,
        "timezone_offset": FieldType.DECIMAL,
        "sign_externally_comment": FieldType.TEXT,
        "partner_program": FieldType.OTHER,
        "quote_data": FieldType.OTHER,
        "opportunity_data": FieldType.OTHER,
    }
)
_OPTIONS: Final[Mapping[str, tuple[str, ...]]] = MappingProxyType(
    {
        "request_action": ("draft", "submit", "publish", "sign_externally"),
        "document_type": ("DealRoom", "PDF", "WORD", "EXCEL"),
        "line_item_details": ("basic", "all"),
    }
)
_LENGTHS: Final[Mapping[str, int]] = MappingProxyType(
    {
        IDENTITY_FIELD: 250,
        OPPORTUNITY: 50,
        "playbook": 50,
        "dealroom_publish_name": 250,
        "sign_externally_comment": 1000,
        "dealhub_quote_id": 16,
    }
)
_REQUIRED: Final = frozenset({OPPORTUNITY, "request_action", "document_type"})
_ROOM: Final[Mapping[str, FieldType]] = MappingProxyType(
    {
        OPPORTUNITY: FieldType.TEXT,
        "dealroom_state": FieldType.TEXT,
        "buyer_signers": FieldType.OTHER,
        "seller_signers": FieldType.OTHER,
    }
)


def features_of(heads: frozenset[str]) -> tuple[str, ...]:
    """The features that show these fields; ``all`` where nearly every one is needed."""
    found = sorted({FEATURES[head] for head in heads if head in FEATURES})
    return ("all",) if len(found) >= _ALL_BUT_ONE else tuple(found)


def heads_of(names: tuple[str, ...]) -> frozenset[str]:
    """The fields that dotted names begin with."""
    return frozenset(name.partition(".")[0] for name in names)


def described(object: str) -> dict[str, FieldDescription] | None:
    """The fields of an object by name; ``None`` for one there is not."""
    if object == DEAL_ROOMS:
        return {name: _field(name, type, writable=False) for name, type in _ROOM.items()}
    if object != QUOTES:
        return None
    fields = {name: _field(name, type, writable=False) for name, type in _READ.items()}
    fields |= {name: _field(name, type, writable=True) for name, type in _BOTH.items()}
    return fields | {
        name: _field(name, type, writable=True, readable=False) for name, type in WRITTEN.items()
    }


def _field(
    name: str, type: FieldType, *, writable: bool, readable: bool = True
) -> FieldDescription:
    return FieldDescription(
        name=name,
        label=name,
        type=type,
        required_on_create=writable and name in _REQUIRED,
        readable=readable,
        writable=writable,
        # The name is unique because it is ours: it is looked for before a quote is made.
        unique=name in (IDENTITY_FIELD, "dealhub_quote_id"),
        options=_OPTIONS.get(name, ()),
        restricted=name in _OPTIONS,
        length=_LENGTHS.get(name),
    )
