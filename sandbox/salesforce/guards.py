"""What can stop a write besides the record itself: unique values, rules of the org, row locks."""

from __future__ import annotations

from typing import Any

from sandbox.salesforce.errors import Refusal
from sandbox.salesforce.org import DuplicateRule, Org
from sandbox.salesforce.schema import ObjectSpec
from sandbox.salesforce.soql.conditions import Conditions
from sandbox.salesforce.soql.tree import Query
from sandbox.salesforce.values import Row


def check_unique(org: Org, spec: ObjectSpec, row: Row) -> None:
    """DUPLICATE_VALUE naming the holder in its text and no field, as the platform does."""
    table = org.table(spec.name)
    for field in spec.unique_fields:
        value = row.get(field.name)
        if value is None:
            continue
        others = [id for id in table.holders(field, value) if id != row["Id"]]
        if others:
            raise Refusal(
                "DUPLICATE_VALUE",
                f"duplicate value found: {field.name} duplicates value on record with id: "
                f"{others[0]}",
                more={"fields": []},
            )


def check_validations(org: Org, spec: ObjectSpec, row: Row) -> None:
    """FIELD_CUSTOM_VALIDATION_EXCEPTION with the administrator's message."""
    for rule in org.rules.validations:
        if rule.object != spec.name:
            continue
        test = Conditions(org, spec, rule.text, org.now(), _no_sub_query).compile(rule.condition)
        if test(row):
            fields = (rule.field,) if rule.field else ()
            raise Refusal("FIELD_CUSTOM_VALIDATION_EXCEPTION", rule.message, *fields)


def _no_sub_query(_: Query) -> frozenset[Any]:
    raise Refusal("MALFORMED_QUERY", "no sub-query in a validation rule")


def check_duplicates(org: Org, spec: ObjectSpec, old: Row | None, row: Row, *, allow: bool) -> None:
    """DUPLICATES_DETECTED; the platform really spells the key ``duplicateResut``."""
    for rule in org.rules.duplicates:
        if rule.object != spec.name or (allow and rule.allow_save):
            continue
        if old is not None and all(old.get(name) == row.get(name) for name in rule.fields):
            continue
        found = _matches(org, rule, row)
        if found:
            message = "Use one of these records?"
            raise Refusal(
                "DUPLICATES_DETECTED",
                message,
                more={"duplicateResut": _result(org, rule, found, message)},
            )


def _matches(org: Org, rule: DuplicateRule, row: Row) -> list[Row]:
    wanted = [_folded(row.get(name)) for name in rule.fields]
    if None in wanted:
        return []
    return [
        other
        for name in rule.others
        for other in org.table(name)
        if not other["IsDeleted"]
        and other["Id"] != row["Id"]
        and [_folded(other.get(field)) for field in rule.fields] == wanted
    ]


def _folded(value: Any) -> Any:
    return value.lower() if isinstance(value, str) else value


def _result(org: Org, rule: DuplicateRule, found: list[Row], message: str) -> dict[str, Any]:
    by_object: dict[str, list[Row]] = {}
    for row in found:
        by_object.setdefault(org.object_of(row["Id"]) or "", []).append(row)
    results = [
        {
            "entityType": name,
            "errors": [],
            "matchEngine": "ExactMatchEngine",
            "matchRecords": [
                {
                    "additionalInformation": [],
                    "fieldDiffs": [],
                    "matchConfidence": 100.0,
                    "record": {"attributes": {"type": name}, "Id": row["Id"]},
                }
                for row in rows
            ],
            "rule": rule.name,
            "size": len(rows),
            "success": True,
        }
        for name, rows in by_object.items()
    ]
    return {
        "allowSave": rule.allow_save,
        "duplicateRule": rule.name,
        "duplicateRuleEntityType": rule.object,
        "errorMessage": message,
        "matchResults": results,
    }


def check_locks(org: Org, spec: ObjectSpec, row: Row) -> None:
    """UNABLE_TO_LOCK_ROW while the record, or a parent that a write locks too, is held."""
    if not org.rules.locks:
        return
    touched = {row["Id"]}
    touched.update(
        row[field.name]
        for field in spec.fields.values()
        if field.type == "reference" and "User" not in field.to and row.get(field.name)
    )
    for lock in org.rules.locks:
        if lock.id in touched and lock.times > 0:
            lock.times -= 1
            raise Refusal(
                "UNABLE_TO_LOCK_ROW",
                f"unable to obtain exclusive access to this record or 1 records: {lock.id}",
            )


def check_turn(org: Org, spec: ObjectSpec, row: Row) -> None:
    """UNABLE_TO_LOCK_ROW where calls that were under way together write lines of one quote.

    The package's triggers hold the quote for as long as the call takes.
    """
    if spec.name != "SBQQ__QuoteLine__c":
        return
    if org.turns.collide(row["SBQQ__Quote__c"]):
        raise Refusal(
            "UNABLE_TO_LOCK_ROW",
            "unable to obtain exclusive access to this record or 1 records: "
            f"{row['SBQQ__Quote__c']}",
        )
