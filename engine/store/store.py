"""The main store: a database with our schema, and the key to what is sealed in it."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Final

from sqlalchemy.exc import IntegrityError

from engine.store import ledger, streams
from engine.store.database import Database
from engine.store.payloads import IsPerson, Payloads, nobody
from engine.store.schema import every_table
from engine.store.sql import Tx
from engine.store.vault import Vault

SCHEMA: Final = "1"
MAIN_FILE: Final = "revline.db"
SPOOL_FILE: Final = "spool.db"
HEAD_FILE: Final = "ledger.head"


StoreConflict = IntegrityError
"""Two rows that may not both be: the transaction is rolled back whole."""


class NewerSchemaError(Exception):
    """The store was written by a newer Revline."""


class Store:
    """Opens transactions; the table groups in this package say what happens in them."""

    def __init__(
        self,
        database: Database,
        vault: Vault,
        head_file: Path | None = None,
        is_person: IsPerson = nobody,
    ) -> None:
        self.database = database
        self.vault = vault
        self.payloads = Payloads(vault, is_person)
        self.head_file = head_file
        self._head_lock = threading.Lock()

    @classmethod
    def open(
        cls,
        url: str | None,
        state: Path,
        key: bytes,
        *,
        read_only: bool = False,
        is_person: IsPerson = nobody,
    ) -> Store:
        """The project's store: the SQLite file in ``state``, or the database at ``url``.

        A missing schema is created. ``is_person`` tells whose values get keys of their own. Raises
        :class:`NewerSchemaError`.
        """
        if not read_only:
            state.mkdir(mode=0o700, parents=True, exist_ok=True)
        if url is None:
            database = Database.file(state / MAIN_FILE, read_only=read_only)
        else:
            database = Database(url, read_only=read_only)
        store = cls(database, Vault(key), state / HEAD_FILE, is_person)
        if not read_only:
            store.create()
        return store

    def create(self) -> None:
        """Create the tables that are not there, and check the schema's version."""
        with self.database.write() as tx:
            every_table.create_all(tx)
            version = streams.get_meta(tx, "schema")
            if version is None:
                streams.put_meta(tx, "schema", SCHEMA)
            elif int(version) > int(SCHEMA):
                raise NewerSchemaError(
                    f"the store has schema {version}, this Revline knows {SCHEMA}: "
                    "install the newer Revline again"
                )

    @contextmanager
    def write(self) -> Iterator[Tx]:
        """A transaction. On SQLite its ledger lines are sealed in it."""
        with self.database.write() as tx:
            before = self.database.changes(tx)
            yield tx
            if self.database.sqlite and self.database.changes(tx) != before:
                while ledger.unsealed(tx):
                    ledger.seal(tx, self.vault)

    @contextmanager
    def erasing(self) -> Iterator[Tx]:
        """A transaction like :meth:`write`; what it deletes is gone from the files too."""
        with self.database.erasing() as tx:
            yield tx
            if self.database.sqlite and ledger.unsealed(tx):
                ledger.seal(tx, self.vault)

    def seal(self) -> ledger.Head:
        """Seal what is not sealed yet, and keep the head outside the store."""
        if not self.database.sqlite:
            self.database.keep_place()
            with self.database.write() as tx:
                ledger.seal(tx, self.vault)
        with self._head_lock:
            with self.read() as tx:
                head = ledger.stored_head(tx)
            if self.head_file is not None and ledger.read_head(self.head_file) != head:
                ledger.write_head(self.head_file, head)
        return head

    def read(self) -> AbstractContextManager[Tx]:
        """A look at what is committed."""
        return self.database.read()

    def close(self) -> None:
        """Close every connection."""
        self.database.close()
