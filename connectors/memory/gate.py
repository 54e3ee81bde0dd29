"""The one way into a memory account for its connector: hooks, faults, counting."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import count
from typing import Final, TypeVar

from connectors.base import ApiCall, Wiring
from connectors.errors import CallError
from connectors.memory.faults import BEFORE, Fault, FaultKind, FaultPlan, MemoryCall
from connectors.memory.system import MemorySystem

Hook = Callable[[MemoryCall, str], None]
In = TypeVar("In")
Out = TypeVar("Out")


class Gate:
    """Makes calls. ``on_call`` runs outside any transaction, before and after each of them."""

    def __init__(
        self, system: MemorySystem, wiring: Wiring | None, faults: FaultPlan, on_call: Hook | None
    ) -> None:
        self.on_call = on_call
        self.faults: Final = faults
        self._system = system
        self._wiring = wiring
        self._numbers = count(1)

    def call(
        self, kind: str, object: str, size: int, work: Callable[[Sequence[Fault]], Out]
    ) -> Out:
        """One call; ``work`` is given the faults that it has to play itself."""
        call = MemoryCall(next(self._numbers), kind, object, size)
        if self.on_call is not None:
            self.on_call(call, "before")
        faults = self.faults.draw(call)
        with self._system.tables.atomic():
            self._system.tables.count("call", object, kind)
        status: int | None = None
        try:
            for fault in faults:
                if fault.kind in BEFORE or fault.kind is FaultKind.BATCH_REFUSED:
                    raise fault.error()
            result = work(faults)
            status = 200
        except CallError as error:
            status = error.status
            raise
        finally:
            if self._wiring is not None:
                self._wiring.observe(ApiCall("POST", f"/{object}/{kind}", status, 0))
        if self.on_call is not None:
            self.on_call(call, "after")
        return result

    def ask(self, kind: str, object: str, size: int, work: Callable[[], Out]) -> Out:
        """One call that only reads, in one transaction."""

        def transaction(_: Sequence[Fault]) -> Out:
            with self._system.tables.atomic():
                return work()

        return self.call(kind, object, size, transaction)

    def ask_each(
        self, kind: str, object: str, items: Sequence[In], size: int, work: Callable[[In], Out]
    ) -> list[Out]:
        """As many reading calls as the batch size asks for; one answer per item, in order."""
        found: list[Out] = []
        for start in range(0, len(items), size):
            found += self._ask_part(kind, object, items[start : start + size], work)
        return found

    def _ask_part(
        self, kind: str, object: str, part: Sequence[In], work: Callable[[In], Out]
    ) -> list[Out]:
        return self.ask(kind, object, len(part), lambda: [work(item) for item in part])
