"""Comparing a project with the accounts it opens: identity, fields, values, permissions."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final

from connectors.base import (
    Connector,
    CreateIdentity,
    Describes,
    FieldDescription,
    ObjectDescription,
)
from connectors.errors import CallError
from engine.app import Project, configured, outside, unobserved
from engine.commands import choices
from engine.config.model import Endpoint, Mode, SyncConfig
from engine.mapping.compiled import MappingProgram
from engine.mapping.nearest import nearest
from engine.mapping.programs import FieldProgram
from engine.store import connections

# What every system has, whether its description lists it or not.
IDS: Final = frozenset({"id", "Id"})


@dataclass(frozen=True, slots=True)
class Finding:
    """Something to know. ``severity``: ``fault`` or ``warning``; ``place`` ends in ``": "``."""

    severity: str
    code: str
    message: str
    place: str = ""
    hint: str | None = None

    def content(self) -> dict[str, object]:
        """As ``--json`` shows it."""
        return {
            "severity": self.severity,
            "code": self.code,
            "place": self.place.removesuffix(": ") or None,
            "message": self.message,
            "hint": self.hint,
        }


def _fault(code: str, message: str, place: str = "", hint: str | None = None) -> Finding:
    return Finding("fault", code, message, f"{place}: " if place else "", hint)


def _warning(code: str, message: str, place: str = "", hint: str | None = None) -> Finding:
    return Finding("warning", code, message, f"{place}: " if place else "", hint)


class Online:
    """One comparison. Every object is described once."""

    def __init__(self, project: Project) -> None:
        self._project = project
        self._connectors: dict[str, Connector] = {}
        self._described: dict[Endpoint, ObjectDescription | None] = {}
        self._found: list[Finding] = []
        self._asked: dict[int, tuple[choices.Use, dict[str, FieldDescription], list[str]]] = {}

    def findings(self) -> list[Finding]:
        """Everything that is wrong or worth knowing, each once."""
        config = self._project.config
        asked = [name for name in configured(config) if name in outside(config)]
        usable = [name for name in asked if self._identity(name)]
        for sync in config.syncs.values():
            if sync.enabled.value == "false":
                continue
            if sync.source.connection in usable:
                self._source(sync)
            if sync.target.connection in usable and sync.mode is not Mode.LINK_ONLY:
                self._target(sync)
            if sync.source.connection in usable:
                self._choices(sync, with_target=sync.target.connection in usable)
        self._strange_choices()
        self._native()
        return list(dict.fromkeys(self._found))

    def _identity(self, name: str) -> bool:
        place = self._project.config.connections[name].place
        try:
            connector = self._project.connector(name, unobserved)
            answered = connector.check()
        except CallError as error:
            self._found.append(
                _fault(error.code, f"{name} does not let us in: {error.message}", place)
            )
            return False
        self._connectors[name] = connector
        with self._project.reading() as store, store.read() as tx:
            state = connections.every(tx).get(name)
        pinned = state.account if state else None
        if pinned is not None and pinned.id != answered.id:
            self._found.append(
                _fault(
                    "ACCOUNT_CHANGED",
                    f"{name} opens account {answered.name or answered.id}, but this project is "
                    f"linked to account {pinned.name or pinned.id}",
                    place,
                    "use the credentials of the linked account, or a project folder of its own",
                )
            )
        return True

    def _describe(self, endpoint: Endpoint, place: str) -> ObjectDescription | None:
        if endpoint not in self._described:
            connector = self._connectors[endpoint.connection]
            found = None
            if isinstance(connector, Describes):
                try:
                    found = connector.describe(endpoint.object)
                except CallError as error:
                    self._found.append(
                        _fault(error.code, f"{endpoint} cannot be read: {error.message}", place)
                    )
            self._described[endpoint] = found
        return self._described[endpoint]

    # -- the source ------------------------------------------------------------------------------

    def _source(self, sync: SyncConfig) -> None:
        selections = [sync.mapping.selection, *sync.mapping.includes.values()]
        for selection in selections:
            endpoint = Endpoint(sync.source.connection, selection.object)
            described = self._describe(endpoint, sync.place)
            if described is None:
                continue
            for name in selection.fields:
                head, dot, _rest = name.partition(".")
                if not (dot and head in described.relationships):
                    self._readable(endpoint, described, head, sync)

    def _readable(
        self, endpoint: Endpoint, described: ObjectDescription, name: str, sync: SyncConfig
    ) -> None:
        field = described.fields.get(name)
        if field is None and name not in IDS:
            self._found.append(
                _fault(
                    "UNKNOWN_FIELD",
                    f"{endpoint} has no field {name}",
                    _place_of(sync, name) or sync.place,
                    nearest(name, described.fields),
                )
            )
        elif field is not None and not field.readable:
            self._found.append(
                _fault(
                    "FIELD_HIDDEN", f"we may not read the field {name} of {endpoint}", sync.place
                )
            )

    # -- choices on both sides -------------------------------------------------------------------

    def _choices(self, sync: SyncConfig, *, with_target: bool) -> None:
        """Value maps against the choices that the source has, and passes on to the target."""
        mapping = sync.mapping
        if not isinstance(mapping, MappingProgram):
            return
        for use in choices.uses(mapping):
            selection = mapping.includes.get(use.child) if use.child else mapping.selection
            if selection is None:
                continue
            endpoint = Endpoint(sync.source.connection, selection.object)
            described = self._describe(endpoint, sync.place)
            field = described.fields.get(use.field) if described else None
            asked = self._asked.setdefault(id(use.value_map), (use, {}, []))
            if field is None or not field.options:
                asked[2].append(use.field)  # what it may hold is not known
                continue
            asked[1][f"{endpoint} {use.field}"] = field
            target = self._target_field(sync, use) if with_target else None
            told = choices.unmapped(use, field, target)
            if told is not None:
                message = f"{endpoint} {use.field}: the value map {use.value_map.name} {told}"
                hint = "add them to the value map"
                self._found.append(_warning("UNMAPPED_CHOICE", message, use.place, hint))

    def _target_field(self, sync: SyncConfig, use: choices.Use) -> FieldDescription | None:
        if use.target is None or sync.mapping.observes or use.child is not None:
            return None
        described = self._describe(sync.target, sync.place)
        return described.fields.get(use.target) if described else None

    def _strange_choices(self) -> None:
        """What a map lists and no field it is asked about has; where all of them are known."""
        for use, asked, unknown in self._asked.values():
            names = [] if unknown or not asked else choices.strange(use.value_map, asked)
            if names:
                fields = ", ".join(asked)
                message = (
                    f"the value map {use.value_map.name} lists {choices.shown_choices(names)}, "
                    f"which {fields} does not have"
                )
                hint = "correct the spelling, or leave them out"
                self._found.append(_warning("UNKNOWN_CHOICE", message, use.place, hint))

    # -- the target ------------------------------------------------------------------------------

    def _target(self, sync: SyncConfig) -> None:
        self._rules(sync, sync.mapping, parent_field=None)
        for kind in sync.mapping.children:
            self._rules(sync, kind, parent_field=kind.parent_field)

    def _rules(self, sync: SyncConfig, rules: Any, parent_field: str | None) -> None:
        endpoint = Endpoint(sync.target.connection, rules.target_object)
        described = self._describe(endpoint, sync.place)
        if described is None:
            return
        for program in rules.programs.programs:
            self._writable(endpoint, described, program)
        creates = sync.mode in (Mode.UPSERT, Mode.CREATE_ONLY)
        if creates and rules.identity_field is not None:
            self._identity_field(endpoint, described, rules.identity_field, sync)
        if creates:
            given = {rule.target for rule in rules.rules} | {rules.identity_field, parent_field}
            self._required(endpoint, described, given, sync)

    def _writable(
        self, endpoint: Endpoint, described: ObjectDescription, program: FieldProgram
    ) -> None:
        name, place = program.rule.target, program.rule.place
        field = described.fields.get(name)
        if field is None:
            hint = nearest(name, described.fields)
            self._found.append(
                _fault("UNKNOWN_FIELD", f"{endpoint} has no field {name}", place, hint)
            )
            return
        if not field.writable:
            self._found.append(
                _fault("FIELD_LOCKED", f"we may not write the field {name} of {endpoint}", place)
            )
        if field.restricted and field.options:
            self._values(endpoint, field, program)
        if program.shape is not None:
            self._parts(endpoint, described, program)

    def _parts(
        self, endpoint: Endpoint, described: ObjectDescription, program: FieldProgram
    ) -> None:
        """The parts of a value that has some, where the account describes them."""
        for path, part in choices.parts((program,)):
            field = described.fields.get(path)
            if field is not None and part is not program and field.restricted and field.options:
                self._values(endpoint, field, part)

    def _values(self, endpoint: Endpoint, field: FieldDescription, program: FieldProgram) -> None:
        """Every value that the mapping itself names must be one the field takes."""
        named: list[object] = [program.constant, program.default]
        if program.value_map is not None:
            named += [*program.value_map.values.values(), program.value_map.default]
        for value in named:
            if isinstance(value, str) and value and value not in field.options:
                why = ": it is inactive" if value in field.inactive else ""
                self._found.append(
                    _fault(
                        "UNKNOWN_VALUE",
                        f"{endpoint} {field.name} does not take the value {value!r}{why}",
                        program.rule.place,
                        nearest(value, field.options),
                    )
                )

    def _identity_field(
        self, endpoint: Endpoint, described: ObjectDescription, name: str, sync: SyncConfig
    ) -> None:
        field = described.fields.get(name)
        hint = f"run revline setup {endpoint.connection}"
        if field is None:
            message = f"{endpoint} has no identity field {name}"
            self._found.append(_fault("NO_IDENTITY_FIELD", message, sync.place, hint))
        elif not ((field.unique or self._keyed(endpoint)) and field.writable):
            lack = "writable for us" if not field.writable else "unique"
            message = f"the identity field {name} of {endpoint} is not {lack}"
            self._found.append(_fault("NO_IDENTITY_FIELD", message, sync.place, hint))

    def _keyed(self, endpoint: Endpoint) -> bool:
        """Whether the vendor itself sees to it that a repeated create makes no second record."""
        spec = self._project.spec(endpoint.connection).object(endpoint.object)
        keyed = (CreateIdentity.IDEMPOTENCY_KEY, CreateIdentity.OWN_NUMBER)
        return spec is not None and spec.create_identity in keyed

    def _required(
        self,
        endpoint: Endpoint,
        described: ObjectDescription,
        given: Iterable[str | None],
        sync: SyncConfig,
    ) -> None:
        missing = [
            field.name
            for field in described.fields.values()
            if field.required_on_create and field.name not in set(given)
        ]
        if missing:
            self._found.append(
                _warning(
                    "REQUIRED_FIELD",
                    f"{endpoint} requires {', '.join(sorted(missing))}, which the mapping "
                    f"{sync.mapping.name} does not fill",
                    sync.place,
                    "map them, unless the account fills them in by itself",
                )
            )

    def _native(self) -> None:
        """A vendor's own connector between the same two systems would write the same records."""
        pairs: dict[str, dict[str, None]] = {}
        for sync in self._project.config.syncs.values():
            if sync.enabled.value == "false":
                continue
            source = self._project.spec(sync.source.connection)
            target = self._project.spec(sync.target.connection)
            for one, other in ((source, target), (target, source)):
                for native in one.native_connectors:
                    if other.title.casefold() in native.casefold():
                        objects = " and ".join(sorted((sync.source.object, sync.target.object)))
                        pairs.setdefault(native, {}).setdefault(objects)
        for native, between in pairs.items():
            self._found.append(
                _warning(
                    "NATIVE_CONNECTOR",
                    f"make sure that {native} is off for {', '.join(between)}",
                    "",
                    "two tools that write the same fields undo each other's work",
                )
            )


def _place_of(sync: SyncConfig, field: str) -> str | None:
    """Where the mapping uses a source field."""
    rules = [*sync.mapping.rules, *(rule for kind in sync.mapping.children for rule in kind.rules)]
    for rule in rules:
        if any(source.rpartition(".")[2] == field for source in rule.sources):
            return rule.place
    return None
