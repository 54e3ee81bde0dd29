"""Routing rules: on which of two sides of a threshold a record is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from connectors.records import MISSING
from engine.mapping.evaluation import Evaluation
from engine.mapping.expression import Expression
from engine.mapping.faults import DataFault
from engine.mapping.model import Lookups, SourceView
from engine.mapping.numbers import number
from engine.mapping.operators import Number, add, negate


@dataclass(frozen=True, slots=True)
class RouteRule:
    """A number of the source record, a threshold, and the names of both sides.

    ``inclusive``: exactly the threshold is above. A record that is above goes below only when it is
    ``hysteresis`` under the threshold. ``holds_blanks``: a record without the number is held,
    otherwise it takes no part.
    """

    name: str
    source: str
    by: Expression
    inclusive: bool
    threshold: Number
    hysteresis: Number
    above: str
    below: str
    holds_blanks: bool = False

    def figure(self, view: SourceView) -> Number | None:
        """The number that decides; ``None`` if it is blank. Raises :class:`DataFault`."""
        unread = [name for name in self.by.fields if not _was_read(view.record.fields, name)]
        unread += [name for name in self.by.associations if name not in view.record.associations]
        if unread:
            shown = ", ".join(unread)
            message = f"{self.by.place}: the source did not show what this needs: {shown}"
            raise DataFault("SOURCE_NOT_READ", message)
        value = self.by.value(Evaluation(view, Lookups(), ""))
        try:
            return number(value)
        except DataFault as fault:
            raise DataFault(fault.code, f"{self.by.place}: {fault.message}") from None

    def is_above(self, figure: Number, *, was_above: bool) -> bool:
        """On which side a number is, for a record that was above before, or was not."""
        bound = add(self.threshold, negate(self.hysteresis)) if was_above else self.threshold
        return bool(figure >= bound if self.inclusive else figure > bound)

    def side(self, *, above: bool) -> str:
        """The name of a side."""
        return self.above if above else self.below

    def content(self) -> list[str]:
        """What decides about records, as plain data."""
        return [
            *(self.name, self.source, self.by.source, str(self.inclusive), str(self.threshold)),
            *(str(self.hysteresis), self.above, self.below, str(self.holds_blanks)),
        ]


def _was_read(fields: Mapping[str, Any], name: str) -> bool:
    return any(fields.get(one, MISSING) is not MISSING for one in (name, name.partition(".")[0]))


@dataclass(frozen=True, slots=True)
class SyncRoute:
    """A sync takes the records of one side of a rule, each time they come over to it."""

    rule: RouteRule
    above: bool

    @property
    def side(self) -> str:
        """The name of the side."""
        return self.rule.side(above=self.above)
