"""The shape of a mapping file. What the keys mean is told in ``docs/mappings.md``."""

from __future__ import annotations

import re
from typing import Annotated, Any, Final, Literal

from pydantic import AfterValidator, BeforeValidator, Field

from engine.config.problems import Block
from engine.mapping.model import Enforce, OnConflict, OnMissing, Side
from engine.mapping.values import Unmapped
from engine.money.model import FactKind

Name = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9_-]{0,62}$")]
_IDENTITY_FORM: Final = re.compile(r"[A-Za-z0-9_-]*\{id\}[A-Za-z0-9_-]*")


def _identity_form(value: str) -> str:
    if _IDENTITY_FORM.fullmatch(value) is None:
        raise ValueError("write letters, digits, _ and -, and {id} once, such as O-{id}")
    return value


IdentityForm = Annotated[str, AfterValidator(_identity_form)]


def _field_options(value: Any) -> Any:
    return {"from": value} if isinstance(value, str) else value


def _match_rule(value: Any) -> Any:
    return {"by": value} if isinstance(value, dict) and "by" not in value else value


class SourceBlock(Block):
    """Where records come from, and what is read along with them."""

    object: str
    include: list[str] = Field(default_factory=list)
    associations: list[str] = Field(default_factory=list)


class TargetBlock(Block):
    """Where they go."""

    object: str
    identity: str | None = None
    identity_as: IdentityForm | None = None


class MatchBlock(Block):
    """One way to find an existing counterpart."""

    by: dict[str, str]
    name: str | None = None


class GateBlock(Block):
    """A condition without which a record is held."""

    name: Name
    when: str | None = None
    hold_unless: str | None = None
    complete: str | None = None
    say: str | None = None


class FieldGroupBlock(Block):
    """Fields that are filled in together, such as those of a sales method."""

    title: str | None = None
    fields: dict[str, str]
    complete_from: Annotated[int, Field(ge=1)] | None = None
    fill_in: str = "at the source"


class ValueMapBlock(Block):
    """Which value of the target stands for which value of the source."""

    values: dict[str, Any]
    unmapped: Annotated[Unmapped, Field(strict=False)] = Unmapped.REJECT
    default: Any = None


class CatalogueBlock(Block):
    """A small table of the target, read once."""

    object: str
    key: list[str]
    fields: list[str]


class FieldBlock(Block):
    """How one target field gets its value."""

    from_: str | None = Field(default=None, alias="from")
    const: Any = None
    default: Any = None
    value_map: str | None = None
    record: dict[str, FieldOptions] | None = None
    list_: list[dict[str, FieldOptions]] | None = Field(default=None, alias="list")
    each: str | None = None
    where: str | None = None
    item: dict[str, FieldOptions] | None = None
    lists: list[FieldOptions] | None = None
    ref: str | None = None
    to: str | None = None
    on_missing: Annotated[OnMissing, Field(strict=False)] = OnMissing.HOLD
    when: str | None = None
    owner: Annotated[Side, Field(strict=False)] | None = None
    on_conflict: Annotated[OnConflict, Field(strict=False)] = OnConflict.OWNER
    enforce: Annotated[Enforce, Field(strict=False)] = Enforce.ON_CHANGE
    on_create_only: bool = False


FieldOptions = Annotated[FieldBlock, BeforeValidator(_field_options)]
MatchOptions = Annotated[MatchBlock, BeforeValidator(_match_rule)]


class ChildBlock(Block):
    """One kind of child records under the root."""

    name: Name
    include: str | None = None
    each: str | None = None
    key: str | None = None
    object: str
    identity: str | None = None
    parent_field: str
    removed: Literal["flag", "delete"] = "flag"
    when: str | None = None
    match: list[MatchOptions] = Field(default_factory=list)
    gates: list[GateBlock] = Field(default_factory=list)
    fields: dict[str, FieldOptions]


class FactBlock(Block):
    """An amount that a record proves, for the books."""

    kind: Annotated[FactKind, Field(strict=False)]
    each: str | None = None
    where: str | None = None
    key: str | None = None
    when: str | None = None
    amount: str
    currency: str
    effective_on: str
    contract: str | None = None
    deal: str | None = None
    obligation: str | None = None
    document: str | None = None
    family: str | None = None
    entity: str | None = None
    service_from: str | None = None
    service_to: str | None = None


class StepBlock(Block):
    """Something to do to the target record once it is there."""

    name: Name
    action: str
    when: str | None = None
    done_when: str
    fields: dict[str, FieldOptions] = Field(default_factory=dict)


class PeriodBlock(Block):
    """The accounting period that a record of the source stands for."""

    start: str
    end: str
    closed: str


class RateBlock(Block):
    """The exchange rate that a record of the source stands for."""

    from_currency: str
    to_currency: str
    rate: str
    effective_on: str


class ExampleBlock(Block):
    """A record and what must become of it."""

    name: str
    given: GivenBlock
    expect: Any


class GivenBlock(Block):
    """The record, what surrounds it, and what is linked."""

    id: str = "1"
    fields: dict[str, Any] = Field(default_factory=dict)
    associations: dict[str, list[str]] = Field(default_factory=dict)
    children: dict[str, list[GivenChild]] = Field(default_factory=dict)
    links: dict[str, dict[str, Any]] = Field(default_factory=dict)
    catalogues: dict[str, dict[str, dict[str, Any]]] = Field(default_factory=dict)


class GivenChild(Block):
    """A child record of an example."""

    id: str
    fields: dict[str, Any] = Field(default_factory=dict)
    associations: dict[str, list[str]] = Field(default_factory=dict)


class MappingFile(Block):
    """A whole mapping file."""

    mapping: Name
    description: str | None = None
    source: SourceBlock
    target: TargetBlock | None = None
    when: str | None = None
    business_key: str | None = None
    formulas: dict[str, str] = Field(default_factory=dict)
    field_groups: dict[Name, FieldGroupBlock] = Field(default_factory=dict)
    match: list[MatchOptions] = Field(default_factory=list)
    gates: list[GateBlock] = Field(default_factory=list)
    value_maps: dict[str, ValueMapBlock] = Field(default_factory=dict)
    catalogues: dict[str, CatalogueBlock] = Field(default_factory=dict)
    fields: dict[str, FieldOptions] = Field(default_factory=dict)
    children: list[ChildBlock] = Field(default_factory=list)
    steps: list[StepBlock] = Field(default_factory=list)
    facts: list[FactBlock] = Field(default_factory=list)
    period: PeriodBlock | None = None
    rate: RateBlock | None = None
    examples: list[ExampleBlock] = Field(default_factory=list)


FieldBlock.model_rebuild()
ExampleBlock.model_rebuild()
GivenBlock.model_rebuild()
MappingFile.model_rebuild()
