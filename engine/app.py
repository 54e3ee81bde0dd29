"""The composition root: puts a project's parts together, and alone reads the connectors' registry.

Opening a project reads its configuration and nothing else. Stores, connectors and the receiver are
made when they are asked for, so that a command imports only what it uses.
"""

from __future__ import annotations

import contextlib
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from random import SystemRandom
from threading import Lock
from typing import TYPE_CHECKING, Final

from connectors import registry
from connectors.base import ApiCall, CallObserver, Connector, ConnectorSpec, Wiring
from engine.books import spec as books
from engine.clock import Clock
from engine.config.load import load
from engine.config.model import Config, ConnectionConfig
from engine.env_file import with_env_file
from engine.errors import ConfigError, ConfigErrors, RevlineError
from engine.not_set_up import NotSetUp
from engine.store.store import MAIN_FILE, SPOOL_FILE, Store
from engine.store.vault import KEY_VARIABLE, key_file, key_for

if TYPE_CHECKING:
    from connectors.records import Receipt, WebhookRequest
    from engine.observe.metrics import EngineMetrics
    from engine.pipeline.services import Services
    from engine.receiving.application import Parts
    from engine.spool_feed import SpoolEraser, SpoolFeed
    from engine.store.payloads import IsPerson
    from engine.store.spool_database import SpoolPlace

POSITION_FILE: Final = "spool.position"
ERASE_FILE: Final = "spool.erase"

Warn = Callable[[str], None]


class KeyProblem(RevlineError):
    """The store's key is missing or is not a key; the message says what to do."""


def connector_specs() -> dict[str, ConnectorSpec]:
    """What every known connector declares, by name. Imports no vendor's library."""
    vendors = {name: registry.spec(name) for name in registry.kinds()}
    return {**vendors, books.CONNECTION: books.SPEC}


@dataclass(frozen=True, slots=True)
class Project:
    """A project on disk with its configuration. ``warn`` gets sentences for a person."""

    config: Config
    environ: Mapping[str, str] = field(repr=False)
    clock: Clock
    warn: Warn
    _erasing: Lock = field(default_factory=Lock, init=False, repr=False, compare=False)

    @property
    def state(self) -> Path:
        """The folder of everything durable."""
        return self.config.state

    @property
    def has_store(self) -> bool:
        """Whether there is a store already: something has run here before."""
        return self.config.store is not None or (self.state / MAIN_FILE).exists()

    def secrets(self) -> tuple[str, ...]:
        """Every value that must not be written down anywhere."""
        found = [self.environ.get(KEY_VARIABLE, "")]
        specs = connector_specs()
        for connection in self.config.connections.values():
            found += [
                connection.settings.get(setting.name, "")
                for setting in specs[connection.connector].settings
                if setting.secret
            ]
        if self.config.store:
            found.append(self.config.store)
        return tuple(value for value in found if value)

    def key(self) -> bytes:
        """The store's key, made on the very first use. Raises :class:`KeyProblem`."""
        folder = self.config.folder
        given = self.environ.get(KEY_VARIABLE)
        if (self.state / MAIN_FILE).exists() and not given and not key_file(folder).exists():
            raise KeyProblem(
                f"the key to the store is missing: set {KEY_VARIABLE}, or put {key_file(folder)} "
                "back; a new key could not read what is stored"
            )
        try:
            key, made = key_for(folder, dict(self.environ))
        except ValueError as fault:
            place = KEY_VARIABLE if given else str(key_file(folder))
            raise KeyProblem(f"{fault}; look at {place}") from None
        if made:
            self.warn(
                f"a key was made and kept in {key_file(folder)}: keep a copy of it apart from "
                f"state/, or set {KEY_VARIABLE}; without it the store cannot be read"
            )
        return key

    def open_store(self) -> Store:
        """The store, for the one process that holds the lock. Made on first use."""
        return Store.open(self.config.store, self.state, self.key(), is_person=self.persons())

    def persons(self) -> IsPerson:
        """Which objects stand for persons, as the connectors declare."""
        specs = connector_specs()
        subjects = {
            (name, declared.name)
            for name, connection in self.config.connections.items()
            for declared in specs[connection.connector].objects
            if declared.subject
        }
        return lambda *place: place in subjects

    @contextmanager
    def reading(self) -> Iterator[Store]:
        """The store, for looking only; an empty one where nothing has run yet."""
        if self.has_store:
            store = Store.open(self.config.store, self.state, self.key(), read_only=True)
            try:
                yield store
            finally:
                store.close()
            return
        with tempfile.TemporaryDirectory(prefix="revline-") as folder:
            empty = Store.open(None, Path(folder), bytes(32))
            try:
                yield empty
            finally:
                empty.close()

    def connector(self, name: str, observe: CallObserver) -> Connector:
        """A connection's connector. Only now the vendor's library is imported."""
        connection = self.config.connections[name]
        if connection.missing:
            raise ConfigErrors([_at(connection, lacks(connection))])
        wiring = Wiring(
            now=self.clock.now, observe=observe, allow_loopback=connection.allow_loopback
        )
        try:
            return registry.build(connection.connector, connection.settings, wiring)
        except ValueError as fault:
            raise ConfigErrors([_at(connection, f"connection {name}: {fault}")]) from None

    def _connector_or_stand_in(self, name: str, observe: CallObserver) -> Connector:
        connection = self.config.connections[name]
        if connection.missing:
            return NotSetUp(self.spec(name), lacks(connection))
        return self.connector(name, observe)

    def services(
        self, store: Store, metrics: EngineMetrics | None = None, *, connected: bool = True
    ) -> Services:
        """What the pipeline works with; ``connected`` False leaves the connectors out."""
        from engine.books.connector import Books
        from engine.failpoints import armed
        from engine.ids import TimeIds
        from engine.pipeline.gateway import Gateway
        from engine.pipeline.services import Services

        def observe(name: str, call: ApiCall) -> None:
            gateway.observer(name)(call)
            if metrics is not None:
                metrics.api_call(name, call.status, call.milliseconds / 1000)

        names = self.config.connections if connected else ()
        connectors: dict[str, Connector] = {
            name: self._connector_or_stand_in(name, partial(observe, name))
            for name in names
            if name != books.CONNECTION
        }
        if books.CONNECTION in self.config.connections:
            connectors[books.CONNECTION] = Books(
                store, self.config.books.at_invoice, self.config.books.reporting
            )
        gateway = Gateway(connectors, store, self.clock)
        return Services(
            config=self.config,
            store=store,
            gateway=gateway,
            clock=self.clock,
            ids=TimeIds(self.clock),
            random=SystemRandom(),
            failpoint=armed(self.environ),
        )

    def spool_place(self) -> SpoolPlace:
        """Where the receiver keeps requests: a file of its own, or a table of the database."""
        from engine.store.spool_database import SpoolPlace

        if self.config.store is None:
            return SpoolPlace(file=self.state / SPOOL_FILE)
        return SpoolPlace(url=self.config.store)

    def spool(self) -> SpoolFeed:
        """What the receiver has kept, for the engine to take in."""
        from engine.spool_feed import SpoolFeed
        from engine.store.spool_reader import PositionFile, SpoolReader

        told = PositionFile(self.state / POSITION_FILE)
        return SpoolFeed(SpoolReader(self.spool_place()), told, self.spool_eraser())

    def spool_eraser(self) -> SpoolEraser:
        """What has webhook requests about forgotten persons erased."""
        from engine.spool_feed import SpoolEraser
        from engine.store.spool_reader import EraseFile

        told = EraseFile(self.state / ERASE_FILE)
        return SpoolEraser(self.spool_place(), told, self.config.receiver.keep, self._erasing)

    def receivers(self) -> dict[str, Callable[[WebhookRequest], Receipt]]:
        """What verifies and reads the webhooks of each connection that can receive them."""
        found: dict[str, Callable[[WebhookRequest], Receipt]] = {}
        for name, connection in self.config.connections.items():
            if name == books.CONNECTION or connection.missing:
                continue
            receive = registry.receiver(connection.connector)
            if receive is not None:
                found[name] = partial(receive, connection.settings)
        return found

    def spec(self, connection: str) -> ConnectorSpec:
        """What a connection's connector declares."""
        return connector_specs()[self.config.connections[connection].connector]

    def receiver_parts(self, address: Callable[[], None]) -> Parts:
        """Everything the receiver works with; ``address`` is called when it serves."""
        import structlog

        from engine.observe.metrics import ReceiverMetrics
        from engine.observe.notify import LogNotifier
        from engine.receiver import SpoolReports
        from engine.receiving.application import Parts
        from engine.receiving.limits import ReceiverLimits
        from engine.store.spool import Spool, SpoolLimits
        from engine.store.spool_reader import EraseFile, PositionFile
        from engine.store.vault import Vault

        logger = structlog.get_logger("receiver")
        metrics, notifier = ReceiverMetrics(), LogNotifier(logger)
        receiver = self.config.receiver
        position = PositionFile(self.state / POSITION_FILE)
        spool = Spool(
            self.spool_place(),
            self.clock,
            SpoolReports(metrics, notifier),
            limits=SpoolLimits(
                spool_max_bytes=receiver.spool_max_mb * 1024 * 1024, keep=receiver.keep
            ),
            consumed=position.read,
            erase=EraseFile(self.state / ERASE_FILE).read,
        )
        return Parts(
            receivers=self.receivers(),
            public_url=receiver.public_url or f"http://{receiver.host}:{receiver.port}",
            state=self.state,
            spool=spool,
            vault=Vault(self.key()),
            clock=self.clock,
            metrics=metrics,
            notifier=notifier,
            logger=logger,
            limits=ReceiverLimits(body_max_bytes=receiver.body_max_bytes),
            started=address,
        )

    def make_state(self) -> Path:
        """The state folder, made if it is not there; only its owner may look inside."""
        self.state.mkdir(mode=0o700, parents=True, exist_ok=True)
        return self.state


def open_project(
    path: Path, environ: Mapping[str, str], clock: Clock, warn: Warn = lambda _text: None
) -> Project:
    """Read a project: a folder with ``revline.yaml``, or the file itself; with its ``.env``.

    Raises :class:`~engine.errors.ConfigErrors` with every fault, ``BrokenConnector`` for a
    connector whose declaration does not hold.
    """
    environ = with_env_file(path if path.is_dir() else path.parent, environ, warn)
    config = load(path, environ, connector_specs())
    return Project(config=config, environ=environ, clock=clock, warn=warn)


@contextmanager
def closing(store: Store) -> Iterator[Store]:
    """Seal what is not sealed and close, whatever happens inside the block."""
    try:
        yield store
    finally:
        with contextlib.suppress(OSError):
            store.seal()
        store.close()


def outside(config: Config) -> Mapping[str, ConnectionConfig]:
    """The connections to other systems: all but the built-in source."""
    return {name: one for name, one in config.connections.items() if name != books.CONNECTION}


def configured(config: Config) -> Mapping[str, ConnectionConfig]:
    """The connections that a running sync uses."""
    used = {
        end.connection
        for sync in config.syncs.values()
        if sync.enabled != "false"
        for end in (sync.source, sync.target)
    }
    return {name: one for name, one in config.connections.items() if name in used}


def lacks(connection: ConnectionConfig) -> str:
    """What a connection needs before it can be used, as a sentence."""
    names = ", ".join(connection.missing)
    plural = "variables {} are" if len(connection.missing) > 1 else "variable {} is"
    return f"connection {connection.name}: the environment {plural.format(names)} not set"


def _at(connection: ConnectionConfig, message: str) -> ConfigError:
    """A fault of a connection, at its place in the file."""
    file, line, column = connection.place.rsplit(":", 2)
    return ConfigError(file, int(line), int(column), message)


def unobserved(call: ApiCall) -> None:
    """For calls outside the engine, which are not counted."""
