"""Digests of values and records: what we compare without keeping the values."""

from __future__ import annotations

from collections.abc import Iterable

from connectors.records import Fields, Record, Value
from engine.store import codec
from engine.store.vault import Vault


def value_digest(vault: Vault, value: Value) -> str:
    """The digest of one value; blank text counts as no value at all.

    Outer blanks and the kind of line break do not count either: systems drop or change them on
    save, and what comes back would look like an edit.
    """
    if isinstance(value, str):
        value = value.replace("\r\n", "\n").strip() or None
    return vault.digest(codec.dump(value))


def field_digests(vault: Vault, fields: Fields) -> dict[str, str]:
    """Digests by field name."""
    return {name: value_digest(vault, value) for name, value in fields.items()}


def record_hash(vault: Vault, record: Record) -> str:
    """One digest of everything that was read of a record, except its modified time."""
    return vault.digest(
        codec.dump(
            {
                "fields": dict(record.fields),
                "associations": {name: tuple(ids) for name, ids in record.associations.items()},
                "life": record.life.value,
                "absorbed": tuple(sorted(record.absorbed)),
                "successor": str(record.successor) if record.successor else None,
            }
        )
    )


def body_digest(vault: Vault, fields: Fields) -> str:
    """The digest of what is sent."""
    return vault.digest(codec.dump_fields(fields))


def joined(parts: Iterable[str]) -> bytes:
    """Parts framed by their lengths, so that no two lists look the same."""
    return b"".join(len(data).to_bytes(4, "big") + data for data in map(str.encode, parts))
