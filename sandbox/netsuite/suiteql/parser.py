"""SuiteQL text to the SQL of the engine behind it. What is not understood is refused.

Supported: SELECT [DISTINCT], aliases, one table or joins, WHERE, GROUP BY, HAVING, ORDER BY, FETCH
FIRST; comparisons, IN, BETWEEN, LIKE, IS NULL, AND, OR, NOT, CASE, arithmetic, ``||``, ``?``.
LIMIT is not part of the language.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

from sandbox.netsuite.suiteql.expressions import Expression, Values, fitted
from sandbox.netsuite.suiteql.tokens import QueryError

COMPARISONS: Final = frozenset({"=", "<>", "!=", "<", "<=", ">", ">="})
WORDS: Final = frozenset({"in", "like", "is", "between", "and", "or", "not"})
LIST_MAX: Final = 1000


@dataclass(frozen=True, slots=True)
class Query:
    """A translated query. ``everything``: it selects all columns of a table."""

    sql: str
    names: tuple[str, ...]
    parameters: int
    ordered: bool
    everything: bool


class Parser(Values):
    """Translates one query."""

    _everything = False

    # -- clauses -----------------------------------------------------------------------------------

    def query(self) -> Query:
        """The whole query."""
        self._expect("select")
        distinct = "DISTINCT " if self._take("distinct") else ""
        start = self._at
        self._at = self._find_from()
        source = self._source()
        after, self._at = self._at, start
        items = self._items()
        if not self._is("from"):
            raise QueryError(f"unexpected {self._peek().text!r}")
        self._at = after
        names = tuple(item.name for item in items)
        if len(set(names)) != len(names):
            raise QueryError("two columns have the same name")
        columns = ", ".join(f'{item.sql} AS "{item.name}"' for item in items)
        parts = [f"SELECT {distinct}{columns} FROM {source}"]  # noqa: S608 - every name is known
        if self._take("where"):
            parts.append(f"WHERE {self._condition()}")
        if self._take("group"):
            self._expect("by")
            parts.append("GROUP BY " + ", ".join(one.sql for one in self._several()))
        if self._take("having"):
            parts.append(f"HAVING {self._condition()}")
        ordered = self._take("order")
        if ordered:
            self._expect("by")
            self._aliases = {item.name: item for item in items}
            parts.append("ORDER BY " + self._order(len(items)))
        if self._take("fetch"):
            parts.append(self._fetch())
        if self._peek().kind != "end":
            raise QueryError(f"unexpected {self._peek().text!r}")
        sql = " ".join(parts)
        return Query(sql, names, self._parameters, ordered, self._everything)

    def _find_from(self) -> int:
        depth = 0
        for place in range(self._at, len(self._tokens)):
            token = self._tokens[place]
            depth += {"(": 1, ")": -1}.get(token.text, 0) if token.kind == "sign" else 0
            if depth == 0 and token.kind == "name" and token.text.lower() == "from":
                return place + 1
        raise QueryError("FROM is missing")

    def _source(self) -> str:
        parts = [self._table()]
        while True:
            if self._take(","):
                parts.append(", " + self._table())
            elif self._is("join", "inner", "left"):
                left = self._take("left")
                if left:
                    self._take("outer")
                else:
                    self._take("inner")
                self._expect("join")
                table = self._table()
                self._expect("on")
                parts.append(f" {'LEFT ' if left else ''}JOIN {table} ON {self._condition()}")
            else:
                return "".join(parts)

    def _table(self) -> str:
        name = self._name().lower()
        if name not in self._tables:
            raise QueryError(f"Record '{name}' was not found.")
        self._take("as")
        alias = self._name().lower() if self._is_name() else name
        if alias in self._scope:
            raise QueryError(f"{alias} is there twice")
        self._scope[alias] = name
        source = self._sources.get(name, f'"{name}"')
        return f'{source} AS "{alias}"'

    def _items(self) -> list[Expression]:
        items: list[Expression] = []
        while True:
            if self._take("*"):
                self._everything = True
                for alias in self._scope:
                    items += self._all_of(alias)
            elif self._peek(1).text == "." and self._peek(2).text == "*":
                alias = self._name().lower()
                self._at += 2
                self._everything = True
                items += self._all_of(alias)
            else:
                items.append(self._item(len(items) + 1))
            if not self._take(","):
                return items

    def _all_of(self, alias: str) -> list[Expression]:
        if alias not in self._scope:
            raise QueryError(f"Unknown identifier '{alias}'.")
        columns = self._tables[self._scope[alias]].values()
        return [Expression(f'"{alias}"."{one.name}"', one.kind, name=one.name) for one in columns]

    def _item(self, number: int) -> Expression:
        found = self._value()
        name = found.column.name if found.column is not None else f"expr{number}"
        if self._take("as") or self._is_name():
            name = self._name()
        return replace(found, name=name.lower())

    def _several(self) -> list[Expression]:
        found = [self._value()]
        while self._take(","):
            found.append(self._value())
        return found

    def _order(self, width: int) -> str:
        parts = []
        while True:
            token = self._peek()
            if token.kind == "number" and token.text.isdigit():
                self._at += 1
                if not 1 <= int(token.text) <= width:
                    raise QueryError("ORDER BY names a column that is not there")
                part = token.text
            else:
                part = self._value().sql
            if self._take("desc"):
                part += " DESC"
            else:
                self._take("asc")
            if self._take("nulls"):
                part += " NULLS FIRST" if self._take("first") else " NULLS LAST"
                if part.endswith("LAST"):
                    self._expect("last")
            else:
                part += " NULLS FIRST" if part.endswith(" DESC") else " NULLS LAST"
            parts.append(part)
            if not self._take(","):
                return ", ".join(parts)

    def _fetch(self) -> str:
        if not (self._take("first") or self._take("next")):
            raise QueryError("FIRST is expected after FETCH")
        token = self._peek()
        if token.kind != "number" or not token.text.isdigit():
            raise QueryError("a number is expected after FETCH FIRST")
        self._at += 1
        if not (self._take("rows") or self._take("row")):
            raise QueryError("ROWS is expected")
        self._expect("only")
        return f"LIMIT {int(token.text)}"

    # -- conditions --------------------------------------------------------------------------------

    def _condition(self) -> str:
        parts = [self._all()]
        while self._take("or"):
            parts.append(self._all())
        return parts[0] if len(parts) == 1 else "(" + " OR ".join(parts) + ")"

    def _all(self) -> str:
        parts = [self._negation()]
        while self._take("and"):
            parts.append(self._negation())
        return parts[0] if len(parts) == 1 else "(" + " AND ".join(parts) + ")"

    def _negation(self) -> str:
        if self._take("not"):
            return f"(NOT {self._negation()})"
        if self._is("(") and self._opens_condition():
            self._expect("(")
            inner = self._condition()
            self._expect(")")
            return f"({inner})"
        return self._comparison()

    def _opens_condition(self) -> bool:
        """Whether the parenthesis here holds a condition and not a value."""
        depth = 0
        for place in range(self._at, len(self._tokens)):
            token = self._tokens[place]
            if token.kind == "sign" and token.text in "()":
                depth += 1 if token.text == "(" else -1
                if depth == 0:
                    return False
                continue
            compares = token.kind == "sign" and token.text in COMPARISONS
            words = token.kind == "name" and token.text.lower() in WORDS
            if compares or (words and depth == 1):
                return True
        return False

    def _comparison(self) -> str:
        left = self._value()
        token = self._peek()
        if token.kind == "sign" and token.text in COMPARISONS:
            self._at += 1
            right = self._value()
            sign = "<>" if token.text == "!=" else token.text
            return f"{fitted(left, right)} {sign} {fitted(right, left)}"
        if self._take("is"):
            negated = "NOT " if self._take("not") else ""
            self._expect("null")
            return f"{left.sql} IS {negated}NULL"
        negated = "NOT " if self._take("not") else ""
        if self._take("in"):
            self._expect("(")
            values = [fitted(one, left) for one in self._several()]
            self._expect(")")
            if len(values) > LIST_MAX:
                raise QueryError(f"a list may hold {LIST_MAX} values")
            return f"{left.sql} {negated}IN ({', '.join(values)})"
        if self._take("like"):
            pattern = self._value().sql
            escape = f" ESCAPE {self._value().sql}" if self._take("escape") else ""
            return f"{left.sql} {negated}LIKE {pattern}{escape}"
        if self._take("between"):
            low = self._value()
            self._expect("and")
            high = self._value()
            return f"{left.sql} {negated}BETWEEN {fitted(low, left)} AND {fitted(high, left)}"
        raise QueryError(f"a comparison is expected at {token.text or 'the end'!r}")
