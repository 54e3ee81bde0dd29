"""Which fields an envelope has: those declared here, and the custom ones the account has used."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from connectors.base import FieldDescription, FieldType, ObjectDescription
from connectors.docusign import fields
from connectors.docusign.objects import CUSTOM, SPEC, TRANSACTION_ID
from connectors.docusign.reading import require_envelopes
from connectors.docusign.rest import Rest

_LENGTHS = {"emailSubject": 100, "emailBlurb": 10_000, "voidedReason": 200}
CUSTOM_LENGTH = 100


class EnvelopeFields(Mapping[str, FieldDescription]):
    """The known fields; asked for by name also any other custom field, and what is nested."""

    def __init__(self, known: Mapping[str, FieldDescription]) -> None:
        self._known = dict(known)

    def __getitem__(self, name: str) -> FieldDescription:
        found = self._known.get(name)
        if found is not None:
            return found
        head, dot, rest = name.partition(".")
        held = self._known.get(head)
        if held is None or not dot or not rest or held.type is not FieldType.OTHER:
            raise KeyError(name)
        return _custom(rest) if head == CUSTOM else _nested(name)

    def __iter__(self) -> Iterator[str]:
        return iter(self._known)

    def __len__(self) -> int:
        return len(self._known)


def describe_object(rest: Rest, object: str) -> ObjectDescription:
    """The object as the account has it; one call."""
    require_envelopes(object)
    known = {name: _field(name, kind) for name, kind in _declared().items()}
    for one in fields.each(rest.get("/custom_fields")):
        name = one.get("name")
        if isinstance(name, str) and name:
            known[f"{CUSTOM}.{name}"] = _custom(name)
    spec = SPEC.object(object)
    return ObjectDescription(
        name=object,
        label=spec.label if spec is not None else object,
        fields=EnvelopeFields(known),
    )


def _declared() -> dict[str, FieldType]:
    return {**fields.ENVELOPE, **fields.MADE_WITH}


def _field(name: str, kind: FieldType) -> FieldDescription:
    return FieldDescription(
        name=name,
        label=name,
        type=kind,
        readable=name not in fields.MADE_WITH,
        writable=name in fields.CREATABLE,
        unique=name in ("envelopeId", TRANSACTION_ID),
        options=fields.STATUSES if name == "status" else (),
        restricted=name == "status",
        length=_LENGTHS.get(name),
    )


def _custom(name: str) -> FieldDescription:
    return FieldDescription(f"{CUSTOM}.{name}", name, FieldType.TEXT, length=CUSTOM_LENGTH)


def _nested(name: str) -> FieldDescription:
    return FieldDescription(name, name, FieldType.OTHER, writable=False)
