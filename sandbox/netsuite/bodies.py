"""Request bodies: names, types and references checked, as the validation headers ask for.

"Property Validation": X-NetSuite-PropertyNameValidation (Warning unless sent: a name that does not
exist is passed over in silence) and X-NetSuite-PropertyValueValidation (Error unless sent).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from sandbox.netsuite.books import Books
from sandbox.netsuite.errors import content_error
from sandbox.netsuite.schema import ADDRESS_FIELDS, ENUMS, FieldSpec, RecordType
from sandbox.netsuite.values import Row, as_date, as_instant, as_number

PASSED_OVER: Final = frozenset({"links", "id", "refName"})  # what a read prints may be sent back
LINES_MAX: Final = 10_000


@dataclass(slots=True)
class Reading:
    """How one body is read. ``ignored`` collects the names that were passed over."""

    books: Books
    strict_names: bool = False
    strict_values: bool = True
    as_system: bool = False
    ignored: list[str] = field(default_factory=list)

    def record(self, spec: RecordType, body: Mapping[str, Any]) -> Row:
        """The changes of a body: fields as kept, sublists as lists of partial lines."""
        changes: Row = {}
        for name, value in body.items():
            if name in PASSED_OVER:
                continue
            if name in spec.lists:
                changes[name] = self._lines(name, spec.lists[name], value)
                continue
            found = self._field(spec.fields, name, name)
            if found is not None:
                self._accept(changes, found, value, name)
        return changes

    def _field(self, fields: Mapping[str, FieldSpec], name: str, path: str) -> FieldSpec | None:
        spec = fields.get(name)
        if spec is not None and (not spec.readonly or self.as_system):
            return spec
        if self.strict_names:
            what = "is read-only" if spec is not None else "does not exist"
            raise content_error(f"Invalid property: {name} {what}.", path)
        self.ignored.append(path)
        return None

    def _accept(self, changes: Row, spec: FieldSpec, value: Any, path: str) -> None:
        try:
            changes[spec.name] = self._value(spec, value, path)
        except ValueError as error:
            if self.strict_values:
                raise content_error(f"Invalid value for {spec.name}: {error}.", path) from error
            self.ignored.append(path)

    def _lines(self, name: str, fields: Mapping[str, FieldSpec], value: Any) -> list[Row]:
        items = value.get("items") if isinstance(value, dict) else None
        if not isinstance(items, list):
            raise content_error(f"{name} is expected as an object with a list 'items'.", name)
        if len(items) > LINES_MAX:
            raise content_error(f"{name} has more than {LINES_MAX} lines.", name)
        lines = []
        for place, item in enumerate(items):
            path = f"{name}.items[{place}]"
            if not isinstance(item, dict):
                raise content_error("A line is expected to be an object.", path)
            line: Row = {}
            for key, inner in item.items():
                if key in PASSED_OVER and key not in fields:
                    continue
                spec = self._field(fields, key, f"{path}.{key}")
                if spec is not None:
                    self._accept(line, spec, inner, f"{path}.{key}")
            lines.append(line)
        return lines

    def _value(self, spec: FieldSpec, value: Any, path: str) -> Any:
        if value is None or value == "":
            return None
        match spec.kind:
            case "text":
                return _text(spec, value)
            case "number":
                return as_number(value)
            case "integer":
                number = as_number(value)
                if number != number.to_integral_value():
                    raise ValueError("a whole number is expected")
                return int(number)
            case "boolean":
                if not isinstance(value, bool):
                    raise ValueError("true or false is expected")
                return value
            case "date":
                return as_date(value)
            case "instant":
                return as_instant(value)
            case "enum":
                return _enum(spec, value)
            case "address":
                return self._address(value, path)
        return self._reference(spec, value, path)

    def _address(self, value: Any, path: str) -> Row:
        if not isinstance(value, dict):
            raise ValueError("an object is expected")
        address: Row = {}
        for name, inner in value.items():
            if name in PASSED_OVER:
                continue
            if name not in ADDRESS_FIELDS:
                if self.strict_names:
                    raise content_error(f"Invalid property: {name} does not exist.", path)
                self.ignored.append(f"{path}.{name}")
                continue
            shown = inner.get("id") if isinstance(inner, dict) else inner
            if shown is not None and not isinstance(shown, str | bool):
                raise ValueError(f"{name} is not text")
            address[name] = shown
        return address

    def _reference(self, spec: FieldSpec, value: Any, path: str) -> str:
        target = spec.target or ""
        if not isinstance(value, dict):
            raise ValueError('a reference {"id": …} or {"externalId": …} is expected')
        id, external = value.get("id"), value.get("externalId")
        if isinstance(id, int) and not isinstance(id, bool):
            id = str(id)
        if isinstance(id, str) and self.books.find(target, id) is not None:
            return id
        if id is None and isinstance(external, str):
            named = [self.books.by_external_id(name, external)
                     for name in self.books.names_of(target)]  # fmt: skip
            known = [one for one in named if one is not None]
            if len(known) == 1:
                return known[0]
        shown = id if id is not None else external
        raise content_error(f"Invalid reference key {shown} for {spec.name}.", path)


def _text(spec: FieldSpec, value: Any) -> str:
    if not isinstance(value, str):
        raise ValueError("text is expected")
    if spec.length is not None and len(value) > spec.length:
        raise ValueError(f"it is longer than {spec.length} characters")
    return value


def _enum(spec: FieldSpec, value: Any) -> str:
    id = value.get("id") if isinstance(value, dict) else value
    if not isinstance(id, str):
        raise ValueError("an enumeration value is expected")
    known = ENUMS.get(spec.name)
    if known is not None and id not in known:
        raise ValueError(f"{id} is none of {', '.join(known)}")
    return id


def merge_lines(
    old: list[Row], new: list[Row], fields: Mapping[str, FieldSpec], *, replace: bool, name: str
) -> list[Row]:
    """A sublist after a write: lines are matched by their key, those without one are added.

    ``replace`` puts the new lines in place of all old ones.
    """
    key = next(spec.name for spec in fields.values() if spec.key)
    numbered = key in {"line", "id"}
    merged = {} if replace else {line[key]: line for line in old}
    following = max((line[key] for line in old if numbered and not replace), default=0) + 1
    for place, line in enumerate(new):
        value = line.get(key)
        if value is None:
            if not numbered:
                raise content_error(f"{key} is required.", f"{name}.items[{place}].{key}")
            value = following
        elif numbered and not replace and value not in merged:
            message = f"The line {value} does not exist."
            raise content_error(message, f"{name}.items[{place}].{key}")
        if numbered:
            following = max(following, int(value) + 1)
        merged[value] = {**merged.get(value, {}), **line, key: value}
    return list(merged.values())
