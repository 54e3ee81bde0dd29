"""What can be wrong before anything runs, told to the person who wrote the configuration.

A :class:`ConfigError` names one fault and its place; :class:`ConfigErrors` carries every fault of a
load at once. Neither ever holds the value of a secret.
"""

from __future__ import annotations

from collections.abc import Iterable


class RevlineError(Exception):
    """The root of the errors that the engine explains to people instead of tracing."""


class ConfigError(RevlineError):
    """One fault in a configuration or mapping file.

    ``line`` and ``column`` count from 1; 0 means that the fault concerns the file as a whole.
    ``hint`` says what to do about it.
    """

    def __init__(
        self, file: str, line: int, column: int, message: str, hint: str | None = None
    ) -> None:
        super().__init__(message)
        self.file = file
        self.line = line
        self.column = column
        self.message = message
        self.hint = hint

    @property
    def place(self) -> str:
        """``file:line:column``, or the file alone."""
        return f"{self.file}:{self.line}:{self.column}" if self.line else self.file

    def __str__(self) -> str:
        tail = f" — {self.hint}" if self.hint else ""
        return f"{self.place}: {self.message}{tail}"


class ConfigErrors(RevlineError):
    """Every fault found in one load, ordered by file and place, one line each."""

    def __init__(self, errors: Iterable[ConfigError]) -> None:
        self.errors = tuple(
            sorted(errors, key=lambda error: (error.file, error.line, error.column, error.message))
        )
        super().__init__("\n".join(str(error) for error in self.errors))
