"""How many rows a second the store takes: ``python -m tests.store.rates [postgresql://…]``."""

from __future__ import annotations

import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from engine.model import Closing, DeliveryState, Want
from engine.store import deliveries, inbox
from engine.store.store import Store
from tests.store.conftest import KEY, LEASE, NOW
from tests.store.store_kit import SYNC, row

ROWS = 10_000
BATCH = 500


class Rates:
    """Seconds spent per kind of work."""

    def __init__(self) -> None:
        self._seconds: dict[str, float] = {}

    @contextmanager
    def of(self, name: str) -> Iterator[None]:
        start = time.perf_counter()
        yield
        self._seconds[name] = self._seconds.get(name, 0.0) + time.perf_counter() - start

    def __str__(self) -> str:
        return ", ".join(f"{name} {ROWS / spent:,.0f}" for name, spent in self._seconds.items())


def measure(store: Store) -> Rates:
    """Bring rows through the store in batches, as the pipeline does."""
    rates = Rates()
    for first in range(0, ROWS, BATCH):
        rows = [row(n, event_key=f"e{n}", snapshot=b"x" * 400) for n in range(first, first + BATCH)]
        with rates.of("add"), store.write() as tx:
            inbox.add(tx, rows)
    for _ in range(0, ROWS, BATCH):
        with rates.of("want and route"), store.write() as tx:
            new = inbox.unrouted(tx, BATCH)
            deliveries.want(tx, [Want(SYNC, item.address, item.seq, NOW, NOW) for item in new])
            inbox.routed(tx, [(item.seq, 1, None) for item in new])
    for _ in range(0, ROWS, BATCH):
        with rates.of("claim"), store.write() as tx:
            claimed = deliveries.claim(tx, SYNC, BATCH, NOW, LEASE)
        with rates.of("close"), store.write() as tx:
            done = [Closing(item, DeliveryState.DONE, NOW) for item in claimed]
            deliveries.close(tx, done, NOW)
    return rates


if __name__ == "__main__":
    url = sys.argv[1] if len(sys.argv) > 1 else None
    with (
        tempfile.TemporaryDirectory() as folder,
        closing(Store.open(url, Path(folder), KEY)) as opened,
    ):
        print(f"rows a second in batches of {BATCH}: {measure(opened)}")
