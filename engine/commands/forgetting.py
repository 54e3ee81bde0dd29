"""Forgetting a person: the act, with the engine or without."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from engine.control import ControlError
from engine.model import Address
from engine.pipeline.services import Services
from engine.spool_feed import SpoolEraser
from engine.store import forgetting, ledger
from engine.store.database import StillReadError
from engine.store.sql import Tx

OPERATOR: Final = "operator"


def persons(services: Services, start: Address) -> tuple[Address, ...]:
    """The records that are one person with this one. Raises :class:`ControlError` if unknown."""
    store = services.store
    with store.read() as tx:
        found = forgetting.relatives(tx, store.payloads, start)
        if not forgetting.known(tx, found):
            raise ControlError(
                "unknown_record",
                f"nothing is stored about {start}",
                "write CONNECTION.OBJECT/ID, as in hubspot.contacts/4711",
            )
    return found


def forget(services: Services, eraser: SpoolEraser, start: Address) -> dict[str, object]:
    """Erase everything stored about one person; returns the records and the places.

    May be done again: an interrupted one is finished so. Raises :class:`ControlError`.
    """
    persons(services, start)
    now = services.clock.now()
    records: list[Address] = []
    places: dict[str, int] = {}
    still_read = False
    try:
        with services.store.erasing() as tx:
            _erase(services, tx, start, records, places)
    except StillReadError:
        still_read = True
    places["webhook requests"] = eraser.erase(records, now)
    if still_read:
        raise ControlError(
            "still_read",
            f"{start} is forgotten, but traces are left in the store: somebody reads it",
            "end what reads the store, a backup or a query, then forget the record again",
        )
    names = ("connection", "object", "id")
    shown = [{name: getattr(one, name) for name in names} for one in records]
    return {"records": shown, "erased": places}


def _erase(
    services: Services, tx: Tx, start: Address, records: list[Address], places: dict[str, int]
) -> None:
    """Erase what the store has; ``records`` and ``places`` are filled with what it was."""
    store = services.store
    records += forgetting.relatives(tx, store.payloads, start)
    if forgetting.in_hand(tx, records):
        raise ControlError(
            "in_hand",
            f"a write about {start} is under way or in doubt",
            "settle what `revline issues list` says of it; otherwise it ends by itself: wait until "
            "`revline status` shows it no longer, or run `revline run --once`",
        )
    places.update(forgetting.erase(tx, store.payloads, records, services.clock.now()))
    _tell(services, tx, records)


def _tell(services: Services, tx: Tx, records: Sequence[Address]) -> None:
    lines = [
        ledger.Line(
            time=services.clock.now(),
            sync="",
            operation="forget",
            outcome=OPERATOR,
            config=services.config.digest,
            source=one,
        )
        for one in records
    ]
    ledger.append(tx, lines)
