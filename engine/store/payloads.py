"""The payload store: everything with a source's values in it is sealed and opened here.

Values lie sealed (AES-256-GCM, the purpose as associated data) in the row that needs them, and go
with it. What is about a person is sealed with a key of that person's own, which lies sealed in
``person_key``: without it, no copy of those bytes can ever be opened again, wherever it is kept.
The spool alone seals by itself: whom a request is about is known only once it was taken in.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterable, Sequence
from typing import Any, Final, TypeAlias

from sqlalchemy import delete, select

from engine.model import Address
from engine.store.person_tables import person_key
from engine.store.sql import Tx, chunks, insert
from engine.store.vault import KEY_BYTES, Sealer, Vault, WrongKeyError

IsPerson: TypeAlias = Callable[[str, str], bool]
"""Whether an object of a connection stands for a person: (connection, object)."""

OURS: Final = b"\x00"
A_PERSONS: Final = b"\x01"
_MARK_BYTES: Final = len(OURS)
ID_BYTES: Final = 12
_HEAD_BYTES: Final = _MARK_BYTES + ID_BYTES
_KEY_PURPOSE: Final = "person key "


class ErasedError(Exception):
    """The person's key was erased: these values cannot be read any more, by anyone."""


def nobody(_connection: str, _object: str) -> bool:
    """No object stands for a person: for a store without a configuration."""
    return False


class Payloads:
    """Seals and opens values, whole batches at a time. Thread-safe."""

    __slots__ = ("_is_person", "_vault")

    def __init__(self, vault: Vault, is_person: IsPerson = nobody) -> None:
        self._vault = vault
        self._is_person = is_person

    def is_person(self, address: Address) -> bool:
        """Whether a record stands for a person."""
        return self._is_person(address.connection, address.object)

    def concerns(self, source: Address, target: Address | None = None) -> Address | None:
        """Whose key seals what goes from one record to another; ``None``: nobody's.

        A record that becomes a person on the other side is about that person here too.
        """
        if self.is_person(source) or (target is not None and self.is_person(target)):
            return source
        return None

    def seal(
        self, tx: Tx, items: Sequence[tuple[Address | None, bytes]], purpose: str
    ) -> list[bytes]:
        """Seal values, each with the key of the person it is about. Same order."""
        subjects = {person: self._subject(person) for person, _data in items if person is not None}
        keys = self._keys(tx, sorted(set(subjects.values())))
        sealed = []
        for person, data in items:
            if person is None:
                sealed.append(OURS + self._vault.seal(data, purpose))
            else:
                id, sealer = keys[subjects[person]]
                sealed.append(A_PERSONS + bytes.fromhex(id) + sealer.seal(data, purpose))
        return sealed

    def open(self, tx: Tx, sealed: Sequence[bytes], purpose: str) -> list[bytes | None]:
        """Open values; ``None`` where the person's key was erased. Raises ``WrongKeyError``."""
        ids = [_key_of(item) for item in sealed]
        sealers = self._sealers(tx, sorted({id for id in ids if id is not None}))
        opened: list[bytes | None] = []
        for id, item in zip(ids, sealed, strict=True):
            if id is None:
                opened.append(self._vault.open(item[_MARK_BYTES:], purpose))
            elif id in sealers:
                opened.append(sealers[id].open(item[_HEAD_BYTES:], purpose))
            else:
                opened.append(None)
        return opened

    def open_one(self, tx: Tx, sealed: bytes, purpose: str) -> bytes:
        """Open one value. Raises :class:`ErasedError` and ``WrongKeyError``."""
        (opened,) = self.open(tx, [sealed], purpose)
        if opened is None:
            raise ErasedError(f"what was stored for {purpose} is about a person who was forgotten")
        return opened

    def erase(self, tx: Tx, persons: Iterable[Address]) -> int:
        """Erase persons' keys for good; what they sealed is lost. Returns how many there were."""
        erased = 0
        for part in chunks(sorted({self._subject(person) for person in persons})):
            gone = tx.execute(delete(person_key).where(person_key.c.subject.in_(part)))
            erased += gone.rowcount
        return erased

    def _subject(self, person: Address) -> str:
        """What a person's key is filed under: a keyed digest of the record's address."""
        parts = (person.connection, person.object, person.id)
        framed = b"".join(len(data).to_bytes(4, "big") + data for data in map(str.encode, parts))
        return self._vault.digest(b"person" + framed)

    def _keys(self, tx: Tx, subjects: Sequence[str]) -> dict[str, tuple[str, Sealer]]:
        """The persons' keys with their ids, by subject; one that is missing is made."""
        found = self._of_subjects(tx, subjects)
        missing = [subject for subject in subjects if subject not in found]
        if missing:
            made = insert(tx, person_key).on_conflict_do_nothing(index_elements=["subject"])
            tx.execute(made, [self._new_key(subject) for subject in missing])
            # Read back: another engine may have made one of them first.
            found.update(self._of_subjects(tx, missing))
        return found

    def _of_subjects(self, tx: Tx, subjects: Sequence[str]) -> dict[str, tuple[str, Sealer]]:
        found: dict[str, tuple[str, Sealer]] = {}
        for part in chunks(subjects):
            rows = tx.execute(select(person_key).where(person_key.c.subject.in_(part)))
            found.update({row.subject: (row.id, self._opened(row)) for row in rows})
        return found

    def _sealers(self, tx: Tx, ids: Sequence[str]) -> dict[str, Sealer]:
        found: dict[str, Sealer] = {}
        for part in chunks(ids):
            rows = tx.execute(select(person_key).where(person_key.c.id.in_(part)))
            found.update({row.id: self._opened(row) for row in rows})
        return found

    def _opened(self, row: Any) -> Sealer:
        return Sealer(self._vault.open(bytes(row.sealed), _KEY_PURPOSE + row.id))

    def _new_key(self, subject: str) -> dict[str, object]:
        id = secrets.token_hex(ID_BYTES)
        sealed = self._vault.seal(secrets.token_bytes(KEY_BYTES), _KEY_PURPOSE + id)
        return {"id": id, "subject": subject, "sealed": sealed}


def _key_of(sealed: bytes) -> str | None:
    """Whose key opens it; ``None``: ours. Raises ``WrongKeyError`` for bytes that nobody sealed."""
    mark = sealed[:_MARK_BYTES]
    if mark == OURS:
        return None
    if mark == A_PERSONS and len(sealed) > _HEAD_BYTES:
        return sealed[_MARK_BYTES:_HEAD_BYTES].hex()
    raise WrongKeyError("what is stored was not sealed by Revline")
