"""YAML, read strictly: what is written is what is meant, and every value knows its place.

A narrow reading of YAML 1.2's core schema over PyYAML's C parser:

* ``true``/``false``, ``null``/``~``, decimal integers and decimals have a type; everything else is
  text, so ``no``, ``0123``, ``1:30`` and ``2026-01-31`` stay as written;
* decimals are exact; keys are text; a key written twice is an error;
* tags, merge keys, deep nesting, large files and expanding aliases are refused.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Final, TypeAlias

import yaml
from yaml.error import Mark as YamlMark
from yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from engine.errors import ConfigError

YamlValue: TypeAlias = "bool | int | Decimal | str | list[YamlValue] | dict[str, YamlValue] | None"
KeyPath: TypeAlias = tuple[str | int, ...]

FILE_MAX_BYTES: Final = 1_048_576
DEPTH_MAX: Final = 40
ALIASES_MAX: Final = 100
NODES_MAX: Final = 20_000  # in a file with aliases, each counted where it is used
DIGITS_MAX: Final = 38

_INTEGER: Final = re.compile(r"[-+]?(0|[1-9][0-9]*)")
_DECIMAL: Final = re.compile(r"[-+]?(0|[1-9][0-9]*)\.[0-9]+")
_WORDS: Final[Mapping[str, bool | None]] = {
    "true": True,
    "false": False,
    "null": None,
    "~": None,
    "": None,
}
_EXPRESSION: Final = re.compile(r"(^|[\s\[{,:-])=\s")
_VARIABLE: Final = re.compile(r"""[:\[{,-]\s*\$\{""")
QUOTE_EXPRESSION: Final = (
    "quote this expression: put the whole of it, from the `=` on, between double quotes"
)
_TYPED_TAGS: Final = frozenset(
    f"tag:yaml.org,2002:{name}"
    for name in ("str", "int", "float", "bool", "null", "timestamp", "value", "merge")
)


class Plain(str):
    """Text written without quotes: where a field's type is known, it may still mean a date."""

    __slots__ = ()


@dataclass(frozen=True, slots=True)
class Mark:
    """Where a value starts, counted from 1, and how it is written (``plain`` or quoted)."""

    line: int
    column: int
    plain: bool = False
    single_line: bool = True


@dataclass(frozen=True, slots=True)
class Document:
    """A parsed file. ``marks`` and ``key_marks`` place values and keys by their path."""

    file: str
    value: YamlValue
    marks: Mapping[KeyPath, Mark]
    key_marks: Mapping[KeyPath, Mark]
    lines: tuple[str, ...]

    def mark(self, path: KeyPath, *, key: bool = False) -> Mark:
        """The place of the value (or key) at ``path``, or of the nearest thing around it."""
        if key and path in self.key_marks:
            return self.key_marks[path]
        for end in range(len(path), -1, -1):
            found = self.marks.get(path[:end])
            if found is not None:
                return found
        return Mark(1, 1)

    def error(
        self, path: KeyPath, message: str, hint: str | None = None, *, key: bool = False
    ) -> ConfigError:
        """A fault at the value (or key) at ``path``."""
        mark = self.mark(path, key=key)
        return ConfigError(self.file, mark.line, mark.column, message, hint)

    def cut_by_comment(self, path: KeyPath) -> bool:
        """Whether `` #`` ends the plain scalar at ``path``, so that a part of it may be lost."""
        mark = self.mark(path)
        if not mark.plain or mark.line > len(self.lines):
            return False
        return " #" in self.lines[mark.line - 1][mark.column - 1 :]


def read_document(path: Path, name: str) -> Document:
    """Read a file; ``name`` is how messages call it. Raises :class:`ConfigError`."""
    try:
        with path.open("rb") as stream:
            raw = stream.read(FILE_MAX_BYTES + 1)
    except FileNotFoundError:
        raise ConfigError(name, 0, 0, "there is no such file") from None
    except OSError as problem:
        reason = problem.strerror or "unreadable"
        raise ConfigError(name, 0, 0, f"the file cannot be read: {reason.lower()}") from None
    return parse_document(raw, name)


def parse_document(raw: bytes, name: str) -> Document:
    """Parse bytes; ``name`` is how messages call them. Raises :class:`ConfigError`."""
    if len(raw) > FILE_MAX_BYTES:
        raise ConfigError(
            name, 0, 0, f"the file is larger than {FILE_MAX_BYTES:,} bytes", "split it up"
        )
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as problem:
        line = raw.count(b"\n", 0, problem.start) + 1
        column = problem.start - (raw.rfind(b"\n", 0, problem.start) + 1) + 1
        raise ConfigError(
            name, line, column, "the file is not UTF-8 text", "save it as UTF-8"
        ) from None
    lines = tuple(text.splitlines())
    try:
        aliases = _check_shape(text, name)
        root = yaml.compose(text, Loader=yaml.CSafeLoader)
    except yaml.YAMLError as problem:
        raise _syntax_error(problem, name, lines) from None
    except (RecursionError, ValueError):
        raise ConfigError(name, 0, 0, "the file cannot be read as YAML") from None
    reader = _Reader(name, lines, NODES_MAX if aliases else len(text) + 1)
    value = None if root is None else reader.read(root, (), 0)
    return Document(name, value, reader.marks, reader.key_marks, lines)


def plain_value(text: str, name: str = "", mark: Mark | None = None) -> YamlValue:
    """The typed value of an unquoted scalar. Raises :class:`ConfigError` on absurd numbers."""
    if text in _WORDS:
        return _WORDS[text]
    is_integer = _INTEGER.fullmatch(text) is not None
    if not is_integer and _DECIMAL.fullmatch(text) is None:
        return Plain(text)
    if sum(character.isdigit() for character in text) > DIGITS_MAX:
        line, column = (mark.line, mark.column) if mark else (0, 0)
        raise ConfigError(
            name, line, column, f"a number with more than {DIGITS_MAX} digits", "quote it as text"
        )
    return int(text) if is_integer else Decimal(text)


def _check_shape(text: str, name: str) -> int:
    """Refuse depth, aliases without end and several documents; return how many aliases."""
    depth = documents = aliases = 0
    for event in yaml.parse(text, Loader=yaml.CSafeLoader):
        start = event.start_mark
        line, column = (start.line + 1, start.column + 1) if start else (0, 0)
        if isinstance(event, yaml.CollectionStartEvent):
            depth += 1
            if depth > DEPTH_MAX:
                raise ConfigError(name, line, column, f"nested deeper than {DEPTH_MAX} levels")
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1
        elif isinstance(event, yaml.AliasEvent):
            aliases += 1
            if aliases > ALIASES_MAX:
                raise ConfigError(name, line, column, f"more than {ALIASES_MAX} aliases")
        elif isinstance(event, yaml.DocumentStartEvent):
            documents += 1
            if documents > 1:
                raise ConfigError(
                    name, line, column, "a second document starts here", "remove the `---`"
                )
    return aliases


class _Reader:
    """Turns nodes into values, noting places; counts nodes so that aliases cannot explode."""

    def __init__(self, name: str, lines: tuple[str, ...], nodes_max: int) -> None:
        self.marks: dict[KeyPath, Mark] = {}
        self.key_marks: dict[KeyPath, Mark] = {}
        self._name = name
        self._lines = lines
        self._nodes = 0
        self._nodes_max = nodes_max

    def read(self, node: Node, path: KeyPath, depth: int) -> YamlValue:
        mark = _mark(node)
        self._nodes += 1
        if self._nodes > self._nodes_max or depth > DEPTH_MAX:
            raise self._error(mark, "aliases make this file too large", "write it out")
        self.marks[path] = mark
        if isinstance(node, ScalarNode):
            return self._scalar(node, mark)
        if isinstance(node, SequenceNode):
            self._check_tag(node, mark, "tag:yaml.org,2002:seq")
            return [self.read(item, (*path, i), depth + 1) for i, item in enumerate(node.value)]
        if isinstance(node, MappingNode):
            self._check_tag(node, mark, "tag:yaml.org,2002:map")
            return self._mapping(node, path, depth)
        raise self._error(mark, "unknown kind of YAML node")

    def _mapping(self, node: MappingNode, path: KeyPath, depth: int) -> dict[str, YamlValue]:
        result: dict[str, YamlValue] = {}
        for key_node, value_node in node.value:
            mark = _mark(key_node)
            if not isinstance(key_node, ScalarNode):
                raise self._error(mark, "a key must be text")
            key = str(key_node.value)
            if key_node.tag == "tag:yaml.org,2002:merge":
                raise self._error(mark, "merge keys (`<<`) are not supported", "repeat the keys")
            inside = (*path, key)
            if key in result:
                first = self.key_marks[inside].line
                raise self._error(
                    mark, f"`{key}` is already set on line {first}", "keep one of the two"
                )
            if "\x00" in key:
                raise self._error(mark, "NUL characters are not allowed")
            self.key_marks[inside] = mark
            result[key] = self.read(value_node, inside, depth + 1)
        return result

    def _scalar(self, node: ScalarNode, mark: Mark) -> YamlValue:
        if node.tag not in _TYPED_TAGS:
            raise self._error(mark, f"the tag {node.tag} is not supported", "remove the tag")
        text = str(node.value)
        if "\x00" in text:
            raise self._error(mark, "NUL characters are not allowed")
        # A tag such as !!str on a plain scalar is visible only in the source text.
        if self._source_at(mark).startswith("!"):
            raise self._error(mark, "tags are not supported", "quote the value to make it text")
        return plain_value(text, self._name, mark) if mark.plain else text

    def _check_tag(self, node: Node, mark: Mark, expected: str) -> None:
        if node.tag != expected or self._source_at(mark).startswith("!"):
            raise self._error(mark, "tags are not supported", "remove the tag")

    def _source_at(self, mark: Mark) -> str:
        if mark.line > len(self._lines):
            return ""
        return self._lines[mark.line - 1][mark.column - 1 :]

    def _error(self, mark: Mark, message: str, hint: str | None = None) -> ConfigError:
        return ConfigError(self._name, mark.line, mark.column, message, hint)


def _mark(node: Node) -> Mark:
    start: YamlMark = node.start_mark
    plain = isinstance(node, ScalarNode) and node.style in (None, "")
    return Mark(start.line + 1, start.column + 1, plain, start.line == node.end_mark.line)


def _syntax_error(problem: yaml.YAMLError, name: str, lines: tuple[str, ...]) -> ConfigError:
    mark = getattr(problem, "problem_mark", None)
    if mark is None:
        return ConfigError(name, 0, 0, "the file cannot be read as YAML")
    line, column = mark.line + 1, mark.column + 1
    what = getattr(problem, "problem", None) or "not valid YAML"
    context = getattr(problem, "context", None)
    message = f"{what} ({context})" if context else str(what)
    source = lines[line - 1] if line <= len(lines) else ""
    hint = None
    if _EXPRESSION.search(source):
        hint = QUOTE_EXPRESSION
    elif _VARIABLE.search(source):
        hint = 'inside { } and [ ] write variables between quotes: "${NAME}"'
    elif "\t" in source:
        hint = "indent with spaces, not with tabs"
    return ConfigError(name, line, column, message, hint)
