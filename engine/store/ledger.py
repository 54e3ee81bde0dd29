"""The ledger: lines that are only ever added, numbered and chained by one sealer.

A line is written in the transaction of the change it tells of. Sealing gives committed lines their
place (``seq``), the hash before (``prev``) and their own (``hash``), keyed, over the exact stored
bytes. The head (last seq and hash) is also kept in a file outside the store, so that a ledger that
was cut short or put back to an older state does not pass.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import orjson
from sqlalchemy import bindparam, select, text, update

from engine.files import replace_file
from engine.model import Address
from engine.store.sql import Tx, insert_many, put_many
from engine.store.tables import ledger, meta
from engine.store.vault import Vault

HEAD: Final = "ledger_head"
START: Final = "0" * 64
SEAL_LINES_MAX: Final = 5_000
ADVISORY_LOCK: Final = 7_306_001


@dataclass(frozen=True, slots=True)
class Line:
    """One decision that matters. Ids, codes, amounts and digests only: no text of the outside."""

    time: datetime
    sync: str
    operation: str
    outcome: str
    config: str
    source: Address | None = None
    target: Address | None = None
    business_key: str | None = None
    code: str | None = None
    body_digest: str | None = None
    request_id: str | None = None
    intent: str | None = None
    amount: str | None = None
    currency: str | None = None
    counts: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Head:
    """The last sealed line."""

    seq: int
    hash: str


@dataclass(frozen=True, slots=True)
class Verification:
    """What verifying found. ``fault`` is ``None`` when every line is in its place, unaltered."""

    lines: int
    unsealed: int
    head: Head
    fault: str | None = None
    fault_seq: int | None = None


def _shown(address: Address | None) -> dict[str, str] | None:
    if address is None:
        return None
    return {"connection": address.connection, "object": address.object, "id": address.id}


def line_text(line: Line) -> str:
    """The exact text that is stored and chained."""
    shown: dict[str, Any] = {
        "time": line.time.astimezone(UTC).isoformat(timespec="microseconds"),
        "sync": line.sync,
        "source": _shown(line.source),
        "target": _shown(line.target),
        "business_key": line.business_key,
        "operation": line.operation,
        "outcome": line.outcome,
        "code": line.code,
        "body_digest": line.body_digest,
        "request_id": line.request_id,
        "config": line.config,
        "intent": line.intent,
    }
    if line.amount is not None:
        shown["amount"], shown["currency"] = line.amount, line.currency
    if line.counts:
        shown["counts"] = dict(line.counts)
    return orjson.dumps(shown).decode()


def append(tx: Tx, lines: Sequence[Line]) -> None:
    """Add lines, in order."""
    insert_many(tx, ledger, [{"line": line_text(line)} for line in lines])


_UNSEALED: Final = select(ledger.c.number).where(ledger.c.seq.is_(None)).limit(1)
_HEAD: Final = select(meta.c.value).where(meta.c.key == HEAD)


def unsealed(tx: Tx) -> bool:
    """Whether there are lines without a place."""
    return tx.execute(_UNSEALED).first() is not None


def seal(tx: Tx, vault: Vault) -> Head:
    """Number and chain what is committed and not sealed yet. One sealer at a time."""
    if tx.dialect.name == "postgresql":
        tx.execute(text(f"SELECT pg_advisory_xact_lock({ADVISORY_LOCK})"))
    head = stored_head(tx)
    rows = tx.execute(
        select(ledger.c.number, ledger.c.line)
        .where(ledger.c.seq.is_(None))
        .order_by(ledger.c.number)
        .limit(SEAL_LINES_MAX)
    )
    sealed = []
    for row in rows:
        hash = _hash(vault, head.seq + 1, head.hash, row.line)
        sealed.append({"at": row.number, "to_seq": head.seq + 1, "before": head.hash, "own": hash})
        head = Head(head.seq + 1, hash)
    if sealed:
        tx.execute(
            update(ledger)
            .where(ledger.c.number == bindparam("at"))
            .values(seq=bindparam("to_seq"), prev=bindparam("before"), hash=bindparam("own")),
            sealed,
        )
        put_many(tx, meta, [{"key": HEAD, "value": f"{head.seq}:{head.hash}"}])
    return head


def _hash(vault: Vault, seq: int, before: str, line: str) -> str:
    return vault.chain(str(seq).encode(), before.encode(), line.encode())


def stored_head(tx: Tx) -> Head:
    """The head as the store has it."""
    value = tx.execute(_HEAD).scalar()
    return parse_head(value) if value else Head(0, START)


def parse_head(value: str) -> Head:
    """A head from its text ``seq:hash``."""
    seq, _, hash = value.strip().partition(":")
    return Head(int(seq), hash)


def write_head(path: Path, head: Head) -> None:
    """Keep the head outside the store; the file is replaced as a whole."""
    replace_file(path, f"{head.seq}:{head.hash}\n".encode(), durable=True)


def read_head(path: Path) -> Head | None:
    """The head kept outside, if there is one."""
    return parse_head(path.read_text()) if path.exists() else None


def verify(tx: Tx, vault: Vault, outside: Head | None) -> Verification:
    """Walk the chain from its start and name the first line that is not as it was sealed."""
    # Asked for before walking: lines that are sealed meanwhile come after it.
    stored = stored_head(tx)
    ends = [end for end in (stored, outside) if end is not None and end.seq > 0]
    seq, before, lines = 0, START, 0
    for row in _walk(tx):
        lines += 1
        at = Head(seq, before)
        if row.seq != seq + 1:
            return Verification(lines, 0, at, f"line {seq + 1} is missing", seq + 1)
        if row.prev != before or row.hash != _hash(vault, row.seq, before, row.line):
            return Verification(lines, 0, at, f"line {row.seq} was altered", row.seq)
        seq, before = row.seq, row.hash
        if any(end.seq == seq and end.hash != before for end in ends):
            fault = f"line {seq} is not the one sealed"
            return Verification(lines, 0, Head(seq, before), fault, seq)
    head = Head(seq, before)
    if any(end.seq > seq for end in ends):
        return Verification(lines, 0, head, f"lines after {seq} were removed", seq + 1)
    if (known := stored_head(tx).seq) < seq:
        fault = f"the store's head was put back to line {known}"
        return Verification(lines, 0, head, fault, known + 1)
    open_lines = tx.execute(select(ledger.c.number).where(ledger.c.seq.is_(None))).all()
    return Verification(lines, len(open_lines), head)


def _walk(tx: Tx) -> Iterator[Any]:
    after = 0
    while True:
        rows = tx.execute(
            select(ledger.c.seq, ledger.c.prev, ledger.c.hash, ledger.c.line)
            .where(ledger.c.seq > after)
            .order_by(ledger.c.seq)
            .limit(SEAL_LINES_MAX)
        ).all()
        if not rows:
            return
        yield from rows
        after = rows[-1].seq


def exported(tx: Tx, after: int = 0, limit: int | None = None) -> Iterator[dict[str, Any]]:
    """Sealed lines with their place in the chain, in order."""
    given = 0
    while limit is None or given < limit:
        size = SEAL_LINES_MAX if limit is None else min(SEAL_LINES_MAX, limit - given)
        rows = tx.execute(
            select(ledger).where(ledger.c.seq > after).order_by(ledger.c.seq).limit(size)
        ).all()
        if not rows:
            return
        for row in rows:
            yield {"seq": row.seq, **orjson.loads(row.line), "prev": row.prev, "hash": row.hash}
        given += len(rows)
        after = rows[-1].seq


def newest(tx: Tx, limit: int) -> list[dict[str, Any]]:
    """The last lines, newest last, sealed or not."""
    rows = tx.execute(select(ledger).order_by(ledger.c.number.desc()).limit(limit)).all()
    return [
        {"seq": row.seq, **orjson.loads(row.line), "prev": row.prev, "hash": row.hash}
        for row in reversed(rows)
    ]
