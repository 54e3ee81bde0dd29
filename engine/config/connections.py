"""Connections: their own settings, and those their connector declares."""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping
from datetime import timedelta
from decimal import Decimal
from typing import Any
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import ValidationError

from connectors.base import ConnectorSpec, Setting
from engine.books.spec import CONNECTION as OWN
from engine.config.environment import FromEnvironment
from engine.config.model import ConnectionConfig
from engine.config.problems import Problems, block_keys
from engine.config.schema import ConnectionBlock
from engine.config.yaml import Document, KeyPath
from engine.mapping.nearest import nearest


def build_connections(
    document: Document,
    blocks: Mapping[str, Mapping[str, Any]],
    specs: Mapping[str, ConnectorSpec],
    poll_every: timedelta,
    problems: Problems,
) -> dict[str, ConnectionConfig]:
    """Every connection that is sound; faults go to ``problems``."""
    found: dict[str, ConnectionConfig] = {}
    for name, raw in blocks.items():
        path: KeyPath = ("connections", name)
        if OWN in (name, raw.get("connector")):
            problems.at(
                document, path, f"`{OWN}` is the built-in source; it needs no connection", key=True
            )
            continue
        common = set(block_keys(ConnectionBlock))
        try:
            block = ConnectionBlock.model_validate(
                {key: value for key, value in raw.items() if key in common}
            )
        except ValidationError as problem:
            problems.validation_inside(document, path, ConnectionBlock, problem)
            continue
        spec = specs.get(block.connector)
        if spec is None:
            problems.at(
                document,
                (*path, "connector"),
                f"there is no connector `{block.connector}`",
                nearest(block.connector, specs),
            )
            continue
        own = {key: value for key, value in raw.items() if key not in common}
        reader = _Settings(document, path, spec, problems, allow_loopback=block.allow_loopback)
        settings = reader.read(own, common)
        zone = _zone(document, (*path, "timezone"), block.timezone, problems)
        mark = document.mark(path, key=True)
        found[name] = ConnectionConfig(
            name=name,
            connector=block.connector,
            settings=settings,
            zone=zone,
            poll_every=block.poll_every or poll_every,
            allow_loopback=block.allow_loopback,
            removed_every=block.removed_every,
            place=f"{document.file}:{mark.line}:{mark.column}",
        )
    return found


class _Settings:
    """Reads the settings that one connector declares."""

    def __init__(
        self,
        document: Document,
        path: KeyPath,
        spec: ConnectorSpec,
        problems: Problems,
        *,
        allow_loopback: bool,
    ) -> None:
        self._document = document
        self._path = path
        self._spec = spec
        self._problems = problems
        self._allow_loopback = allow_loopback

    def read(self, given: Mapping[str, Any], common: set[str]) -> dict[str, str]:
        """Settings as text, defaults filled in."""
        declared = {setting.name: setting for setting in self._spec.settings}
        for name in given:
            if name not in declared:
                self._problems.at(
                    self._document,
                    (*self._path, name),
                    f"{self._spec.title} has no setting `{name}`",
                    nearest(name, [*declared, *common]),
                    key=True,
                )
        found: dict[str, str] = {}
        for name, setting in declared.items():
            value = given.get(name)
            if isinstance(value, FromEnvironment) and not value:
                continue  # the variable is missing, which has been said already
            if value is None or value == "":
                if setting.default is not None:
                    found[name] = setting.default
                elif setting.required:
                    hint = setting.description
                    self._problems.at(
                        self._document,
                        self._path,
                        f"the setting `{name}` is missing",
                        hint,
                        key=True,
                    )
                continue
            written = self._checked(setting, value)
            if written is not None:
                found[name] = written
        return found

    def _checked(self, setting: Setting, value: Any) -> str | None:
        path = (*self._path, setting.name)
        if not isinstance(value, str | bool | int | Decimal):
            self._problems.at(self._document, path, f"`{setting.name}` must be one value")
            return None
        if setting.secret and not isinstance(value, FromEnvironment):
            variable = f"{self._path[-1]}_{setting.name}".upper().replace("-", "_")
            self._problems.at(
                self._document,
                path,
                f"`{setting.name}` is a secret and must not be written into this file",
                f"write ${{{variable}}} here and set {variable} in the environment",
            )
            return None
        written = str(value).lower() if isinstance(value, bool) else str(value)
        if setting.choices and written not in setting.choices:
            self._problems.at(
                self._document,
                path,
                f"`{setting.name}` must be one of {', '.join(setting.choices)}",
                None if setting.secret else nearest(written, setting.choices),
            )
            return None
        if setting.name.endswith("url") and not setting.secret:
            fault = url_fault(written, allow_loopback=self._allow_loopback)
            if fault is not None:
                self._problems.at(self._document, path, f"`{setting.name}` {fault[0]}", fault[1])
                return None
        return written


def url_fault(url: str, *, allow_loopback: bool) -> tuple[str, str] | None:
    """What is wrong with the address of a system, and what to do; ``None`` if nothing is."""
    try:
        parts = urlsplit(url)
        host, _port = parts.hostname, parts.port
    except ValueError:
        return "is not an address", "write e.g. https://api.example.com"
    if parts.scheme not in ("http", "https") or not host:
        return "is not an address", "write e.g. https://api.example.com"
    if parts.username is not None or parts.password is not None:
        return "must not hold a user name or password", "use the connector's own settings"
    if parts.query or parts.fragment:
        return "must end with the path", "remove everything from ? or # on"
    if is_loopback(host):
        if allow_loopback:
            return None
        return "points to this machine", "add `allow_loopback: true` if that is meant"
    if parts.scheme == "http":
        return "is not encrypted", "use https://"
    return None


def is_loopback(host: str) -> bool:
    """Whether a host name or address stands for this machine."""
    if host.lower().rstrip(".") == "localhost" or host.lower().endswith(".localhost"):
        return True
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return False
    mapped = getattr(address, "ipv4_mapped", None)
    return bool(address.is_loopback or (mapped is not None and mapped.is_loopback))


def _zone(document: Document, path: KeyPath, name: str, problems: Problems) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        problems.at(document, path, "there is no such time zone", "write e.g. Europe/Berlin or UTC")
        return ZoneInfo("UTC")
