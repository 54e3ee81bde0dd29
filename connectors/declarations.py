"""The facts a connector declares about itself and its objects. Data only: no behaviour, no SDK."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum


class Granularity(StrEnum):
    """How well a record's modified time orders its versions.

    ORDERED: fine enough to order any two edits. COARSE: whole seconds, so that equal times may
    hide a change. NONE: the object has no modified time.
    """

    ORDERED = "ordered"
    COARSE = "coarse"
    NONE = "none"


class CreateIdentity(StrEnum):
    """What makes a repeated create harmless, or findable."""

    EXTERNAL_ID = "external_id"
    UNIQUE_PROPERTY = "unique_property"
    IDEMPOTENCY_KEY = "idempotency_key"
    OWN_NUMBER = "own_number"
    NONE = "none"


class PartialBatch(StrEnum):
    """What one bad record does to its batch."""

    PER_RECORD = "per_record"
    ALL_OR_NOTHING = "all_or_nothing"


@dataclass(frozen=True, slots=True)
class Setting:
    """One setting of a connection, described to the person who fills it in."""

    name: str
    title: str
    description: str
    required: bool = False
    secret: bool = False
    default: str | None = None
    example: str | None = None
    choices: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ActionSpec:
    """Something that can be done to an existing record, beside changing its fields.

    ``done`` says in words what reading the record shows afterwards: an action whose answer was lost
    is resolved by reading, never by repeating. ``replayable`` says that a repeated key is honoured.
    """

    name: str
    done: str
    replayable: bool = False


@dataclass(frozen=True, slots=True)
class ObjectSpec:
    """The declared facts of one object. Sizes are records per call.

    ``name`` may be ``"*"``: the facts of any object not listed (custom objects).
    ``identity_field`` is the default field of ours that makes creates safe. ``replay_horizon`` is
    how long the vendor honours a repeated idempotency key. ``lookup_lag`` is how long a record we
    created may stay invisible to :meth:`Resolves.lookup`. ``overlap`` is the stretch every sweep
    of changes reads again. ``associations`` are the objects whose ids can be read along.
    ``parent_of`` maps a child object to the field of the child that holds this object's id (empty
    text where the link is an association). ``immutable_when`` is the state (in the vendor's words)
    from which a record is never edited, ``corrected_by`` a sentence for people: what to do instead.
    ``subject`` marks personal data. ``read_permission``
    and ``write_permission`` are the vendor's names of what our user must be granted, ``{object}``
    standing for the object's name; empty where there is no such name. ``webhooks`` says whether the
    vendor tells of this object's changes, where it has webhooks at all. ``findable`` says whether a
    record can be looked up by our identity: what is only sent and never shown cannot. From
    ``job_write_from`` changes on, up to ``job_write_most``, one ``apply`` may carry them all: they
    are taken as a job (see :class:`connectors.base.Collects`); nought: never.
    """

    name: str
    label: str
    granularity: Granularity
    cursor_field: str | None
    batch_read: int
    batch_write: int
    page_list: int
    page_changes: int
    batch_search: int
    create_identity: CreateIdentity
    identity_field: str | None
    partial_batch: PartialBatch = PartialBatch.PER_RECORD
    replay_horizon: timedelta | None = None
    lookup_lag: timedelta = timedelta(0)
    overlap: timedelta = timedelta(minutes=5)
    delete_source: str = ""
    match_keys: tuple[str, ...] = ()
    associations: tuple[str, ...] = ()
    children: tuple[str, ...] = ()
    immutable_when: str | None = None
    corrected_by: str = ""
    actions: tuple[ActionSpec, ...] = ()
    subject: bool = False
    writable: bool = True
    webhooks: bool = True
    findable: bool = True
    job_write_from: int = 0
    job_write_most: int = 0
    read_permission: str = ""
    write_permission: str = ""
    source: str = ""  # the vendor's page these facts come from


@dataclass(frozen=True, slots=True)
class LimitClass:
    """A rate the vendor enforces: ``calls`` per ``window``, at most ``concurrency`` at once.

    ``operations`` are the methods of the connector whose calls count against it, none named: all of
    them. ``associations`` among them stands for reading associations along with records. While the
    vendor asks for a pause of this class, only these are held back.
    """

    name: str
    calls: int
    window: timedelta
    concurrency: int | None = None
    description: str = ""
    operations: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ConnectorSpec:
    """Everything declared about a connector; reading it imports no SDK."""

    name: str
    title: str
    settings: tuple[Setting, ...]
    objects: tuple[ObjectSpec, ...]
    limits: tuple[LimitClass, ...]
    webhooks: bool = False
    native_connectors: tuple[str, ...] = ()
    documentation: str = ""

    def object(self, name: str) -> ObjectSpec | None:
        """The facts of an object, falling back to those of ``"*"``."""
        by_name = {spec.name: spec for spec in self.objects}
        return by_name.get(name) or by_name.get("*")

    def holds_back(self, limit_class: str, operations: Collection[str]) -> bool:
        """Whether a pause of a limit class holds back a call that makes these operations.

        Without operations: whether it holds back every call. So does a class that is not declared.
        """
        own = {limit.name: limit.operations for limit in self.limits}.get(limit_class, ())
        return not own or not set(own).isdisjoint(operations)
