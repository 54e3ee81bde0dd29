"""What only shows when all syncs are seen together: facing syncs, references, order."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from engine.config.cycles import find_cycles
from engine.config.model import Mode, SyncConfig
from engine.config.problems import Problems
from engine.config.yaml import Document, KeyPath
from engine.errors import ConfigError
from engine.mapping.compiled import MappingProgram
from engine.mapping.model import FieldRule, OnMissing, Side, targets_in
from engine.mapping.nearest import nearest


@dataclass(frozen=True, slots=True)
class CheckedSync:
    """A sync beside the concrete mapping it uses."""

    config: SyncConfig
    mapping: MappingProgram

    @property
    def writes_fields(self) -> bool:
        return self.config.mode is not Mode.LINK_ONLY


def check_together(
    document: Document, syncs: Iterable[CheckedSync], names: Iterable[str], problems: Problems
) -> None:
    """Find what is wrong between syncs. ``names`` are all declared, the faulty ones too."""
    every = list(syncs)
    known = list(names)
    _check_after(document, every, known, problems)
    if len(every) == len(known):
        # With a sync missing because of its own fault, these would blame the wrong place.
        _check_references(every, problems)
    _check_hold_cycles(every, problems)
    for position, left in enumerate(every):
        for right in every[position + 1 :]:
            if _facing(left, right):
                _check_facing(left, right, problems)


def _check_after(
    document: Document, syncs: list[CheckedSync], names: list[str], problems: Problems
) -> None:
    graph: dict[str, list[str]] = {}
    for sync in syncs:
        path: KeyPath = ("syncs", sync.config.name, "after")
        for position, other in enumerate(sync.config.after):
            if other not in names:
                problems.at(
                    document,
                    (*path, position),
                    f"there is no sync `{other}`",
                    nearest(other, names),
                )
        graph[sync.config.name] = list(sync.config.after)
    for cycle in find_cycles(graph):
        problems.at(
            document,
            ("syncs", cycle[0], "after"),
            f"syncs wait for one another: {' → '.join([*cycle, cycle[0]])}",
            "take one of them out of `after`",
        )


def _link_targets(syncs: list[CheckedSync]) -> Mapping[tuple[str, str, str], set[str]]:
    """(source connection, target connection, source object) → target objects that get linked."""
    found: dict[tuple[str, str, str], set[str]] = {}
    for sync in syncs:
        source, target = sync.config.source, sync.config.target
        there = (source.connection, target.connection)
        found.setdefault((*there, source.object), set()).add(target.object)
        back = (target.connection, source.connection)
        found.setdefault((*back, target.object), set()).add(source.object)
        for kind in sync.mapping.kinds:
            found.setdefault((*there, kind.source_object), set()).add(kind.target_object)
    return found


def _check_references(syncs: list[CheckedSync], problems: Problems) -> None:
    targets = _link_targets(syncs)
    seen: set[tuple[str, str, str | None, str]] = set()
    for sync in syncs:
        config = sync.config
        there = (config.source.connection, config.target.connection)
        objects = sorted({name for left, right, name in targets if (left, right) == there})
        for place, object_name, to in _questions(sync.mapping):
            key = (place, object_name, to, config.name)
            if key in seen:
                continue
            seen.add(key)
            linked = targets.get((*there, object_name), set())
            if not linked:
                _at(
                    problems,
                    place,
                    f"no sync links `{object_name}` from {there[0]} to {there[1]}",
                    nearest(object_name, objects),
                )
            elif strangers := [name for name in targets_in(to) if name not in linked]:
                _at(
                    problems,
                    place,
                    f"no sync links `{object_name}` to `{strangers[0]}`",
                    nearest(strangers[0], linked),
                )
            elif to is None and len(linked) > 1:
                choices = ", ".join(sorted(linked))
                _at(
                    problems,
                    place,
                    f"`{object_name}` is linked to more than one object: {choices}",
                    "say which: in a field with `to: …`, in linked(…) as its third argument",
                )


def _questions(mapping: MappingProgram) -> list[tuple[str, str, str | None]]:
    """Every link a mapping asks about: place, source object, target object."""
    found: list[tuple[str, str, str | None]] = []
    for rules in (mapping.programs, *(kind.programs for kind in mapping.kinds)):
        for program in rules.programs:
            if program.reference is not None:
                wanted = program.reference
                found.append((program.rule.place, wanted.object, wanted.to))
        for expression in rules.expressions():
            found += [(str(expression.place), link.object, link.to) for link in expression.links]
    return found


def _check_hold_cycles(syncs: list[CheckedSync], problems: Problems) -> None:
    """Records that wait for one another can never be written: at least one must not hold."""
    graph: dict[str, list[str]] = {}
    places: dict[tuple[str, str], str] = {}
    targets = _link_targets(syncs)
    for sync in syncs:
        there = sync.config.source.connection, sync.config.target.connection
        root = _node(there, sync.mapping.source_object, sync.mapping.target_object)
        nodes = [(root, sync.mapping.programs)]
        for kind in sync.mapping.kinds:
            node = _node(there, kind.source_object, kind.target_object)
            graph.setdefault(node, []).append(root)
            places.setdefault((node, root), sync.config.place)
            nodes.append((node, kind.programs))
        for node, rules in nodes:
            for program in rules.programs:
                wanted = program.reference
                if wanted is None or wanted.on_missing is not OnMissing.HOLD:
                    continue
                linked = targets_in(wanted.to) or sorted(targets.get((*there, wanted.object), ()))
                if len(linked) == 1:  # of several, another one can always come first
                    other = _node(there, wanted.object, linked[0])
                    graph.setdefault(node, []).append(other)
                    places.setdefault((node, other), program.rule.place)
    for cycle in find_cycles(graph):
        nodes_shown = [node.rpartition(" to ")[0] for node in [*cycle, cycle[0]]]
        edges = list(zip(cycle, [*cycle[1:], cycle[0]], strict=True))
        _at(
            problems,
            places[edges[0]],
            f"records hold one another for ever: {' → '.join(nodes_shown)}",
            "write `on_missing: later` on one of these references",
        )


def _node(there: tuple[str, str], object: str, target: str) -> str:
    """The linking of an object to another: what a reference waits for. Two connections' apart."""
    return f"{object} to {there[0]}>{there[1]}.{target}"


def _facing(left: CheckedSync, right: CheckedSync) -> bool:
    return (
        left.config.source == right.config.target
        and left.config.target == right.config.source
        and left.writes_fields
        and right.writes_fields
    )


def _check_facing(left: CheckedSync, right: CheckedSync, problems: Problems) -> None:
    """Two syncs in opposite directions must agree, field by field, on who wins."""
    back = {rule.target: rule for rule in right.mapping.rules if not rule.on_create_only}
    for rule in left.mapping.rules:
        if rule.on_create_only:
            continue
        if rule.pair is not None and rule.pair in back and back[rule.pair].pair == rule.target:
            _check_pair(left, right, rule, back[rule.pair], problems)
            continue
        for source in rule.sources:
            other = back.get(source)
            if other is not None and rule.target in other.sources:
                _at(
                    problems,
                    rule.place,
                    f"`{rule.target}` and `{source}` are computed from each other by "
                    f"{left.config.name} and {right.config.name}, and could change for ever",
                    f"let one field mirror one field in both mappings, or drop one; "
                    f"the other is at {other.place}",
                )


def _check_pair(
    left: CheckedSync, right: CheckedSync, rule: FieldRule, other: FieldRule, problems: Problems
) -> None:
    names = f"`{rule.target}` ({left.config.name}) and `{other.target}` ({right.config.name})"
    if rule.owner is None or other.owner is None:
        bare = rule if rule.owner is None else other
        system = (left if bare is rule else right).config
        _at(
            problems,
            bare.place,
            f"{names} are written in both directions, and no owner is named here",
            f"add `owner: source` ({system.source.connection} wins) or "
            f"`owner: target` ({system.target.connection} wins)",
        )
        return
    if (rule.owner is Side.SOURCE) == (other.owner is Side.SOURCE):
        winner = left.config.source if rule.owner is Side.SOURCE else left.config.target
        flipped = "target" if rule.owner is Side.SOURCE else "source"
        _at(
            problems,
            other.place,
            f"{names} name different owners: {rule.place} says {winner.connection}",
            f"write `owner: {flipped}` here, or change the other",
        )
    if rule.on_conflict is not other.on_conflict:
        _at(
            problems,
            other.place,
            f"{names} settle conflicts differently: {rule.place} says {rule.on_conflict}",
            f"write `on_conflict: {rule.on_conflict}` in both",
        )


def _at(problems: Problems, place: str, message: str, hint: str | None) -> None:
    file, line, column = place.rsplit(":", 2)
    problems.add(ConfigError(file, int(line), int(column), message, hint))
