"""The memory account as a world for the contract."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime, timedelta

from connectors.memory.faults import Fault, FaultKind, FaultPlan, Rule
from connectors.memory.system import MemorySystem
from connectors.records import Identity, Ref, Value


class TickingClock:
    """A clock that moves a little at every look, unless told to stand still."""

    def __init__(self, start: datetime) -> None:
        self.at = start
        self.step = timedelta(milliseconds=1)

    def __call__(self) -> datetime:
        self.at += self.step
        return self.at


class MemoryWorld:
    """Drives a :class:`MemorySystem` behind a connector's back."""

    def __init__(self, system: MemorySystem, clock: TickingClock, faults: FaultPlan) -> None:
        self.system = system
        self.clock = clock
        self.faults = faults

    def create(self, object: str, fields: Mapping[str, Value]) -> str:
        return self.system.create(object, fields).ref.id

    def update(self, object: str, id: str, fields: Mapping[str, Value]) -> None:
        self.system.update(object, id, fields)

    def remove(self, object: str, id: str) -> None:
        self.system.archive(object, id)

    def merge(self, object: str, survivor: str, loser: str) -> None:
        self.system.merge(object, survivor, loser)

    def associate(self, left: Ref, right: Ref) -> None:
        link = self.system.declared(right.object).parents[left.object]
        if link:
            self.system.update(right.object, right.id, {link: left.id})
        else:
            self.system.associate(left, right)

    def settle(self) -> None:
        self.clock.at += timedelta(seconds=12)

    @contextmanager
    def still(self) -> Iterator[None]:
        step, self.clock.step = self.clock.step, timedelta(0)
        try:
            yield
        finally:
            self.clock.step = step

    def now(self) -> datetime:
        return self.clock.at

    def calls(self) -> int:
        return self.system.calls.total()

    def lose_next_answer(self) -> None:
        self.faults.add(Rule(Fault(FaultKind.ANSWER_LOST), "apply"))

    def living(self, object: str, identity: Identity) -> int:
        counted = self.system.counts()[object].get(identity.value)
        return 0 if counted is None else len(counted["ids"])
