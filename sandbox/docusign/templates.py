"""The templates of the account: documents and the roles that sign them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

ORDER_FORM_ID: Final = "3d6b1a52-0f4c-4a87-9c2e-7b5d8f10a6e1"
OFFER_ID: Final = "c1f4a7d2-6e3b-4d95-a0c8-94b27e5f1d36"
RENEWAL_ID: Final = "9be0c4f7-52d8-4c36-8a71-2e6f4d93b0c5"


@dataclass(frozen=True, slots=True)
class Role:
    """A place for a recipient. ``kind`` is the list it comes to stand in."""

    name: str
    routing_order: int
    kind: str = "signers"


@dataclass(frozen=True, slots=True)
class Template:
    """A document with its roles."""

    id: str
    name: str
    subject: str
    blurb: str
    roles: tuple[Role, ...]


TEMPLATES: Final[Mapping[str, Template]] = MappingProxyType(
    {
        one.id: one
        for one in (
            Template(
                ORDER_FORM_ID,
                "Order form",
                "Please sign: order form",
                "Your order form is ready to be signed.",
                (
                    Role("Customer", 1),
                    Role("Revline", 2),
                    Role("Deal desk", 3, "carbonCopies"),
                ),
            ),
            Template(
                OFFER_ID,
                "Offer",
                "Please sign: offer",
                "Your offer is ready to be signed.",
                (Role("Signer", 1),),
            ),
            Template(
                RENEWAL_ID,
                "Renewal",
                "Please sign: renewal",
                "Your renewal is ready to be signed.",
                (Role("Customer", 1),),
            ),
        )
    }
)
