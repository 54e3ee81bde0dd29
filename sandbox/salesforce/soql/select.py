"""Running a query: which rows match, in which order, and how each is printed."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from typing import Any, Final, TypeAlias

from sandbox.salesforce.errors import Refusal
from sandbox.salesforce.schema import TEXTS, FieldSpec, ObjectSpec
from sandbox.salesforce.soql import tree
from sandbox.salesforce.soql.conditions import Conditions, filterable, keyed
from sandbox.salesforce.soql.paths import Org, Resolved, reader, resolve
from sandbox.salesforce.soql.plan import plan
from sandbox.salesforce.values import Row

Printer: TypeAlias = Callable[[Row], dict[str, Any]]

_FIELDS_LIMIT: Final = 200


@dataclass(frozen=True, slots=True)
class Selected:
    """The matching rows in order and how to print one. ``count`` counts for ``COUNT()`` too."""

    count: int
    rows: tuple[Row, ...]
    print: Printer


class Selection:
    """Runs queries on an org as it is now."""

    def __init__(self, org: Org, version: str, now: datetime, *, with_deleted: bool) -> None:
        self._org = org
        self._version = version
        self._now = now
        self._with_deleted = with_deleted

    def run(self, query: tree.Query) -> Selected:
        """The answer to a query; raises :class:`Refusal` for what the platform refuses."""
        source = self._org.schema.object(query.object)
        if source is None:
            message = (
                f"\n{query.text[:80]}\nERROR at Row:1:Column:{query.object_at + 1}\nsObject type "
                f"'{query.object}' is not supported. If you are attempting to use a custom object, "
                "be sure to append the '__c' after the entity name. Please reference your WSDL or "
                "the describe call for the appropriate names."
            )
            raise Refusal("INVALID_TYPE", message)
        if query.fields == ("COUNT()",):
            found = tuple(self._matching(source, query))
            return Selected(len(found), (), lambda _: {})
        print_row = self.printer(source, query)
        rows = tuple(self._matching(source, query))
        return Selected(len(rows), rows, print_row)

    def _matching(self, source: ObjectSpec, query: tree.Query) -> Iterator[Row]:
        table = self._org.table(source.name)
        chosen = plan(table, query, with_deleted=self._with_deleted)
        rows: Iterable[Row] = chosen.rows
        if not self._with_deleted:
            rows = (row for row in rows if not row["IsDeleted"])
        if query.where is not None:
            rows = filter(self._conditions(source, query.text).compile(query.where), rows)
        orders = [self._order(source, query, term) for term in query.order]
        if not chosen.ordered:
            rows = sorted(rows, key=lambda row: row["Id"])
            for key, reverse in reversed(orders):
                rows.sort(key=key, reverse=reverse)
        end = None if query.limit is None else query.offset + query.limit
        return islice(iter(rows), query.offset, end)

    def _conditions(self, source: ObjectSpec, text: str) -> Conditions:
        return Conditions(self._org, source, text, self._now, self._values_of)

    def _values_of(self, query: tree.Query) -> frozenset[Any]:
        """The values of a semi-join's only field."""
        source = self._org.schema.object(query.object)
        if source is None or len(query.fields) != 1 or not isinstance(query.fields[0], tree.Path):
            message = "a sub-query in a condition selects one field"
            raise Refusal("MALFORMED_QUERY", message)
        found = resolve(self._org, source, query.fields[0], query.text)
        values = (found.get(row) for row in self._matching(source, query))
        return frozenset(value for value in values if value is not None)

    def _order(
        self, source: ObjectSpec, query: tree.Query, term: tree.Order
    ) -> tuple[Callable[[Row], Any], bool]:
        found = resolve(self._org, source, term.path, query.text)
        if not filterable(found.field) or found.field.type == "multipicklist":
            message = f"field '{found.field.name}' can not be sorted in a query call"
            raise Refusal("INVALID_FIELD", message)
        get = keyed(found.field, found.get)
        blank: Any = "" if found.field.type in TEXTS or found.field.type == "id" else 0
        # Nulls come first in either direction unless asked otherwise.
        nulls_rank = int(term.nulls_last) if not term.descending else int(not term.nulls_last)

        def key(row: Row) -> Any:
            here = get(row)
            return (1 - nulls_rank, here) if here is not None else (nulls_rank, blank)

        return key, term.descending

    def printer(self, source: ObjectSpec, query: tree.Query) -> Printer:
        layout: dict[str, Any] = {}
        for item in self._expanded(source, query):
            if isinstance(item, tree.Query):
                name, print_children = self._children(source, item)
                layout[name] = print_children
                continue
            if isinstance(item, str):
                raise Refusal("MALFORMED_QUERY", f"{item} cannot stand beside other fields")
            self._place(layout, resolve(self._org, source, item, query.text), item)
        return self._print_layout(source, layout)

    def _expanded(
        self, source: ObjectSpec, query: tree.Query
    ) -> Iterator[tree.Path | tree.Query | str]:
        for item in query.fields:
            if not (isinstance(item, str) and item.startswith("FIELDS(")):
                yield item
                continue
            if item != "FIELDS(STANDARD)" and (query.limit or _FIELDS_LIMIT + 1) > _FIELDS_LIMIT:
                message = f"The SOQL FIELDS function must have a LIMIT of at most {_FIELDS_LIMIT}"
                raise Refusal("MALFORMED_QUERY", message)
            wanted = {"FIELDS(STANDARD)": (False,), "FIELDS(CUSTOM)": (True,)}.get(
                item, (False, True)
            )
            for field in source.fields.values():
                if field.custom in wanted:
                    yield tree.Path((field.name,), 0)

    @staticmethod
    def _place(layout: dict[str, Any], found: Resolved, path: tree.Path) -> None:
        """Put a field into the nested layout of the printed record."""
        here = layout
        for parent in found.parents:
            here = here.setdefault(str(parent.relationship), {"@reference": parent})
        if found.field.name in here:
            message = f"duplicate field selected: {'.'.join(path.parts)}"
            raise Refusal("INVALID_FIELD", message)
        here[found.field.name] = reader(found.field)

    def _print_layout(self, owner: ObjectSpec, layout: dict[str, Any]) -> Printer:
        org = self._org
        readers: list[tuple[str, Callable[[Row], Any]]] = []
        for name, entry in layout.items():
            if isinstance(entry, dict):
                readers.append((name, self._parent_reader(entry)))
            elif name != "@reference":
                readers.append((name, entry))
        base = f"/services/data/v{self._version}/sobjects/"
        by_prefix = org.schema.by_prefix

        def print_row(row: Row) -> dict[str, Any]:
            name = by_prefix[row["Id"][:3]].name if row["Id"][:3] in by_prefix else owner.name
            printed: dict[str, Any] = {
                "attributes": {"type": name, "url": f"{base}{name}/{row['Id']}"}
            }
            for key, read in readers:
                printed[key] = read(row)
            return printed

        return print_row

    def _parent_reader(self, layout: dict[str, Any]) -> Callable[[Row], Any]:
        reference: FieldSpec = layout["@reference"]
        target = self._org.schema.objects[reference.to[0]]
        print_parent = self._print_layout(target, layout)
        org, name = self._org, reference.name

        def read(row: Row) -> Any:
            parent = org.row(row.get(name))
            return print_parent(parent) if parent is not None else None

        return read

    def _children(self, source: ObjectSpec, query: tree.Query) -> tuple[str, Callable[[Row], Any]]:
        found = self._org.schema.child_relationship(source.name, query.object)
        if found is None:
            raise Refusal(
                "INVALID_TYPE",
                f"Didn't understand relationship '{query.object}' in FROM part of query call. If "
                "you are attempting to use a custom relationship, be sure to append the '__r' "
                "after the custom relationship name.",
            )
        child, reference = found
        print_child = self.printer(child, query)
        unlimited = tree.Query(
            query.text, child.name, query.object_at, query.fields, query.where, query.order
        )
        groups: dict[str, list[Row]] = {}
        for row in self._matching(child, unlimited):
            groups.setdefault(row.get(reference.name) or "", []).append(row)

        def read(row: Row) -> Any:
            rows = groups.get(row["Id"], [])[query.offset :][: query.limit]
            if not rows:
                return None
            records = [print_child(each) for each in rows]
            return {"totalSize": len(records), "done": True, "records": records}

        return str(reference.children), read
