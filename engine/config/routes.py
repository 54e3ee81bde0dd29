"""Routing rules: from their blocks in the file to their frozen form; who takes a side."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Final

from connectors.records import Selection
from engine.config.model import Mode
from engine.config.problems import Problems
from engine.config.schema import RouteBlock, SyncBlock
from engine.config.yaml import Document, KeyPath
from engine.mapping.compile import digest_of
from engine.mapping.compiled import MappingProgram
from engine.mapping.fields import FieldCompiler
from engine.mapping.grammar import Scope
from engine.mapping.nearest import nearest
from engine.mapping.routing import RouteRule, SyncRoute
from engine.mapping.values import ValueMap

_INCLUSIVE: Final = {">=": True, ">": False}


class Routes:
    """The routing rules of one project; faults go to ``problems``."""

    def __init__(
        self,
        document: Document,
        blocks: Mapping[str, RouteBlock],
        value_maps: Mapping[str, ValueMap],
        problems: Problems,
    ) -> None:
        self._document = document
        self._problems = problems
        scope = Scope(frozenset(value_maps))
        compiler = FieldCompiler(document, problems, scope, value_maps)
        written = document.value.get("routes") if isinstance(document.value, dict) else None
        self._declared = set(written) if isinstance(written, dict) else set()
        self._rules = {
            name: rule
            for name, block in blocks.items()
            if (rule := self._rule(compiler, name, block)) is not None
        }

    def _rule(self, compiler: FieldCompiler, name: str, block: RouteBlock) -> RouteRule | None:
        path: KeyPath = ("routes", name)
        before = len(self._problems)
        by = compiler.expression((*path, "by"), block.by)
        if by is not None and (by.children or by.links):
            message = "a route looks at the record's own fields; children and links are not asked"
            self._problems.at(self._document, (*path, "by"), message)
        if block.above == block.below:
            self._problems.at(self._document, (*path, "below"), "both sides have one name")
        if by is None or len(self._problems) != before:
            return None
        return RouteRule(
            name=name,
            source=block.from_,
            by=by,
            inclusive=_INCLUSIVE[block.operator],
            threshold=block.threshold,
            hysteresis=block.hysteresis,
            above=block.above,
            below=block.below,
            holds_blanks=block.if_blank == "hold",
        )

    def of(self, path: KeyPath, block: SyncBlock) -> SyncRoute | None:
        """The side that a sync takes, if it takes one."""
        if block.route is None:
            return None
        place: KeyPath = (*path, "route")
        rule = self._rules.get(block.route.rule)
        if rule is None:
            if block.route.rule not in self._declared:
                message = f"there is no route `{block.route.rule}`"
                hint = nearest(block.route.rule, self._declared)
                self._problems.at(self._document, (*place, "rule"), message, hint)
            return None
        if block.from_ != rule.source:
            message = f"the route {rule.name} is about {rule.source}, this sync reads {block.from_}"
            self._problems.at(self._document, place, message)
        if block.observe or block.mode is Mode.LINK_ONLY:
            message = "a sync that writes nothing takes no side of a route"
            self._problems.at(self._document, place, message)
        sides = (rule.below, rule.above)
        if block.route.side not in sides:
            message = f"the route {rule.name} has no side `{block.route.side}`"
            hint = f"write {rule.above} or {rule.below}"
            self._problems.at(self._document, (*place, "side"), message, hint)
            return None
        return SyncRoute(rule, above=block.route.side == rule.above)


def with_route(mapping: MappingProgram, route: SyncRoute | None) -> MappingProgram:
    """A mapping that reads what the route needs too, and counts as another when it changes."""
    if route is None:
        return mapping
    own = mapping.selection
    fields = {*own.fields, *route.rule.by.fields}
    associations = {*own.associations, *route.rule.by.associations}
    selection = Selection(own.object, tuple(sorted(fields)), tuple(sorted(associations)))
    digest = digest_of([mapping.digest, route.rule.content(), route.above])
    return replace(mapping, selection=selection, digest=digest)
