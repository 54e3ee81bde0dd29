from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.receiver.receiver_kit import Running, running


@pytest.fixture(scope="module")
def receiver(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """One receiver for a module: small limits, so that abuse is cheap to act out."""
    state: Path = tmp_path_factory.mktemp("state")
    limits = {
        "body_max_bytes": 65_536,
        "receive_seconds": 1.0,
        "answer_seconds": 3.0,
        "idle_seconds": 1,
        "connections_max": 40,
        "connections_per_address_max": 30,
    }
    with running(state, limits=limits) as found:
        yield found
