"""What one evaluation of a mapping's expressions can see, and how much it may spend."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Final, TypeAlias

from connectors.records import MISSING, Missing, Record, Value
from engine.mapping.faults import DataFault, LinkPending
from engine.mapping.model import LinkAnswer, Lookups, Reference, SourceView

STEPS_MAX: Final = 10_000

ReadField: TypeAlias = Callable[[str], "Value | Missing"]


class Evaluation:
    """One record (and one child of it, where there is one) with the answers about links.

    Not frozen: it counts the steps of loops. It lives for one call of ``map`` in one thread.
    """

    __slots__ = (
        "_steps",
        "associations",
        "catalogues",
        "children",
        "fields",
        "id",
        "item",
        "item_associations",
        "item_fields",
        "item_id",
        "item_value",
        "links",
        "own",
        "own_target",
        "target",
    )

    def __init__(self, view: SourceView, lookups: Lookups, own_target: str) -> None:
        record = view.record
        self.fields: ReadField = record.fields.get
        self.associations = record.associations.get
        self.children: Mapping[str, tuple[Record, ...]] = view.children
        self.id = record.ref.id
        self.item: Record | None = None
        self.item_fields: ReadField = _nothing
        self.item_associations: Callable[[str], tuple[str, ...] | None] = _no_association
        self.item_id: str | None = None
        self.item_value: Value = None
        self.target: Record | None = None
        self.links = lookups.links
        self.catalogues = lookups.catalogues
        self.own = (record.ref.object, record.ref.id)
        self.own_target = own_target
        self._steps = STEPS_MAX

    def at_record(self, record: Record) -> None:
        """Look at one child record."""
        self.item = record
        self.item_fields = record.fields.get
        self.item_associations = record.associations.get
        self.item_id = record.ref.id

    def at_key(self, key: str) -> None:
        """Look at one child without a record of its own."""
        self.item_id = key

    def step(self, items: Iterable[Value]) -> Iterator[Value]:
        """Walk through a list, counted against what one record may spend."""
        for item in items:
            self._steps -= 1
            if self._steps < 0:
                raise DataFault("TOO_MUCH_WORK", f"more than {STEPS_MAX:,} steps for one record")
            yield item

    def answer(self, reference: Reference) -> LinkAnswer:
        """What is known about a link. A record does not wait for its own link to be made."""
        found = self.links.get(reference)
        if found is None:
            return LinkAnswer(None, pending=True)
        is_own = (reference.object, reference.id) == self.own
        own_target = reference.to is None or self.own_target in reference.targets
        if found.pending and is_own and own_target:
            return LinkAnswer(found.target_id)
        return found

    def linked(self, reference: Reference) -> bool:
        """Whether a link exists. Raises :class:`LinkPending` while that is undecided."""
        answer = self.answer(reference)
        if answer.target_id is None and answer.pending:
            raise LinkPending(reference)
        return answer.target_id is not None


def _nothing(_name: str) -> Value | Missing:
    return MISSING


def _no_association(_name: str) -> tuple[str, ...] | None:
    return None
