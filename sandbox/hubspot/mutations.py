"""Edits behind the API's back, as a person or an administrator makes them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final, TypeAlias

from sandbox.hubspot import loading
from sandbox.hubspot.account import Account
from sandbox.hubspot.errors import ApiError
from sandbox.hubspot.planning import Planner
from sandbox.hubspot.render import record_json
from sandbox.hubspot.schema import ObjectType
from sandbox.hubspot.store import Record
from sandbox.messages import Json
from sandbox.simulator import BadCommand, Mutation

Edit: TypeAlias = Callable[[Account, ObjectType, Mutation], Json]


def carry_out(account: Account, mutation: Mutation) -> Json:
    """The record (or definition) after the edit; :class:`BadCommand` when it cannot be done.

    Besides create, update, delete, archive, restore and merge: ``associate`` and ``dissociate``
    (fields ``{"object", "id"}``), ``add_property`` (a definition), ``drop_property``
    (``{"name"}``), ``retype_property`` (``{"name", "type"}``), ``set_options``
    (``{"name", "options"}``).
    """
    if mutation.object == "owners":
        return _owner(account, mutation)
    object_type = account.schema.find(mutation.object)
    if object_type is None:
        raise BadCommand(f"no object type {mutation.object}")
    edit = _EDITS.get(mutation.operation)
    if edit is None:
        raise BadCommand(f"op must be one of {', '.join(_EDITS)}; got {mutation.operation}")
    try:
        return edit(account, object_type, mutation)
    except ApiError as error:
        raise BadCommand(error.message) from None


def _record(account: Account, object_type: ObjectType, id: object) -> Record:
    record = account.store.get(object_type, str(id))
    if record is None:
        raise BadCommand(f"no {object_type.singular} {id}")
    return record


def _live(account: Account, object_type: ObjectType, id: object) -> Record:
    record = _record(account, object_type, id)
    if record.archived:
        raise BadCommand(f"{object_type.singular} {record.id} is archived")
    return record


def _shown(record: Record) -> Json:
    return record_json(record, tuple(record.type.properties))


def _create(account: Account, object_type: ObjectType, mutation: Mutation) -> Json:
    return _shown(loading.create_checked(account, object_type.name, mutation.fields))


def _update(account: Account, object_type: ObjectType, mutation: Mutation) -> Json:
    record = _live(account, object_type, mutation.id)
    account.update(record, Planner(account).plan(object_type, record, dict(mutation.fields)))
    return _shown(record)


def _archive(account: Account, object_type: ObjectType, mutation: Mutation) -> Json:
    record = _record(account, object_type, mutation.id)
    if not record.archived:
        account.archive(record)
    return _shown(record)


def _restore(account: Account, object_type: ObjectType, mutation: Mutation) -> Json:
    record = _record(account, object_type, mutation.id)
    if not record.archived or record.merged_into is not None:
        raise BadCommand(f"{object_type.singular} {record.id} is not in the recycle bin")
    account.restore(record)
    return _shown(record)


def _merge(account: Account, object_type: ObjectType, mutation: Mutation) -> Json:
    survivor = _record(account, object_type, mutation.id)
    loser = _record(account, object_type, mutation.fields["loser"])
    if not object_type.mergeable or survivor is loser or survivor.archived or loser.archived:
        raise BadCommand("only two live records of a mergeable object can be merged")
    account.merge(survivor, loser)
    return _shown(survivor)


def _associate(account: Account, object_type: ObjectType, mutation: Mutation) -> Json:
    record, other = _two_ends(account, object_type, mutation)
    account.associate(record, other, ())
    return _shown(record)


def _dissociate(account: Account, object_type: ObjectType, mutation: Mutation) -> Json:
    record, other = _two_ends(account, object_type, mutation)
    account.dissociate(record, other)
    return _shown(record)


def _two_ends(
    account: Account, object_type: ObjectType, mutation: Mutation
) -> tuple[Record, Record]:
    to = account.schema.find(str(mutation.fields["object"]))
    if to is None:
        raise BadCommand(f"no object type {mutation.fields['object']}")
    record = _live(account, object_type, mutation.id)
    return record, _live(account, to, mutation.fields["id"])


def _add_property(account: Account, object_type: ObjectType, mutation: Mutation) -> Json:
    loading.add_property(account, object_type.name, mutation.fields)
    return dict(mutation.fields)


def _drop_property(_: Account, object_type: ObjectType, mutation: Mutation) -> Json:
    definition = object_type.properties[mutation.fields["name"]]
    definition.archived = True
    return {"name": definition.name, "archived": True}


def _retype_property(_: Account, object_type: ObjectType, mutation: Mutation) -> Json:
    definition = object_type.properties[mutation.fields["name"]]
    definition.type = str(mutation.fields["type"])
    return {"name": definition.name, "type": definition.type}


def _set_options(_: Account, object_type: ObjectType, mutation: Mutation) -> Json:
    definition = object_type.properties[mutation.fields["name"]]
    definition.options = [str(option) for option in mutation.fields["options"]]
    return {"name": definition.name, "options": definition.options}


def _owner(account: Account, mutation: Mutation) -> Json:
    """Deactivate or reactivate an owner."""
    for owner in account.owners:
        if owner.id == mutation.id and mutation.operation in {"archive", "restore"}:
            owner.archived = mutation.operation == "archive"
            return {"id": owner.id, "archived": owner.archived}
    raise BadCommand(f"no owner {mutation.id}, or op is not archive or restore")


_EDITS: Final[Mapping[str, Edit]] = {
    "create": _create,
    "update": _update,
    "delete": _archive,
    "archive": _archive,
    "restore": _restore,
    "merge": _merge,
    "associate": _associate,
    "dissociate": _dissociate,
    "add_property": _add_property,
    "drop_property": _drop_property,
    "retype_property": _retype_property,
    "set_options": _set_options,
}
