"""Reads a project: one file, its mappings, and everything checked at once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from copy import deepcopy
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

from pydantic import ValidationError

from connectors.base import ConnectorSpec
from engine.config.books import build_books, check_books, own_connection, shared_maps
from engine.config.checks import CheckedSync, check_together
from engine.config.connections import build_connections, url_fault
from engine.config.environment import FromEnvironment, substitute
from engine.config.mappings import Mappings
from engine.config.model import Config, ConnectionConfig, ReceiverConfig, SyncConfig
from engine.config.problems import Problems, block_keys
from engine.config.routes import Routes
from engine.config.schema import ConnectionBlock, ProjectFile, ReceiverBlock
from engine.config.syncs import SyncBuilder, sync_content
from engine.config.yaml import Document, read_document
from engine.errors import ConfigError, ConfigErrors
from engine.mapping.compile import digest_of
from engine.mapping.compiled import MappingProgram

FILE_NAME: Final = "revline.yaml"
_SECTIONS: Final = ("connections", "routes", "syncs")
_STORES: Final = ("postgresql", "postgres", "postgresql+psycopg")


def load(
    folder_or_file: Path, environ: Mapping[str, str], specs: Mapping[str, ConnectorSpec]
) -> Config:
    """Read and check a project. ``specs`` are the known connectors by name.

    Raises :class:`ConfigErrors` with every fault found.
    """
    file = folder_or_file / FILE_NAME if folder_or_file.is_dir() else folder_or_file
    folder = file.parent
    problems = Problems()
    try:
        document = read_document(file, file.name)
    except ConfigError as fault:
        hint = "run `revline init`, or name the file with -c" if not fault.line else fault.hint
        raise ConfigErrors(
            [ConfigError(fault.file, fault.line, fault.column, fault.message, fault.hint or hint)]
        ) from None
    common = frozenset(block_keys(ConnectionBlock))
    substituted = substitute(document, environ, problems, common)
    content = substituted.value
    block = _shape(document, content, problems)
    if block is None:
        problems.raise_any()
        raise ConfigErrors([document.error((), "the file cannot be used")])
    # Validation hands on bare text; only the content still tells where the address came from.
    _check_store(document, content.get("store") if isinstance(content, dict) else None, problems)
    missing = substituted.missing
    config = _build(document, folder, file, block, specs, missing, problems)
    problems.raise_any()
    return config


def _shape(document: Document, content: Any, problems: Problems) -> ProjectFile | None:
    if not isinstance(content, dict):
        problems.at(document, (), "the configuration is a block of keys", "start with `version: 1`")
        return None
    try:
        return ProjectFile.model_validate(content)
    except ValidationError as problem:
        problems.validation(document, ProjectFile, problem)
        return _rest(content, problem)


def _rest(content: dict[str, Any], problem: ValidationError) -> ProjectFile | None:
    """The file without what is misshapen, so that the faults of the rest are told at once too."""
    rest: dict[str, Any] = deepcopy(content)
    for error in problem.errors(include_url=False, include_context=False, include_input=False):
        place = [str(part) for part in error["loc"]]
        if error["type"] != "extra_forbidden":
            # A key too many is left out alone; a wrong one takes its sync or connection along.
            place = place[: 2 if place[:1] and place[0] in _SECTIONS else 1]
        _leave_out(rest, place)
    rest.setdefault("version", 1)
    rest.setdefault("connections", {})
    try:
        return ProjectFile.model_validate(rest)
    except ValidationError:
        return None  # told already


def _leave_out(content: Any, place: Sequence[str]) -> None:
    for part in place[:-1]:
        if not isinstance(content, dict):
            return
        content = content.get(part)
    if isinstance(content, dict) and place:
        content.pop(place[-1], None)


def _build(
    document: Document,
    folder: Path,
    file: Path,
    block: ProjectFile,
    specs: Mapping[str, ConnectorSpec],
    missing: Mapping[str, tuple[str, ...]],
    problems: Problems,
) -> Config:
    every = block.defaults.poll_every
    built = build_connections(document, block.connections, specs, every, problems)
    connections = {
        name: replace(one, missing=missing.get(name, ())) for name, one in built.items()
    } | own_connection(block)
    books = build_books(document, block.books, problems)
    maps = shared_maps(block)
    mappings = Mappings(folder, problems, maps)
    routes = Routes(document, block.routes, maps, problems)
    builder = SyncBuilder(document, connections, specs, mappings, routes, problems)
    syncs: dict[str, SyncConfig] = {}
    for name, sync_block in block.syncs.items():
        sync = builder.build(name, sync_block, block.defaults)
        if sync is not None:
            syncs[name] = sync
    checked = [
        CheckedSync(sync, sync.mapping)
        for sync in syncs.values()
        if isinstance(sync.mapping, MappingProgram)
    ]
    declared = document.value.get("syncs") if isinstance(document.value, dict) else None
    names = [str(name) for name in declared] if isinstance(declared, dict) else list(block.syncs)
    check_together(document, checked, names, problems)
    check_books(document, books, syncs, connections, problems)
    _check_receiver(document, block.receiver, problems)
    receiver = ReceiverConfig(**block.receiver.model_dump())
    return Config(
        folder=folder,
        file=file,
        environment=block.environment,
        connections=connections,
        syncs=syncs,
        receiver=receiver,
        digest=_digest(block, connections, syncs, specs, receiver),
        store=str(block.store) if block.store else None,
        payload_days=block.payload_days,
        retention_days=block.retention.model_dump(exclude_none=True),
        books=books,
    )


def _check_receiver(document: Document, block: ReceiverBlock, problems: Problems) -> None:
    if block.public_url is None:
        return
    fault = url_fault(block.public_url, allow_loopback=True)
    if fault is not None:
        problems.at(document, ("receiver", "public_url"), f"`public_url` {fault[0]}", fault[1])


def _check_store(document: Document, store: Any, problems: Problems) -> None:
    if not isinstance(store, str) or not store:
        return
    try:
        parts = urlsplit(store)
        sound = parts.scheme in _STORES and bool(parts.path.strip("/"))
    except ValueError:
        sound, parts = False, urlsplit("")
    if not sound:
        problems.at(
            document,
            ("store",),
            "`store` is not the address of a PostgreSQL database",
            "write postgresql://host/database, or leave it out for SQLite in state/",
        )
    elif parts.password and not isinstance(store, FromEnvironment):
        problems.at(
            document,
            ("store",),
            "`store` holds a password, which must not be written into this file",
            "write ${REVLINE_STORE} here and set REVLINE_STORE in the environment",
        )


def _digest(
    block: ProjectFile,
    connections: Mapping[str, ConnectionConfig],
    syncs: Mapping[str, SyncConfig],
    specs: Mapping[str, ConnectorSpec],
    receiver: ReceiverConfig,
) -> str:
    """Over the effective configuration: defaults filled in, secrets left out."""
    return digest_of(
        {
            "environment": block.environment,
            "connections": {
                name: _connection_content(connection, specs[connection.connector])
                for name, connection in connections.items()
            },
            "receiver": asdict(receiver),
            "payload_days": block.payload_days,
            "retention": block.retention.model_dump(exclude_none=True),
            "books": block.books.model_dump(mode="json"),
            "syncs": {name: sync_content(sync) for name, sync in syncs.items()},
        }
    )


def _connection_content(connection: ConnectionConfig, spec: ConnectorSpec) -> dict[str, Any]:
    secret = {setting.name for setting in spec.settings if setting.secret}
    return {
        "connector": connection.connector,
        "settings": {
            name: value for name, value in connection.settings.items() if name not in secret
        },
        "zone": str(connection.zone),
        "poll_every": connection.poll_every,
        "removed_every": connection.removed_every,
        "allow_loopback": connection.allow_loopback,
    }
