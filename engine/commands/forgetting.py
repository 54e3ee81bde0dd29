"""Forgetting a person: the act, with the engine or without."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from engine.control import ControlError
from engine.model import Address
from engine.pipeline.services import Services
from engine.spool_feed import SpoolEraser
from engine.store import forgetting, ledger
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
    store, now = services.store, services.clock.now()
    with store.erasing() as tx:
        records = forgetting.relatives(tx, store.payloads, start)
        if forgetting.in_hand(tx, records):
            raise ControlError(
                "in_hand",
                f"a write about {start} is under way or in doubt",
                "wait until `revline status` shows it no longer, or run `revline run --once`",
            )
        places = forgetting.erase(tx, store.payloads, records, now)
        _tell(services, tx, records)
    places["webhook requests"] = eraser.erase(records, now)
    names = ("connection", "object", "id")
    shown = [{name: getattr(one, name) for name in names} for one in records]
    return {"records": shown, "erased": places}


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
