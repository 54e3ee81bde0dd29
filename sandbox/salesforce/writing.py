"""Creating, changing and deleting records: the checks of every write, in the platform's order.

Unknown field → not writable → type and length → references → required → object rules → unique
values → validation rules → duplicate rules → row locks.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sandbox.salesforce import ids
from sandbox.salesforce.errors import Refusal
from sandbox.salesforce.guards import (
    check_duplicates,
    check_locks,
    check_turn,
    check_unique,
    check_validations,
)
from sandbox.salesforce.org import Org
from sandbox.salesforce.rules import rules_of
from sandbox.salesforce.rules.base import Save, missing
from sandbox.salesforce.schema import FieldSpec, ObjectSpec
from sandbox.salesforce.values import Row, accept, accept_id


@dataclass(frozen=True, slots=True)
class Saved:
    """What a write did."""

    row: Row
    created: bool
    changed: bool


class Writer:
    """Writes of one request. ``allow_duplicates``: the caller accepts what duplicate rules find.

    ``as_system`` writes also fields that the API may not (data loads, an administrator's hand).
    """

    def __init__(
        self, org: Org, *, allow_duplicates: bool = False, as_system: bool = False
    ) -> None:
        self._org = org
        self._allow_duplicates = allow_duplicates
        self._as_system = as_system

    def object(self, name: str) -> ObjectSpec:
        """The object of that name; NOT_FOUND otherwise."""
        spec = self._org.schema.object(name)
        if spec is None:
            raise Refusal("NOT_FOUND", "The requested resource does not exist")
        return spec

    def create(self, object_name: str, body: Mapping[str, Any]) -> Saved:
        """A new record."""
        spec = self.object(object_name)
        if spec.access != "write" and not self._as_system:
            raise Refusal(
                "CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY",
                f"entity type {spec.name} cannot be inserted",
            )
        with self._org.savepoint():
            given = self._accept(spec, body, creating=True)
            row = self._blank(spec)
            row.update({name: value for name, value in given.items() if value is not None})
            self._defaults(spec, row, given)
            saved = self._save(spec, None, given, row)
        return Saved(saved, created=True, changed=True)

    def update(self, object_name: str, id: str, body: Mapping[str, Any]) -> Saved:
        """Change a record; the modified time moves even when nothing differs."""
        spec = self.object(object_name)
        if spec.access == "read" and not self._as_system:
            raise Refusal("CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY", "entity cannot be updated")
        old = self.existing(spec, id)
        with self._org.savepoint():
            given = self._accept(spec, body, creating=False)
            row = {**old, **given}
            changed = any(old.get(name) != value for name, value in given.items())
            saved = self._save(spec, old, given, row)
        return Saved(saved, created=False, changed=changed)

    def existing(self, spec: ObjectSpec, id: str) -> Row:
        """The live row of an id; MALFORMED_ID, NOT_FOUND or ENTITY_IS_DELETED otherwise."""
        try:
            full = ids.normalise(id)
        except ids.MalformedId as error:
            raise Refusal(
                "MALFORMED_ID",
                f"{spec.name} ID: id value of incorrect type: {id}",
                "Id",
            ) from error
        if full[:3] != spec.prefix:
            raise Refusal("MALFORMED_ID", f"{spec.name} ID: id value of incorrect type: {id}", "Id")
        row = self._org.row(full)
        if row is None:
            raise Refusal(
                "NOT_FOUND",
                f"Provided external ID field does not exist or is not accessible: {full}",
            )
        if row["IsDeleted"]:
            raise Refusal("ENTITY_IS_DELETED", "entity is deleted")
        return row

    # -- values ----------------------------------------------------------------------------------

    def _accept(
        self, spec: ObjectSpec, body: Mapping[str, Any], *, creating: bool
    ) -> dict[str, Any]:
        given: dict[str, Any] = {}
        locked: list[str] = []
        for name, value in body.items():
            if name == "attributes":
                continue
            reference = spec.by_relationship.get(name.lower())
            if reference is not None and isinstance(value, dict):
                given[reference.name] = self._by_external_id(reference, value)
                field = reference
            else:
                found = spec.field(name)
                if found is None:
                    raise Refusal(
                        "INVALID_FIELD", f"No such column '{name}' on sobject of type {spec.name}"
                    )
                field = found
                given[field.name] = self._accept_value(field, value)
            if not (field.createable if creating else field.updateable):
                locked.append(field.name)
        if locked and not self._as_system:
            raise Refusal(
                "INVALID_FIELD_FOR_INSERT_UPDATE",
                f"Unable to create/update fields: {', '.join(locked)}. Please check the security "
                "settings of this field and verify that it is read/write for your profile or "
                "permission set.",
                *locked,
            )
        return given

    def _accept_value(self, field: FieldSpec, value: Any) -> Any:
        accepted = accept(field, value)
        if field.type == "reference" and isinstance(accepted, str):
            self._check_reference(field, accepted)
        return accepted

    def _by_external_id(self, reference: FieldSpec, value: Mapping[str, Any]) -> str:
        """The id behind ``{"Account": {"Ext__c": "…"}}``."""
        keys = {key: inner for key, inner in value.items() if key != "attributes"}
        target = self._org.schema.objects[reference.to[0]]
        if len(keys) != 1:
            message = f"{reference.relationship}: name exactly one external id field"
            raise Refusal("INVALID_FIELD", message)
        name, inner = next(iter(keys.items()))
        field = target.field(name)
        if field is None or not (field.external_id or field.name == "Id"):
            message = f"{name} is not an external id field of {target.name}"
            raise Refusal("INVALID_FIELD", message)
        if field.name == "Id":
            return accept_id(reference, str(inner))
        holders = self._org.table(target.name).holders(field, str(inner))
        if len(holders) != 1:
            reason = "not found" if not holders else "found more than once"
            raise Refusal(
                "INVALID_FIELD",
                f"Foreign key external ID: {inner} {reason} for field {field.name} in entity "
                f"{target.name}",
            )
        return holders[0]

    def _check_reference(self, field: FieldSpec, id: str) -> None:
        target = self._org.object_of(id)
        if target not in field.to:
            message = f"{field.label}: id value of incorrect type: {id}"
            raise Refusal("FIELD_INTEGRITY_EXCEPTION", message, field.name)
        row = self._org.row(id)
        if row is None:
            raise Refusal("INVALID_CROSS_REFERENCE_KEY", "invalid cross reference id", field.name)
        if row["IsDeleted"] and not self._as_system:
            raise Refusal("ENTITY_IS_DELETED", "entity is deleted", field.name)
        if field.name == "OwnerId" and not row.get("IsActive", True) and not self._as_system:
            raise Refusal(
                "INACTIVE_OWNER_OR_USER",
                f"operation performed with inactive user [{id}] as owner of record",
                "OwnerId",
            )

    def _blank(self, spec: ObjectSpec) -> Row:
        now = self._org.stamp()
        return {
            "Id": self._org.table(spec.name).next_id(),
            "IsDeleted": False,
            "CreatedDate": now,
            "CreatedById": self._org.user_id,
            "LastModifiedDate": now,
            "LastModifiedById": self._org.user_id,
            "SystemModstamp": now,
        }

    def _defaults(self, spec: ObjectSpec, row: Row, given: Mapping[str, Any]) -> None:
        for field in spec.defaulted_fields:
            if field.name in given:
                continue
            if field.default == "@user":
                row[field.name] = self._org.user_id
            else:
                row[field.name] = accept(field, field.default) if field.default else False

    # -- saving ----------------------------------------------------------------------------------

    def _save(self, spec: ObjectSpec, old: Row | None, given: Mapping[str, Any], row: Row) -> Row:
        org = self._org
        absent = [name for name in spec.required_names if row.get(name) is None]
        if absent and not self._as_system:
            raise missing(*absent)
        save = Save(org, old, given, row)
        rules_of(spec.name, org).before_save(save)
        check_unique(org, spec, row)
        if not self._as_system:
            check_validations(org, spec, row)
            check_duplicates(org, spec, old, row, allow=self._allow_duplicates)
            check_locks(org, spec, row)
            check_turn(org, spec, row)
        self._stamp(row, given)
        org.put(row)
        rules_of(spec.name, org).after_change(org, row)
        return org.row(row["Id"]) or row

    def _stamp(self, row: Row, given: Mapping[str, Any]) -> None:
        now = self._org.stamp()
        fresh = {
            "SystemModstamp": now,
            "LastModifiedDate": now,
            "LastModifiedById": self._org.user_id,
        }
        row.update({name: value for name, value in fresh.items() if name not in given})

    # -- deleting --------------------------------------------------------------------------------

    def delete(self, object_name: str, id: str) -> Row:
        """Move a record, and the children that live with it, to the recycle bin."""
        spec = self.object(object_name)
        if spec.access != "write" and not self._as_system:
            raise Refusal("INSUFFICIENT_ACCESS_OR_READONLY", "insufficient access rights")
        row = self.existing(spec, id)
        with self._org.savepoint():
            if not self._as_system:
                check_locks(self._org, spec, row)
            return self._delete(spec, row)

    def _delete(self, spec: ObjectSpec, row: Row) -> Row:
        org = self._org
        rules_of(spec.name, org).before_delete(org, row)
        for child, field in org.schema.children[spec.name]:
            self._part_from(child, field, row)
        deleted = org.revise(row["Id"], {"IsDeleted": True})
        rules_of(spec.name, org).after_change(org, deleted)
        return deleted

    def _part_from(self, child: ObjectSpec, field: FieldSpec, parent: Row) -> None:
        table = self._org.table(child.name)
        if not table.is_reference(field.name):
            return
        for row in list(table.children(field.name, parent["Id"])):
            if field.on_delete == "cascade":
                self._delete(child, row)
            elif field.on_delete == "restrict":
                raise Refusal(
                    "DELETE_FAILED",
                    f"Your attempt to delete {parent.get('Name')} could not be completed because "
                    f"it is associated with the following {child.name}: {row['Id']}",
                )
            elif field.updateable:
                self._org.revise(row["Id"], {field.name: None})

    def undelete(self, id: str) -> Row:
        """Bring a record back from the recycle bin, with the children deleted along with it."""
        row = self._org.row(ids.normalise(id))
        if row is None or not row["IsDeleted"]:
            raise Refusal("UNDELETE_FAILED", "entity is not in the recycle bin")
        if row.get("MasterRecordId") is not None:
            raise Refusal("UNDELETE_FAILED", "a merged record cannot be restored")
        with self._org.savepoint():
            return self._undelete(row)

    def _undelete(self, row: Row) -> Row:
        org = self._org
        spec = org.schema.by_prefix[row["Id"][:3]]
        check_unique(org, spec, {**row, "IsDeleted": False})
        restored = org.revise(row["Id"], {"IsDeleted": False})
        for child, field in org.schema.children[spec.name]:
            table = org.table(child.name)
            if field.on_delete != "cascade":
                continue
            for id in table.pointing_at(field.name, row["Id"]):
                other = table.rows[id]
                if other["IsDeleted"] and _together(other, row):
                    self._undelete(other)
        rules_of(spec.name, org).after_change(org, restored)
        return org.row(row["Id"]) or restored


def _together(child: Row, parent: Row) -> bool:
    """Whether two records were deleted in one act: at most a second apart."""
    if child.get("MasterRecordId") is not None:
        return False
    times = [datetime.fromisoformat(row["SystemModstamp"]) for row in (child, parent)]
    return abs((times[0] - times[1]).total_seconds()) <= 1


def required_ids(values: Iterable[str]) -> tuple[str, ...]:
    """Ids in their long form; MALFORMED_ID for anything else."""
    found = []
    for value in values:
        try:
            found.append(ids.normalise(value))
        except ids.MalformedId as error:
            raise Refusal("MALFORMED_ID", f"malformed id {value}") from error
    return tuple(found)
