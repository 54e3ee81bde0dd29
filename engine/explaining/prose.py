"""Each sync told as one would tell it to a colleague, from its configuration and mapping alone."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from engine.config.model import OURSELVES, Enabled, Endpoint, Mode, OnDelete, SyncConfig, WriteOrder
from engine.explaining.conditions import condition, parts_of, reached, value
from engine.explaining.systems import Systems
from engine.explaining.words import (
    duration,
    listed,
    plural,
    sentence,
    singular,
    spoken,
    with_article,
)
from engine.mapping.compiled import MappingProgram
from engine.mapping.expression import Expression
from engine.mapping.model import OnMissing, targets_in
from engine.mapping.programs import FieldProgram, GateProgram, ReferenceRule
from engine.mapping.rules import Rules
from engine.mapping.values import Unmapped

CODE_MAX: Final = 60
"""Characters of an expression that a sentence can bear."""
_WRITTEN: Final = re.compile(r"`[^`]*`")
_DOING: Final[Mapping[Mode, str]] = MappingProxyType(
    {
        Mode.UPSERT: "create {target} in {system}, or bring it up to date",
        Mode.UPDATE_ONLY: "bring {target} in {system} up to date; none is created",
        Mode.CREATE_ONLY: "create {target} in {system}; it is not changed afterwards",
        Mode.LINK_ONLY: "recognise {target} in {system}; nothing is written",
    }
)


@dataclass(frozen=True, slots=True)
class Explained:
    """One sync in sentences, in the order in which they are read."""

    sync: str
    sentences: tuple[str, ...]

    @property
    def text(self) -> str:
        """All of it."""
        return " ".join(self.sentences)


def explain(sync: SyncConfig, mapping: MappingProgram, systems: Systems) -> Explained:
    """Tell one sync."""
    return Explained(sync.name, tuple(_Telling(sync, mapping, systems).sentences()))


@dataclass(frozen=True, slots=True)
class _Telling:
    sync: SyncConfig
    mapping: MappingProgram
    systems: Systems

    def sentences(self) -> Iterator[str]:
        for told in (
            self.sync.description or self.mapping.description,
            self._main(),
            self._once(),
            self._found(),
            *self._held(),
            self._waits(),
            self._unmapped(),
            *self._children(),
            self._steps(),
            self._facts(),
            self._two_ways(),
            self._life(),
            *self._running(),
        ):
            if told:
                yield sentence(told)

    # -- what starts it and what it does -----------------------------------------------------

    def _main(self) -> str:
        return f"{self._trigger()}, {self._effect()}"

    def _trigger(self) -> str:
        sync = self.sync
        source = f"{with_article(self._object(sync.source))} in {self._system(sync.source)}"
        if sync.group_by and sync.period_end is not None:
            later = duration(sync.period_end)
            return f"{later} after the end of an accounting period"
        when = self.mapping.programs.when
        if sync.route is not None:
            return self._crossing(source, when)
        if when is None:
            return f"When {source} is new or changes"
        stage = reached(when.source)
        if stage is None:
            return f"When {source} is new or changes and {condition(when.source)}"
        becomes, rest = stage
        also = f" and {condition(rest)}" if rest else ""
        return f"When {source} becomes {becomes}{also}"

    def _crossing(self, source: str, when: Expression | None) -> str:
        route = self.sync.route
        if route is None:
            return ""
        rule = route.rule
        upper = "is at least" if rule.inclusive else "is above"
        lower = "is below" if rule.inclusive else "is at most"
        figure, leaving = value(rule.by.source), rule.threshold - rule.hysteresis
        told = f"{figure} {upper} {rule.threshold}"
        if not route.above:
            told = f"{figure} {lower} {rule.threshold}"
            if rule.hysteresis:
                told += f", and {leaving} if it comes from {rule.above}"
        also = f" and {condition(when.source)}" if when is not None else ""
        return f"Once each time {source} comes over to {route.side} ({told}){also}"

    def _effect(self) -> str:
        sync = self.sync
        if self.mapping.observes:
            return "note what it tells; nothing is written anywhere"
        system, target = self._system(sync.target), self._object(sync.target)
        if sync.group_by:
            # What posts one of them has a book of its own: it is made once and never changed.
            lines = plural(spoken(sync.source.object))
            each = listed([spoken(name) for name in sync.group_by])
            made = f"create {with_article(target)} in {system}"
            return f"{made} from the {lines} that are due, one for each {each}"
        same = self._object(sync.source) == target and sync.mode is not Mode.CREATE_ONLY
        named = f"its {target}" if not same else "its counterpart"
        if sync.mode is Mode.CREATE_ONLY or (sync.mode is Mode.UPSERT and not same):
            named = with_article(target)
        return _DOING[sync.mode].format(target=named, system=system)

    def _once(self) -> str | None:
        """The business effect that there is one of."""
        if self.mapping.observes or self.sync.group_by or self.sync.mode is Mode.UPDATE_ONLY:
            return None
        if self.sync.mode is Mode.LINK_ONLY:
            return None
        key = self.mapping.key_expression
        source, target = self._object(self.sync.source), self._object(self.sync.target)
        if key is not None:
            return f"One {target} per {parts_of(key.source) or source}"
        return f"One {target} per {source}" if source != target else "One for each"

    def _found(self) -> str | None:
        matches = [f"“{match.rule}”" for match in self.mapping.programs.matches]
        if not matches:
            return None
        return f"A counterpart that is there already is found by {', then by '.join(matches)}"

    # -- what holds it up --------------------------------------------------------------------

    def _held(self) -> Iterator[str]:
        for gate in self.mapping.programs.gates:
            yield self._gate(gate, "")
        for kind in self.mapping.kinds:
            for gate in kind.programs.gates:
                yield self._gate(gate, f" of every {singular(spoken(kind.name))}")

    @staticmethod
    def _gate(gate: GateProgram, whose: str) -> str:
        only = f"If {condition(gate.when.source)}, held" if gate.when is not None else "Held"
        if gate.group is not None:
            return f"{only} while {gate.group}{whose} is incomplete"
        told = condition(gate.condition.source)
        if len(told) - len(_WRITTEN.sub("", told)) > CODE_MAX and isinstance(gate.say, str):
            return f"{only} where a condition of the mapping{whose} is not met: “{gate.say}”"
        until = f"{only} until{whose and f',{whose},'} {told}"
        return f"{until}: “{gate.say}”" if isinstance(gate.say, str) else until

    def _waits(self) -> str | None:
        """The references without which nothing is written."""
        found: dict[str, None] = {}
        for rules in self._every_rules():
            for reference in (one.reference for one in _flat(rules.programs)):
                if reference is not None and reference.on_missing is OnMissing.HOLD:
                    found.setdefault(_referred(reference))
        if not found:
            return None
        there = f"{'is' if len(found) == 1 else 'are'} in {self._system(self.sync.target)}"
        return f"Waits until {listed(list(found))} {there} too"

    def _unmapped(self) -> str | None:
        names: dict[str, None] = {}
        for rules in self._every_rules():
            for one in _flat(rules.programs):
                if one.value_map is not None:
                    names.setdefault(one.value_map.name)
            for expression in rules.expressions():
                names |= dict.fromkeys(expression.value_maps)
        maps = self.mapping.value_maps
        strict = [spoken(one) for one in names if maps[one].unmapped is Unmapped.REJECT]
        if not strict:
            return None
        known = listed(strict, "or")
        return f"A value that the value map {known} does not know is an issue, never a guess"

    # -- what belongs to it ------------------------------------------------------------------

    def _children(self) -> Iterator[str]:
        system = self.sync.target.connection
        for kind in self.mapping.kinds:
            there = self._object(Endpoint(system, kind.target_object))
            gone = "is deleted there too" if kind.removed == "delete" else "is only flagged"
            when = kind.programs.when
            which = f", if {condition(when.source)}," if when is not None else ""
            each = f"Each {singular(spoken(kind.name))} of it{which}"
            yield f"{each} becomes {with_article(there)}; one that is removed {gone}"

    def _steps(self) -> str | None:
        told = []
        for step in self.mapping.step_programs:
            if_so = f" if {condition(step.when.source)}" if step.when is not None else ""
            told.append(f"{spoken(step.action)}{if_so}, until {condition(step.done_when.source)}")
        return f"Afterwards: {'; then '.join(told)}" if told else None

    def _facts(self) -> str | None:
        kinds = list(dict.fromkeys(spoken(one.kind.value) for one in self.mapping.fact_programs))
        told = []
        if kinds:
            told.append(f"the fact{'s' if len(kinds) > 1 else ''} {listed(kinds)}")
        if self.mapping.period_program is not None:
            told.append("which accounting periods there are and which are closed")
        if self.mapping.rate_program is not None:
            told.append("exchange rates and the days they are of")
        return f"Notes for the books {listed(told)}" if told else None

    def _two_ways(self) -> str | None:
        owned = [rule.target for rule in self.mapping.rules if rule.owner is not None]
        if not owned:
            return None
        return f"Both sides may change {listed(owned)}; the mapping says who wins"

    def _life(self) -> str | None:
        if self.sync.on_delete is OnDelete.DELETE and not self.mapping.observes:
            return "What is deleted at the source is deleted there too, within the guard"
        return None

    # -- how it runs -------------------------------------------------------------------------

    def _running(self) -> Iterator[str]:
        sync = self.sync
        if sync.write_order is WriteOrder.ORDERED:
            yield "Each version that was seen is sent, in order"
        if sync.after:
            yield f"Goes after {listed(list(sync.after))}"
        if sync.enabled is Enabled.OFF:
            yield "It is switched off"
            return
        if sync.enabled is Enabled.SHADOW:
            yield "It runs in shadow: everything is computed and recorded, nothing is sent"
        if not sync.group_by:
            heard = ""
            if sync.webhooks and sync.source.connection != OURSELVES:
                heard = " and whenever a webhook tells of one"
            yield f"Looks for changes every {duration(sync.poll_every)}{heard}"
        yield f"Begins with {_start(sync)}"

    def _every_rules(self) -> Iterator[Rules]:
        yield self.mapping.programs
        for kind in self.mapping.kinds:
            yield kind.programs

    def _system(self, endpoint: Endpoint) -> str:
        return self.systems.title(endpoint.connection)

    def _object(self, endpoint: Endpoint) -> str:
        return self.systems.object(endpoint)


def _flat(programs: tuple[FieldProgram, ...]) -> Iterator[FieldProgram]:
    """Every field, those inside shapes too."""
    for program in programs:
        yield program
        if program.shape is not None:
            yield from _flat(program.shape.fields())


def _referred(reference: ReferenceRule) -> str:
    """What a field refers to: its account, or its product's standard price."""
    root, _, part = reference.object.partition("/")
    name = singular(spoken(root)) + (f"'s {spoken(part)}" if part else "")
    others = [singular(spoken(one)) for one in targets_in(reference.to)]
    others = [one for one in others if one != name]
    return f"its {name}" + (f" ({listed(others, 'or')})" if others and not part else "")


def _start(sync: SyncConfig) -> str:
    start = sync.start_from
    if start.everything:
        return "everything that is there"
    if start.since is None:
        return "what changes from its first start on"
    return f"what changed since {start.since:%Y-%m-%d %H:%M} UTC"
