"""Runs the examples at the end of a mapping file: they are its tests, readable by their owners."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Mapping
from dataclasses import dataclass, fields
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any, Final

from connectors.records import Fields, Record, Ref, Selection, Value
from engine.config.yaml import Plain
from engine.mapping.compiled import MappingProgram
from engine.mapping.faults import DataFault
from engine.mapping.model import (
    AwaitsLink,
    Desired,
    Held,
    LinkAnswer,
    Lookups,
    Mapped,
    NotIncluded,
    Reference,
    SourceView,
    Unmappable,
)
from engine.mapping.schema import ExampleBlock, GivenBlock, GivenChild
from engine.mapping.texts import text
from engine.money.model import Fact, PeriodState, Rate

_DATE: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_INSTANT: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:.]+(Z|[+-][0-9]{2}:?[0-9]{2})")
OUTCOMES: Final = (
    "fields",
    "later",
    "matches",
    "children",
    "facts",
    "period",
    "rate",
    "not_included",
    "held",
    "says",
    "waiting",
    "fault",
)


_FACT_FIELDS: Final = (
    *("kind", "key", "currency", "effective_on", "contract", "deal", "obligation", "document"),
    *("family", "entity", "service_from", "service_to"),
)


@dataclass(frozen=True, slots=True)
class ExampleResult:
    """One example. ``difference`` is for people: one line per thing that is not as expected."""

    name: str
    passed: bool
    difference: str = ""


def run_examples(mapping: MappingProgram) -> list[ExampleResult]:
    """Run every example of a mapping, in the order of the file."""
    return [_run(mapping, example) for example in mapping.examples]


def _run(mapping: MappingProgram, example: ExampleBlock) -> ExampleResult:
    try:
        differences = _differences(mapping, example)
    except (AttributeError, DataFault, KeyError, TypeError, ValueError):
        differences = ["given or expect does not have the shape that docs/mappings.md describes"]
    return ExampleResult(example.name, not differences, "\n".join(differences))


def _differences(mapping: MappingProgram, example: ExampleBlock) -> list[str]:
    view = _view(mapping, example.given)
    lookups = _lookups(mapping, view, example.given)
    mapped = _outcome(mapping, view, lookups)
    differences = _compare(mapped, example.expect)
    if isinstance(example.expect, dict):
        differences += _compare_proofs(mapping, view, lookups, example.expect)
    wanted = example.expect.get("children") if isinstance(example.expect, dict) else None
    if wanted is not None and isinstance(mapped, Desired):
        differences += _compare_children(mapping, view, lookups, wanted)
    return differences


def _outcome(mapping: MappingProgram, view: SourceView, lookups: Lookups) -> Mapped:
    """What becomes of a record; a fault in what it proves stops it like any other."""
    mapped = mapping.map(view, lookups)
    if isinstance(mapped, Desired):
        proofs = [one(view, lookups) for one in (mapping.facts, mapping.period, mapping.rate)]
        for proof in proofs:
            if isinstance(proof, AwaitsLink | Unmappable):
                return proof
    return mapped


def _compare_proofs(
    mapping: MappingProgram, view: SourceView, lookups: Lookups, expect: Mapping[str, Any]
) -> list[str]:
    """How the facts, the period and the rate that a record proves differ from the expected."""
    differences: list[str] = []
    if "facts" in expect:
        found = mapping.facts(view, lookups)
        if isinstance(found, AwaitsLink | Unmappable):
            return [_surprise(found)]
        shown = [_fact_shown(fact) for fact in found]
        wanted = [typed(one) for one in expect["facts"] or []]
        if shown != wanted:
            differences.append(f"facts: expected {show(tuple(wanted))}; found {show(tuple(shown))}")
    states: tuple[tuple[str, object], ...] = (
        ("period", mapping.period(view, lookups)),
        ("rate", mapping.rate(view, lookups)),
    )
    for name, state in states:
        if name in expect:
            differences += _compare_state(name, state, typed(expect[name]))
    return differences


def _compare_state(name: str, state: object, expected: Value) -> list[str]:
    if not isinstance(state, PeriodState | Rate):
        return [] if state is None and expected is None else [f"no {name} was found"]
    shown: dict[str, Value] = {one.name: getattr(state, one.name) for one in fields(state)}
    return [] if shown == expected else [f"{name}: found {show(shown)}"]


def _fact_shown(fact: Fact) -> dict[str, Value]:
    """A fact as an example writes it: the amount in major units, what is blank left out."""
    amount = Decimal(fact.amount_minor).scaleb(-fact.exponent)
    whole = {**{name: getattr(fact, name) for name in _FACT_FIELDS}, "amount": amount}
    return {name: value for name, value in whole.items() if value is not None}


def _view(mapping: MappingProgram, given: GivenBlock) -> SourceView:
    includes = mapping.includes
    return SourceView(
        _record(mapping.selection, given.id, given.fields, given.associations),
        {
            name: tuple(_child(selection, child) for child in given.children.get(name, []))
            for name, selection in includes.items()
        },
    )


def _child(selection: Selection, given: GivenChild) -> Record:
    return _record(selection, given.id, given.fields, given.associations)


def _record(
    selection: Selection, id: str, fields: Mapping[str, Any], associations: Mapping[str, list[str]]
) -> Record:
    """A record in which whatever the example does not mention is blank."""
    values: dict[str, Value] = dict.fromkeys(selection.fields)
    values |= {name: typed(value) for name, value in fields.items()}
    related = {name: tuple(associations.get(name, ())) for name in selection.associations}
    return Record(Ref(selection.object, id), values, associations=related)


def typed(value: Any) -> Value:
    """A value of an example: unquoted dates and times are dates and times."""
    if isinstance(value, Plain):
        with contextlib.suppress(ValueError, OverflowError):
            if _DATE.fullmatch(value):
                return date.fromisoformat(value)
            if _INSTANT.fullmatch(value):
                return datetime.fromisoformat(value).astimezone(UTC)
    if isinstance(value, str):
        return str(value)
    if isinstance(value, list):
        return tuple(typed(item) for item in value)
    if isinstance(value, dict):
        return {name: typed(item) for name, item in value.items()}
    result: Value = value
    return result


def _lookups(mapping: MappingProgram, view: SourceView, given: GivenBlock) -> Lookups:
    links = {reference: _answer(reference, given.links) for reference in mapping.references(view)}
    catalogues: dict[str, Mapping[str, Fields | None]] = {
        spec.name: {
            key: {name: typed(value) for name, value in row.items()}
            for key, row in given.catalogues.get(spec.name, {}).items()
        }
        for spec in mapping.catalogues
    }
    return Lookups(links, catalogues)


def _answer(reference: Reference, links: Mapping[str, Mapping[str, Any]]) -> LinkAnswer:
    found = links.get(reference.object, {}).get(reference.id)
    if isinstance(found, dict):
        found = next((found[name] for name in reference.targets if name in found), None)
    if found == "pending":
        return LinkAnswer(None, pending=True)
    return LinkAnswer(text(found) if found is not None else None)


def _compare(mapped: Mapped, expect: Any) -> list[str]:
    """How an outcome differs from what an example expects, in lines for people."""
    wanted = {expect: True} if isinstance(expect, str) else expect
    if not isinstance(wanted, dict) or not set(wanted) & set(OUTCOMES):
        return [f"expect must say one of {', '.join(OUTCOMES)}"]
    unknown = sorted(set(wanted) - set(OUTCOMES))
    if unknown:
        return [f"expect does not know {', '.join(unknown)}"]
    match mapped:
        case NotIncluded():
            return [] if "not_included" in wanted else [_surprise(mapped)]
        case Held():
            return _one("held", wanted, [mapped.code], mapped) + _said(mapped, wanted)
        case AwaitsLink():
            return _one(
                "waiting", wanted, [str(r.object) + " " + r.id for r in mapped.references], mapped
            )
        case Unmappable():
            return _one("fault", wanted, [code for code, _field, _text in mapped.faults], mapped)
        case Desired():
            return _desired(mapped, wanted)


def _one(kind: str, wanted: Mapping[str, Any], found: list[str], mapped: Mapped) -> list[str]:
    if kind not in wanted:
        return [_surprise(mapped)]
    expected = wanted[kind]
    if expected is True:
        return []
    listed = [str(one) for one in (expected if isinstance(expected, list) else [expected])]
    if sorted(listed) == sorted(found):
        return []
    return [f"{kind}: expected {', '.join(listed)}; found {', '.join(found)}"]


def _said(mapped: Held, wanted: Mapping[str, Any]) -> list[str]:
    if wanted.get("says") in (None, mapped.reason):
        return []
    return [f"says: expected {wanted['says']}; found {mapped.reason}"]


def _desired(mapped: Desired, wanted: Mapping[str, Any]) -> list[str]:
    stopped = [kind for kind in ("not_included", "held", "waiting", "fault") if kind in wanted]
    if stopped:
        return [f"expected {stopped[0]}; found the fields {', '.join(sorted(mapped.fields))}"]
    differences: list[str] = []
    if "fields" in wanted:
        differences += _fields(mapped.fields, wanted["fields"] or {})
    if "later" in wanted:
        expected, found = sorted(wanted["later"] or []), sorted(mapped.later)
        if expected != found:
            differences.append(f"later: expected {expected}; found {found}")
    if "matches" in wanted:
        keys = [{key.rule: dict(key.values)} for key in mapped.matches]
        if wanted["matches"] != keys:
            differences.append(f"matches: expected {wanted['matches']}; found {keys}")
    return differences


def _fields(found: Fields, expected: Mapping[str, Any]) -> list[str]:
    """Every field counts; one that is blank need not be listed."""
    differences: list[str] = []
    for name in sorted({*found, *expected}):
        if name not in expected:
            if found[name] is not None:
                differences.append(f"{name}: not expected; found {show(found[name])}")
        elif name not in found:
            differences.append(f"{name}: expected {show(typed(expected[name]))}; not set")
        elif not _same(found[name], typed(expected[name])):
            differences.append(
                f"{name}: expected {show(typed(expected[name]))}; found {show(found[name])}"
            )
    return differences


def _same(found: Value, expected: Value) -> bool:
    if isinstance(found, bool) or isinstance(expected, bool):
        return found is expected
    return found == expected


def _compare_children(
    mapping: MappingProgram, view: SourceView, lookups: Lookups, wanted: Mapping[str, Any]
) -> list[str]:
    differences: list[str] = []
    for name, expected in wanted.items():
        child = next((kind for kind in mapping.children if kind.name == name), None)
        if child is None:
            differences.append(f"there are no children `{name}`")
            continue
        made = {
            one.source_id.removeprefix(f"{view.record.ref.id}:"): one.mapped
            for one in mapping.map_children(child, view, lookups)
        }
        for key in sorted({*made, *(expected or {})}):
            if key not in made:
                differences.append(f"{name} {key}: expected; not there")
            elif key not in (expected or {}):
                differences.append(f"{name} {key}: not expected; {_surprise(made[key])}")
            else:
                differences += [
                    f"{name} {key}: {line}" for line in _compare(made[key], expected[key])
                ]
    return differences


def _surprise(mapped: Mapped) -> str:
    match mapped:
        case NotIncluded():
            return f"found not_included: {mapped.reason}"
        case Held():
            return f"found held: {mapped.code} ({mapped.reason})"
        case AwaitsLink():
            waited = ", ".join(f"{one.object} {one.id}" for one in mapped.references)
            return f"found waiting for {waited} ({mapped.field})"
        case Unmappable():
            return "found fault: " + "; ".join(f"{code}: {text}" for code, _, text in mapped.faults)
        case Desired():
            return f"found the fields {', '.join(sorted(mapped.fields))}"


def show(value: Value) -> str:
    """A value as a person would write it in the file."""
    if value is None:
        return "null"
    if isinstance(value, str):
        return f'"{value}"'
    if isinstance(value, tuple):
        return "[" + ", ".join(show(item) for item in value) + "]"
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{name}: {show(item)}" for name, item in value.items()) + "}"
    return text(value) or ""
