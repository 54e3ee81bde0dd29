"""The shape of ``revline.yaml``. What the settings mean is told in ``docs/configuration.md``."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, Field, PlainValidator

from engine.config.durations import duration
from engine.config.environment import FromEnvironment
from engine.config.model import OURSELVES, Enabled, Mode, OnDelete, WriteOrder
from engine.config.problems import Block
from engine.config.yaml import plain_value
from engine.mapping.schema import ValueMapBlock
from engine.money.spread import Method


def _retyped(value: Any) -> Any:
    """A variable stands for what would have been written in its place."""
    return plain_value(str(value)) if isinstance(value, FromEnvironment) else value


def _plain_text(value: Any) -> Any:
    return str(value) if isinstance(value, str) else value


def _enabled(value: Any) -> Any:
    value = _retyped(value)
    if isinstance(value, bool):
        return Enabled.ON if value else Enabled.OFF
    if value == "shadow":
        return Enabled.SHADOW
    raise ValueError("write true, false or shadow")


def _figure(value: Any) -> Any:
    value = _retyped(value)
    if isinstance(value, bool) or not isinstance(value, int | Decimal):
        raise ValueError("write a number")
    return value


def _not_below_zero(value: Any) -> Any:
    if value < 0:
        raise ValueError("write a number that is not below zero")
    return value


Name = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9_-]{0,62}$")]
Text = Annotated[str, BeforeValidator(_plain_text)]
Whole = Annotated[int, BeforeValidator(_retyped)]
Figure = Annotated[int | Decimal, PlainValidator(_figure)]
Flag = Annotated[bool, BeforeValidator(_retyped)]
Duration = Annotated[timedelta, BeforeValidator(duration)]


class ConnectionBlock(Block):
    """What every connection has; a connector adds settings of its own."""

    connector: Text
    timezone: Text = "UTC"
    poll_every: Duration | None = None
    removed_every: Duration = timedelta(hours=1)
    allow_loopback: Flag = False


class ReceiverBlock(Block):
    """The webhook receiver."""

    host: Text = "127.0.0.1"
    port: Annotated[Whole, Field(ge=0, le=65535)] = 8080
    public_url: Text | None = None
    body_max_bytes: Annotated[Whole, Field(ge=1024, le=67_108_864)] = 1_048_576
    spool_max_mb: Annotated[Whole, Field(ge=1, le=1_048_576)] = 1024
    keep: Duration = timedelta(days=7)


class RetentionBlock(Block):
    """How many days what has ended is kept, table by table; left out: ``payload_days``."""

    inbox_rows: Annotated[Whole, Field(ge=1, le=3650)] | None = None
    intents: Annotated[Whole, Field(ge=1, le=3650)] | None = None
    issues: Annotated[Whole, Field(ge=1, le=3650)] | None = None


class DefaultsBlock(Block):
    """What a sync or connection uses where it says nothing itself."""

    poll_every: Duration = timedelta(minutes=5)
    retries: Annotated[Whole, Field(ge=0, le=10)] = 3
    recheck_held: Duration = timedelta(minutes=15)


class RouteBlock(Block):
    """A rule that puts every record on one of two sides, by a number and a threshold."""

    from_: Text = Field(alias="from")
    by: Text
    operator: Literal[">=", ">"]
    threshold: Figure
    hysteresis: Annotated[Figure, AfterValidator(_not_below_zero)] = 0
    above: Name
    below: Name
    if_blank: Literal["leave_out", "hold"] = "leave_out"


class SyncRouteBlock(Block):
    """The side of a route whose records a sync takes."""

    rule: Text
    side: Text


class RecheckBlock(Block):
    """Re-reading of records that can change without a new version."""

    every: Duration
    window: Duration


class GuardsBlock(Block):
    """Automatic stops, counted per sync and hour."""

    creates_max: Annotated[Whole, Field(ge=0)] | None = None
    deletes_max: Annotated[Whole, Field(ge=0)] | None = 0


class TriggerBlock(Block):
    """What sets a sync off, other than a change."""

    period_end: Duration


class ModificationBlock(Block):
    """How a change of a contract is earned: for every product family, and for some of them."""

    default: Annotated[Method, Field(strict=False)] = Method.PROSPECTIVE
    families: dict[Text, Annotated[Method, Field(strict=False)]] = Field(default_factory=dict)


class FiscalCalendarBlock(Block):
    """Accounting periods are calendar months; they end at midnight in this zone."""

    timezone: Text = "UTC"


class BooksBlock(Block):
    """How the books are kept, and which system decides what."""

    recognition_owner: Name = OURSELVES
    tax_owner: Text | None = None
    fiscal_calendar: FiscalCalendarBlock = Field(default_factory=FiscalCalendarBlock)
    modification: ModificationBlock = Field(default_factory=ModificationBlock)
    refund_means: dict[Text, Literal["credit_memo", "cash_only"]] = Field(default_factory=dict)
    recognised_at_invoice: list[Text] = Field(default_factory=list)
    report_currency: Text | None = None
    rate_max_days: Annotated[Whole, Field(ge=0, le=366)] = 7


class SyncBlock(Block):
    """One sync."""

    description: Text | None = None
    from_: Text = Field(alias="from")
    to: Text | None = None
    observe: Flag = False
    mapping: Name
    route: SyncRouteBlock | None = None
    start_from: Text
    enabled: Annotated[Enabled, BeforeValidator(_enabled)] = Enabled.ON
    mode: Annotated[Mode, Field(strict=False)] = Mode.UPSERT
    after: list[Text] = Field(default_factory=list)
    poll_every: Duration | None = None
    webhooks: Flag = True
    write_order: Annotated[WriteOrder, Field(strict=False)] = WriteOrder.MERGED
    retries: Annotated[Whole, Field(ge=0, le=10)] | None = None
    on_delete: Annotated[OnDelete, Field(strict=False)] = OnDelete.FLAG
    recheck: RecheckBlock | None = None
    guards: GuardsBlock = Field(default_factory=GuardsBlock)
    group_by: list[Text] = Field(default_factory=list)
    trigger: TriggerBlock | None = None


class ProjectFile(Block):
    """The whole file. Connections are checked against their connectors afterwards."""

    version: Literal[1]
    environment: Name = "production"
    connections: dict[Name, dict[str, Any]]
    receiver: ReceiverBlock = Field(default_factory=ReceiverBlock)
    store: str | None = None
    payload_days: Annotated[Whole, Field(ge=1, le=3650)] = 30
    retention: RetentionBlock = Field(default_factory=RetentionBlock)
    defaults: DefaultsBlock = Field(default_factory=DefaultsBlock)
    value_maps: dict[str, ValueMapBlock] = Field(default_factory=dict)
    books: BooksBlock = Field(default_factory=BooksBlock)
    routes: dict[Name, RouteBlock] = Field(default_factory=dict)
    syncs: dict[Name, SyncBlock] = Field(default_factory=dict)
