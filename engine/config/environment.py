"""``${NAME}`` in configuration: values, above all secrets, that come from the environment."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

from engine.config.problems import Problems
from engine.config.yaml import Document, KeyPath, YamlValue

_VARIABLE: Final = re.compile(r"\$\$\{|\$\{([^}]*)\}?")
_NAME: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


class FromEnvironment(str):
    """Text of which at least a part came from the environment. Its repr shows nothing."""

    __slots__ = ()

    def __repr__(self) -> str:
        return "FromEnvironment(…)"


def substitute(document: Document, environ: Mapping[str, str], problems: Problems) -> YamlValue:
    """The document's value with every ``${NAME}`` replaced; ``$${`` stands for ``${`` itself.

    Faults name the variable, never a value.
    """
    return _value(document, document.value, (), environ, problems)


def _value(
    document: Document,
    value: YamlValue,
    path: KeyPath,
    environ: Mapping[str, str],
    problems: Problems,
) -> YamlValue:
    if isinstance(value, dict):
        return {
            key: _value(document, inner, (*path, key), environ, problems)
            for key, inner in value.items()
        }
    if isinstance(value, list):
        return [
            _value(document, inner, (*path, position), environ, problems)
            for position, inner in enumerate(value)
        ]
    if isinstance(value, str) and "${" in value:
        return _text(document, value, path, environ, problems)
    return value


def _text(
    document: Document,
    value: str,
    path: KeyPath,
    environ: Mapping[str, str],
    problems: Problems,
) -> str:
    def replaced(match: re.Match[str]) -> str:
        name = match.group(1)
        if name is None:
            return "${"
        if _NAME.fullmatch(name) is None or not match.group().endswith("}"):
            problems.at(document, path, f"`{match.group()}` is not a variable", "write ${NAME}")
            return ""
        found = environ.get(name, "")
        if not found:
            state = "is empty" if name in environ else "is not set"
            problems.at(
                document,
                path,
                f"the environment variable {name} {state}",
                f"set it before starting, e.g. export {name}=…",
            )
        return found

    written = _VARIABLE.sub(replaced, value)
    names_variable = any(match.group(1) for match in _VARIABLE.finditer(value))
    return FromEnvironment(written) if names_variable else written
