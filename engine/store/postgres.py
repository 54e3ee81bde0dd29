"""PostgreSQL: how its connections are set up, and how its nodes know of each other.

Several engines may share one database. What SQLite gives by having one writer, PostgreSQL gives by
a lock that every writing transaction takes first: a transaction never decides on something that
another is just changing, and two of them cannot wait for each other. Claims, leases and calls to
other systems are what the nodes do side by side; transactions are short.
"""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator
from typing import Final

from sqlalchemy import URL, Connection, Engine, create_engine, make_url, text
from sqlalchemy.exc import DBAPIError, SQLAlchemyError

DRIVER: Final = "postgresql+psycopg"
WRITER_LOCK: Final = 7_306_002
PRESENCE_LOCK: Final = 7_306_003
POOL_SIZE: Final = 8
CONNECT_SECONDS: Final = 10
LOCK_WAIT_MILLISECONDS: Final = 60_000
# A node that stops in the middle of a transaction loses it before the others run out of patience.
IDLE_MILLISECONDS: Final = 30_000


def driver_url(url: str) -> URL:
    """A database's URL with the driver we use: people write ``postgresql://…``."""
    parsed = make_url(url)
    if parsed.drivername in ("postgres", "postgresql"):
        return parsed.set(drivername=DRIVER)
    return parsed


def main_engine(url: str, *, read_only: bool) -> Engine:
    """Connections to the main store. Opened when they are first needed."""
    parsed = driver_url(url)
    settings = {
        "lock_timeout": LOCK_WAIT_MILLISECONDS,
        "idle_in_transaction_session_timeout": IDLE_MILLISECONDS,
        "synchronous_commit": "on",
        "default_transaction_read_only": "on" if read_only else "off",
    }
    given = parsed.query.get("options", "")
    options = [given] if isinstance(given, str) else list(given)
    options += [f"-c {name}={value}" for name, value in settings.items()]
    return create_engine(
        parsed,
        isolation_level="READ COMMITTED",
        pool_size=POOL_SIZE,
        max_overflow=POOL_SIZE,
        pool_pre_ping=True,
        hide_parameters=True,
        connect_args={
            "options": " ".join(options).strip(),
            "connect_timeout": CONNECT_SECONDS,
            "application_name": "revline",
        },
    )


def one_writer(connection: Connection) -> None:
    """Wait until no other transaction writes. Held until this one ends."""
    connection.execute(text(f"SELECT pg_advisory_xact_lock({WRITER_LOCK})"))


class Presence:
    """This node's sign of life: a lock on a connection that ends with the process.

    Thread-safe.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._connection: Connection | None = None
        self._lock = threading.Lock()

    @contextlib.contextmanager
    def arriving(self) -> Iterator[bool]:
        """Become present. Tells whether nobody else is; no other node arrives during the block."""
        with self._lock:
            connection = self._opened()
            alone = bool(
                connection.execute(
                    text(f"SELECT pg_try_advisory_lock({PRESENCE_LOCK})")
                ).scalar_one()
            )
            try:
                yield alone
            finally:
                self._share(connection)
                if alone:
                    connection.execute(text(f"SELECT pg_advisory_unlock({PRESENCE_LOCK})"))

    def renew(self) -> None:
        """Be present again if the connection was lost; nothing for one that never arrived."""
        with self._lock:
            before = self._connection
            if before is not None and self._opened() is not before:
                self._share(self._opened())

    def leave(self) -> None:
        """Give the place up."""
        with self._lock:
            self._drop()

    @staticmethod
    def _share(connection: Connection) -> None:
        connection.execute(text(f"SELECT pg_advisory_lock_shared({PRESENCE_LOCK})"))

    @staticmethod
    def _alive(connection: Connection) -> bool:
        try:
            connection.execute(text("SELECT 1"))
        except DBAPIError:
            return False
        return True

    def _opened(self) -> Connection:
        if self._connection is not None and not self._alive(self._connection):
            self._drop()
        if self._connection is None:
            connection = self._engine.connect().execution_options(isolation_level="AUTOCOMMIT")
            # Not the pool's any more: a lock of the session must end when we close.
            connection.detach()
            self._connection = connection
        return self._connection

    def _drop(self) -> None:
        connection, self._connection = self._connection, None
        if connection is None:
            return
        with contextlib.suppress(SQLAlchemyError):
            # The server would find out by itself, but only some time after we are gone.
            connection.execute(text("SELECT pg_advisory_unlock_all()"))
        with contextlib.suppress(SQLAlchemyError):
            connection.close()
