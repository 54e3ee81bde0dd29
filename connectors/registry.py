"""Finding connectors: folders here, then other packages' entry points. Looking imports no SDK."""

from __future__ import annotations

import difflib
import importlib
import pkgutil
import re
from collections.abc import Mapping
from functools import cache
from importlib.metadata import entry_points
from types import MappingProxyType
from typing import Any, Final

import connectors
from connectors.base import Build, Connector, ConnectorKind, ConnectorSpec, Receive, Wiring

GROUP: Final = "revline.connectors"
_NAME: Final = re.compile(r"[a-z0-9][a-z0-9_-]{0,62}", re.ASCII)
_NOT_CONNECTORS: Final = frozenset({"data", "testing"})


class UnknownConnector(LookupError):
    """There is no connector of this name; the message names those there are."""


class BrokenConnector(Exception):
    """A connector's declaration does not hold; the message says whose and what."""


@cache
def kinds() -> Mapping[str, ConnectorKind]:
    """Every connector by name. A folder here wins over an entry point of the same name."""
    found = {kind.name: kind for kind in _folders()}
    for point in entry_points(group=GROUP):
        if point.name in found:
            continue
        kind = point.load()
        if not isinstance(kind, ConnectorKind) or kind.name != point.name:
            raise BrokenConnector(f"the entry point {point.name} names no connector of that name")
        found[kind.name] = kind
    for name in found:
        if not _NAME.fullmatch(name):
            raise BrokenConnector(f"{name!r} cannot be a connector's name")
    return MappingProxyType(dict(sorted(found.items())))


def kind(name: str) -> ConnectorKind:
    """The connector of this name. Raises ``UnknownConnector`` with the nearest names."""
    known = kinds()
    if name in known:
        return known[name]
    near = difflib.get_close_matches(name, known, n=1)
    hint = f"did you mean {near[0]!r}?" if near else f"there are: {', '.join(known)}"
    raise UnknownConnector(f"there is no connector {name!r}; {hint}")


def spec(name: str) -> ConnectorSpec:
    """What a connector declares."""
    found = _named(kind(name).spec, name)
    if not isinstance(found, ConnectorSpec) or found.name != name:
        raise BrokenConnector(f"the declaration of connector {name} is not its ConnectorSpec")
    return found


def build(name: str, settings: Mapping[str, str], wiring: Wiring) -> Connector:
    """A connector over these settings; only now its SDK is imported."""
    make: Build = _named(kind(name).build, name)
    return make(settings, wiring)


def receiver(name: str) -> Receive | None:
    """What takes in the connector's webhooks, or ``None`` when it has none."""
    where = kind(name).receive
    if where is None:
        return None
    found: Receive = _named(where, name)
    return found


def _folders() -> list[ConnectorKind]:
    found: list[ConnectorKind] = []
    for entry in pkgutil.iter_modules(connectors.__path__):
        if not entry.ispkg or entry.name in _NOT_CONNECTORS:
            continue
        declared = getattr(importlib.import_module(f"connectors.{entry.name}"), "KIND", None)
        # A folder under construction, or left over without its code, is not a connector.
        if isinstance(declared, ConnectorKind):
            found.append(declared)
    return found


def _named(dotted: str, connector: str) -> Any:
    module, _, attribute = dotted.partition(":")
    try:
        return getattr(importlib.import_module(module), attribute)
    except (ImportError, AttributeError) as error:
        raise BrokenConnector(f"connector {connector}: cannot load {dotted}: {error}") from error
