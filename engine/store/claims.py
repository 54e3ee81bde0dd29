"""Create claims: the right to create the record with a given identity or match value."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import bindparam, delete, select, update

from engine.model import Address
from engine.store.sql import Tx, chunks, put_new
from engine.store.tables import create_claim

BUSINESS_KEY: Final = "business key"
FRESH: Final = timedelta(minutes=15)
"""How long a fulfilled claim answers for the record: longer than any search index lags."""


@dataclass(frozen=True, slots=True)
class Claim:
    """A value that only one source record may bring into being on a target object.

    ``key`` names the rule or identity field; ``digest`` is keyed, of the normalised value.
    """

    connection: str
    object: str
    key: str
    digest: str


@dataclass(frozen=True, slots=True)
class Holder:
    """Who holds a claim, and what came of it."""

    delivery: int
    source: Address
    target_id: str | None
    taken_at: datetime
    lasting: bool = False

    def outdated(self, now: datetime) -> bool:
        """Whether the create is long past: by now a search tells more than the claim does.

        The claim to a business key lasts: no search finds it.
        """
        if self.lasting or self.target_id is None:
            return False
        return self.taken_at + FRESH <= now


def holders(tx: Tx, claims: Iterable[Claim]) -> dict[Claim, Holder]:
    """Who holds these claims; a free one is left out."""
    groups: dict[tuple[str, str, str], list[str]] = {}
    for claim in claims:
        groups.setdefault((claim.connection, claim.object, claim.key), []).append(claim.digest)
    found: dict[Claim, Holder] = {}
    for (connection, object, key), digests in groups.items():
        for part in chunks(digests):
            rows = tx.execute(
                select(create_claim).where(
                    create_claim.c.connection == connection,
                    create_claim.c.object == object,
                    create_claim.c.key == key,
                    create_claim.c.digest.in_(part),
                )
            )
            for row in rows:
                source = Address(row.source_connection, row.source_object, row.source_id)
                holder = Holder(
                    row.delivery, source, row.target_id, row.taken_at, key == BUSINESS_KEY
                )
                found[Claim(connection, object, key, row.digest)] = holder
    return found


def take(
    tx: Tx, wanted: Sequence[tuple[Claim, int, Address]], now: datetime
) -> dict[Claim, Holder]:
    """Take the claims that are free or outdated; returns who holds each of them now."""
    present = holders(tx, [claim for claim, _number, _source in wanted])
    for claim, holder in present.items():
        if holder.outdated(now):
            _drop(tx, claim)
    put_new(
        tx,
        create_claim,
        [
            {
                "connection": claim.connection,
                "object": claim.object,
                "key": claim.key,
                "digest": claim.digest,
                "delivery": number,
                "source_connection": source.connection,
                "source_object": source.object,
                "source_id": source.id,
                "taken_at": now,
            }
            for claim, number, source in wanted
        ],
    )
    return holders(tx, [claim for claim, _number, _source in wanted])


@dataclass(frozen=True, slots=True)
class Fulfilment:
    """A create that succeeded: whose it was, and the record that came of it."""

    delivery: int
    source: Address
    object: str
    target_id: str


def _drop(tx: Tx, claim: Claim) -> None:
    tx.execute(
        delete(create_claim).where(
            create_claim.c.connection == claim.connection,
            create_claim.c.object == claim.object,
            create_claim.c.key == claim.key,
            create_claim.c.digest == claim.digest,
        )
    )


def fulfil(tx: Tx, made: Sequence[Fulfilment]) -> None:
    """These creates succeeded: whoever asks for their values now is told the record."""
    if not made:
        return
    tx.execute(
        update(create_claim)
        .where(
            create_claim.c.delivery == bindparam("by"),
            create_claim.c.source_object == bindparam("of_object"),
            create_claim.c.source_id == bindparam("of_id"),
            create_claim.c.object == bindparam("on"),
        )
        .values(target_id=bindparam("became")),
        [
            {
                "by": item.delivery,
                "of_object": item.source.object,
                "of_id": item.source.id,
                "on": item.object,
                "became": item.target_id,
            }
            for item in made
        ],
    )


def release(tx: Tx, delivery: int, source: Address, object: str) -> None:
    """The create did not happen: the values are free again."""
    tx.execute(
        delete(create_claim).where(
            create_claim.c.delivery == delivery,
            create_claim.c.source_object == source.object,
            create_claim.c.source_id == source.id,
            create_claim.c.object == object,
            create_claim.c.target_id.is_(None),
        )
    )


def forget_target(tx: Tx, connection: str, object: str, target_id: str) -> None:
    """The record is gone: its values may be created again."""
    tx.execute(
        delete(create_claim).where(
            create_claim.c.connection == connection,
            create_claim.c.object == object,
            create_claim.c.target_id == target_id,
        )
    )
