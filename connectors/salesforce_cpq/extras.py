"""What records show here beside their own fields: names that stay the same in every org.

``approval_status`` and its like stand for the field that a setting names; ``term_unit`` for a
setting of the package that no record tells; ``SBQQ__Orders__r`` and its like for the records that
an action makes some time after it was asked for.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Final, TypeAlias

from connectors.base import FieldDescription, FieldType, ObjectDescription
from connectors.errors import Rejected
from connectors.records import Life, Record, Selection, Value
from connectors.salesforce.describing import Schemas
from connectors.salesforce.ids import normal_id
from connectors.salesforce.objects import READ_MAX
from connectors.salesforce.reading import reading
from connectors.salesforce.rest import Rest, in_parts
from connectors.salesforce.soql import any_of, select
from connectors.salesforce_cpq.objects import CONTRACT, LINE, ORDER, ORDER_LINE, QUOTE, SUBSCRIPTION
from connectors.salesforce_cpq.settings import APPROVAL_FIELDS, Settings

TERM_UNIT: Final = "term_unit"
_HAVE_TERMS: Final = frozenset({QUOTE, LINE, ORDER_LINE, SUBSCRIPTION, CONTRACT})


@dataclass(frozen=True, slots=True)
class Related:
    """Records that refer to this one: their object and the field they do it by, and what is shown
    of each."""

    object: str
    parent_field: str
    fields: tuple[str, ...]
    label: str


RELATED: Final[Mapping[str, Mapping[str, Related]]] = MappingProxyType(
    {
        QUOTE: {
            "SBQQ__Orders__r": Related(
                ORDER, "SBQQ__Quote__c", ("Status", "TotalAmount"), "Orders of the quote"
            )
        },
        ORDER: {
            "SBQQ__Contracts__r": Related(
                CONTRACT, "SBQQ__Order__c", ("Status",), "Contracts made of the order"
            ),
        },
        CONTRACT: {
            "SBQQ__CoTerminatedQuotes__r": Related(
                QUOTE,
                "SBQQ__MasterContract__c",
                ("SBQQ__Ordered__c", "SBQQ__StartDate__c", "SBQQ__Status__c", "SBQQ__Type__c"),
                "Quotes that amend or renew the contract",
            ),
        },
    }
)
ReadRelated: TypeAlias = Callable[[Related, Sequence[str]], Mapping[str, tuple[Record, ...]]]


@dataclass(frozen=True, slots=True)
class Extras:
    """The additional fields of one selection."""

    plain: Selection
    renamed: Mapping[str, str]
    term_unit: str | None
    related: Mapping[str, Related]

    @property
    def none(self) -> bool:
        """Whether nothing but the records' own fields was asked for."""
        return not (self.renamed or self.term_unit or self.related)

    def completed(
        self, records: Sequence[Record], wanted: Sequence[str], read: ReadRelated
    ) -> tuple[Record, ...]:
        """The records with what was asked for in addition; one query per related list."""
        if self.none:
            return tuple(records)
        ids = [one.ref.id for one in records if one.life is Life.LIVE]
        lists = {name: read(related, ids) for name, related in self.related.items() if ids}
        return tuple(self._completed(record, set(wanted), lists) for record in records)

    def _completed(
        self,
        record: Record,
        wanted: set[str],
        lists: Mapping[str, Mapping[str, tuple[Record, ...]]],
    ) -> Record:
        if not record.fields and record.life is not Life.LIVE:
            return record
        fields: dict[str, Value] = {
            name: value for name, value in record.fields.items() if name in wanted
        }
        for ours, theirs in self.renamed.items():
            if theirs in record.fields:
                fields[ours] = record.fields[theirs]
        if self.term_unit is not None:
            fields[TERM_UNIT] = self.term_unit
        for name, by_parent in lists.items():
            fields[name] = tuple(
                MappingProxyType({"Id": child.ref.id, **child.fields})
                for child in by_parent.get(record.ref.id, ())
            )
        return replace(record, fields=MappingProxyType(fields))


def extras(selection: Selection, settings: Settings) -> Extras:
    """What of a selection the org does not have as a field. Raises ``Rejected``."""
    related = RELATED.get(selection.object, {})
    renamed: dict[str, str] = {}
    lists: dict[str, Related] = {}
    plain: list[str] = []
    term_unit = None
    for name in selection.fields:
        if selection.object == QUOTE and name in APPROVAL_FIELDS:
            renamed[name] = _field_of(name, settings)
        elif selection.object in _HAVE_TERMS and name == TERM_UNIT:
            term_unit = settings.term_unit
        elif name in related:
            lists[name] = related[name]
        else:
            plain.append(name)
    fields = tuple(sorted({*plain, *renamed.values()}))
    return Extras(replace(selection, fields=fields), renamed, term_unit, lists)


def read_related(
    rest: Rest, schemas: Schemas, related: Related, ids: Sequence[str]
) -> Mapping[str, tuple[Record, ...]]:
    """For each of these ids the live records that refer to it, oldest first."""
    how = reading(schemas, Selection(related.object, related.fields))
    parent = schemas.field(related.object, related.parent_field).name
    found: dict[str, list[Record]] = {id: [] for id in ids}
    for soql, _ in in_parts(
        list(found),
        READ_MAX,
        lambda part: select(
            how.object,
            (*how.soql_fields, parent),
            where=any_of(parent, part),
            order=(parent, "Id"),
        ),
    ):
        for row in rest.all_rows(soql, object=how.object):
            owner = normal_id(str(row.get(parent)))
            if owner in found:
                found[owner].append(how.record(row))
    return MappingProxyType({id: tuple(records) for id, records in found.items()})


def _field_of(name: str, settings: Settings) -> str:
    found = settings.approval.get(name)
    if found is None:
        setting = APPROVAL_FIELDS[name]
        raise Rejected(
            f"{name} stands for the quote's field that the connection's setting {setting} names; "
            "set it",
            code="SETTING_MISSING",
            field_errors={name: f"the setting {setting} is empty"},
        )
    return found


def described(found: ObjectDescription, settings: Settings) -> ObjectDescription:
    """The object with the additional fields, none of which can be written."""
    fields = dict(found.fields)
    if found.name == QUOTE:
        for ours, theirs in settings.approval.items():
            if theirs in fields:
                fields[ours] = replace(fields[theirs], name=ours, writable=False, unique=False)
    if found.name in _HAVE_TERMS:
        fields[TERM_UNIT] = FieldDescription(
            TERM_UNIT,
            "Unit of subscription terms",
            FieldType.CHOICE,
            writable=False,
            options=("month", "day"),
            restricted=True,
        )
    for name, related in RELATED.get(found.name, {}).items():
        fields[name] = FieldDescription(name, related.label, FieldType.OTHER, writable=False)
    return replace(found, fields=MappingProxyType(fields))
