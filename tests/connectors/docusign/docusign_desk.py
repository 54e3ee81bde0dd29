"""Our connector at work on a simulated account."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any
from uuid import uuid4

from connectors.base import ApiCall, Confirmed, Failed, Wiring
from connectors.docusign.connector import DocuSign, build
from connectors.errors import CallError
from connectors.records import Change, Identity, Operation, Record, Selection, Value
from sandbox.docusign import INTEGRATION_KEY, ORDER_FORM_ID, USER_ID, private_key_pem
from sandbox.docusign.simulator import DocuSignSimulator
from sandbox.simulator import Mutation

ROLES: tuple[Mapping[str, Value], ...] = (
    {"roleName": "Customer", "name": "Ada Ng", "email": "ada@acme.example"},
    {"roleName": "Revline", "name": "Sam Fox", "email": "sam@revline.example"},
)
SENT: Mapping[str, Value] = {
    "templateId": ORDER_FORM_ID,
    "templateRoles": ROLES,
    "status": "sent",
    "emailSubject": "Please sign",
}


@dataclass
class Desk:
    """The connector at work on a simulated account."""

    simulator: DocuSignSimulator
    url: str
    observed: list[ApiCall] = field(default_factory=list)
    more: dict[str, str] = field(default_factory=dict)
    provoked: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.connector = self.build()

    def settings(self) -> dict[str, str]:
        """The settings of the connection."""
        given = {
            "auth_url": self.url,
            "integration_key": INTEGRATION_KEY,
            "user_id": USER_ID,
            "private_key": private_key_pem(),
        }
        return {**given, **self.more}

    def build(self) -> DocuSign:
        """The same connector anew, as after a restart."""
        wiring = Wiring(self.simulator.now, self.observed.append, allow_loopback=True)
        return build(self.settings(), wiring)

    def wait(self, **time: float) -> None:
        """Let the account's clock run."""
        self.simulator.clock.shift(timedelta(**time))

    def person(self, word: str, id: str | None = None, **fields: Any) -> Any:
        """What a person does; the envelope afterwards."""
        with self.simulator.lock:
            return self.simulator.mutate(Mutation("envelopes", word, id, fields))

    def signed(self, id: str) -> None:
        """Everybody signs."""
        self.person("sign", id)
        self.person("sign", id)

    def change(self, operation: Operation, **parts: Any) -> Change:
        """A change with a key of its own."""
        usual = {"key": uuid4().hex, "operation": operation, "object": "envelopes", "fields": {}}
        return Change(**{**usual, **parts})

    def apply(self, change: Change) -> Confirmed | CallError:
        """What became of one change."""
        (outcome,) = self.connector.apply([change])
        return outcome.error if isinstance(outcome, Failed) else outcome

    def done(self, change: Change) -> Confirmed:
        """A change that takes effect."""
        outcome = self.apply(change)
        assert isinstance(outcome, Confirmed), getattr(outcome, "message", outcome)
        return outcome

    def send(self, identity: str | None = None, **fields: Value) -> str:
        """Send an envelope; its id."""
        named = Identity("transactionId", identity) if identity else None
        change = self.change(Operation.CREATE, fields={**SENT, **fields}, identity=named)
        return self.done(change).id

    def update(self, id: str, fields: Mapping[str, Value]) -> Confirmed | CallError:
        """Change an envelope."""
        return self.apply(self.change(Operation.UPDATE, id=id, fields=fields))

    def act(self, id: str, action: str, **fields: Value) -> Confirmed | CallError:
        """Act on an envelope."""
        return self.apply(self.change(Operation.ACT, id=id, action=action, fields=fields))

    def read(self, id: str, *fields: str) -> Record:
        """One record."""
        (record,) = self.connector.read(Selection("envelopes", tuple(sorted(fields))), [id])
        return record

    def rows(self) -> list[Mapping[str, Any]]:
        """What the account holds."""
        with self.simulator.lock:
            return list(self.simulator.account.envelopes.values())

    def calls(self, start: int = 0) -> list[tuple[str, str]]:
        """Method and last part of the path of every call since."""
        return [(one.method, one.path.rpartition("/")[2]) for one in self.observed[start:]]

    def fault(self, action: str, method: str, path: str, **more: Any) -> None:
        """Something goes wrong with the next such call."""
        match = {"method": method, "path": path}
        self.simulator.faults.add({"match": match, "action": action, "times": 1, **more})
