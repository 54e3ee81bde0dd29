"""What stops an expression: a fault in the data, or a link that is not decided yet."""

from __future__ import annotations

from dataclasses import dataclass

from engine.mapping.model import Reference


class DataFault(Exception):
    """The data does not allow an answer. ``code`` is stable, upper case; the message is for people.

    Messages carry no source values, except choices that a value map does not know.
    """

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message


class LinkPending(Exception):
    """A condition depends on a link that an open delivery may still make."""

    def __init__(self, *references: Reference) -> None:
        super().__init__("a link is pending")
        self.references = references


class SyntaxFault(Exception):
    """An expression that cannot be compiled. ``column`` counts characters from 0."""

    def __init__(self, message: str, column: int = 0, hint: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.column = column
        self.hint = hint


@dataclass(frozen=True, slots=True)
class Place:
    """Where something stands in a file: line and column counted from 1."""

    file: str
    line: int
    column: int

    def __str__(self) -> str:
        return f"{self.file}:{self.line}:{self.column}"
