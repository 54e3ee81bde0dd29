"""Who is associated with whom, in both directions, with types.

Type ids: developers.hubspot.com, "Associations v4". Changing an association does not move the
modified time of either record.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final, TypeAlias

from sandbox.hubspot.errors import ApiError
from sandbox.hubspot.schema import ObjectType

Key: TypeAlias = tuple[str, str]  # object name, record id
Kind: TypeAlias = tuple[str, int]  # category, type id

HUBSPOT_DEFINED: Final = "HUBSPOT_DEFINED"
USER_DEFINED: Final = "USER_DEFINED"


@dataclass(frozen=True, slots=True)
class AssociationType:
    """One direction of an association. ``label`` is ``None`` for the unlabelled type."""

    from_object: str
    to_object: str
    type_id: int
    inverse_id: int
    name: str
    label: str | None = None
    category: str = HUBSPOT_DEFINED
    primary: bool = False


def _pair(
    left: str, right: str, ids: tuple[int, int], names: tuple[str, str], label: str | None = None
) -> tuple[AssociationType, AssociationType]:
    primary = label == "Primary"
    return (
        AssociationType(left, right, ids[0], ids[1], names[0], label, primary=primary),
        AssociationType(right, left, ids[1], ids[0], names[1], label, primary=primary),
    )


_STOCK: Final = (
    *_pair(
        "contacts",
        "companies",
        (279, 280),
        ("contact_to_company_unlabeled", "company_to_contact_unlabeled"),
    ),
    *_pair(
        "contacts", "companies", (1, 2), ("contact_to_company", "company_to_contact"), "Primary"
    ),
    *_pair(
        "deals",
        "companies",
        (341, 342),
        ("deal_to_company_unlabeled", "company_to_deal_unlabeled"),
    ),
    *_pair("deals", "companies", (5, 6), ("deal_to_company", "company_to_deal"), "Primary"),
    *_pair("deals", "contacts", (3, 4), ("deal_to_contact", "contact_to_deal")),
    *_pair("deals", "line_items", (19, 20), ("deal_to_line_item", "line_item_to_deal")),
)


class Associations:
    """All associations of an account."""

    def __init__(self) -> None:
        self._types: list[AssociationType] = list(_STOCK)
        self._links: dict[Key, dict[str, dict[str, set[Kind]]]] = {}
        self._next_type_id = 9001

    # -- types -----------------------------------------------------------------------------------

    def types(self, left: ObjectType, right: ObjectType) -> list[AssociationType]:
        """The types from one object to another; a pair without any gets its unlabelled one."""
        found = [t for t in self._types if (t.from_object, t.to_object) == (left.name, right.name)]
        if found or {left.name, right.name} in ({"products"}, {"products", "line_items"}):
            return found
        names = (f"{left.singular}_to_{right.singular}", f"{right.singular}_to_{left.singular}")
        self._types += _pair(left.name, right.name, self._two_ids(), names)
        return self.types(left, right)

    def _two_ids(self) -> tuple[int, int]:
        self._next_type_id += 2
        return self._next_type_id - 2, self._next_type_id - 1

    def add_label(self, left: ObjectType, right: ObjectType, label: str) -> AssociationType:
        """A label of the account's own, in both directions."""
        first, second = self._two_ids()
        name = label.lower().replace(" ", "_")
        one = AssociationType(left.name, right.name, first, second, name, label, USER_DEFINED)
        other = AssociationType(right.name, left.name, second, first, name, label, USER_DEFINED)
        self._types += [one, other]
        return one

    def type_of(self, kind: Kind) -> AssociationType | None:
        """The definition of a stored kind."""
        return next((t for t in self._types if (t.category, t.type_id) == kind), None)

    def unlabelled(self, left: ObjectType, right: ObjectType) -> AssociationType:
        """The plain type of a pair; ``ApiError`` when the two cannot be associated."""
        for found in self.types(left, right):
            if found.label is None:
                return found
        raise ApiError(f"No association is possible between {left.name} and {right.name}")

    # -- reading ---------------------------------------------------------------------------------

    def of(self, object: str, id: str, to: str) -> Mapping[str, set[Kind]]:
        """Ids on the other side with their kinds, in the order they were associated."""
        return self._links.get((object, id), {}).get(to, {})

    def everything_of(self, object: str, id: str) -> Iterator[tuple[str, str]]:
        """Each (object, id) a record is associated with."""
        for to, links in self._links.get((object, id), {}).items():
            for other in links:
                yield to, other

    # -- writing ---------------------------------------------------------------------------------

    def add(
        self, left: tuple[ObjectType, str], right: tuple[ObjectType, str], kinds: Iterable[Kind]
    ) -> bool:
        """Associate two records by checked kinds, both ways; whether anything is new."""
        (from_type, from_id), (to_type, to_id) = left, right
        plain = self.unlabelled(from_type, to_type)
        wanted = {(plain.category, plain.type_id), *kinds}
        self._refuse_second_parent(from_type, from_id, to_type, to_id)
        primary = next((t for t in self.types(from_type, to_type) if t.primary), None)
        if primary is not None:
            owner, owned = (
                ((from_type.name, from_id), (to_type.name, to_id))
                if from_type.name != "companies"
                else ((to_type.name, to_id), (from_type.name, from_id))
            )
            kind = (primary.category, primary.type_id)
            if kind in wanted:
                self._clear_primary(owner, owned)
            elif not self._has_primary(owner, owned[0]):
                wanted.add(kind)  # the first company becomes the primary one
        existing = self.of(from_type.name, from_id, to_type.name).get(to_id, set())
        if wanted <= existing:
            return False
        for kind in wanted:
            definition = self.type_of(kind)
            inverse = (kind[0], definition.inverse_id if definition else kind[1])
            self._link((from_type.name, from_id), (to_type.name, to_id), kind)
            self._link((to_type.name, to_id), (from_type.name, from_id), inverse)
        return True

    def _refuse_second_parent(
        self, from_type: ObjectType, from_id: str, to_type: ObjectType, to_id: str
    ) -> None:
        if {from_type.name, to_type.name} != {"deals", "line_items"}:
            return
        line, deal = (to_id, from_id) if from_type.name == "deals" else (from_id, to_id)
        parents = self.of("line_items", line, "deals")
        if parents and deal not in parents:
            raise ApiError(
                f"Line item {line} is already associated with deal {next(iter(parents))}; a line "
                "item can only belong to one parent object",
                context={"id": [line]},
            )

    def _link(self, left: Key, right: Key, kind: Kind) -> None:
        links = self._links.setdefault(left, {}).setdefault(right[0], {})
        links.setdefault(right[1], set()).add(kind)

    def _is_primary(self, kind: Kind) -> bool:
        definition = self.type_of(kind)
        return definition is not None and definition.primary

    def _has_primary(self, owner: Key, to: str) -> bool:
        return any(
            self._is_primary(kind) for kinds in self.of(*owner, to).values() for kind in kinds
        )

    def _clear_primary(self, owner: Key, keep: Key) -> None:
        for other, kinds in self.of(*owner, keep[0]).items():
            if other != keep[1]:
                kinds -= {kind for kind in kinds if self._is_primary(kind)}
                back = self._links[keep[0], other][owner[0]][owner[1]]
                back -= {kind for kind in back if self._is_primary(kind)}

    def remove(self, left: Key, right: Key, kinds: Iterable[Kind] | None = None) -> bool:
        """Remove all kinds, or the given ones, both ways; whether anything was there.

        Removing the unlabelled kind removes the whole association.
        """
        present = self.of(*left, right[0]).get(right[1])
        if present is None:
            return False
        gone = set(present) if kinds is None else set(kinds) & present
        if not gone:
            return False
        labels = [self.type_of(kind) for kind in gone]
        if any(t is not None and t.label is None for t in labels):
            gone = set(present)
        for kind in gone:
            definition = self.type_of(kind)
            inverse = (kind[0], definition.inverse_id if definition else kind[1])
            self._unlink(left, right, kind)
            self._unlink(right, left, inverse)
        return True

    def _unlink(self, left: Key, right: Key, kind: Kind) -> None:
        links = self._links[left][right[0]]
        links[right[1]].discard(kind)
        if not links[right[1]]:
            del links[right[1]]

    def remove_all(self, object: str, id: str) -> None:
        """Forget every association of a record."""
        for other in list(self.everything_of(object, id)):
            self.remove((object, id), other)
