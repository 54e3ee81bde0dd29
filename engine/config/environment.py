"""``${NAME}`` in configuration: values, above all secrets, that come from the environment."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from engine.config.problems import Problems
from engine.config.yaml import Document, KeyPath, YamlValue

_VARIABLE: Final = re.compile(r"\$\$\{|\$\{([^}]*)\}?")
_NAME: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


class FromEnvironment(str):
    """Text of which at least a part came from the environment. Its repr shows nothing."""

    __slots__ = ()

    def __repr__(self) -> str:
        return "FromEnvironment(…)"


@dataclass(frozen=True, slots=True)
class Substituted:
    """The content of a file; ``missing``: what connections at rest lack, by their names."""

    value: YamlValue
    missing: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


def substitute(
    document: Document,
    environ: Mapping[str, str],
    problems: Problems,
    common: frozenset[str] = frozenset(),
) -> Substituted:
    """The document's value with every ``${NAME}`` replaced; ``$${`` stands for ``${`` itself.

    Faults name the variable, never a value. A variable that is not set is no fault where it stands
    for a setting of a connection that no running sync uses; settings in ``common``, which every
    connection has, are not spared.
    """
    syncs = document.value.get("syncs") if isinstance(document.value, dict) else None
    told = _Substitution(document, environ, Problems()).of(syncs, ("syncs",))
    used = _used(told)
    whole = _Substitution(document, environ, problems, frozenset(used), common)
    value = whole.of(document.value, ())
    return Substituted(value, {name: tuple(found) for name, found in whole.missing.items()})


def _used(syncs: Any) -> set[str]:
    """The connections that syncs use which are not switched off."""
    found: set[str] = set()
    for sync in syncs.values() if isinstance(syncs, dict) else ():
        if not isinstance(sync, dict) or sync.get("enabled") in (False, "false"):
            continue
        ends = (sync.get("from"), sync.get("to"))
        found.update(str(end).partition(".")[0] for end in ends if end)
    return found


class _Substitution:
    """Replaces variables; ``used`` None spares no connection."""

    def __init__(
        self,
        document: Document,
        environ: Mapping[str, str],
        problems: Problems,
        used: frozenset[str] | None = None,
        common: frozenset[str] = frozenset(),
    ) -> None:
        self._document = document
        self._environ = environ
        self._problems = problems
        self._used = used
        self._common = common
        self.missing: dict[str, list[str]] = {}

    def of(self, value: YamlValue, path: KeyPath) -> YamlValue:
        if isinstance(value, dict):
            return {key: self.of(inner, (*path, key)) for key, inner in value.items()}
        if isinstance(value, list):
            return [self.of(inner, (*path, position)) for position, inner in enumerate(value)]
        if isinstance(value, str) and "${" in value:
            return self._text(value, path)
        return value

    def _text(self, value: str, path: KeyPath) -> str:
        def replaced(match: re.Match[str]) -> str:
            name = match.group(1)
            if name is None:
                return "${"
            if _NAME.fullmatch(name) is None or not match.group().endswith("}"):
                self._problems.at(
                    self._document, path, f"`{match.group()}` is not a variable", "write ${NAME}"
                )
                return ""
            found = self._environ.get(name, "")
            if not found:
                self._lacks(name, path)
            return found

        written = _VARIABLE.sub(replaced, value)
        names = [match.group(1) for match in _VARIABLE.finditer(value) if match.group(1)]
        if any(not self._environ.get(name) for name in names) and self._at_rest(path):
            written = ""  # half an address is none
        return FromEnvironment(written) if names else written

    def _lacks(self, name: str, path: KeyPath) -> None:
        if self._at_rest(path):
            found = self.missing.setdefault(str(path[1]), [])
            if name not in found:
                found.append(name)
            return
        state = "is empty" if name in self._environ else "is not set"
        self._problems.at(
            self._document,
            path,
            f"the environment variable {name} {state}",
            f"set it before starting, e.g. export {name}=…",
        )

    def _at_rest(self, path: KeyPath) -> bool:
        """Whether this is a setting of a connection that no running sync uses."""
        return (
            self._used is not None
            and len(path) > 2
            and path[0] == "connections"
            and path[1] not in self._used
            and path[2] not in self._common
        )
