"""Collects every fault of a load, and puts validation errors into words with a place."""

from __future__ import annotations

import types
import typing
from typing import Any, Final

from pydantic import BaseModel, ConfigDict, ValidationError
from pydantic_core import ErrorDetails

from engine.config.yaml import QUOTE_EXPRESSION, Document, KeyPath
from engine.errors import ConfigError, ConfigErrors
from engine.mapping.nearest import nearest

_KINDS: Final = {
    "string_type": "text",
    "int_type": "a whole number",
    "bool_type": "true or false",
    "dict_type": "a block of settings",
    "mapping_type": "a block of settings",
    "model_type": "a block of settings",
    "model_attributes_type": "a block of settings",
    "list_type": "a list",
    "tuple_type": "a list",
}

_NAME_HINT: Final = "up to 63 of a-z, 0-9, _ and -, beginning with a letter or digit"


class Block(BaseModel):
    """A block of a file: unknown keys are faults, types are as written, nothing changes later."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, populate_by_name=False)


class Problems:
    """The faults found so far."""

    def __init__(self) -> None:
        self._errors: list[ConfigError] = []

    def __len__(self) -> int:
        return len(self._errors)

    def __bool__(self) -> bool:
        return bool(self._errors)

    def add(self, error: ConfigError) -> None:
        """Note one fault."""
        self._errors.append(error)

    def at(
        self,
        document: Document,
        path: KeyPath,
        message: str,
        hint: str | None = None,
        *,
        key: bool = False,
    ) -> None:
        """Note a fault at the value (or key) at ``path``."""
        self.add(document.error(path, message, hint, key=key))

    def validation(
        self, document: Document, model: type[BaseModel], problem: ValidationError
    ) -> None:
        """Note everything a validation found."""
        self.validation_inside(document, (), model, problem)

    def validation_inside(
        self, document: Document, path: KeyPath, model: type[BaseModel], problem: ValidationError
    ) -> None:
        """Note everything the validation of a block at ``path`` found."""
        for details in problem.errors(include_url=False):
            self.add(_explain(document, model, details, path))

    def raise_any(self) -> None:
        """Raise :class:`ConfigErrors` if there is any fault."""
        if self._errors:
            raise ConfigErrors(self._errors)


def block_keys(model: type[BaseModel]) -> tuple[str, ...]:
    """The keys of a block as they are written in a file."""
    return tuple(field.alias or name for name, field in model.model_fields.items())


def _explain(
    document: Document, model: type[BaseModel], details: ErrorDetails, outer: KeyPath
) -> ConfigError:
    inner: KeyPath = tuple(part for part in details["loc"] if isinstance(part, str | int))
    kind = details["type"]
    if inner and inner[-1] == "[key]":
        path = (*outer, *inner[:-1])
        return document.error(path, f"`{path[-1]}` is not a name", _NAME_HINT, key=True)
    path = (*outer, *inner)
    last = str(path[-1]) if path else ""
    if kind == "missing":
        return document.error(path[:-1], f"`{last}` is missing", f"add `{last}:` here", key=True)
    if kind == "extra_forbidden":
        block = _block_at(model, inner[:-1])
        hint = nearest(last, block_keys(block)) if block else None
        if any(sign in last for sign in "()'\"="):
            # Inside { } a comma ends unquoted text, so the rest of an expression looks like a key.
            hint = QUOTE_EXPRESSION
        return document.error(path, f"unknown key `{last}`", hint, key=True)
    label = f"`{last}`" if isinstance(path[-1] if path else "", str) and last else "this"
    if kind in _KINDS:
        return document.error(path, f"{label} must be {_KINDS[kind]}", _type_hint(kind))
    if kind == "string_pattern_mismatch":
        return document.error(path, f"{label} is not a name", _NAME_HINT)
    if kind in ("enum", "literal_error"):
        expected = details.get("ctx", {}).get("expected", "")
        return document.error(path, f"{label} must be one of {expected}")
    if kind == "value_error":
        return document.error(path, f"{label}: {details['ctx']['error']}")
    message = details["msg"]
    return document.error(path, f"{label}: {message[:1].lower()}{message[1:]}")


def _type_hint(kind: str) -> str | None:
    if kind == "bool_type":
        return "write true or false"
    if kind == "string_type":
        return "put it between quotes"
    return None


def _block_at(model: type[BaseModel], path: KeyPath) -> type[BaseModel] | None:
    """The block that a path of keys leads to."""
    current: Any = model
    for part in path:
        current = _unwrap(current)
        if isinstance(current, type) and issubclass(current, BaseModel):
            for name, field in current.model_fields.items():
                if part == (field.alias or name):
                    current = field.annotation
                    break
            else:
                return None
        else:
            arguments = typing.get_args(current)
            if not arguments:
                return None
            current = arguments[-1] if isinstance(part, str) else arguments[0]
    current = _unwrap(current)
    return current if isinstance(current, type) and issubclass(current, BaseModel) else None


def _unwrap(annotation: Any) -> Any:
    """What is inside ``Annotated[...]`` and ``... | None``."""
    while True:
        origin = typing.get_origin(annotation)
        if origin is typing.Annotated:
            annotation = typing.get_args(annotation)[0]
        elif origin in (typing.Union, types.UnionType):
            inner = [item for item in typing.get_args(annotation) if item is not type(None)]
            annotation = inner[0]
        else:
            return annotation
