# ruff: noqa: S101 - a contract is made of assertions
"""Capabilities and waivers: a connector says why it lacks something, and the reason must hold."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, TypeVar

import pytest

from connectors import base
from connectors.testing.bench import Bench

T = TypeVar("T", bound=Callable[..., object])

PROTOCOLS: Final = {
    protocol.__name__: protocol
    for protocol in (
        base.Describes,
        base.Polls,
        base.Lists,
        base.Removals,
        base.Searches,
        base.Parents,
        base.Children,
        base.Resolves,
        base.Writes,
        base.SetsUp,
    )
}
CAPABILITIES: Final = frozenset({*PROTOCOLS, "Merges", "Webhooks", "Transport"})
REASON_MIN_CHARACTERS: Final = 15


def needs(*capabilities: str) -> Callable[[T], T]:
    """Marks a test that only makes sense for a connector with these capabilities."""
    unknown = set(capabilities) - CAPABILITIES
    if unknown:
        raise ValueError(f"no such capability: {', '.join(sorted(unknown))}")

    def mark(test: T) -> T:
        test.__dict__["needs"] = capabilities
        return test

    return mark


def has(bench: Bench, capability: str) -> bool:
    """Whether the connector has a capability."""
    match capability:
        case "Merges":
            return bench.sample.merges
        case "Webhooks":
            return bench.hooks is not None
        case "Transport":
            return bench.abuse is not None
        case "Parents" | "Children":
            return bench.sample.child is not None and isinstance(
                bench.connector, PROTOCOLS[capability]
            )
    return isinstance(bench.connector, PROTOCOLS[capability])


class Waivers:
    """Holds a connector to its capabilities, and its waivers to the truth."""

    waivers: dict[str, str] = {}  # noqa: RUF012 - a declaration, replaced by each connector

    @pytest.fixture(autouse=True)
    def _held(self, request: pytest.FixtureRequest, bench: Bench) -> None:
        name = request.node.originalname
        if name in self.waivers:
            reason = self.waivers[name]
            request.node.add_marker(pytest.mark.xfail(reason=reason, strict=True))
        for capability in getattr(request.function, "needs", ()):
            if has(bench, capability):
                continue
            if capability not in self.waivers:
                pytest.fail(f"{bench.kind} lacks {capability} and waives it with no reason")
            pytest.skip(f"{bench.kind} has no {capability}: {self.waivers[capability]}")

    def test_waivers_are_not_stale(self, bench: Bench) -> None:
        """A waiver names a gap that is there, and says why in a sentence."""
        for name, reason in self.waivers.items():
            assert len(reason) >= REASON_MIN_CHARACTERS, f"the waiver of {name} gives no reason"
            if name in CAPABILITIES:
                assert not has(bench, name), f"{name} is waived and there"
            else:
                assert hasattr(self, name), f"{name} is waived and neither capability nor test"
