"""How a memory account takes a batch of changes."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

from connectors.base import Confirmed, CreateIdentity, Failed, Granularity, Outcome, PartialBatch
from connectors.errors import CallError, DuplicateFound, MayExist, Rejected, RetryLater
from connectors.memory import codec, tallies
from connectors.memory.faults import Fault, FaultKind
from connectors.memory.objects import MemoryObject
from connectors.memory.system import MemorySystem
from connectors.memory.tables import Row
from connectors.records import Change, Fields, Operation, Ref


class _RolledBack(Exception):
    """Leaves the transaction of an all-or-nothing batch that had a bad record."""


def take(system: MemorySystem, changes: Sequence[Change], faults: Sequence[Fault]) -> list[Outcome]:
    """Apply the changes in one transaction; faults of single records are played here."""
    declared = system.declared(changes[0].object)
    outcomes: list[Outcome] = []
    try:
        with system.tables.atomic():
            for place, change in enumerate(changes):
                outcomes.append(_one(system, declared, change, place, faults))
            bad = any(isinstance(outcome, Failed) for outcome in outcomes)
            if bad and declared.spec.partial_batch is PartialBatch.ALL_OR_NOTHING:
                raise _RolledBack
    except _RolledBack:
        message = "another record of the batch was refused, so nothing of it was done"
        back = Failed(RetryLater(message, code="ROLLED_BACK"))
        return [outcome if isinstance(outcome, Failed) else back for outcome in outcomes]
    return outcomes


def _one(
    system: MemorySystem,
    declared: MemoryObject,
    change: Change,
    place: int,
    faults: Sequence[Fault],
) -> Outcome:
    for fault in faults:
        if place in fault.records and fault.kind is FaultKind.REFUSED:
            return Failed(Rejected("the record was refused on purpose", code="REFUSED"))
        if place in fault.records and fault.kind is FaultKind.FIELD_LOCKED:
            return Failed(MayExist("a field may not be written", code="FIELDS_LOCKED"))
        if place in fault.records and fault.kind is FaultKind.ROW_LOCKED:
            return Failed(RetryLater("the record is locked", code="ROW_LOCKED"))
    try:
        return _write(system, declared, change)
    except CallError as error:
        return Failed(error)


def _write(system: MemorySystem, declared: MemoryObject, change: Change) -> Outcome:
    digest = _digest(change)
    before = system.tables.sent(change.key, change.object)
    replayed = _replay(system, declared, change, digest, before)
    if replayed is not None:
        return replayed
    row, created = _effect(system, declared, change)
    system.tables.note_sent(change.key, change.object, digest, row.id, system.now())
    return _confirmed(declared, change, row, created=created)


def _replay(
    system: MemorySystem,
    declared: MemoryObject,
    change: Change,
    digest: str,
    before: tuple[str, str | None, int] | None,
) -> Outcome | None:
    """The stored answer of an honoured idempotency key; notes what a repeat has wrong with it."""
    if before is None:
        return None
    if before[0] != digest:
        system.violate("KEY_REUSED", change.object, f"{change.key} came with another body")
    if _keyed(declared, change):
        horizon = declared.spec.replay_horizon
        age = system.now() - before[2]
        if horizon is None or age <= horizon.total_seconds() * 1_000_000:
            row = system.row(change.object, before[1] or "")
            if before[0] != digest or row is None:
                raise Rejected("the key was used with another body", code="KEY_REUSED")
            return _confirmed(declared, change, row, created=change.operation is Operation.CREATE)
    if change.operation is Operation.CREATE and change.identity is None:
        system.violate("CREATE_REPEATED", change.object, f"{change.key} was sent again")
    if change.operation is Operation.ACT:
        system.violate("ACT_REPEATED", change.object, f"{change.key} was sent again")
    return None


def _keyed(declared: MemoryObject, change: Change) -> bool:
    """Whether a repeated key of this change is answered as it was the first time."""
    if change.operation is Operation.ACT:
        return any(one.name == change.action and one.replayable for one in declared.spec.actions)
    keyed = declared.spec.create_identity is CreateIdentity.IDEMPOTENCY_KEY
    return keyed and change.operation is Operation.CREATE


def _effect(system: MemorySystem, declared: MemoryObject, change: Change) -> tuple[Row, bool]:
    match change.operation:
        case Operation.CREATE:
            return _create(system, declared, change), True
        case Operation.UPDATE:
            _refuse_create_only(declared, change)
            return _update(system, declared, _id(change), change.fields), False
        case Operation.DELETE:
            row = system.live(change.object, _id(change))
            system.tables.count(tallies.DELETES, row.object, tallies.external_of(declared, row))
            return system.archive_row(row), False
        case Operation.UPSERT:
            held = _held(system, declared, change)
            if len(held) > 1:
                raise DuplicateFound(
                    "several records hold the identity",
                    candidates=tuple(Ref(declared.name, id) for id in held),
                )
            if held:
                _refuse_create_only(declared, change)
                return _update(system, declared, held[0], change.fields), False
            return _create(system, declared, change), True
        case Operation.ACT:
            given = declared.acts.get(change.action or "")
            if given is None:
                raise Rejected(f"{declared.name} has no {change.action}", code="ACTION_UNKNOWN")
            return _update(system, declared, _id(change), {**given, **change.fields}), False


def _refuse_create_only(declared: MemoryObject, change: Change) -> None:
    locked = sorted(declared.create_only & change.fields.keys())
    if not locked:
        return
    refused = MayExist if change.operation is Operation.UPSERT else Rejected
    raise refused(
        f"{', '.join(locked)} can be given only when a {declared.name} is made",
        code="FIELDS_LOCKED",
        field_errors=dict.fromkeys(locked, "can be given only when the record is made"),
    )


def _held(system: MemorySystem, declared: MemoryObject, change: Change) -> list[str]:
    identity = change.identity
    if identity is None:
        raise Rejected("an upsert needs an identity", code="IDENTITY_MISSING")
    described = declared.fields.get(identity.field)
    known = (declared.name, identity.field) not in system.tables.dropped_fields()
    if described is None or not described.unique or not known:
        raise Rejected(
            f"{identity.field} is not a unique field of {declared.name}",
            code="IDENTITY_FIELD_UNKNOWN",
            field_errors={identity.field: "not a unique field"},
        )
    return system.holders(declared, identity.field, identity.value)


def _create(system: MemorySystem, declared: MemoryObject, change: Change) -> Row:
    fields: Fields = change.fields
    if change.identity is not None:
        fields = {**fields, change.identity.field: change.identity.value}
    row = system.insert(declared, fields)
    system.tables.count(tallies.CREATES, row.object, tallies.external_of(declared, row))
    return row


def _update(system: MemorySystem, declared: MemoryObject, id: str, fields: Fields) -> Row:
    row, changed = system.modify(system.live(declared.name, id), fields)
    kind = tallies.CHANGING_UPDATES if changed else tallies.UNCHANGED_UPDATES
    system.tables.count(kind, row.object, tallies.external_of(declared, row))
    return row


def _id(change: Change) -> str:
    if change.id is None:
        raise Rejected(f"a {change.operation} needs an id", code="ID_MISSING")
    return change.id


def _confirmed(declared: MemoryObject, change: Change, row: Row, *, created: bool) -> Confirmed:
    if not declared.answers_values or change.operation is Operation.DELETE:
        return Confirmed(id=row.id, created=created)
    versioned = declared.spec.granularity is not Granularity.NONE
    return Confirmed(
        id=row.id,
        created=created,
        version=codec.instant(row.version) if versioned else None,
        fields={name: row.fields.get(name) for name in change.fields},
    )


def _digest(change: Change) -> str:
    identity = change.identity
    named = "" if identity is None else f"{identity.field}={identity.value}"
    body = "\0".join((change.operation, change.id or "", named, codec.dump(change.fields)))
    return hashlib.sha256(body.encode()).hexdigest()[:16]
