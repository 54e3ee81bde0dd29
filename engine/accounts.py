"""Which account a connection opens: pinned at first contact, and compared ever after."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from connectors.errors import CallError
from connectors.records import AccountIdentity
from engine.model import Address
from engine.pipeline.gateway import UnavailableError
from engine.pipeline.services import Services
from engine.store import connections, ledger

ACCOUNT_CHANGED: Final = "ACCOUNT_CHANGED"


@dataclass(frozen=True, slots=True)
class Account:
    """The account that answered, and the one that is pinned."""

    answered: AccountIdentity
    pinned: AccountIdentity

    @property
    def same(self) -> bool:
        return self.answered.id == self.pinned.id


def identify(services: Services, connection: str) -> Account:
    """Ask which account answers, and pin it if none is.

    Another account than the pinned one pauses the connection: its links would point at strangers.
    Raises ``CallError`` or ``UnavailableError``.
    """
    answered = services.gateway.read(connection, lambda connector: connector.check(), "check")
    now = services.clock.now()
    with services.store.write() as tx:
        pinned = connections.pin(tx, connection, answered)
        account = Account(answered, pinned)
        if not account.same:
            reason = (
                f"account {answered.id} answers, but this project's records are linked to account "
                f"{pinned.id}"
            )
            connections.pause(tx, connection, ACCOUNT_CHANGED, reason, now)
            line = ledger.Line(
                time=now,
                sync="",
                operation="pause",
                outcome="held",
                config=services.config.digest,
                source=Address(connection, "", ""),
                code=ACCOUNT_CHANGED,
            )
            ledger.append(tx, [line])
    if not account.same:
        services.gateway.refresh()
    return account


def identify_all(services: Services, names: Iterable[str]) -> list[str]:
    """Identify connections; returns those that could not be asked now."""
    unknown = []
    for name in names:
        try:
            identify(services, name)
        except (CallError, UnavailableError):
            unknown.append(name)
    return unknown
